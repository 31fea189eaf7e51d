// Go's values as templates meet them. The plain ones stand for Go's commonest types: string (bytes), boolean, bigint (int),
// number (float64) and null (a nil interface); all else carries its Go type. `undefined` is no value at all: what Go's
// reflect calls invalid, and templates print as <no value>.
import type { Bytes } from './text.ts';

export type SizedType =
  | 'int64'
  | 'int32'
  | 'uint8'
  | 'uint32'
  | 'uint64'
  | 'time.Duration'
  | 'time.Month'
  | 'time.Weekday';

/** An integer that is no plain int. `text` is what its String method returns, when it has one. */
export class Sized {
  readonly type: SizedType;
  readonly value: bigint;
  readonly text: Bytes | undefined;

  constructor(type: SizedType, value: bigint, text?: Bytes) {
    this.type = type;
    this.value = value;
    this.text = text;
  }
}

/** complex128. */
export class Complex {
  readonly re: number;
  readonly im: number;

  constructor(re: number, im: number) {
    this.re = re;
    this.im = im;
  }
}

export type ElementType = 'interface {}' | 'string' | 'int' | 'uint8' | '[]interface {}';

/** A slice. */
export class List {
  readonly element: ElementType;
  readonly items: readonly Value[];
  /** A nil slice: prints as an empty one, but is null in JSON. */
  readonly isNil: boolean;

  constructor(items: readonly Value[], element: ElementType = 'interface {}', isNil = false) {
    this.items = items;
    this.element = element;
    this.isNil = isNil;
  }
}

/** A map with string keys. Sprig's `set` and `unset` change it in place, as in Go. */
export class Dict {
  readonly element: 'interface {}' | 'string';
  readonly entries: Map<Bytes, Value>;
  /** A nil map: reads as an empty one, but nothing can be put into it, and it is null in JSON. */
  readonly isNil: boolean;

  constructor(
    entries: Map<Bytes, Value> = new Map(),
    element: 'interface {}' | 'string' = 'interface {}',
    isNil = false,
  ) {
    this.entries = entries;
    this.element = element;
    this.isNil = isNil;
  }

  /** The nil map that a nil becomes where a dictionary is expected. */
  static nil(): Dict {
    return new Dict(new Map(), 'interface {}', true);
  }

  /** Keys in Go's order of printing and ranging. */
  sortedKeys(): readonly Bytes[] {
    return [...this.entries.keys()].sort(compareBytes);
  }
}

export type Method = (args: readonly Value[]) => Value;

/** A struct, or a pointer to one: a time, a version, a certificate. */
export class Struct {
  readonly type: string;
  readonly fields: ReadonlyMap<Bytes, Value>;
  readonly methods: ReadonlyMap<Bytes, { readonly params: readonly ParamType[]; readonly body: Method }>;
  readonly text: Bytes | undefined;
  /** What its MarshalJSON writes, when it has one. */
  readonly json: (() => Bytes) | undefined;
  /** What the functions of its family keep in it. */
  readonly inner: unknown;
  /** Go's ==, for a struct; pointers are the same when they are one. */
  readonly isSame: ((other: Struct) => boolean) | undefined;

  constructor(parts: {
    readonly type: string;
    readonly fields?: ReadonlyMap<Bytes, Value>;
    readonly methods?: ReadonlyMap<Bytes, { readonly params: readonly ParamType[]; readonly body: Method }>;
    readonly text?: Bytes;
    readonly json?: () => Bytes;
    readonly inner?: unknown;
    readonly isSame?: (other: Struct) => boolean;
  }) {
    this.type = parts.type;
    this.fields = parts.fields ?? new Map();
    this.methods = parts.methods ?? new Map();
    this.text = parts.text;
    this.json = parts.json;
    this.inner = parts.inner;
    this.isSame = parts.isSame;
  }
}

export type Value = null | boolean | Bytes | bigint | number | Sized | Complex | List | Dict | Struct;

/** The types that a parameter of a function can have. */
export type ParamType =
  | 'any'
  | 'value'
  | 'string'
  | 'int'
  | 'int64'
  | 'uint32'
  | 'float64'
  | 'bool'
  | 'list'
  | 'dict'
  | 'time'
  | 'duration'
  | 'certificate';

const paramTypeNames: Readonly<Record<ParamType, string>> = {
  any: 'interface {}',
  value: 'reflect.Value',
  string: 'string',
  int: 'int',
  int64: 'int64',
  uint32: 'uint32',
  float64: 'float64',
  bool: 'bool',
  list: '[]interface {}',
  dict: 'map[string]interface {}',
  time: 'time.Time',
  duration: 'time.Duration',
  certificate: 'sprig.certificate',
};

export function paramTypeName(type: ParamType): string {
  return paramTypeNames[type];
}

/** What reflect's Type prints, and %T. */
export function typeName(value: Value): string {
  if (value === null) return 'interface {}';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value instanceof List) return `[]${value.element}`;
  if (value instanceof Dict) return `map[string]${value.element}`;
  return value instanceof Complex ? 'complex128' : value.type;
}

/** What reflect's Kind prints. */
export function kindName(value: Value | undefined): string {
  if (value === undefined || value === null) return 'invalid';
  if (value instanceof List) return 'slice';
  if (value instanceof Dict) return 'map';
  if (value instanceof Struct) return value.type.startsWith('*') ? 'ptr' : 'struct';
  if (value instanceof Sized) {
    if (value.type === 'time.Duration') return 'int64';
    return value.type.startsWith('time.') ? 'int' : value.type;
  }
  return typeName(value);
}

/** The value of any integer, or undefined. */
export function integerOf(value: Value | undefined): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return value instanceof Sized ? value.value : undefined;
}

/** Text/template's truth: the zero value and what is empty are false. */
export function isTrue(value: Value | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (value instanceof List) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.size > 0;
  if (value instanceof Struct) return true;
  if (value instanceof Complex) return value.re !== 0 || value.im !== 0;
  if (value instanceof Sized) return value.value !== 0n;
  if (typeof value === 'number') return value !== 0;
  return Boolean(value);
}

/** Byte order: Go's order of strings. */
export function compareBytes(left: Bytes, right: Bytes): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The zero value of a map's or list's element. */
export function zeroOf(element: ElementType): Value {
  if (element === 'string') return '';
  return element === 'int' ? 0n : null;
}

/** reflect.DeepEqual. */
export function deepEqual(left: Value, right: Value): boolean {
  if (left instanceof List && right instanceof List) {
    if (left.element !== right.element || left.isNil !== right.isNil || left.items.length !== right.items.length)
      return false;
    return left.items.every((item, index) => deepEqual(item, right.items[index] ?? null));
  }
  if (left instanceof Dict && right instanceof Dict) {
    if (left.element !== right.element || left.isNil !== right.isNil || left.entries.size !== right.entries.size)
      return false;
    return [...left.entries].every(([key, value]) => {
      const other = right.entries.get(key);
      return other !== undefined && deepEqual(value, other);
    });
  }
  if (left instanceof Sized && right instanceof Sized) return left.type === right.type && left.value === right.value;
  if (left instanceof Complex && right instanceof Complex) return left.re === right.re && left.im === right.im;
  if (left instanceof Struct && right instanceof Struct) return left.type === right.type && left.text === right.text;
  return left === right;
}
