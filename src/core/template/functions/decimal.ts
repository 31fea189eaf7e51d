// Decimal arithmetic of Sprig's …f functions (https://github.com/shopspring/decimal): floats by their shortest digits,
// exact sums and products, quotients rounded to 16 places.

/** digits × 10^exponent. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** The decimal that a finite float prints as. */
export function decimalOf(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

function aligned(left: Decimal, right: Decimal): { readonly a: bigint; readonly b: bigint; readonly exponent: number } {
  const exponent = Math.min(left.exponent, right.exponent);
  const at = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return { a: at(left), b: at(right), exponent };
}

export function sum(left: Decimal, right: Decimal): Decimal {
  const { a, b, exponent } = aligned(left, right);
  return { digits: a + b, exponent };
}

export function difference(left: Decimal, right: Decimal): Decimal {
  const { a, b, exponent } = aligned(left, right);
  return { digits: a - b, exponent };
}

export function product(left: Decimal, right: Decimal): Decimal {
  return { digits: left.digits * right.digits, exponent: left.exponent + right.exponent };
}

const places = 16;

/** The quotient to 16 places, half away from zero; undefined for a division by zero. */
export function quotient(left: Decimal, right: Decimal): Decimal | undefined {
  if (right.digits === 0n) return undefined;
  const { a, b } = aligned(left, right);
  const isNegative = a < 0n !== b < 0n;
  const numerator = (a < 0n ? -a : a) * 10n ** BigInt(places);
  const denominator = b < 0n ? -b : b;
  const cut = numerator / denominator;
  const rounded = 2n * (numerator % denominator) >= denominator ? cut + 1n : cut;
  return { digits: isNegative ? -rounded : rounded, exponent: -places };
}

/** The nearest float. */
export function floatOf({ digits, exponent }: Decimal): number {
  return digits === 0n ? 0 : Number(`${digits}e${exponent}`);
}
