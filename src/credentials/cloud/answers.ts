// What the endpoints of the clouds answer: which status means what, and JSON of the expected shape or an error. Of a
// refusal only the cloud's error code is repeated: its text carries times and ids, which would make messages flap.

import type * as z from 'zod/mini';
import { tryJson } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { retryAfterMs } from '../../base/retry-after.ts';
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '../../http/contract.ts';

/** Largest answer of a token or metadata endpoint. */
const maxBytes = 256 * 1024;

/** Sends a request to the endpoint called `what`, and says so in whatever goes wrong on the way. Any status is an answer. */
export async function ask(
  upstream: Upstream,
  what: string,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  try {
    return await upstream.send({ maxBytes, ...request }, signal);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason !== 'Aborted') throw thrown.within(what);
    throw thrown;
  }
}

/**
 * What an answer other than 200 means: UpstreamThrottled for 429, UpstreamUnavailable for 5xx, LoginRejected for other
 * errors, since it is the operator's own identity that was refused, and UpstreamInvalid for what is no error at all.
 * `hint` says what to do about a refusal.
 */
export function refusal(
  answer: UpstreamAnswer,
  what: string,
  { code = '', hint }: { readonly code?: string | undefined; readonly hint: string },
): OperatorError {
  // Nothing here redirects or answers without content: that is somebody else.
  if (answer.status < 400) return unexpected(what);
  const said = `${what} answered HTTP ${answer.status}${isCode(code) ? ` (${code})` : ''}`;
  if (answer.status === 429) return new OperatorError('UpstreamThrottled', said, retryAfter(answer));
  if (answer.status >= 500) return new OperatorError('UpstreamUnavailable', said, retryAfter(answer));
  return new OperatorError('LoginRejected', `${said}: ${hint}`);
}

/** Codes are words; anything else might be a text that quotes what was sent. */
function isCode(code: string): boolean {
  return /^[A-Za-z][\w.-]{0,63}$/.test(code);
}

/** A day: what names more is not believed. */
const longestPauseMs = 86_400_000;

function retryAfter({ headers }: UpstreamAnswer): { readonly retryAfterMs?: number } {
  const delayMs = retryAfterMs(headers['retry-after'], Date.parse(headers['date'] ?? ''));
  return delayMs === undefined ? {} : { retryAfterMs: Math.min(delayMs, longestPauseMs) };
}

/** The body in the shape of `schema`. Throws UpstreamInvalid. */
export function readJsonAs<T extends z.ZodMiniType>(answer: UpstreamAnswer, what: string, schema: T): z.infer<T> {
  const parsed = schema.safeParse(tryJson(answer.body));
  if (parsed.success) return parsed.data;
  throw unexpected(what);
}

export function unexpected(what: string): OperatorError {
  return new OperatorError(
    'UpstreamInvalid',
    `${what}: the answer is not what this endpoint gives; check what answers in its place`,
  );
}
