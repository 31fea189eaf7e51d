// From Vault's answers to reasons. Vault says what it has to say in `errors`, a list that is empty for what is not there;
// OpenBao answers alike. Whether a 403 means the token or its rights only another request can tell: that is the caller's business.
// https://developer.hashicorp.com/vault/api-docs#http-status-codes

import * as z from 'zod/mini';
import { tryJson } from '../../../base/json.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { plainLine } from '../../../base/plain-line.ts';
import type { Reason } from '../../../base/reasons.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../../http/contract.ts';
import { withoutSent } from '../../../http/redaction.ts';
import { steady } from '../../infisical/steady.ts';
import { headerDelayMs } from '../../shared/headers.ts';

/** Where a request went, for messages. */
export interface VaultPlace {
  readonly provider: string;
  /** What was tried: `read "secret/data/app"`. */
  readonly operation: string;
  readonly host: string;
  readonly isLogin?: true;
}

/** What was sent, and is not to be repeated. */
export type Sent = Pick<UpstreamRequest, 'headers' | 'body'>;

/** Longest part of Vault's words that is looked at, and that is repeated. */
const readLength = 1_024;
const quotedLength = 200;

/** Pause that a throttling answer asks for when it names none. */
const throttledMs = 60_000;

const errorBody = z.object({ errors: z.array(z.string()), warnings: z.nullish(z.array(z.string())) });
/** A version that was deleted is a 404 with data in it, and without errors. */
const deletedBody = z.object({ data: z.object({ metadata: z.object({ version: z.number() }) }) });

/** `vault-secrets: read "secret/data/app" at vault:8200: what is wrong`. */
export function vaultFailure(reason: Reason, place: VaultPlace, problem: string): OperatorError {
  return new OperatorError(reason, vaultMessage(place, problem));
}

export function vaultMessage({ provider, operation, host }: VaultPlace, problem: string): string {
  return `${provider}: ${operation} at ${host}: ${problem}`;
}

interface Seen {
  readonly status: number;
  /** All that Vault said, in small letters. */
  readonly text: string;
  readonly isLogin: boolean;
  readonly isDeleted: boolean;
}

interface Row {
  readonly reason: Reason;
  readonly fits: (seen: Seen) => boolean;
  readonly problem: (seen: Seen) => string;
}

/** The first row that fits. */
const rows: readonly Row[] = [
  {
    // Servers of 2023 say it with a 500, later ones with a 400.
    reason: 'LoginRejected',
    fits: ({ text, isLogin }) => isLogin && text.includes('invalid secret id'),
    problem: () => 'the login is refused',
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, text }) => status === 503 && text.includes('sealed'),
    problem: () => 'the server is sealed',
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status }) => status >= 500,
    problem: ({ status }) => `the server failed (HTTP ${status})`,
  },
  {
    // A replica that has not seen yet what was written elsewhere.
    reason: 'UpstreamUnavailable',
    fits: ({ status }) => status === 412,
    problem: () => 'the server is behind the others of its cluster',
  },
  {
    reason: 'ScopeNotFound',
    fits: ({ status, text }) => status === 404 && text.includes('no handler for route'),
    problem: () => 'nothing is mounted at that path',
  },
  {
    reason: 'SecretNotFound',
    fits: ({ status, isDeleted }) => status === 404 && isDeleted,
    problem: () => 'the latest version of the secret was deleted',
  },
  { reason: 'SecretNotFound', fits: ({ status }) => status === 404, problem: () => 'there is no such secret' },
  {
    reason: 'LoginRejected',
    fits: ({ status, isLogin }) => isLogin && [400, 401, 403].includes(status),
    problem: () => 'the login is refused',
  },
  {
    reason: 'AccessDenied',
    fits: ({ status }) => status === 403,
    problem: () => 'the token has no right to read there',
  },
];

/** What an answer of a status other than 200 means; a 403 is taken for a missing right. */
export function vaultError(answer: UpstreamAnswer, place: VaultPlace, sent: Sent): OperatorError {
  const said = errorsOf(answer);
  const { status } = answer;
  const isDeleted = deletedBody.safeParse(tryJson(answer.body)).success;
  const quote = quoted(said, sent);
  if (status === 429 || (status >= 400 && answer.headers['retry-after'] !== undefined)) {
    const message = vaultMessage(place, `the server limits the rate of requests${quote}`);
    return new OperatorError('UpstreamThrottled', message, { retryAfterMs: headerDelayMs(answer) ?? throttledMs });
  }
  if (said === undefined && !isDeleted) return foreignAnswer(answer, place);
  const seen = { status, text: (said ?? []).join(' ').toLowerCase(), isLogin: place.isLogin === true, isDeleted };
  const row = rows.find(({ fits }) => fits(seen));
  if (row === undefined) return vaultFailure('UpstreamRejected', place, `HTTP ${status}${quote}`);
  return vaultFailure(row.reason, place, `${row.problem(seen)}${quote}`);
}

/** Whether a 403 says itself that the token is none; servers older than 2024 say the same of a missing right. */
export function saysInvalidToken(answer: UpstreamAnswer): boolean {
  return errorsOf(answer)?.some((each) => /\b(?:invalid|bad) token\b/i.test(each)) === true;
}

/** Whether a 404 has advice with it, as KV 2 gives when its path was written as for KV 1. */
export function hasWarnings(answer: UpstreamAnswer): boolean {
  const parsed = errorBody.safeParse({ errors: [], ...jsonObjectOf(answer) });
  return parsed.success && (parsed.data.warnings ?? []).length > 0;
}

/** An answer that is none of Vault's: something stands in its place. */
function foreignAnswer({ status }: UpstreamAnswer, place: VaultPlace): OperatorError {
  if (status >= 500) return vaultFailure('UpstreamUnavailable', place, `HTTP ${status}, not from Vault`);
  if (status >= 300 && status < 400) {
    const problem = `the host redirects (HTTP ${status}): set address to the final address`;
    return vaultFailure('UpstreamInvalid', place, problem);
  }
  return vaultFailure('UpstreamInvalid', place, `HTTP ${status}, not from Vault: check address`);
}

/** What Vault said, or undefined when it was not Vault. A 404 with warnings has no list of errors. */
function errorsOf(answer: UpstreamAnswer): readonly string[] | undefined {
  const json = jsonObjectOf(answer);
  const parsed = errorBody.safeParse('warnings' in json ? { errors: [], ...json } : json);
  return parsed.success ? parsed.data.errors : undefined;
}

function quoted(said: readonly string[] | undefined, sent: Sent): string {
  const text = (said ?? []).join('; ');
  if (text === '') return '';
  // Cut after the search, or a part of what was sent could stay at the end; before any expression, whose time could grow.
  return `, ${JSON.stringify(plainLine(steady(plainLine(withoutSent(text, sent), readLength)), quotedLength))}`;
}

function jsonObjectOf(answer: UpstreamAnswer): object {
  const json = tryJson(answer.body);
  return typeof json === 'object' && json !== null ? json : {};
}
