// Go's strings are bytes. Here a Go string is a JavaScript string whose characters are bytes (0–255): length, slices and
// order are then Go's own. Text is turned into bytes when a template or its data comes in, and back when it leaves.

/** A Go string: each character is one byte. */
export type Bytes = string;

const nonAscii = /[\u0080-\uffff]/;

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Bytes {
  return nonAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The text that bytes spell in UTF-8; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Bytes): string {
  return nonAscii.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** The text that bytes spell, where a byte that is no UTF-8 stands as a lone surrogate, so that nothing is lost. */
export function losslessTextOf(bytes: Bytes): string {
  const text = textOf(bytes);
  if (!text.includes('\ufffd')) return text;
  let spelled = '';
  for (let at = 0; at < bytes.length; ) {
    const { code, size } = runeAt(bytes, at);
    const isInvalid = code === runeError && size === 1;
    spelled += isInvalid ? String.fromCharCode(0xdc00 + bytes.charCodeAt(at)) : String.fromCodePoint(code);
    at += size;
  }
  return spelled;
}

/** The bytes of such a text, or of a part of it. */
export function bytesOfLossless(text: string): Bytes {
  if (text.isWellFormed()) return bytesOf(text);
  return text
    .split(/([\udc80-\udcff])/u)
    .map((part, index) => (index % 2 === 0 ? bytesOf(part) : String.fromCharCode(part.charCodeAt(0) - 0xdc00)))
    .join('');
}

/** The bytes in a buffer. */
export function bufferOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes, 'latin1');
}

/** A buffer as a Go string. */
export function bytesOfBuffer(buffer: Uint8Array): Bytes {
  return Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength).toString('latin1');
}

/** Whether every byte is ASCII. */
export function isAscii(bytes: Bytes): boolean {
  return !nonAscii.test(bytes);
}

export const runeError = 0xfffd;

export interface Rune {
  readonly code: number;
  /** Bytes that it takes; an invalid byte is U+FFFD of size 1, the end of the text size 0. */
  readonly size: number;
}

/** The rune at a byte offset, by the rules of Go's utf8.DecodeRune. */
export function runeAt(bytes: Bytes, at: number): Rune {
  const first = bytes.charCodeAt(at);
  if (Number.isNaN(first)) return { code: runeError, size: 0 };
  if (first < 0x80) return { code: first, size: 1 };
  const invalid = { code: runeError, size: 1 };
  const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > bytes.length) return invalid;
  let code = first & (0x7f >> size);
  for (let index = 1; index < size; index++) {
    const next = bytes.charCodeAt(at + index);
    if ((next & 0xc0) !== 0x80) return invalid;
    code = (code << 6) | (next & 0x3f);
  }
  const overlong = (size === 3 && code < 0x800) || (size === 4 && code < 0x10000);
  return overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? invalid : { code, size };
}

/** Every rune's code point, as Go's range and []rune see them. */
export function runesOf(bytes: Bytes): number[] {
  const runes: number[] = [];
  if (isAscii(bytes)) {
    for (let at = 0; at < bytes.length; at++) runes.push(bytes.charCodeAt(at));
    return runes;
  }
  for (let at = 0; at < bytes.length; ) {
    const rune = runeAt(bytes, at);
    runes.push(rune.code);
    at += rune.size;
  }
  return runes;
}

/** A code point as UTF-8 bytes; what is none becomes U+FFFD. */
export function encodeRune(code: number): Bytes {
  if (code >= 0 && code < 0x80) return String.fromCharCode(code);
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
  return bytesOf(String.fromCodePoint(valid ? code : runeError));
}

/** How many runes the bytes hold. */
export function runeCount(bytes: Bytes): number {
  return isAscii(bytes) ? bytes.length : runesOf(bytes).length;
}

export function isLetter(code: number): boolean {
  return code < 0x80 ? (code | 32) >= 97 && (code | 32) <= 122 : /^\p{L}$/u.test(String.fromCodePoint(code));
}

export function isDigit(code: number): boolean {
  return code < 0x80 ? code >= 48 && code <= 57 : /^\p{Nd}$/u.test(String.fromCodePoint(code));
}

/** unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and the ASCII space. */
export function isPrint(code: number): boolean {
  if (code < 0x80) return code >= 32 && code < 127;
  return code <= 0x10ffff && /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(String.fromCodePoint(code));
}

/** U+0041 'A', as fmt's %#U writes a rune. */
export function unicodePoint(code: number, withChar = true): string {
  const hex = `U+${Math.max(code, 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return withChar && isPrint(code) ? `${hex} '${encodeRune(code)}'` : hex;
}
