// JSON laid out for people (`@pretty`) and without blanks (`@ugly`), byte for byte as tidwall/pretty 1.2 does for gjson,
// on text that need not be valid.

import { OperatorError } from '../../base/operator-error.ts';
import { compareBytewise } from '../byte-order.ts';
import { isJson } from '../json-text.ts';
import type { Effort } from './effort.ts';
import { parseFloatText } from './result.ts';
import { numberEnd, stringEnd, trim, unescapeString } from './scan.ts';

export interface Layout {
  /** Widest array that stays on one line, in bytes; 0 breaks every array. */
  readonly width: number;
  readonly prefix: string;
  readonly indent: string;
  readonly sortKeys: boolean;
}

export const defaultLayout: Layout = { width: 80, prefix: '', indent: '  ', sortKeys: false };

/** What a piece of output costs besides its length. */
const unitsPerPart = 8;

/** Deepest nesting that is laid out; each level costs stack and an indentation on every line. */
const maxNesting = 400;

/** Without the blanks between tokens. */
export function uglyJson(json: string): string {
  let out = '';
  for (let at = 0; at < json.length; at++) {
    if (json.charAt(at) === '"') {
      const end = stringEnd(json, at) ?? json.length;
      out += json.slice(at, end);
      at = end - 1;
    } else if (json.charAt(at) > ' ') {
      out += json.charAt(at);
    }
  }
  return out;
}

/** One member a line, short arrays on one line, a line feed at the end. Throws InvalidValue for nesting beyond bounds. */
export function prettyJson(json: string, layout: Layout, effort: Effort): string {
  const printer: Printer = { json, at: 0, layout, effort, parts: [], length: 0, lineStart: 0, nesting: 0 };
  write(printer, layout.prefix);
  printValue(printer, { tabs: 0, isPretty: true, room: undefined });
  if (printer.length > 0) write(printer, '\n');
  return printer.parts.join('');
}

/** Input position, and output in parts: whole tokens, so that a separating blank is a part of its own. */
interface Printer {
  readonly json: string;
  at: number;
  readonly layout: Layout;
  readonly effort: Effort;
  parts: string[];
  /** Bytes written: the width of a line counts bytes. */
  length: number;
  /** The length at the latest line break. */
  lineStart: number;
  nesting: number;
}

interface Place {
  readonly tabs: number;
  /** False inside an array that is tried on one line. */
  readonly isPretty: boolean;
  /** Output length at which the one-line attempt has failed; undefined outside of one. */
  readonly room: number | undefined;
}

function write(printer: Printer, part: string): void {
  if (part === '') return;
  printer.effort.spend(part.length + unitsPerPart);
  printer.parts.push(part);
  printer.length += Buffer.byteLength(part);
}

/** Ends the line; a blank that would end it gives way. */
function breakLine(printer: Printer): void {
  printer.lineStart = printer.length;
  if (printer.parts.at(-1) === ' ') {
    printer.parts.pop();
    printer.length--;
  }
  write(printer, '\n');
}

/** Prints the next value. False when a one-line attempt meets an object or runs out of room. */
function printValue(printer: Printer, place: Place): boolean {
  const { json } = printer;
  for (; printer.at < json.length; printer.at++) {
    const start = printer.at;
    const symbol = json.charAt(start);
    if (symbol === '"') {
      printer.at = stringEnd(json, start) ?? json.length;
    } else if (
      /[0-9iIN+-]/.test(symbol) ||
      (symbol === 'n' && start + 1 < json.length && json.charAt(start + 1) !== 'u')
    ) {
      printer.at = prettyNumberEnd(json, start);
    } else if (symbol === '{' || symbol === '[') {
      return printNested(printer, symbol, place);
    } else if (symbol === 't' || symbol === 'f' || symbol === 'n') {
      const literal = symbol === 't' ? 'true' : symbol === 'f' ? 'false' : 'null';
      printer.at += literal.length;
      write(printer, literal);
      return true;
    } else {
      continue;
    }
    write(printer, json.slice(start, printer.at));
    return true;
  }
  return true;
}

/** A number ends at a colon too, which no other reader of numbers does. */
function prettyNumberEnd(json: string, start: number): number {
  const end = numberEnd(json, start);
  const colon = json.slice(start + 1, end).indexOf(':');
  return colon === -1 ? end : start + 1 + colon;
}

function printNested(printer: Printer, open: '{' | '[', place: Place): boolean {
  if (++printer.nesting > maxNesting) {
    throw new OperatorError('InvalidValue', `the value nests deeper than ${maxNesting} levels, too deep for @pretty`);
  }
  const isDone = printOnOneLine(printer, open, place) ?? printMembers(printer, open, place);
  printer.nesting--;
  return isDone;
}

/** True: an array has been printed on one line. False: an object is not tried. Undefined: nothing done. */
function printOnOneLine(printer: Printer, open: '{' | '[', place: Place): boolean | undefined {
  const { width } = printer.layout;
  if (width <= 0) return undefined;
  if (place.room !== undefined) return open === '{' ? false : undefined;
  if (!place.isPretty || open !== '[') return undefined;
  const room = width - (printer.length - printer.lineStart);
  if (room <= 3) return undefined;
  const { at, length, lineStart, nesting } = printer;
  const partCount = printer.parts.length;
  const fits = printMembers(printer, '[', { tabs: 0, isPretty: false, room: length + room });
  printer.lineStart = lineStart;
  if (fits && printer.length - length <= room) return true;
  printer.parts.length = partCount;
  Object.assign(printer, { at, length, nesting });
  return undefined;
}

/** Where a member of an object lies: its key in the input, its line among the parts. */
interface Pair {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

function printMembers(printer: Printer, open: '{' | '[', place: Place): boolean {
  const { json, layout } = printer;
  const close = open === '{' ? '}' : ']';
  const pairs: Pair[] = [];
  write(printer, open);
  printer.at++;
  for (let count = 0; printer.at < json.length; printer.at++) {
    const symbol = json.charAt(printer.at);
    if (symbol <= ' ') continue;
    if (symbol === close) {
      if (place.isPretty) closeLines(printer, pairs, count, place.tabs);
      write(printer, close);
      printer.at++;
      return open !== '{';
    }
    if (open === '{' && symbol !== '"') continue;
    if (count > 0) {
      write(printer, ',');
      if (layout.width !== -1 && open === '[') write(printer, ' ');
    }
    if (place.isPretty) breakLine(printer);
    const start = printer.parts.length;
    if (place.isPretty) indent(printer, place.tabs + 1);
    const key = open === '{' ? printKey(printer, place.isPretty) : '';
    const fits = printValue(printer, { ...place, tabs: place.tabs + 1 });
    if (place.room !== undefined && (!fits || printer.length > place.room)) return false;
    if (place.isPretty && open === '{' && layout.sortKeys) pairs.push({ key, start, end: printer.parts.length });
    printer.at--; // the loop steps on
    count++;
  }
  return open !== '{';
}

function printKey(printer: Printer, isPretty: boolean): string {
  const start = printer.at;
  printer.at = stringEnd(printer.json, start) ?? printer.json.length;
  const key = printer.json.slice(start, printer.at);
  write(printer, key);
  write(printer, ':');
  if (isPretty) write(printer, ' ');
  return key;
}

function closeLines(printer: Printer, pairs: readonly Pair[], count: number, tabs: number): void {
  sortLines(printer, pairs);
  if (count === 0) return;
  breakLine(printer);
  indent(printer, tabs);
}

function indent(printer: Printer, tabs: number): void {
  write(printer, printer.layout.prefix);
  write(printer, printer.layout.indent.repeat(tabs));
}

/** Puts the members' lines in the order of their keys; of equal keys, in the order of kind and value. */
function sortLines(printer: Printer, pairs: readonly Pair[]): void {
  const [first] = pairs;
  if (first === undefined) return;
  const lines = pairs.map(({ key, start, end }) => {
    const parts = printer.parts.slice(start, end);
    return {
      key: sortText(key),
      value: trim(parts.join(''))
        .slice(key.length + 1)
        .trim(),
      parts,
    };
  });
  lines.sort((a, b) => compareBytewise(a.key, b.key) || compareValues(a.value, b.value));
  printer.parts.length = first.start;
  lines.forEach(({ parts }, index) => {
    if (index > 0) printer.parts.push(',', '\n');
    for (const part of parts) printer.parts.push(part);
  });
}

/** What a string token is sorted by: its text, or '' when an escape in it is wrong. */
function sortText(token: string): string {
  return token.includes('\\') && !isJson(token) ? '' : unescapeString(token.slice(1, -1));
}

/** null, false, numbers, strings, true, then objects and arrays. */
function compareValues(a: string, b: string): number {
  const rank = rankOf(a);
  if (rank !== rankOf(b)) return rank - rankOf(b);
  if (rank === 2) return parseFloatText(a) - parseFloatText(b);
  if (rank === 3) return compareBytewise(sortText(a), sortText(b));
  return compareBytewise(a, b);
}

function rankOf(value: string): number {
  const rank = 'nf0"t{'.indexOf(value.charAt(0) === '[' ? '{' : value.charAt(0));
  if (value === '') return 0;
  return rank === -1 ? 2 : rank;
}
