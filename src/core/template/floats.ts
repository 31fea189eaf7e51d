// Floats as Go's strconv writes them: shortest digits, or a number of places rounded half to even on the exact value.

type Digits = { readonly digits: string /** Where the point stands: 0.digits × 10^point. */; readonly point: number };

/** strconv.FormatFloat(value, verb, precision, 64); precision -1 means the shortest that reads back. */
export function formatFloat(value: number, verb: string, precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const magnitude = Math.abs(value);
  if (verb === 'b') return sign + binary(magnitude);
  if (verb === 'x' || verb === 'X') return sign + hexadecimal(magnitude, precision, verb);
  const shortest = precision < 0;
  if (verb === 'f' || verb === 'F')
    return sign + plain(digitsFor(magnitude, 'places', precision), shortest ? -1 : precision);
  if (verb === 'e' || verb === 'E') {
    return sign + scientific(digitsFor(magnitude, 'digits', shortest ? -1 : precision + 1), precision, verb);
  }
  return sign + general(magnitude, precision, verb);
}

function general(value: number, precision: number, verb: string): string {
  const shortest = precision < 0;
  const wanted = precision === 0 ? 1 : precision;
  const found = digitsFor(value, 'digits', shortest ? -1 : wanted);
  const digits = found.digits.replace(/0+$/, '');
  const fits = wanted > digits.length && digits.length >= found.point;
  const threshold = shortest ? 6 : fits ? digits.length : wanted;
  const exponent = found.point - 1;
  if (value !== 0 && (exponent < -4 || exponent >= threshold)) {
    return scientific({ digits, point: found.point }, -1, verb === 'G' ? 'E' : 'e');
  }
  return plain({ digits, point: found.point }, -1);
}

/** Decimal digits: the shortest for -1, else that many digits in all, or that many places behind the point. */
function digitsFor(value: number, unit: 'digits' | 'places', count: number): Digits {
  if (value === 0) return { digits: '', point: 1 };
  const [shortDigits = '', exponent = '0'] = value.toExponential().replace('.', '').split('e');
  const point = Number(exponent) + 1;
  if (count < 0) return { digits: shortDigits, point };
  const places = unit === 'places' ? count : count - point;
  const rounded = roundedAt(value, places);
  const digits = rounded === 0n ? '' : rounded.toString();
  return {
    digits: unit === 'digits' ? digits.slice(0, count) : digits,
    point: rounded === 0n ? 1 : digits.length - places,
  };
}

/** value × 10^places, exactly, rounded half to even. */
function roundedAt(value: number, places: number): bigint {
  const { mantissa, exponent } = parts(value);
  let numerator = mantissa * (places > 0 ? 10n ** BigInt(places) : 1n);
  let denominator = places < 0 ? 10n ** BigInt(-places) : 1n;
  if (exponent > 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

/** The value as an integer times a power of two. */
function parts(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const fraction = bits & 0xfffffffffffffn;
  const biased = Number((bits >> 52n) & 0x7ffn);
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}

function plain({ digits, point }: Digits, places: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  const fraction = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  const shown = places < 0 ? fraction : fraction.slice(0, places).padEnd(places, '0');
  return shown === '' ? whole || '0' : `${whole || '0'}.${shown}`;
}

function scientific({ digits, point }: Digits, precision: number, verb: string): string {
  const fraction = precision < 0 ? digits.slice(1) : digits.slice(1, precision + 1).padEnd(precision, '0');
  const exponent = digits === '' ? 0 : point - 1;
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0] ?? '0'}${fraction === '' ? '' : `.${fraction}`}${verb}${exponent < 0 ? '-' : '+'}${size}`;
}

function binary(value: number): string {
  const { mantissa, exponent } = parts(value);
  return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

function hexadecimal(value: number, precision: number, verb: string): string {
  let { mantissa, exponent } = parts(value);
  const upper = verb === 'X';
  if (mantissa !== 0n) {
    while (mantissa < 0x10000000000000n) {
      mantissa <<= 1n;
      exponent -= 1;
    }
  }
  let power = mantissa === 0n ? 0 : exponent + 52;
  let places = 13;
  if (precision >= 0 && precision < 13) {
    const shift = BigInt(4 * (13 - precision));
    const half = 1n << (shift - 1n);
    const rest = mantissa & ((1n << shift) - 1n);
    mantissa >>= shift;
    if (rest > half || (rest === half && mantissa % 2n === 1n)) mantissa += 1n;
    places = precision;
    if (mantissa >> BigInt(4 * places) === 2n) {
      mantissa >>= 1n;
      power += 1;
    }
  }
  const hex = mantissa.toString(16).padStart(places + 1, '0');
  const lead = hex.slice(0, hex.length - places);
  const all = hex.slice(hex.length - places);
  const fraction = precision < 0 ? all.replace(/0+$/, '') : all.padEnd(precision, '0');
  const size = String(Math.abs(power)).padStart(2, '0');
  const text = `0x${lead}${fraction === '' ? '' : `.${fraction}`}p${power < 0 ? '-' : '+'}${size}`;
  return upper ? text.toUpperCase() : text;
}
