// The functions that text/template itself brings: https://pkg.go.dev/text/template#hdr-Functions.
import { hidden } from '../errors.ts';
import { show, showAsText, sprint, sprintf, sprintln } from '../format.ts';
import type { Budget } from '../limits.ts';
import { type Bytes, bytesOf, isPrint, runeAt } from '../text.ts';
import {
  Complex,
  compareBytes,
  Dict,
  integerOf,
  isTrue,
  kindName,
  List,
  Sized,
  Struct,
  typeName,
  type Value,
  zeroOf,
} from '../values.ts';
import { define, fault, type TemplateFunction } from './define.ts';

/** Read by evaluation itself, which stops at the first argument that decides. */
const unreachable = (): never => {
  throw fault('unreachable');
};

export const builtinFunctions: readonly TemplateFunction[] = [
  define('and', ['value', '...value'], 'the first empty argument, or the last', unreachable),
  define('or', ['value', '...value'], 'the first argument that is not empty, or the last', unreachable),
  define('not', ['value'], 'the negation of its argument', ([value]) => !isTrue(value)),
  define('len', ['value'], 'bytes of a text, elements of a list or map', ([value]) => length(value)),
  define('index', ['value', '...value'], 'the element of a map, list or text', ([item, keys]) =>
    keys.reduce<Value>((from, key) => indexOne(from, key), indexable(item)),
  ),
  define('slice', ['value', '...value'], 'a part of a list or text', ([item, indexes]) => slice(item, indexes)),
  define('call', ['value', '...value'], 'calls a function value; templates have none', ([name, [callee]]) => {
    if (callee === undefined || callee === null) throw fault('call of nil');
    throw fault(`non-function ${show(name ?? null)} of type ${typeName(callee)}`);
  }),
  define('print', ['...any'], 'fmt.Sprint', ([args]) => sprint(args)),
  define('println', ['...any'], 'fmt.Sprintln', ([args]) => sprintln(args)),
  define('printf', ['string', '...any'], 'fmt.Sprintf', ([format, args], { budget }) => sprintf(format, args, budget)),
  define('html', ['...any'], 'escapes for HTML', ([args], { budget }) => escapeHtml(charged(evalArgs(args), budget))),
  define('js', ['...any'], 'escapes for JavaScript', ([args], { budget }) => escapeJs(charged(evalArgs(args), budget))),
  define('urlquery', ['...any'], 'escapes for the query of a URL', ([args], { budget }) =>
    queryEscape(charged(evalArgs(args), budget)),
  ),
  define('eq', ['value', '...value'], 'whether the first equals one of the others', ([first, rest]) =>
    equal(first, rest),
  ),
  define('ne', ['value', 'value'], 'whether the two differ', ([left, right]) => !equal(left, [right])),
  define('lt', ['value', 'value'], 'less', ([left, right]) => less(left, right)),
  define('le', ['value', 'value'], 'less or equal', ([left, right]) => lessOrEqual(left, right)),
  define('gt', ['value', 'value'], 'greater', ([left, right]) => !lessOrEqual(left, right)),
  define('ge', ['value', 'value'], 'greater or equal', ([left, right]) => !less(left, right)),
];

function length(value: Value | undefined): bigint {
  if (typeof value === 'string') return BigInt(value.length);
  if (value instanceof List) return BigInt(value.items.length);
  if (value instanceof Dict) return BigInt(value.entries.size);
  if (value === undefined || value === null) {
    throw fault(value === null ? 'len of nil pointer' : 'reflect: call of reflect.Value.Type on zero Value');
  }
  throw fault(`len of type ${typeName(value).replace(/^\*/, '')}`); // Go looks through the pointer
}

function indexable(item: Value | undefined): Value {
  if (item === undefined || item === null) throw fault('index of untyped nil');
  return item;
}

function indexOne(item: Value, key: Value | undefined): Value {
  if (item === null) throw fault('index of nil pointer');
  if (typeof item === 'string') {
    const at = indexArg(key, item.length);
    if (at >= item.length) throw fault('reflect: string index out of range');
    return new Sized('uint8', BigInt(item.charCodeAt(at)));
  }
  if (item instanceof List) {
    const value = item.items[indexArg(key, item.items.length)];
    if (value === undefined) throw fault('reflect: slice index out of range');
    return value;
  }
  if (!(item instanceof Dict)) throw fault(`can't index item of type ${typeName(item)}`);
  if (key === undefined || key === null) throw fault('value is nil; should be of type string');
  if (typeof key !== 'string') throw fault(`value has type ${typeName(key)}; should be string`);
  return item.entries.get(key) ?? zeroOf(item.element);
}

function indexArg(index: Value | undefined, capacity: number): number {
  if (index === undefined || index === null) throw fault('cannot index slice/array with nil');
  const at = integerOf(index);
  if (at === undefined) throw fault(`cannot index slice/array with type ${typeName(index)}`);
  if (at < 0n || at > BigInt(capacity)) throw fault(`index out of range: ${at}`);
  return Number(at);
}

function slice(item: Value | undefined, indexes: readonly (Value | undefined)[]): Value {
  if (item === undefined || item === null) throw fault('slice of untyped nil');
  if (indexes.length > 3) throw fault(`too many slice indexes: ${indexes.length}`);
  if (typeof item !== 'string' && !(item instanceof List)) throw fault(`can't slice item of type ${typeName(item)}`);
  if (typeof item === 'string' && indexes.length === 3) throw fault('cannot 3-index slice a string');
  const size = typeof item === 'string' ? item.length : item.items.length;
  const [from = 0, to = size, cap = size] = indexes.map((index) => indexArg(index, size));
  if (from > to) throw fault(`invalid slice index: ${from} > ${to}`);
  if (indexes.length === 3 && to > cap) throw fault(`invalid slice index: ${to} > ${cap}`);
  return typeof item === 'string' ? item.slice(from, to) : new List(item.items.slice(from, to), item.element);
}

type BasicKind = 'bool' | 'complex' | 'int' | 'float' | 'string' | 'uint';

function basicKind(value: Value | undefined): BasicKind | undefined {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'float';
  if (value instanceof Complex) return 'complex';
  if (value instanceof Sized) return value.type.startsWith('u') ? 'uint' : 'int';
  return typeof value === 'bigint' ? 'int' : undefined;
}

function typeOrNil(value: Value | undefined): string {
  return value === undefined || value === null ? '<nil>' : typeName(value);
}

function equal(first: Value | undefined, rest: readonly (Value | undefined)[]): boolean {
  if (rest.length === 0) throw fault('missing argument for comparison');
  return rest.some((other) => equalOne(first, other));
}

function equalOne(left: Value | undefined, right: Value | undefined): boolean {
  const leftKind = basicKind(left);
  const rightKind = basicKind(right);
  const leftInt = integerOf(left);
  const rightInt = integerOf(right);
  if (leftInt !== undefined && rightInt !== undefined) return leftInt === rightInt;
  const bothValid = left !== undefined && left !== null && right !== undefined && right !== null;
  if (leftKind !== rightKind) {
    if (!bothValid) return false;
    throw fault(`incompatible types for comparison: ${typeName(left)} and ${typeName(right)}`);
  }
  if (left instanceof Complex && right instanceof Complex) return left.re === right.re && left.im === right.im;
  if (leftKind !== undefined) return left === right;
  if (!bothValid) return !isValid(left) && !isValid(right);
  if (kindName(left) !== kindName(right)) {
    throw fault(
      `non-comparable types ${hidden(showAsText(left))}: ${typeOrNil(left)}, ${typeOrNil(right)}: ${hidden(show(right))}`,
    );
  }
  if (left instanceof Struct && right instanceof Struct) return left === right || left.isSame?.(right) === true;
  throw fault(`non-comparable type ${hidden(showAsText(right))}: ${typeName(right)}`);
}

function isValid(value: Value | undefined): boolean {
  return value !== undefined && value !== null;
}

function less(left: Value | undefined, right: Value | undefined): boolean {
  const leftKind = basicKind(left);
  const rightKind = basicKind(right);
  if (leftKind === undefined || rightKind === undefined) throw fault('invalid type for comparison');
  const leftInt = integerOf(left);
  const rightInt = integerOf(right);
  if (leftInt !== undefined && rightInt !== undefined) return leftInt < rightInt;
  if (leftKind !== rightKind) {
    throw fault(`incompatible types for comparison: ${typeOrNil(left)} and ${typeOrNil(right)}`);
  }
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return compareBytes(left, right) < 0;
  throw fault('invalid type for comparison');
}

function lessOrEqual(left: Value | undefined, right: Value | undefined): boolean {
  return less(left, right) || equalOne(left, right);
}

/** A single text is taken as it is, all else goes through fmt.Sprint. */
function evalArgs(args: readonly Value[]): Bytes {
  const [only] = args;
  return args.length === 1 && typeof only === 'string' ? only : sprint(args.map((arg) => arg ?? '<no value>'));
}

/** Bytes that are escaped in the time of a step. */
const bytesPerStep = 8;

function charged(text: Bytes, budget: Budget): Bytes {
  budget.step(Math.ceil(text.length / bytesPerStep));
  return text;
}

const htmlEscapes: Readonly<Record<string, Bytes>> = {
  '\0': bytesOf('\ufffd'),
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(text: Bytes): Bytes {
  return text.replace(/[\0"'&<>]/g, (char) => htmlEscapes[char] ?? char);
}

const jsEscapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ["'", "\\'"],
  ['"', '\\"'],
  ['<', '\\u003C'],
  ['>', '\\u003E'],
  ['&', '\\u0026'],
  ['=', '\\u003D'],
]);

function escapeJs(text: Bytes): Bytes {
  let escaped = '';
  for (let at = 0; at < text.length; ) {
    const { code, size } = runeAt(text, at);
    const raw = text.slice(at, at + size);
    if (code < 32) escaped += `\\u00${code.toString(16).toUpperCase().padStart(2, '0')}`;
    else if (code < 128 || isPrint(code)) escaped += jsEscapes.get(raw) ?? raw;
    else escaped += `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`;
    at += size;
  }
  return escaped;
}

/** url.QueryEscape. */
export function queryEscape(text: Bytes): Bytes {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, (byte) =>
    byte === ' ' ? '+' : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
