// Bcrypt (https://www.usenix.org/legacy/events/usenix99/provos.html) as golang.org/x/crypto/bcrypt writes it: `$2a$`, a cost,
// 22 characters of salt, 31 of hash. Blowfish's tables are the digits of pi, worked out at the first use.
import { type Bytes, bufferOf } from './text.ts';

/** Bytes of a password that bcrypt can take. */
export const maxBcryptPassword = 72;
const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const subkeys = 18;
const boxWords = 4 * 256;

/** The hash of a password of at most 72 bytes. A cost of 10 takes some 100 ms, and each more twice that. */
export function bcryptHash(password: Bytes, salt: Uint8Array, cost: number): Bytes {
  const cipher = new Blowfish(piWords());
  const key = wordsOf(bufferOf(`${password}\0`));
  const saltKey = wordsOf(salt);
  const noSalt = new Int32Array(4);
  cipher.expand(key, wordsOf(salt, 4));
  for (let round = 2 ** cost; round > 0; round--) {
    cipher.expand(key, noSalt);
    cipher.expand(saltKey, noSalt);
  }
  const block = wordsOf(Buffer.from('OrpheanBeholderScryDoubt'), 6);
  for (let at = 0; at < 6; at += 2) {
    for (let round = 0; round < 64; round++) cipher.encrypt(block, at);
  }
  const hash = Buffer.alloc(24);
  block.forEach((word, index) => {
    hash.writeInt32BE(word, index * 4);
  });
  return `$2a$${String(cost).padStart(2, '0')}$${encode(salt)}${encode(hash.subarray(0, 23))}`;
}

/** Big endian words of the bytes, repeated until `count` words are full. */
function wordsOf(bytes: Uint8Array, count = subkeys): Int32Array {
  const words = new Int32Array(count);
  for (let at = 0; at < count * 4; at++) {
    const index = at >> 2;
    words[index] = ((words[index] ?? 0) << 8) | (bytes[at % bytes.length] ?? 0);
  }
  return words;
}

class Blowfish {
  readonly #p: Int32Array;
  readonly #s: Int32Array;

  constructor(words: Int32Array) {
    this.#p = words.slice(0, subkeys);
    this.#s = words.slice(subkeys);
  }

  /** Encrypts the two words at `at` in place. */
  encrypt(block: Int32Array, at: number): void {
    const p = this.#p;
    const s = this.#s;
    let left = (block[at] ?? 0) ^ (p[0] ?? 0);
    let right = block[at + 1] ?? 0;
    for (let round = 1; round <= 16; round += 2) {
      right ^= mixed(s, left) ^ (p[round] ?? 0);
      left ^= mixed(s, right) ^ (p[round + 1] ?? 0);
    }
    block[at] = right ^ (p[17] ?? 0);
    block[at + 1] = left;
  }

  /** The key schedule that is salted; with a salt of zeros it is Blowfish's own. */
  expand(key: Int32Array, salt: Int32Array): void {
    for (let index = 0; index < subkeys; index++) this.#p[index] = (this.#p[index] ?? 0) ^ (key[index] ?? 0);
    const block = new Int32Array(2);
    let turn = 0;
    for (const table of [this.#p, this.#s]) {
      for (let at = 0; at < table.length; at += 2) {
        block[0] = (block[0] ?? 0) ^ (salt[turn] ?? 0);
        block[1] = (block[1] ?? 0) ^ (salt[turn + 1] ?? 0);
        turn ^= 2;
        this.encrypt(block, 0);
        table.set(block, at);
      }
    }
  }
}

function mixed(s: Int32Array, x: number): number {
  const sum = (s[x >>> 24] ?? 0) + (s[256 + ((x >>> 16) & 255)] ?? 0);
  return ((sum ^ (s[512 + ((x >>> 8) & 255)] ?? 0)) + (s[768 + (x & 255)] ?? 0)) | 0;
}

let knownPiWords: Int32Array | undefined;

/** The fraction of pi in 32-bit words, by Machin's formula on integers with some guard bits. */
function piWords(): Int32Array {
  if (knownPiWords !== undefined) return knownPiWords;
  const count = subkeys + boxWords;
  const guardBits = 64n;
  const one = 1n << (BigInt(count * 32) + guardBits);
  const pi = 4n * (4n * arctanOfInverse(5n, one) - arctanOfInverse(239n, one));
  const hex = ((pi - 3n * one) >> guardBits).toString(16).padStart(count * 8, '0');
  const words = new Int32Array(count);
  for (let index = 0; index < count; index++)
    words[index] = Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16) | 0;
  knownPiWords = words;
  return words;
}

function arctanOfInverse(x: bigint, one: bigint): bigint {
  let power = one / x;
  let sum = power;
  for (let divisor = 3n, sign = -1n; power !== 0n; divisor += 2n, sign = -sign) {
    power /= x * x;
    sum += (sign * power) / divisor;
  }
  return sum;
}

/** Base64 with bcrypt's alphabet, without padding. */
function encode(bytes: Uint8Array): Bytes {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const size = Math.min(3, bytes.length - at);
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let char = 0; char <= size; char++) text += alphabet.charAt((group >> (18 - char * 6)) & 63);
  }
  return text;
}
