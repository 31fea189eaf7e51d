// What a plain YAML scalar means to go-yaml v2: YAML 1.1's words for truth, numbers with a base, the rest is text.
import { maxUint64, parseFloat64, parseInt64, parseUint64 } from '../numbers.ts';
import type { Bytes } from '../text.ts';

export type Scalar =
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'merge' | 'null' | 'text' | 'time' };

/** The meaning of a plain scalar. */
export function resolvePlain(text: Bytes): Scalar {
  if (/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return { type: 'bool', value: true };
  if (/^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return { type: 'bool', value: false };
  if (/^(?:~|null|Null|NULL)?$/.test(text)) return { type: 'null' };
  if (text === '<<') return { type: 'merge' };
  const special = /^([+-]?)\.(?:inf|Inf|INF)$/.exec(text);
  if (special !== null) return { type: 'float', value: special[1] === '-' ? -Infinity : Infinity };
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return { type: 'float', value: Number.NaN };
  if (text.startsWith('.')) return floatOr(text);
  return /^[-+0-9]/.test(text) ? numberOr(text) : { type: 'text' };
}

function floatOr(text: Bytes): Scalar {
  const value = parseFloat64(text);
  return value === undefined || !Number.isFinite(value) ? { type: 'text' } : { type: 'float', value };
}

function numberOr(text: Bytes): Scalar {
  if (isTime(text)) return { type: 'time' };
  const digits = text.replaceAll('_', '');
  const signed = parseInt64(digits, 0);
  if ('value' in signed) return { type: 'int', value: signed.value };
  const unsigned = parseUint64(digits, 0);
  if ('value' in unsigned && unsigned.value <= maxUint64) return { type: 'int', value: unsigned.value };
  const isFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(digits);
  return isFloat ? floatOr(digits) : { type: 'text' };
}

/** A date, or a date and a time. */
function isTime(text: Bytes): boolean {
  const match =
    /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$/.exec(
      text,
    );
  if (match === null) return false;
  const [, year, month, day, mark, hour, minute, second, zone] = match;
  if (mark !== undefined && (mark === ' ') !== (zone === undefined)) return false;
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const isDate = Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= daysInMonth;
  return isDate && Number(hour ?? 0) < 24 && Number(minute ?? 0) < 60 && Number(second ?? 0) < 60;
}
