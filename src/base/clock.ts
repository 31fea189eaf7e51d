// Time as an argument: rooms receive a Clock, tests pass a fake one.

/** A pending timer. */
export interface Timer {
  cancel(): void;
}

/** Wall clock and timers. `nowMs` is epoch ms; `after` calls back once after `delayMs` (any length, also over 24.8 days). */
export interface Clock {
  nowMs(): number;
  /** Monotonic ms, for measuring durations and for schedules that must not follow a stepped wall clock. */
  monotonicMs(): number;
  after(delayMs: number, run: () => void): Timer;
}

/** setTimeout overflows above 2^31-1 ms, so longer waits are walked in steps. */
const longestStepMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    let handle: NodeJS.Timeout;
    const step = (leftMs: number) => {
      const nextMs = Math.min(leftMs, longestStepMs);
      handle = setTimeout(() => (leftMs > nextMs ? step(leftMs - nextMs) : run()), Math.max(0, nextMs));
    };
    step(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves once the event loop has looked at its sockets and timers again. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Resolves after `delayMs`, rejects with the signal's reason when it fires first. */
export function sleep(clock: Pick<Clock, 'after'>, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Resolves after `delayMs`, or at once when the signal fires: the loop's own condition looks at the signal. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      timer.cancel();
      resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
