// Numbers as Go's strconv reads them: integers with a base prefix and `_`, floats, and the constants of a template, which
// keep every type that can hold them until they meet a parameter.
import { quote, unquoteChar } from './quote.ts';
import type { Bytes } from './text.ts';

export const maxInt64 = 2n ** 63n - 1n;
export const minInt64 = -(2n ** 63n);
export const maxUint64 = 2n ** 64n - 1n;

export type ParsedInt = { readonly value: bigint } | { readonly fault: 'syntax' | 'range' };

/** strconv.ParseInt; base 0 reads the prefix. */
export function parseInt64(text: string, base: number): ParsedInt {
  const sign = text[0] === '-' || text[0] === '+' ? text[0] : '';
  const magnitude = parseMagnitude(text.slice(sign.length), base);
  if (magnitude === undefined) return { fault: 'syntax' };
  const value = sign === '-' ? -magnitude : magnitude;
  return value > maxInt64 || value < minInt64 ? { fault: 'range' } : { value };
}

/** strconv.ParseUint. */
export function parseUint64(text: string, base: number): ParsedInt {
  const magnitude = parseMagnitude(text, base);
  if (magnitude === undefined) return { fault: 'syntax' };
  return magnitude > maxUint64 ? { fault: 'range' } : { value: magnitude };
}

const prefixes: readonly (readonly [RegExp, number, RegExp])[] = [
  [/^0[xX]/, 16, /^(?:_?[0-9a-fA-F])+$/],
  [/^0[oO]/, 8, /^(?:_?[0-7])+$/],
  [/^0[bB]/, 2, /^(?:_?[01])+$/],
];

function parseMagnitude(text: string, base: number): bigint | undefined {
  if (base === 10) return /^[0-9]+$/.test(text) ? bounded(text) : undefined;
  if (base !== 0) return undefined;
  for (const [prefix, radix, digits] of prefixes) {
    if (prefix.test(text)) {
      const rest = text.slice(2);
      return digits.test(rest) ? inBase(rest.replaceAll('_', ''), radix) : undefined;
    }
  }
  if (/^0(?:_?[0-9])+$/.test(text)) {
    const rest = text.slice(1).replaceAll('_', '');
    return /^[0-7]+$/.test(rest) ? inBase(rest, 8) : undefined;
  }
  return /^[0-9](?:_?[0-9])*$/.test(text) ? bounded(text.replaceAll('_', '')) : undefined;
}

/** A number beyond every type stays beyond: the digits of a bomb are not worked through. */
function bounded(digits: string): bigint {
  const trimmed = digits.replace(/^0+(?=.)/, '');
  return trimmed.length > 24 ? 2n ** 80n : BigInt(trimmed);
}

function inBase(digits: string, radix: number): bigint {
  const trimmed = digits.replace(/^0+(?=.)/, '');
  if (trimmed.length > 80) return 2n ** 80n;
  const lead = radix === 16 ? '0x' : radix === 8 ? '0o' : '0b';
  return BigInt(lead + trimmed);
}

/** strconv.ParseFloat to 64 bits, or undefined when the text is no float. An overflow is infinite. */
export function parseFloat64(text: string): number | undefined {
  if (/^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text)) return Number(text);
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (word !== null) {
    if (word[2]?.toLowerCase() === 'nan') return word[1] === '' ? Number.NaN : undefined;
    return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]{1,6})$/.exec(text);
  if (hex === null || `${hex[2]}${hex[3]}` === '') return undefined;
  const fraction = hex[3] ?? '';
  const mantissa = Number(BigInt(`0x${hex[2]}${fraction}`));
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * fraction.length);
  return hex[1] === '-' ? -value : value;
}

/** A numeric constant in a template, in every type that can hold it. */
export interface Constant {
  readonly text: Bytes;
  readonly int: bigint | undefined;
  readonly uint: bigint | undefined;
  readonly float: number | undefined;
  readonly complex: { readonly re: number; readonly im: number } | undefined;
}

/** A constant that Go refuses; the message is Go's. */
export class ConstantFault extends Error {}

/** Reads a constant as Go's parser does. */
export function readConstant(text: Bytes, kind: 'charConstant' | 'complex' | 'number'): Constant {
  if (kind === 'charConstant') return readChar(text);
  if (kind === 'complex') return readComplex(text);
  if (text.endsWith('i')) {
    const im = parseFloat64(withoutUnderscores(text.slice(0, -1)));
    if (im !== undefined) return ofComplex(text, 0, im);
  }
  return readReal(text);
}

function readChar(text: Bytes): Constant {
  const char = unquoteChar(text.slice(1), 0, "'");
  if (char === undefined) throw new ConstantFault('invalid syntax');
  if (text.slice(1 + char.end) !== "'") throw new ConstantFault(`malformed character constant: ${text}`);
  const code = BigInt(char.code);
  return { text, int: code, uint: code, float: char.code, complex: undefined };
}

function readComplex(text: Bytes): Constant {
  const split = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  const boundary = /[eEpP]/.test(text[split - 1] ?? '')
    ? Math.max(text.lastIndexOf('+', split - 1), text.lastIndexOf('-', split - 1))
    : split;
  const re = parseFloat64(withoutUnderscores(text.slice(0, boundary)));
  const im = parseFloat64(withoutUnderscores(text.slice(boundary, -1)));
  if (re === undefined || im === undefined) throw new ConstantFault('syntax error scanning complex number');
  return ofComplex(text, re, im);
}

function ofComplex(text: Bytes, re: number, im: number): Constant {
  const float = im === 0 ? re : undefined;
  return { text, int: exactInt(float), uint: exactUint(float), float, complex: { re, im } };
}

function readReal(text: Bytes): Constant {
  const parsedUint = parseUint64(text, 0);
  const parsedInt = parseInt64(text, 0);
  const int = 'value' in parsedInt ? parsedInt.value : undefined;
  const uint = 'value' in parsedUint ? parsedUint.value : int === 0n ? 0n : undefined;
  const whole = int ?? uint;
  if (whole !== undefined) return { text, int, uint, float: Number(whole), complex: undefined };
  const float = parseFloat64(withoutUnderscores(text));
  if (float === undefined || !Number.isFinite(float)) throw new ConstantFault(`illegal number syntax: ${quote(text)}`);
  if (!/[.eEpP]/.test(text)) throw new ConstantFault(`integer overflow: ${quote(text)}`);
  return { text, int: exactInt(float), uint: exactUint(float), float, complex: undefined };
}

/** Go allows `_` between digits where a base prefix is read; a misplaced one stays and fails. */
function withoutUnderscores(text: string): string {
  return /^[+-]?0[xX]/.test(text) && !/__|_$|_[.pP]/.test(text) ? text.replaceAll('_', '') : text;
}

function exactInt(float: number | undefined): bigint | undefined {
  return float !== undefined && Number.isInteger(float) && Math.abs(float) < 2 ** 63 ? BigInt(float) : undefined;
}

function exactUint(float: number | undefined): bigint | undefined {
  return float !== undefined && Number.isInteger(float) && float >= 0 && float < 2 ** 64 ? BigInt(float) : undefined;
}
