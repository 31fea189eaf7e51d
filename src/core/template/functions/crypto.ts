// Sprig's hashes, passwords and ciphers. What is slow (bcrypt, scrypt, new keys) is announced to the budget first.
import { createCipheriv, createDecipheriv, createHash, createHmac, scryptSync } from 'node:crypto';
import { decodeStdBase64, encodeStdBase64 } from '../base64.ts';
import { bcryptHash, maxBcryptPassword } from '../bcrypt.ts';
import { hidden } from '../errors.ts';
import { newPrivateKey } from '../keys.ts';
import { type Bytes, bufferOf, bytesOfBuffer } from '../text.ts';
import { type CallContext, define, fault, type TemplateFunction } from './define.ts';

/** Go's bcrypt.DefaultCost. */
const bcryptCost = 10;
const aesBlock = 16;

export const cryptoFunctions: readonly TemplateFunction[] = [
  define('sha1sum', ['string'], 'SHA-1 in hexadecimal', ([text]) => hexHash('sha1', text)),
  define('sha256sum', ['string'], 'SHA-256 in hexadecimal', ([text]) => hexHash('sha256', text)),
  define('sha512sum', ['string'], 'SHA-512 in hexadecimal', ([text]) => hexHash('sha512', text)),
  define('adler32sum', ['string'], 'Adler-32 as a decimal number', ([text]) => String(adler32(text))),
  define('bcrypt', ['string'], 'a bcrypt hash of cost 10', ([password], context) => bcrypt(password, context), {
    isVolatile: true,
  }),
  define(
    'htpasswd',
    ['string', 'string', 'string'],
    'a line of an htpasswd file: user, password, hash (sha, or bcrypt for all else)',
    ([user, password, hash], context) => {
      if (user.includes(':')) return `invalid username: ${user}`;
      if (hash !== 'sha') return `${user}:${bcrypt(password, context)}`;
      return `${user}:{SHA}${createHash('sha1').update(bufferOf(password)).digest('base64')}`;
    },
    { isVolatile: true },
  ),
  define(
    'derivePassword',
    ['uint32', 'string', 'string', 'string', 'string'],
    "Master Password's site password: counter, type, password, user, site",
    ([counter, type, password, user, site], { budget }) => {
      const patterns = passwordPatterns[type];
      if (patterns === undefined) return `cannot find password template ${type}`;
      budget.keyOperation();
      return sitePassword(patterns, { counter: Number(counter.value), password, user, site });
    },
  ),
  define(
    'genPrivateKey',
    ['string'],
    'a new private key in PEM: rsa (4096 bits), ecdsa (P-256), ed25519 or dsa',
    ([type], { budget }) => {
      budget.keyOperation();
      return newPrivateKey(type)?.pem ?? `Unknown type ${type}`;
    },
    { isVolatile: true },
  ),
  define(
    'encryptAES',
    ['string', 'string'],
    'AES-256-CBC in base64, initialization vector first: password, text',
    ([password, text], { randomBytes }) => {
      if (text === '') return '';
      const vector = randomBytes(aesBlock);
      const cipher = createCipheriv('aes-256-cbc', aesKey(password), vector);
      return encodeStdBase64(Buffer.concat([vector, cipher.update(bufferOf(text)), cipher.final()]));
    },
    { isVolatile: true },
  ),
  define('decryptAES', ['string', 'string'], 'what encryptAES encrypted: password, base64', ([password, text]) =>
    text === '' ? '' : decryptAes(password, text),
  ),
];

function hexHash(algorithm: string, text: Bytes): Bytes {
  return createHash(algorithm).update(bufferOf(text)).digest('hex');
}

function adler32(text: Bytes): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < text.length; at++) {
    low = (low + text.charCodeAt(at)) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}

function bcrypt(password: Bytes, { budget, randomBytes }: CallContext): Bytes {
  if (password.length > maxBcryptPassword) {
    return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes';
  }
  budget.keyOperation();
  return bcryptHash(password, randomBytes(16), bcryptCost);
}

/** The password's first 32 bytes, zeros after it. */
function aesKey(password: Bytes): Buffer {
  const key = Buffer.alloc(32);
  bufferOf(password).copy(key);
  return key;
}

function decryptAes(password: Bytes, text: Bytes): Bytes {
  const all = decodeStdBase64(text);
  if (all.length < aesBlock) {
    const capacity = Math.floor(text.length / 4) * 3;
    throw fault(`runtime error: slice bounds out of range [:${aesBlock}] with capacity ${capacity}`);
  }
  if (all.length % aesBlock !== 0) throw fault('crypto/cipher: input not full blocks');
  const cipher = createDecipheriv('aes-256-cbc', aesKey(password), all.subarray(0, aesBlock)).setAutoPadding(false);
  const plain = Buffer.concat([cipher.update(all.subarray(aesBlock)), cipher.final()]);
  const padding = plain.at(-1);
  if (padding === undefined) throw fault('runtime error: index out of range [-1]');
  const size = plain.length - padding;
  if (size < 0) throw fault(`runtime error: slice bounds out of range [:${hidden(String(size))}]`);
  return bytesOfBuffer(plain.subarray(0, size));
}

const masterPasswordSeed = 'com.lyndir.masterpassword';

/** Of Master Password's algorithm, version 3: https://masterpassword.app/masterpassword-algorithm.pdf. */
const passwordPatterns: Readonly<Record<string, readonly string[]>> = {
  maximum: ['anoxxxxxxxxxxxxxxxxx', 'axxxxxxxxxxxxxxxxxno'],
  long: `CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv
    CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv
    CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno`.split(
    /\s+/,
  ),
  medium: ['CvcnoCvc', 'CvcCvcno'],
  short: ['Cvcn'],
  basic: ['aaanaaan', 'aannaaan', 'aaannaaa'],
  pin: ['nnnn'],
};

const upperVowels = 'AEIOU';
const upperConsonants = 'BCDFGHJKLMNPQRSTVWXYZ';
const letters = `${upperVowels}${'aeiou'}${upperConsonants}${upperConsonants.toLowerCase()}`;
const passwordCharacters: Readonly<Record<string, string>> = {
  V: upperVowels,
  C: upperConsonants,
  v: upperVowels.toLowerCase(),
  c: upperConsonants.toLowerCase(),
  A: `${upperVowels}${upperConsonants}`,
  a: letters,
  n: '0123456789',
  o: "@&%?,=[]_:-+*$#!'^~;()/.",
  x: `${letters}0123456789!@#$%^&*()`,
};

interface Site {
  readonly counter: number;
  readonly password: Bytes;
  readonly user: Bytes;
  readonly site: Bytes;
}

function sitePassword(patterns: readonly string[], { counter, password, user, site }: Site): Bytes {
  const salt = Buffer.concat([Buffer.from(masterPasswordSeed), uint32(user.length), bufferOf(user)]);
  const cost = { N: 32768, r: 8, p: 2, maxmem: 64 * 1024 * 1024 };
  const key = scryptSync(bufferOf(password), salt, 64, cost);
  const message = [Buffer.from(masterPasswordSeed), uint32(site.length), bufferOf(site), uint32(counter)];
  const seed = createHmac('sha256', key).update(Buffer.concat(message)).digest();
  const pattern = patterns[(seed[0] ?? 0) % patterns.length] ?? '';
  return Array.from(pattern, (kind, index) => {
    const characters = passwordCharacters[kind] ?? '';
    return characters.charAt((seed[index + 1] ?? 0) % characters.length);
  }).join('');
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
