import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { everything, parsePath, writtenStep } from './path.ts';

describe('a property path', () => {
  it.each([
    ['', []],
    ['root', ['root']],
    ['root.nested', ['root', 'nested']],
    ['root["nested"]', ['root', 'nested']],
    ['root.double["nest"].deep', ['root', 'double', 'nest', 'deep']],
    ['root[0]', ['root', 0]],
    ['root[*].name', ['root', everything, 'name']],
    ['root[100].nested["k"][2]', ['root', 100, 'nested', 'k', 2]],
    ['["root key with a ."].nested', ['root key with a .', 'nested']],
    ['root["key with \\"escaped\\" quotes"]', ['root', 'key with "escaped" quotes']],
    ['root["a\\\\b"]', ['root', 'a\\b']],
    ['aws:region', ['aws:region']],
    ['root.["nested"]', ['root', 'nested']],
    ['["__proto__"]', ['__proto__']],
  ] as const)('%j has the steps %j', (path, steps) => {
    expect(parsePath(path)).toEqual(steps);
  });

  it.each(['.a', 'a.', 'a..b', 'a[', 'a[]', 'a[x]', 'a["b', 'a["b"', 'a["b"]c', 'a]b', 'a[-1]', 'x'.repeat(3_000)])(
    '%j is refused',
    (path) => {
      expect(() => parsePath(path)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
    },
  );

  it('leads back to any name and number that it is written from', () => {
    const step = fc.oneof(fc.string(), fc.nat(999_999));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const written = steps.map(writtenStep).join('').replace(/^\./, '');
        fc.pre(!written.includes('\\u') && !/\\[^"\\]/.test(written.replaceAll('\\\\', '')));
        expect(parsePath(written)).toEqual(steps);
      }),
    );
  });
});
