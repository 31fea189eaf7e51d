// What answers of any upstream say in their headers: a validator for the next request, and how long to wait before it.
import type { UpstreamAnswer } from '../../http/contract.ts';

/** The strong validator of an answer; weak ones prove nothing about the bytes. */
export function strongEtag(answer: UpstreamAnswer): { readonly etag?: string } {
  const etag = answer.headers['etag'];
  return etag !== undefined && /^"[^"]+"$/.test(etag) ? { etag } : {};
}

/** `retry-after` in seconds, or as a date (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). */
export function headerDelayMs(answer: UpstreamAnswer): number | undefined {
  const text = answer.headers['retry-after']?.trim() ?? '';
  if (/^\d+$/.test(text)) return clampedDelayMs(Number(text) * 1000);
  const untilMs = Date.parse(text);
  const nowMs = Date.parse(answer.headers['date'] ?? '');
  return Number.isNaN(untilMs) || Number.isNaN(nowMs) ? undefined : clampedDelayMs(untilMs - nowMs);
}

/** At least a second, so that nothing spins; at most an hour, so that a nonsense header does not stop a cluster. */
export function clampedDelayMs(delayMs: number): number {
  return Math.min(3_600_000, Math.max(1_000, delayMs));
}
