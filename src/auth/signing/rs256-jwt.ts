// A JWT signed with RSA and SHA-256 (RFC 7515, RFC 7518 §3.3), and the reading of RSA keys in PEM. Pure.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';

/** The compact form. `keyId` becomes `kid`. */
export function signRs256(claims: Readonly<Record<string, unknown>>, key: KeyObject, keyId?: string): string {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const content = `${encode(header)}.${encode(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** Shorter RSA keys are refused by the clouds, and are no protection. */
const leastModulusBits = 2_048;

/**
 * An RSA key from PEM text: PKCS#1 or PKCS#8, in the clear or encrypted. `field` names where it was read, for messages;
 * nothing of the key is repeated. Throws InvalidCredential.
 */
export function readRsaKey(pem: SecretValue, field: string, passphrase?: SecretValue): KeyObject {
  const key = openPem(pem, field, passphrase);
  if (key.asymmetricKeyType !== 'rsa') throw invalid(field, 'the key is not an RSA key: give an RSA private key');
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < leastModulusBits) {
    throw invalid(field, `the RSA key is too short: give one of at least ${leastModulusBits} bits`);
  }
  return key;
}

function openPem(pem: SecretValue, field: string, passphrase: SecretValue | undefined): KeyObject {
  if (!/-----BEGIN (?:RSA |ENCRYPTED )?PRIVATE KEY-----/.test(pem.text())) {
    throw invalid(field, 'this is no private key in PEM: it begins with "-----BEGIN PRIVATE KEY-----"');
  }
  try {
    if (passphrase === undefined) return createPrivateKey({ key: pem.reveal(), format: 'pem' });
    return createPrivateKey({ key: pem.reveal(), format: 'pem', passphrase: passphrase.reveal() });
  } catch (thrown) {
    throw invalid(field, whyUnreadable(thrown, passphrase !== undefined));
  }
}

/** OpenSSL's codes, as Node hands them on (nodejs.org/api/errors.html#openssl-error-codes). Its texts stay behind. */
function whyUnreadable(thrown: unknown, hasPassphrase: boolean): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  // The second is what OpenSSL says when it would ask at a terminal and may not.
  if (/MISSING_PASSPHRASE|INTERRUPTED_OR_CANCELLED/.test(code)) return 'the key is encrypted: give its passphrase';
  if (/UNSUPPORTED/.test(code) && hasPassphrase) {
    return 'the key is encrypted in a way that is not supported: encrypt it anew with "openssl pkcs8 -topk8 -v2 aes-256-cbc"';
  }
  if (hasPassphrase) return 'the key does not open: the passphrase is wrong, or the PEM is damaged';
  return 'the private key cannot be read: the PEM is damaged or incomplete';
}

function invalid(field: string, problem: string): OperatorError {
  return new OperatorError('InvalidCredential', `${field}: ${problem}`);
}
