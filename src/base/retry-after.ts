// How long an answer asks to be left alone (RFC 9110, 10.2.3: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after).

/**
 * The delay in ms that a Retry-After names, in seconds or as a date, never below 0; undefined without one that can be read.
 * A date is held against `nowMs`: the answer's own Date where there is one, for clocks differ.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000;
  if (!/[A-Za-z]/.test(text)) return undefined;
  const delayMs = Date.parse(text) - nowMs;
  return Number.isNaN(delayMs) ? undefined : Math.max(0, delayMs);
}
