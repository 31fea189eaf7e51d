// Go's quoting: strconv.Quote and its relatives for output, strconv.Unquote for the constants in a template.
import { type Bytes, encodeRune, isPrint, runeAt, runeError } from './text.ts';

const shortEscapes: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [12, '\\f'],
  [10, '\\n'],
  [13, '\\r'],
  [9, '\\t'],
  [11, '\\v'],
]);
const unescapes: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['\\', 92],
]);

/** strconv.Quote; with `asciiOnly` strconv.QuoteToASCII. */
export function quote(bytes: Bytes, asciiOnly = false): Bytes {
  let quoted = '"';
  for (let at = 0; at < bytes.length; ) {
    const { code, size } = runeAt(bytes, at);
    if (size === 1 && code === runeError) quoted += hexEscape('\\x', bytes.charCodeAt(at), 2);
    else quoted += escapeRune(code, 34, asciiOnly);
    at += size;
  }
  return `${quoted}"`;
}

/** strconv.QuoteRune; with `asciiOnly` QuoteRuneToASCII. */
export function quoteRune(code: number, asciiOnly = false): Bytes {
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000);
  return `'${escapeRune(valid ? code : runeError, 39, asciiOnly)}'`;
}

function escapeRune(code: number, quoteCode: number, asciiOnly: boolean): Bytes {
  if (code === quoteCode || code === 92) return `\\${String.fromCharCode(code)}`;
  if (code < 0x80 ? isPrint(code) : !asciiOnly && isPrint(code)) return encodeRune(code);
  const short = shortEscapes.get(code);
  if (short !== undefined) return short;
  if (code < 32 || code === 127) return hexEscape('\\x', code, 2);
  return code < 0x10000 ? hexEscape('\\u', code, 4) : hexEscape('\\U', code, 8);
}

function hexEscape(lead: string, code: number, digits: number): string {
  return lead + code.toString(16).padStart(digits, '0');
}

/** strconv.CanBackquote. */
export function canBackquote(bytes: Bytes): boolean {
  for (let at = 0; at < bytes.length; ) {
    const { code, size } = runeAt(bytes, at);
    if (size === 1 && code === runeError) return false;
    if (code === 0xfeff || (code < 32 && code !== 9) || code === 96 || code === 127) return false;
    at += size;
  }
  return true;
}

/** strconv.Unquote of a constant with its quotes, or undefined when it is no valid one. */
export function unquote(quoted: Bytes): Bytes | undefined {
  const mark = quoted[0];
  if (quoted.length < 2 || mark !== quoted.at(-1)) return undefined;
  const inner = quoted.slice(1, -1);
  if (mark === '`') return inner.includes('`') ? undefined : inner.replaceAll('\r', '');
  if (mark !== '"' || inner.includes('\n')) return undefined;
  let bytes = '';
  for (let at = 0; at < inner.length; ) {
    const char = unquoteChar(inner, at, '"');
    if (char === undefined) return undefined;
    bytes += char.bytes;
    at = char.end;
  }
  return bytes;
}

/** One character of a quoted constant, its code and where it ends; undefined when the escape is none of Go's. */
export function unquoteChar(
  inner: Bytes,
  at: number,
  mark: string,
): { readonly bytes: Bytes; readonly code: number; readonly end: number } | undefined {
  const lead = inner[at];
  if (lead === mark) return undefined;
  if (lead !== '\\') {
    const { code, size } = runeAt(inner, at);
    if (size === 0) return undefined;
    return { bytes: inner.slice(at, at + size), code, end: at + size };
  }
  const kind = inner[at + 1] ?? '';
  const simple = unescapes.get(kind) ?? (kind === mark ? mark.charCodeAt(0) : undefined);
  if (simple !== undefined) return { bytes: String.fromCharCode(simple), code: simple, end: at + 2 };
  if (/[0-7]/.test(kind)) return numericEscape(inner.slice(at + 1, at + 4), /^[0-7]{3}$/, 8, at + 4, true);
  const width = { x: 2, u: 4, U: 8 }[kind];
  if (width === undefined) return undefined;
  const digits = inner.slice(at + 2, at + 2 + width);
  return digits.length < width ? undefined : numericEscape(digits, /^[0-9a-fA-F]+$/, 16, at + 2 + width, kind === 'x');
}

function numericEscape(digits: string, allowed: RegExp, base: number, end: number, isByte: boolean) {
  if (!allowed.test(digits)) return undefined;
  const code = Number.parseInt(digits, base);
  if (isByte) return code > 255 ? undefined : { bytes: String.fromCharCode(code), code, end };
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
  return { bytes: encodeRune(code), code, end };
}
