// Certificates for servers in tests: a certificate authority and what it issues, made in memory with Node's own crypto.
// Knows just enough DER (X.690) to write X.509 v3 certificates (RFC 5280) with P-256 keys; signing is node:crypto's.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A private key with its certificate, both PEM; `certPem` is the leaf alone. */
export interface IssuedCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

/** An authority that can issue. `certPem` is what a client must trust. */
export interface CertificateAuthority extends IssuedCertificate {
  readonly name: string;
  readonly key: KeyObject;
  /** SHA-1 of the public key: the key identifier that issued certificates point to. */
  readonly keyId: Buffer;
}

export interface Validity {
  /** Epoch ms; an hour ago when absent. */
  readonly validFromMs?: number;
  /** Epoch ms; ten years ahead when absent. In the past, it gives an expired certificate. */
  readonly validToMs?: number;
}

export interface IssueOptions extends Validity {
  /** DNS names and IP addresses for the subject alternative name; a wrong name here makes a mismatch. */
  readonly names: readonly string[];
}

const hourMs = 3_600_000;
const tenYearsMs = 10 * 365 * 24 * hourMs;

/** A self-signed authority called `name`. */
export function createCa(name: string, validity: Validity = {}): CertificateAuthority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = keyIdentifier(publicKey);
  const extensions = [
    extension(oids.basicConstraints, true, sequence(tlv(0x01, Buffer.from([0xff])))),
    extension(oids.keyUsage, true, bits(0x06, 1)), // keyCertSign and cRLSign
    extension(oids.subjectKeyIdentifier, false, octets(keyId)),
  ];
  const certPem = certificate({
    issuer: name,
    subject: name,
    subjectKey: publicKey,
    signer: privateKey,
    extensions,
    validity,
  });
  return { name, key: privateKey, keyId, keyPem: pem(privateKey), certPem };
}

/** A server certificate for `names`, signed by `ca`. */
export function issue(ca: CertificateAuthority, options: IssueOptions): IssuedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension(oids.basicConstraints, true, sequence()),
    extension(oids.keyUsage, true, bits(0x80, 7)), // digitalSignature
    extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuth), oid(oids.clientAuth))),
    extension(oids.authorityKeyIdentifier, false, sequence(tlv(0x80, ca.keyId))),
    extension(oids.subjectAltName, false, sequence(...options.names.map(alternativeName))),
  ];
  const subject = options.names[0] ?? 'unnamed';
  const certPem = certificate({
    issuer: ca.name,
    subject,
    subjectKey: publicKey,
    signer: ca.key,
    extensions,
    validity: options,
  });
  return { keyPem: pem(privateKey), certPem };
}

const oids = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
};

interface CertificateParts {
  readonly issuer: string;
  readonly subject: string;
  readonly subjectKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly validity: Validity;
}

function certificate({ issuer, subject, subjectKey, signer, extensions, validity }: CertificateParts): string {
  const nowMs = Date.now();
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const toBeSigned = sequence(
    tlv(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer),
    sequence(time(validity.validFromMs ?? nowMs - hourMs), time(validity.validToMs ?? nowMs + tenYearsMs)),
    distinguishedName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const der = sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, signer), 0));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** SHA-1 over the key bits alone, which for P-256 are the last 65 bytes of the SPKI (RFC 5280, 4.2.1.2). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1').update(spki.subarray(-65)).digest();
}

function tlv(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(count: number): Buffer {
  if (count < 0x80) return Buffer.from([count]);
  const bytes: number[] = [];
  for (let rest = count; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

/** `bytes` must not start with a set top bit, or the number would be negative. */
function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function octets(content: Buffer): Buffer {
  return tlv(0x04, content);
}

function bits(content: Buffer | number, unusedBits: number): Buffer {
  const bytes = typeof content === 'number' ? Buffer.from([content]) : content;
  return tlv(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) bytes.push(...base128(arc));
  return tlv(0x06, Buffer.from(bytes));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

/** UTCTime before the year 2050, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return digits < '2050' ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid(oids.commonName), tlv(0x0c, Buffer.from(commonName)))));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tlv(0x01, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, tlv(0x04, value));
}

function alternativeName(name: string): Buffer {
  const version = isIP(name);
  if (version === 0) return tlv(0x82, Buffer.from(name));
  return tlv(0x87, version === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const bytes = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
  return Buffer.from(bytes.flatMap((group) => [group >> 8, group & 0xff]));
}
