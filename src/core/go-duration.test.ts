import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTable, tableUrl } from '../../test/oracle/tables.ts';
import { OperatorError } from '../base/operator-error.ts';
import { formatGoDuration, formatGoDurationMs, parseGoDuration, parseGoDurationNs } from './go-duration.ts';

function ours(text: string): unknown {
  try {
    const ns = parseGoDurationNs(text);
    return [ns.toString(), formatGoDuration(ns)];
  } catch (error) {
    return error instanceof OperatorError && error.reason === 'InvalidSpec' ? null : error;
  }
}

describe('Go durations', () => {
  const cases = parseTable(readFileSync(tableUrl('duration'), 'utf8')) as [string, unknown][]; // recorded

  it('parse and print as in Go, to the nanosecond', () => {
    expect(cases.filter(([text, recorded]) => JSON.stringify(ours(text)) !== JSON.stringify(recorded))).toEqual([]);
    expect(cases.length).toBeGreaterThan(250);
  });

  it('become milliseconds', () => {
    const texts = ['1h30m', '1.5s', '250us', '-2m', '0', '999999h', '+999999h', '20ms'];
    const ms = [5_400_000, 1_500, 0.25, -120_000, 0, 3_599_996_400_000, 3_599_996_400_000, 20];
    expect(texts.map(parseGoDuration)).toEqual(ms);
  });

  it('are the same in milliseconds, whichever way they are read', () => {
    const number = fc.oneof(fc.nat(9_999_999).map(String), fc.constantFrom('0', '007', '999999', '1.5', ''));
    const text = fc
      .tuple(number, fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h', 'd', ''))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (each) => {
        const signed = `+${each}`; // a sign is beyond the short way
        if (ours(each) === null) expect(() => parseGoDuration(each)).toThrow(OperatorError);
        else expect(parseGoDuration(each)).toBe(parseGoDuration(signed));
      }),
    );
  });

  it('name the value when they cannot be read', () => {
    expect(() => parseGoDuration('5 minutes')).toThrow(/"5 minutes"/);
  });

  it('read back what was printed', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        (ns) => parseGoDurationNs(formatGoDuration(ns)) === ns,
      ),
    );
  });

  it('print milliseconds with their fraction', () => {
    expect([3_600_000, 1.5, 0, -250, 90_061_000].map(formatGoDurationMs)).toEqual([
      '1h0m0s',
      '1.5ms',
      '0s',
      '-250ms',
      '25h1m1s',
    ]);
  });
});
