// Password based encryption of PKCS#12 files: PBES2 (RFC 8018) and the older ways of RFC 7292 with 3DES and RC2. How often
// a key is stretched comes from the file, so it is bounded.
import { createCipheriv, createDecipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import {
  childrenOf,
  type Der,
  DerError,
  expected,
  integerDer,
  nullDer,
  octetsDer,
  oidDer,
  oidOf,
  sequenceOf,
  smallInteger,
  tags,
} from './der.ts';
import { decryptRc2 } from './rc2.ts';

/** A password in both forms that these files use. */
export interface Password {
  readonly text: string;
  /** UTF-16 in big endian with two zero bytes at its end. */
  readonly bmp: Buffer;
}

/** The most rounds that a file may ask for; tools write 1 to 600,000. */
const maxIterations = 1_000_000;
/** RFC 7292's own stretching runs in JavaScript, a microsecond a round. */
const maxOwnIterations = 300_000;

const pbes2 = '1.2.840.113549.1.5.13';
const pbkdf2 = '1.2.840.113549.1.5.12';
export const pbmac1 = '1.2.840.113549.1.5.14';
const hmacSha256 = '1.2.840.113549.2.9';
const aes256 = '2.16.840.1.101.3.4.1.42';

const hmacHashes: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  [hmacSha256, 'sha256'],
  ['1.2.840.113549.2.11', 'sha512'],
]);

const aesKeySizes: ReadonlyMap<string, number> = new Map([
  ['2.16.840.1.101.3.4.1.2', 16],
  ['2.16.840.1.101.3.4.1.22', 24],
  [aes256, 32],
]);

/** Hashes of a MAC, with the bytes of their output. */
export const hashNames: ReadonlyMap<string, { readonly name: string; readonly size: number }> = new Map([
  ['1.3.14.3.2.26', { name: 'sha1', size: 20 }],
  ['2.16.840.1.101.3.4.2.1', { name: 'sha256', size: 32 }],
  ['2.16.840.1.101.3.4.2.3', { name: 'sha512', size: 64 }],
]);

/** Ciphers of RFC 7292, appendix C, with the bytes of their keys. */
const ownCiphers: ReadonlyMap<string, { readonly cipher: '3des' | 'rc2'; readonly keySize: number }> = new Map([
  ['1.2.840.113549.1.12.1.3', { cipher: '3des', keySize: 24 }],
  ['1.2.840.113549.1.12.1.5', { cipher: 'rc2', keySize: 16 }],
  ['1.2.840.113549.1.12.1.6', { cipher: 'rc2', keySize: 5 }],
]);

/** Throws DerError for a text that UTF-16 needs pairs for. */
export function bmpPassword(text: string): Password {
  if (/[\ud800-\udfff]/.test(text)) {
    throw new DerError('pkcs12: string contains characters that cannot be encoded in UCS-2');
  }
  return { text, bmp: Buffer.from(`${text}\0`, 'utf16le').swap16() };
}

/** Decrypts by an algorithm identifier; throws DerError. */
export function decryptWith(algorithm: Der | undefined, data: Buffer, password: Password): Buffer {
  const [name, parameters] = childrenOf(expected(algorithm, tags.sequence));
  const id = oidOf(name);
  const own = ownCiphers.get(id);
  if (own === undefined && id !== pbes2) throw new DerError(`pkcs12: pbe algorithm ${id} is not supported`);
  const blockSize = own === undefined ? 16 : 8;
  if (data.length === 0) throw new DerError('pkcs12: empty encrypted data');
  if (data.length % blockSize !== 0) throw new DerError('pkcs12: input is not a multiple of the block size');
  const padded =
    own === undefined ? decryptPbes2(parameters, data, password) : decryptOwn(own, parameters, data, password);
  return withoutPadding(padded, blockSize);
}

function withoutPadding(padded: Buffer, blockSize: number): Buffer {
  const size = padded.at(-1) ?? 0;
  const end = padded.length - size;
  if (size === 0 || size > blockSize || !padded.subarray(end).every((byte) => byte === size)) {
    throw new DerError('pkcs12: decryption error, incorrect padding');
  }
  return padded.subarray(0, end);
}

function decryptPbes2(parameters: Der | undefined, data: Buffer, password: Password): Buffer {
  const [kdf, scheme] = childrenOf(expected(parameters, tags.sequence));
  const [name, vector] = childrenOf(expected(scheme, tags.sequence));
  const id = oidOf(name);
  const keySize = aesKeySizes.get(id);
  if (keySize === undefined) throw new DerError(`pkcs12: pbes2 algorithm ${id} is not supported`);
  const iv = expected(vector, tags.octetString).content;
  if (iv.length !== 16) throw new DerError('pkcs12: invalid IV length in PBES2 encryption scheme');
  const key = stretched(pbkdf2Of(kdf), keySize, password);
  const cipher = createDecipheriv(`aes-${keySize * 8}-cbc`, key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

interface Pbkdf2 {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly keySize: number | undefined;
  readonly hash: string;
}

function pbkdf2Of(kdf: Der | undefined): Pbkdf2 {
  const [name, parameters] = childrenOf(expected(kdf, tags.sequence));
  const id = oidOf(name);
  if (id !== pbkdf2) throw new DerError(`pkcs12: pbes2 kdf algorithm ${id} is not supported`);
  const [salt, iterations, ...rest] = childrenOf(expected(parameters, tags.sequence));
  const size = rest.find(({ tag }) => tag === tags.integer);
  const prf = rest.find(({ tag }) => tag === tags.sequence);
  const prfId = prf === undefined ? undefined : oidOf(childrenOf(prf)[0]);
  const hash = prfId === undefined ? 'sha1' : hmacHashes.get(prfId);
  if (hash === undefined) throw new DerError(`pkcs12: pbes2 prf ${prfId} is not supported`);
  return {
    salt: expected(salt, tags.octetString).content,
    iterations: boundedIterations(smallInteger(iterations), maxIterations),
    keySize: size && smallInteger(size),
    hash,
  };
}

function boundedIterations(iterations: number, most: number): number {
  if (iterations > most) throw new DerError(`pkcs12: the file asks for more than ${most} iterations`);
  return Math.max(1, iterations);
}

function stretched({ salt, iterations, hash }: Pbkdf2, size: number, password: Password): Buffer {
  return pbkdf2Sync(Buffer.from(password.text, 'utf8'), salt, iterations, size, hash);
}

/** The MAC of RFC 9579. */
export function macWithPbmac1(parameters: Der | undefined, data: Buffer, password: Password): Buffer {
  const [kdf, algorithm] = childrenOf(expected(parameters, tags.sequence));
  const id = oidOf(childrenOf(expected(algorithm, tags.sequence))[0]);
  const hash = hmacHashes.get(id);
  if (hash === undefined) throw new DerError(`pkcs12: PBMAC1 MAC algorithm ${id} is not supported`);
  const stretching = pbkdf2Of(kdf);
  const { keySize = 0 } = stretching;
  if (keySize < 20 || keySize > 64) throw new DerError('pkcs12: PBMAC1 key length is not from 20 to 64 octets');
  return createHmac(hash, stretched(stretching, keySize, password))
    .update(data)
    .digest();
}

function decryptOwn(
  { cipher, keySize }: { readonly cipher: '3des' | 'rc2'; readonly keySize: number },
  parameters: Der | undefined,
  data: Buffer,
  password: Password,
): Buffer {
  const [saltDer, count] = childrenOf(expected(parameters, tags.sequence));
  const salt = expected(saltDer, tags.octetString).content;
  const base = { hash: 'sha1', salt, iterations: smallInteger(count) };
  const key = derivePkcs12Key({ ...base, purpose: 1, size: keySize }, password);
  const vector = derivePkcs12Key({ ...base, purpose: 2, size: 8 }, password);
  if (cipher === 'rc2') return decryptRc2(data, key, vector);
  const decipher = createDecipheriv('des-ede3-cbc', key, vector).setAutoPadding(false);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

interface OwnStretching {
  readonly hash: string;
  readonly salt: Buffer;
  readonly iterations: number;
  /** 1 for a key, 2 for an initialization vector, 3 for a MAC. */
  readonly purpose: 1 | 2 | 3;
  readonly size: number;
}

/** RFC 7292, appendix B.2. */
export function derivePkcs12Key({ hash, salt, iterations, purpose, size }: OwnStretching, { bmp }: Password): Buffer {
  const rounds = boundedIterations(iterations, maxOwnIterations);
  const blockSize = hash === 'sha512' ? 128 : 64;
  const diversifier = Buffer.alloc(blockSize, purpose);
  const input = Buffer.concat([filled(salt, blockSize), filled(bmp, blockSize)]);
  const derived: Buffer[] = [];
  for (let length = 0; length < size; ) {
    let block = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < rounds; round++) block = createHash(hash).update(block).digest();
    derived.push(block);
    length += block.length;
    addToBlocks(input, filled(block, blockSize));
  }
  return Buffer.concat(derived).subarray(0, size);
}

/** Repeated to a whole number of blocks. */
function filled(bytes: Buffer, blockSize: number): Buffer {
  const size = blockSize * Math.ceil(bytes.length / blockSize);
  return size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, bytes);
}

/** Adds a block and one to each block of the input, as big endian numbers. */
function addToBlocks(input: Buffer, block: Buffer): void {
  const size = Math.min(block.length, input.length);
  for (let start = 0; start < input.length; start += size) {
    let carry = 1;
    for (let at = size - 1; at >= 0; at--) {
      const sum = (input[start + at] ?? 0) + (block[at] ?? 0) + carry;
      input[start + at] = sum & 255;
      carry = sum >> 8;
    }
  }
}

const writtenIterations = 2048;

/** Encrypts with PBES2: PBKDF2 of SHA-256, AES-256. */
export function encryptWith(
  data: Buffer,
  password: Password,
  random: (size: number) => Uint8Array,
): { readonly algorithm: Buffer; readonly encrypted: Buffer } {
  const salt = Buffer.from(random(16));
  const vector = Buffer.from(random(16));
  const key = stretched({ salt, iterations: writtenIterations, hash: 'sha256', keySize: 32 }, 32, password);
  const cipher = createCipheriv('aes-256-cbc', key, vector);
  const prf = sequenceOf(oidDer(hmacSha256), nullDer);
  const kdf = sequenceOf(oidDer(pbkdf2), sequenceOf(octetsDer(salt), integerDer(writtenIterations), prf));
  const scheme = sequenceOf(oidDer(aes256), octetsDer(vector));
  return {
    algorithm: sequenceOf(oidDer(pbes2), sequenceOf(kdf, scheme)),
    encrypted: Buffer.concat([cipher.update(data), cipher.final()]),
  };
}
