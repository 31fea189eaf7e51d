// Case and spaces of single runes as Go's unicode package maps them: one rune to one rune, no language, no context.
import { type Bytes, encodeRune, isAscii, isDigit, isLetter, runeAt, runesOf } from './text.ts';

/** unicode.ToUpper. */
export function upperRune(code: number): number {
  // Greek letters with a subscript iota, whose full mapping has two letters.
  if ((code >= 0x1f80 && code < 0x1fb0 && (code & 8) === 0) || code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) {
    return code < 0x1fb0 ? code + 8 : code + 9;
  }
  return oneRune(code, String.fromCodePoint(code).toUpperCase());
}

/** unicode.ToLower. */
export function lowerRune(code: number): number {
  return code === 0x130 ? 0x69 : oneRune(code, String.fromCodePoint(code).toLowerCase());
}

/** unicode.ToTitle: upper case, but for digraphs and Georgian. */
export function titleRune(code: number): number {
  if (code >= 0x1c4 && code <= 0x1cc) return code <= 0x1c6 ? 0x1c5 : code <= 0x1c9 ? 0x1c8 : 0x1cb;
  if (code >= 0x1f1 && code <= 0x1f3) return 0x1f2;
  return code >= 0x10d0 && code <= 0x10ff ? code : upperRune(code);
}

function oneRune(code: number, mapped: string): number {
  const first = mapped.codePointAt(0) ?? code;
  return mapped.length === (first > 0xffff ? 2 : 1) ? first : code;
}

export function isUpper(code: number): boolean {
  return code < 0x80 ? code >= 65 && code <= 90 : /^\p{Lu}$/u.test(String.fromCodePoint(code));
}

export function isLower(code: number): boolean {
  return code < 0x80 ? code >= 97 && code <= 122 : /^\p{Ll}$/u.test(String.fromCodePoint(code));
}

export function isTitle(code: number): boolean {
  return code >= 0x80 && /^\p{Lt}$/u.test(String.fromCodePoint(code));
}

export function isPunct(code: number): boolean {
  return /^\p{P}$/u.test(String.fromCodePoint(code));
}

export function isNumber(code: number): boolean {
  return /^\p{N}$/u.test(String.fromCodePoint(code));
}

/** unicode.IsSpace. */
export function isSpace(code: number): boolean {
  if (code < 0x100) return (code >= 9 && code <= 13) || code === 32 || code === 0x85 || code === 0xa0;
  return code !== 0xfeff && /^\s$/u.test(String.fromCodePoint(code));
}

/** Runes as UTF-8. */
export function bytesOfRunes(runes: readonly number[]): Bytes {
  return runes.map(encodeRune).join('');
}

/** strings.ToUpper. */
export function upper(text: Bytes): Bytes {
  return isAscii(text) ? text.toUpperCase() : bytesOfRunes(runesOf(text).map(upperRune));
}

/** strings.ToLower. */
export function lower(text: Bytes): Bytes {
  return isAscii(text) ? text.toLowerCase() : bytesOfRunes(runesOf(text).map(lowerRune));
}

/** strings.Title: a letter behind a separator becomes a title letter. */
export function title(text: Bytes): Bytes {
  let isStart = true;
  const runes = runesOf(text).map((code) => {
    const titled = isStart ? titleRune(code) : code;
    isStart = isSeparator(code);
    return titled;
  });
  return bytesOfRunes(runes);
}

function isSeparator(code: number): boolean {
  if (isLetter(code) || isDigit(code) || code === 95) return false;
  return code < 0x80 || isSpace(code);
}

/** strings.TrimSpace. */
export function trimSpace(text: Bytes): Bytes {
  return trimRunes(text, isSpace);
}

/** Cuts the runes that are in the set from both ends. */
export function trimRunes(text: Bytes, isCut: (code: number) => boolean): Bytes {
  const runes = runesOf(text);
  let first = 0;
  let last = runes.length;
  let from = 0;
  let to = text.length;
  for (; first < last && isCut(runes[first] ?? 0); first++) from += runeAt(text, from).size;
  for (; last > first && isCut(runes[last - 1] ?? 0); last--) to -= sizeBefore(text, to);
  return text.slice(from, to);
}

function sizeBefore(text: Bytes, end: number): number {
  for (const size of [4, 3, 2]) {
    if (runeAt(text, end - size).size === size) return size;
  }
  return 1;
}
