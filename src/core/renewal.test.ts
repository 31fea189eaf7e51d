import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renewAtMs, retryWithinMs } from './renewal.ts';

describe('a renewal', () => {
  it('comes at two thirds of the life, and is not asked for without an end', () => {
    expect([renewAtMs(100_000, 60_000), renewAtMs(100_000, 0), renewAtMs(100_000, undefined)]).toEqual([
      140_000,
      105_000,
      undefined,
    ]);
  });

  it('that failed is tried again several times before the end, and twice a minute after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20_000, max: 10 * 86_400_000 }), (leftMs) => {
        let nowMs = 0;
        let tries = 0;
        for (; nowMs < leftMs; tries++) nowMs += retryWithinMs(nowMs, leftMs);
        expect(tries).toBeGreaterThan(4);
        expect(nowMs - leftMs).toBeLessThanOrEqual(1_000);
        expect(retryWithinMs(nowMs, leftMs)).toBe(30_000);
      }),
    );
  });
});
