// Generator SSHKey: writes a key pair as OpenSSH does. The pair itself is made elsewhere, where waiting is allowed.
// Format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key and RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709.

import { OperatorError } from '../../base/operator-error.ts';
import type { SshKeySpec } from '../../crds/generators/ssh-key.ts';
import { SecretValue } from '../secret-value.ts';
import type { RandomBytes } from './random.ts';

/** Which key pair is to be made. */
export type KeyPairOrder =
  | { readonly type: 'rsa'; readonly bits: number }
  | { readonly type: 'ecdsa'; readonly bits: 256 | 384 | 521 }
  | { readonly type: 'ed25519' };

/** A private key as a JSON Web Key, members in base64url. */
export type PrivateJwk = Readonly<Record<string, unknown>>;

/** Smaller RSA keys are refused by OpenSSH itself. */
const rsaBits = { fewest: 2048, most: 8192 };
const longestComment = 1_024;

/** What the spec orders. Throws InvalidSpec for a size or comment that no such key has. */
export function keyPairOrder({ keyType, keySize, comment = '' }: SshKeySpec): KeyPairOrder {
  if (/[\r\n]/.test(comment) || comment.length > longestComment)
    throw new OperatorError('InvalidSpec', `spec.comment: must be one line of at most ${longestComment} characters`);
  if (keyType === 'ed25519') return { type: 'ed25519' };
  if (keyType === 'rsa') {
    const bits = keySize ?? rsaBits.fewest;
    if (bits < rsaBits.fewest || bits > rsaBits.most)
      throw new OperatorError('InvalidSpec', `spec.keySize: an rsa key has ${rsaBits.fewest} to ${rsaBits.most} bits`);
    return { type: 'rsa', bits };
  }
  const bits = keySize ?? 256;
  if (bits !== 256 && bits !== 384 && bits !== 521)
    throw new OperatorError('InvalidSpec', 'spec.keySize: an ecdsa key has 256, 384 or 521 bits');
  return { type: 'ecdsa', bits };
}

/** `privateKey` in OpenSSH's PEM, not encrypted, and `publicKey` as a line of authorized_keys. */
export function sshKeyValues(
  order: KeyPairOrder,
  jwk: PrivateJwk,
  { comment = '', random }: { readonly comment?: string | undefined; readonly random: RandomBytes },
): Map<string, SecretValue> {
  const { name, publicPart, privatePart } = partsOf(order, jwk);
  const blob = Buffer.concat([field(name), publicPart]);
  const check = Buffer.from(random(4));
  const secret = padded(Buffer.concat([check, check, field(name), privatePart, field(comment)]));
  const none = field('none');
  const count = Buffer.from([0, 0, 0, 1]);
  const magic = Buffer.from('openssh-key-v1\0');
  const whole = Buffer.concat([magic, none, none, field(''), count, field(blob), field(secret)]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  const pem = ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
  const line = [name, blob.toString('base64'), ...(comment === '' ? [] : [comment])].join(' ');
  return new Map([
    ['privateKey', new SecretValue(Buffer.from(pem))],
    ['publicKey', new SecretValue(Buffer.from(`${line}\n`))],
  ]);
}

interface Parts {
  readonly name: string;
  /** What follows the name in the public key. */
  readonly publicPart: Buffer;
  /** What stands between the name and the comment in the private one. */
  readonly privatePart: Buffer;
}

function partsOf(order: KeyPairOrder, jwk: PrivateJwk): Parts {
  const member = (name: string) => memberOf(jwk, name);
  const number = (name: string) => integerField(member(name));
  if (order.type === 'rsa') {
    const [n, e] = [number('n'), number('e')];
    return {
      name: 'ssh-rsa',
      publicPart: Buffer.concat([e, n]),
      privatePart: Buffer.concat([n, e, number('d'), number('qi'), number('p'), number('q')]),
    };
  }
  if (order.type === 'ed25519') {
    const pub = member('x');
    const publicPart = field(pub);
    return {
      name: 'ssh-ed25519',
      publicPart,
      privatePart: Buffer.concat([publicPart, field(Buffer.concat([member('d'), pub]))]),
    };
  }
  const curve = `nistp${order.bits}`;
  const bytes = Math.ceil(order.bits / 8);
  const coordinate = (name: string) => Buffer.concat([Buffer.alloc(bytes - member(name).length), member(name)]);
  const point = Buffer.concat([Buffer.from([4]), coordinate('x'), coordinate('y')]);
  const publicPart = Buffer.concat([field(curve), field(point)]);
  return { name: `ecdsa-sha2-${curve}`, publicPart, privatePart: Buffer.concat([publicPart, number('d')]) };
}

function memberOf(jwk: PrivateJwk, name: string): Buffer {
  const text = jwk[name];
  if (typeof text !== 'string') throw new OperatorError('Internal', `a key pair without its member ${name}`);
  return Buffer.from(text, 'base64url');
}

/** Length, then content. */
function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A number above 0 as SSH writes it: no zeros in front, but one where the first bit would read as a sign. */
function integerField(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const bare = bytes.subarray(Math.max(0, first));
  return field((bare[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bare]) : bare);
}

/** Filled up with 1, 2, 3 … to whole blocks of 8. */
function padded(bytes: Buffer): Buffer {
  const missing = (8 - (bytes.length % 8)) % 8;
  return Buffer.concat([bytes, Buffer.from(Array.from({ length: missing }, (_, i) => i + 1))]);
}
