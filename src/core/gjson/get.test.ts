import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTable, tableText, tableUrl } from '../../../test/oracle/tables.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { getPath } from './get.ts';
import { propertyText, text, writtenText } from './result.ts';

/** What the table holds of a result: kind, raw text, and the string view where these two do not tell it. */
function shown(json: string, path: string): readonly string[] | null {
  const found = getPath(json, path);
  if (found === undefined) return null;
  const view = text(found);
  const hasOwnText = found.kind === 'string' || (found.kind === 'number' && view !== found.raw);
  return (hasOwnText ? [found.kind, found.raw, view] : [found.kind, found.raw]).map(tableText);
}

function reasonOf(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof OperatorError ? error.reason : 'foreign';
  }
}

describe('a gjson path', () => {
  const [documents, ...cases] = parseTable(readFileSync(tableUrl('gjson'), 'utf8')) as [
    string[],
    ...[number, string, unknown][],
  ]; // recorded

  it('finds what tidwall/gjson finds, in sound and in broken documents', () => {
    const different = cases
      .map(([document, path, recorded]) => ({
        json: documents[document],
        path,
        recorded,
        ours: shown(documents[document] ?? '', path),
      }))
      .filter(({ recorded, ours }) => JSON.stringify(ours) !== JSON.stringify(recorded));
    expect(different).toEqual([]);
    expect(cases.length).toBeGreaterThan(5000);
    expect(cases.filter(([, , recorded]) => recorded !== null).length).toBeGreaterThan(2000);
  });

  it('finds the first of two equal keys', () => {
    expect(getPath('{"a":1,"a":2}', 'a')?.raw).toBe('1');
  });

  it('finds the value under any key, once its special characters are escaped', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' })),
        (object) => {
          for (const [key, value] of Object.entries(object)) {
            const path = key.replaceAll(/[^a-zA-Z0-9\u0080-\u{10ffff}]/gu, '\\$&');
            expect(writtenTextAt(JSON.stringify(object), path)).toBe(value);
          }
        },
      ),
    );
  });

  it('reads every document that JSON.parse reads, and changes no value by @ugly and @pretty', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(JSON.parse(getPath(`[${json}]`, '0|@tostr|@fromstr')?.raw ?? '')).toEqual(JSON.parse(json));
        expect(JSON.parse(getPath(`[${json}]`, '@ugly')?.raw ?? '')).toEqual([JSON.parse(json)]);
        expect(JSON.parse(getPath(`[${json}]`, '@pretty:{"sortKeys":true}')?.raw ?? '')).toEqual([JSON.parse(json)]);
      }),
    );
  });

  it('never throws anything but InvalidSpec, whatever document and path are', () => {
    const anything = fc.string({
      unit: fc.constantFrom(...Array.from('{}[]()"\\:,.|#@!*?=<>~%a1 é\n')),
      maxLength: 40,
    });
    fc.assert(
      fc.property(anything, anything, (json, path) =>
        ['none', 'InvalidSpec'].includes(reasonOf(() => getPath(json, path))),
      ),
    );
  });
});

function writtenTextAt(json: string, path: string): string | undefined {
  const found = getPath(json, path);
  return found === undefined ? undefined : writtenText(found);
}

describe('the text of a result', () => {
  const document =
    '{"f":1.50,"e":1e5,"i":12345678901234567890123,"neg":-7,"t":true,"n":null,"s":"a\\n\\u00e9","o":{"x": 1.50},"tiny":1e-9,"huge":1.5e300}';
  const views = (path: string) => {
    const found = getPath(document, path);
    return found === undefined ? [] : [propertyText(found), writtenText(found)];
  };

  it.each([
    ['f', '1.5', '1.50'],
    ['e', '100000', '1e5'],
    ['i', '12345678901234567890123', '12345678901234567890123'],
    ['neg', '-7', '-7'],
    ['t', 'true', 'true'],
    ['n', '', ''],
    ['s', 'a\né', 'a\né'],
    ['o', '{"x": 1.50}', '{"x": 1.50}'],
    ['tiny', '0.000000001', '1e-9'],
    ['huge', `15${'0'.repeat(299)}`, '1.5e300'],
  ])('of %s is %s as a property and %s as written', (path, property, written) => {
    expect(views(path)).toEqual([property, written]);
  });
});

describe('the bounds of a look-up', () => {
  const deepArray = '['.repeat(100_000) + ']'.repeat(100_000);
  const deepObject = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;

  it.each(['0', '0.0.0', '@ugly', '@valid', '@reverse', '@keys', '@tostr', '#.#', '#(#>0)#', '..#'])(
    'allow a document nested 100,000 deep to be read by %s',
    (path) => {
      expect(getPath(deepArray, path)?.raw).toMatch(/^[["\d]/);
    },
  );

  it.each([
    ['a path of many levels', deepObject, 'a.'.repeat(5_000), 'InvalidSpec'],
    ['a multipath in a multipath in …', '[{}]', `${'['.repeat(8_000)}a${']'.repeat(8_000)}`, 'InvalidSpec'],
    ['text that doubles with each pipe', '{"a":1}', Array(1_000).fill('[@this,@this]').join('|'), 'TooMuchWork'],
    ['escapes that double with each pipe', '{"a":"\\\\"}', Array(1_000).fill('@tostr').join('|'), 'TooMuchWork'],
    ['a search of everything inside of everything', deepObject, '@dig:a', 'TooMuchWork'],
    ['deep flattening of deep nesting', deepArray, '@flatten:{"deep":true}', 'InvalidSpec'],
    ['laying out deep nesting', deepArray, '@pretty', 'InvalidValue'],
    ['a path longer than any', '{}', 'a'.repeat(20_000), 'InvalidSpec'],
  ])('refuse %s', (_, json, path, reason) => {
    expect(reasonOf(() => getPath(json, path))).toBe(reason);
  });

  it('refuse without quoting the document', () => {
    expect(() => getPath('{"a":"canary"}', Array(100).fill('[@this,@this]').join('|'))).not.toThrow(/canary/);
  });
});
