import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asOperatorError, explain, OperatorError } from './operator-error.ts';
import { type Reason, reasons } from './reasons.ts';

const reasonNames = Object.keys(reasons) as Reason[]; // the keys of a closed table

describe('OperatorError', () => {
  it('has a message of one line, whatever it is made from', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\r', '\t') }), (message) => {
        expect(new OperatorError('Internal', message).message).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it('keeps reason and delay when context is added, and the failure as the cause', () => {
    const inner = new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 5_000 });
    const outer = inner.within('spec.data[0]');
    expect([outer.reason, outer.retryAfterMs, outer.message]).toEqual([
      'UpstreamThrottled',
      5_000,
      'spec.data[0]: slow down',
    ]);
    expect(outer.cause).toBe(inner);
    expect(inner.message).toBe('slow down');
  });
});

describe('asOperatorError', () => {
  const ours = new OperatorError('Conflict', 'c');

  it.each<[why: string, thrown: unknown, reason: Reason]>([
    ['one of ours', ours, 'Conflict'],
    ['an aborted signal', AbortSignal.abort().reason, 'Aborted'],
    ['an abort by name', Object.assign(new Error('x'), { name: 'AbortError' }), 'Aborted'],
    ['a programming fault', new TypeError('x'), 'Internal'],
    ['a string', 'x', 'Internal'],
    ['nothing', undefined, 'Internal'],
  ])('translates %s', (_, thrown, reason) => {
    expect(asOperatorError(thrown).reason).toBe(reason);
  });

  it('hands ours through as it is', () => {
    expect(asOperatorError(ours)).toBe(ours);
  });

  it('does not repeat the text of a foreign error, which may quote what it was given', () => {
    for (const thrown of [new TypeError('cannot parse canary-1'), 'canary-1']) {
      expect(asOperatorError(thrown).message).not.toContain('canary-1');
    }
  });
});

describe('a hint', () => {
  it('of whoever throws takes the place of the table, also seen from further out', () => {
    const error = new OperatorError('ScopeNotFound', 'nothing there', { hint: 'check organization' });
    expect(explain(error.within('store'))).toBe('store: nothing there (check organization)');
  });
});

describe('reasons', () => {
  it.each(reasonNames)('%s says what comes next and what to do', (reason) => {
    const { next, baseDelayMs, hint } = reasons[reason];
    // A retry or a quiet requeue without a delay would be a hot loop; a stall has none, since it does not retry.
    expect(baseDelayMs > 0).toBe(next !== 'stall');
    expect(hint === '').toBe(next === 'quiet');
  });

  it.each(reasonNames)('%s is explained in one line that holds the message', (reason) => {
    const text = explain(new OperatorError(reason, 'what failed'));
    expect(text.startsWith('what failed')).toBe(true);
    expect(text).not.toMatch(/[\r\n]/);
    expect(text.includes(reasons[reason].hint)).toBe(true);
  });

  it('speak of no provider: each brings hints about its own fields', () => {
    const words = /infisical|pulumi|slug|hostAPI|apiUrl|\bfolder path\b/i;
    expect(reasonNames.filter((reason) => words.test(reasons[reason].hint))).toEqual([]);
  });
});
