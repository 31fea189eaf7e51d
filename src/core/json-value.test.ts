import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl, tableValue } from '../../test/oracle/tables.ts';
import { OperatorError } from '../base/operator-error.ts';
import { encodeJson, parseJsonObject, valueText } from './json-value.ts';

function ours(text: string): unknown {
  try {
    const object = parseJsonObject(text);
    const numbers = [...object].filter(([, member]) => typeof member === 'number');
    const texts = Object.fromEntries(numbers.map(([name, member]) => [name, valueText(member)]));
    return tableValue([encodeJson(object, { escapeHtml: true }), encodeJson(object, { escapeHtml: false }), texts]);
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'InvalidValue') return null;
    throw error;
  }
}

describe('a JSON object decoded and written again', () => {
  const cases = parseTable(readFileSync(tableUrl('merge'), 'utf8')) as [string, unknown][]; // recorded

  it.each(cases)('is what Go makes of %j', (text, recorded) => {
    // Go decodes a bare null into no map at all, and writes null; as a value to merge it has no members.
    const expected = Array.isArray(recorded) && recorded[0] === 'null' ? ['{}', '{}', {}] : recorded;
    expect(ours(text)).toEqual(expected);
  });

  it('has a bound to its depth', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(ours(nested(400))).not.toBeNull();
    expect(ours(nested(9_000))).toBeNull();
  });
});
