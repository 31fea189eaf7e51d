import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { convertKey, convertKeys, validateKeys } from './key-conversion.ts';

const invalidKey = expect.objectContaining({ reason: 'InvalidKey' });
const mapOf = (...keys: string[]) => new Map(keys.map((key, index) => [key, index]));

describe('conversionStrategy', () => {
  it.each([
    ['a/b', 'Default', 'a_b'],
    ['a/b', undefined, 'a_b'],
    ['a/b', 'Unicode', 'a_U002f_b'],
    ['a b', 'Unicode', 'a_U0020_b'],
    ['t\tb', 'Unicode', 't_U0009_b'],
    ['😀', 'Unicode', '_U1f600_'],
    ['😀', 'Default', '_'],
    ['x✓', 'Unicode', 'x_U2713_'],
    ['Größe-1.2_x', 'Default', 'Größe-1.2_x'],
    ['½Ⅷ一', 'Default', '½Ⅷ一'],
    ['e\u0301', 'Default', 'e_'],
    ['a/b', 'None', 'a/b'],
  ])('makes of %j with %s %j', (key, strategy, converted) => {
    expect(convertKey(key, strategy)).toBe(converted);
  });

  it('keeps exactly the letters and numbers that Go keeps, and those that Unicode has added since', () => {
    const [[, runs]] = parseTable(readFileSync(tableUrl('letters'), 'utf8')) as [[string, [number, number][]]]; // recorded
    const added: number[] = [];
    let run = 0;
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point < 0xe000) continue;
      while (point > (runs[run]?.[1] ?? Infinity)) run++;
      const isKeptByGo = point >= (runs[run]?.[0] ?? Infinity);
      const symbol = String.fromCodePoint(point);
      const isKept = convertKey(symbol, 'Default') === symbol;
      if (isKeptByGo) expect(isKept, `U+${point.toString(16)}`).toBe(true);
      else if (isKept && !'-._'.includes(symbol)) added.push(point);
    }
    // Node may know a younger Unicode than Go: scripts and ideographs that nobody names keys in.
    expect(added.every((point) => point > 0x800)).toBe(true);
    expect(runs.length).toBeGreaterThan(600);
  });

  it('refuses keys that meet, naming all of them', () => {
    expect(() => convertKeys(mapOf('a/b', 'a:b', 'c'), 'Default')).toThrow(invalidKey);
    expect(() => convertKeys(mapOf('a/b', 'a:b', 'c'), 'Default')).toThrow(/"a\/b" and "a:b" both become "a_b"/);
  });

  it('keeps apart under Unicode what Default would let meet', () => {
    expect([...convertKeys(mapOf('a/b', 'a:b'), 'Unicode').keys()]).toEqual(['a_U002f_b', 'a_U003a_b']);
  });

  it('knows no special keys', () => {
    expect([...convertKeys(mapOf('__proto__', 'constructor'), 'Default')]).toEqual([
      ['__proto__', 0],
      ['constructor', 1],
    ]);
  });

  it('leaves only valid keys, and changes them no more', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.constantFrom('Default', 'Unicode'),
        (key, strategy) => {
          const once = convertKey(key, strategy);
          expect(convertKey(once, strategy)).toBe(once);
          expect(validateKeys(mapOf(once)).size).toBe(once === '' ? 0 : 1);
        },
      ),
    );
  });
});

describe('valid keys', () => {
  it('stay, and an empty one is dropped', () => {
    expect([...validateKeys(mapOf('', 'a.b-c_D', 'ü')).keys()]).toEqual(['a.b-c_D', 'ü']);
  });

  it('have at most 253 bytes', () => {
    expect(validateKeys(mapOf('k'.repeat(253))).size).toBe(1);
    expect(() => validateKeys(mapOf('k'.repeat(254)))).toThrow(invalidKey);
    expect(() => validateKeys(mapOf('ü'.repeat(127)))).toThrow(invalidKey);
  });

  it('are told apart from all that are not', () => {
    expect(() => validateKeys(mapOf('a b', 'ok', 'c/d'))).toThrow(invalidKey);
    expect(() => validateKeys(mapOf('a b', 'ok', 'c/d'))).toThrow(/"a b" has " "; "c\/d" has "\/"$/);
  });
});
