// How Sprig's functions read an argument of any type: as a text, as an integer, as a float, as a list
// (https://github.com/spf13/cast and Sprig's strval and strslice). What cannot be read is 0 or empty, never an error.
import { show } from '../format.ts';
import { maxInt64, minInt64, parseFloat64, parseInt64 } from '../numbers.ts';
import type { Bytes } from '../text.ts';
import { integerOf, kindName, List, Sized, Struct, type Value } from '../values.ts';
import { fault } from './define.ts';

/** The text of a value: a byte slice is its bytes, all else is what %v prints. */
export function strval(value: Value): Bytes {
  if (value instanceof List && value.element === 'uint8') {
    return value.items.map((item) => String.fromCharCode(Number(integerOf(item) ?? 0n))).join('');
  }
  return show(value);
}

/** The texts of a list's elements without the nil ones; of anything else its own text. */
export function strslice(value: Value): Bytes[] {
  if (value === null) return [];
  if (!(value instanceof List)) return [strval(value)];
  return value.items.filter((item) => item !== null).map(strval);
}

/** cast.ToInt64. */
export function toInt64(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Sized) return value.type === 'time.Duration' ? 0n : BigInt.asIntN(64, value.value);
  if (typeof value === 'number') return truncated(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value !== 'string') return 0n;
  const parsed = parseInt64(value.replace(/\.0+\.*$/, ''), 0);
  return 'value' in parsed ? parsed.value : 0n;
}

/** cast.ToFloat64. */
export function toFloat64(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return value instanceof Struct ? 0 : Number(toInt64(value));
  const isSpaced = /^[^_]*(?:[0-9a-fA-FxX]_[0-9a-fA-F][^_]*)*$/.test(value);
  const parsed = parseFloat64(isSpaced ? value.replaceAll('_', '') : value);
  return parsed === undefined || (!Number.isFinite(parsed) && /[0-9]/.test(value)) ? 0 : parsed;
}

/** int64(float) on amd64: what does not fit is the smallest integer. */
function truncated(value: number): bigint {
  if (!Number.isFinite(value)) return minInt64;
  const whole = BigInt(Math.trunc(value));
  return whole > maxInt64 || whole < minInt64 ? minInt64 : whole;
}

/** An int64 as Go keeps it: what overflows wraps around. */
export function int64(value: bigint): Sized {
  return new Sized('int64', BigInt.asIntN(64, value));
}

/** The list that a function of any type was given. Throws Sprig's text, which `refusal` words for the kind. */
export function listOf(value: Value, refusal: (kind: string) => string): List {
  if (value instanceof List) return value;
  if (value === null) throw fault('runtime error: invalid memory address or nil pointer dereference');
  throw fault(refusal(kindName(value)));
}

/** Sprig's empty: the zero value of its type, or nothing in it. */
export function isEmpty(value: Value): boolean {
  if (value === null) return true;
  if (value instanceof List) return value.items.length === 0;
  if (value instanceof Struct) return false;
  if (typeof value === 'number') return value === 0;
  if (typeof value === 'object' && 'entries' in value) return value.entries.size === 0;
  if (typeof value === 'object' && 're' in value) return value.re === 0 && value.im === 0;
  return value instanceof Sized ? value.value === 0n : !value;
}
