import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { OperatorError } from '../base/operator-error.ts';
import { Budget } from './budget.ts';
import { cachedSize, compile, matches, replaceAll } from './regexp.ts';
import { programSize } from './regexp-size.ts';

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

  it.each([
    ['four patterns of a thousand repetitions, 584 times', 'x{1000}'.repeat(584), 'TooMuchWork'],
    ['repetitions in repetitions', '((x{10}){10}){11}', 'InvalidSpec'],
    ['a repetition of more than Go allows', 'x{1001}', 'InvalidSpec'],
    ['a group whose inside is large', `(${'ab'.repeat(50)}){1000}`, 'TooMuchWork'],
    ['a crowd of Unicode classes', '\\pL'.repeat(1_300), 'TooMuchWork'],
    ['an open group of many', `(?:${'x{900}'.repeat(20)}`, 'TooMuchWork'],
  ])('are refused without being compiled: %s', (_, pattern, reason) => {
    const startedMs = performance.now();
    expect(() => compile(pattern)).toThrow(expect.objectContaining({ reason }));
    expect(performance.now() - startedMs).toBeLessThan(50);
  });

  it.each(['x{1000}', '(x{10}){100}', '[]{9}]{3}', '\\Q{1001}\\E', 'x{,5}', '[[:alpha:]{9}]{2}', '\\p{Greek}{3}'])(
    'may be as large as %s',
    (pattern) => {
      expect(() => compile(pattern)).not.toThrow();
    },
  );

  it('never take more instructions than they were said to', () => {
    const atom = fc.constantFrom(
      'a',
      '.',
      '[ab]',
      '\\d',
      '(a|bc)',
      '(?:x+y)',
      '\\Qa.b\\E',
      '^',
      '$',
      '\\b',
      '\\x{41}',
      'é',
    );
    const repeat = fc.constantFrom('', '*', '+?', '?', '{3}', '{2,}', '{0,7}', '{4,5}');
    const piece = fc.tuple(atom, repeat).map(([left, right]) => left + right);
    const group = fc
      .tuple(fc.array(piece, { minLength: 1 }), repeat)
      .map(([pieces, times]) => `(${pieces.join('')})${times}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, group), { maxLength: 8 }), (parts) => {
        const pattern = parts.join('');
        const { instructions } = programSize(pattern);
        // Beyond the atoms a program has a few instructions of its own.
        expect(RE2JS.compile(pattern).programSize()).toBeLessThanOrEqual(instructions * 2 + 10);
      }),
    );
  });

  it('pay for what they read, and end when that is too much', () => {
    const budget = new Budget({ work: 10_000, held: 1, produced: 1_000 });
    expect(() => matches(compile('(a?){500}a{500}'), 'a'.repeat(5_000), budget)).toThrow(
      expect.objectContaining({ reason: 'TooMuchWork' }),
    );
    expect(() => replaceAll(compile('a'), 'aaaa', '$0'.repeat(1_000), { budget: new Budget(budget.left) })).toThrow(
      expect.objectContaining({ reason: 'TooMuchWork' }),
    );
  });

  it('are kept within a bound of bytes, however many states they grow', () => {
    for (let index = 0; index < 200; index++) matches(compile(`[ab]*a[ab]{${index}}`), 'ab'.repeat(20_000));
    expect(cachedSize().bytes).toBeLessThan(45 * 2 ** 20);
    expect(cachedSize().patterns).toBeLessThan(20);
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
