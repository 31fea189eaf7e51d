// What the logins by a JWT have in common: a look at the token before it leaves, and the request. Where the token comes
// from is each method's own business.
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Credentials, Grant, LoginApi, SecretKeySelector, ServiceAccountTokens } from '../contract.ts';
import { describeKey, principalKey, readTrimmed } from '../material.ts';
import { grantFrom, parseLoginReply } from './login-reply.ts';

/** Where a login gets its token from, anew each time. */
export interface JwtSource {
  /** Who the tokens are, or a digest of the only one there is. Holds no secret. */
  readonly key: string;
  /** What is said of the token: `the token of ServiceAccount "shop/robot"`. */
  readonly what: string;
  /** Made for this very login: its end is no question, however far our clock is off that of the API server. */
  readonly isMinted?: true;
  token(signal: AbortSignal): Promise<SecretValue>;
}

/** Tokens that are minted for a ServiceAccount. */
export function mintedJwt(account: ServiceAccountTokens): JwtSource {
  return {
    key: `minted:${JSON.stringify([account.name, account.audiences])}`,
    what: `the token of ServiceAccount "${account.name}"`,
    isMinted: true,
    token: (signal) => account.mint(signal),
  };
}

/** The one token that a Secret holds. Throws InvalidCredential for what is no JWT, and what the port throws. */
export async function storedJwt(
  credentials: Credentials,
  selector: SecretKeySelector,
  field: string,
  signal: AbortSignal,
): Promise<JwtSource> {
  const jwt = await readTrimmed(credentials, selector, field, signal);
  const what = `${field}: ${describeKey(selector)}`;
  readExpiry(jwt, what);
  return { key: principalKey('stored', [jwt]), what, token: async () => jwt };
}

/** Clocks that differ by less are no reason to call a token expired: the server is the judge. */
const clockToleranceMs = 60_000;

interface JwtLogin {
  readonly api: LoginApi;
  /** Below the API root. */
  readonly path: string;
  readonly identityId: SecretValue;
  readonly source: JwtSource;
}

/**
 * Logs in. Throws InvalidCredential without a request for a token that is none or has expired: to ask with it would only
 * be counted as a failed login.
 */
export async function loginByJwt(
  { api, path, identityId, source }: JwtLogin,
  nowMs: number,
  signal: AbortSignal,
): Promise<Grant> {
  const jwt = await source.token(signal);
  const expiresAtMs = readExpiry(jwt, source.what);
  if (source.isMinted !== true && expiresAtMs !== undefined && expiresAtMs + clockToleranceMs <= nowMs) {
    throw new OperatorError('InvalidCredential', `${source.what} has expired`);
  }
  const body = { identityId: identityId.text(), jwt: jwt.text() };
  try {
    return grantFrom(await api.post(path, body, parseLoginReply, signal), nowMs);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason === 'LoginRejected') throw thrown.within(source.what);
    throw thrown;
  }
}

/** Epoch ms of `exp`; undefined when the token has none. Throws InvalidCredential for what is no JWT, without quoting it. */
function readExpiry(jwt: SecretValue, what: string): number | undefined {
  try {
    const text = jwt.text();
    decodeProtectedHeader(text);
    const { exp } = decodeJwt(text);
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    throw new OperatorError(
      'InvalidCredential',
      `${what} is no JWT: expected three parts in base64url with dots between`,
    );
  }
}
