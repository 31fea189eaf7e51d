import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { type Reason, reasons } from '../../base/reasons.ts';
import { failureNow, isSilent, silenceAfter } from './silence.ts';

const down = new OperatorError('UpstreamUnavailable', 'no answer');
const busy = (retryAfterMs?: number) =>
  new OperatorError('UpstreamThrottled', 'busy', retryAfterMs === undefined ? {} : { retryAfterMs });
const minute = 60_000;

describe('silence', () => {
  it('is what no answer is, as against an answer that says no', () => {
    const silent = (Object.keys(reasons) as Reason[]).filter((reason) => isSilent(new OperatorError(reason, '')));
    expect(silent.sort()).toEqual(['UpstreamInvalid', 'UpstreamThrottled', 'UpstreamUnavailable']);
  });

  it('is borne for 30 s from its beginning, however often it fails', () => {
    const first = silenceAfter(undefined, down, { nowMs: 1_000, dueMs: undefined, periodMs: minute });
    const later = silenceAfter(first, down, { nowMs: 20_000, dueMs: undefined, periodMs: minute });
    expect([first.patientUntilMs, later.patientUntilMs, later.sinceMs]).toEqual([31_000, 31_000, 1_000]);
  });

  it('that was asked for is borne until the object is a whole interval late', () => {
    const asked = silenceAfter(undefined, busy(5_000), { nowMs: 10_000, dueMs: 8_000, periodMs: 10 * minute });
    expect(asked.patientUntilMs).toBe(8_000 + 10 * minute);
  });

  it('that was asked for counts from its beginning where no wave is known', () => {
    const asked = silenceAfter(undefined, busy(5_000), { nowMs: 10_000, dueMs: undefined, periodMs: 10 * minute });
    expect(asked.patientUntilMs).toBe(10_000 + 10 * minute);
  });

  it('without a time that was asked for is none that was asked for', () => {
    const asked = silenceAfter(undefined, busy(), { nowMs: 10_000, dueMs: 8_000, periodMs: 10 * minute });
    expect(asked.patientUntilMs).toBe(40_000);
  });

  it('is never borne for less than 30 s, and tells its beginning for ever', () => {
    const lateness = fc.record({
      nowMs: fc.nat(1e6),
      dueMs: fc.option(fc.nat(1e6), { nil: undefined }),
      periodMs: fc.nat(1e7),
    });
    fc.assert(
      fc.property(fc.array(lateness, { minLength: 1 }), fc.boolean(), (steps, isThrottled) => {
        const times = [...steps].sort((a, b) => a.nowMs - b.nowMs);
        let silence: ReturnType<typeof silenceAfter> | undefined;
        for (const step of times) silence = silenceAfter(silence, isThrottled ? busy(1_000) : down, step);
        expect(silence?.sinceMs).toBe(times[0]?.nowMs);
        expect(silence?.patientUntilMs).toBeGreaterThanOrEqual((times[0]?.nowMs ?? 0) + 30_000);
      }),
    );
  });
});

describe('the failure that is told', () => {
  it('is the error itself when it names no time', () => {
    const silence = silenceAfter(undefined, down, { nowMs: 0, dueMs: undefined, periodMs: minute });
    expect(failureNow(silence, 40_000)).toBe(down);
  });

  it('names what is left of the time that was asked for, and never none', () => {
    const silence = silenceAfter(undefined, busy(60_000), { nowMs: 0, dueMs: undefined, periodMs: minute });
    expect(failureNow(silence, 45_000)).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 15_000 });
    expect(failureNow(silence, 90_000).retryAfterMs).toBe(1);
  });
});
