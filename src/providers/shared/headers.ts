// What answers of any upstream say in their headers: a validator for the next request, and how long to wait before it.
import { retryAfterMs } from '../../base/retry-after.ts';
import type { UpstreamAnswer } from '../../http/contract.ts';

/** The strong validator of an answer; weak ones prove nothing about the bytes. */
export function strongEtag(answer: UpstreamAnswer): { readonly etag?: string } {
  const etag = answer.headers['etag'];
  return etag !== undefined && /^"[^"]+"$/.test(etag) ? { etag } : {};
}

/** What Retry-After asks for, in ms; a date counts from the answer's own. */
export function headerDelayMs(answer: UpstreamAnswer): number | undefined {
  const delayMs = retryAfterMs(answer.headers['retry-after'], Date.parse(answer.headers['date'] ?? ''));
  return delayMs === undefined ? undefined : clampedDelayMs(delayMs);
}

/** At least a second, so that nothing spins; at most an hour, so that a nonsense header does not stop a cluster. */
export function clampedDelayMs(delayMs: number): number {
  return Math.min(3_600_000, Math.max(1_000, delayMs));
}
