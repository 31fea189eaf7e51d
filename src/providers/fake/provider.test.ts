import { describe, expect, it } from 'vitest';
import { noCluster } from '../../../test/support/no-cluster.ts';
import type { ConnectContext, ReadRequest, ReadResult } from '../contract.ts';
import { fakeProvider } from './provider.ts';

const signal = new AbortController().signal;
const now = { notBeforeMs: 0 };
const context: ConnectContext = {
  storeKind: 'SecretStore',
  storeName: 'fake',
  storeNamespace: 'team',
  consumerNamespace: undefined,
  cluster: noCluster,
  credentials: {
    secretKey: () => Promise.reject(new Error()),
    serviceAccount: () => Promise.reject(new Error()),
    ambient: () => {
      throw new Error();
    },
  },
  caText: () => Promise.reject(new Error()),
  holder: 'store',
};

function plain(result: ReadResult): unknown {
  if ('error' in result) return result.error.reason;
  return Object.fromEntries([...result.values].map(([key, value]) => [key, value.text()]));
}

async function read(data: { key: string; value: string; version?: string }[], ...requests: ReadRequest[]) {
  const reader = await fakeProvider.connect({ data }, context, signal);
  return (await reader.read(requests, now, signal)).map(plain);
}

const keyed = (key: string, more: { property?: string; version?: string; kind?: 'map' } = {}): ReadRequest => ({
  kind: 'value',
  key,
  ...more,
});

describe('the fake provider', () => {
  it('takes a value by key and version', async () => {
    const data = [
      { key: 'k', value: 'latest' },
      { key: 'k', value: 'old', version: 'v1' },
    ];
    expect(
      await read(data, keyed('k'), keyed('k', { version: 'v1' }), keyed('k', { version: 'v2' }), keyed('')),
    ).toEqual([{ k: 'latest' }, { k: 'old' }, 'SecretNotFound', 'SecretNotFound']);
  });

  it('does not mistake a key and version that run together for another key', async () => {
    expect(await read([{ key: 'ab', version: 'c', value: 'x' }], keyed('abc'))).toEqual(['SecretNotFound']);
  });

  it('writes properties as gjson prints them, and misses the secret where the property is missing', async () => {
    const data = [{ key: 'j', value: '{"n":1.50,"z":null,"o":{"a" : 1},"s":"x"}' }];
    const properties = ['n', 'z', 'o', 's', 'absent'].map((property) => keyed('j', { property }));
    expect(await read(data, ...properties)).toEqual([
      { j: '1.5' },
      { j: '' },
      { j: '{"a" : 1}' },
      { j: 'x' },
      'SecretNotFound',
    ]);
  });

  it('extracts members as they are written', async () => {
    const data = [
      { key: 'j', value: ' {"e":1e3,"z":null,"l":[ 1, 2 ],"s":"<b>"} ' },
      { key: 'text', value: '"x"' },
      { key: 'rest', value: '{"a":1} x' },
      { key: 'inner', value: '{"o":{"a":"b"}}' },
    ];
    const map = (key: string, property?: string) => keyed(key, { kind: 'map', ...(property && { property }) });
    expect(await read(data, map('j'), map('text'), map('rest'), map('inner', 'o'))).toEqual([
      { e: '1e3', z: '', l: '[ 1, 2 ]', s: '<b>' },
      'InvalidValue',
      'InvalidValue',
      { a: 'b' },
    ]);
  });

  it('finds by name, converts the keys itself and takes the last version', async () => {
    const data = [
      { key: 'db/url', value: '1' },
      { key: 'db/url', value: '2', version: '2' },
      { key: 'db/url', value: '10', version: '10' },
      { key: 'web', value: '3' },
    ];
    const find = (more: object): ReadRequest => ({ kind: 'find', ...more });
    const found = await read(
      data,
      find({ nameRegexp: '^db/' }),
      find({ nameRegexp: '^db/', conversionStrategy: 'Unicode' }),
      find({}),
      find({ nameRegexp: '^zzz' }),
      find({ nameRegexp: '(' }),
      find({ path: '/a' }),
      find({ tags: {} }),
    );
    const expected = [
      { db_url: '2' },
      { db_U002f_url: '2' },
      { db_url: '2', web: '3' },
      {},
      'InvalidSpec',
      'Unsupported',
      'Unsupported',
    ];
    expect(found).toEqual(expected);
  });

  it('refuses keys that become one', async () => {
    const data = [
      { key: 'a/b', value: '1' },
      { key: 'a:b', value: '2' },
    ];
    expect(await read(data, { kind: 'find', nameRegexp: '.' })).toEqual(['InvalidKey']);
  });

  it.each([
    [0, 'valid'],
    [1, 'unknown'],
    [2, 'LoginRejected'],
    [7, 'LoginRejected'],
  ])('says what its validationResult %d says, and is used accordingly', async (validationResult, verdict) => {
    const reader = await fakeProvider.connect({ data: [{ key: 'k', value: 'v' }], validationResult }, context, signal);
    const outcome = await reader.validate(now, signal).catch((error: { reason: string }) => error.reason);
    expect(outcome).toBe(verdict);
    const used = await reader.read([keyed('k')], now, signal).then(
      ([result]) => result !== undefined && plain(result),
      (error: { reason: string }) => error.reason,
    );
    expect(used).toEqual(verdict === 'LoginRejected' ? verdict : { k: 'v' });
  });
});
