import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactVerify, decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { readRsaKey, signRs256 } from './rs256-jwt.ts';

/** One key in the forms that people keep keys in, as OpenSSL writes them; the passphrase is "sesame". */
const read = (name: string) => readFileSync(join(import.meta.dirname, 'testdata', `${name}.pem`), 'utf8');
const publicKey = createPublicKey(read('public'));
const sesame = new SecretValue('sesame');

function errorOf(run: () => unknown): OperatorError {
  try {
    run();
  } catch (error) {
    if (error instanceof OperatorError) return error;
  }
  throw new Error('expected an OperatorError');
}

describe('readRsaKey', () => {
  it.each([
    { form: 'PKCS#8', name: 'clear', passphrase: undefined },
    { form: 'PKCS#1', name: 'pkcs1', passphrase: undefined },
    { form: 'PKCS#8, PBES2', name: 'pbes2', passphrase: sesame },
    { form: 'PKCS#8, PBE-SHA1-3DES', name: 'pbe-sha1-3des', passphrase: sesame },
    { form: 'PKCS#1, encrypted the traditional way', name: 'traditional', passphrase: sesame },
    { form: 'PKCS#8, with a passphrase that it does not need', name: 'clear', passphrase: sesame },
  ])('opens $form', ({ name, passphrase }) => {
    const key = readRsaKey(new SecretValue(read(name)), 'privateKey', passphrase);
    expect(createPublicKey(key).equals(publicKey)).toBe(true);
  });

  it('opens a key with other text around it and line ends of Windows', () => {
    const pem = `Bag Attributes\r\n${read('clear').replaceAll('\n', '\r\n')}OCI_API_KEY`;
    expect(readRsaKey(new SecretValue(pem), 'privateKey').asymmetricKeyType).toBe('rsa');
  });

  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  it.each([
    { why: 'the passphrase is wrong (PBES2)', pem: read('pbes2'), passphrase: 'wrong-canary', says: 'passphrase' },
    {
      why: 'the passphrase is wrong (3DES)',
      pem: read('pbe-sha1-3des'),
      passphrase: 'wrong-canary',
      says: 'passphrase',
    },
    {
      why: 'the passphrase is wrong (PKCS#1)',
      pem: read('traditional'),
      passphrase: 'wrong-canary',
      says: 'passphrase',
    },
    { why: 'the passphrase is missing', pem: read('pbes2'), says: 'encrypted' },
    { why: 'the passphrase is missing (PKCS#1)', pem: read('traditional'), says: 'encrypted' },
    { why: 'the encryption is too old', pem: read('pbe-md5-des'), passphrase: 'sesame', says: 'not supported' },
    { why: 'the PEM is cut', pem: read('clear').slice(0, 600), says: 'damaged' },
    {
      why: 'the PEM holds nonsense',
      pem: '-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n',
      says: 'damaged',
    },
    { why: 'it is a public key', pem: read('public'), says: 'PEM' },
    { why: 'it is something else', pem: 'canary', says: 'PEM' },
    { why: 'it is no RSA key', pem: String(ec), says: 'RSA' },
    { why: 'it is too short', pem: String(short), says: 'short' },
  ])('throws InvalidCredential when $why, and repeats nothing of it', ({ pem, passphrase, says }) => {
    const secret = passphrase === undefined ? undefined : new SecretValue(passphrase);
    const error = errorOf(() => readRsaKey(new SecretValue(pem), 'oci.privateKey', secret));
    expect([error.reason, error.cause]).toEqual(['InvalidCredential', undefined]);
    expect(error.message).toContain('oci.privateKey');
    expect(error.message).toContain(says);
    expect(error.message).not.toMatch(/canary|sesame|Y2FuYXJ5/);
  });
});

describe('signRs256', () => {
  it('writes a JWT that others can verify', async () => {
    const jwt = signRs256({ sub: 'a', exp: 1 }, readRsaKey(new SecretValue(read('clear')), 'key'), 'key-1');
    const { protectedHeader } = await compactVerify(jwt, publicKey);
    expect([protectedHeader, decodeJwt(jwt)]).toEqual([
      { alg: 'RS256', typ: 'JWT', kid: 'key-1' },
      { sub: 'a', exp: 1 },
    ]);
  });
});
