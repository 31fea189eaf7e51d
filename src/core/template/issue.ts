// Makes X.509 certificates with the fields that Go's x509.CreateCertificate writes for Sprig's templates.
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  childrenOf,
  contextTag,
  derOf,
  expected,
  integerDer,
  nullDer,
  octetsDer,
  oidDer,
  onlyDer,
  sequenceOf,
  tags,
} from './der.ts';
import { fault } from './functions/define.ts';
import { type Bytes, bufferOf, textOf } from './text.ts';
import { formatTime, timeOfMs } from './time.ts';
import type { Certificate } from './x509.ts';

export interface Request {
  readonly commonName: Bytes;
  readonly dns: readonly Bytes[];
  /** 4 or 16 bytes each. */
  readonly ips: readonly Buffer[];
  readonly isAuthority: boolean;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** 16 random bytes. */
  readonly serial: Uint8Array;
}

export interface Issuer {
  readonly certificate: Certificate | undefined;
  readonly key: KeyObject;
}

/** DER of a certificate for the key, signed by the issuer's; a request without a certificate signs itself. */
export function issueCertificate(request: Request, key: KeyObject, issuer: Issuer): Buffer {
  const subject = nameOf(request.commonName);
  const issuerName = issuer.certificate?.subject ?? subject;
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const authority = issuerName.equals(subject) ? undefined : issuer.certificate?.subjectKeyId;
  const { algorithm, hash } = signatureOf(issuer.key);
  const body = sequenceOf(
    derOf(contextTag(0), integerDer(2)),
    integerDer(request.serial),
    algorithm,
    issuerName,
    sequenceOf(timeDer(request.notBeforeMs), timeDer(request.notAfterMs)),
    subject,
    publicKey,
    derOf(contextTag(3), sequenceOf(...extensionsOf(request, publicKey, authority))),
  );
  const signature = sign(hash, body, issuer.key);
  return sequenceOf(body, algorithm, bitsDer(signature));
}

function bitsDer(bytes: Uint8Array, unused = 0): Buffer {
  return derOf(tags.bitString, Buffer.from([unused]), bytes);
}

function nameOf(commonName: Bytes): Buffer {
  if (commonName === '') return sequenceOf();
  const isPrintable = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/.test(commonName);
  const value = derOf(isPrintable ? tags.printable : tags.utf8, bufferOf(commonName));
  return sequenceOf(derOf(tags.set, sequenceOf(oidDer('2.5.4.3'), value)));
}

/** Two digits of the year up to 2049, four after it. */
function timeDer(ms: number): Buffer {
  const time = timeOfMs(ms);
  const year = Number(formatTime(time, '2006'));
  if (!(year >= 0 && year <= 9999)) {
    throw fault('error creating certificate: x509: cannot create certificate with a date past the year 9999');
  }
  const isShort = year >= 1950 && year < 2050;
  const text = formatTime(time, isShort ? '060102150405Z' : '20060102150405Z');
  return derOf(isShort ? tags.utcTime : tags.generalizedTime, Buffer.from(text));
}

function signatureOf(key: KeyObject): { readonly algorithm: Buffer; readonly hash: string | null } {
  if (key.asymmetricKeyType === 'rsa')
    return { algorithm: sequenceOf(oidDer('1.2.840.113549.1.1.11'), nullDer), hash: 'sha256' };
  if (key.asymmetricKeyType === 'ed25519') return { algorithm: sequenceOf(oidDer('1.3.101.112')), hash: null };
  const found = ecdsaByCurve[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (found !== undefined) return { algorithm: sequenceOf(oidDer(found.oid)), hash: found.hash };
  throw fault('error creating certificate: x509: only RSA, ECDSA and Ed25519 keys supported');
}

const ecdsaByCurve: Readonly<Record<string, { readonly oid: string; readonly hash: string }>> = {
  secp224r1: { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  prime256v1: { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  secp384r1: { oid: '1.2.840.10045.4.3.3', hash: 'sha384' },
  secp521r1: { oid: '1.2.840.10045.4.3.4', hash: 'sha512' },
};

const critical = derOf(tags.boolean, Buffer.from([0xff]));

function extensionsOf(request: Request, publicKey: Buffer, authorityKeyId: Buffer | undefined): readonly Buffer[] {
  const { isAuthority, dns, ips, commonName } = request;
  const extension = (oid: string, value: Buffer, isCritical = false) =>
    sequenceOf(oidDer(oid), ...(isCritical ? [critical] : []), octetsDer(value));
  // digital signature and key encipherment; an authority signs certificates too
  const usage = isAuthority ? bitsDer(Buffer.from([0xa4]), 2) : bitsDer(Buffer.from([0xa0]), 5);
  const serverAndClient = sequenceOf(oidDer('1.3.6.1.5.5.7.3.1'), oidDer('1.3.6.1.5.5.7.3.2'));
  const extensions = [
    extension('2.5.29.15', usage, true),
    extension('2.5.29.37', serverAndClient),
    extension('2.5.29.19', isAuthority ? sequenceOf(critical) : sequenceOf(), true),
  ];
  if (isAuthority) extensions.push(extension('2.5.29.14', octetsDer(keyIdOf(publicKey))));
  if (authorityKeyId !== undefined) {
    extensions.push(extension('2.5.29.35', sequenceOf(derOf(contextTag(0, 'primitive'), authorityKeyId))));
  }
  const names = [
    ...dns.map((name) => derOf(contextTag(2, 'primitive'), ia5(name))),
    ...ips.map((ip) => derOf(contextTag(7, 'primitive'), ip)),
  ];
  if (names.length > 0) extensions.push(extension('2.5.29.17', sequenceOf(...names), commonName === ''));
  return extensions;
}

function ia5(name: Bytes): Buffer {
  if (/[\u0080-\u00ff]/.test(name)) {
    throw fault(`error creating certificate: x509: ${JSON.stringify(textOf(name))} cannot be encoded as an IA5String`);
  }
  return bufferOf(name);
}

/** The first 160 bits of SHA-256 over the key's bits (RFC 7093, method 1), as Go does since 1.25. */
function keyIdOf(publicKey: Buffer): Buffer {
  const [, bits] = childrenOf(onlyDer(publicKey));
  return createHash('sha256').update(expected(bits, tags.bitString).content.subarray(1)).digest().subarray(0, 20);
}
