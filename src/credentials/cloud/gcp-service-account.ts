// What a service account key of Google Cloud is good for: an access or identity token by OAuth, and a JWT that Infisical
// takes as proof, signed by Google's IAM or, where that cannot be had, with the key itself.
// https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signJwt

import type { KeyObject } from 'node:crypto';
import * as z from 'zod/mini';
import { readRsaKey, signRs256 } from '../../auth/signing/rs256-jwt.ts';
import type { Clock } from '../../base/clock.ts';
import { tryJson } from '../../base/json.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Upstream } from '../../http/contract.ts';
import { ask, readJsonAs, refusal } from './answers.ts';
import { namedUrl } from './endpoints.ts';
import type { CloudEnvironment } from './environment.ts';

export interface KeyPorts {
  readonly environment: CloudEnvironment;
  readonly upstream: Upstream;
  readonly clock: Pick<Clock, 'nowMs'>;
}

interface ServiceAccountKey {
  readonly email: string;
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly tokenUri: URL;
}

const keyFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string(),
  private_key: z.string(),
  private_key_id: z.string(),
  token_uri: z.optional(z.string()),
});

const usualTokenUri = 'https://oauth2.googleapis.com/token';
const iamRoot = 'https://iamcredentials.googleapis.com/';
const iamScope = 'https://www.googleapis.com/auth/cloud-platform';
/** Life of what is signed here; Google takes no more for an assertion, and gives a signed JWT the same. */
const lifeSeconds = 3_600;

/** Whether a credentials file is a key, or of another type; one that is no JSON is called a key, so that reading it fails. */
export function serviceAccountType(file: SecretValue): 'key' | 'other' {
  const type = z.object({ type: z.string() }).safeParse(parseJson(file)).data?.type;
  return type === undefined || type === 'service_account' ? 'key' : 'other';
}

/** Throws InvalidCredential, naming what is wrong with the file but nothing of what stands in it. */
export function parseServiceAccountKey(file: SecretValue, field: string): ServiceAccountKey {
  const invalid = (problem: string) => new OperatorError('InvalidCredential', `${field}: ${problem}`);
  const json = parseJson(file);
  if (json === undefined) throw invalid('the file is no JSON: give the key file of a service account');
  const parsed = keyFile.safeParse(json);
  if (!parsed.success) {
    const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0] ?? 'the whole')))].sort();
    throw invalid(`the file is no key of a service account: check ${names.join(', ')}`);
  }
  const { client_email: email, private_key: pem, private_key_id: keyId, token_uri: tokenUri } = parsed.data;
  if (!/^[\w.+-]+@[\w.-]+$/.test(email)) throw invalid('client_email of the file is no mail address');
  const url = URL.parse(tokenUri ?? usualTokenUri);
  if (url === null) throw invalid('token_uri of the file is no URL');
  return { email, keyId, privateKey: readRsaKey(new SecretValue(pem), `${field}: private_key`), tokenUri: url };
}

function parseJson(file: SecretValue): unknown {
  try {
    return JSON.parse(file.text());
  } catch {
    return undefined;
  }
}

/**
 * A JWT of the service account for an audience. Throws InvalidCredential for the file, and LoginRejected when Google no
 * longer takes the key. Where IAM refuses to sign or cannot be reached the key signs: its certificate is published as well.
 */
export async function gcpSignedJwt(
  ports: KeyPorts,
  file: SecretValue,
  { audience, field }: { readonly audience: string; readonly field: string },
  signal: AbortSignal,
): Promise<SecretValue> {
  const key = parseServiceAccountKey(file, field);
  const claims = { sub: key.email, aud: audience };
  try {
    const accessToken = await fetchAccessToken(ports, key, signal);
    return await signByIam(ports, { email: key.email, accessToken, claims }, signal);
  } catch (thrown) {
    if (!(thrown instanceof OperatorError) || thrown instanceof KeyRefused || thrown.reason === 'Aborted') throw thrown;
    return new SecretValue(signRs256({ ...claims, ...lifetime(ports) }, key.privateKey, key.keyId));
  }
}

/** Google does not take the key, so what it signs is worth nothing anywhere. */
class KeyRefused extends OperatorError {}

/** An identity token for an audience, for the service account of the key. Throws LoginRejected when the key is refused. */
export async function fetchGoogleIdToken(
  ports: KeyPorts,
  key: ServiceAccountKey,
  audience: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const answer = await exchange(ports, key, { target_audience: audience }, signal);
  return new SecretValue(readJsonAs(answer, oauth, z.object({ id_token: z.string().check(z.minLength(1)) })).id_token);
}

async function fetchAccessToken(ports: KeyPorts, key: ServiceAccountKey, signal: AbortSignal): Promise<SecretValue> {
  const answer = await exchange(ports, key, { scope: iamScope }, signal);
  const { access_token: token } = readJsonAs(
    answer,
    oauth,
    z.object({ access_token: z.string().check(z.minLength(1)) }),
  );
  return new SecretValue(token);
}

const oauth = 'Google OAuth';
const oauthComplaint = z.object({ error: z.string() });

/** https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
async function exchange(
  ports: KeyPorts,
  { email, keyId, privateKey, tokenUri }: ServiceAccountKey,
  wish: { readonly scope: string } | { readonly target_audience: string },
  signal: AbortSignal,
) {
  const claims = { iss: email, aud: tokenUri.href, ...wish, ...lifetime(ports) };
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: signRs256(claims, privateKey, keyId),
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const answer = await ask(ports.upstream, oauth, { method: 'POST', url: tokenUri, headers, body }, signal);
  if (answer.status === 200) return answer;
  const code = oauthComplaint.safeParse(tryJson(answer.body)).data?.error;
  const error = refusal(answer, oauth, { code, hint: `is the key of "${email}" still valid, and the clock right?` });
  throw error.reason === 'LoginRejected' ? new KeyRefused(error.reason, error.message) : error;
}

const iam = 'Google IAM (signJwt)';
const iamComplaint = z.object({ error: z.object({ status: z.string() }) });
const signedReply = z.object({ signedJwt: z.string().check(z.minLength(1)) });

interface SignOrder {
  readonly email: string;
  readonly accessToken: SecretValue;
  readonly claims: Readonly<Record<string, string>>;
}

async function signByIam(ports: KeyPorts, order: SignOrder, signal: AbortSignal): Promise<SecretValue> {
  const root = namedUrl(ports.environment, 'CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS') ?? new URL(iamRoot);
  const url = new URL(`v1/projects/-/serviceAccounts/${encodeURIComponent(order.email)}:signJwt`, root);
  const headers = {
    authorization: `Bearer ${order.accessToken.text()}`,
    'content-type': 'application/json',
    accept: 'application/json',
  };
  // Without `exp`: Google adds one.
  const body = JSON.stringify({ payload: JSON.stringify(order.claims) });
  const answer = await ask(ports.upstream, iam, { method: 'POST', url, headers, body }, signal);
  if (answer.status === 200) return new SecretValue(readJsonAs(answer, iam, signedReply).signedJwt);
  const code = iamComplaint.safeParse(tryJson(answer.body)).data?.error.status;
  throw refusal(answer, iam, { code, hint: 'enable the API and grant iam.serviceAccounts.signJwt' });
}

function lifetime({ clock }: KeyPorts): { readonly iat: number; readonly exp: number } {
  const iat = Math.floor(clock.nowMs() / 1_000);
  return { iat, exp: iat + lifeSeconds };
}
