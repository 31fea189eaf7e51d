// From AWS's error codes to reasons, with what AWS said: its code and its text, without what was sent and without what is
// another each time.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
import { TokenRejected } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { plainLine } from '../../../base/plain-line.ts';
import type { Reason } from '../../../base/reasons.ts';
import type { UpstreamAnswer } from '../../../http/contract.ts';
import { withoutSent } from '../../../http/redaction.ts';
import { clampedDelayMs, headerDelayMs } from '../../shared/headers.ts';
import type { AwsSaid } from './aws-wire.ts';

/** What was asked of whom, for messages. */
export interface AwsPlace {
  /** `aws-secrets: secret "a" at secretsmanager.eu-west-1.amazonaws.com` */
  readonly what: string;
  /** What of the request must not be repeated. */
  readonly secrets: readonly string[];
  /** Whether the credentials end by themselves: then another login gives others. */
  readonly isTemporary: boolean;
  /** What to look at when a login is refused. */
  readonly loginHint: string;
}

/** Longest part of AWS's text that is repeated. */
const quotedLength = 300;
/** AWS counts by the second, and names no time. */
const throttledMs = 5_000;

/** An end that names no reason of its own: the credentials are of no use. */
const credentialsRefused = 'credentials';

interface Row {
  readonly reason: Reason | typeof credentialsRefused;
  readonly problem: string;
  /** False where the text holds times, or parts of the signature. */
  readonly quotes?: false;
}

const throttled: Row = { reason: 'UpstreamThrottled', problem: 'too many requests' };
const down: Row = { reason: 'UpstreamUnavailable', problem: 'the service fails' };
const refused: Row = { reason: 'LoginRejected', problem: 'the login is refused' };
const noRight: Row = { reason: 'AccessDenied', problem: 'the credentials lack a right' };
const absentSecret: Row = { reason: 'SecretNotFound', problem: 'there is none in this region and account' };
const unknownKey: Row = { reason: credentialsRefused, problem: 'the credentials are not known, or not in this region' };
const ended: Row = { reason: credentialsRefused, problem: 'the credentials have ended', quotes: false };
const badSignature: Row = {
  reason: 'LoginRejected',
  problem: 'the signature is refused: check secretAccessKey, and the clock of the operator',
  quotes: false,
};

const rows: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['ResourceNotFoundException', absentSecret],
  ['ParameterNotFound', absentSecret],
  ['ParameterVersionNotFound', absentSecret],
  ['AccessDeniedException', noRight],
  ['UnauthorizedOperation', noRight],
  ['AccessDenied', { reason: 'LoginRejected', problem: 'the role may not be assumed' }],
  ['InvalidIdentityToken', refused],
  ['IDPRejectedClaim', refused],
  ['RegionDisabledException', refused],
  ['IDPCommunicationError', { reason: 'UpstreamUnavailable', problem: 'STS cannot reach the issuer of the token' }],
  ['ExpiredTokenException', ended],
  ['ExpiredToken', ended],
  ['UnrecognizedClientException', unknownKey],
  ['InvalidClientTokenId', unknownKey],
  ['InvalidSignatureException', badSignature],
  ['SignatureDoesNotMatch', badSignature],
  ['IncompleteSignature', badSignature],
  ['RequestExpired', badSignature],
  ['ThrottlingException', throttled],
  ['Throttling', throttled],
  ['ThrottledException', throttled],
  ['TooManyRequestsException', throttled],
  ['RequestLimitExceeded', throttled],
  ['SlowDown', throttled],
  ['InternalServiceError', down],
  ['InternalServerError', down],
  ['InternalFailure', down],
  ['ServiceUnavailable', down],
]);

/** What an answer that is no success means. */
export function awsError(answer: UpstreamAnswer, said: AwsSaid, place: AwsPlace): OperatorError {
  const row = rowOf(answer.status, said.code);
  const { problem, quotes = true } = row;
  const words = said.code === '' ? `HTTP ${answer.status}` : `${said.code}${quotes ? quoted(said.message, place) : ''}`;
  const text = `${place.what}: ${problem} (${words})`;
  const reason = row.reason === credentialsRefused ? 'LoginRejected' : row.reason;
  if (row.reason === credentialsRefused && place.isTemporary) return new TokenRejected(text);
  if (reason === 'LoginRejected') {
    return new OperatorError(reason, place.loginHint === '' ? text : `${text}: ${place.loginHint}`);
  }
  const delayMs = headerDelayMs(answer) ?? (reason === 'UpstreamThrottled' ? clampedDelayMs(throttledMs) : undefined);
  return new OperatorError(reason, text, delayMs === undefined ? {} : { retryAfterMs: delayMs });
}

/** A success that does not hold what this API answers. */
export function notFromAws(what: string): OperatorError {
  return new OperatorError('UpstreamInvalid', `${what}: ${notFromApi}`);
}

function rowOf(status: number, code: string): Row {
  const known = rows.get(code);
  if (known !== undefined) return known;
  if (status === 429) return throttled;
  if (status >= 500) return down;
  if (code !== '') return { reason: 'UpstreamRejected', problem: 'AWS refuses the request' };
  return { reason: 'UpstreamInvalid', problem: notFromApi };
}

const notFromApi = 'the answer is not what this API gives; check what answers in its place';

/** Services that pass on what another said put its request's id into the text. */
const requestIds = /[;,(]? {0,2}Request ?ID:? ?[\w-]{1,64}/gi;

function quoted(message: string, { secrets }: AwsPlace): string {
  const headers = Object.fromEntries(secrets.map((secret, at) => [`secret-${at}`, secret]));
  const clean = plainLine(withoutSent(message, { headers }).slice(0, 4_096).replaceAll(requestIds, ''), quotedLength);
  return clean === '' ? '' : `: ${clean}`;
}

/** What `read` gives; what it throws begins with `what`. */
export function naming<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof OperatorError ? thrown.within(what) : thrown;
  }
}
