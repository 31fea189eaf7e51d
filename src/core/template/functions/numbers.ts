// Sprig's maths: https://masterminds.github.io/sprig/math.html. Integers are int64 and wrap around; the …f functions
// count in decimals; text that is no number counts as 0.
import { sprint } from '../format.ts';
import type { Budget } from '../limits.ts';
import { maxInt64, parseInt64 } from '../numbers.ts';
import { List, type Value } from '../values.ts';
import { int64, toFloat64, toInt64 } from './convert.ts';
import { type Decimal, decimalOf, difference, floatOf, product, quotient, sum } from './decimal.ts';
import { type CallContext, define, fault, type TemplateFunction } from './define.ts';

type Operation = (left: Decimal, right: Decimal) => Decimal;

const divided: Operation = (left, right) => {
  const result = quotient(left, right);
  if (result === undefined) throw fault('decimal division by 0');
  return result;
};

export const numberFunctions: readonly TemplateFunction[] = [
  define('atoi', ['string'], 'the int that a text spells in decimal, or 0', ([text]) => {
    const parsed = parseInt64(text, 10);
    if ('value' in parsed) return parsed.value;
    if (parsed.fault === 'syntax') return 0n;
    return text.startsWith('-') ? -maxInt64 - 1n : maxInt64;
  }),
  define('int64', ['any'], 'an int64; a text may have a prefix (0x, 0)', ([value]) => int64(toInt64(value))),
  define('int', ['any'], 'an int; a text may have a prefix (0x, 0)', ([value]) => toInt64(value)),
  define('float64', ['any'], 'a float', ([value]) => toFloat64(value)),
  define('seq', ['...int'], 'a text of numbers: to; from and to; from, step and to', ([params], { budget }) =>
    sequence(params, budget),
  ),
  define('toDecimal', ['any'], 'reads an octal number', ([value]) => {
    const text = sprint([value]);
    const parsed = /^[+-]?[0-7]+$/.test(text) ? parseInt64(text.replace(/^([+-]?)/, '$10o'), 0) : undefined;
    return int64(parsed !== undefined && 'value' in parsed ? parsed.value : 0n);
  }),
  define('until', ['int'], 'the ints from 0 to below that', ([count], { budget }) =>
    intList(steps(0n, count, count < 0n ? -1n : 1n, budget)),
  ),
  define('untilStep', ['int', 'int', 'int'], 'the ints from a start to below a stop', ([from, to, step], { budget }) =>
    intList(steps(from, to, step, budget)),
  ),
  define('add1', ['any'], 'one more', ([value]) => int64(toInt64(value) + 1n)),
  define('add', ['...any'], 'the sum', ([values]) =>
    int64(values.reduce<bigint>((all, one) => all + toInt64(one), 0n)),
  ),
  define('sub', ['any', 'any'], 'the difference', ([left, right]) => int64(toInt64(left) - toInt64(right))),
  define('div', ['any', 'any'], 'the whole quotient', ([left, right]) => int64(toInt64(left) / divisor(right))),
  define('mod', ['any', 'any'], 'the remainder, with the sign of the first', ([left, right]) =>
    int64(toInt64(left) % divisor(right)),
  ),
  define('mul', ['any', '...any'], 'the product', ([first, rest]) =>
    int64(rest.reduce<bigint>((all, one) => BigInt.asIntN(64, all * toInt64(one)), toInt64(first))),
  ),
  define('add1f', ['any'], 'one more, in decimals', ([value], context) => inDecimals(sum, value, [1n], context)),
  define('addf', ['...any'], 'the sum, in decimals', ([values], context) => inDecimals(sum, 0, values, context)),
  define('subf', ['any', '...any'], 'the difference, in decimals', ([first, rest], context) =>
    inDecimals(difference, first, rest, context),
  ),
  define('divf', ['any', '...any'], 'the quotient, to 16 decimals', ([first, rest], context) =>
    inDecimals(divided, first, rest, context),
  ),
  define('mulf', ['any', '...any'], 'the product, in decimals', ([first, rest], context) =>
    inDecimals(product, first, rest, context),
  ),
  define('biggest', ['any', '...any'], 'max, an older name', ([first, rest]) => largest(first, rest)),
  define('max', ['any', '...any'], 'the largest integer', ([first, rest]) => largest(first, rest)),
  define('min', ['any', '...any'], 'the smallest integer', ([first, rest]) =>
    int64(extreme(first, rest, (one, other) => one < other)),
  ),
  define('maxf', ['any', '...any'], 'the largest float', ([first, rest]) =>
    Math.max(toFloat64(first), ...rest.map(toFloat64)),
  ),
  define('minf', ['any', '...any'], 'the smallest float', ([first, rest]) =>
    Math.min(toFloat64(first), ...rest.map(toFloat64)),
  ),
  define('floor', ['any'], 'the next whole number below', ([value]) => Math.floor(toFloat64(value))),
  define('ceil', ['any'], 'the next whole number above', ([value]) => Math.ceil(toFloat64(value))),
  define(
    'round',
    ['any', 'int', '...float64'],
    'rounded to places; the last says from which fraction on up',
    ([value, places, [roundOn = 0.5]]) => {
      const power = 10 ** Number(places);
      const digit = power * toFloat64(value);
      const fraction = digit - Math.trunc(digit);
      return (fraction >= roundOn ? Math.ceil(digit) : Math.floor(digit)) / power;
    },
  ),
];

function divisor(value: Value): bigint {
  const by = toInt64(value);
  if (by === 0n) throw fault('runtime error: integer divide by zero');
  return by;
}

function largest(first: Value, rest: readonly Value[]): Value {
  return int64(extreme(first, rest, (one, other) => one > other));
}

function extreme(first: Value, rest: readonly Value[], isBetter: (one: bigint, other: bigint) => boolean): bigint {
  let best = toInt64(first);
  for (const value of rest.map(toInt64)) {
    if (isBetter(value, best)) best = value;
  }
  return best;
}

function intList(items: readonly bigint[]): List {
  return new List(items, 'int');
}

function steps(from: bigint, to: bigint, step: bigint, budget: Budget): bigint[] {
  if (step === 0n || to < from !== step < 0n) return [];
  const span = to - from;
  const count = Number((span + (step > 0n ? step - 1n : step + 1n)) / step);
  budget.room(count);
  budget.step(count);
  return Array.from({ length: count }, (_, index) => from + BigInt(index) * step);
}

function sequence(params: readonly bigint[], budget: Budget): string {
  const [first, second, third] = params;
  if (first === undefined || params.length > 3) return '';
  const from = second === undefined ? 1n : first;
  const to = third ?? second ?? first;
  const direction = to < from ? -1n : 1n;
  const step = third === undefined ? direction : (second ?? direction);
  if (third !== undefined && direction < 0n && step > 0n) return '';
  return steps(from, to + direction, step, budget).join(' ');
}

/** Sprig turns each argument into a float first, then into a decimal. */
function inDecimals(operation: Operation, first: Value, rest: readonly Value[], { budget }: CallContext): number {
  let result = finite(first);
  for (const value of rest) {
    budget.step(1 + Math.abs(result.exponent) / 100);
    result = operation(result, finite(value));
    budget.step(result.digits.toString(16).length / 16);
  }
  return floatOf(result);
}

function finite(value: Value): Decimal {
  const float = toFloat64(value);
  if (Number.isFinite(float)) return decimalOf(float);
  throw fault(`Cannot create a Decimal from ${sprint([float])}`);
}
