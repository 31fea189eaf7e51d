// JSON as Go's encoding/json decodes it into `any` and writes it again: numbers are doubles, objects are sorted by key and
// written without blanks. For merges; what only passes through stays text (json-text.ts).

import { OperatorError } from '../base/operator-error.ts';
import { compareBytewise } from './byte-order.ts';
import { formatFloat } from './gjson/result.ts';
import { isJson, jsonObjectMembers } from './json-text.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** Nesting of values that are decoded and written again. Go goes to 10,000; here each level costs stack. */
const maxDepth = 500;

/** The members of a JSON object; `null` has none. Throws InvalidValue for other JSON, deep nesting, numbers beyond a double. */
export function parseJsonObject(text: string): ReadonlyMap<string, JsonValue> {
  const members = new Map<string, JsonValue>();
  for (const [name, raw] of jsonObjectMembers(text)) members.set(name, fromParsed(JSON.parse(raw), 1));
  return members;
}

/** Any JSON value. Throws InvalidValue for other text, deep nesting, numbers beyond a double. */
export function parseJson(text: string): JsonValue {
  if (!isJson(text)) throw new OperatorError('InvalidValue', 'it is not valid JSON');
  return fromParsed(JSON.parse(text), 0);
}

/** What JSON.parse gave, with maps for objects: no key of a map is special. */
function fromParsed(parsed: unknown, depth: number): JsonValue {
  if (depth > maxDepth) throw new OperatorError('InvalidValue', `the value nests deeper than ${maxDepth} levels`);
  if (typeof parsed === 'string') return parsed.toWellFormed();
  if (typeof parsed === 'number') return finite(parsed);
  if (typeof parsed === 'boolean') return parsed;
  if (Array.isArray(parsed)) return parsed.map((element) => fromParsed(element, depth + 1));
  if (typeof parsed !== 'object' || parsed === null) return null;
  return new Map(Object.entries(parsed).map(([name, member]) => [name.toWellFormed(), fromParsed(member, depth + 1)]));
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new OperatorError('InvalidValue', 'the value holds a number that is too large');
}

/** A member as a Secret holds it: strings as they are, numbers without exponent, null empty, the rest as HTML-safe JSON. */
export function valueText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return formatFloat(value);
  if (typeof value === 'boolean') return String(value);
  return value === null ? '' : encodeJson(value, { escapeHtml: true });
}

/** Compact JSON with sorted keys, as Go's encoder writes it. */
export function encodeJson(value: JsonValue, options: { readonly escapeHtml: boolean }): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value); // JSON and Go agree on exponents
  if (typeof value === 'string') return encodeString(value, options.escapeHtml);
  if (value instanceof Map) {
    const entries = [...value].sort(([left], [right]) => compareBytewise(left, right));
    return `{${entries.map(([name, member]) => `${encodeString(name, options.escapeHtml)}:${encodeJson(member, options)}`).join(',')}}`;
  }
  return `[${Array.from(value, (element) => encodeJson(element, options)).join(',')}]`;
}

function encodeString(text: string, escapeHtml: boolean): string {
  return JSON.stringify(text).replaceAll(escapeHtml ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g, unicodeEscape);
}

function unicodeEscape(symbol: string): string {
  return `\\u${symbol.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
