// The hashes that External Secrets Operator writes: `data-hash`, `created-by` and `status.syncedResourceVersion`. Each is
// SHA3-224 in hex over Go's `%+v` text of a value. One byte of difference would rewrite every Secret at takeover.
import { createHash, type Hash, hash } from 'node:crypto';
import { compareBytewise } from './byte-order.ts';
import { isMap, type Json, type JsonMap } from './manifest/object-path.ts';
import { formatFloat } from './template/floats.ts';

/** Labels or annotations of an object. */
type StringMap = Readonly<Record<string, string>>;

export interface HashedMetadata {
  readonly annotations?: StringMap | undefined;
  readonly labels?: StringMap | undefined;
}

const algorithm = 'sha3-224';

/** Text collected before it is hashed: most Secrets fit at once, which saves a Hash object for each. */
const chunkBytes = 16_384;

/** ASCII of `0 ` to `255 ` at four bytes a value; the text ends with the blank. */
const decimals = Buffer.from(Array.from({ length: 256 }, (_, byte) => `${byte} `.padEnd(4, '\0')).join(''), 'latin1');

/** Bytes that are decoded at once; longer values are few. */
const decodedBytes = 8_192;
const decoded = Buffer.allocUnsafe(decodedBytes);

/** Hash of a Secret's whole `data`, for the annotation `reconcile.external-secrets.io/data-hash`. */
export function hashData(data: ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>>): string {
  const entries = data instanceof Map ? [...data] : Object.entries(data);
  return hashEntries(entries, (text, bytes) => text.addDecimals(bytes));
}

/** The same of data as it stands in an object, without a copy of each value: base64, and plain texts. */
export function hashEncodedData(data: StringMap, texts: StringMap = {}): string {
  const entries = [...encodedEntries(data, 'base64'), ...encodedEntries(texts, 'utf8')];
  const digest = hashEntries(entries, (text, { value, encoding }) => text.addDecoded(value, encoding));
  decoded.fill(0); // it held values
  return digest;
}

interface Encoded {
  readonly value: string;
  readonly encoding: 'base64' | 'utf8';
}

function encodedEntries(map: StringMap, encoding: Encoded['encoding']): [key: string, Encoded][] {
  return Object.entries(map).map(([key, value]) => [key, { value, encoding }]);
}

function hashEntries<Value>(entries: [key: string, Value][], add: (text: HashedText, value: Value) => void): string {
  entries.sort(([left], [right]) => compareBytewise(left, right));
  const text = new HashedText();
  text.add('map[');
  entries.forEach(([key, value], index) => {
    text.add(`${index === 0 ? '' : ' '}${key}:[`);
    add(text, value);
    text.add(']');
  });
  text.add(']');
  return text.digest();
}

/** Hash of an object's labels and annotations, the second half of `status.syncedResourceVersion`. */
export function hashMetadata({ annotations = {}, labels = {} }: HashedMetadata): string {
  return hashText(`{annotations:${mapText(annotations)} labels:${mapText(labels)}}`);
}

/** Hash of `namespace/name`, for the label `reconcile.external-secrets.io/created-by`. */
export function hashOwner(namespacedName: string): string {
  return hashText(namespacedName);
}

/** Value of `status.syncedResourceVersion`: `<generation>-<hash of the metadata>`. */
export function syncedResourceVersion(generation: number, metadata: HashedMetadata): string {
  return `${generation}-${hashMetadata(metadata)}`;
}

/** SHA3-224 in hex over the text's UTF-8 bytes: Go prints a string as itself. */
export function hashText(text: string): string {
  return hash(algorithm, text);
}

/**
 * Hash of what an object of any kind holds, for the same annotation: of its `spec` when it has one, else of its `data`, as in
 * ESO; of an object with neither, of all that it holds.
 */
export function hashContent(content: JsonMap): string {
  return hashText(anyText(content['spec'] ?? content['data'] ?? content));
}

/** Digest of all that an object holds, for comparing within this process. */
export function hashAll(content: JsonMap): string {
  return hashText(anyText(content));
}

/** `%v` of what Go's decoder makes of JSON: whole numbers are integers, nil is `<nil>`. */
function anyText(value: Json): string {
  if (value === null) return '<nil>';
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) < 2 ** 63
      ? BigInt(value).toString()
      : formatFloat(value, 'g', -1);
  if (typeof value !== 'object') return String(value);
  if (!isMap(value)) return `[${value.map(anyText).join(' ')}]`;
  const entries = Object.entries(value).sort(([left], [right]) => compareBytewise(left, right));
  return `map[${entries.map(([key, member]) => `${key}:${anyText(member)}`).join(' ')}]`;
}

function mapText(map: StringMap): string {
  const entries = Object.entries(map).sort(([left], [right]) => compareBytewise(left, right));
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}

/** Where a text that may be as large as a Secret is collected: chunk by chunk, into one buffer that all of them share. */
const chunk = Buffer.allocUnsafe(chunkBytes);

/** One text at a time, from construction to digest, without a pause between: the buffer is shared. */
class HashedText {
  #length = 0;
  #hash: Hash | undefined;

  add(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (bytes > chunkBytes) {
      this.#flush().update(text);
      return;
    }
    this.#reserve(bytes);
    this.#length += chunk.write(text, this.#length);
  }

  /** Adds the bytes that the text stands for, as `addDecimals` does. */
  addDecoded(text: string, encoding: Encoded['encoding']): void {
    if (3 * text.length > decodedBytes) this.addDecimals(Buffer.from(text, encoding));
    else this.addDecimals(decoded, decoded.write(text, encoding));
  }

  /** Adds `98 97 114`: the first bytes in decimal, one blank between them. */
  addDecimals(bytes: Uint8Array, count = bytes.length): void {
    for (let at = 0; at < count; at++) {
      this.#reserve(4);
      const byte = bytes[at] ?? 0;
      const from = 4 * byte;
      const to = this.#length;
      // All four at once is twice as fast as as many as there are; what is too much is written over.
      chunk[to] = decimals[from] ?? 0;
      chunk[to + 1] = decimals[from + 1] ?? 0;
      chunk[to + 2] = decimals[from + 2] ?? 0;
      chunk[to + 3] = decimals[from + 3] ?? 0;
      this.#length = to + (byte < 10 ? 2 : byte < 100 ? 3 : 4);
    }
    if (count > 0) this.#length--; // without the last blank
  }

  digest(): string {
    const rest = chunk.subarray(0, this.#length);
    const digest = this.#hash === undefined ? hash(algorithm, rest) : this.#hash.update(rest).digest('hex');
    chunk.fill(0); // it held values
    return digest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes > chunkBytes) this.#flush();
  }

  #flush(): Hash {
    this.#hash ??= createHash(algorithm);
    this.#hash.update(chunk.subarray(0, this.#length));
    this.#length = 0;
    return this.#hash;
  }
}
