// Calls to the APIs of clouds: a reply of the expected shape, or an error that says who answered, with which code and in which
// words. The words are cleaned of what was sent, and of times and ids by which a condition would change with every try.

import type * as z from 'zod/mini';
import { TokenRejected } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import { tryJson } from '../../../base/json.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { plainLine } from '../../../base/plain-line.ts';
import type { Reason } from '../../../base/reasons.ts';
import type { SecretValue } from '../../../core/secret-value.ts';
import type { Upstream, UpstreamAnswer, UpstreamDoor, UpstreamRequest } from '../../../http/contract.ts';
import { clampedDelayMs, headerDelayMs } from '../../shared/headers.ts';
import { Pauses } from '../../shared/pauses.ts';

/** What a cloud says of a request that it did not serve. */
export interface Complaint {
  /** The cloud's own words for the fault, from the general one to the particular one. */
  readonly codes: readonly string[];
  readonly text: string;
  /** How long it asks to be left alone, where its body says so. */
  readonly retryAfterMs?: number | undefined;
}

/** What a refusal means. `advice` says what to do; `token` means that another token may be accepted. */
export type Verdict = { readonly reason: Reason; readonly advice: string } | { readonly token: string };

export interface CloudCall<T extends z.ZodMiniType> {
  /** Who answers, for messages. */
  readonly what: string;
  readonly request: UpstreamRequest;
  /** What the request carries that must not come back in words. */
  readonly sent: readonly SecretValue[];
  /** Whose requests are limited together. */
  readonly quota: string;
  readonly reply: T;
  readonly complaintOf: (json: unknown) => Complaint | undefined;
  /** Of an error that is neither throttling nor a fault of the server. */
  readonly judge: (status: number, codes: readonly string[]) => Verdict;
}

export interface CloudReply<T> {
  readonly reply: T;
  /** When the cloud answered by its own clock, or by ours; epoch ms. */
  readonly answeredAtMs: number;
}

/** Largest answer that is read, in bytes: a secret has at most 64 KiB, which base64 makes a third longer. */
const maxBytes = 256 * 1024;
const longestText = 500;
const mostCodes = 4;

/**
 * Makes calls. Each throws UpstreamThrottled for 429 and, until the pause that it asked for is over, without a request;
 * UpstreamUnavailable for 5xx; UpstreamInvalid for what is neither the reply nor an error; what `judge` says; TokenRejected.
 */
export class CloudCalls {
  readonly #upstream: () => Upstream;
  readonly #clock: Clock;
  readonly #pauses: Pauses;

  constructor({ door, clock }: { readonly door: UpstreamDoor; readonly clock: Clock }) {
    this.#upstream = () => door.open({});
    this.#clock = clock;
    this.#pauses = new Pauses({ clock });
  }

  async ask<T extends z.ZodMiniType>(call: CloudCall<T>, signal: AbortSignal): Promise<CloudReply<z.infer<T>>> {
    this.#pauses.check(call.quota);
    const answer = await this.#send(call, signal);
    if (answer.status === 200) {
      const parsed = call.reply.safeParse(tryJson(answer.body));
      if (!parsed.success) throw unexpected(call.what);
      const saidMs = Date.parse(answer.headers['date'] ?? '');
      return { reply: parsed.data, answeredAtMs: Number.isNaN(saidMs) ? this.#clock.nowMs() : saidMs };
    }
    const error = refusal(answer, call);
    this.#pauses.note(call.quota, error);
    throw error;
  }

  async #send({ what, request }: Pick<CloudCall<z.ZodMiniType>, 'what' | 'request'>, signal: AbortSignal) {
    try {
      return await this.#upstream().send({ maxBytes, ...request }, signal);
    } catch (thrown) {
      if (thrown instanceof OperatorError && thrown.reason !== 'Aborted') throw thrown.within(what);
      throw thrown;
    }
  }
}

function refusal(answer: UpstreamAnswer, call: CloudCall<z.ZodMiniType>): OperatorError {
  const { status } = answer;
  // Nothing here redirects or answers without content: that is somebody else.
  if (status < 400) return unexpected(call.what);
  const complaint = call.complaintOf(tryJson(answer.body));
  const codes = (complaint?.codes ?? []).filter(isCode).slice(0, mostCodes);
  const text = cleaned(complaint?.text ?? '', call.sent);
  const said = `${call.what} answered HTTP ${status}${codes.length === 0 ? '' : ` (${codes.join(', ')})`}${text === '' ? '' : `: ${text}`}`;
  const retryAfterMs = headerDelayMs(answer) ?? clamped(complaint?.retryAfterMs);
  const details = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) return new OperatorError('UpstreamThrottled', said, details);
  if (status >= 500) return new OperatorError('UpstreamUnavailable', said, details);
  const verdict = call.judge(status, codes);
  if ('token' in verdict) return new TokenRejected(`${said}: ${verdict.token}`);
  return new OperatorError(verdict.reason, `${said}: ${verdict.advice}`);
}

function clamped(delayMs: number | undefined): number | undefined {
  return delayMs === undefined ? undefined : clampedDelayMs(delayMs);
}

/** Codes are words; anything else might be a text that quotes what was sent. */
function isCode(code: string): boolean {
  return /^[A-Za-z][\w.-]{0,63}$/.test(code);
}

/** Where Microsoft's texts begin to speak of the request; numbers of ten digits are Unix times. */
const changing: readonly (readonly [RegExp, string])[] = [
  [/\s*Trace ID:[\s\S]*$/g, ''],
  [/\beyJ[\w-]+(?:\.[\w-]*){0,2}/g, '[token]'],
  [/\bya29\.[\w.-]+/g, '[token]'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?/g, '[time]'],
  [/\b1\d{9}\b/g, '[time]'],
];

/** A cloud's words without what was sent and without what differs between tries. */
export function cleaned(text: string, sent: readonly SecretValue[]): string {
  const secrets = sent.map((each) => each.text()).filter((each) => each !== '');
  const scrubbed = secrets.reduce((line, secret) => line.replaceAll(secret, '[secret]'), text);
  const settled = changing.reduce((line, [pattern, by]) => line.replaceAll(pattern, by), scrubbed);
  return plainLine(settled, longestText).replace(/[.\s]+$/, '');
}

function unexpected(what: string): OperatorError {
  return new OperatorError(
    'UpstreamInvalid',
    `${what}: the answer is not what this endpoint gives; check what answers in its place`,
  );
}
