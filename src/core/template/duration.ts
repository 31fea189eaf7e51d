// Go's time.Duration: nanoseconds in an int64, written like 1h2m3.5s.
import { hidden } from './errors.ts';
import { fault } from './functions/define.ts';
import { type Bytes, bytesOf } from './text.ts';
import { Sized } from './values.ts';

export const second = 1_000_000_000n;
export const minute = 60n * second;
export const hour = 60n * minute;

const units: ReadonlyMap<Bytes, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  [bytesOf('µs'), 1000n],
  [bytesOf('μs'), 1000n],
  ['ms', 1_000_000n],
  ['s', second],
  ['m', minute],
  ['h', hour],
]);

/** A duration as a template's value. */
export function durationValue(nanoseconds: bigint): Sized {
  return new Sized('time.Duration', nanoseconds, formatDuration(nanoseconds));
}

/** Duration.String. */
export function formatDuration(nanoseconds: bigint): Bytes {
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size === 0n) return '0s';
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1000n)}${bytesOf('µs')}`;
  if (size < second) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const seconds = `${decimal(size % minute, second)}s`;
  if (size < minute) return sign + seconds;
  const minutes = `${(size / minute) % 60n}m${seconds}`;
  return size < hour ? sign + minutes : `${sign}${size / hour}h${minutes}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}

/** time.ParseDuration; throws FunctionFault with Go's text. */
export function parseDuration(text: Bytes): bigint {
  const invalid = (what = 'invalid duration') => fault(`time: ${what} ${hidden(quoteTime(text))}`);
  const isNegative = text.startsWith('-');
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') throw invalid();
  const limit = 1n << 63n;
  let total = 0n;
  while (rest !== '') {
    const [number, whole = '', fraction = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? [''];
    if (whole === '' && fraction === '') throw invalid();
    if (BigInt(whole || '0') > limit) throw invalid();
    rest = rest.slice(number.length);
    const [name] = /^[^.\d]*/.exec(rest) ?? [''];
    if (name === '') throw invalid('missing unit in duration');
    const unit = units.get(name);
    if (unit === undefined) throw invalid(`unknown unit ${hidden(quoteTime(name))} in duration`);
    rest = rest.slice(name.length);
    total += BigInt(whole || '0') * unit + fractionOf(fraction, unit);
    if (total > limit) throw invalid();
  }
  if (isNegative) return -total;
  if (total >= limit) throw invalid();
  return total;
}

/** Digits after the point, in floating point as Go does it. */
function fractionOf(digits: string, unit: bigint): bigint {
  const used = digits.slice(0, 18);
  return BigInt(Math.trunc(Number(used || '0') * (Number(unit) / 10 ** used.length)));
}

/** Duration.Round: halves away from zero. */
export function roundDuration(nanoseconds: bigint, unit: bigint): bigint {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const rounded = ((size + unit / 2n) / unit) * unit;
  return nanoseconds < 0n ? -rounded : rounded;
}

/** Int64's wrapping, as Go multiplies. */
export function wrapped(nanoseconds: bigint): bigint {
  return BigInt.asIntN(64, nanoseconds);
}

/** How the time package quotes in its errors: escapes only what is no printable ASCII. */
export function quoteTime(text: Bytes): Bytes {
  const escaped = text.replace(/["\\]|[^ -~]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}
