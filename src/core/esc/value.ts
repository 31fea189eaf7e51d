// Values of an evaluation: plain data with flags, immutable, shared freely. An object is a top layer over what lies below
// it (merge.ts), so that a part of it can be told from what it inherits. Printing a value shows nothing of it.
import { inspect } from 'node:util';
import { compareBytewise } from '../byte-order.ts';
import { pay, payForText, payForValue, unitsPerMember, unitsPerValue } from './effort.ts';
import { LimitExceeded, maxDepth, maxWeight } from './limits.ts';
import type { Schema } from './schema.ts';

/** What an unknown waits for; `rotateOnly` is an input that is not looked at; absent, it stays unknown. */
export type Awaited = 'document' | 'opening' | 'rotateOnly';

export type ValueData =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** Numbers are text, so that none of their digits is lost. */
  | { readonly kind: 'number'; readonly text: string }
  /** `bytes` are there when they are not UTF-8; the text then holds U+FFFD in their place. */
  | { readonly kind: 'string'; readonly text: string; readonly bytes?: Buffer }
  | { readonly kind: 'array'; readonly elements: readonly EscValue[] }
  /** `own` is the top layer, each member merged already; `base` is an object or an unknown below. */
  | { readonly kind: 'object'; readonly own: ReadonlyMap<string, EscValue>; readonly base?: EscValue | undefined }
  /** A schema that is absent allows anything. */
  | { readonly kind: 'unknown'; readonly schema: Schema; readonly awaits?: Awaited | undefined };

export interface Flags {
  readonly secret?: boolean | undefined;
  /** What overrides this value is not evaluated. */
  readonly final?: boolean | undefined;
}

/** What is in a value at any depth, the inherited included. */
interface Inside {
  readonly secret: boolean;
  readonly unknown: boolean;
  /** Unknown for good or until the next round, inputs that only a rotation needs left aside. */
  readonly blocked: boolean;
  readonly awaits: Awaited | undefined;
  readonly weight: number;
  readonly depth: number;
}

export class EscValue {
  readonly data: ValueData;
  readonly secret: boolean;
  readonly final: boolean;
  #inside: Inside | undefined;
  #members: ReadonlyMap<string, EscValue> | undefined;

  constructor(data: ValueData, { secret = false, final = false }: Flags = {}) {
    this.data = data;
    this.secret = secret;
    this.final = final;
    payForValue(partsOf(data));
  }

  /** All members of an object, sorted by their keys' bytes; of anything else none. */
  get members(): ReadonlyMap<string, EscValue> {
    this.#members ??= membersOf(this.data);
    return this.#members;
  }

  /** Throws LimitExceeded for a value that is too large or too deep. */
  get inside(): Inside {
    this.#inside ??= lookInside(this);
    return this.#inside;
  }

  with(flags: Flags): EscValue {
    const { secret = this.secret, final = this.final } = flags;
    return secret === this.secret && final === this.final ? this : new EscValue(this.data, { secret, final });
  }

  toString(): string {
    return '[value]';
  }

  toJSON(): string {
    return '[value]';
  }

  [inspect.custom](): string {
    return '[value]';
  }
}

function partsOf(data: ValueData): number {
  if (data.kind === 'array') return data.elements.length;
  return data.kind === 'object' ? data.own.size : 0;
}

const none: ReadonlyMap<string, EscValue> = new Map();

function membersOf(data: ValueData): ReadonlyMap<string, EscValue> {
  if (data.kind !== 'object') return none;
  const all = new Map(data.base?.members);
  for (const [key, member] of data.own) all.set(key, member);
  pay(all.size * unitsPerMember);
  return new Map([...all].sort(([left], [right]) => compareBytewise(left, right)));
}

function lookInside(value: EscValue): Inside {
  const { data } = value;
  const isUnknown = data.kind === 'unknown';
  const base = data.kind === 'object' && data.base?.data.kind === 'unknown' ? data.base.inside : undefined;
  let secret = value.secret;
  let unknown = isUnknown;
  let blocked = isUnknown && data.awaits !== 'rotateOnly';
  let awaits = isUnknown ? data.awaits : base?.awaits;
  let weight = 1 + (data.kind === 'string' ? data.text.length / 16 : 0);
  let depth = 0;
  if (base?.awaits !== undefined) unknown = blocked = true;
  pay(unitsPerValue * (1 + (data.kind === 'array' ? data.elements.length : value.members.size)));
  const children = data.kind === 'array' ? data.elements : value.members.values();
  for (const child of children) {
    const inside = child.inside;
    secret ||= inside.secret;
    unknown ||= inside.unknown;
    blocked ||= inside.blocked;
    if (rank(inside.awaits) > rank(awaits)) awaits = inside.awaits;
    weight += inside.weight;
    depth = Math.max(depth, inside.depth + 1);
  }
  if (depth > maxDepth) throw new LimitExceeded(`a value nests deeper than ${maxDepth} levels`);
  if (weight > maxWeight) throw new LimitExceeded('a value is too large');
  return { secret, unknown, blocked, awaits, weight, depth };
}

/** What is waited for first wins: nothing is known of a value before its document is there. */
function rank(awaits: Awaited | undefined): number {
  return awaits === undefined ? 0 : ['rotateOnly', 'opening', 'document'].indexOf(awaits) + 1;
}

export const nullValue = new EscValue({ kind: 'null' });

export function textValue(text: string, flags?: Flags): EscValue {
  return new EscValue({ kind: 'string', text: text.toWellFormed() }, flags);
}

/** Bytes as text; they are kept beside it when they are not UTF-8. */
export function bytesValue(bytes: Buffer, flags?: Flags): EscValue {
  payForText(bytes.length);
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes)
    ? new EscValue({ kind: 'string', text }, flags)
    : new EscValue({ kind: 'string', text, bytes }, flags);
}

export function booleanValue(value: boolean, flags?: Flags): EscValue {
  return new EscValue({ kind: 'boolean', value }, flags);
}

/** `text` must be a JSON number. */
export function numberValue(text: string, flags?: Flags): EscValue {
  return new EscValue({ kind: 'number', text }, flags);
}

export function arrayValue(elements: readonly EscValue[], flags?: Flags): EscValue {
  return new EscValue({ kind: 'array', elements }, flags);
}

export function objectValue(members: Iterable<readonly [string, EscValue]>, flags?: Flags): EscValue {
  return new EscValue({ kind: 'object', own: new Map(members) }, flags);
}

/**
 * An unknown. It waits for whatever `from` waits for, so that what is made of a value that comes in a later round is not
 * taken for final.
 */
export function unknownValue(
  options: {
    readonly schema?: Schema;
    readonly awaits?: Awaited | undefined;
    readonly secret?: boolean | undefined;
    readonly from?: readonly EscValue[];
  } = {},
): EscValue {
  const { schema = true, secret, from = [] } = options;
  const sources = from.map((each) => each.inside.awaits).filter((each) => each === 'document' || each === 'opening');
  const awaits = options.awaits ?? (sources.includes('document') ? 'document' : sources[0]);
  return new EscValue({ kind: 'unknown', schema, awaits }, { secret });
}

/** The value with everything in it secret, or with nothing in it final. */
export function mapDeep(value: EscValue, flags: Flags): EscValue {
  const { data } = value;
  if (data.kind === 'array') {
    const elements = data.elements.map((each) => mapDeep(each, flags));
    return new EscValue({ ...data, elements }, { secret: value.secret, final: value.final }).with(flags);
  }
  if (data.kind === 'object') {
    const members = [...value.members].map(([key, each]) => [key, mapDeep(each, flags)] as const);
    return objectValue(members, { secret: value.secret, final: value.final }).with(flags);
  }
  return value.with(flags);
}

/** Data as JSON.parse gives it, or a context's: an own member of an object each. Numbers are written as JavaScript does. */
export function valueOfJson(json: unknown, flags?: Flags): EscValue {
  return fromJson(json, flags, 0);
}

function fromJson(json: unknown, flags: Flags | undefined, depth: number): EscValue {
  if (depth > maxDepth) throw new LimitExceeded(`a value nests deeper than ${maxDepth} levels`);
  if (json instanceof EscValue) return json;
  if (typeof json === 'string') return textValue(json, flags);
  if (typeof json === 'boolean') return booleanValue(json, flags);
  if (typeof json === 'number' && Number.isFinite(json)) return numberValue(String(json), flags);
  if (Array.isArray(json)) {
    return arrayValue(
      json.map((each: unknown) => fromJson(each, flags, depth + 1)),
      flags,
    );
  }
  if (typeof json !== 'object' || json === null) return new EscValue({ kind: 'null' }, flags);
  const members = Object.entries(json).filter(([, member]) => member !== undefined);
  return objectValue(
    members.map(([key, member]) => [key.toWellFormed(), fromJson(member, flags, depth + 1)] as const),
    flags,
  );
}
