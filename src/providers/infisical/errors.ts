// From Infisical's error answers to reasons. Names and texts differ between releases, so status, error and a loose look
// at the text decide together, in the order of the table below: the first row that fits.
// Recorded and published answers: https://infisical.com/docs/api-reference/overview/introduction

import { TokenRejected } from '../../auth/contract.ts';
import { tryJson } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { plainLine } from '../../base/plain-line.ts';
import type { Reason } from '../../base/reasons.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../http/contract.ts';
import { withoutSent } from '../../http/redaction.ts';
import { clampedDelayMs, headerDelayMs } from '../shared/headers.ts';
import { isLarge, parseInTurns } from '../shared/json-in-turns.ts';
import { hasTooManyParts, mostParts } from '../shared/json-parts.ts';
import { steady } from './steady.ts';
import { parseError, type WireError } from './wire.ts';

/** Where a request went, for messages. */
export interface Place {
  /** What was tried: `list secrets`, `read secret "KEY"`. */
  readonly operation: string;
  readonly host: string;
  /** Absent for logins. */
  readonly scope?: { readonly project: string; readonly environment: string; readonly folder: string };
  /** True when one secret was asked for by its name, so that it alone may be missing. */
  readonly byName?: boolean;
}

/** Longest part of a server's message that is looked at, and that is repeated. */
const readLength = 1_024;
const quotedLength = 200;

/** What was sent, and is not to be repeated. */
export type Sent = Pick<UpstreamRequest, 'headers' | 'body'>;

/** Pause that a throttling answer asks for when it names none. */
const throttledMs = 60_000;

/** What a user can do, in the words of the store's own fields. */
export const hints: Readonly<Partial<Record<Reason, string>>> = {
  ScopeNotFound:
    'check projectSlug, environmentSlug and secretsPath in secretsScope, and the folders in keys; slugs are case-sensitive',
  UpstreamInvalid: 'check the address (hostAPI), and what proxies answer in its place',
};

/** `read secret "K" in project "p", environment "e", folder "/f" at host: what is wrong`; `hint` in place of the reason's own. */
export function failure(reason: Reason, place: Place, problem: string, hint = hints[reason]): OperatorError {
  return new OperatorError(reason, describe(place, problem), { hint });
}

function describe(place: Place, problem: string): string {
  const { scope } = place;
  const where =
    scope === undefined
      ? ''
      : ` in project "${scope.project}", environment "${scope.environment}", folder "${scope.folder}"`;
  return `${place.operation}${where} at ${place.host}: ${problem}`;
}

/** The body of a good answer as JSON. Throws what the answer means when it is an error, UpstreamInvalid when it is no JSON. */
export function readJson(answer: UpstreamAnswer, place: Place, sent: Sent): unknown {
  if (answer.status !== 200) throw answerError(answer, place, sent);
  if (hasTooManyParts(answer.body))
    throw failure('UpstreamInvalid', place, `the answer has more than ${mostParts} objects and lists in it`);
  const json = tryJson(answer.body);
  if (json !== undefined) return json;
  throw failure('UpstreamInvalid', place, 'the answer is not JSON, so it is not from the API');
}

/** As `readJson`; a large answer is read in turns of the event loop. Deeper or wider than any is UpstreamInvalid. */
export async function readJsonInTurns(answer: UpstreamAnswer, place: Place, sent: Sent): Promise<unknown> {
  if (answer.status !== 200 || !isLarge(answer.body) || hasTooManyParts(answer.body))
    return readJson(answer, place, sent);
  return await parseInTurns(answer.body, JSON.parse).catch((thrown: unknown) => {
    if (thrown instanceof RangeError)
      throw failure(
        'UpstreamInvalid',
        place,
        'the answer nests too deep, or one list or object in it has too many members',
      );
    throw failure('UpstreamInvalid', place, 'the answer is not JSON, so it is not from the API');
  });
}

/** What an answer of a status other than 200 means. */
export function answerError(answer: UpstreamAnswer, place: Place, sent: Sent): OperatorError {
  const said = readError(answer, sent);
  // Servers of 2024 answer throttling with 500; the header is what tells it from a failure.
  if (answer.status === 429 || (answer.status >= 400 && answer.headers['retry-after'] !== undefined)) {
    return throttled(answer, said, place);
  }
  if (said === undefined) return foreignAnswer(answer, place);
  const seen: Seen = { status: answer.status, text: `${said.error} ${said.message}`, said, place };
  const row = rows.find(({ fits }) => fits(seen));
  if (row === undefined) return failure('UpstreamRejected', place, quoted(answer.status, said));
  const problem = `${row.problem(seen)}${row.quotes === true ? quotedAfter(said) : ''}`;
  return row.reason === 'TokenRejected'
    ? new TokenRejected(describe(place, problem))
    : failure(row.reason, place, problem, row.hint);
}

/** What an error answer says, short and without what was sent; undefined when it is none of the API's. */
export function readError(answer: UpstreamAnswer, sent: Sent): WireError | undefined {
  const said = parseError(tryJson(answer.body));
  if (said === undefined) return undefined;
  // Cut after the search, or a part of what was sent could stay at the end; before any expression, whose time could grow.
  const clean = (text: string) => (text === '' ? '' : plainLine(withoutSent(text, sent), readLength));
  return { ...said, error: clean(said.error), message: clean(said.message), references: said.references.map(clean) };
}

/** Error name of the router's own 404, with a space; the application's has none. */
const routerError = 'Not Found';

interface Seen {
  readonly status: number;
  /** Error name and message. */
  readonly text: string;
  readonly said: WireError;
  readonly place: Place;
}

interface Row {
  readonly reason: Reason | 'TokenRejected';
  readonly fits: (seen: Seen) => boolean;
  readonly problem: (seen: Seen) => string;
  /** True when the server's own message says more. */
  readonly quotes?: boolean;
  /** In place of what the reason advises. */
  readonly hint?: string;
}

const rows: readonly Row[] = [
  {
    reason: 'UpstreamInvalid',
    fits: ({ status, said }) => status === 404 && said.error === routerError,
    problem: () => 'this server has no such API',
    hint: 'check hostAPI and the version of the server',
  },
  {
    reason: 'UpstreamRejected',
    fits: ({ said }) => said.isValidation,
    problem: ({ status }) => `the server finds the request invalid (HTTP ${status})`,
    quotes: true,
  },
  {
    reason: 'TokenRejected',
    fits: ({ status, said }) =>
      (status === 401 && /unauthori[sz]ed/i.test(said.error)) || (status === 403 && said.error === 'TokenError'),
    problem: () => 'the access token is refused',
    quotes: true,
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, text }) => status === 404 && /service token not found/i.test(text),
    problem: () => 'the service token is not known to the server',
  },
  {
    reason: 'SecretNotFound',
    fits: ({ status, said, place }) =>
      status === 404 &&
      place.byName === true &&
      said.error !== 'Create secret' &&
      /^\s*secret\b.*\bnot found/i.test(said.message),
    problem: () => 'there is no such secret',
  },
  {
    reason: 'ScopeNotFound',
    // Before the project's row, as the text names the project too. For most calls servers name the folder alone.
    fits: ({ status, said }) => status === 404 && /^\s*environment\b.*\bnot found/i.test(said.message),
    problem: ({ place }) => `there is no environment "${place.scope?.environment ?? ''}"`,
  },
  {
    reason: 'ScopeNotFound',
    // 500 "Find project by slug", 404 "Project not found …", "No project found with slug …"
    fits: ({ status, text }) =>
      (status === 500 && /project by slug/i.test(text)) ||
      (status === 404 && (/no project found/i.test(text) || (/\bproject\b/i.test(text) && /\bnot found/i.test(text)))),
    problem: ({ place }) => `there is no project "${place.scope?.project ?? ''}"`,
  },
  {
    reason: 'InvalidSpec',
    fits: ({ status, said }) => status === 500 && /find by secret path/i.test(said.error),
    problem: () => 'the folder path has a character that the server does not take',
    hint: 'correct secretsScope.secretsPath, or the folder in the key',
  },
  {
    reason: 'ScopeNotFound',
    fits: ({ status }) => status === 404,
    problem: () => 'there is no such folder or environment',
  },
  {
    reason: 'AccessDenied',
    fits: ({ status, text }) => status === 403 && /not a member/i.test(text),
    problem: ({ place }) => `the identity is not a member of project "${place.scope?.project ?? ''}"`,
  },
  {
    reason: 'AccessDenied',
    fits: ({ status, text }) => status === 403 && /\breferenc/i.test(text),
    problem: ({ said }) =>
      `the identity may not read what a reference points to${said.references.length === 0 ? '' : ` (${said.references.join(', ')})`}`,
    quotes: true,
  },
  {
    reason: 'AccessDenied',
    fits: ({ status }) => status === 403,
    problem: () => 'the identity has no right to read there',
    quotes: true,
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status }) => status >= 500,
    problem: ({ status }) => `the server failed (HTTP ${status})`,
  },
];

/** An answer that is none of the API's: something stands in its place. */
function foreignAnswer(answer: UpstreamAnswer, place: Place): OperatorError {
  const { status } = answer;
  if (status >= 500) return failure('UpstreamUnavailable', place, `HTTP ${status}, not from the API`);
  if (status >= 300 && status < 400) {
    const problem = `the host redirects${redirectTarget(answer)} (HTTP ${status})`;
    return failure('UpstreamInvalid', place, problem, 'set hostAPI to the final address');
  }
  return failure('UpstreamInvalid', place, `HTTP ${status}, not from the API`);
}

/** ` to "host"`, or nothing. No more of the address is told: its path and query may carry what was sent. */
function redirectTarget({ headers }: UpstreamAnswer): string {
  const location = headers['location'] ?? '';
  if (location.length > readLength || !URL.canParse(location)) return '';
  return ` to "${plainLine(new URL(location).host, quotedLength)}"`;
}

function throttled(answer: UpstreamAnswer, said: WireError | undefined, place: Place): OperatorError {
  const retryAfterMs = headerDelayMs(answer) ?? messageDelayMs(said) ?? throttledMs;
  return new OperatorError('UpstreamThrottled', describe(place, 'the server limits the rate of requests'), {
    retryAfterMs,
  });
}

function messageDelayMs(said: WireError | undefined): number | undefined {
  const [, seconds] = /try again in (\d+)\s*s/i.exec(said?.message ?? '') ?? [];
  return seconds === undefined ? undefined : clampedDelayMs(Number(seconds) * 1000);
}

function quoted(status: number, said: WireError): string {
  return `HTTP ${status}${quotedAfter(said)}`;
}

/** `, "message"`, or nothing. What differs from try to try is masked, or each would be another message. */
export function quotedAfter(said: WireError): string {
  return said.message === '' ? '' : `, "${plainLine(steady(said.message), quotedLength)}"`;
}
