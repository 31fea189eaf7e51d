// What every provider promises to its callers, whatever is behind it: run against each by one row of the table below.
import { describe, expect, it } from 'vitest';
import { noCluster } from '../../test/support/no-cluster.ts';
import { createStubProvider, Shelf } from '../../test/support/stub/provider.ts';
import { systemClock } from '../base/clock.ts';
import { Shares } from '../base/shares.ts';
import { fakeSpec } from '../crds/fake.ts';
import type { ConnectContext, ReadRequest, StoreReader } from './contract.ts';
import { fakeProvider } from './fake/provider.ts';
import * as infisical from './infisical/provider.fixture.ts';
import * as pulumi from './pulumi/provider.fixture.ts';
import { ScopeNews } from './shared/scope-news.ts';

interface Subject {
  readonly reader: StoreReader;
  /** Of the same provider, for a namespace that reads through a cluster store; undefined without an upstream. */
  readonly through?: (consumerNamespace: string) => Promise<StoreReader>;
  /** A store that holds a text besides, as `L`, and says when a large answer is read; undefined without an upstream. */
  readonly holding?: (text: string, readsLarge: NonNullable<ConnectContext['readsLarge']>) => Promise<StoreReader>;
  /** Requests for secrets that the upstream has counted; undefined without an upstream. */
  readonly reads: (() => number) | undefined;
  release(): void;
  /** Sessions that are held; 0 without an upstream. */
  sessions(): number;
}

function contextOf(holder: string): ConnectContext {
  return {
    storeKind: 'SecretStore',
    storeName: 'shelf',
    storeNamespace: 'team',
    consumerNamespace: undefined,
    cluster: noCluster,
    credentials: infisical.credentialsFrom(new Map()),
    caText: async () => '',
    holder,
  };
}

const readThrough = (consumerNamespace: string) =>
  ({ storeKind: 'ClusterSecretStore', storeName: 'shelf', storeNamespace: undefined, consumerNamespace }) as const;

/** A store that holds `A` = one, `B` = two and `J` = {"k":"v"}. */
const subjects: Readonly<Record<string, (shares?: Shares) => Promise<Subject>>> = {
  async fake() {
    const data = Object.entries({ A: 'one', B: 'two', J: '{"k":"v"}' }).map(([key, value]) => ({ key, value }));
    const reader = await fakeProvider.connect(fakeSpec.parse({ data }), contextOf('store'), infisical.signal);
    return { reader, reads: undefined, release: () => fakeProvider.release('store'), sessions: () => 0 };
  },
  async infisical(shares) {
    const made = await infisical.bench(shares && { shares });
    for (const [key, value] of Object.entries({ A: 'one', B: 'two', J: '{"k":"v"}' })) {
      made.double.secrets.set({ project: 'shop', environment: 'dev', key, value });
    }
    return {
      reader: await made.connect(),
      through: (consumer) => made.connect({}, { holder: consumer, context: readThrough(consumer) }),
      holding(value, readsLarge) {
        made.double.secrets.set({ project: 'shop', environment: 'dev', key: 'L', value });
        return made.connect({}, { context: { readsLarge } });
      },
      reads: () => made.double.requests.counts().byKind.list,
      release: () => made.release('store'),
      sessions: () => made.sessions.size,
    };
  },
  async pulumi(shares) {
    const made = await pulumi.bench(shares && { shares });
    // Evaluated at each open, so that its definition proves nothing.
    made.double.environments.set('acme/shop/prod', () => ({ A: 'one', B: 'two', J: { k: 'v' } }));
    return {
      reader: await made.connect(),
      through: (consumer) => made.connect({}, consumer, readThrough(consumer)),
      holding(L, readsLarge) {
        made.double.environments.set('acme/shop/prod', () => ({ A: 'one', L }));
        return made.connect({}, 'store', { readsLarge });
      },
      reads: () => made.double.counts.open,
      release: () => made.provider.release('store'),
      sessions: () => made.sessions.size,
    };
  },
};

/** The stub lives with the tests; it keeps the contract as those that are served do. */
const stub = async (shares?: Shares): Promise<Subject> => {
  const shelf = new Shelf();
  for (const [key, text] of Object.entries({ A: 'one', B: 'two', J: '{"k":"v"}' })) shelf.values.set(key, text);
  const provider = createStubProvider(shelf, systemClock, new ScopeNews(), shares);
  const through = (consumer: string) =>
    provider.connect({ data: [] }, { ...contextOf(consumer), ...readThrough(consumer) }, infisical.signal);
  const reader = await provider.connect({ data: [] }, contextOf('store'), infisical.signal);
  return {
    reader,
    through,
    reads: () => shelf.reads,
    release: () => provider.release('store'),
    sessions: () => shelf.holders.size,
  };
};

const value = (key: string): ReadRequest => ({ kind: 'value', key });
const now = () => ({ notBeforeMs: performance.now() });

describe.each(Object.entries({ ...subjects, stub }))('the provider %s', (_name, make) => {
  it('answers in the order of the requests, whatever their kind', async () => {
    const { reader } = await make();
    const requests: ReadRequest[] = [
      value('B'),
      { kind: 'map', key: 'J' },
      value('A'),
      { kind: 'find', nameRegexp: '^[AB]$' },
    ];
    const results = await reader.read(requests, now(), infisical.signal);
    expect(results.map(infisical.plain)).toEqual([
      { values: { B: 'two' } },
      { values: { k: 'v' } },
      { values: { A: 'one' } },
      { values: { A: 'one', B: 'two' } },
    ]);
  });

  it('answers nothing to nothing', async () => {
    const { reader } = await make();
    expect(await reader.read([], now(), infisical.signal)).toEqual([]);
  });

  it('lets a missing key stand beside those that are there', async () => {
    const { reader } = await make();
    const results = await reader.read([value('NONE'), value('A')], now(), infisical.signal);
    expect(results.map(infisical.plain)).toEqual([{ reason: 'SecretNotFound' }, { values: { A: 'one' } }]);
  });

  it('serves one call, and calls at the same time, from one snapshot', async () => {
    const { reader, reads } = await make();
    const due = now();
    const call = () => reader.read([value('A'), value('B'), value('A')], due, infisical.signal);
    const [first, second] = await Promise.all([call(), call()]);
    expect(first.map(infisical.plain)).toEqual(second.map(infisical.plain));
    if (reads !== undefined) expect(reads()).toBe(1);
  });

  it('reads anew for who asks for something younger', async () => {
    const { reader, reads } = await make();
    await reader.read([value('A')], now(), infisical.signal);
    await reader.read([value('A')], now(), infisical.signal);
    if (reads !== undefined) expect(reads()).toBe(2);
  });

  it('stops for who has left', async () => {
    const { reader, reads } = await make();
    if (reads === undefined) return;
    const error = await infisical.reasonOf(reader.read([value('A')], now(), AbortSignal.abort()));
    expect(error).toBe('Aborted');
  });

  it('is valid, and says where it reads', async () => {
    const { reader, reads } = await make();
    expect(await reader.validate(now(), infisical.signal)).toBe('valid');
    if (reads !== undefined) expect(reader.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+(\/| |$)/);
  });

  it('keeps what it reads in the share of who asked first, and gives it to those who may keep nothing', async () => {
    const shares = new Shares(3);
    const { reader, through } = await make(shares);
    if (through === undefined) return;
    expect(await infisical.reasonOf(reader.read([value('A')], now(), infisical.signal))).toBe('none');
    expect(shares.counts.greatest).toBeGreaterThan(0);
    while (!shares.isFull('greedy')) shares.add('greedy');
    const denied = await through('greedy');
    const { all } = shares.counts;
    expect(await infisical.reasonOf(denied.read([value('A')], now(), infisical.signal))).toBe('none');
    expect(shares.counts.all).toBe(all);
  });

  it('refuses what would be kept beyond the share, by any way, and asks nothing for it', async () => {
    const shares = new Shares(1);
    const { through, reads } = await make(shares);
    if (through === undefined) return;
    shares.add('greedy');
    const denied = await through('greedy');
    for (const ask of [denied.read([value('A')], now(), infisical.signal), denied.validate(now(), infisical.signal)])
      expect(await infisical.reasonOf(ask)).toBe('QuotaExceeded');
    expect([reads?.(), shares.counts]).toEqual([0, { all: 1, greatest: 1, bound: 1 }]);
  });

  it('says while it reads a large answer, and of no other', async () => {
    const { holding } = await make();
    if (holding === undefined) return;
    const counts = { begun: 0, ended: 0 };
    const readsLarge = () => {
      counts.begun++;
      return () => void counts.ended++;
    };
    const small = await holding('x', readsLarge);
    await small.read([value('A')], now(), infisical.signal);
    expect(counts).toEqual({ begun: 0, ended: 0 });
    const large = await holding('x'.repeat(300_000), readsLarge);
    await large.read([value('A')], now(), infisical.signal);
    expect(counts).toEqual({ begun: 1, ended: 1 });
  });

  it('lets its session go with its last holder', async () => {
    const { reader, release, sessions } = await make();
    await reader.read([value('A')], now(), infisical.signal);
    release();
    expect(sessions()).toBe(0);
  });
});
