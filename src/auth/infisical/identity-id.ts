// The id of a machine identity, which every login but Universal and Token Auth sends beside its proof.
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Credentials, SecretKeySelector } from '../contract.ts';
import { describeKey, readTrimmed } from '../material.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Throws what `readTrimmed` throws, and InvalidCredential for what is no UUID: servers answer that with a failure of their
 * own (HTTP 500), which nobody could tell from one that passes.
 */
export async function readIdentityId(
  credentials: Credentials,
  selector: SecretKeySelector,
  block: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const field = `${block}.identityId`;
  const value = await readTrimmed(credentials, selector, field, signal);
  if (uuid.test(value.text())) return value;
  throw new OperatorError(
    'InvalidCredential',
    `${field}: ${describeKey(selector)} holds no identity id: expected the UUID that Infisical shows for the machine identity`,
  );
}
