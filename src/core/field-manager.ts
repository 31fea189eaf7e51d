// The field manager name under which an ExternalSecret's target is written. It is the name External Secrets Operator uses,
// so that either operator recognises what the other wrote.
import { hashText } from './object-hash.ts';

const prefix = 'externalsecrets.external-secrets.io/';
/** Longest name before the hashed form takes its place. The API server would allow 128. */
const longestName = 63;

/** The manager that writes targets of the ExternalSecret of this name. */
export function fieldManagerName(externalSecretName: string): string {
  const plain = `${prefix}${externalSecretName}`;
  return plain.length <= longestName ? plain : `${prefix}sha3/${hashText(externalSecretName)}`;
}

/**
 * Every manager name that may stand for this ExternalSecret, the one we write first. ESO 2.9 reads stale labels and
 * annotations of names between 28 and 63 characters under the plain form, so both are ours.
 */
export function fieldManagerNames(externalSecretName: string): readonly string[] {
  return [...new Set([fieldManagerName(externalSecretName), `${prefix}${externalSecretName}`])];
}

/** The manager that writes what the Environment of this name publishes. The API server allows 128 characters. */
export function environmentFieldManager(environmentName: string): string {
  const plain = `environments.escapement.dev/${environmentName}`;
  return plain.length <= 128 ? plain : `environments.escapement.dev/sha3/${hashText(environmentName)}`;
}
