import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bcryptHash } from '../bcrypt.ts';
import { TemplateLimit } from '../limits.ts';
import { compileTemplate } from '../template.ts';
import { bytesOf } from '../text.ts';

function render(text: string, data: Readonly<Record<string, string | Uint8Array>> = {}): string {
  return compileTemplate(text, { name: 'key' }).execute(data, { nowMs: 0, randomBytes }).toString();
}

describe('hashes', () => {
  it('are those of the standards', () => {
    expect(render('{{ sha1sum "abc" }}')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    expect(render('{{ sha256sum "" }}')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(render('{{ sha512sum "abc" }}')).toMatch(/^ddaf35a193617abacc417349ae204131/);
    expect(render('{{ adler32sum "Wikipedia" }}')).toBe('300286872');
  });
});

describe('bcrypt', () => {
  const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const saltOf = (text: string) =>
    Buffer.from(Array.from(text, (char) => standard[alphabet.indexOf(char)] ?? '').join(''), 'base64');

  it.each([
    ['allmine', '$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1qD4aFDcga'],
    ['', '$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.'],
    ['a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
  ])('hashes %j as the published vectors', (password, hash) => {
    expect(bcryptHash(password, saltOf(hash.slice(7, 29)), Number(hash.slice(4, 6)))).toBe(hash);
  });

  it('hashes as Go does', () => {
    const url = new URL('../testdata/keys.json', import.meta.url);
    const { bcryptHash: hash } = JSON.parse(readFileSync(url, 'utf8')) as { readonly bcryptHash: string };
    expect(bcryptHash(bytesOf('pä55 ☃'), saltOf(hash.slice(7, 29)), Number(hash.slice(4, 6)))).toBe(hash);
  });

  it('says what is wrong in the value, as Sprig does', () => {
    expect(render(`{{ bcrypt "${'x'.repeat(73)}" }}`)).toContain('password length exceeds 72 bytes');
    expect(render('{{ htpasswd "a:b" "c" "sha" }}')).toBe('invalid username: a:b');
    expect(render('{{ htpasswd "ada" "pw" "bcrypt" }}')).toMatch(/^ada:\$2a\$10\$.{53}$/);
    expect(render('{{ htpasswd "ada" "pw" "sha" }}')).toBe('ada:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=');
  });

  it('ends a template that hashes without end', () => {
    expect(() => render('{{ range 17 }}{{ bcrypt "pw" }}{{ end }}')).toThrow(TemplateLimit);
  });
});

describe('ciphers and keys', () => {
  it('derives the passwords of Master Password', () => {
    expect(render('{{ derivePassword 1 "long" "password" "user" "example.com" }}')).toBe('ZedaFaxcZaso9*');
    expect(render('{{ derivePassword 1 "none" "password" "user" "example.com" }}')).toMatch(/cannot find/);
  });

  it('decrypts what it encrypted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, password) => {
        expect(render('{{ encryptAES .p .t | decryptAES .p }}', { p: password, t: text })).toBe(text);
      }),
    );
  });

  it('refuses what is no ciphertext, without its values', () => {
    expect(() => render('{{ decryptAES "k" "AAA" }}')).toThrow(/illegal base64 data at input byte 0/);
    expect(() => render('{{ decryptAES "k" "AAAA" }}')).toThrow(/out of range \[:16\] with capacity 3/);
  });

  it('makes keys of each type', () => {
    expect(createPrivateKey(render('{{ genPrivateKey "ecdsa" }}')).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(createPrivateKey(render('{{ genPrivateKey "ed25519" }}')).asymmetricKeyType).toBe('ed25519');
    expect(render('{{ genPrivateKey "none" }}')).toBe('Unknown type none');
  });

  it('marks what is random', () => {
    expect(compileTemplate('{{ randBytes 3 }}', { name: 'k' }).isVolatile).toBe(true);
    expect(compileTemplate('{{ sha1sum "a" }}', { name: 'k' }).isVolatile).toBe(false);
  });
});
