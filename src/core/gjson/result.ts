// What a gjson path finds: a kind, the raw slice of JSON, and for strings and numbers their value. And the texts that such
// a result can be shown as.

export type GjsonKind = 'null' | 'false' | 'number' | 'string' | 'true' | 'json';

export interface GjsonResult {
  /** `json` is an object or an array. */
  readonly kind: GjsonKind;
  /** The JSON as written (a modifier's or multipath's output when the path has one). */
  readonly raw: string;
  /** The unescaped text of a string, else ''. */
  readonly string: string;
  /** The value of a number as a double, else 0. Big integers keep their digits in `raw`. */
  readonly number: number;
}

/**
 * gjson's `String()`: strings unescaped, integers as written, other numbers in shortest decimal form without an exponent
 * (`1.50` becomes `1.5`, `1e5` becomes `100000`), null as '', objects and arrays raw.
 */
export function text(result: GjsonResult): string {
  switch (result.kind) {
    case 'null':
      return '';
    case 'string':
      return result.string;
    case 'number':
      return /^-?\d*$/.test(result.raw) ? result.raw : formatFloat(result.number);
    case 'true':
    case 'false':
      return result.kind;
    case 'json':
      return result.raw;
  }
}

/**
 * The text that a `property` writes into a Secret: gjson's `String()`, as ESO's fake provider and most of its providers
 * have it. A provider that promises numbers as they are written takes `writtenText` instead.
 */
export function propertyText(result: GjsonResult): string {
  return text(result);
}

/** Strings unescaped, null as '', all else exactly as written: what `extract` does to the members of an object. */
export function writtenText(result: GjsonResult): string {
  if (result.kind === 'null') return '';
  return result.kind === 'string' ? result.string : result.raw;
}

export function isObject(result: GjsonResult | undefined): boolean {
  return result?.kind === 'json' && result.raw.startsWith('{');
}

export function isArray(result: GjsonResult | undefined): boolean {
  return result?.kind === 'json' && result.raw.startsWith('[');
}

/** Truth as gjson's `Bool()` has it: true, a number but 0, and the strings that Go's ParseBool takes for true. */
export function isTrue(result: GjsonResult): boolean {
  if (result.kind === 'string') return goBool(result.string) === true;
  return result.kind === 'true' || (result.kind === 'number' && result.number !== 0);
}

/** A string as Go's ParseBool reads it once in lower case, or undefined. */
export function goBool(value: string): boolean | undefined {
  const lower = value.toLowerCase();
  if (lower === '1' || lower === 't' || lower === 'true') return true;
  return lower === '0' || lower === 'f' || lower === 'false' ? false : undefined;
}

/** A number as Go's ParseFloat reads it, underscores between digits included, hexadecimal floats apart; 0 for what is none. */
export function parseFloatText(raw: string): number {
  const plainRaw = raw.replaceAll(/(?<=\d)_(?=\d)/g, '');
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plainRaw)) return Number(plainRaw);
  if (/^[+-]?inf(?:inity)?$/i.test(raw)) return raw.startsWith('-') ? -Infinity : Infinity;
  return /^nan$/i.test(raw) ? Number.NaN : 0;
}

/** The shortest decimal digits that read back as the same double, without an exponent, as Go's format `f` prints them. */
export function formatFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '', exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const pointAt = whole.length + Number(exponent);
  return sign + (pointAt > 0 ? digits.padEnd(pointAt, '0') : `0.${'0'.repeat(-pointAt)}${digits}`);
}
