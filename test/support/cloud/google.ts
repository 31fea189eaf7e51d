// Doubles of Google Cloud: the metadata server, and one server for both APIs that a service account key is used at:
// OAuth's token endpoint, which checks the assertion, and IAM's signJwt.
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Clock } from '../../../src/base/clock.ts';
import { type CloudAnswer, type CloudRequest, type HttpDouble, startHttpDouble } from './http-double.ts';
import { type SigningKeys, signingKeys } from './signing-keys.ts';

export interface GoogleDoubles {
  readonly metadata: HttpDouble;
  readonly apis: HttpDouble;
  /** What Google signs with. */
  readonly keys: SigningKeys;
  /** The user-managed key of the service account; Google publishes its certificate as well. */
  readonly accountKeys: SigningKeys;
  /** Text of the key file. */
  readonly keyFile: string;
  /** Whether signJwt is allowed. */
  allowSigning(isAllowed: boolean): void;
  /** Whether the key is still one of the account's. */
  acceptKey(isAccepted: boolean): void;
  stop(): Promise<void>;
}

export const googleAccount = 'operator@demo.iam.gserviceaccount.com';

export interface GoogleDoublesOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** The audience that the metadata server writes; the one that was asked for when absent. */
  readonly audience?: string;
  /** Life of an identity token; negative gives expired ones. */
  readonly lifeSeconds?: number;
}

export async function startGoogleDoubles(options: GoogleDoublesOptions): Promise<GoogleDoubles> {
  const { clock, audience, lifeSeconds = 3_600 } = options;
  const keys = signingKeys('google-key-1');
  const accountKeys = signingKeys('account-key-1');
  const allowed = { signing: true, key: true };
  const nowSeconds = () => Math.floor(clock.nowMs() / 1_000);
  const idToken = (aud: string, extra: object = {}) => {
    const who = { iss: 'https://accounts.google.com', email: googleAccount, email_verified: true, sub: '1' };
    return keys.sign({ ...who, ...extra, aud, iat: nowSeconds(), exp: nowSeconds() + lifeSeconds });
  };

  const metadata = await startHttpDouble(async ({ path, query, headers }) => {
    const flavor = { 'metadata-flavor': 'Google' };
    if (headers['metadata-flavor'] !== 'Google') return { status: 403 };
    if (path !== '/computeMetadata/v1/instance/service-accounts/default/identity')
      return { status: 404, headers: flavor };
    const machine = { google: { compute_engine: { project_id: 'demo', zone: 'us-central1-a' } } };
    const extra = query.get('format') === 'full' ? machine : {};
    return { status: 200, headers: flavor, body: await idToken(audience ?? query.get('audience') ?? '', extra) };
  });

  const accessToken = 'ya29.access-token-of-the-double';
  const grant = async (request: CloudRequest): Promise<CloudAnswer> => {
    const form = new URLSearchParams(request.body);
    const isBearerGrant = form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer';
    const claims = await verified(form.get('assertion') ?? '', apis.url);
    if (!isBearerGrant || !allowed.key || claims?.iss !== googleAccount) {
      return { status: 400, body: { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' } };
    }
    const { scope, target_audience: target } = claims;
    if (typeof target === 'string') return { status: 200, body: { id_token: await idToken(target) } };
    if (scope !== 'https://www.googleapis.com/auth/cloud-platform')
      return { status: 400, body: { error: 'invalid_scope' } };
    return { status: 200, body: { access_token: accessToken, expires_in: 3_599, token_type: 'Bearer' } };
  };
  const verified = async (assertion: string, url: string) => {
    const terms = { audience: `${url}/token`, currentDate: new Date(clock.nowMs()), algorithms: ['RS256'] };
    const check = jwtVerify(assertion, createLocalJWKSet(accountKeys.jwks), terms);
    return check.then(
      ({ payload }) => payload,
      () => undefined,
    );
  };
  const sign = async ({ headers, body }: CloudRequest): Promise<CloudAnswer> => {
    if (headers['authorization'] !== `Bearer ${accessToken}`) return iamError(401, 'UNAUTHENTICATED');
    if (!allowed.signing) return iamError(403, 'PERMISSION_DENIED');
    const { payload } = JSON.parse(body);
    const claims = { iat: nowSeconds(), exp: nowSeconds() + 3_600, ...JSON.parse(payload) };
    return { status: 200, body: { keyId: keys.keyId, signedJwt: await keys.sign(claims) } };
  };
  const signPath = `/v1/projects/-/serviceAccounts/${encodeURIComponent(googleAccount)}:signJwt`;
  const apis = await startHttpDouble((request) => {
    if (request.method === 'POST' && request.path === '/token') return grant(request);
    if (request.method === 'POST' && request.path === signPath) return sign(request);
    return { status: 404 };
  });

  const key = { type: 'service_account', project_id: 'demo', client_email: googleAccount };
  const secret = { private_key_id: accountKeys.keyId, private_key: accountKeys.privatePem };
  return {
    metadata,
    apis,
    keys,
    accountKeys,
    keyFile: JSON.stringify({ ...key, ...secret, token_uri: `${apis.url}/token` }),
    allowSigning: (isAllowed) => {
      allowed.signing = isAllowed;
    },
    acceptKey: (isAccepted) => {
      allowed.key = isAccepted;
    },
    stop: async () => void (await Promise.all([metadata.stop(), apis.stop()])),
  };
}

function iamError(code: number, status: string): CloudAnswer {
  return { status: code, body: { error: { code, status, message: 'refused' } } };
}
