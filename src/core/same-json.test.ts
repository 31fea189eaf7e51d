import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameJson } from './same-json.ts';

describe('sameJson', () => {
  it.each<[string, unknown, unknown, boolean]>([
    ['members in another order', { a: 1, b: [2] }, { b: [2], a: 1 }, true],
    ['a member more', { a: 1 }, { a: 1, b: 2 }, false],
    ['a member that is undefined', { a: 1, b: undefined }, { a: 1 }, true],
    ['items in another order', [1, 2], [2, 1], false],
    ['a list that is a beginning', [1], [1, 2], false],
    ['a list and an object with its members', ['a'], { 0: 'a' }, false],
    ['null and an empty object', null, {}, false],
    ['a name that every object has', { toString: 1 }, {}, false],
    ['text and number', '1', 1, false],
  ])('tells %s', (_, a, b, expected) => {
    expect(sameJson(a, b)).toBe(expected);
    expect(sameJson(b, a)).toBe(expected);
  });

  it('agrees with the text of JSON values whose members are in order', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(sameJson(a, JSON.parse(JSON.stringify(a)))).toBe(true);
        if (JSON.stringify(a) === JSON.stringify(b)) expect(sameJson(a, b)).toBe(true);
        expect(sameJson([a], [a, b])).toBe(false);
      }),
    );
  });
});
