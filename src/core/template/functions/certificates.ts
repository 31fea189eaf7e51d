// ESO's functions for key stores, PEM and JWK, and Sprig's new certificates.
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto';
import { decodeStdBase64, encodeStdBase64 } from '../base64.ts';
import { DerError } from '../der.ts';
import { FunctionFault, hidden } from '../errors.ts';
import { show } from '../format.ts';
import { parseIp } from '../ip.ts';
import { type Issuer, issueCertificate, type Request } from '../issue.ts';
import { keyOf, newRsaKey, parsePrivateKeyPem, pemOfKey } from '../keys.ts';
import type { Budget } from '../limits.ts';
import { decodePem, encodePem } from '../pem.ts';
import { type KeyStore, openKeyStore, writeKeyStore, writeTrustStore } from '../pkcs12.ts';
import { type Bytes, bufferOf, bytesOfBuffer, textOf } from '../text.ts';
import { List, Struct, type Value } from '../values.ts';
import { type Certificate, orderedChain, parseCertificate } from '../x509.ts';
import { type CallContext, define, fault, type TemplateFunction } from './define.ts';

const nilPointer = 'runtime error: invalid memory address or nil pointer dereference';
const isRandom = { isVolatile: true };
const issues = { isVolatile: true, makesCertificate: true };

export const certificateFunctions: readonly TemplateFunction[] = [
  define('pkcs12key', ['string'], 'the private key of a PKCS#12 file, in PKCS#8 PEM', ([file], context) =>
    keyIn(keyStore(file, '', context)),
  ),
  define('pkcs12keyPass', ['string', 'string'], 'pkcs12key with a password first', ([password, file], context) =>
    keyIn(keyStore(file, password, context)),
  ),
  define('pkcs12cert', ['string'], 'the certificates of a PKCS#12 file in PEM, leaf first', ([file], context) =>
    certificatesIn(keyStore(file, '', context)),
  ),
  define('pkcs12certPass', ['string', 'string'], 'pkcs12cert with a password first', ([password, file], context) =>
    certificatesIn(keyStore(file, password, context)),
  ),
  define(
    'pemToPkcs12',
    ['string', 'string'],
    'a PKCS#12 file in base64: certificate, key',
    ([certificate, key], context) => keyStoreOf({ certificate, key, password: '', takesChain: false }, context),
    isRandom,
  ),
  define(
    'pemToPkcs12Pass',
    ['string', 'string', 'string'],
    'pemToPkcs12 with a password last',
    ([certificate, key, password], context) => keyStoreOf({ certificate, key, password, takesChain: false }, context),
    isRandom,
  ),
  define(
    'fullPemToPkcs12',
    ['string', 'string'],
    'pemToPkcs12 with the whole chain',
    ([certificate, key], context) => keyStoreOf({ certificate, key, password: '', takesChain: true }, context),
    isRandom,
  ),
  define(
    'fullPemToPkcs12Pass',
    ['string', 'string', 'string'],
    'fullPemToPkcs12 with a password last',
    ([certificate, key, password], context) => keyStoreOf({ certificate, key, password, takesChain: true }, context),
    isRandom,
  ),
  define(
    'pemTruststoreToPKCS12',
    ['string'],
    'a trust store for Java in base64',
    ([pem], context) => trustStoreOf(pem, '', context),
    isRandom,
  ),
  define(
    'pemTruststoreToPKCS12Pass',
    ['string', 'string'],
    'pemTruststoreToPKCS12 with a password last',
    ([pem, password], context) => trustStoreOf(pem, password, context),
    isRandom,
  ),
  define('filterPEM', ['string', 'string'], 'the PEM blocks of a type: type, text', ([type, pem], { budget }) => {
    budget.room(pem.length);
    return filterPem(type, pem);
  }),
  define(
    'filterCertChain',
    ['string', 'string'],
    'the leaf, intermediate or root certificates of a chain',
    ([part, pem], { budget }) => {
      budget.room(pem.length);
      return filterChain(part, chainOf(pem, budget));
    },
  ),
  define('certSANs', ['string'], 'alternative names of a certificate: DNS names, addresses, e-mails, URIs', ([pem]) => {
    const block = decodePem(pem)?.block;
    if (block === undefined) throw fault('failed to decode PEM block');
    const { dns, ips, emails, uris } = readCertificate(block.bytes, 'failed to parse certificate: ').alternativeNames;
    return new List([...dns, ...ips, ...emails, ...uris], 'string');
  }),
  define('jwkPublicKeyPem', ['string'], 'the public key of a JWK, in PEM', ([jwk]) =>
    encodePem(
      'PUBLIC KEY',
      fromJwk(jwk, (key) => createPublicKey({ key, format: 'jwk' })).export({ type: 'spki', format: 'der' }),
    ),
  ),
  define('jwkPrivateKeyPem', ['string'], 'the private key of a JWK, in PKCS#8 PEM', ([jwk]) =>
    pkcs8Pem(fromJwk(jwk, (key) => createPrivateKey({ key, format: 'jwk' }))),
  ),
  define(
    'rsaDecrypt',
    ['string', 'string', 'string', 'string'],
    'decrypts: scheme, hash, ciphertext, private key',
    ([scheme, hash, text, key]) => rsaDecrypt({ scheme, hash, text, key }),
  ),
  define(
    'genCA',
    ['string', 'int'],
    'a new certificate authority: common name, days',
    ([name, days], context) => {
      const key = newKey(context);
      return issued({ name, days, isAuthority: true }, key, { certificate: undefined, key }, context);
    },
    issues,
  ),
  define(
    'genCAWithKey',
    ['string', 'int', 'string'],
    'genCA for a key in PEM',
    ([name, days, pem], context) => {
      const key = givenKey(pem, context);
      return issued({ name, days, isAuthority: true }, key, { certificate: undefined, key }, context);
    },
    issues,
  ),
  define(
    'genSelfSignedCert',
    ['string', 'list', 'list', 'int'],
    'a new certificate: common name, addresses, DNS names, days',
    ([name, ips, dns, days], context) => {
      const key = newKey(context);
      return issued({ name, days, ips, dns }, key, { certificate: undefined, key }, context);
    },
    issues,
  ),
  define(
    'genSelfSignedCertWithKey',
    ['string', 'list', 'list', 'int', 'string'],
    'genSelfSignedCert for a key in PEM',
    ([name, ips, dns, days, pem], context) => {
      const key = givenKey(pem, context);
      return issued({ name, days, ips, dns }, key, { certificate: undefined, key }, context);
    },
    issues,
  ),
  define(
    'genSignedCert',
    ['string', 'list', 'list', 'int', 'certificate'],
    'genSelfSignedCert signed by an authority',
    ([name, ips, dns, days, authority], context) => {
      const key = newKey(context);
      return issued({ name, days, ips, dns }, key, issuerOf(authority), context);
    },
    issues,
  ),
  define(
    'genSignedCertWithKey',
    ['string', 'list', 'list', 'int', 'certificate', 'string'],
    'genSignedCert for a key in PEM',
    ([name, ips, dns, days, authority, pem], context) => {
      const key = givenKey(pem, context);
      return issued({ name, days, ips, dns }, key, issuerOf(authority), context);
    },
    issues,
  ),
  define(
    'buildCustomCert',
    ['string', 'string'],
    'a certificate and key in base64 of PEM, as genCA returns them',
    ([certificate, key]) => customCertificate(certificate, key),
  ),
];

/** What a reader of DER or of keys throws becomes an error of the function. */
function told<T>(prefix: string, body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    if (thrown instanceof FunctionFault) throw fault(prefix + thrown.message);
    if (thrown instanceof DerError) throw fault(prefix + thrown.message);
    if (isCryptoError(thrown)) throw fault(`${prefix}the key is malformed or of an unknown type`);
    throw thrown;
  }
}

/** OpenSSL's and Node's refusals; their texts may show what they were given. */
function isCryptoError(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown;
}

function keyStore(file: Bytes, password: Bytes, { budget }: CallContext): KeyStore {
  budget.keyOperation();
  return told('unable to decode pkcs12 with password: ', () => openKeyStore(bufferOf(file), textOf(password)));
}

function keyIn({ key }: KeyStore): Bytes {
  return pkcs8Pem(key);
}

function pkcs8Pem(key: KeyObject): Bytes {
  return encodePem('PRIVATE KEY', key.export({ type: 'pkcs8', format: 'der' }));
}

function certificatesIn({ certificate, others }: KeyStore): Bytes {
  const all = [certificate, ...others];
  const ordered = orderedChain(all);
  return pemOfCertificates(typeof ordered === 'string' ? all : ordered);
}

function pemOfCertificates(certificates: readonly Certificate[]): Bytes {
  return certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)).join('');
}

function readCertificate(der: Buffer, prefix = ''): Certificate {
  return told(prefix, () => parseCertificate(der));
}

interface KeyStoreParts {
  readonly certificate: Bytes;
  readonly key: Bytes;
  readonly password: Bytes;
  readonly takesChain: boolean;
}

function keyStoreOf(
  { certificate, key, password, takesChain }: KeyStoreParts,
  { budget, randomBytes }: CallContext,
): Bytes {
  budget.keyOperation();
  const [first, ...others] = strictCertificates(certificate, takesChain ? 'all' : 'first');
  const block = decodePem(key)?.block;
  if (first === undefined || block === undefined) throw fault(nilPointer);
  const store = {
    key: anyKey(block.bytes),
    certificate: first,
    others,
    keyId: createHash('sha1').update(first.raw).digest(),
  };
  return told('unable to encode pkcs12: ', () => encodeStdBase64(writeKeyStore(store, textOf(password), randomBytes)));
}

function trustStoreOf(pem: Bytes, password: Bytes, { budget, randomBytes }: CallContext): Bytes {
  budget.keyOperation();
  const certificates = strictCertificates(pem, 'all');
  return told('unable to encode pkcs12: ', () =>
    encodeStdBase64(writeTrustStore(certificates, textOf(password), randomBytes)),
  );
}

/** Text that is no block after a certificate is an error, as Go runs into a nil pointer there. */
function strictCertificates(pem: Bytes, which: 'first' | 'all'): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (let rest = pem; rest !== ''; ) {
    const found = decodePem(rest);
    if (found === undefined) throw fault(nilPointer);
    certificates.push(readCertificate(found.block.bytes));
    if (which === 'first') break;
    rest = found.rest;
  }
  return certificates;
}

/** A private key in any of the forms that Go knows. */
function anyKey(der: Buffer): KeyObject {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return keyOf(der, type);
    } catch {
      // the next form; when none fits, the error below says so
    }
  }
  throw fault('unable to parse private key: not PKCS#8, PKCS#1 or SEC 1');
}

function filterPem(type: Bytes, text: Bytes): Bytes {
  const wanted = type.toLowerCase();
  let blocks = '';
  let rest = text;
  for (;;) {
    const begin = rest.indexOf('-----BEGIN');
    const isGlued = begin > 0 && rest[begin - 1] !== '\n';
    const found = isGlued ? undefined : decodePem(rest);
    if (found === undefined) break;
    rest = found.rest;
    if (found.block.type.toLowerCase() === wanted) {
      blocks += encodePem(found.block.type, found.block.bytes, found.block.headers);
    }
  }
  if (blocks === '' && rest !== '') throw fault('error filtering pem: found junk');
  return blocks;
}

/** Steps that reading a certificate is worth. */
const certificateSteps = 200;

function chainOf(pem: Bytes, budget: Budget): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (let found = decodePem(pem); found !== undefined; found = decodePem(found.rest)) {
    budget.step(certificateSteps);
    certificates.push(readCertificate(found.block.bytes));
  }
  const ordered = orderedChain(certificates);
  if (typeof ordered === 'string') throw fault(ordered);
  return ordered;
}

function filterChain(part: Bytes, chain: readonly Certificate[]): Bytes {
  const first = chain.slice(0, 1);
  const last = chain.slice(-1);
  if (part === 'leaf') return pemOfCertificates(first.filter((certificate) => !isRoot(certificate)));
  if (part === 'root') return pemOfCertificates(last.filter(isRoot));
  if (part !== 'intermediate') return '';
  const root = chain.findIndex((certificate, index) => index > 0 && isRoot(certificate));
  return pemOfCertificates(chain.slice(1, root < 0 ? undefined : root));
}

function isRoot({ authorityKeyId, subjectKeyId }: Certificate): boolean {
  return authorityKeyId === undefined || authorityKeyId.equals(subjectKeyId ?? Buffer.alloc(0));
}

function fromJwk(jwk: Bytes, read: (key: JsonWebKey) => KeyObject): KeyObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(textOf(jwk));
  } catch {
    throw fault('failed to unmarshal JWK: it is no JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw fault('failed to unmarshal JWK: it is no object');
  const key = parsed; // Node checks each field of it
  return told('failed to parse JWK: ', () => read(key as JsonWebKey));
}

const oaepHashes: ReadonlyMap<Bytes, string> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
  ['SHA512', 'sha512'],
]);

interface Decryption {
  readonly scheme: Bytes;
  readonly hash: Bytes;
  readonly text: Bytes;
  readonly key: Bytes;
}

function rsaDecrypt({ scheme, hash, text, key }: Decryption): Bytes {
  if (scheme === 'None') return text;
  if (scheme !== 'RSA-OAEP') throw fault(`decryption scheme ${scheme} is not supported`);
  const block = decodePem(key)?.block;
  if (block === undefined) throw fault('failed to parse private key PEM');
  const privateKey = anyKey(block.bytes);
  if (privateKey.asymmetricKeyType !== 'rsa') throw fault('the private key is no RSA key');
  const oaepHash = oaepHashes.get(hash) ?? 'sha256';
  try {
    const options = { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
    return bytesOfBuffer(privateDecrypt(options, bufferOf(text)));
  } catch {
    throw fault('error decrypting data with RSA: crypto/rsa: decryption error');
  }
}

function newKey({ budget }: CallContext): KeyObject {
  budget.keyOperation();
  return newRsaKey(2048);
}

function givenKey(pem: Bytes, { budget }: CallContext): KeyObject {
  budget.keyOperation();
  return told('parsing private key: ', () => parsePrivateKeyPem(pem));
}

interface Wishes {
  readonly name: Bytes;
  readonly days: bigint;
  readonly ips?: List;
  readonly dns?: List;
  readonly isAuthority?: boolean;
}

const dayMs = 86_400_000;

function issued(wishes: Wishes, key: KeyObject, issuer: Issuer, { nowMs, randomBytes, budget }: CallContext): Struct {
  const { name, days, ips = new List([]), dns = new List([]), isAuthority = false } = wishes;
  const request: Request = {
    commonName: name,
    ips: ips.items.map(addressOf),
    dns: dns.items.map(dnsNameOf),
    isAuthority,
    notBeforeMs: nowMs,
    notAfterMs: nowMs + Number(days) * dayMs,
    serial: randomBytes(16),
  };
  budget.noteCertificate(request.notAfterMs - nowMs);
  const certificate = told('error creating certificate: ', () => issueCertificate(request, key, issuer));
  return certificateValue(encodePem('CERTIFICATE', certificate), pemOfKey(key));
}

function addressOf(value: Value): Buffer {
  if (typeof value !== 'string') throw fault(`error parsing ip: ${hidden(show(value))} is not a string`);
  const address = parseIp(value);
  if (address === undefined) throw fault(`error parsing ip: ${hidden(value)}`);
  return address;
}

function dnsNameOf(value: Value): Bytes {
  if (typeof value !== 'string')
    throw fault(`error processing alternate dns name: ${hidden(show(value))} is not a string`);
  return value;
}

/** Sprig's certificate: `.Cert` and `.Key`, both PEM. */
function certificateValue(certificate: Bytes, key: Bytes): Struct {
  return new Struct({
    type: 'sprig.certificate',
    fields: new Map([
      ['Cert', certificate],
      ['Key', key],
    ]),
    text: `{${certificate} ${key}}`,
  });
}

function field(value: Struct, name: Bytes): Bytes {
  const found = value.fields.get(name);
  return typeof found === 'string' ? found : '';
}

function issuerOf(authority: Struct): Issuer {
  const block = decodePem(field(authority, 'Cert'))?.block;
  if (block === undefined) throw fault('unable to decode certificate');
  return {
    certificate: readCertificate(block.bytes, 'error parsing certificate: decodedSignerCert.Bytes: '),
    key: told('error parsing private key: ', () => parsePrivateKeyPem(field(authority, 'Key'))),
  };
}

function customCertificate(certificate: Bytes, key: Bytes): Struct {
  const pem = decodeOr(certificate, 'unable to decode base64 certificate');
  const keyPem = decodeOr(key, 'unable to decode base64 private key');
  const block = decodePem(pem)?.block;
  if (block === undefined) throw fault('unable to decode certificate');
  readCertificate(block.bytes, 'error parsing certificate: decodedCert.Bytes: ');
  told('error parsing private key: ', () => parsePrivateKeyPem(keyPem));
  return certificateValue(pem, keyPem);
}

function decodeOr(text: Bytes, message: string): Bytes {
  try {
    return bytesOfBuffer(decodeStdBase64(text));
  } catch (thrown) {
    throw thrown instanceof FunctionFault ? fault(message) : thrown;
  }
}
