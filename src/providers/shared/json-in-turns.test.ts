import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../../test/support/thread-time.ts';
import { parseInTurns } from './json-in-turns.ts';
import { mostParts } from './json-parts.ts';

const noTurn = async () => {};
const parse = (text: string) => parseInTurns(Buffer.from(text), JSON.parse, noTurn);
const filler = (bytes: number) => 'x'.repeat(bytes);

/** A document that is larger than a piece, around and between small ones. */
const large = fc
  .tuple(
    fc.json(),
    fc.json(),
    fc.constantFrom('', ' ', '\n\t'),
    fc.array(fc.constantFrom('"', '\\', '{', ']', 'é', '__proto__')),
  )
  .map(([one, two, space, odd]) => {
    const wide = JSON.stringify(Array.from({ length: 9_000 }, (_, at) => ({ at, odd: odd.join('') })));
    const spaced = wide.replaceAll(',{', `${space},${space}{`);
    return `${space}{"one":${one},"__proto__":${two},"wide"${space}:${spaced},"again":[${one},${wide},${two}],"one":1}${space}`;
  });

describe('a large answer that is read in turns', () => {
  it('is what JSON.parse makes of it', async () => {
    const check = async (text: string) => {
      expect(await parse(text)).toStrictEqual(JSON.parse(text));
    };
    await fc.assert(fc.asyncProperty(large, check), { numRuns: 10 });
  });

  it.each([
    ['a comma too many', `[1,,"${filler(70_000)}"]`],
    ['a comma at the end', `["${filler(70_000)}",]`],
    ['a comma behind a large member', `[[${'1,'.repeat(50_000)}1],]`],
    ['no comma behind a large member', `[[${'1,'.repeat(50_000)}1] 2]`],
    ['another bracket', `[${'1,'.repeat(50_000)}1}`],
    ['a name that is none', `{1:2,"a":"${filler(70_000)}"}`],
    ['no end', `[${'1,'.repeat(50_000)}`],
    ['no end of a string', `["${filler(70_000)}`],
    ['something behind it', `[${'1,'.repeat(50_000)}1]]`],
    ['a word that is none', `[${'1,'.repeat(50_000)}nul]`],
    ['no value', `{"a":,"b":"${filler(70_000)}"}`],
  ])('is none with %s', async (_, text) => {
    expect(() => JSON.parse(text)).toThrow();
    await expect(parse(text)).rejects.toThrow(SyntaxError);
  });

  it.each([
    ['one object has more members', `{${Array.from({ length: 120_000 }, (_, at) => `"k${at}":1`).join(',')}}`],
    ['one list has more items', `[${'1,'.repeat(mostParts)}1]`],
    ['one list has far more items', `{"secrets":[${'1,'.repeat(2_000_000)}1]}`],
    ['one list has more large items', `[${`${'1,'.repeat(mostParts - 1)}[${'1,'.repeat(50_000)}1]`},1]`],
  ])('is refused where %s than any, and the loop stays free', async (_, text) => {
    const stopwatch = new Stopwatch();
    await expect(parseInTurns(Buffer.from(text), JSON.parse, stopwatch.turn)).rejects.toThrow(RangeError);
    expect(stopwatch.longestMs).toBeLessThan(50);
  });

  it('is refused where it nests without end', async () => {
    const text = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await expect(parse(text)).rejects.toThrow(RangeError);
  });

  it.each([
    ['of numbers', `[${'1,'.repeat(mostParts - 1)}1]`],
    ['of lists of numbers', `[${Array.from({ length: 8 }, () => `[${'1,'.repeat(mostParts - 1)}1]`).join(',')}]`],
    ['of lists', `[${'[],'.repeat(240_000)}1]`],
    [
      'of secrets',
      JSON.stringify({
        secrets: Array.from({ length: 60_000 }, (_, at) => ({ secretKey: `K${at}`, secretValue: filler(120) })),
      }),
    ],
    ['of members', `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":${at}`).join(',')}}`],
  ])('leaves the loop free: large ones %s', async (_, text) => {
    const stopwatch = new Stopwatch();
    await parseInTurns(Buffer.from(text), JSON.parse, stopwatch.turn);
    expect(stopwatch.longestMs).toBeLessThan(50);
  });
});
