import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSpecDue, nextWaveMs, retryDelayMs, type SyncRecord } from './refresh.ts';

const minute = 60_000;
const hour = 60 * minute;
const nowMs = Date.parse('2026-05-01T12:00:00Z');

describe('nextWaveMs', () => {
  const intervals = fc.oneof(
    fc.integer({ min: 1_000, max: 400 * 24 * hour }),
    fc.double({ min: 1_000, max: 1e7, noNaN: true }),
  );
  const instants = fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.double({ min: 0, max: 4e12, noNaN: true }));

  it('lies after the instant, at most one interval away, on a whole millisecond', () => {
    fc.assert(
      fc.property(fc.string(), intervals, instants, (key, intervalMs, afterMs) => {
        const next = nextWaveMs(key, intervalMs, afterMs);
        expect(next).toBeGreaterThan(afterMs);
        expect(next).toBeLessThanOrEqual(afterMs + intervalMs);
        expect(Number.isInteger(next)).toBe(true);
      }),
    );
  });

  it('is the same for all who ask between two waves, whenever they ask', () => {
    fc.assert(
      fc.property(
        fc.string(),
        intervals,
        instants,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (key, intervalMs, afterMs, share) => {
          const wave = nextWaveMs(key, intervalMs, afterMs);
          const next = nextWaveMs(key, intervalMs, wave);
          const between = wave + Math.floor((next - wave) * share);
          expect(nextWaveMs(key, intervalMs, between)).toBe(next);
        },
      ),
    );
  });

  it('keeps the beat: waves of one key are one interval apart', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1_000, max: 24 * hour }), instants, (key, intervalMs, afterMs) => {
        const wave = nextWaveMs(key, intervalMs, afterMs);
        expect(nextWaveMs(key, intervalMs, wave) - wave).toBe(intervalMs);
      }),
    );
  });

  it('spreads scopes over the interval', () => {
    const tenths = new Set(
      Array.from({ length: 200 }, (_, i) => Math.floor(((nextWaveMs(`scope ${i}`, hour, nowMs) - nowMs) / hour) * 10)),
    );
    expect(tenths.size).toBeGreaterThanOrEqual(10);
  });
});

describe('isSpecDue', () => {
  const synced: SyncRecord = { syncedResourceVersion: '1-abc', refreshTime: '2026-05-01T11:00:00Z' };

  const unsynced: SyncRecord = { syncedResourceVersion: '', refreshTime: undefined };
  const policies = ['Periodic', 'OnChange', 'CreatedOnce'] as const;

  it.each<[why: string, record: SyncRecord, version: string, due: [boolean, boolean, boolean]]>([
    ['nothing was synced yet', { ...unsynced, syncedResourceVersion: undefined }, '1-abc', [true, true, true]],
    ['an empty version counts as none', { ...synced, syncedResourceVersion: '' }, '1-abc', [true, true, true]],
    ['the object is as it was synced', synced, '1-abc', [false, false, false]],
    ['the generation moved', synced, '2-abc', [true, true, false]],
    ['labels or annotations changed', synced, '1-def', [true, true, false]],
    ['the refresh time is missing', { ...synced, refreshTime: undefined }, '1-abc', [true, true, true]],
    ['the refresh time cannot be read', { ...synced, refreshTime: 'yesterday' }, '1-abc', [true, true, true]],
  ])('decides when %s', (_, record, version, due) => {
    expect(policies.map((policy) => isSpecDue(record, version, policy))).toEqual(due);
  });
});

describe('retryDelayMs', () => {
  it.each([
    ['the first failure waits for the base', 1, 2_000, hour, 2_000],
    ['it doubles', 4, 2_000, hour, 16_000],
    ['it stops at the refresh interval', 30, 2_000, 5 * minute, 5 * minute],
    ['a base above the interval stays', 1, 60_000, 10_000, 60_000],
    ['interval 0 stops at five minutes', 30, 2_000, 0, 5 * minute],
    ['so does a long interval', 30, 2_000, 24 * hour, 5 * minute],
    ['many failures do not overflow', 5_000, 1_000, 300 * 24 * hour, 5 * minute],
  ])('backs off: %s', (_, failures, baseMs, intervalMs, expected) => {
    expect(retryDelayMs(failures, baseMs, intervalMs)).toBe(expected);
  });

  it('never shrinks from one failure to the next, and stays between base and cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1_000, max: 24 * hour }),
        (failures, baseMs, intervalMs) => {
          const delayMs = retryDelayMs(failures, baseMs, intervalMs);
          expect(delayMs).toBeGreaterThanOrEqual(baseMs);
          expect(delayMs).toBeLessThanOrEqual(Math.max(Math.min(intervalMs, 5 * minute), baseMs));
          expect(retryDelayMs(failures + 1, baseMs, intervalMs)).toBeGreaterThanOrEqual(delayMs);
        },
      ),
    );
  });
});
