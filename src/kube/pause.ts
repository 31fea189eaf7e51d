// Waiting between tries for loops that go on for ever.
import type { Clock } from '../runtime/clock.ts';

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

export interface RetryDelays {
  readonly firstMs: number;
  readonly capMs: number;
}

/** The delay before try number `failures + 1`: doubling, spread over its upper half so that many clients part ways. */
export function retryDelayMs(failures: number, { firstMs, capMs }: RetryDelays, random: () => number): number {
  const delayMs = Math.min(capMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return delayMs * (0.5 + 0.5 * random());
}
