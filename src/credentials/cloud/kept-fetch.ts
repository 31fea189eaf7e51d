// One fetch for all who ask at the same time, and its value again for as long as it is fresh.
import { unlessAborted } from '../../base/abort.ts';
import { aborted } from '../../base/operator-error.ts';

/** `isFresh` is asked anew at each use. A failure is not kept. */
export function keptFetch<T>(
  fetch: (signal: AbortSignal) => Promise<T>,
  isFresh: (value: T) => boolean,
): (signal: AbortSignal) => Promise<T> {
  let kept: { readonly value: T } | undefined;
  let flight: Promise<T> | undefined;
  // It serves everybody who waits, so it does not end with one of them; its requests have deadlines of their own.
  const shared = new AbortController().signal;
  const start = () =>
    fetch(shared)
      .then((value) => {
        kept = { value };
        return value;
      })
      .finally(() => {
        flight = undefined;
      });
  return (signal) => {
    if (signal.aborted) return Promise.reject(aborted());
    if (kept !== undefined && isFresh(kept.value)) return Promise.resolve(kept.value);
    flight ??= start();
    return unlessAborted(flight, signal);
  };
}
