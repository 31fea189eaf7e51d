// Reading raw JSON text without validating it: gjson takes the first thing that looks like a value and trusts it. Nothing
// here recurses, so nesting costs no stack.
import { type GjsonKind, type GjsonResult, parseFloatText } from './result.ts';

const quote = 0x22;
const backslash = 0x5c;
const blank = 0x20;

/** A result that has a raw slice and nothing else to tell. */
export function plain(kind: GjsonKind, raw: string): GjsonResult {
  return { kind, raw, string: '', number: 0 };
}

export function jsonResult(raw: string): GjsonResult {
  return plain('json', raw);
}

export function numberResult(raw: string): GjsonResult {
  return { kind: 'number', raw, string: '', number: parseFloatText(raw) };
}

export function stringResult(raw: string): GjsonResult {
  return { kind: 'string', raw, string: unescapeString(raw.slice(1, -1)), number: 0 };
}

/** Index behind the closing quote of the string that opens at `start`, or undefined when it never closes. */
export function stringEnd(json: string, start: number): number | undefined {
  for (let at = json.indexOf('"', start + 1); at !== -1; at = json.indexOf('"', at + 1)) {
    let before = at - 1;
    while (before > start && json.charCodeAt(before) === backslash) before--;
    if ((at - before) % 2 === 1) return at + 1; // an even number of backslashes stands before the quote
  }
  return undefined;
}

/**
 * Index behind the bracket that closes the one at `start`; all kinds of brackets count alike. Whatever stands at `start`
 * counts as open. The end of the text when nothing closes it, one beyond when a string inside does not close: an array
 * around it then has no end, not even that of the text.
 */
export function bracketEnd(json: string, start: number): number {
  let depth = 1;
  for (let at = start + 1; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit < quote || unit > 0x7d) continue;
    if (unit === quote) {
      const end = stringEnd(json, at);
      if (end === undefined) return json.length + 1;
      at = end - 1;
    } else if (unit === 0x7b || unit === 0x5b || unit === 0x28) {
      depth++;
    } else if ((unit === 0x7d || unit === 0x5d || unit === 0x29) && --depth === 0) {
      return at + 1;
    }
  }
  return json.length;
}

/** Index behind the string or bracketed text that starts at `start`; the end of the text when it never closes. */
export function delimitedEnd(json: string, start: number): number {
  return json.charCodeAt(start) === quote ? (stringEnd(json, start) ?? json.length) : bracketEnd(json, start);
}

/** Index of the first unit behind a number: anything up to a blank, comma or closing bracket. */
export function numberEnd(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json.charCodeAt(at) > blank && !',]}'.includes(json.charAt(at))) at++;
  return at;
}

/** Index of the first unit behind a literal: anything but lower-case letters. */
export function literalEnd(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json.charCodeAt(at) >= 0x61 && json.charCodeAt(at) <= 0x7a) at++;
  return at;
}

/** What the unit at `at` begins. A lower-case n begins a number unless `nu` follows: `nan` is one. */
export function tokenAt(json: string, at: number): 'string' | 'object' | 'array' | 'literal' | 'number' | undefined {
  switch (json.charAt(at)) {
    case '"':
      return 'string';
    case '{':
      return 'object';
    case '[':
      return 'array';
    case 't':
    case 'f':
      return 'literal';
    case 'n':
      return at + 1 < json.length && json.charAt(at + 1) !== 'u' ? 'number' : 'literal';
    default:
      return '+-0123456789iIN'.includes(json.charAt(at)) && at < json.length ? 'number' : undefined;
  }
}

export function literalResult(raw: string): GjsonResult {
  const first = raw.charAt(0);
  return plain(first === 't' ? 'true' : first === 'f' ? 'false' : 'null', raw);
}

/** A value and the index behind it. */
export interface Read {
  readonly value: GjsonResult;
  readonly end: number;
}

/** The next value at or after `start`; anything that begins no value is passed over. */
export function readValue(json: string, start: number): Read | undefined {
  for (let at = start; at < json.length; at++) {
    const token = tokenAt(json, at);
    if (token === undefined) continue;
    const end = token === 'string' ? stringEnd(json, at) : tokenEnd(json, at, token);
    if (end === undefined) return undefined;
    return { value: tokenResult(token, json.slice(at, end)), end };
  }
  return undefined;
}

/** Index behind a token that always ends. */
export function tokenEnd(json: string, at: number, token: 'object' | 'array' | 'literal' | 'number'): number {
  if (token === 'literal') return literalEnd(json, at);
  return token === 'number' ? numberEnd(json, at) : bracketEnd(json, at);
}

export function tokenResult(token: 'string' | 'object' | 'array' | 'literal' | 'number', raw: string): GjsonResult {
  if (token === 'string') return stringResult(raw);
  if (token === 'literal') return literalResult(raw);
  return token === 'number' ? numberResult(raw) : jsonResult(raw);
}

/** A whole document as a result. An object or array takes all the rest of the text, whatever follows it. */
export function parse(json: string): GjsonResult | undefined {
  let at = 0;
  while (at < json.length && json.charCodeAt(at) <= blank) at++;
  const token = tokenAt(json, at);
  if (token === undefined) return undefined;
  if (token === 'object' || token === 'array') return jsonResult(json.slice(at));
  if (token !== 'string') return tokenResult(token, json.slice(at, tokenEnd(json, at, token)));
  const end = stringEnd(json, at);
  return end === undefined ? unclosedString(json.slice(at)) : stringResult(json.slice(at, end));
}

/** A string that the text ends in: its content is what there is. */
function unclosedString(raw: string): GjsonResult {
  return { kind: 'string', raw, string: unescapeString(raw.slice(1)), number: 0 };
}

/** A member of an object or array. Array members, and a value that is neither, have no key. */
export interface Member {
  readonly key: GjsonResult | undefined;
  readonly value: GjsonResult;
}

/** The members of an object or array, first to last, duplicates included; a scalar is its own only member. */
export function* membersOf(result: GjsonResult | undefined): Generator<Member> {
  if (result === undefined) return;
  if (result.kind !== 'json') return yield { key: undefined, value: result };
  const json = result.raw;
  const isObject = json.startsWith('{');
  // One unit is stepped over after each value, unseen: the comma, where there is one.
  for (let at = 1; at < json.length; at++) {
    let key: GjsonResult | undefined;
    if (isObject) {
      at = json.indexOf('"', at);
      const keyEnd = at === -1 ? undefined : stringEnd(json, at);
      if (keyEnd === undefined) return;
      key = stringResult(json.slice(at, keyEnd));
      at = keyEnd;
    }
    const read = readValue(json, at);
    if (read === undefined) return;
    yield { key, value: read.value };
    at = read.end;
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
]);

/**
 * The text of a string's content. Without a backslash it is taken as it is; with one, a control character, an unknown
 * escape or a cut one ends the text. Surrogates without a partner become U+FFFD.
 */
export function unescapeString(content: string): string {
  if (!content.includes('\\')) return content;
  let out = '';
  for (let at = 0; at < content.length; at++) {
    const unit = content.charAt(at);
    if (unit < ' ') return out;
    if (unit !== '\\') {
      out += unit;
      continue;
    }
    const escaped = content.charAt(++at);
    if (escaped !== 'u') {
      const meant = escapes.get(escaped);
      if (meant === undefined) return out;
      out += meant;
      continue;
    }
    if (at + 5 > content.length) return out;
    const first = hexUnit(content, at + 1);
    at += 4;
    if ((first & 0xf800) !== 0xd800) out += String.fromCharCode(first);
    else if (content.startsWith('\\u', at + 1) && at + 7 <= content.length) {
      // The second escape is used up even when it does not complete the pair.
      const second = hexUnit(content, at + 3);
      out += first < 0xdc00 && (second & 0xfc00) === 0xdc00 ? String.fromCharCode(first, second) : '\ufffd';
      at += 6;
    } else out += '\ufffd';
  }
  return out;
}

function hexUnit(content: string, at: number): number {
  const digits = content.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
}

/** Without the blanks and control characters at both ends. */
export function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && value.charCodeAt(start) <= blank) start++;
  while (end > start && value.charCodeAt(end - 1) <= blank) end--;
  return value.slice(start, end);
}

/** The text as a JSON string in gjson's spelling: `<`, `>`, `&`, U+2028 and U+2029 escaped, DEL as it is. */
export function quoteJson(value: string): string {
  const escaped = JSON.stringify(value.toWellFormed()).replaceAll(
    /[<>&\u2028\u2029]/g,
    (symbol) => `\\u${symbol.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped;
}
