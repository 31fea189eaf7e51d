// Credentials as methods need them: trimmed and not empty, and digested, so that identities can be told apart without
// their material.
import { createHash } from 'node:crypto';
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import type { Credentials, SecretKeySelector } from './contract.ts';

/**
 * The text of an id or token, without the white space around it that editors and `echo` leave behind (servers refuse or
 * trim it as well). Not for passwords. Throws InvalidCredential when nothing is left, and what `readText` throws.
 */
export async function readTrimmed(
  credentials: Credentials,
  selector: SecretKeySelector,
  field: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const value = new SecretValue((await readText(credentials, selector, field, signal)).text().trim());
  if (value.length > 0) return value;
  throw new OperatorError('InvalidCredential', `${field}: ${describeKey(selector)} is blank`);
}

/**
 * A text as it stands, such as a password. Throws InvalidCredential for bytes that are no UTF-8, in whose place JSON would
 * carry others, and what the port throws.
 */
export async function readText(
  credentials: Credentials,
  selector: SecretKeySelector,
  field: string,
  signal: AbortSignal,
): Promise<SecretValue> {
  const value = await credentials.secretKey(selector, field, signal);
  if (value.equals(new SecretValue(value.text()))) return value;
  throw new OperatorError('InvalidCredential', `${field}: ${describeKey(selector)} is not text in UTF-8`);
}

/** `key "k" of Secret "s"`, for messages. */
export function describeKey({ name, key, namespace }: SecretKeySelector): string {
  return `key "${key ?? ''}" of Secret "${namespace ? `${namespace}/` : ''}${name ?? ''}"`;
}

/** `method:digest` of the material, in order; equal for equal material only. */
export function principalKey(method: string, material: readonly SecretValue[]): string {
  const hash = createHash('sha256');
  // Each length goes in front, so that "ab","c" and "a","bc" differ.
  for (const value of material) hash.update(`${value.length}:`).update(value.reveal());
  return `${method}:${hash.digest('base64url')}`;
}
