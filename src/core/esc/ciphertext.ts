// The envelope of encrypted secrets in documents: base64 of `escx`, a version, the encrypted bytes and a checksum. The cipher
// itself is the caller's.
import { crc32 } from 'node:zlib';
import { payForText } from './effort.ts';

/** Encrypts and decrypts the secrets of documents. Both may throw an Error whose message can be shown. */
export interface Cipher {
  readonly encrypt: (plaintext: Buffer) => Buffer;
  readonly decrypt: (ciphertext: Buffer) => Buffer;
}

const magic = Buffer.from('escx', 'latin1');
const version = 1;
const headerBytes = 8;
const checksumBytes = 4;
const shortest = 16;

export function sealCiphertext(encrypted: Buffer): string {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32BE(version, magic.length);
  const body = Buffer.concat([header, encrypted]);
  const checksum = Buffer.alloc(checksumBytes);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([body, checksum]).toString('base64');
}

/** The encrypted bytes, or what is wrong with the envelope. */
export function openCiphertext(text: string): Buffer | { readonly problem: string } {
  const decoded = decodeStandardBase64(text);
  if ('problem' in decoded) return decoded;
  if (decoded.length < shortest) return { problem: 'EOF' };
  if (!decoded.subarray(0, magic.length).equals(magic)) return { problem: 'invalid header' };
  const body = decoded.subarray(0, -checksumBytes);
  if (decoded.readUInt32BE(body.length) !== crc32(body)) return { problem: 'invalid checksum' };
  if (decoded.readUInt32BE(magic.length) !== version) return { problem: 'unsupported version' };
  return body.subarray(headerBytes);
}

/** Standard base64 with padding, line breaks ignored; the problem names the first wrong byte's place as Go does. */
export function decodeStandardBase64(text: string): Buffer | { readonly problem: string } {
  payForText(text.length);
  const at = firstBadByte(Buffer.from(text, 'utf8'));
  return at === undefined ? Buffer.from(text, 'base64') : { problem: `illegal base64 data at input byte ${at}` };
}

/** Where Go's decoder stops, or undefined for a text that it takes (https://pkg.go.dev/encoding/base64#CorruptInputError). */
function firstBadByte(bytes: Buffer): number | undefined {
  let digits = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (isLineBreak(byte)) continue;
    if (isDigit(byte)) digits++;
    else if (byte === 0x3d) return badPadding(bytes, at, digits % 4);
    else return at;
  }
  // Too short: Go names the place behind the last whole group of four.
  return digits % 4 === 0 ? undefined : bytes.length - (digits % 4);
}

/** What is wrong from the first padding on, which stands behind `inGroup` digits of its group. */
function badPadding(bytes: Buffer, at: number, inGroup: number): number | undefined {
  if (inGroup < 2) return at;
  let next = skipLineBreaks(bytes, at + 1);
  if (inGroup === 2) {
    if (next === bytes.length) return bytes.length;
    if (bytes[next] !== 0x3d) return next - 1;
    next = skipLineBreaks(bytes, next + 1);
  }
  return next < bytes.length ? next : undefined;
}

function skipLineBreaks(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isLineBreak(bytes[at] ?? 0)) at++;
  return at;
}

function isLineBreak(byte: number): boolean {
  return byte === 10 || byte === 13;
}

function isDigit(byte: number): boolean {
  const isLetter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90);
  return isLetter || (byte >= 48 && byte <= 57) || byte === 43 || byte === 47;
}
