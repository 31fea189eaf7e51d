// Takes secrets out of a stream of bytes: each occurrence becomes `[secret]`, also where it spans lines or chunks, or overlaps
// another. No more is held back than what may still become a secret.
//
//   carried │ chunk            what is covered by any secret is told as one mark; the end that is the beginning of a
//   ████░░░░│░░░████░░░░░░██   secret waits for the next chunk.

/** Shorter secrets are left alone: they would be found everywhere. */
const shortest = 3;
/** Lines of longer secrets that are looked for by themselves, as programs may indent them. */
const shortestLine = 8;

const mark = Buffer.from('[secret]');

/** What to look for: each secret, its longer lines, and how JSON writes it. */
export function masksOf(secrets: Iterable<string | Buffer>): readonly Buffer[] {
  const found = new Map<string, Buffer>();
  const add = (bytes: Buffer, least: number): void => {
    if (bytes.length >= least) found.set(bytes.toString('latin1'), bytes);
  };
  for (const secret of secrets) {
    const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret;
    const text = bytes.toString('utf8');
    // The end of the last line is no secret, and often printed differently.
    const end = bytes.length - (Buffer.byteLength(text) - Buffer.byteLength(text.trimEnd()));
    add(bytes.subarray(0, end), shortest);
    add(Buffer.from(JSON.stringify(text.trimEnd()).slice(1, -1)), shortest);
    if (text.includes('\n')) for (const line of text.split('\n')) add(Buffer.from(line.trim()), shortestLine);
  }
  return [...found.values()];
}

export class Mask {
  readonly #secrets: readonly Buffer[];
  readonly #prefixes: readonly Uint32Array[];
  #carried: Buffer = Buffer.alloc(0);
  /** How many of the carried bytes belong to a secret whose mark was written already. */
  #covered = 0;

  constructor(secrets: readonly Buffer[]) {
    this.#secrets = secrets;
    this.#prefixes = secrets.map(prefixFunction);
  }

  /** What can be written now. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#carried.length === 0 ? chunk : Buffer.concat([this.#carried, chunk]);
    return this.#write(bytes, bytes.length - this.#heldBack(bytes));
  }

  /** What is left at the end. */
  end(): Buffer {
    return this.#write(this.#carried, this.#carried.length);
  }

  #write(bytes: Buffer, end: number): Buffer {
    const parts: Buffer[] = [];
    let at = 0;
    let coveredAfter = 0;
    for (const [from, to] of this.#coveredRanges(bytes)) {
      if (from >= end) break;
      parts.push(bytes.subarray(at, from));
      if (from > 0 || this.#covered === 0) parts.push(mark);
      at = Math.min(to, end);
      coveredAfter = Math.max(0, to - end);
    }
    parts.push(bytes.subarray(at, end));
    this.#carried = bytes.subarray(end);
    this.#covered = coveredAfter;
    return Buffer.concat(parts);
  }

  /** Ranges that secrets cover, joined where they overlap. */
  #coveredRanges(bytes: Buffer): (readonly [from: number, to: number])[] {
    const found: [number, number][] = this.#covered > 0 ? [[0, this.#covered]] : [];
    for (const secret of this.#secrets) {
      for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + 1)) {
        found.push([at, at + secret.length]);
      }
    }
    found.sort(([left], [right]) => left - right);
    const joined: [number, number][] = [];
    for (const [from, to] of found) {
      const last = joined.at(-1);
      if (last !== undefined && from < last[1]) last[1] = Math.max(last[1], to);
      else joined.push([from, to]);
    }
    return joined;
  }

  /** Length of the longest end that is the beginning of a secret, and not all of it. */
  #heldBack(bytes: Buffer): number {
    let longest = 0;
    for (const [index, secret] of this.#secrets.entries()) {
      const prefix = this.#prefixes[index];
      if (prefix !== undefined) longest = Math.max(longest, beginningAtEnd(bytes, secret, prefix));
    }
    return longest;
  }
}

/** For each beginning of the text, the length of the longest shorter beginning that it ends with (Knuth, Morris, Pratt). */
function prefixFunction(text: Buffer): Uint32Array {
  const prefix = new Uint32Array(text.length);
  for (let at = 1, matched = 0; at < text.length; at++) {
    matched = advance(text, prefix, matched, text[at]);
    prefix[at] = matched;
  }
  return prefix;
}

function advance(text: Buffer, prefix: Uint32Array, matched: number, byte: number | undefined): number {
  let length = matched;
  while (length > 0 && text[length] !== byte) length = prefix[length - 1] ?? 0;
  return text[length] === byte ? length + 1 : length;
}

function beginningAtEnd(bytes: Buffer, secret: Buffer, prefix: Uint32Array): number {
  let matched = 0;
  for (let at = Math.max(0, bytes.length - secret.length + 1); at < bytes.length; at++) {
    matched = advance(secret, prefix, matched, bytes[at]);
  }
  return matched;
}
