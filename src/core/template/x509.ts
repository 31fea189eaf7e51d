// What templates need of X.509 certificates: names, key identifiers, alternative names; and PEM of many certificates.
import { X509Certificate } from 'node:crypto';
import { childrenOf, contextTag, type Der, DerError, expected, firstDer, oidOf, onlyDer, tags } from './der.ts';
import { type Bytes, bytesOfBuffer } from './text.ts';

export interface Certificate {
  readonly raw: Buffer;
  /** The DER of the names, as they are compared. */
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly subjectKeyId: Buffer | undefined;
  readonly authorityKeyId: Buffer | undefined;
  readonly alternativeNames: AlternativeNames;
}

/** The alternative names that Go reads, each list in the order of the certificate. */
export interface AlternativeNames {
  readonly dns: readonly Bytes[];
  readonly emails: readonly Bytes[];
  readonly uris: readonly Bytes[];
  readonly ips: readonly Bytes[];
}

const subjectKeyIdOid = '2.5.29.14';
const alternativeNamesOid = '2.5.29.17';
const authorityKeyIdOid = '2.5.29.35';

/** Reads one certificate; throws DerError when it is none. */
export function parseCertificate(der: Buffer): Certificate {
  checkReadable(der);
  const [body] = childrenOf(expected(onlyDer(der), tags.sequence));
  const fields = childrenOf(expected(body, tags.sequence));
  const start = fields[0]?.tag === contextTag(0) ? 1 : 0; // the version
  const [, , issuer, , subject] = fields.slice(start);
  const extensions = extensionsOf(fields.find(({ tag }) => tag === contextTag(3)));
  const subjectKeyId = extensions.get(subjectKeyIdOid);
  const authority = extensions.get(authorityKeyIdOid);
  const names = extensions.get(alternativeNamesOid);
  return {
    raw: der,
    subject: expected(subject, tags.sequence).raw,
    issuer: expected(issuer, tags.sequence).raw,
    subjectKeyId: subjectKeyId && expected(onlyDer(subjectKeyId), tags.octetString).content,
    authorityKeyId:
      authority && childrenOf(onlyDer(authority)).find(({ tag }) => tag === contextTag(0, 'primitive'))?.content,
    alternativeNames: alternativeNamesOf(names),
  };
}

/** Certificates one after the other. */
export function parseCertificates(der: Buffer): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (let rest = der; rest.length > 0; ) {
    const { raw } = firstDer(rest);
    certificates.push(parseCertificate(raw));
    rest = rest.subarray(raw.length);
  }
  return certificates;
}

function checkReadable(der: Buffer): void {
  try {
    new X509Certificate(der);
  } catch {
    throw new DerError('x509: malformed certificate');
  }
}

function extensionsOf(element: Der | undefined): ReadonlyMap<string, Buffer> {
  const extensions = new Map<string, Buffer>();
  if (element === undefined) return extensions;
  for (const extension of childrenOf(onlyDer(element.content))) {
    const parts = childrenOf(extension);
    extensions.set(oidOf(parts[0]), expected(parts.at(-1), tags.octetString).content);
  }
  return extensions;
}

function alternativeNamesOf(der: Buffer | undefined): AlternativeNames {
  const names = der === undefined ? [] : childrenOf(expected(onlyDer(der), tags.sequence));
  const texts = (number: number) =>
    names.filter(({ tag }) => tag === contextTag(number, 'primitive')).map(({ content }) => bytesOfBuffer(content));
  const addresses = names.filter(({ tag }) => tag === contextTag(7, 'primitive'));
  return { emails: texts(1), dns: texts(2), uris: texts(6), ips: addresses.map(({ content }) => ipText(content)) };
}

/** net.IP.String: IPv6 with its longest run of zeros left out. */
function ipText(bytes: Buffer): Bytes {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new DerError('x509: cannot parse IP address');
  const isMapped = bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex'));
  if (isMapped) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(':');
  return `${groups.slice(0, zeros.start).join(':')}::${groups.slice(zeros.start + zeros.length).join(':')}`;
}

function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === '0') end += 1;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

/** The certificates from the leaf to the root, by their key identifiers; or what is wrong: more than one leaf, or none. */
export function orderedChain(certificates: readonly Certificate[]): readonly Certificate[] | string {
  const idOf = (id: Buffer | undefined) => id?.toString('latin1') ?? '';
  const byKeyId = Map.groupBy(certificates, ({ subjectKeyId }) => idOf(subjectKeyId));
  const issuerOf = (child: Certificate) =>
    child.authorityKeyId && byKeyId.get(idOf(child.authorityKeyId))?.find((other) => other !== child);
  const parentOf = new Map(certificates.map((child) => [child, issuerOf(child)]));
  const parents = new Set(parentOf.values());
  const [leaf, ...more] = certificates.filter((certificate) => !parents.has(certificate));
  if (more.length > 0) return 'found multiple leaf or disjunct certificates';
  if (leaf === undefined) return 'no leaf certificate found';
  const chain: Certificate[] = [];
  for (let next: Certificate | undefined = leaf; next !== undefined; next = parentOf.get(next)) {
    if (chain.length === certificates.length) return 'constructed chain is cyclic';
    chain.push(next);
  }
  return chain;
}

/** Attributes that have a short name, in the order in which Go's pkix.Name writes them. */
const attributeNames: readonly (readonly [oid: string, name: string])[] = [
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.3', 'CN'],
  ['2.5.4.17', 'POSTALCODE'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.7', 'L'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.10', 'O'],
  ['2.5.4.6', 'C'],
];

/** A name as pkix.Name.String writes it: RFC 2253, values of one attribute joined by `+`. */
export function nameText(name: Buffer): string {
  const attributes = childrenOf(onlyDer(name)).flatMap(childrenOf).map(childrenOf);
  const known = attributeNames.flatMap(([oid, short]) => {
    const values = attributes.filter(([type]) => oidOf(type) === oid).map(([, value]) => stringOf(value));
    return values.length === 0 ? [] : [values.map((value) => `${short}=${escaped(value)}`).join('+')];
  });
  return known.join(',');
}

function stringOf(value: Der | undefined): string {
  if (value === undefined) return '';
  return value.tag === tags.bmp
    ? Buffer.from(value.content).swap16().toString('utf16le')
    : value.content.toString('utf8');
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&');
}
