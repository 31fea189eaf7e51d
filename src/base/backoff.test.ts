import { describe, expect, it } from 'vitest';
import { delayAfter } from './backoff.ts';

const least = () => 0;
const most = () => 0.999999;

describe('delayAfter', () => {
  it('doubles with each failure', () => {
    const delays = [1, 2, 3, 4].map((failures) => delayAfter({ failures, baseMs: 100, capMs: 10_000, random: least }));
    expect(delays).toEqual([100, 200, 400, 800]);
  });

  it('stops growing at the cap and stays finite for any number of failures', () => {
    expect(delayAfter({ failures: 1_000_000, baseMs: 1, capMs: 30_000, random: least })).toBe(30_000);
  });

  it('never undercuts the cap by chance, and adds a fifth at most', () => {
    const delayMs = delayAfter({ failures: 50, baseMs: 1_000, capMs: 60_000, random: most });
    expect(delayMs).toBeGreaterThanOrEqual(60_000);
    expect(delayMs).toBeLessThanOrEqual(72_000);
  });

  it('waits the base delay before any failure has happened', () => {
    expect(delayAfter({ failures: 0, baseMs: 250, capMs: 1_000, random: least })).toBe(250);
  });
});
