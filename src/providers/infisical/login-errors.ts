// From answers to a login to reasons, and to what the user is to check. No refusal there speaks of a token of ours, and the
// texts name what did not fit but rarely where it is set, so the table below adds that: the first row that fits.
import type { OperatorError } from '../../core/operator-error.ts';
import type { Reason } from '../../core/reasons.ts';
import type { UpstreamAnswer } from '../../http/contract.ts';
import { answerError, failure, type Place, quotedAfter, readError } from './errors.ts';

/** A login: its operation is `log in with <route>`. */
export interface LoginPlace extends Place {
  /** Name in the route, such as `kubernetes-auth`. */
  readonly route: string;
}

interface Seen {
  readonly status: number;
  /** Error name and message. */
  readonly text: string;
  readonly route: string;
}

interface Row {
  readonly reason: Reason;
  readonly fits: (seen: Seen) => boolean;
  readonly advice: (seen: Seen) => string;
  /** False when the server's own message would mislead. */
  readonly quotes?: false;
}

const refusals: readonly number[] = [401, 403, 404];
const says = (pattern: RegExp) => (seen: Seen) => refusals.includes(seen.status) && pattern.test(seen.text);

const rows: readonly Row[] = [
  {
    reason: 'UpstreamInvalid',
    // The router's own 404 has a space in its name; the application's has none.
    fits: ({ status, text }) => status === 404 && text.startsWith('Not Found '),
    advice: ({ route }) => `this server has no ${route}: check hostAPI and the version of the server`,
    quotes: false,
  },
  {
    reason: 'LoginRejected',
    // The text names GCP where OIDC is meant.
    fits: (seen) => says(/auth method not found|did you configure|identity .*not found/i)(seen),
    advice: ({ route }) =>
      `the server knows no identity of this id that has ${route}: check identityId, and the login methods of the identity`,
    quotes: false,
  },
  {
    reason: 'LoginRejected',
    fits: says(/KubernetesTokenReviewRequestError/),
    advice: () =>
      'Infisical itself may not ask the cluster about tokens: check the token reviewer of the identity, and its right to create TokenReviews',
  },
  {
    reason: 'LoginRejected',
    fits: says(/KubernetesTokenReviewError|token ?review/i),
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
    fits: says(/\b(subject|claim|name|namespace|principal|account)\b.*not allowed/i),
    advice: () => 'extend what the identity allows, or log in as another',
  },
  {
    reason: 'LoginRejected',
    fits: says(/\bip\b.*(not allowed|denied|trusted)|(not allowed|denied|trusted).*\bip\b/i),
    advice: () => "add the cluster's outgoing address to the trusted IPs of the identity",
  },
  {
    reason: 'LoginRejected',
    fits: says(/organi[sz]ation/i),
    advice: () => 'check secretsScope.organizationSlug, and that the identity belongs to that organization',
  },
  {
    reason: 'LoginRejected',
    fits: ({ status, route }) => refusals.includes(status) && route === 'ldap-auth',
    advice: () =>
      'check user name and password; ESO sends the two exchanged, so a store that was written for it may name them so',
  },
  { reason: 'LoginRejected', fits: ({ status }) => refusals.includes(status), advice: () => '' },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, route }) => status === 500 && route === 'kubernetes-auth',
    advice: () =>
      "the server failed (HTTP 500); servers of 2024 answer so also when they cannot reach the identity's Kubernetes host",
    quotes: false,
  },
  {
    reason: 'UpstreamUnavailable',
    fits: ({ status, route }) => status === 500 && /^(oidc|azure|gcp|aws)-auth$/.test(route),
    advice: () =>
      'the server failed (HTTP 500); servers of 2024 answer so also to a proof that they cannot read, such as a token with several audiences or of an unknown key',
    quotes: false,
  },
];

/** What an answer to a login means. */
export function loginError(answer: UpstreamAnswer, place: LoginPlace): OperatorError {
  const said = readError(answer);
  const isThrottled = answer.status === 429 || answer.headers['retry-after'] !== undefined;
  if (said === undefined || said.isValidation || isThrottled) return answerError(answer, place);
  const seen = { status: answer.status, text: `${said.error} ${said.message}`, route: place.route };
  const row = rows.find(({ fits }) => fits(seen));
  if (row === undefined) return answerError(answer, place);
  const advice = row.advice(seen);
  if (row.quotes === false) return failure(row.reason, place, advice);
  return failure(row.reason, place, `HTTP ${answer.status}${quotedAfter(said)}${advice === '' ? '' : `: ${advice}`}`);
}

/** The shortest text that is taken out of answers: shorter ones stand in any sentence. */
const shortestMaterial = 4;

/** The answer without what was sent in the login's body, should the server repeat it. */
export function withoutMaterial(answer: UpstreamAnswer, body: unknown): UpstreamAnswer {
  const forms = [...textsIn(body)]
    .flatMap((material) => [material, material.trim()])
    .flatMap((material) => [material, JSON.stringify(material).slice(1, -1)])
    .filter(({ length }) => length >= shortestMaterial)
    // The longest first: a user name may be part of the password, of which a rest would stay.
    .sort((one, other) => other.length - one.length);
  const text = answer.body.toString('utf8');
  const clean = forms.reduce((all, material) => all.replaceAll(material, '[redacted]'), text);
  return clean === text ? answer : { ...answer, body: Buffer.from(clean) };
}

function* textsIn(body: unknown): Generator<string> {
  if (typeof body === 'string') yield body;
  else if (typeof body === 'object' && body !== null) for (const inner of Object.values(body)) yield* textsIn(inner);
}
