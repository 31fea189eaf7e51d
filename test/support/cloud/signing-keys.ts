// An issuer's RSA key with its published half: for doubles that sign tokens, and for whoever checks them.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type JSONWebKeySet, type JWTPayload, SignJWT } from 'jose';

export interface SigningKeys {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  /** PKCS#8. */
  readonly privatePem: string;
  readonly jwks: JSONWebKeySet;
  /** A compact JWT with these claims and nothing else. */
  sign(claims: JWTPayload): Promise<string>;
}

/** Making a key takes a good part of a second, and its id is all that tells keys apart in a test. */
const made = new Map<string, SigningKeys>();

/** The same key for the same id, within a process. */
export function signingKeys(keyId: string): SigningKeys {
  const keys = made.get(keyId) ?? createSigningKeys(keyId);
  made.set(keyId, keys);
  return keys;
}

function createSigningKeys(keyId: string): SigningKeys {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  return {
    keyId,
    privateKey,
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    jwks: { keys: [{ ...jwk, kty: 'RSA', kid: keyId, alg: 'RS256', use: 'sig' }] },
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: keyId, typ: 'JWT' }).sign(privateKey),
  };
}
