// Plain scalars of YAML as Go's yaml.v3 resolves them. Numbers stay text: integers plain decimals of any digits up to 64
// bits, others the shortest decimal that reads back alike (https://pkg.go.dev/strconv#FormatFloat with 'g').

export type Plain =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'string' }
  /** `.inf` and `.nan`: numbers that JSON cannot hold. */
  | { readonly kind: 'infinite' };

const words: Readonly<Record<string, Plain>> = Object.assign(Object.create(null), {
  '': { kind: 'null' },
  '~': { kind: 'null' },
  null: { kind: 'null' },
  Null: { kind: 'null' },
  NULL: { kind: 'null' },
  true: { kind: 'boolean', value: true },
  True: { kind: 'boolean', value: true },
  TRUE: { kind: 'boolean', value: true },
  false: { kind: 'boolean', value: false },
  False: { kind: 'boolean', value: false },
  FALSE: { kind: 'boolean', value: false },
});

const maxUnsigned = 2n ** 64n - 1n;
const minSigned = -(2n ** 63n);

export function resolvePlain(source: string): Plain {
  const word = words[source];
  if (word !== undefined) return word;
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(source)) return { kind: 'infinite' };
  if (!/^[-+.0-9]/.test(source)) return { kind: 'string' };
  const digits = source.replaceAll('_', '');
  const text = integerText(digits) ?? floatText(digits);
  return text === undefined ? { kind: 'string' } : { kind: 'number', text };
}

const integer = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;

function integerText(digits: string): string | undefined {
  const [, sign, hex, binary, octal, decimal] = integer.exec(digits) ?? [];
  if (sign === undefined) return undefined;
  const magnitude = BigInt(prefixed('0x', hex) ?? prefixed('0b', binary) ?? prefixed('0o', octal) ?? decimal ?? '0');
  const value = sign === '-' ? -magnitude : magnitude;
  return value > maxUnsigned || value < minSigned ? undefined : String(value);
}

function prefixed(prefix: string, digits: string | undefined): string | undefined {
  return digits === undefined ? undefined : prefix + digits;
}

function floatText(digits: string): string | undefined {
  if (!/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isFinite(value) ? numberText(value) : undefined;
}

/** A finite number as Go writes it: `1e+06` from a million on, two digits of exponent at least. */
export function numberText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
}
