import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { OperatorError } from '../base/operator-error.ts';
import { isJson, jsonMemberText, jsonObjectMembers } from './json-text.ts';

const cases = parseTable(readFileSync(tableUrl('members'), 'utf8')) as [
  string,
  Readonly<Record<string, string>> | null,
][]; // recorded

function ours(text: string): ReadonlyMap<string, string> | null {
  try {
    return new Map(Array.from(jsonObjectMembers(text), ([name, raw]) => [name, jsonMemberText(raw)]));
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'InvalidValue') return null;
    throw error;
  }
}

describe('the members of a JSON object', () => {
  it.each(cases)('are those that Go reads from %j', (text, recorded) => {
    expect(ours(text)).toEqual(recorded === null ? null : new Map(Object.entries(recorded)));
  });

  it('keep the raw text, blanks included', () => {
    expect([...jsonObjectMembers('{ "a" : [ 1.50 , {"b" :2} ] , "c":1E+2 }')]).toEqual([
      ['a', '[ 1.50 , {"b" :2} ]'],
      ['c', '1E+2'],
    ]);
  });

  it('may nest as deep as Go allows, and no deeper', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(ours(nested(10_000))?.size).toBe(1);
    expect(ours(nested(10_001))).toBeNull();
    expect(ours(`{"a":${'['.repeat(1_000_000)}`)).toBeNull();
  });

  it('are never quoted when they cannot be read', () => {
    for (const text of ['{"canary":canary}', '"canary"', '{"a":"canary"', '{"a":1} canary']) {
      expect(() => jsonObjectMembers(text)).toThrow(expect.objectContaining({ reason: 'InvalidValue' }));
      expect(() => jsonObjectMembers(text)).not.toThrow(/canary/);
    }
  });
});

describe('strict JSON', () => {
  it('is what JSON.parse accepts', () => {
    const nearJson = fc.string({
      unit: fc.constantFrom(...Array.from('{}[]",:\\ 01-+.eE\ntu'), 'true', 'null', '"a"', '\\u00e9'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.oneof(fc.json(), nearJson), (text) => isJson(text) === isParsable(text)),
      { numRuns: 2_000 },
    );
  });
});

function isParsable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
