import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { sleep, systemClock } from './clock.ts';

const day = 24 * 3_600_000;

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['none', 0],
    ['a negative one, as none', -5],
    ['a second', 1_000],
    ['the longest that one timer holds', 2 ** 31 - 1],
    ['one millisecond more', 2 ** 31],
    ['a year', 365 * day],
  ])('calls back once after a delay: %s', (_, delayMs) => {
    const run = vi.fn();
    systemClock.after(delayMs, run);
    vi.advanceTimersByTime(Math.max(0, delayMs - 1));
    expect(run).toHaveBeenCalledTimes(delayMs > 0 ? 0 : 1);
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(30 * day);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['before its first step ends', 1_000],
    ['after its first step', 26 * day],
  ])('does not call back when it is cancelled %s', (_, cancelAfterMs) => {
    const run = vi.fn();
    const timer = systemClock.after(100 * day, run);
    vi.advanceTimersByTime(cancelAfterMs);
    timer.cancel();
    vi.advanceTimersByTime(200 * day);
    expect(run).not.toHaveBeenCalled();
  });

  it('tells the time, and measures without the wall clock', () => {
    const before = [systemClock.nowMs(), systemClock.monotonicMs()] as const;
    vi.advanceTimersByTime(1_234);
    expect(systemClock.nowMs() - before[0]).toBe(1_234);
    vi.setSystemTime(0);
    expect(systemClock.nowMs()).toBe(0);
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before[1]);
  });
});

describe('sleep', () => {
  const outcomeOf = (promise: Promise<void>) => {
    const seen: { outcome?: unknown } = {};
    promise.then(
      () => (seen.outcome = 'slept'),
      (reason: unknown) => (seen.outcome = reason),
    );
    return seen;
  };

  it('ends when the time has come, not before', async () => {
    const clock = new FakeClock();
    const seen = outcomeOf(sleep(clock, 1_000, new AbortController().signal));
    await clock.advance(999);
    expect(seen.outcome).toBeUndefined();
    await clock.advance(1);
    expect(seen.outcome).toBe('slept');
  });

  it('ends at once with the reason of its signal', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const seen = outcomeOf(sleep(clock, 1_000, controller.signal));
    controller.abort('stop');
    await clock.advance(0);
    expect(seen.outcome).toBe('stop');
  });

  it('does not begin under a signal that has fired', async () => {
    await expect(sleep(new FakeClock(), 1_000, AbortSignal.abort('stop'))).rejects.toBe('stop');
  });

  it('leaves nothing behind on a signal that may live long', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const seen = outcomeOf(sleep(clock, 10, controller.signal));
    await clock.advance(10);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort('late');
    await clock.advance(10);
    expect(seen.outcome).toBe('slept');
  });
});
