// The cipher of secrets that stand encrypted in documents: AES-256-GCM under a key of 32 bytes. Encrypted bytes are a nonce of
// 12 bytes, the text, and a tag of 16. Keys and random bytes are the caller's.
// https://nvlpubs.nist.gov/nistpubs/Legacy/SP/nistspecialpublication800-38d.pdf
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Cipher } from './ciphertext.ts';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** What a key may look like, for messages. */
export const keyForm = '32 bytes, as they are or in base64 (openssl rand -base64 32)';

/** The key that a file or a Secret holds; undefined when it holds none. */
export function readKey(held: Buffer): Buffer | undefined {
  if (held.length === keyBytes) return held;
  const text = held.toString('latin1').trim();
  const key = /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return key?.length === keyBytes ? key : undefined;
}

/** `randomBytes` gives each text a nonce of its own; who only decrypts needs none. */
export function keyCipher(key: Buffer, randomBytes: (size: number) => Buffer): Cipher {
  return {
    encrypt(plaintext) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
    decrypt: decryptWith(key).decrypt,
  };
}

/** Throws an Error whose message may be shown when the text was encrypted with another key, or is damaged. */
export function decryptWith(key: Buffer): Pick<Cipher, 'decrypt'> {
  return {
    decrypt(encrypted) {
      if (encrypted.length < nonceBytes + tagBytes) throw new Error('the text is too short');
      const nonce = encrypted.subarray(0, nonceBytes);
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      decipher.setAuthTag(encrypted.subarray(-tagBytes));
      try {
        return Buffer.concat([decipher.update(encrypted.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      } catch {
        throw new Error('the key is not the one that the text was encrypted with');
      }
    },
  };
}
