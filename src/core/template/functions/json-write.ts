// Writes template values as Go's encoding/json does: keys in order, floats in Go's shortest form, HTML escaped.
import { formatFloat } from '../floats.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, bufferOf, encodeRune, isAscii, runeAt, runeError } from '../text.ts';
import { Complex, Dict, List, Sized, Struct, type Value } from '../values.ts';
import { strval } from './convert.ts';
import { fault } from './define.ts';

export interface JsonStyle {
  readonly budget: Budget;
  /** What one level is indented by; without it all stands on one line. */
  readonly indent?: string;
  /** Leaves <, > and & as they are. */
  readonly isRaw?: boolean;
}

const deepest = 1_000;

/** The JSON of a value. Throws FunctionFault for what JSON cannot hold. */
export function writeJson(value: Value, style: JsonStyle): Bytes {
  return write(value, style, 0);
}

function write(value: Value, style: JsonStyle, depth: number): Bytes {
  style.budget.step();
  if (depth > deepest) throw fault('json: unsupported value: encountered a cycle');
  if (value === null) return 'null';
  if (typeof value === 'string') {
    style.budget.step(Math.floor(value.length / (isAscii(value) ? 32 : 4)));
    return writeText(value, style.isRaw ?? false);
  }
  if (typeof value === 'number') return writeFloat(value);
  if (value instanceof Sized) return value.value.toString();
  if (value instanceof Complex) throw fault('json: unsupported type: complex128');
  if (value instanceof List) return writeList(value, style, depth);
  if (value instanceof Dict) {
    if (value.isNil) return 'null';
    return writeMap(
      value.sortedKeys().map((key) => [key, value.entries.get(key) ?? null] as const),
      style,
      depth,
    );
  }
  if (value instanceof Struct) return value.json?.() ?? writeMap([...value.fields], style, depth);
  return String(value);
}

function writeFloat(value: number): Bytes {
  if (!Number.isFinite(value)) throw fault(`json: unsupported value: ${formatFloat(value, 'g', -1)}`);
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-6 && size < 1e21)) return formatFloat(value, 'f', -1);
  return formatFloat(value, 'e', -1).replace(/e-0(\d)$/, 'e-$1');
}

function writeList(list: List, style: JsonStyle, depth: number): Bytes {
  if (list.isNil) return 'null';
  if (list.element === 'uint8') return `"${bufferOf(strval(list)).toString('base64')}"`;
  return enclosed(
    '[]',
    list.items.map((item) => write(item, style, depth + 1)),
    style,
    depth,
  );
}

function writeMap(entries: readonly (readonly [Bytes, Value])[], style: JsonStyle, depth: number): Bytes {
  const colon = style.indent === undefined ? ':' : ': ';
  const members = entries.map(
    ([key, value]) => writeText(key, style.isRaw ?? false) + colon + write(value, style, depth + 1),
  );
  return enclosed('{}', members, style, depth);
}

function enclosed(marks: '[]' | '{}', members: readonly Bytes[], { indent, budget }: JsonStyle, depth: number): Bytes {
  const [open = '', close = ''] = marks;
  const lead = indent === undefined ? '' : `\n${indent.repeat(depth + 1)}`;
  budget.room(members.reduce((size, member) => size + member.length + lead.length + 1, 2));
  if (indent === undefined || members.length === 0) return open + members.join(',') + close;
  return `${open}${lead}${members.join(`,${lead}`)}\n${indent.repeat(depth)}${close}`;
}

const shortEscapes: ReadonlyMap<number, string> = new Map([
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [12, '\\f'],
  [13, '\\r'],
  [34, '\\"'],
  [92, '\\\\'],
]);

/** A JSON string. */
export function writeText(text: Bytes, isRaw: boolean): Bytes {
  if (/^[ !#-%'-;=?-[\]-~]*$/.test(text)) return `"${text}"`;
  let written = '';
  for (let at = 0; at < text.length; ) {
    const { code, size } = runeAt(text, at);
    const isInvalid = code === runeError && size === 1;
    const isEscaped = code < 32 || code === 0x2028 || code === 0x2029 || (!isRaw && [38, 60, 62].includes(code));
    const short = shortEscapes.get(code);
    if (isInvalid) written += '\\ufffd';
    else if (short !== undefined) written += short;
    else if (isEscaped) written += `\\u${code.toString(16).padStart(4, '0')}`;
    else written += encodeRune(code);
    at += size;
  }
  return `"${written}"`;
}
