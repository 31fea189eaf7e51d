// What the logins by a cloud's word have in common: the id of the identity, what that cloud said about a refused login,
// and a look at a token before it leaves.
import { decodeJwt, type JWTPayload } from 'jose';
import { OperatorError } from '../../core/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Credentials, SecretKeySelector } from '../contract.ts';
import { readTrimmed } from '../material.ts';

/** The id of the machine identity, as text. Throws what `readTrimmed` throws. */
export async function readIdentityId(
  credentials: Credentials,
  selector: SecretKeySelector,
  block: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  return readTrimmed(credentials, selector, `${block}.identityId`, signal);
}

/** Clocks that differ by less are no reason to call a token expired: the server is the judge. */
const clockToleranceMs = 60_000;

/** Throws UpstreamInvalid for a token that is none, has expired, or is for another audience than was asked for. */
export function checkProof(token: SecretValue, { nowMs, audience, what }: ProofTerms): void {
  const claims = claimsOf(token);
  if (claims === undefined) throw unfit(what, 'is no JWT');
  if (claims.exp !== undefined && claims.exp * 1_000 + clockToleranceMs < nowMs) {
    throw unfit(what, 'has expired: check the clock of the node, and what answers in place of the cloud');
  }
  if (audience === undefined || [claims.aud].flat().includes(audience)) return;
  throw unfit(what, 'is for another audience than was asked for: check what answers in place of the cloud');
}

interface ProofTerms {
  readonly nowMs: number;
  /** Not checked when absent: some clouds write another name of the same audience. */
  readonly audience?: string;
  /** `the token of the managed identity`. */
  readonly what: string;
}

function claimsOf(token: SecretValue): JWTPayload | undefined {
  try {
    return decodeJwt(token.text());
  } catch {
    return undefined;
  }
}

function unfit(what: string, problem: string): OperatorError {
  return new OperatorError('UpstreamInvalid', `${what} ${problem}`);
}

/** Runs a login; when it is refused, adds who it was that was refused. */
export async function loginAs<T>(who: string, login: () => Promise<T>): Promise<T> {
  try {
    return await login();
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason === 'LoginRejected') throw thrown.within(who);
    throw thrown;
  }
}
