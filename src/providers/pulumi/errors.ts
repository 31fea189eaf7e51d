// From Pulumi's answers to reasons. The status decides; what the service says is repeated short and cleaned, with the
// property path that its diagnostics name and never with a value.
import { TokenRejected } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import type { UpstreamAnswer } from '../../http/contract.ts';
import { headerDelayMs } from '../shared/headers.ts';
import { isLarge, parseInTurns } from '../shared/json-in-turns.ts';
import { hasTooManyParts, mostParts } from '../shared/json-parts.ts';
import { type Diagnostic, parseError, parseExactly } from './wire.ts';

/** What was tried, for messages: `open environment "org/project/env" at host`. */
export interface Place {
  readonly operation: string;
  readonly host: string;
  /** True for the exchange of tokens, where no refusal speaks of a token of the service. */
  readonly isLogin?: boolean;
  /** What a 404 says is not there, and what it means; a missing environment when absent. */
  readonly missing?: { readonly reason: Reason; readonly problem: string };
}

const quotedLength = 200;
const foreignLength = 1_024;
const namedDiagnostics = 3;

/** Pause that a throttling answer asks for when it names none. */
const throttledMs = 60_000;

/** What a user can do, in the words of the store's own fields and of Pulumi. */
const hints: Readonly<Partial<Record<Reason, string>>> = {
  AccessDenied: 'give the identity the right to open the environment',
  ScopeNotFound: 'check organization, project, environment and version, and what the identity may see',
  UpstreamInvalid: 'check the address (apiUrl), and what proxies answer in its place',
  UpstreamRejected: 'correct the environment in Pulumi ESC',
  AnswerTooLarge: 'divide the environment',
};

/** A message in one form: `operation at host: problem`. */
export function failure(reason: Reason, { operation, host }: Place, problem: string): OperatorError {
  return new OperatorError(reason, `${operation} at ${host}: ${problem}`, { hint: hints[reason] });
}

/** The body of a good answer as JSON, numbers as written. Throws what the answer means when it is an error. */
export function readJson(answer: UpstreamAnswer, place: Place): unknown {
  if (answer.status !== 200) throw answerError(answer, place);
  if (hasTooManyParts(answer.body))
    throw failure('UpstreamInvalid', place, `the answer has more than ${mostParts} objects and lists in it`);
  const json = tryJson(answer.body);
  if (json !== undefined) return json;
  throw failure('UpstreamInvalid', place, 'the answer is not JSON, so it is not from the API');
}

/** As `readJson`; a large answer is read in turns of the event loop. Deeper or wider than any is AnswerTooLarge. */
export async function readJsonInTurns(answer: UpstreamAnswer, place: Place): Promise<unknown> {
  if (answer.status !== 200 || !isLarge(answer.body) || hasTooManyParts(answer.body)) return readJson(answer, place);
  return await parseInTurns(answer.body, parseExactly).catch((thrown: unknown) => {
    if (thrown instanceof RangeError)
      throw failure(
        'AnswerTooLarge',
        place,
        'the answer nests too deep, or one list or object in it has too many members',
      );
    throw failure('UpstreamInvalid', place, 'the answer is not JSON, so it is not from the API');
  });
}

/** What an answer of a status other than 200 means. */
export function answerError(answer: UpstreamAnswer, place: Place): OperatorError {
  const { status } = answer;
  if (status === 429 || (status >= 400 && answer.headers['retry-after'] !== undefined)) {
    const { message } = failure('UpstreamThrottled', place, 'the service limits the rate of requests');
    return new OperatorError('UpstreamThrottled', message, { retryAfterMs: headerDelayMs(answer) ?? throttledMs });
  }
  const said = parseError(tryJson(answer.body));
  if (status >= 500) return failure('UpstreamUnavailable', place, `the service failed (HTTP ${status})`);
  if (said === undefined) return failure('UpstreamInvalid', place, `HTTP ${status}, not from the API`);
  if (said.diagnostics.length > 0) return evaluationError(said.diagnostics, place);
  const words = quoted(said.message);
  if (place.isLogin === true) return failure('LoginRejected', place, `HTTP ${status}${words}`);
  if (status === 401) {
    return new TokenRejected(failure('AccessDenied', place, `the access token is refused${words}`).message);
  }
  if (status === 403) return failure('AccessDenied', place, `the identity has no right to open it${words}`);
  if (status === 404) {
    const { reason, problem } = place.missing ?? missingEnvironment;
    return failure(reason, place, problem);
  }
  return failure('UpstreamRejected', place, `HTTP ${status}${words}`);
}

const missingEnvironment = {
  reason: 'ScopeNotFound',
  problem: 'there is no such environment or version, or the identity may not see it',
} as const;

/** What failed in the evaluation: property paths and the service's summaries. */
export function evaluationError(diagnostics: readonly Diagnostic[], place: Place): OperatorError {
  return failure('UpstreamRejected', place, namedOf(diagnostics.filter(({ isError }) => isError)));
}

/** What the evaluation warns of, in one line; undefined when it warns of nothing. */
export function evaluationWarning(diagnostics: readonly Diagnostic[], name: string): string | undefined {
  const warnings = diagnostics.filter(({ isError }) => !isError);
  return warnings.length === 0 ? undefined : `${name}: ${namedOf(warnings)}`;
}

/** The first few in the order of their texts: it is no other message when the service gives another order. */
function namedOf(diagnostics: readonly Diagnostic[]): string {
  const lines = [...new Set(diagnostics.map(describe))].sort();
  const rest = lines.length > namedDiagnostics ? ` and ${lines.length - namedDiagnostics} more` : '';
  return `${lines.slice(0, namedDiagnostics).join('; ')}${rest}`;
}

function describe({ path, summary }: Diagnostic): string {
  const problem = cleaned(summary) || 'the evaluation failed';
  return path === '' ? problem : `${cleaned(path)}: ${problem}`;
}

/** `, "message"`, or nothing. */
function quoted(message: string): string {
  const text = cleaned(message);
  return text === '' ? '' : `, "${text}"`;
}

/** Foreign text, short and printable. A long run without blanks may be a token that was sent, in whatever encoding. */
function cleaned(text: string): string {
  const short = text
    .slice(0, foreignLength)
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replaceAll(/[\w+/=.~-]{40,}/g, '[…]')
    .trim();
  return short.length > quotedLength ? `${short.slice(0, quotedLength)}…` : short;
}

/** The body as JSON, numbers as written; undefined when it is none. */
export function tryJson(body: Buffer): unknown {
  try {
    return parseExactly(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
