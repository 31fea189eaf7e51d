// Go's fmt: Sprint, Sprintln and Sprintf over template values, with its verbs, flags and error forms (%!d(string=x)).
// The rules are those of https://pkg.go.dev/fmt; widths are bounded by the budget of the render.
import { formatFloat } from './floats.ts';
import type { Budget } from './limits.ts';
import { canBackquote, quote, quoteRune } from './quote.ts';
import { type Bytes, encodeRune, runeAt, runeCount, unicodePoint } from './text.ts';
import { Complex, Dict, List, Sized, Struct, typeName, type Value } from './values.ts';

interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  plusV: boolean;
  sharpV: boolean;
  width: number | undefined;
  precision: number | undefined;
}

const noFlags: Readonly<Flags> = {
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  plusV: false,
  sharpV: false,
  width: undefined,
  precision: undefined,
};

/** fmt.Sprint: spaces between operands when neither is a string. */
export function sprint(args: readonly Value[]): Bytes {
  let text = '';
  args.forEach((arg, index) => {
    const previous = args[index - 1];
    if (index > 0 && typeof arg !== 'string' && typeof previous !== 'string') text += ' ';
    text += show(arg);
  });
  return text;
}

/** fmt.Sprintln: spaces between all, and a newline. */
export function sprintln(args: readonly Value[]): Bytes {
  return `${args.map(show).join(' ')}\n`;
}

/** A value as %v prints it. */
export function show(value: Value): Bytes {
  return typeof value === 'string' ? value : formatValue(value, 'v', noFlags);
}

/** A value as %s prints it. */
export function showAsText(value: Value): Bytes {
  return typeof value === 'string' ? value : formatValue(value, 's', noFlags);
}

/** fmt.Sprintf. */
export function sprintf(format: Bytes, args: readonly Value[], budget: Budget): Bytes {
  return new Printer(format, args, budget).run();
}

class Printer {
  readonly #format: Bytes;
  readonly #args: readonly Value[];
  readonly #budget: Budget;
  #at = 0;
  #arg = 0;
  #reordered = false;
  #goodIndex = true;
  #afterIndex = false;

  constructor(format: Bytes, args: readonly Value[], budget: Budget) {
    this.#format = format;
    this.#args = args;
    this.#budget = budget;
  }

  run(): Bytes {
    let text = '';
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at);
      if (percent < 0) {
        text += this.#format.slice(this.#at);
        break;
      }
      text += this.#format.slice(this.#at, percent);
      this.#at = percent + 1;
      text += this.#directive();
      this.#budget.room(text.length);
    }
    return text + this.#extra();
  }

  #extra(): Bytes {
    if (this.#reordered || this.#arg >= this.#args.length) return '';
    const rest = this.#args.slice(this.#arg).map((arg) => (arg === null ? '<nil>' : `${typeName(arg)}=${show(arg)}`));
    return `%!(EXTRA ${rest.join(', ')})`;
  }

  #directive(): Bytes {
    const flags: Flags = { ...noFlags };
    this.#goodIndex = true;
    this.#afterIndex = false;
    this.#readFlags(flags);
    this.#argNumber();
    const fault = this.#readWidth(flags) + this.#readPrecision(flags);
    if (!this.#afterIndex) this.#argNumber();
    if (this.#at >= this.#format.length) return `${fault}%!(NOVERB)`;
    const { size, code } = runeAt(this.#format, this.#at);
    const verb = this.#format.slice(this.#at, this.#at + size);
    this.#at += size;
    return fault + this.#verb(size === 1 && code === 0xfffd ? encodeRune(code) : verb, flags);
  }

  #verb(verb: Bytes, flags: Flags): Bytes {
    if (verb === '%') return '%';
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    if (this.#arg >= this.#args.length) return `%!${verb}(MISSING)`;
    const arg = this.#args[this.#arg++] ?? null;
    if (verb === 'v') {
      flags.sharpV = flags.sharp;
      flags.sharp = false;
      flags.plusV = flags.plus;
      flags.plus = false;
    }
    this.#budget.room((flags.width ?? 0) + (flags.precision ?? 0));
    return formatValue(arg, verb, flags);
  }

  #readFlags(flags: Flags): void {
    for (; ; this.#at++) {
      const flag = this.#format[this.#at];
      if (flag === '#') flags.sharp = true;
      else if (flag === '0') flags.zero = true;
      else if (flag === '+') flags.plus = true;
      else if (flag === '-') flags.minus = true;
      else if (flag === ' ') flags.space = true;
      else return;
    }
  }

  #readWidth(flags: Flags): Bytes {
    if (this.#format[this.#at] === '*') {
      this.#at += 1;
      const width = this.#intArg();
      this.#afterIndex = false;
      if (width === undefined) return '%!(BADWIDTH)';
      flags.width = Math.abs(width);
      if (width < 0) {
        flags.minus = true;
        flags.zero = false;
      }
      return '';
    }
    flags.width = this.#number();
    if (this.#afterIndex && flags.width !== undefined) this.#goodIndex = false;
    return '';
  }

  #readPrecision(flags: Flags): Bytes {
    if (this.#format[this.#at] !== '.') return '';
    this.#at += 1;
    if (this.#afterIndex) this.#goodIndex = false;
    this.#argNumber();
    if (this.#format[this.#at] !== '*') {
      flags.precision = this.#number() ?? 0;
      return '';
    }
    this.#at += 1;
    const precision = this.#intArg();
    this.#afterIndex = false;
    if (precision === undefined) return '%!(BADPREC)';
    flags.precision = precision < 0 ? undefined : precision;
    return precision < 0 ? '%!(BADPREC)' : '';
  }

  /** Digits of a width or precision; after a number beyond 10^6 a digit more makes Go give up on the format. */
  #number(): number | undefined {
    const start = this.#at;
    while (/[0-9]/.test(this.#format.charAt(this.#at))) this.#at += 1;
    if (this.#at === start) return undefined;
    const digits = this.#format.slice(start, this.#at);
    if (Number(digits.slice(0, -1)) <= 1_000_000) return Number(digits);
    this.#at = this.#format.length;
    return undefined;
  }

  #intArg(): number | undefined {
    if (this.#arg >= this.#args.length) return undefined;
    const arg = this.#args[this.#arg++];
    const value = typeof arg === 'bigint' ? arg : arg instanceof Sized ? arg.value : undefined;
    return value === undefined || value > 1_000_000n || value < -1_000_000n ? undefined : Number(value);
  }

  /** `[3]`: the argument that comes next. */
  #argNumber(): void {
    if (this.#format[this.#at] !== '[') return;
    this.#reordered = true;
    const close = this.#format.indexOf(']', this.#at);
    if (close < 0) {
      this.#goodIndex = false;
      this.#at += 1;
      return;
    }
    const index = this.#format.slice(this.#at + 1, close);
    this.#at = close + 1;
    if (/^[0-9]{1,7}$/.test(index) && Number(index) >= 1 && Number(index) <= this.#args.length) {
      this.#arg = Number(index) - 1;
      this.#afterIndex = true;
    } else this.#goodIndex = false;
  }
}

function formatValue(value: Value, verb: Bytes, flags: Readonly<Flags>, depth = 0): Bytes {
  if (value === null) {
    if (depth > 0) return flags.sharpV ? 'interface {}(nil)' : '<nil>';
    return verb === 'T' || verb === 'v' ? pad('<nil>', flags) : badVerb(value, verb, flags);
  }
  if (verb === 'T') return pad(typeName(value), flags);
  if (typeof value === 'string') return formatString(value, verb, flags);
  if (typeof value === 'bigint') return formatInteger(value, verb, flags, value);
  if (typeof value === 'number') return formatNumber(value, verb, flags);
  if (typeof value === 'boolean')
    return verb === 't' || verb === 'v' ? pad(String(value), flags) : badVerb(value, verb, flags);
  if (value instanceof Complex) return formatComplex(value, verb, flags);
  if (value instanceof List) return formatList(value, verb, flags, depth);
  if (value instanceof Dict) return formatDict(value, verb, flags, depth);
  if (value.text !== undefined && !flags.sharpV && /^[vsxXq]$/.test(verb)) return formatString(value.text, verb, flags);
  if (value instanceof Sized) return formatInteger(value.value, verb, flags, value);
  return formatStruct(value, verb, flags, depth);
}

function badVerb(value: Value, verb: Bytes, flags: Readonly<Flags>): Bytes {
  if (value === null) return `%!${verb}(<nil>)`;
  const bare = value instanceof Sized || value instanceof Struct ? value : undefined;
  const shown = bare instanceof Sized ? formatInteger(bare.value, 'v', flags, bare) : formatValue(value, 'v', flags);
  return `%!${verb}(${typeName(value)}=${shown})`;
}

function pad(text: Bytes, { width, minus, zero }: Readonly<Flags>): Bytes {
  const missing = (width ?? 0) - runeCount(text);
  if (missing <= 0) return text;
  if (minus) return text + ' '.repeat(missing);
  return (zero ? '0' : ' ').repeat(missing) + text;
}

function formatString(text: Bytes, verb: Bytes, flags: Readonly<Flags>): Bytes {
  const cut = flags.precision === undefined ? text : firstRunes(text, flags.precision);
  if (verb === 'v') return flags.sharpV ? quotedText(text, { ...flags, precision: undefined }) : pad(cut, flags);
  if (verb === 's') return pad(cut, flags);
  if (verb === 'q') return quotedText(cut, flags);
  if (verb === 'x' || verb === 'X') return hexText(text, verb, flags);
  return badVerb(text, verb, flags);
}

function quotedText(text: Bytes, flags: Readonly<Flags>): Bytes {
  if (flags.sharp && canBackquote(text)) return pad(`\`${text}\``, flags);
  return pad(quote(text, flags.plus), flags);
}

function firstRunes(text: Bytes, count: number): Bytes {
  let end = 0;
  for (let left = count; left > 0 && end < text.length; left--) end += runeAt(text, end).size;
  return text.slice(0, end);
}

function hexText(text: Bytes, verb: Bytes, flags: Readonly<Flags>): Bytes {
  const bytes = flags.precision === undefined ? text : text.slice(0, flags.precision);
  const digits = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0'));
  const cased = digits.map((pair) => (verb === 'X' ? pair.toUpperCase() : pair));
  const prefix = flags.sharp ? `0${verb}` : '';
  if (flags.space) return pad(cased.map((pair) => prefix + pair).join(' '), flags);
  return pad(cased.length === 0 ? '' : prefix + cased.join(''), flags);
}

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function formatInteger(value: bigint, verb: Bytes, flags: Readonly<Flags>, original: Value): Bytes {
  if (verb === 'c') return pad(encodeRune(runeFrom(value)), flags);
  if (verb === 'q') return pad(quoteRune(runeFrom(value), flags.plus), flags);
  if (verb === 'U') return pad(unicodePoint(Number(value), flags.sharp), { ...flags, zero: false });
  const base = Object.hasOwn(bases, verb) ? bases[verb] : undefined;
  if (base === undefined) return badVerb(original, verb, flags);
  const unsigned = original instanceof Sized && original.type.startsWith('u');
  if (verb === 'v' && flags.sharpV && unsigned) return digitsOf(value, 16, 'x', { ...flags, sharp: true });
  return digitsOf(value, base, verb, flags);
}

function runeFrom(value: bigint): number {
  return value < 0n || value > 0x10ffffn ? 0xfffd : Number(value);
}

function digitsOf(value: bigint, base: number, verb: Bytes, flags: Readonly<Flags>): Bytes {
  const negative = value < 0n;
  const sign = negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  let minimum = flags.precision ?? 0;
  if (flags.precision === 0 && value === 0n) return pad('', { ...flags, zero: false });
  if (flags.precision === undefined && flags.zero && !flags.minus && flags.width !== undefined) {
    minimum = flags.width - (sign === '' ? 0 : 1);
  }
  let digits = (negative ? -value : value).toString(base);
  if (verb === 'X') digits = digits.toUpperCase();
  digits = digits.padStart(minimum, '0');
  if (flags.sharp) {
    if (base === 2) digits = `0b${digits}`;
    else if (base === 8 && !digits.startsWith('0')) digits = `0${digits}`;
    else if (base === 16) digits = `0${verb === 'X' ? 'X' : 'x'}${digits}`;
  }
  if (verb === 'O') digits = `0o${digits}`;
  return pad(sign + digits, { ...flags, zero: false });
}

function formatNumber(value: number, verb: Bytes, flags: Readonly<Flags>): Bytes {
  if (verb === 'v') return floatText(value, 'g', flags.precision ?? -1, flags);
  if (/^[gGbxX]$/.test(verb)) return floatText(value, verb, flags.precision ?? -1, flags);
  if (/^[feEF]$/.test(verb)) return floatText(value, verb === 'F' ? 'f' : verb, flags.precision ?? 6, flags);
  return badVerb(value, verb, flags);
}

function floatText(value: number, verb: string, precision: number, flags: Readonly<Flags>): Bytes {
  const text = formatFloat(value, verb, precision);
  const negative = text.startsWith('-');
  const magnitude = withSharp(text.replace(/^[+-]/, ''), verb, precision, flags);
  const isWord = /[IN]/.test(magnitude);
  const sign = negative ? '-' : flags.plus || (/Inf/.test(magnitude) && flags.plus) ? '+' : flags.space ? ' ' : '';
  const shownSign = sign === '' && text.startsWith('+') ? '+' : sign;
  if (isWord) return pad(shownSign + magnitude, { ...flags, zero: false });
  if (flags.zero && !flags.minus && flags.width !== undefined && flags.width > magnitude.length + shownSign.length) {
    return shownSign + magnitude.padStart(flags.width - shownSign.length, '0');
  }
  return pad(shownSign + magnitude, flags);
}

/** `#`: always a point, and for %g and %x the trailing zeros; of %x, `x` counts as a digit. */
function withSharp(text: string, verb: string, precision: number, flags: Readonly<Flags>): string {
  if (!flags.sharp || verb === 'b' || /[IN]/.test(text)) return text;
  const [, mantissa = text, tail = ''] = /^(.*?)([ep][+-].*)?$/i.exec(text) ?? [];
  const dotted = mantissa.includes('.') ? mantissa : `${mantissa}.`;
  if (!/^[gGx]$/.test(verb)) return dotted + tail;
  const wanted = precision < 0 ? 6 : precision;
  const counted = mantissa === '0' ? 1 : dotted.replace('.', '').replace(/^0+/, '').length;
  return dotted + '0'.repeat(Math.max(0, wanted - Math.max(counted, 0))) + tail;
}

function formatComplex(value: Complex, verb: Bytes, flags: Readonly<Flags>): Bytes {
  if (!/^[vbgGxXfFeE]$/.test(verb)) return badVerb(value, verb, flags);
  const im = formatNumber(value.im, verb, { ...flags, plus: true });
  return `(${formatNumber(value.re, verb, flags)}${im}i)`;
}

function formatList(list: List, verb: Bytes, flags: Readonly<Flags>, depth: number): Bytes {
  if (list.element === 'uint8' && /^[sqxX]$/.test(verb)) return formatString(byteText(list), verb, flags);
  const items = list.items.map((item) => formatValue(item, verb, flags, depth + 1));
  if (flags.sharpV && list.isNil) return `${typeName(list)}(nil)`;
  return flags.sharpV ? `${typeName(list)}{${items.join(', ')}}` : `[${items.join(' ')}]`;
}

function byteText(list: List): Bytes {
  return list.items.map((item) => String.fromCharCode(item instanceof Sized ? Number(item.value) : 0)).join('');
}

function formatDict(dict: Dict, verb: Bytes, flags: Readonly<Flags>, depth: number): Bytes {
  const entries = dict.sortedKeys().map((key) => {
    const value = dict.entries.get(key) ?? null;
    return `${formatValue(key, verb, flags, depth + 1)}:${formatValue(value, verb, flags, depth + 1)}`;
  });
  if (flags.sharpV && dict.isNil) return `${typeName(dict)}(nil)`;
  return flags.sharpV ? `${typeName(dict)}{${entries.join(', ')}}` : `map[${entries.join(' ')}]`;
}

function formatStruct(struct: Struct, verb: Bytes, flags: Readonly<Flags>, depth: number): Bytes {
  const fields = [...struct.fields].map(([name, value]) => {
    const shown = formatValue(value, verb, flags, depth + 1);
    return flags.plusV || flags.sharpV ? `${name}:${shown}` : shown;
  });
  return flags.sharpV ? `${struct.type}{${fields.join(', ')}}` : `{${fields.join(' ')}}`;
}
