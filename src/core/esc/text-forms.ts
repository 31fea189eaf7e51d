// Values as text: the string form of `fn::toString` and interpolation, and JSON both ways, as Go writes and reads them.
import { compareBytewise } from '../byte-order.ts';
import { pay, payForText, unitsPerExpression, unitsPerMember } from './effort.ts';
import { LimitExceeded, maxDepth, maxTextLength } from './limits.ts';
import {
  arrayValue,
  booleanValue,
  type EscValue,
  type Flags,
  nullValue,
  numberValue,
  objectValue,
  textValue,
} from './value.ts';

export interface StringForm {
  readonly text: string;
  readonly secret: boolean;
  readonly unknown: boolean;
}

/** The string form, of objects the top layer alone: keys that are only inherited neither show nor make it secret. */
export function stringForm(value: EscValue): StringForm {
  const state = { secret: false, unknown: false };
  const text = formText(value, state);
  return { text: state.unknown ? '[unknown]' : text, ...state };
}

function formText(value: EscValue, state: { secret: boolean; unknown: boolean }): string {
  if (value.secret) state.secret = true;
  const { data } = value;
  switch (data.kind) {
    case 'null':
      return '';
    case 'boolean':
      return String(data.value);
    case 'number':
    case 'string':
      return data.text;
    case 'unknown':
      state.unknown = true;
      return '[unknown]';
    case 'array':
      return bounded(data.elements.map((each) => goQuote(formText(each, state))));
    case 'object': {
      pay(data.own.size * unitsPerMember);
      const members = [...data.own].sort(([left], [right]) => compareBytewise(left, right));
      return bounded(members.map(([key, each]) => `${goQuote(key)}=${goQuote(formText(each, state))}`));
    }
  }
}

function bounded(parts: readonly string[]): string {
  return boundedText(parts, ',');
}

/** The parts joined. Throws LimitExceeded before the text is made when it would be too long. */
export function boundedText(parts: readonly string[], delimiter: string): string {
  const length = parts.reduce((sum, part) => sum + part.length + delimiter.length, 0);
  if (length > maxTextLength) throw new LimitExceeded(`a text is longer than ${maxTextLength} characters`);
  payForText(length);
  return parts.join(delimiter);
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** What Go does not print: everything but letters, marks, numbers, punctuation, symbols and the blank. */
const unprinted = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A Go string literal (https://pkg.go.dev/strconv#Quote). */
export function goQuote(text: string): string {
  pay(unitsPerPiece + text.length);
  payForText(text.length);
  return `"${text.replace(unprinted, goEscape)}"`;
}

function goEscape(symbol: string): string {
  const short = shortEscapes[symbol];
  if (short !== undefined) return short;
  const code = symbol.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, '0')}`;
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`;
}

/** A text that is made as a part of another. */
const unitsPerPiece = 40;

/** Compact JSON of the whole value, sorted by key. The value must hold no unknown. */
export function jsonText(value: EscValue): string {
  const { data } = value;
  pay(unitsPerPiece);
  switch (data.kind) {
    case 'null':
    case 'unknown':
      return 'null';
    case 'boolean':
      return String(data.value);
    case 'number':
      return data.text;
    case 'string':
      // Go escapes what stands for bytes that are no text.
      return data.bytes === undefined ? jsonString(data.text) : jsonString(data.text).replaceAll('\ufffd', '\\ufffd');
    case 'array':
      return `[${bounded(data.elements.map(jsonText))}]`;
    case 'object':
      return `{${bounded(Array.from(value.members, ([key, each]) => `${jsonString(key)}:${jsonText(each)}`))}}`;
  }
}

function jsonString(text: string): string {
  pay(unitsPerPiece);
  payForText(text.length);
  return JSON.stringify(text).replaceAll(/[<>&\u2028\u2029]/g, unicodeEscape);
}

function unicodeEscape(symbol: string): string {
  return `\\u${symbol.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What is wrong with a JSON text, without a character of it. */
export class JsonProblem extends Error {}

/** The first JSON value of the text; what follows it is not looked at. Throws JsonProblem. */
export function parseFirstJson(text: string, flags: Flags): EscValue {
  return new JsonReader(text, flags).value(0);
}

const blanks = /[ \t\r\n]*/y;
/** What needs no escape in a string. */
const plainRun = /[ !#-[\]-\u{10ffff}]*/uy;
const escapeToken = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const numberToken = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const wordToken = /true|false|null/y;

class JsonReader {
  readonly #text: string;
  readonly #flags: Flags;
  #at = 0;

  constructor(text: string, flags: Flags) {
    this.#text = text;
    this.#flags = flags;
  }

  value(depth: number): EscValue {
    if (depth > maxDepth) throw new LimitExceeded(`a value nests deeper than ${maxDepth} levels`);
    pay(unitsPerExpression / 2);
    const first = this.#next();
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return textValue(this.#string(), this.#flags);
    const word = this.#token(wordToken);
    if (word === 'null') return nullValue.with(this.#flags);
    if (word !== undefined) return booleanValue(word === 'true', this.#flags);
    const number = this.#token(numberToken);
    return number === undefined ? this.#fail('a value') : numberValue(number, this.#flags);
  }

  #object(depth: number): EscValue {
    const members = new Map<string, EscValue>();
    this.#at++;
    for (let isFirst = true; ; isFirst = false) {
      if (isFirst && this.#take('}')) break;
      if (this.#next() !== '"') this.#fail('a quoted key');
      const key = this.#string();
      if (!this.#take(':')) this.#fail('a colon');
      members.set(key, this.value(depth + 1));
      if (this.#take('}')) break;
      if (!this.#take(',')) this.#fail('a comma or }');
    }
    return objectValue(members, this.#flags);
  }

  #array(depth: number): EscValue {
    const elements: EscValue[] = [];
    this.#at++;
    for (let isFirst = true; ; isFirst = false) {
      if (isFirst && this.#take(']')) break;
      elements.push(this.value(depth + 1));
      if (this.#take(']')) break;
      if (!this.#take(',')) this.#fail('a comma or ]');
    }
    return arrayValue(elements, this.#flags);
  }

  /** Reads in a loop: one expression for the whole string would cost stack for each escape. */
  #string(): string {
    const start = this.#at++;
    for (;;) {
      this.#token(plainRun);
      if (this.#text.charAt(this.#at) === '"') break;
      if (this.#token(escapeToken) === undefined) return this.#fail('the end of a string');
    }
    this.#at++;
    payForText(this.#at - start);
    return String(JSON.parse(this.#text.slice(start, this.#at))).toWellFormed();
  }

  #next(): string {
    blanks.lastIndex = this.#at;
    blanks.test(this.#text);
    this.#at = blanks.lastIndex;
    return this.#text.charAt(this.#at);
  }

  #take(symbol: string): boolean {
    if (this.#next() !== symbol) return false;
    this.#at++;
    return true;
  }

  #token(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [token] = pattern.exec(this.#text) ?? [];
    if (token !== undefined) this.#at = pattern.lastIndex;
    return token;
  }

  #fail(wanted: string): never {
    throw new JsonProblem(`${wanted} is expected at character ${this.#at + 1}`);
  }
}
