import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { asOperatorError } from '../../base/operator-error.ts';
import { keyCipher } from '../../core/esc/cipher.ts';
import { sealCiphertext } from '../../core/esc/ciphertext.ts';
import { plainJson } from '../../core/esc/export.ts';
import { type Contents, clusterOf, openInline } from './esc.fixture.ts';

const keys = { shop: randomBytes(32), infra: randomBytes(32) };
const encrypted = (key: Buffer, text: string) => ({
  'fn::secret': { ciphertext: sealCiphertext(keyCipher(key, randomBytes).encrypt(Buffer.from(text))) },
});
const encryptionKey = { secretRef: { name: 'esc', key: 'key' } };

async function open(contents: Contents, name = 'shop/app') {
  const cluster = clusterOf(contents);
  const order = { name, consumer: 'shop', holder: 'store', notBeforeMs: 0 };
  try {
    const { signal } = new AbortController();
    const opened = await openInline(order, { cluster, providers: new Map() }, signal);
    return plainJson(opened.value, { redact: false });
  } catch (thrown) {
    const { reason, message } = asOperatorError(thrown);
    return { reason, message };
  }
}

describe('an encrypted value', () => {
  const environments = {
    'shop/app': { imports: ['infra/base'], values: { own: encrypted(keys.shop, 'one') }, encryptionKey },
    'infra/base': {
      values: { theirs: encrypted(keys.infra, '${two} $$') },
      encryptionKey,
      sharedWith: { namespaces: ['shop'] },
    },
  };
  const secrets = {
    'shop/esc': { key: keys.shop.toString('base64') },
    'infra/esc': { key: `${keys.infra.toString('base64')}\n` },
  };

  it('is decrypted with the key of the Environment in which it stands', async () => {
    expect(await open({ environments, secrets })).toEqual({ own: 'one', theirs: '${two} $$' });
  });

  it('is an error of the document with the key of another, or without one', async () => {
    const swapped = { ...secrets, 'infra/esc': secrets['shop/esc'] };
    expect(await open({ environments, secrets: swapped })).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('decrypting: the key is not the one'),
    });
    const keyless = { 'shop/app': { values: { own: encrypted(keys.shop, 'one') } } };
    expect(await open({ environments: keyless })).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringContaining('there is no key'),
    });
  });

  it.each([
    ['a Secret that is not there', {}, 'ReferenceNotFound', 'Secret "shop/esc" does not exist'],
    ['a key that is not there', { 'shop/esc': { other: '' } }, 'InvalidCredential', 'has no key "key"'],
    ['what is no key', { 'shop/esc': { key: 'CANARY' } }, 'InvalidCredential', '"key" does not hold 32 bytes'],
  ])('tells %s', async (_, changed, reason, message) => {
    const told = await open({ environments, secrets: { 'infra/esc': secrets['infra/esc'], ...changed } });
    expect(told).toMatchObject({ reason, message: expect.stringContaining(message) });
    expect(JSON.stringify(told)).not.toContain('CANARY');
  });

  it('tells nothing of its key to whom its Environment is not shared with', async () => {
    const app = { imports: ['infra/hidden'] };
    const hidden = { values: { theirs: encrypted(keys.infra, 'two') }, encryptionKey };
    const without = await open({ environments: { 'shop/app': app } });
    expect(await open({ environments: { 'shop/app': app, 'infra/hidden': hidden } })).toEqual(without);
  });
});
