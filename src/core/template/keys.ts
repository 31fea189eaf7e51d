// Private keys as Sprig reads and writes them: the PEM type says the form (PKCS#1, SEC 1, DSA's own, else PKCS#8).
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  childrenOf,
  DerError,
  expected,
  integerDer,
  octetsDer,
  oidDer,
  onlyDer,
  sequenceOf,
  smallInteger,
  tags,
} from './der.ts';
import { fault } from './functions/define.ts';
import { decodePem, encodePem } from './pem.ts';
import type { Bytes } from './text.ts';

const oidDsa = '1.2.840.10040.4.1';

/** A new private key of Sprig's types; undefined for a type that it does not know. It may take seconds (rsa, dsa). */
export function newPrivateKey(type: Bytes): { readonly pem: Bytes } | undefined {
  const key = generate(type);
  return key === undefined ? undefined : { pem: pemOfKey(key) };
}

function generate(type: Bytes): KeyObject | undefined {
  if (type === '' || type === 'rsa') return newRsaKey(4096);
  if (type === 'dsa') return generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey;
  if (type === 'ecdsa') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  return type === 'ed25519' ? generateKeyPairSync('ed25519').privateKey : undefined;
}

export function newRsaKey(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

/** The key in the PEM that Sprig writes for its type. */
export function pemOfKey(key: KeyObject): Bytes {
  if (key.asymmetricKeyType === 'rsa')
    return encodePem('RSA PRIVATE KEY', key.export({ type: 'pkcs1', format: 'der' }));
  if (key.asymmetricKeyType === 'ec') return encodePem('EC PRIVATE KEY', key.export({ type: 'sec1', format: 'der' }));
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  return key.asymmetricKeyType === 'dsa'
    ? encodePem('DSA PRIVATE KEY', dsaForm(pkcs8))
    : encodePem('PRIVATE KEY', pkcs8);
}

/** The private key in the first PEM block; throws FunctionFault. What Go's parser said is not repeated word by word. */
export function parsePrivateKeyPem(pem: Bytes): KeyObject {
  const block = decodePem(pem)?.block;
  if (block === undefined) throw fault('no PEM data in input');
  const { type, bytes } = block;
  if (type === 'PRIVATE KEY') return readKey(() => keyOf(bytes, 'pkcs8'), 'decoding PEM as PKCS#8');
  if (!type.endsWith(' PRIVATE KEY')) throw fault(`no private key data in PEM block of type ${type}`);
  const kind = type.slice(0, -' PRIVATE KEY'.length);
  if (kind === 'RSA') return readKey(() => keyOf(bytes, 'pkcs1'), 'parsing RSA private key from PEM');
  if (kind === 'EC') return readKey(() => keyOf(bytes, 'sec1'), 'parsing EC private key from PEM');
  if (kind === 'DSA') return readKey(() => keyOf(pkcs8OfDsa(bytes), 'pkcs8'), 'parsing DSA private key from PEM');
  throw fault(`invalid private key type ${kind}`);
}

/** A private key from DER; throws when it is none. */
export function keyOf(der: Buffer, type: 'pkcs1' | 'pkcs8' | 'sec1'): KeyObject {
  return createPrivateKey({ key: der, format: 'der', type });
}

function readKey(read: () => KeyObject, doing: string): KeyObject {
  try {
    return read();
  } catch {
    throw fault(`${doing}: the key is malformed or of an unknown type`);
  }
}

/** Version, p, q, g, y, x. */
function dsaForm(pkcs8: Buffer): Buffer {
  const [, algorithm, secret] = childrenOf(onlyDer(pkcs8));
  const [p, q, g] = childrenOf(expected(childrenOf(expected(algorithm, tags.sequence))[1], tags.sequence));
  const x = onlyDer(expected(secret, tags.octetString).content);
  if (p === undefined || q === undefined || g === undefined) throw new DerError('DSA parameters are missing');
  const y = power(numberOf(g.content), numberOf(x.content), numberOf(p.content));
  return sequenceOf(integerDer(0), p.raw, q.raw, g.raw, integerDer(Buffer.from(evenHex(y), 'hex')), x.raw);
}

function pkcs8OfDsa(der: Buffer): Buffer {
  const [version, p, q, g, , x] = childrenOf(expected(onlyDer(der), tags.sequence));
  smallInteger(version);
  if (p === undefined || q === undefined || g === undefined || x === undefined) throw new DerError('parts are missing');
  const algorithm = sequenceOf(oidDer(oidDsa), sequenceOf(p.raw, q.raw, g.raw));
  return sequenceOf(integerDer(0), algorithm, octetsDer(x.raw));
}

function numberOf(content: Buffer): bigint {
  return BigInt(`0x${content.toString('hex')}`);
}

function evenHex(value: bigint): string {
  const hex = value.toString(16);
  return hex.padStart(hex.length + (hex.length % 2), '0');
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
