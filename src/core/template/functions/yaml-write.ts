// Writes values as YAML the way sigs.k8s.io/yaml does: through JSON, then go-yaml v2's emitter: keys in its order, lists at
// the level of their key, plain text where it reads back as text, long lines folded behind column 80.
import { formatFloat } from '../floats.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, isDigit, isLetter, runeAt, runesOf } from '../text.ts';
import { Dict, List, type Value } from '../values.ts';
import { fault } from './define.ts';
import { writeText as writeJsonText } from './json-write.ts';
import { resolvePlain } from './yaml-scalar.ts';

const width = 80;
/** Characters of a key in JSON that go-yaml still reads as one: what is written comes by way of JSON. */
const longestJsonKey = 1024;
/** Bytes of a key that stands in front of its colon. */
const longestSimpleKey = 128;

/** The YAML of a value as JSON knows it, without the last newline. */
export function writeYaml(value: Value, budget: Budget): Bytes {
  const written = new Writer(budget).node(value, { indent: 0, column: 0, isRoot: true });
  return written.replace(/\n$/, '');
}

interface Place {
  /** Where the lines of a collection start. */
  readonly indent: number;
  /** Where the value starts on its line. */
  readonly column: number;
  readonly isRoot?: boolean;
}

class Writer {
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** The text of a node, without what leads to it, with its last newline. */
  node(value: Value, place: Place): Bytes {
    this.#budget.step();
    if (value instanceof Dict && value.entries.size > 0) return this.#map(value, place);
    if (value instanceof List && value.items.length > 0) return this.#list(value, place);
    const text = this.#scalar(value, place.isRoot === true ? { ...place, indent: 2 } : place);
    this.#budget.room(text.length);
    return text.endsWith('\n') && /^[|]/.test(text) ? text : `${text}\n`;
  }

  #map({ entries }: Dict, { indent }: Place): Bytes {
    const keys = [...entries.keys()].sort(compareKeys);
    if (keys.some(isTooLong)) {
      throw fault("error converting JSON to YAML: yaml: did not find expected ',' or '}'");
    }
    const pad = ' '.repeat(indent);
    const lines = keys.map((key, index) => {
      const value = entries.get(key) ?? null;
      const start = index === 0 ? '' : pad;
      const name = writeText(key, { indent, column: indent }, true);
      if (key.includes('\n') || key.length > longestSimpleKey) return start + this.#complexEntry(key, value, indent);
      const lead = `${start}${name}:`;
      if (value instanceof Dict && value.entries.size > 0) {
        const inner = indent + 2;
        return `${lead}\n${' '.repeat(inner)}${this.node(value, { indent: inner, column: inner })}`;
      }
      if (value instanceof List && value.items.length > 0)
        return `${lead}\n${pad}${this.node(value, { indent, column: indent })}`;
      return `${lead} ${this.node(value, { indent: indent + 2, column: indent + name.length + 2 })}`;
    });
    return this.#joined(lines);
  }

  /** A key that go-yaml does not write in front of a colon: `? key`, and the value on a line of its own. */
  #complexEntry(key: Bytes, value: Value, indent: number): Bytes {
    const inner = { indent: indent + 2, column: indent + 2 };
    return `? ${this.node(key, inner)}${' '.repeat(indent)}: ${this.node(value, inner)}`;
  }

  #list({ items }: List, { indent }: Place): Bytes {
    const pad = ' '.repeat(indent);
    const lines = items.map((item, index) => {
      const inner = indent + 2;
      return `${index === 0 ? '' : pad}- ${this.node(item, { indent: inner, column: inner })}`;
    });
    return this.#joined(lines);
  }

  #joined(lines: readonly Bytes[]): Bytes {
    this.#budget.room(lines.reduce((size, line) => size + line.length, 0));
    return lines.join('');
  }

  #scalar(value: Value, place: Place): Bytes {
    if (value === null) return 'null';
    if (value instanceof List) return '[]';
    if (value instanceof Dict) return '{}';
    if (typeof value === 'string') return writeText(value, place, false);
    if (typeof value === 'number') return formatFloat(value, 'g', -1);
    return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : '';
  }
}

/** A text in the plainest style that reads back as it is. */
function writeText(text: Bytes, place: Place, isKey: boolean): Bytes {
  const facts = analyse(text);
  const isLiteral = text.includes('\n') && facts.allowsBlock && !isKey;
  if (isLiteral) return literal(text, place);
  const { type } = resolvePlain(text);
  const isText =
    (type === 'text' || type === 'merge') && !/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/.test(text);
  if (text.includes('\n') || !isText) return doubleQuoted(text, place, isKey);
  if (facts.allowsPlain) return folded(text, place, isKey);
  return facts.allowsSingle
    ? `'${folded(text.replaceAll("'", "''"), { ...place, column: place.column + 1 }, isKey, 1)}'`
    : doubleQuoted(text, place, isKey);
}

interface Facts {
  readonly allowsPlain: boolean;
  readonly allowsSingle: boolean;
  readonly allowsBlock: boolean;
}

function analyse(text: Bytes): Facts {
  const isSpecial =
    !(isPrintableAscii(text) || runesOf(text).every(isYamlPrintable)) ||
    / [\n\r]/.test(text) ||
    /\r|\u00c2\u0085|\u00e2\u0080[\u00a8\u00a9]/.test(text);
  const breakSpace = /\n /.test(text);
  const endsBlank = /^[ \n]|[ \n]$/.test(text);
  const hasIndicator =
    /^(?:---|\.\.\.)/.test(text) ||
    /^[#,[\]{}&*!|>'"%@`]/.test(text) ||
    /^[?:-](?:[ \t\n]|$)/.test(text) ||
    /:(?:[ \t\n]|$)/.test(text.slice(1)) ||
    /[ \t\n]#/.test(text);
  return {
    allowsPlain: text !== '' && !isSpecial && !endsBlank && !breakSpace && !text.includes('\n') && !hasIndicator,
    allowsSingle: !isSpecial && !breakSpace,
    allowsBlock: text !== '' && !isSpecial && !text.endsWith(' '),
  };
}

/** Bytes grow to six characters at most. */
function isTooLong(key: Bytes): boolean {
  return key.length > longestJsonKey / 6 - 2 && runesOf(writeJsonText(key, false)).length > longestJsonKey;
}

function isPrintableAscii(text: Bytes): boolean {
  return /^[\n\x20-\x7e]*$/.test(text);
}

function isYamlPrintable(code: number): boolean {
  if (code === 0x0a || (code >= 0x20 && code <= 0x7e)) return true;
  return code >= 0xa0 && code <= 0xffff
    ? !(code >= 0xd800 && code < 0xe000) && code !== 0xfeff && code < 0xfffe
    : false;
}

/** Breaks at single spaces once the line is longer than the width. */
function folded(text: Bytes, { indent, column }: Place, isKey: boolean, quotes = 0): Bytes {
  if (isKey) return text;
  let written = '';
  let at = column;
  let wasSpace = false;
  for (let index = 0; index < text.length; ) {
    const { size } = runeAt(text, index);
    const char = text.slice(index, index + size);
    const isInner = quotes === 0 || (index > 0 && index < text.length - 1);
    if (char === ' ' && !wasSpace && at > width && isInner && text[index + 1] !== ' ') {
      written += `\n${' '.repeat(indent)}`;
      at = indent;
    } else {
      written += char;
      at += 1;
    }
    wasSpace = char === ' ';
    index += size;
  }
  return written;
}

function literal(text: Bytes, { indent }: Place): Bytes {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const pad = ' '.repeat(indent);
  const lines = text.replace(/\n$/, '').split('\n');
  return `|${hint}${chomp}\n${lines.map((line) => (line === '' ? '' : pad + line)).join('\n')}\n`;
}

const shortEscapes: ReadonlyMap<number, string> = new Map([
  [0, '0'],
  [7, 'a'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [11, 'v'],
  [12, 'f'],
  [13, 'r'],
  [27, 'e'],
  [34, '"'],
  [92, '\\'],
  [0x85, 'N'],
  [0xa0, '_'],
  [0x2028, 'L'],
  [0x2029, 'P'],
]);

function doubleQuoted(text: Bytes, { indent, column }: Place, isKey: boolean): Bytes {
  let written = '';
  let at = column + 1;
  let wasSpace = false;
  const put = (piece: string, size = piece.length) => {
    written += piece;
    at += size;
  };
  for (let index = 0; index < text.length; ) {
    const { code, size } = runeAt(text, index);
    const isBreak = code === 10 || code === 13 || code === 0x85 || code === 0x2028 || code === 0x2029;
    if (!isYamlPrintable(code) || isBreak || code === 34 || code === 92) {
      put(`\\${shortEscapes.get(code) ?? hexEscape(code)}`);
      wasSpace = false;
    } else if (code === 32) {
      const breaks = !isKey && !wasSpace && at > width && index > 0 && index < text.length - 1;
      if (breaks) {
        written += `\n${' '.repeat(indent)}${text[index + 1] === ' ' ? '\\' : ''}`;
        at = indent + (text[index + 1] === ' ' ? 1 : 0);
      } else put(' ');
      wasSpace = true;
    } else {
      put(text.slice(index, index + size), 1);
      wasSpace = false;
    }
    index += size;
  }
  return `"${written}"`;
}

function hexEscape(code: number): string {
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `u${hex.padStart(4, '0')}` : `U${hex.padStart(8, '0')}`;
}

/** Keys with numbers in them in the order of the numbers; letters behind all else. */
function compareKeys(left: Bytes, right: Bytes): number {
  const a = runesOf(left);
  const b = runesOf(right);
  const at = a.findIndex((code, index) => code !== b[index]);
  const one = a[at];
  const other = b[at];
  if (at < 0 || one === undefined || other === undefined) return a.length - b.length;
  const isOneLetter = isLetter(one);
  const isOtherLetter = isLetter(other);
  if (isOneLetter && isOtherLetter) return one - other;
  if (isOneLetter || isOtherLetter) return isOtherLetter ? -1 : 1;
  const lead = (one === 48 || other === 48) && hasDigitBefore(a, at) ? 1n : 0n;
  const first = numberFrom(a, at, lead);
  const second = numberFrom(b, at, lead);
  if (first.value !== second.value) return first.value < second.value ? -1 : 1;
  return first.end - second.end || one - other;
}

function hasDigitBefore(runes: readonly number[], end: number): boolean {
  for (let at = end - 1; at >= 0 && isDigit(runes[at] ?? 0); at--) {
    if (runes[at] !== 48) return true;
  }
  return false;
}

function numberFrom(runes: readonly number[], start: number, lead: bigint) {
  let value = lead;
  let end = start;
  for (; end < runes.length && isDigit(runes[end] ?? 0); end++) {
    value = BigInt.asIntN(64, value * 10n + BigInt((runes[end] ?? 48) - 48));
  }
  return { value, end };
}
