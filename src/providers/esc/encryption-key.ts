// The key that decrypts the secrets of an Environment's document: a Secret of the Environment's own namespace holds it.

import { OperatorError } from '../../base/operator-error.ts';
import { decryptWith, keyForm, readKey } from '../../core/esc/cipher.ts';
import type { Cipher } from '../../core/esc/ciphertext.ts';
import type { ClusterSources } from '../contract.ts';

export interface KeyReference {
  readonly namespace: string;
  /** Name and key of the Secret. */
  readonly selector: { readonly name: string; readonly key: string };
  /** What refers to it, for messages. */
  readonly field: string;
}

/** As readKeyBytes. */
export async function readDecrypter(
  reference: KeyReference,
  cluster: ClusterSources,
  signal: AbortSignal,
): Promise<Pick<Cipher, 'decrypt'>> {
  return decryptWith(await readKeyBytes(reference, cluster, signal));
}

/** Throws ReferenceNotFound, InvalidCredential (key absent, or no key), and what reading throws. */
export async function readKeyBytes(
  { namespace, selector, field }: KeyReference,
  cluster: ClusterSources,
  signal: AbortSignal,
): Promise<Buffer> {
  const { name, key } = selector;
  const at = `${field}: Secret "${namespace}/${name}"`;
  const data = await cluster.readData('Secret', { namespace, name }, signal);
  if (data === undefined) throw new OperatorError('ReferenceNotFound', `${at} does not exist`);
  const held = data.get(key);
  if (held === undefined) throw new OperatorError('InvalidCredential', `${at} has no key "${key}"`);
  const bytes = readKey(held.reveal());
  if (bytes === undefined) throw new OperatorError('InvalidCredential', `${at}: "${key}" does not hold ${keyForm}`);
  return bytes;
}
