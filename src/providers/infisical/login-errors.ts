// From answers to a login to reasons, and to what the user is to check. No refusal there speaks of a token of ours, and the
// texts, which change between releases, name what did not fit but rarely where it is set, so the table below adds that: the
// first row that fits.
import type { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import type { UpstreamAnswer } from '../../http/contract.ts';
import { answerError, failure, type Place, quotedAfter, readError, type Sent } from './errors.ts';

/** A login: its operation is `log in with <route>`. */
export interface LoginPlace extends Place {
  /** Name in the route, such as `kubernetes-auth`. */
  readonly route: string;
}

interface Seen {
  readonly status: number;
  /** The server's name for the class of the error, such as `UnauthorizedError`. */
  readonly error: string;
  readonly message: string;
  readonly place: LoginPlace;
}

interface Row {
  readonly reason: Reason;
  readonly fits: (seen: Seen) => boolean;
  readonly advice: (seen: Seen) => string;
  /** False when the server's own message would mislead. */
  readonly quotes?: false;
}

/** The message advises by itself, better than its reason could. */
const advised = '';

const refusals: readonly number[] = [401, 403, 404];

/** A refusal whose words fit every pattern. Each is searched once, so that no text takes more than its length in time. */
const says = (...patterns: readonly RegExp[]) => {
  return ({ status, message }: Seen) => refusals.includes(status) && patterns.every((pattern) => pattern.test(message));
};

/** Status and class decide who is at fault; words only tell what exactly did not fit, where a release still says so. */
const rows: readonly Row[] = [
  {
    reason: 'UpstreamInvalid',
    // The router's own 404 has a space in its name; the application's has none.
    fits: ({ status, error }) => status === 404 && error === 'Not Found',
    advice: ({ place }) => `this server has no ${place.route}: check hostAPI and the version of the server`,
    quotes: false,
  },
  {
    reason: 'LoginRejected',
    fits: says(/organi[sz]ation/i),
    advice: () => 'check secretsScope.organizationSlug, and that the identity belongs to that organization',
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, place }) => status === 404 && place.route === 'universal-auth',
    advice: ({ place }) => `the server knows no such client id: check clientId${otherCloud(place)}`,
  },
  {
    reason: 'LoginRejected',
    // The text names GCP where OIDC is meant.
    fits: (seen) => seen.status === 404 || says(/auth method not found/i)(seen),
    advice: ({ place }) =>
      `the server knows no identity of this id that has ${place.route}: check identityId, and the login methods of the identity${otherCloud(place)}`,
    quotes: false,
  },
  {
    reason: 'LoginRejected',
    fits: ({ error }) => error === 'KubernetesTokenReviewRequestError',
    advice: () =>
      'Infisical itself may not ask the cluster about tokens: check the token reviewer of the identity, and its right to create TokenReviews',
  },
  {
    reason: 'LoginRejected',
    fits: (seen) => seen.error === 'KubernetesTokenReviewError' || says(/token ?review/i)(seen),
    advice: () =>
      "the cluster that Infisical asks refuses the token: check the identity's Kubernetes host and CA, and that the audience is one which that cluster accepts",
  },
  {
    reason: 'LoginRejected',
    fits: says(/temporarily locked/i),
    advice: () => 'too many logins failed; it opens by itself after some minutes, and is not tried meanwhile',
  },
  {
    reason: 'LoginRejected',
    fits: says(/usage limit/i),
    advice: () => 'the client secret was made for a number of logins: write a new one without that limit',
  },
  {
    reason: 'LoginRejected',
    fits: says(/expired/i),
    advice: () => 'write a new one, and compare the clocks of the issuer and the server',
  },
  {
    reason: 'LoginRejected',
    fits: says(/audience/i),
    advice: () => 'the audience of the token must be the one that the identity asks for',
  },
  {
    reason: 'LoginRejected',
    fits: says(/issuer/i),
    advice: () => 'the issuer of the token must be the one that the identity is bound to',
  },
  {
    reason: 'LoginRejected',
    fits: says(/\b(?:subject|claim|name|namespace|principal|account)\b/i, /not allowed/i),
    advice: () => 'extend what the identity allows, or log in as another',
  },
  {
    reason: 'LoginRejected',
    fits: says(/\bip\b/i, /not allowed|denied|trusted/i),
    advice: () => "add the cluster's outgoing address to the trusted IPs of the identity",
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, place }) => refusals.includes(status) && place.route === 'ldap-auth',
    advice: () =>
      'check user name and password; ESO sends the two exchanged, so a store that was written for it may name them so',
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, place }) => status === 401 && place.route === 'universal-auth',
    advice: ({ place }) => `check that clientSecret is of this clientId and has not been revoked${otherCloud(place)}`,
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, place }) => status === 401 && proofs.has(place.route),
    advice: ({ place }) =>
      `the server does not take the proof: check what the identity's ${place.route} is bound to, and the clocks`,
  },
  {
    reason: 'LoginRejected',
    fits: ({ status }) => status === 403,
    advice: () => 'check what the identity allows for this login: names, addresses, its organization',
  },
  { reason: 'LoginRejected', fits: ({ status }) => refusals.includes(status), advice: () => '' },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, place }) => status === 500 && place.route === 'kubernetes-auth',
    advice: () =>
      "the server failed (HTTP 500); servers of 2024 answer so also when they cannot reach the identity's Kubernetes host",
    quotes: false,
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, place }) => status === 500 && place.route === 'oci-auth',
    advice: () =>
      'the server failed (HTTP 500); it answers so also to a signature that Oracle Cloud refuses: check privateKey, fingerprint and userId, and the clock',
    quotes: false,
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, place }) => status === 500 && proofs.has(place.route),
    advice: () =>
      'the server failed (HTTP 500); it answers so also to a proof that it cannot read, such as a token with several audiences or of an unknown key',
    quotes: false,
  },
];

/** Logins by something that another service has signed. */
const proofs: ReadonlySet<string> = new Set([
  'oidc-auth',
  'jwt-auth',
  'azure-auth',
  'gcp-auth',
  'aws-auth',
  'oci-auth',
]);

const usClouds: ReadonlySet<string> = new Set(['app.infisical.com', 'us.infisical.com']);

/** Identities live in one of the clouds, and a store without `hostAPI` means that of the US. */
function otherCloud({ host }: Place): string {
  return usClouds.has(host) ? '; an identity of the EU cloud needs hostAPI: https://eu.infisical.com' : '';
}

/** What an answer to a login means. */
export function loginError(answer: UpstreamAnswer, place: LoginPlace, sent: Sent): OperatorError {
  const said = readError(answer, sent);
  const isThrottled = answer.status === 429 || answer.headers['retry-after'] !== undefined;
  if (said === undefined || said.isValidation || isThrottled) return answerError(answer, place, sent);
  const seen = { status: answer.status, error: said.error, message: said.message, place };
  const row = rows.find(({ fits }) => fits(seen));
  if (row === undefined) return answerError(answer, place, sent);
  const advice = row.advice(seen);
  if (row.quotes === false) return failure(row.reason, place, advice, advised);
  const problem = `HTTP ${answer.status}${quotedAfter(said)}`;
  return advice === ''
    ? failure(row.reason, place, problem)
    : failure(row.reason, place, `${problem}: ${advice}`, advised);
}
