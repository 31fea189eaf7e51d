// Durations as Go writes them ("1h30m", "1.5s", "-2us"): every interval in an External Secrets manifest is one. Parsing and
// printing follow time.ParseDuration and Duration.String (https://pkg.go.dev/time#ParseDuration) to the nanosecond.
import { OperatorError } from '../base/operator-error.ts';

const nsPerUnit: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n], // U+00B5, the micro sign
  ['μs', 1_000n], // U+03BC, the Greek letter
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const nsPerMs = 1_000_000n;
/** Magnitude that an int64 of nanoseconds cannot pass (only a negative duration may reach it): some 292 years. */
const magnitudeLimit = 2n ** 63n;

/** Nearly every interval is one whole number of these, and each is read several times in a run. */
const plain = /^(\d{1,6})(ms|s|m|h)$/;
const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The duration in ms; fractions of a ms survive as far as a double holds them. Throws InvalidSpec naming the value. */
export function parseGoDuration(text: string): number {
  const [, digits, unit = ''] = plain.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * (msPerUnit[unit] ?? 0);
  const ns = parseGoDurationNs(text);
  return Number(ns / nsPerMs) + Number(ns % nsPerMs) / Number(nsPerMs);
}

/** The exact duration in ns. Throws InvalidSpec naming the value. */
export function parseGoDurationNs(text: string): bigint {
  const negative = text.startsWith('-');
  const unsigned = negative || text.startsWith('+') ? text.slice(1) : text;
  if (unsigned === '0') return 0n;
  if (unsigned === '') throw invalidDuration(text, 'it has no digits');

  let total = 0n;
  for (let rest = unsigned; rest !== ''; ) {
    // The unit is whatever stands before the next digit or dot, so that a wrong one can be named in full.
    const term = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest);
    const [whole = '', fraction = '', unit = ''] = term?.slice(1) ?? [];
    if (whole === '' && fraction === '') throw invalidDuration(text, 'a number is expected');
    if (unit === '') throw invalidDuration(text, 'the unit is missing');
    const unitNs = nsPerUnit.get(unit);
    if (unitNs === undefined) throw invalidDuration(text, `unknown unit ${JSON.stringify(unit)}`);
    total += BigInt(whole === '' ? 0 : whole) * unitNs + fractionNs(fraction, unitNs);
    if (total > magnitudeLimit) throw invalidDuration(text, 'it is too long');
    rest = rest.slice(term?.[0].length);
  }
  if (!negative && total === magnitudeLimit) throw invalidDuration(text, 'it is too long');
  return negative ? -total : total;
}

/** Go computes the fraction in a double, after at most 63 bits of digits; the same steps give the same nanosecond. */
function fractionNs(digits: string, unitNs: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (value > (magnitudeLimit - 1n) / 10n || next > magnitudeLimit) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unitNs) / scale)));
}

function invalidDuration(text: string, why: string): OperatorError {
  const units = 'use numbers with the units ns, us, ms, s, m or h, such as "1h30m"';
  return new OperatorError('InvalidSpec', `invalid duration ${JSON.stringify(text.slice(0, 100))}: ${why}; ${units}`);
}

/** The duration as Go prints it: `1h0m0s`, `1.5s`, `250ms`, `0s`. */
export function formatGoDuration(ns: bigint): string {
  if (ns === 0n) return '0s';
  if (ns < 0n) return `-${formatGoDuration(-ns)}`;
  if (ns < 1_000n) return `${ns}ns`;
  if (ns < nsPerMs) return `${decimal(ns, 3)}µs`;
  if (ns < 1_000_000_000n) return `${decimal(ns, 6)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = `${decimal(ns % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** A duration in ms as Go prints it; parts below a nanosecond are dropped. */
export function formatGoDurationMs(ms: number): string {
  const wholeMs = Math.trunc(ms);
  return formatGoDuration(BigInt(wholeMs) * nsPerMs + BigInt(Math.round((ms - wholeMs) * Number(nsPerMs))));
}

/** `value / 10^places` without trailing zeros. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -places) : `${digits.slice(0, -places)}.${fraction}`;
}
