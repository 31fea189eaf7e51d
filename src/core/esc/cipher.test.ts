import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decryptWith, keyCipher, readKey } from './cipher.ts';

const key = Buffer.alloc(32, 7);

describe('a key', () => {
  it.each<[what: string, held: Buffer]>([
    ['of 32 bytes', key],
    ['in base64', Buffer.from(key.toString('base64'))],
    ['in base64 with the end of a line', Buffer.from(`${key.toString('base64')}\n`)],
  ])('%s is read', (_, held) => {
    expect(readKey(held)?.equals(key)).toBe(true);
  });

  it.each([
    ['a text', 'hunter2'],
    ['of 16 bytes', Buffer.alloc(16).toString('base64')],
    ['nothing', ''],
  ])('that is %s is none', (_, text) => {
    expect(readKey(Buffer.from(text))).toBeUndefined();
  });
});

describe('the cipher', () => {
  const cipher = keyCipher(key, randomBytes);

  it('gives back what it encrypted', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(cipher.decrypt(cipher.encrypt(Buffer.from(bytes))).equals(bytes)).toBe(true);
      }),
    );
  });

  it('never encrypts alike twice', () => {
    const text = Buffer.from('same');
    expect(cipher.encrypt(text).equals(cipher.encrypt(text))).toBe(false);
  });

  it('refuses what another key encrypted, and what was changed', () => {
    const encrypted = cipher.encrypt(Buffer.from('text'));
    expect(() => decryptWith(Buffer.alloc(32, 8)).decrypt(encrypted)).toThrow('the key is not the one');
    fc.assert(
      fc.property(fc.nat(encrypted.length - 1), (at) => {
        const changed = Buffer.from(encrypted);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(() => cipher.decrypt(changed)).toThrow('the key is not the one');
      }),
    );
    expect(() => cipher.decrypt(encrypted.subarray(0, 20))).toThrow('too short');
  });
});
