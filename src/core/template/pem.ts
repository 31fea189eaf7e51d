// PEM as Go's encoding/pem reads and writes it: blocks are found anywhere in a text, what is broken is stepped over.
import type { Bytes } from './text.ts';

export interface PemBlock {
  readonly type: Bytes;
  readonly headers: ReadonlyMap<Bytes, Bytes>;
  readonly bytes: Buffer;
}

const beginMark = '-----BEGIN ';
const endMark = '\n-----END ';
const dashes = '-----';

/** The first block of the text, and the text after it; undefined when there is none. */
export function decodePem(text: Bytes): { readonly block: PemBlock; readonly rest: Bytes } | undefined {
  for (let from = 0; ; ) {
    const end = text.indexOf(endMark, from);
    if (end < 0) return undefined;
    const begin = end < beginMark.length ? -1 : text.lastIndexOf(beginMark, end - beginMark.length);
    const trailer = end + endMark.length;
    if (begin >= from && (begin === from || text[begin - 1] === '\n')) {
      const found = blockBetween(text, begin + beginMark.length, end);
      if (found !== undefined) return found;
    }
    from = trailer;
  }
}

/** The block whose type starts at `start`, and whose END line starts at `end`, when all of it is right. */
function blockBetween(text: Bytes, start: number, end: number): ReturnType<typeof decodePem> {
  const typeLine = lineAt(text, start);
  if (!typeLine.line.endsWith(dashes)) return undefined;
  const type = typeLine.line.slice(0, -dashes.length);
  const headers = new Map<Bytes, Bytes>();
  let at = typeLine.next;
  for (;;) {
    const { line, next } = lineAt(text, at);
    const colon = line.indexOf(':');
    if (colon < 0) break;
    headers.set(trim(line.slice(0, colon)), trim(line.slice(colon + 1)));
    at = next;
  }
  if (headers.size > 0 && end < at) return undefined;
  const ending = `${type}${dashes}`;
  const trailer = end + endMark.length;
  const last = lineAt(text, trailer + ending.length);
  const base64 = text.slice(at, Math.max(at, end)).replace(/[ \t\r\n]/g, '');
  if (!text.startsWith(ending, trailer) || last.line !== '' || !isBase64(base64)) return undefined;
  return { block: { type, headers, bytes: Buffer.from(base64, 'base64') }, rest: text.slice(last.next) };
}

function isBase64(text: Bytes): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

/** The line at an offset without its end and trailing blanks, and where the next one starts. */
function lineAt(text: Bytes, start: number): { readonly line: Bytes; readonly next: number } {
  const end = text.indexOf('\n', start);
  const line = text.slice(start, end < 0 ? undefined : end);
  const withoutReturn = end >= 0 && line.endsWith('\r') ? line.slice(0, -1) : line;
  return { line: trimRight(withoutReturn), next: end < 0 ? text.length : end + 1 };
}

function trimRight(text: Bytes): Bytes {
  let end = text.length;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end -= 1;
  return text.slice(0, end);
}

function trim(text: Bytes): Bytes {
  return text.trim();
}

/** A block in PEM, 64 characters a line. */
export function encodePem(type: Bytes, bytes: Uint8Array, headers: ReadonlyMap<Bytes, Bytes> = new Map()): Bytes {
  const names = [...headers.keys()].filter((name) => name !== 'Proc-Type').sort();
  if (headers.has('Proc-Type')) names.unshift('Proc-Type');
  const head = names.map((name) => `${name}: ${headers.get(name)}\n`).join('');
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `${beginMark}${type}${dashes}\n${head}${head === '' ? '' : '\n'}${lines}-----END ${type}${dashes}\n`;
}
