import { describe, expect, it } from 'vitest';
import { OperatorError } from '../core/operator-error.ts';
import type { Reason } from '../core/reasons.ts';
import { SecretValue } from '../core/secret-value.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from '../kube/types.ts';
import type { Referrer } from './references.ts';
import { type ObjectReader, storeCredentials, type TokenMinter } from './store-credentials.ts';

const { signal } = new AbortController();
const shop: Referrer = { kind: 'SecretStore', name: 'main', namespace: 'shop', consumerNamespace: 'shop' };
const cluster: Referrer = { kind: 'ClusterSecretStore', name: 'main', namespace: undefined, consumerNamespace: 'shop' };

const base64 = (text: string) => Buffer.from(text).toString('base64');
const objects: Readonly<Record<string, unknown>> = {
  'secrets/shop/creds': {
    metadata: { name: 'creds' },
    data: { id: base64('id-1'), ca: base64('PEM'), empty: '', binary: '/wA=' },
  },
  'secrets/shop/bare': { metadata: { name: 'bare' } },
  'secrets/vault/creds': { metadata: { name: 'creds' }, data: { id: base64('id-2') } },
  'configmaps/shop/ca': { metadata: { name: 'ca' }, data: { 'ca.crt': 'PEM', empty: '' } },
  'configmaps/vault/ca': { metadata: { name: 'ca' }, data: { 'ca.crt': 'VAULT PEM' } },
};

/** A port over the objects above, and what it was asked for. */
function portOf(referrer: Referrer) {
  const looked: string[] = [];
  const reader: ObjectReader = {
    read: async <T extends KubeObject>(resource: Resource, name: ObjectName) => {
      const key = `${resource.plural}/${keyOf(name)}`;
      looked.push(key);
      return objects[key] as T | undefined; // written above in the shape of their kinds
    },
  };
  const tokens: TokenMinter = { createToken: async (request) => new SecretValue(JSON.stringify(request)) };
  return { port: storeCredentials(referrer, reader, tokens), looked };
}

const reasonOf = async (work: Promise<unknown>): Promise<Reason | undefined> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown === undefined || thrown instanceof OperatorError) return thrown?.reason;
  throw thrown;
};

describe('secretKey', () => {
  it('gives the bytes of the key', async () => {
    const { port } = portOf(shop);
    expect((await port.secretKey({ name: 'creds', key: 'id' }, 'auth.x', signal)).text()).toBe('id-1');
    expect((await port.secretKey({ name: 'creds', key: 'binary' }, 'auth.x', signal)).reveal()).toEqual(
      Buffer.from([0xff, 0]),
    );
  });

  it.each([
    ['of the consumer', { name: 'creds', key: 'id' }, 'id-1'],
    ['that it names', { name: 'creds', key: 'id', namespace: 'vault' }, 'id-2'],
  ])('reads for a cluster store in the namespace %s', async (_, selector, text) => {
    expect((await portOf(cluster).port.secretKey(selector, 'auth.x', signal)).text()).toBe(text);
  });

  it.each<[why: string, selector: { name?: string; key?: string; namespace?: string }, reason: Reason]>([
    ['a selector without a name', { key: 'id' }, 'InvalidSpec'],
    ['a selector without a key', { name: 'creds', key: '' }, 'InvalidSpec'],
    ['another namespace', { name: 'creds', key: 'id', namespace: 'vault' }, 'ReferenceDenied'],
    ['a Secret that does not exist', { name: 'gone', key: 'id' }, 'ReferenceNotFound'],
    ['a key that is not there', { name: 'creds', key: 'other' }, 'InvalidCredential'],
    ['a Secret without data', { name: 'bare', key: 'id' }, 'InvalidCredential'],
    ['a key that is empty', { name: 'creds', key: 'empty' }, 'InvalidCredential'],
    ['a key that every object inherits', { name: 'creds', key: 'constructor' }, 'InvalidCredential'],
  ])('refuses %s', async (_, selector, reason) => {
    expect(await reasonOf(portOf(shop).port.secretKey(selector, 'auth.x', signal))).toBe(reason);
  });

  it('does not look at what it may not see', async () => {
    const { port, looked } = portOf(shop);
    await reasonOf(port.secretKey({ name: 'creds', key: 'id', namespace: 'vault' }, 'auth.x', signal));
    expect(looked).toEqual([]);
  });

  it('names the field, the object and the keys that are there, and no value', async () => {
    const thrown = await portOf(shop)
      .port.secretKey({ name: 'creds', key: 'other' }, 'auth.x.clientId', signal)
      .catch((error: unknown) => String(error));
    for (const part of ['auth.x.clientId', 'shop/creds', '"other"', 'binary, ca, empty, id'])
      expect(thrown).toContain(part);
    expect(thrown).not.toContain('id-1');
  });
});

describe('serviceAccountToken', () => {
  it.each<[why: string, referrer: Referrer, namespace: string | undefined, expected: string]>([
    ['the namespace of a SecretStore', shop, undefined, 'shop'],
    ['the namespace that a cluster store names', cluster, 'vault', 'vault'],
    ['the namespace of the consumer', cluster, undefined, 'shop'],
  ])('mints in %s', async (_, referrer, namespace, expected) => {
    const selector = { name: 'robot', audiences: ['a'], ...(namespace === undefined ? {} : { namespace }) };
    const token = await portOf(referrer).port.serviceAccountToken(selector, 'auth.x', signal);
    expect(JSON.parse(token.text())).toEqual({ namespace: expected, name: 'robot', audiences: ['a'] });
  });

  it('refuses a ServiceAccount in another namespace than that of the SecretStore', async () => {
    const minted = portOf(shop).port.serviceAccountToken({ name: 'robot', namespace: 'vault' }, 'auth.x', signal);
    expect(await reasonOf(minted)).toBe('ReferenceDenied');
  });
});

describe('caText', () => {
  it.each<
    [
      why: string,
      referrer: Referrer,
      ca: { type: 'Secret' | 'ConfigMap'; name: string; key: string; namespace?: string },
      text: string,
    ]
  >([
    ['a ConfigMap beside the store', shop, { type: 'ConfigMap', name: 'ca', key: 'ca.crt' }, 'PEM'],
    ['a Secret beside the store', shop, { type: 'Secret', name: 'creds', key: 'ca' }, 'PEM'],
    [
      'where a cluster store says',
      cluster,
      { type: 'ConfigMap', name: 'ca', key: 'ca.crt', namespace: 'vault' },
      'VAULT PEM',
    ],
  ])('reads %s', async (_, referrer, ca, text) => {
    expect(await portOf(referrer).port.caText(ca, signal)).toBe(text);
  });

  it.each<
    [
      why: string,
      referrer: Referrer,
      ca: { type: 'Secret' | 'ConfigMap'; name: string; key?: string; namespace?: string },
      reason: Reason,
    ]
  >([
    ['a reference without a key', shop, { type: 'ConfigMap', name: 'ca' }, 'InvalidSpec'],
    [
      'a cluster store without a namespace: a consumer must not choose whom to trust',
      cluster,
      { type: 'ConfigMap', name: 'ca', key: 'ca.crt' },
      'InvalidSpec',
    ],
    [
      'another namespace',
      shop,
      { type: 'ConfigMap', name: 'ca', key: 'ca.crt', namespace: 'vault' },
      'ReferenceDenied',
    ],
    ['a ConfigMap that does not exist', shop, { type: 'ConfigMap', name: 'gone', key: 'ca.crt' }, 'ReferenceNotFound'],
    ['a Secret that does not exist', shop, { type: 'Secret', name: 'gone', key: 'ca' }, 'ReferenceNotFound'],
    ['a key that is not there', shop, { type: 'ConfigMap', name: 'ca', key: 'other' }, 'InvalidCredential'],
    ['a key that is empty', shop, { type: 'ConfigMap', name: 'ca', key: 'empty' }, 'InvalidCredential'],
    [
      'a key that every object inherits',
      shop,
      { type: 'ConfigMap', name: 'ca', key: 'constructor' },
      'InvalidCredential',
    ],
  ])('refuses %s', async (_, referrer, ca, reason) => {
    expect(await reasonOf(portOf(referrer).port.caText(ca, signal))).toBe(reason);
  });
});
