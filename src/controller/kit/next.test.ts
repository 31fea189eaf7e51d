import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { type Reason, reasons } from '../../base/reasons.ts';
import { lanes } from '../lanes.ts';
import { type AfterFailure, afterFailure, apiServerOrigin, type Failing, isTold } from './next.ts';

const hour = 3_600_000;

function outcomeOf(reason: Reason, given: Partial<Failing> & { retryAfterMs?: number } = {}): AfterFailure {
  const { retryAfterMs } = given;
  const error = new OperatorError(reason, 'x', retryAfterMs === undefined ? {} : { retryAfterMs });
  const steady = { origin: '', failures: 1, conflicts: 0, intervalMs: hour, lane: lanes.periodic, random: () => 0 };
  return afterFailure({ error, ...steady, ...given });
}

const all = Object.keys(reasons) as Reason[]; // the keys of a closed table

describe('afterFailure', () => {
  it.each<
    [
      why: string,
      reason: Reason,
      given: Parameters<typeof outcomeOf>[1],
      afterMs: number | undefined,
      waitsFor?: string,
    ]
  >([
    ['a conflict, soon', 'Conflict', { conflicts: 1 }, 20],
    ['the fourth in a row, later', 'Conflict', { conflicts: 4 }, 160],
    ['one of many, in seconds', 'Conflict', { conflicts: 500 }, 5_000],
    ['a run that was ended early', 'Aborted', {}, 1_000],
    ['the API server away', 'ApiUnavailable', {}, 1_000, apiServerOrigin],
    ['the API server away for long', 'ApiUnavailable', { failures: 40 }, 30_000, apiServerOrigin],
    ['the API server away, with its own word', 'ApiUnavailable', { retryAfterMs: 7_000 }, 7_000, apiServerOrigin],
    ['the same beyond belief', 'ApiUnavailable', { retryAfterMs: 7_000_000 }, 30_000, apiServerOrigin],
    ['an upstream away', 'UpstreamUnavailable', { origin: 'https://a.test' }, undefined, 'https://a.test'],
    ['an upstream away that is not known', 'UpstreamUnavailable', {}, 1_000],
    ['a pause that the upstream names', 'UpstreamThrottled', { retryAfterMs: 9_000, origin: 'https://a.test' }, 9_000],
    ['what only a change mends', 'StoreNotFound', { intervalMs: 1_000 }, 600_000],
    ['the same at a long interval', 'StoreNotFound', {}, hour],
    ['a key that is missing', 'SecretNotFound', { failures: 3 }, 8_000],
    ['what runs out, before its end', 'UpstreamUnavailable', { failures: 20, hurryMs: 5_000 }, 5_000],
    ['the same soon enough anyhow', 'UpstreamUnavailable', { hurryMs: 5_000 }, 1_000],
    ['the same where the upstream names a pause', 'UpstreamThrottled', { retryAfterMs: 9_000, hurryMs: 5_000 }, 9_000],
    ['the same where only a change mends it', 'InvalidSpec', { intervalMs: 1_000, hurryMs: 5_000 }, 600_000],
  ])('brings back: %s', (_, reason, given, afterMs, waitsFor) => {
    const { next, waitsFor: waited } = outcomeOf(reason, given);
    expect([next?.afterMs, waited]).toEqual([afterMs, waitsFor]);
  });

  it('brings back everything, by itself or by the recovery of an origin', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.nat(100),
        fc.constantFrom('', 'https://a.test'),
        (reason, count, origin) => {
          const { next, waitsFor } = outcomeOf(reason, { failures: count + 1, conflicts: count + 1, origin });
          expect(next !== undefined || waitsFor !== undefined).toBe(true);
          expect(next?.afterMs ?? 1).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('lets events wait only while a conflict or a fault of the API server is waited out', () => {
    expect(all.filter((reason) => outcomeOf(reason).holds)).toEqual(['ApiUnavailable', 'Conflict']);
  });
});

describe('isTold', () => {
  it('keeps conflicts, shutdowns and passing faults of the API server from status and events, and nothing else', () => {
    const quiet = (failures: number) => all.filter((reason) => !isTold(new OperatorError(reason, 'x'), failures));
    expect(quiet(0)).toEqual(['ApiUnavailable', 'Conflict', 'Aborted']);
    expect(quiet(2)).toEqual(['Conflict', 'Aborted']);
  });
});
