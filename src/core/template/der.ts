// DER (X.690), as much of it as keys, certificates and PKCS#12 need: elements are read one level at a time, and written
// from their parts.

/** A file that is no DER; the message never shows its bytes. */
export class DerError extends Error {}

/** Identifier octets. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier of a context tag; a constructed one holds other elements. */
export function contextTag(number: number, form: 'primitive' | 'constructed' = 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number;
}

export interface Der {
  readonly tag: number;
  readonly content: Buffer;
  /** The element with its identifier and length. */
  readonly raw: Buffer;
}

/** The element at the start of the bytes; throws DerError when there is none. */
export function firstDer(bytes: Buffer): Der {
  const tag = bytes[0];
  const first = bytes[1];
  if (tag === undefined || first === undefined) throw new DerError('the data is truncated');
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag is too large');
  if (first < 0x80) return slice(bytes, tag, 2, first);
  const size = first & 0x7f;
  if (size === 0) throw new DerError('indefinite length found (not DER)');
  if (size > 4 || bytes.length < 2 + size) throw new DerError('a length is too large');
  return slice(bytes, tag, 2 + size, bytes.readUIntBE(2, size));
}

function slice(bytes: Buffer, tag: number, head: number, length: number): Der {
  if (head + length > bytes.length) throw new DerError('the data is truncated');
  return { tag, content: bytes.subarray(head, head + length), raw: bytes.subarray(0, head + length) };
}

/** The one element that the bytes hold; throws DerError when something follows it. */
export function onlyDer(bytes: Buffer): Der {
  const element = firstDer(bytes);
  if (element.raw.length !== bytes.length) throw new DerError('trailing data found');
  return element;
}

/** The elements inside one. */
export function childrenOf({ content }: Der): readonly Der[] {
  const children: Der[] = [];
  for (let rest = content; rest.length > 0; ) {
    const child = firstDer(rest);
    children.push(child);
    rest = rest.subarray(child.raw.length);
  }
  return children;
}

/** The element, when its tag is the one expected; throws DerError otherwise. */
export function expected(element: Der | undefined, tag: number): Der {
  if (element?.tag !== tag) throw new DerError('an element is missing or has another type');
  return element;
}

/** A dotted object identifier. */
export function oidOf(element: Der | undefined): string {
  const { content } = expected(element, tags.oid);
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join('.');
}

/** A small integer (a version, a number of iterations); throws DerError when it is negative or past 2^31. */
export function smallInteger(element: Der | undefined): number {
  const { content } = expected(element, tags.integer);
  const value = BigInt(`0x${content.toString('hex') || '0'}`);
  if (value > 0x7fffffffn || ((content[0] ?? 0) & 0x80) !== 0) throw new DerError('an integer is too large');
  return Number(value);
}

export function derOf(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

export function sequenceOf(...parts: readonly Uint8Array[]): Buffer {
  return derOf(tags.sequence, ...parts);
}

/** A non-negative integer, from a number or its big endian bytes. */
export function integerDer(value: number | Uint8Array): Buffer {
  const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(value).toString('hex');
  const even = hex.padStart(hex.length + (hex.length % 2), '0').replace(/^(00)+(?=..)/, '');
  const bytes = Buffer.from(even, 'hex');
  return derOf(tags.integer, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function octetsDer(...parts: readonly Uint8Array[]): Buffer {
  return derOf(tags.octetString, ...parts);
}

export function oidDer(dotted: string): Buffer {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return derOf(tags.oid, Buffer.from([root * 40 + second, ...rest].flatMap(base128)));
}

function base128(number: number): number[] {
  const bytes = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift((rest % 128) | 0x80);
  return bytes;
}

export const nullDer: Buffer = derOf(tags.null);
