// PKCS#12 (RFC 7292), as far as software.sslmate.com/src/go-pkcs12 reads and writes it: a key with its certificates, or the
// certificates that Java trusts. Ciphers stand in pbe.ts.
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import {
  childrenOf,
  contextTag,
  type Der,
  DerError,
  derOf,
  expected,
  integerDer,
  nullDer,
  octetsDer,
  oidDer,
  oidOf,
  onlyDer,
  sequenceOf,
  smallInteger,
  tags,
} from './der.ts';
import { keyOf } from './keys.ts';
import {
  bmpPassword,
  decryptWith,
  derivePkcs12Key,
  encryptWith,
  hashNames,
  macWithPbmac1,
  type Password,
  pbmac1,
} from './pbe.ts';
import { type Certificate, nameText, parseCertificates } from './x509.ts';

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  javaTrust: '2.16.840.1.113894.746875.1.1',
  anyUsage: '2.5.29.37.0',
  sha256: '2.16.840.1.101.3.4.2.1',
};

export interface KeyStore {
  readonly key: KeyObject;
  /** The first certificate in the file, and those that follow. */
  readonly certificate: Certificate;
  readonly others: readonly Certificate[];
}

/** Opens a key store; throws DerError, whose message says why in go-pkcs12's words where it has some. */
export function openKeyStore(file: Buffer, password: string): KeyStore {
  const { contents, password: right } = authenticated(file, bmpPassword(password));
  const certificates: Certificate[] = [];
  const keys: Buffer[] = [];
  for (const bag of contents.flatMap((content) => childrenOf(onlyDer(contentOf(content, right))))) {
    const [id, value] = childrenOf(expected(bag, tags.sequence));
    const inner = expected(value, contextTag(0)).content;
    const type = oidOf(id);
    if (type === oids.certBag) certificates.push(certificateIn(inner));
    else if (type === oids.keyBag) keys.push(inner);
    else if (type === oids.shroudedKeyBag) keys.push(shroudedKey(inner, right));
    if (keys.length > 1) throw new DerError('pkcs12: expected exactly one key bag');
  }
  const [certificate, ...others] = certificates;
  const [key] = keys;
  if (certificate === undefined) throw new DerError('pkcs12: certificate missing');
  if (key === undefined) throw new DerError('pkcs12: private key missing');
  return { key: keyOf(key, 'pkcs8'), certificate, others };
}

/** The contents of the file, once its MAC has shown that the password is right. */
function authenticated(
  file: Buffer,
  password: Password,
): { readonly contents: readonly Der[]; readonly password: Password } {
  const [version, safe, mac] = childrenOf(expected(onlyDer(file), tags.sequence));
  if (smallInteger(version) !== 3) throw new DerError("pkcs12: can only decode v3 PFX PDU's");
  const [type, wrapped] = childrenOf(expected(safe, tags.sequence));
  if (oidOf(type) !== oids.data) throw new DerError('pkcs12: only password-protected PFX is implemented');
  const data = expected(onlyDer(expected(wrapped, contextTag(0)).content), tags.octetString).content;
  const right = checkedPassword(mac, data, password);
  const contents = childrenOf(expected(onlyDer(data), tags.sequence));
  if (contents.length < 1 || contents.length > 2) {
    const count = contents.length;
    throw new DerError(`pkcs12: expected between 1 and 2 items in the authenticated safe, but this file has ${count}`);
  }
  return { contents, password: right };
}

/** Some tools take no password for no bytes at all, others for an empty text: both are tried. */
function checkedPassword(mac: Der | undefined, data: Buffer, password: Password): Password {
  const isEmpty = password.text === '';
  if (mac === undefined) {
    if (!isEmpty) throw new DerError('pkcs12: no MAC in data');
    return password;
  }
  if (isMacRight(mac, data, password)) return password;
  const bare = { text: '', bmp: Buffer.alloc(0) };
  if (isEmpty && isMacRight(mac, data, bare)) return bare;
  throw new DerError('pkcs12: decryption password incorrect');
}

function isMacRight(macData: Der, data: Buffer, password: Password): boolean {
  const [info, salt, iterations] = childrenOf(expected(macData, tags.sequence));
  const [algorithm, digest] = childrenOf(expected(info, tags.sequence));
  const [name, parameters] = childrenOf(expected(algorithm, tags.sequence));
  const wanted = expected(digest, tags.octetString).content;
  const id = oidOf(name);
  const found =
    id === pbmac1
      ? macWithPbmac1(parameters, data, password)
      : macOf(id, expected(salt, tags.octetString).content, iterations ? smallInteger(iterations) : 1, data, password);
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

function macOf(hashOid: string, salt: Buffer, iterations: number, data: Buffer, password: Password): Buffer {
  const hash = hashNames.get(hashOid);
  if (hash === undefined) throw new DerError(`pkcs12: MAC digest algorithm not supported: ${hashOid}`);
  const key = derivePkcs12Key({ hash: hash.name, salt, iterations, purpose: 3, size: hash.size }, password);
  return createHmac(hash.name, key).update(data).digest();
}

function contentOf(content: Der, password: Password): Buffer {
  const [type, wrapped] = childrenOf(expected(content, tags.sequence));
  const inner = onlyDer(expected(wrapped, contextTag(0)).content);
  const id = oidOf(type);
  if (id === oids.data) return expected(inner, tags.octetString).content;
  if (id !== oids.encryptedData) {
    throw new DerError('pkcs12: only data and encryptedData content types are supported in authenticated safe');
  }
  const [version, info] = childrenOf(expected(inner, tags.sequence));
  if (smallInteger(version) !== 0) throw new DerError('pkcs12: only version 0 of EncryptedData is supported');
  const [, algorithm, encrypted] = childrenOf(expected(info, tags.sequence));
  return decryptWith(algorithm, expected(encrypted, contextTag(0, 'primitive')).content, password);
}

function certificateIn(bag: Buffer): Certificate {
  const [type, value] = childrenOf(expected(onlyDer(bag), tags.sequence));
  if (oidOf(type) !== oids.x509) throw new DerError('pkcs12: only X509 certificates are supported in cert bags');
  const data = expected(onlyDer(expected(value, contextTag(0)).content), tags.octetString).content;
  const [certificate, ...more] = parseCertificates(data);
  if (certificate === undefined || more.length > 0) {
    throw new DerError('pkcs12: expected exactly one certificate in the certBag');
  }
  return certificate;
}

function shroudedKey(bag: Buffer, password: Password): Buffer {
  const [algorithm, encrypted] = childrenOf(expected(onlyDer(bag), tags.sequence));
  return decryptWith(algorithm, expected(encrypted, tags.octetString).content, password);
}

type RandomBytes = (size: number) => Uint8Array;

/** A key store with AES-256, PBKDF2 and a MAC of SHA-256 (go-pkcs12's Modern). `keyId` is SHA-1 of the certificate. */
export function writeKeyStore(
  store: KeyStore & { readonly keyId: Buffer },
  password: string,
  random: RandomBytes,
): Buffer {
  const bmp = bmpPassword(password);
  const keyId = attribute(oids.localKeyId, octetsDer(store.keyId));
  const pkcs8 = store.key.export({ type: 'pkcs8', format: 'der' });
  const { algorithm, encrypted } = encryptWith(pkcs8, bmp, random);
  const keyBag = bagOf(oids.shroudedKeyBag, sequenceOf(algorithm, octetsDer(encrypted)), [keyId]);
  const certificates = [
    certificateBag(store.certificate, [keyId]),
    ...store.others.map((other) => certificateBag(other, [])),
  ];
  return sealed(
    [encryptedContent(sequenceOf(...certificates), bmp, random), plainContent(sequenceOf(keyBag))],
    bmp,
    random,
  );
}

/** A trust store as Java reads it: each certificate under the text of its subject. */
export function writeTrustStore(certificates: readonly Certificate[], password: string, random: RandomBytes): Buffer {
  const bmp = bmpPassword(password);
  const bags = certificates.map((certificate) => {
    const name = attribute(oids.friendlyName, derOf(tags.bmp, bmpText(nameText(certificate.subject))));
    return certificateBag(certificate, [name, attribute(oids.javaTrust, oidDer(oids.anyUsage))]);
  });
  return sealed([encryptedContent(sequenceOf(...bags), bmp, random)], bmp, random);
}

function bmpText(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

function attribute(oid: string, value: Buffer): Buffer {
  return sequenceOf(oidDer(oid), derOf(tags.set, value));
}

function bagOf(oid: string, value: Buffer, attributes: readonly Buffer[]): Buffer {
  const parts = [oidDer(oid), derOf(contextTag(0), value)];
  if (attributes.length > 0) parts.push(derOf(tags.set, ...[...attributes].sort(Buffer.compare)));
  return sequenceOf(...parts);
}

function certificateBag(certificate: Certificate, attributes: readonly Buffer[]): Buffer {
  const value = sequenceOf(oidDer(oids.x509), derOf(contextTag(0), octetsDer(certificate.raw)));
  return bagOf(oids.certBag, value, attributes);
}

function plainContent(contents: Buffer): Buffer {
  return sequenceOf(oidDer(oids.data), derOf(contextTag(0), octetsDer(contents)));
}

function encryptedContent(contents: Buffer, password: Password, random: RandomBytes): Buffer {
  const { algorithm, encrypted } = encryptWith(contents, password, random);
  const info = sequenceOf(oidDer(oids.data), algorithm, derOf(contextTag(0, 'primitive'), encrypted));
  return sequenceOf(oidDer(oids.encryptedData), derOf(contextTag(0), sequenceOf(integerDer(0), info)));
}

const macIterations = 2048;

function sealed(contents: readonly Buffer[], password: Password, random: RandomBytes): Buffer {
  const data = sequenceOf(...contents);
  const salt = Buffer.from(random(16));
  const mac = macOf(oids.sha256, salt, macIterations, data, password);
  const digest = sequenceOf(sequenceOf(oidDer(oids.sha256), nullDer), octetsDer(mac));
  return sequenceOf(integerDer(3), plainContent(data), sequenceOf(digest, octetsDer(salt), integerDer(macIterations)));
}
