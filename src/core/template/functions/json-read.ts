// Reads JSON as Go's encoding/json does into an interface: numbers are floats, objects maps, and a text that is none gives
// Go's error. Bytes that are no UTF-8, and lone surrogates, become U+FFFD.

import { bytesOfRunes } from '../letters.ts';
import { quote } from '../quote.ts';
import { type Bytes, encodeRune, isAscii, runesOf } from '../text.ts';
import { Dict, List, type Value } from '../values.ts';

/** Why a text is no JSON, in Go's words. They quote a character of it. */
export class JsonFault extends Error {}

const deepest = 1_000;
const endOfInput = 'unexpected end of JSON input';
const escapes: ReadonlyMap<string, number> = new Map([
  ['"', 34],
  ['\\', 92],
  ['/', 47],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
]);

export interface ReadJson {
  readonly value: Value;
  /** A number that no float holds; it is nil in the value. */
  readonly fault: string | undefined;
}

/** What the text spells. Throws JsonFault. */
export function parseJson(text: Bytes): ReadJson {
  return new Reader(text).document();
}

class Reader {
  readonly #text: Bytes;
  #at = 0;
  #overflow: string | undefined;

  constructor(text: Bytes) {
    this.#text = text;
  }

  document(): ReadJson {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value');
    if (this.#overflow === undefined) return { value, fault: undefined };
    return { value, fault: `json: cannot unmarshal number ${this.#overflow} into Go value of type float64` };
  }

  #unexpected(where: string): JsonFault {
    // Go ends the input with a space, which is wrong inside a word, a number or an escape.
    const isInside = /^(?:in (?!string literal)|after decimal)/.test(where);
    const char = this.#text[this.#at] ?? (isInside ? ' ' : undefined);
    if (char === undefined) return new JsonFault(endOfInput);
    const code = char.charCodeAt(0);
    const quoted = char === "'" ? "'\\''" : char === '"' ? "'\"'" : `'${quote(encodeRune(code)).slice(1, -1)}'`;
    return new JsonFault(`invalid character ${quoted} ${where}`);
  }

  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #value(depth: number): Value {
    if (depth > deepest) throw new JsonFault('exceeded max depth');
    this.#space();
    const char = this.#text[this.#at];
    if (char === '{') return this.#object(depth);
    if (char === '[') return this.#array(depth);
    if (char === '"') return this.#string();
    if (char === 't') return this.#word('true', true);
    if (char === 'f') return this.#word('false', false);
    if (char === 'n') return this.#word('null', null);
    if (char === '-' || /[0-9]/.test(char ?? '')) return this.#number();
    throw this.#unexpected('looking for beginning of value');
  }

  #word(word: string, value: Value): Value {
    for (const wanted of word) {
      if (this.#text[this.#at] !== wanted) throw this.#unexpected(`in literal ${word} (expecting '${wanted}')`);
      this.#at += 1;
    }
    return value;
  }

  #digits(where: string): void {
    if (!/[0-9]/.test(this.#text[this.#at] ?? '')) throw this.#unexpected(where);
    while (/[0-9]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #number(): Value {
    const start = this.#at;
    if (this.#text[this.#at] === '-') this.#at += 1;
    if (this.#text[this.#at] === '0') this.#at += 1;
    else this.#digits('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at += 1;
      this.#digits('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.#text[this.#at] ?? '')) {
      this.#at += 1;
      if (/[+-]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
      this.#digits('in exponent of numeric literal');
    }
    const spelled = this.#text.slice(start, this.#at);
    const value = Number(spelled);
    if (Number.isFinite(value)) return value;
    this.#overflow ??= spelled;
    return null;
  }

  #string(): Bytes {
    this.#at += 1;
    let read = '';
    for (;;) {
      const plain = /[ !#-[\]-\u{10ffff}]*/uy;
      plain.lastIndex = this.#at;
      const run = plain.exec(this.#text)?.[0] ?? '';
      read += isAscii(run) ? run : bytesOfRunes(runesOf(run));
      this.#at += run.length;
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at += 1;
        return read;
      }
      if (char !== '\\') throw this.#unexpected('in string literal');
      this.#at += 1;
      read += this.#escape();
    }
  }

  #escape(): Bytes {
    const kind = this.#text[this.#at] ?? '';
    const simple = escapes.get(kind);
    if (simple === undefined && kind !== 'u') throw this.#unexpected('in string escape code');
    this.#at += 1;
    if (simple !== undefined) return String.fromCharCode(simple);
    const high = this.#hex();
    if (high < 0xd800 || high > 0xdfff) return encodeRune(high);
    const next = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.#text.slice(this.#at, this.#at + 6));
    if (high >= 0xdc00 || next === null) return encodeRune(0xfffd);
    this.#at += 6;
    return encodeRune(0x10000 + ((high - 0xd800) << 10) + (Number.parseInt(next[1] ?? '', 16) - 0xdc00));
  }

  #hex(): number {
    const start = this.#at;
    for (; this.#at < start + 4; this.#at++) {
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ''))
        throw this.#unexpected('in \\u hexadecimal character escape');
    }
    return Number.parseInt(this.#text.slice(start, this.#at), 16);
  }

  #array(depth: number): Value {
    this.#at += 1;
    const items: Value[] = [];
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at += 1;
      return new List(items);
    }
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#closes(']', 'after array element')) return new List(items);
    }
  }

  #object(depth: number): Value {
    this.#at += 1;
    const entries = new Map<Bytes, Value>();
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at += 1;
      return new Dict(entries);
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string');
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key');
      this.#at += 1;
      entries.set(key, this.#value(depth + 1));
      if (this.#closes('}', 'after object key:value pair')) return new Dict(entries);
    }
  }

  #closes(end: string, where: string): boolean {
    this.#space();
    const char = this.#text[this.#at];
    if (char !== ',' && char !== end) throw this.#unexpected(where);
    this.#at += 1;
    return char === end;
  }
}
