// Verifiers for logins by somebody else's proof, as Infisical judges them. What the third party itself would say (the
// cluster's TokenReview, STS, a signature made with the issuer's keys) is a port, so a test can answer by hand or ask a
// real API server. A port that throws something other than an ApiError makes the answer 500, as it does there.
import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose';
import type { Clock } from '../../../src/base/clock.ts';
import { fits } from './access.ts';
import { ApiError, badToken, unauthorized } from './api-error.ts';
import type { Verifier } from './identities.ts';
import { decode } from './tokens.ts';

type Claims = Readonly<Record<string, unknown>>;

/** What a TokenReview said: who it is, that the token is no good, or that the reviewer itself may not ask. */
export type ReviewVerdict =
  | { readonly username: string; readonly audiences?: readonly string[] }
  | { readonly refused: string }
  | { readonly reviewerRefused: string };

export interface KubernetesRules {
  readonly review: (jwt: string) => ReviewVerdict | Promise<ReviewVerdict>;
  readonly namespaces?: readonly string[];
  readonly names?: readonly string[];
  readonly audience?: string;
}

export function kubernetesVerifier({ review, namespaces, names, audience }: KubernetesRules): Verifier {
  return async (body) => {
    const verdict = await review(body['jwt'] ?? '');
    if ('refused' in verdict) throw new ApiError(401, 'KubernetesTokenReviewError', verdict.refused);
    if ('reviewerRefused' in verdict) {
      throw new ApiError(401, 'KubernetesTokenReviewRequestError', verdict.reviewerRefused);
    }
    const [, , namespace = '', name = ''] = verdict.username.split(':');
    const demandThat = (isAllowed: boolean, what: string) => {
      if (!isAllowed) throw unauthorized(`Access denied: K8s ${what} not allowed.`);
    };
    demandThat(namespaces?.includes(namespace) ?? true, 'namespace');
    demandThat(names?.includes(name) ?? true, 'name');
    demandThat(audience === undefined || (verdict.audiences ?? []).includes(audience), 'audience');
  };
}

/** Says whether a JWT was signed by the issuer; throws when not. */
export type SignatureCheck = (jwt: string) => void | Promise<void>;

/** Checks against published keys; a key id that is not among them is a server error. */
export function signatureBy(keys: JSONWebKeySet): SignatureCheck {
  const keyFor = createLocalJWKSet(keys);
  return async (jwt) => {
    try {
      await compactVerify(jwt, keyFor);
    } catch (error) {
      if (error instanceof errors.JWSSignatureVerificationFailed)
        throw unauthorized('Access denied: invalid signature');
      throw error;
    }
  };
}

export interface OidcRules {
  readonly clock: Clock;
  readonly issuer: string;
  readonly checkSignature: SignatureCheck;
  /** A glob in which `*` does not match a slash. */
  readonly subject?: string;
  readonly audience?: string;
  /** Newer servers take a list of audiences in the token. */
  readonly takesAudiences?: boolean;
}

export function oidcVerifier(rules: OidcRules): Verifier {
  return async (body) => {
    const jwt = body['jwt'] ?? '';
    const claims = claimsOf(jwt);
    if (!claims) throw unauthorized('Invalid JWT');
    await rules.checkSignature(jwt);
    if (isExpired(claims, rules.clock)) throw unauthorized('Access denied: jwt expired');
    if (claims['iss'] !== rules.issuer) {
      throw unauthorized(`Access denied: jwt issuer invalid. expected: ${rules.issuer}`);
    }
    if (rules.subject !== undefined && !fits(rules.subject, String(claims['sub']))) {
      throw new ApiError(403, 'ForbiddenError', 'Access denied: OIDC subject not allowed.');
    }
    const audience = claims['aud'];
    if (typeof audience !== 'string' && !rules.takesAudiences)
      throw new TypeError('this server reads one audience only');
    if (rules.audience !== undefined && ![audience].flat().includes(rules.audience)) {
      throw unauthorized('Access denied: OIDC audience not allowed.');
    }
  };
}

export interface AzureRules {
  readonly clock: Clock;
  readonly tenantId: string;
  /** Without trailing slash; one in the token is tolerated. */
  readonly resource: string;
  readonly checkSignature: SignatureCheck;
  /** Object ids of the principals that may log in; any when absent. */
  readonly principals?: readonly string[];
}

export function azureVerifier(rules: AzureRules): Verifier {
  return async (body) => {
    const claims = await signedClaims(body['jwt'] ?? '', rules.checkSignature);
    const issuer = `https://sts.windows.net/${rules.tenantId}/`;
    if (isExpired(claims, rules.clock)) throw badToken('Your token has expired. Please re-authenticate.');
    if (String(claims['aud']).replace(/\/$/, '') !== rules.resource) {
      throw badToken(`jwt audience invalid. expected: ${rules.resource}`);
    }
    if (claims['iss'] !== issuer) throw badToken(`jwt issuer invalid. expected: ${issuer}`);
    if (rules.principals && !rules.principals.includes(String(claims['oid']))) {
      throw unauthorized('Access denied: Azure service principal not allowed.');
    }
  };
}

export interface GcpRules {
  readonly type: 'iam' | 'gce';
  readonly checkSignature: SignatureCheck;
  /** Mail addresses of service accounts that may log in; any when absent. */
  readonly serviceAccounts?: readonly string[];
}

export function gcpVerifier({ type, checkSignature, serviceAccounts }: GcpRules): Verifier {
  return async (body) => {
    const claims = await signedClaims(body['jwt'] ?? '', checkSignature);
    if (claims['aud'] !== body.identityId) {
      if (type === 'iam') throw unauthorized('Invalid audience in GCP IAM Token');
      throw new TypeError('the library that checks the id token throws a plain error');
    }
    const account = String(claims[type === 'iam' ? 'sub' : 'email']);
    if (serviceAccounts && !serviceAccounts.includes(account)) {
      throw unauthorized('Access denied: GCP service account not allowed.');
    }
  };
}

/** The signed request that a client hands over, decoded. */
export interface StsRequest {
  readonly method: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AwsRules {
  /** Plays STS: who signed. Throws when the signature is refused. */
  readonly callSts: (request: StsRequest) => CallerIdentity | Promise<CallerIdentity>;
  readonly accounts?: readonly string[];
  readonly principals?: readonly string[];
}

export interface CallerIdentity {
  readonly account: string;
  readonly arn: string;
}

export function awsVerifier({ callSts, accounts, principals }: AwsRules): Verifier {
  return async (body) => {
    const text = (name: string) => Buffer.from(body[name] ?? '', 'base64').toString();
    const headers: unknown = JSON.parse(text('iamRequestHeaders'));
    const caller = await callSts({
      method: body['iamHttpRequestMethod'] ?? 'POST',
      body: text('iamRequestBody'),
      headers: Object.fromEntries(Object.entries(Object(headers)).map(([name, value]) => [name, String(value)])),
    });
    if (accounts && !accounts.includes(caller.account))
      throw unauthorized('Access denied: AWS account ID not allowed.');
    if (principals && !principals.some((glob) => fits(glob, caller.arn))) {
      throw unauthorized('Access denied: AWS principal ARN not allowed.');
    }
  };
}

async function signedClaims(jwt: string, checkSignature: SignatureCheck): Promise<Claims> {
  const claims = claimsOf(jwt);
  if (!claims) throw new TypeError('not a JWT');
  await checkSignature(jwt);
  return claims;
}

/** The claims of a JWT, unchecked. */
export function claimsOf(jwt: string): Claims | undefined {
  const parts = jwt.split('.');
  return parts.length === 3 && decode(parts[0] ?? '') ? decode(parts[1] ?? '') : undefined;
}

function isExpired(claims: Claims, clock: Clock): boolean {
  return typeof claims['exp'] === 'number' && clock.nowMs() >= claims['exp'] * 1000;
}
