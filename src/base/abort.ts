// Waiting for work that others share: whoever stops waiting leaves, and the work goes on for the rest.
import { aborted } from './operator-error.ts';

/** The promise's outcome, or `Aborted` when the signal fires first; the work itself goes on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(aborted());
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
