// The hashes that External Secrets Operator writes: `data-hash`, `created-by` and `status.syncedResourceVersion`. Each is
// SHA3-224 in hex over Go's `%+v` text of a value. One byte of difference would rewrite every Secret at takeover.
import { createHash, type Hash } from 'node:crypto';
import { compareBytewise } from './byte-order.ts';

/** Labels or annotations of an object. */
type StringMap = Readonly<Record<string, string>>;

export interface HashedMetadata {
  readonly annotations?: StringMap | undefined;
  readonly labels?: StringMap | undefined;
}

/** Bytes rendered at a time: their decimal text stays below 4 times this, whatever the size of a value. */
const chunkBytes = 8192;

/** ASCII of `0 ` to `255 ` at four bytes a value; the text ends with the blank. */
const decimals = Buffer.from(Array.from({ length: 256 }, (_, byte) => `${byte} `.padEnd(4, '\0')).join(''), 'latin1');

/** Hash of a Secret's whole `data`, for the annotation `reconcile.external-secrets.io/data-hash`. */
export function hashData(data: ReadonlyMap<string, Uint8Array> | Readonly<Record<string, Uint8Array>>): string {
  const entries = data instanceof Map ? [...data] : Object.entries(data);
  entries.sort(([left], [right]) => compareBytewise(left, right));
  const hash = createHash('sha3-224').update('map[');
  entries.forEach(([key, bytes], index) => {
    hash.update(`${index === 0 ? '' : ' '}${key}:[`);
    updateWithDecimals(hash, bytes);
    hash.update(']');
  });
  return hash.update(']').digest('hex');
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
  return createHash('sha3-224').update(text, 'utf8').digest('hex');
}

function mapText(map: StringMap): string {
  const entries = Object.entries(map).sort(([left], [right]) => compareBytewise(left, right));
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}

/** Feeds `98 97 114`: the bytes in decimal, one blank between them. */
function updateWithDecimals(hash: Hash, bytes: Uint8Array): void {
  const text = Buffer.allocUnsafe(4 * Math.min(bytes.length, chunkBytes));
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const end = Math.min(start + chunkBytes, bytes.length);
    let length = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      const width = byte < 10 ? 2 : byte < 100 ? 3 : 4;
      for (let digit = 0; digit < width; digit++) text[length++] = decimals[4 * byte + digit] ?? 0;
    }
    hash.update(text.subarray(0, end === bytes.length ? length - 1 : length));
  }
}
