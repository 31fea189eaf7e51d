// JSON APIs as providers of `fn::open` call them: one request, and what an answer that is none of the wanted ones means. A
// provider says what a status means to it; throttling, failures of the service and foreign answers are the same everywhere.
import { isRecord, tryJson } from '../../../base/json.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { plainLine } from '../../../base/plain-line.ts';
import type { Reason } from '../../../base/reasons.ts';
import type { Upstream, UpstreamAnswer } from '../../../http/contract.ts';
import { parseBaseUrl } from '../../../http/egress.ts';
import { headerDelayMs } from '../../shared/headers.ts';
import { hasTooManyParts, mostParts } from '../../shared/json-parts.ts';

/** What a status means: the reason, and what is wrong in the words of who wrote the inputs. */
export type Meanings = Readonly<Record<number, readonly [reason: Reason, problem: string]>>;

export interface JsonCall {
  /** What is done, for messages: `read item "x"`. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly meanings: Meanings;
  /** Identity at the host, without any secret: what throttles it concerns no other. */
  readonly group: string;
  /** Who takes turns with others at the host. */
  readonly turn: string;
}

/** Pause that a throttling answer asks for when it names none. */
const throttledMs = 60_000;
const longestQuote = 200;

/** The JSON of an answer 2xx. Throws what the status means: a reason of `meanings`, UpstreamThrottled, UpstreamUnavailable … */
export async function callJson(upstream: Upstream, call: JsonCall, signal: AbortSignal): Promise<unknown> {
  const { method, url, headers, body, group, turn } = call;
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await upstream.send(
    {
      method,
      url,
      group,
      turn,
      headers: { accept: 'application/json', ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
    signal,
  );
  if (answer.status < 200 || answer.status > 299) throw answerError(answer, call);
  if (hasTooManyParts(answer.body)) {
    throw failure('AnswerTooLarge', call, `the answer has more than ${mostParts} objects and lists in it`);
  }
  const parsed = tryJson(answer.body);
  if (parsed === undefined) throw failure('UpstreamInvalid', call, 'the answer is not JSON, so it is not from the API');
  return parsed;
}

/** A message in one form: `operation at host: problem`. */
export function failure(reason: Reason, { operation, url }: Pick<JsonCall, 'operation' | 'url'>, problem: string) {
  return new OperatorError(reason, `${operation} at ${url.host}: ${problem}`);
}

/** The root of an API whose paths are appended to it. Throws InvalidSpec for anything but an http(s) URL. */
export function apiRoot(text: string, field: string): string {
  const url = parseBaseUrl(text, field);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OperatorError('InvalidSpec', `${field}: the URL must begin with https:// (or http://)`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function answerError(answer: UpstreamAnswer, call: JsonCall): OperatorError {
  const { status } = answer;
  const waitMs = throttleMs(answer);
  if (waitMs !== undefined) {
    const { message } = failure('UpstreamThrottled', call, 'the service limits the rate of requests');
    return new OperatorError('UpstreamThrottled', message, { retryAfterMs: waitMs });
  }
  if (status >= 500) return failure('UpstreamUnavailable', call, `the service failed (HTTP ${status})`);
  const words = wordsOf(answer.body);
  if (words === undefined) {
    return failure('UpstreamInvalid', call, `HTTP ${status}, and the answer is not from the API: check the address`);
  }
  const [reason, problem] = call.meanings[status] ?? ['UpstreamRejected', `HTTP ${status}`];
  return failure(reason, call, `${problem}${words}`);
}

/** What a throttling answer asks to wait; undefined for any other. GitHub throttles by 403 and tells when the limit is new. */
function throttleMs(answer: UpstreamAnswer): number | undefined {
  const { status, headers } = answer;
  const isSpent = status === 403 && headers['x-ratelimit-remaining'] === '0';
  if (status !== 429 && !isSpent && !(status >= 400 && headers['retry-after'] !== undefined)) return undefined;
  const resetMs = Number(headers['x-ratelimit-reset']) * 1_000 - Date.parse(headers['date'] ?? '');
  const untilReset = Number.isFinite(resetMs) ? Math.min(3_600_000, Math.max(1_000, resetMs)) : undefined;
  return headerDelayMs(answer) ?? untilReset ?? throttledMs;
}

/** `, "message"` of an error of a JSON API, or nothing where it says none; undefined for what is no object of JSON. */
function wordsOf(body: Buffer): string | undefined {
  const json = tryJson(body);
  if (!isRecord(json)) return undefined;
  const { message } = json;
  if (typeof message !== 'string') return '';
  // A long run without blanks may be a token that was sent, in whatever encoding.
  const said = plainLine(message, longestQuote).replaceAll(/[\w+/=.~-]{40,}/g, '[…]');
  return said === '' ? '' : `, "${said}"`;
}
