// A value on its way to another thread, or kept without a heap full of small objects: texts, each of which holds a stretch of
// the value's parts in their order. Packing stops between two stretches, so that who may not hold up others can wait there.
// What an object inherits is packed as its own; of an unknown the type is left behind.
import { pay, payForText, unitsPerValue } from './effort.ts';
import { arrayValue, booleanValue, bytesValue, EscValue, nullValue, numberValue, unknownValue } from './value.ts';

export interface PackedValue {
  /** Of the value; see limits.ts. */
  readonly weight: number;
  readonly pieces: readonly string[];
}

/** A value as it is at hand. */
export type HeldValue = EscValue | PackedValue;

export function isPacked(value: HeldValue): value is PackedValue {
  return 'pieces' in value;
}

/** A value heavier than this is packed, and opened in a worker thread only: to make it takes some ms. */
export const smallWeight = 10_000;

type Part = string | number | null;

const pieceParts = 4_096;
const pieceLength = 262_144;

const kinds = ['null', 'boolean', 'number', 'string', 'bytes', 'array', 'object', 'unknown'] as const;
type Kind = (typeof kinds)[number];
const awaited = ['document', 'opening', 'rotateOnly'] as const;

/** Gives the pieces one by one. */
export function* packing(value: EscValue): Generator<string, void, undefined> {
  let parts: Part[] = [];
  let length = 0;
  const rest: Iterator<readonly [key: string | undefined, value: EscValue]>[] = [
    [[undefined, value] as const].values(),
  ];
  for (let top = rest.at(-1); top !== undefined; top = rest.at(-1)) {
    const next = top.next();
    if (next.done === true) {
      rest.pop();
      continue;
    }
    const [key, each] = next.value;
    if (key !== undefined) parts.push(key);
    length += (key?.length ?? 0) + pushParts(each, parts);
    const children = childrenOf(each);
    if (children !== undefined) rest.push(children);
    if (parts.length < pieceParts && length < pieceLength) continue;
    yield JSON.stringify(parts);
    parts = [];
    length = 0;
  }
  if (parts.length > 0) yield JSON.stringify(parts);
}

export function packValue(value: HeldValue): PackedValue {
  return isPacked(value) ? value : { weight: value.inside.weight, pieces: [...packing(value)] };
}

/** About how many bytes the value takes. */
export function sizeOfHeld(value: HeldValue): number {
  if (!isPacked(value)) return value.inside.weight * bytesPerWeight;
  return value.pieces.reduce((sum, { length }) => sum + length, 0);
}

const bytesPerWeight = 100;

/** Pushes what the value is, its children left aside; says how long its text is. */
function pushParts(value: EscValue, parts: Part[]): number {
  const { data } = value;
  const kind: Kind = data.kind === 'string' && data.bytes !== undefined ? 'bytes' : data.kind;
  parts.push(kinds.indexOf(kind) * 4 + (value.secret ? 2 : 0) + (value.final ? 1 : 0));
  switch (data.kind) {
    case 'null':
      return 0;
    case 'boolean':
      return parts.push(data.value ? 1 : 0);
    case 'number':
      parts.push(data.text);
      return data.text.length;
    case 'string': {
      const text = data.bytes?.toString('latin1') ?? data.text;
      parts.push(text);
      return text.length;
    }
    case 'array':
      return parts.push(data.elements.length);
    case 'object':
      return parts.push(value.members.size);
    case 'unknown':
      return parts.push(data.awaits === undefined ? null : awaited.indexOf(data.awaits));
  }
}

function childrenOf(value: EscValue): Iterator<readonly [string | undefined, EscValue]> | undefined {
  if (value.data.kind === 'object') return value.members.entries();
  if (value.data.kind !== 'array') return undefined;
  return eachOf(value.data.elements);
}

function* eachOf(elements: readonly EscValue[]): Generator<readonly [undefined, EscValue]> {
  for (const element of elements) yield [undefined, element];
}

/** The value again. Pays for all of it first: who has not enough for it has not begun. */
export function unpackValue(value: HeldValue): EscValue {
  if (!isPacked(value)) return value;
  pay(value.weight * unitsPerValue);
  return new Unpacker(value.pieces).value();
}

class Unpacker {
  readonly #pieces: readonly string[];
  #parts: readonly Part[] = [];
  #piece = 0;
  #at = 0;

  constructor(pieces: readonly string[]) {
    this.#pieces = pieces;
  }

  value(): EscValue {
    const code = Number(this.#next());
    const flags = { secret: (code & 2) !== 0, final: (code & 1) !== 0 };
    switch (kinds[code >> 2]) {
      case 'boolean':
        return booleanValue(this.#next() === 1, flags);
      case 'number':
        return numberValue(this.#text(), flags);
      case 'string':
        return new EscValue({ kind: 'string', text: this.#text() }, flags);
      case 'bytes':
        return bytesValue(Buffer.from(this.#text(), 'latin1'), flags);
      case 'array':
        return arrayValue(
          Array.from({ length: Number(this.#next()) }, () => this.value()),
          flags,
        );
      case 'object': {
        const own = new Map<string, EscValue>();
        for (let left = Number(this.#next()); left > 0; left--) own.set(this.#text(), this.value());
        return new EscValue({ kind: 'object', own }, flags);
      }
      case 'unknown': {
        const awaits = this.#next();
        return unknownValue({ awaits: typeof awaits === 'number' ? awaited[awaits] : undefined }).with(flags);
      }
      default:
        return nullValue.with(flags);
    }
  }

  #text(): string {
    const text = String(this.#next());
    payForText(text.length);
    return text;
  }

  /** The next part, of the next piece where this one has ended. */
  #next(): Part | undefined {
    while (this.#at >= this.#parts.length && this.#piece < this.#pieces.length) {
      this.#parts = JSON.parse(this.#pieces[this.#piece++] ?? '[]') as readonly Part[]; // made by `packing`
      this.#at = 0;
    }
    return this.#parts[this.#at++];
  }
}
