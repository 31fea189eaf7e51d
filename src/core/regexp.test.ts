import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { OperatorError } from './operator-error.ts';
import { compile, matches, replaceAll } from './regexp.ts';

function ours(pattern: string, text: string, template: string): unknown {
  try {
    const regexp = compile(pattern);
    return [matches(regexp, text), replaceAll(regexp, text, template)];
  } catch (error) {
    return error instanceof OperatorError && error.reason === 'InvalidSpec' ? null : error;
  }
}

/** Accepted by Go and refused by re2js. */
const knownDifferences = ['(?P<x>a)(?P<x>b)'];

describe('regular expressions', () => {
  const cases = parseTable(readFileSync(tableUrl('regexp'), 'utf8')) as [[string, string, string], unknown][]; // recorded

  it('compile, match and replace as in Go', () => {
    const different = cases
      .map(([input, recorded]) => ({ input, recorded, ours: ours(...input) }))
      .filter((row) => JSON.stringify(row.ours) !== JSON.stringify(row.recorded));
    expect([...new Set(different.map(({ input }) => input[0]))]).toEqual(knownDifferences);
    expect(cases.filter(([, recorded]) => recorded === null).length).toBeGreaterThan(100);
  });

  it('take linear time where backtracking takes for ever', () => {
    expect(matches(compile('(a+)+$'), `${'a'.repeat(100_000)}b`)).toBe(false);
  });

  it('are refused with the pattern quoted and a reason given', () => {
    expect(() => compile('a(b')).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec', message: expect.stringContaining('"a(b"') }),
    );
  });

  it('are refused when they are too long', () => {
    expect(() => compile('a'.repeat(5_000))).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });

  it('are compiled once, and the oldest forgotten', () => {
    const first = compile('first');
    expect(compile('first')).toBe(first);
    for (let index = 0; index < 255; index++) compile(`filler ${index}`);
    expect(compile('first')).toBe(first);
    for (let index = 0; index < 256; index++) compile(`other filler ${index}`);
    expect(compile('first')).not.toBe(first);
  });
});
