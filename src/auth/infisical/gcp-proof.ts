// What the two GCP logins share: the route, and a look at whom a token is made out for.
import { decodeJwt } from 'jose';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';

export const gcpLoginPath = '/v1/auth/gcp-auth/login';

/**
 * The token, when it is for this audience. Throws UpstreamInvalid when it is for another: Infisical would answer with a
 * failure of its own (HTTP 500), which nobody could tell from one that passes.
 */
export function forAudience(token: SecretValue, audience: string, what: string): SecretValue {
  if (audiencesOf(token).includes(audience)) return token;
  throw new OperatorError(
    'UpstreamInvalid',
    `${what} is for another audience than the identity id: check what answers in place of Google`,
  );
}

function audiencesOf(token: SecretValue): readonly unknown[] {
  try {
    return [decodeJwt(token.text()).aud].flat();
  } catch {
    return [];
  }
}
