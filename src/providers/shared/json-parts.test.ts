import { expect, it } from 'vitest';
import { hasTooManyParts, mostParts } from './json-parts.ts';

const lists = (count: number) => Buffer.from(`[${Array.from({ length: count - 1 }, () => '[]').join(',')}]`);
const text = (value: string) => Buffer.from(JSON.stringify({ secrets: [{ secretValue: value }] }));

it.each<[what: string, body: Buffer, expected: boolean]>([
  ['as many lists as may be', lists(mostParts), false],
  ['one list more', lists(mostParts + 1), true],
  [
    'as many objects',
    Buffer.from(
      lists(mostParts + 1)
        .toString()
        .replaceAll('[]', '{}'),
    ),
    true,
  ],
  ['brackets in a value', text('[{'.repeat(2 * mostParts)), false],
  ['brackets behind quotes in a value', text('"[{\\'.repeat(mostParts)), false],
  ['brackets behind a value that ends in a backslash', Buffer.concat([text('\\'), lists(mostParts)]), true],
  ['a string that does not end', Buffer.from(`"${'['.repeat(2 * mostParts)}\\`), false],
])('counts %s', (_what, body, expected) => {
  expect(hasTooManyParts(body)).toBe(expected);
});

it('looks through the largest answer in a moment', () => {
  const body = text('x'.repeat(32 * 2 ** 20));
  const startedMs = performance.now();
  expect(hasTooManyParts(body)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});
