import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seededBytes } from './random.fixture.ts';
import { type KeyPairOrder, keyPairOrder, sshKeyValues } from './ssh-key.ts';

const pairOf = (order: KeyPairOrder): KeyObject => {
  if (order.type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: order.bits }).privateKey;
  if (order.type === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: `P-${order.bits}` }).privateKey;
};

/** The length-prefixed fields of an SSH blob. */
function fieldsOf(blob: Buffer): Buffer[] {
  if (blob.length < 4) return [];
  const length = blob.readUInt32BE(0);
  return [blob.subarray(4, 4 + length), ...fieldsOf(blob.subarray(4 + length))];
}

const bare = (bytes: Buffer | undefined) => bytes?.toString('hex').replace(/^0+/, '');
const orders: readonly KeyPairOrder[] = [
  { type: 'rsa', bits: 2048 },
  { type: 'ecdsa', bits: 256 },
  { type: 'ecdsa', bits: 384 },
  { type: 'ecdsa', bits: 521 },
  { type: 'ed25519' },
];

describe.each(orders)('a key pair of %j', (order) => {
  const key = pairOf(order);
  const jwk = key.export({ format: 'jwk' });
  const member = (name: string) => Buffer.from(String(jwk[name]), 'base64url');
  const values = sshKeyValues(order, jwk, { comment: 'me@example.org', random: seededBytes('s') });
  const text = (name: string) => values.get(name)?.reveal().toString() ?? '';
  const pem = Buffer.from(text('privateKey').replace(/-----.*-----/g, ''), 'base64');
  const afterMagic = pem.subarray(15);

  it('has a public line that holds the public key and the comment', () => {
    const [name, blob = '', comment] = text('publicKey').trimEnd().split(' ');
    const fields = fieldsOf(Buffer.from(blob, 'base64'));
    expect([name, comment]).toEqual([fields[0]?.toString(), 'me@example.org']);
    const pub = createPublicKey(key).export({ format: 'jwk' });
    const of = (part: string) => Buffer.from(String(pub[part]), 'base64url');
    if (order.type === 'rsa') expect([bare(fields[1]), bare(fields[2])]).toEqual([bare(of('e')), bare(of('n'))]);
    else if (order.type === 'ed25519') expect(fields[1]).toEqual(of('x'));
    else {
      const half = Math.ceil(order.bits / 8);
      const point = fields[2] ?? Buffer.alloc(0);
      expect([point[0], point.length]).toEqual([4, 1 + 2 * half]);
      expect([bare(point.subarray(1, 1 + half)), bare(point.subarray(1 + half))]).toEqual([
        bare(of('x')),
        bare(of('y')),
      ]);
    }
  });

  it('has a private key in one container with the public one, whose secret part is whole', () => {
    expect(pem.subarray(0, 15).toString()).toBe('openssh-key-v1\0');
    // cipher, kdf, its options; then the number of keys, the public blob and the secret part.
    const head = fieldsOf(afterMagic).slice(0, 3);
    expect(head.map(String)).toEqual(['none', 'none', '']);
    const body = afterMagic.subarray(3 * 4 + 8);
    expect(body.readUInt32BE(0)).toBe(1);
    const [blob = Buffer.alloc(0), secret = Buffer.alloc(0)] = fieldsOf(body.subarray(4));
    expect(blob.toString('base64')).toBe(text('publicKey').split(' ')[1]);
    expect(secret.length % 8).toBe(0);
    expect(secret.subarray(0, 4)).toEqual(secret.subarray(4, 8));
    const fields = fieldsOf(secret.subarray(8));
    const privates = order.type === 'ed25519' ? [Buffer.concat([member('d'), member('x')])] : [member('d')];
    for (const each of privates) expect(fields.map(bare)).toContain(bare(each));
    expect(fields.map(String)).toContain('me@example.org');
  });
});

describe('keyPairOrder', () => {
  it.each([
    [{ keyType: 'rsa' }, { type: 'rsa', bits: 2048 }],
    [
      { keyType: 'rsa', keySize: 4096 },
      { type: 'rsa', bits: 4096 },
    ],
    [{ keyType: 'ecdsa' }, { type: 'ecdsa', bits: 256 }],
    [{ keyType: 'ed25519', keySize: 4096 }, { type: 'ed25519' }],
  ] as const)('orders %j', (spec, order) => {
    expect(keyPairOrder(spec)).toEqual(order);
  });

  it.each([
    { keyType: 'rsa', keySize: 1024 },
    { keyType: 'rsa', keySize: 65_536 },
    { keyType: 'ecdsa', keySize: 300 },
    { keyType: 'rsa', comment: 'a\nssh-rsa AAAA' },
  ] as const)('refuses %j', (spec) => {
    expect(() => keyPairOrder(spec)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });
});
