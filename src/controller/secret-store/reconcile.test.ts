import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { inlineWorkplaces } from '../../core/jobs.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Provider, StoreReader } from '../../providers/contract.ts';
import { StoreConnections } from '../connect.ts';
import { type StoreRecord, storeRecord } from '../records.ts';
import { storeInterval, validateStore } from './reconcile.ts';

const { signal } = new AbortController();
const provider = { fake: { data: [{ key: 'k', value: 'v' }] } };

function storeOf(spec: object, kind: 'SecretStore' | 'ClusterSecretStore' = 'SecretStore'): StoreRecord {
  const metadata = { name: 'main', uid: 'u', generation: 1, ...(kind === 'SecretStore' ? { namespace: 'shop' } : {}) };
  const object = { metadata, spec: { provider, ...spec } };
  return storeRecord(kind)(object);
}

/** Validates a store whose provider answers as it is told. */
async function found(store: StoreRecord, validate: StoreReader['validate'] = async () => 'valid') {
  const reader: StoreReader = { phaseKey: 'p', origin: 'https://a.test', read: async () => [], validate };
  const scripted: Provider<unknown> = {
    capabilities: 'ReadOnly',
    connect: async (_, { credentials }, until) => {
      if (store.kind === 'ClusterSecretStore') await credentials.secretKey({ name: 'c', key: 'k' }, 'auth.x', until);
      return reader;
    },
    release: () => {},
  };
  const connections = new StoreConnections({
    store: () => store,
    namespaceLabels: async () => ({}),
    provider: () => scripted,
    objects: { hold: () => {}, release: () => {}, read: async () => undefined, subscribe: () => () => {} },
    operator: {
      sources() {
        throw new Error('not asked for');
      },
      checkChooser: () => {},
    },
    tokens: { createToken: async () => new SecretValue('t') },
    workplaces: inlineWorkplaces,
    controllerClass: 'default',
    clusterStores: true,
    signal,
  });
  return await validateStore(store, { notBeforeMs: 0 }, { connections, capabilities: () => 'ReadOnly' }, signal);
}

describe('validateStore', () => {
  it('finds a store valid that its provider proves', async () => {
    expect(await found(storeOf({}))).toMatchObject({
      verdict: { ready: 'True', reason: 'Valid' },
      error: undefined,
      capabilities: 'ReadOnly',
      reader: { origin: 'https://a.test' },
    });
  });

  it('says so when there is no proof to be had', async () => {
    const { verdict, error } = await found(storeOf({}), async () => 'unknown');
    expect([verdict.ready, verdict.reason, error]).toEqual(['True', 'ValidationUnknown', undefined]);
  });

  it('cannot judge a cluster store that leaves the namespace of its credentials to each consumer', async () => {
    const { verdict, error } = await found(storeOf({}, 'ClusterSecretStore'));
    expect([verdict.ready, verdict.reason, error]).toEqual(['True', 'ValidationUnknown', undefined]);
    expect(verdict.message).toContain('auth.x.namespace');
  });

  it.each<[why: string, store: StoreRecord, reason: Reason]>([
    ['a spec that cannot be read', storeOf({ provider: 7 }), 'InvalidSpec'],
    ['an interval that is none', storeOf({ refreshInterval: 'soon' }), 'InvalidSpec'],
    ['a condition that does not compile', storeOf({ conditions: [{ namespaceRegexes: ['['] }] }), 'InvalidSpec'],
    [
      'a selector with an operator that does not exist',
      storeOf({
        conditions: [{ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'notin', values: ['b'] }] } }],
      }),
      'InvalidSpec',
    ],
  ])('finds %s wrong before it connects', async (_, store, reason) => {
    const finding = await found(store);
    expect(finding.error?.reason).toBe(reason);
    expect(finding.reader).toBeUndefined();
    expect(finding.verdict).toMatchObject({
      ready: 'False',
      reason: 'InvalidProviderConfig',
      besides: { type: 'Stalled', reason },
    });
  });

  it.each<[why: string, thrown: unknown, reason: Reason, stalls: boolean]>([
    ['a login that was refused', new OperatorError('LoginRejected', 'x'), 'LoginRejected', false],
    ['a scope that is not there', new OperatorError('ScopeNotFound', 'x'), 'ScopeNotFound', false],
    [
      'a credential that helps nobody until it changes',
      new OperatorError('InvalidCredential', 'x'),
      'InvalidCredential',
      true,
    ],
    ['a fault', new TypeError('x'), 'Internal', false],
  ])('reports %s, with the reader whose upstream may recover', async (_, thrown, reason, stalls) => {
    const finding = await found(storeOf({}), () => Promise.reject(thrown));
    expect([finding.error?.reason, finding.verdict.ready, finding.verdict.besides !== undefined]).toEqual([
      reason,
      'False',
      stalls,
    ]);
    expect([finding.reader?.origin, finding.capabilities]).toEqual(['https://a.test', undefined]);
  });
});

describe('storeInterval', () => {
  it.each<[interval: string | number | undefined, ms: number | undefined]>([
    [undefined, undefined],
    [0, undefined],
    ['0', undefined],
    ['0s', undefined],
    [300, 300_000],
    ['5m', 300_000],
    ['1ns', 1_000],
    ['1ms', 1_000],
  ])('reads %j', (refreshInterval, ms) => {
    expect(storeInterval({ provider: {}, ...(refreshInterval === undefined ? {} : { refreshInterval }) })).toBe(ms);
  });

  it.each([-1, '-1s', '300', '', 'soon'])('refuses %j', (refreshInterval) => {
    expect(() => storeInterval({ provider: {}, refreshInterval })).toThrow(
      expect.objectContaining({ reason: 'InvalidSpec' }),
    );
  });
});
