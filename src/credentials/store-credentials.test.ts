import { describe, expect, it } from 'vitest';
import type { AmbientSources } from '../auth/contract.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';
import { SecretValue } from '../core/secret-value.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from '../kube/types.ts';
import type { OperatorIdentity } from './operator-identity.ts';
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
  'serviceaccounts/shop/robot': { metadata: { name: 'robot' } },
  'serviceaccounts/vault/robot': { metadata: { name: 'robot' } },
  'configmaps/shop/ca': { metadata: { name: 'ca' }, data: { 'ca.crt': 'PEM', empty: '' } },
  'configmaps/vault/ca': { metadata: { name: 'ca' }, data: { 'ca.crt': 'VAULT PEM' } },
};

interface Quirks {
  /** The operator has no right to look at ServiceAccounts. */
  readonly blind?: true;
  readonly mint?: TokenMinter['createToken'];
  /** The store may use the operator's identity. */
  readonly isTrusted?: true;
}

const nowhere = () => Promise.reject(new Error('not asked'));
const trusted: AmbientSources = {
  serviceAccountTokenFile: nowhere,
  file: nowhere,
  aws: nowhere,
  azureToken: nowhere,
  gcpIdToken: nowhere,
  gcpSignedJwt: nowhere,
};

/** A port over the objects above, and what it was asked for. */
function portOf(referrer: Referrer, { blind, mint, isTrusted }: Quirks = {}) {
  const looked: string[] = [];
  const reader: ObjectReader = {
    read: async <T extends KubeObject>(resource: Resource, name: ObjectName) => {
      const key = `${resource.plural}/${keyOf(name)}`;
      looked.push(key);
      if (blind && resource.plural === 'serviceaccounts') throw new OperatorError('ApiDenied', 'may not look');
      return objects[key] as T | undefined; // written above in the shape of their kinds
    },
  };
  const createToken = mint ?? (async (order) => new SecretValue(JSON.stringify(order)));
  const asked: unknown[] = [];
  const operator: OperatorIdentity = {
    sources(...order) {
      asked.push(order);
      if (!isTrusted) throw new OperatorError('IdentityDenied', 'not here');
      return trusted;
    },
    checkChooser(_user, field) {
      throw new OperatorError('IdentityDenied', `${field}: not yours to choose`);
    },
  };
  return { port: storeCredentials(referrer, { objects: reader, tokens: { createToken }, operator }), looked, asked };
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

  it('says of a cluster store that the reference names no namespace, and of no other', async () => {
    const messageOf = async (user: Referrer, selector: { name: string; key: string; namespace?: string }) =>
      await portOf(user).port.secretKey(selector, 'auth.x', signal).then(String, String);
    const gone = { name: 'gone', key: 'id' };
    expect(await messageOf(cluster, gone)).toContain('auth.x.namespace is not set');
    expect(await messageOf(cluster, { ...gone, namespace: 'vault' })).not.toContain('is not set');
    expect(await messageOf(shop, gone)).not.toContain('is not set');
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

describe('serviceAccount', () => {
  it.each<[why: string, referrer: Referrer, namespace: string | undefined, expected: string]>([
    ['the namespace of a SecretStore', shop, undefined, 'shop'],
    ['the namespace that a cluster store names', cluster, 'vault', 'vault'],
    ['the namespace of the consumer', cluster, undefined, 'shop'],
  ])('mints in %s', async (_, referrer, namespace, expected) => {
    const selector = { name: 'robot', audiences: ['a'], ...(namespace === undefined ? {} : { namespace }) };
    const account = await portOf(referrer).port.serviceAccount(selector, 'auth.x', signal);
    expect(account).toMatchObject({ name: `${expected}/robot`, audiences: ['a'] });
    const token = await account.mint(signal);
    const order = { namespace: expected, name: 'robot', audiences: ['a'], expirationSeconds: 600 };
    expect(JSON.parse(token.text())).toEqual(order);
  });

  it('mints tokens of the life that the selector asks for', async () => {
    const { mint } = await portOf(shop).port.serviceAccount(
      { name: 'robot', expirationSeconds: 900 },
      'auth.x',
      signal,
    );
    expect(JSON.parse((await mint(signal)).text())).toMatchObject({ expirationSeconds: 900 });
  });

  it('mints for the audiences of the API server when the selector names none', async () => {
    const { audiences, mint } = await portOf(shop).port.serviceAccount({ name: 'robot' }, 'auth.x', signal);
    expect(audiences).toEqual([]);
    expect(JSON.parse((await mint(signal)).text())).toMatchObject({ audiences: [] });
  });

  it.each<[why: string, selector: { name: string; namespace?: string; audiences?: string[] }, reason: Reason]>([
    ['a ServiceAccount in another namespace', { name: 'robot', namespace: 'vault' }, 'ReferenceDenied'],
    ['a ServiceAccount that does not exist', { name: 'gone' }, 'ReferenceNotFound'],
    ['a selector without a name', { name: '' }, 'InvalidSpec'],
    ['an audience without text', { name: 'robot', audiences: ['a', ''] }, 'InvalidSpec'],
  ])('refuses %s before it mints', async (_, selector, reason) => {
    const mint = () => Promise.reject(new Error('minted'));
    expect(await reasonOf(portOf(shop, { mint }).port.serviceAccount(selector, 'auth.x', signal))).toBe(reason);
  });

  it('looks at the ServiceAccount, so that its creation wakes the store', async () => {
    const { port, looked } = portOf(shop);
    await reasonOf(port.serviceAccount({ name: 'gone' }, 'auth.x', signal));
    expect(looked).toEqual(['serviceaccounts/shop/gone']);
  });

  it('leaves it to minting to tell, where the operator may not look at ServiceAccounts', async () => {
    const mint = () => Promise.reject(new OperatorError('ReferenceNotFound', 'no such account'));
    const account = await portOf(shop, { blind: true, mint }).port.serviceAccount({ name: 'gone' }, 'auth.x', signal);
    await expect(account.mint(signal)).rejects.toMatchObject({
      reason: 'ReferenceNotFound',
      message: expect.stringContaining('auth.x'),
    });
  });
});

describe('ambient', () => {
  it('leaves no parameter of a cluster store to the namespace that uses it', async () => {
    const { port, looked } = portOf(cluster, { isTrusted: true });
    const id = (namespace?: string) =>
      port.secretKey(
        { name: 'creds', key: 'id', ...(namespace === undefined ? {} : { namespace }) },
        'auth.id',
        signal,
      );
    expect((await id()).text()).toBe('id-1');
    port.ambient('host.test', 'auth.x');
    looked.length = 0;
    expect(await reasonOf(id())).toBe('IdentityDenied');
    expect(await reasonOf(id(''))).toBe('IdentityDenied');
    expect(looked).toEqual([]);
    expect((await id('vault')).text()).toBe('id-2');
  });

  it('leaves the parameters of a SecretStore where they are: that it may log in so has been judged', async () => {
    const { port } = portOf(shop, { isTrusted: true });
    port.ambient('host.test', 'auth.x');
    expect((await port.secretKey({ name: 'creds', key: 'id' }, 'auth.id', signal)).text()).toBe('id-1');
  });

  it.each([shop, cluster])('asks in the name of the $kind', (referrer) => {
    const { port, asked } = portOf(referrer);
    expect(() => port.ambient('host.test', 'auth.x')).toThrow(expect.objectContaining({ reason: 'IdentityDenied' }));
    expect(asked).toEqual([[referrer, 'host.test', 'auth.x']]);
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
