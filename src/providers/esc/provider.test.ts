// The store: one evaluation for all that is read of it, a version for each that is asked for, and what ends is read anew.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { Shares } from '../../base/shares.ts';
import { objectValue, textValue } from '../../core/esc/value.ts';
import { inlineDesk, type Work, type Workplaces } from '../../core/jobs.ts';
import type { ConnectContext, ReadRequest } from '../contract.ts';
import { type Contents, clusterOf } from './esc.fixture.ts';
import type { EscProvider } from './open/contract.ts';
import { createEscProvider } from './provider.ts';

const { signal } = new AbortController();

interface StoreOptions {
  /** Life of what is opened; absent without an end. */
  readonly lifetimeMs?: number;
  /** Makes it a ClusterSecretStore, in the name of this namespace; undefined for the look of the store itself. */
  readonly consumer?: { readonly namespace: string | undefined };
  readonly shares?: Shares;
  readonly workplaces?: Workplaces;
}

async function store(
  spec: { environment: string; version?: string },
  contents: Contents,
  { lifetimeMs, consumer, shares, workplaces }: StoreOptions = {},
) {
  const clock = new FakeClock();
  let opened = 0;
  const it: EscProvider = {
    inputs: true,
    outputs: true,
    async open(_, { noteLifetime }) {
      if (lifetimeMs !== undefined) noteLifetime?.(lifetimeMs);
      return objectValue([['n', textValue(`${++opened}`)]]);
    },
  };
  const provider = createEscProvider({ clock, providers: new Map([['it', it]]), release() {}, shares, workplaces });
  const context = {
    storeKind: consumer === undefined ? 'SecretStore' : 'ClusterSecretStore',
    storeName: 'config',
    storeNamespace: consumer === undefined ? 'shop' : undefined,
    consumerNamespace: consumer?.namespace,
    cluster: clusterOf(contents),
    credentials: clusterOf(contents).credentialsIn('shop'),
    caText: () => Promise.reject(new Error('none here')),
    holder: 'store',
  } satisfies ConnectContext;
  const reader = await provider.connect(spec, context, signal);
  const renewals: number[] = [];
  const startMs = clock.monotonicMs();
  const read = async (requests: readonly ReadRequest[], notBeforeMs = 0) => {
    const noteRenewal = (atMs: number) => void renewals.push(atMs - startMs);
    const reading = reader.read(requests, { notBeforeMs, noteRenewal }, signal);
    reading.catch(() => {});
    for (let step = 0; step < 5; step++) await clock.advance(60);
    return (await reading).map((each) =>
      'error' in each ? each.error.message : [...each.values.values()].map((value) => value.text()).join(),
    );
  };
  return { clock, read, renewals, opened: () => opened };
}

const value = (key: string, version?: string): ReadRequest => ({
  kind: 'value',
  key,
  ...(version === undefined ? {} : { version }),
});

const versions: Contents = {
  environments: { 'shop/app': { values: { at: 'now' }, tags: { stable: 2 } } },
  revisions: { 'shop/app@1': { values: { at: 'one' } }, 'shop/app@2': { values: { at: 'two' } } },
};

describe('a version', () => {
  it('of the store is read where the key names none, and that of the key before it', async () => {
    const { read } = await store({ environment: 'app', version: 'stable' }, versions);
    const requests = [value('at'), value('at', '1'), value('at', 'latest'), value('at', '')];
    expect(await read(requests)).toEqual(['two', 'one', 'now', 'two']);
  });

  it('that cannot be one is refused', async () => {
    const { read } = await store({ environment: 'app' }, versions);
    await expect(read([value('at', 'a@b')])).rejects.toMatchObject({ reason: 'InvalidSpec' });
  });
});

describe('what is kept', () => {
  it('is no more than the share of the namespace, of which each version takes one', async () => {
    const shares = new Shares(2);
    const { read } = await store({ environment: 'app' }, versions, { shares });
    expect(await read([value('at'), value('at', '1')])).toEqual(['now', 'one']);
    await expect(read([value('at', '2')])).rejects.toMatchObject({ reason: 'QuotaExceeded' });
    expect(await read([value('at')])).toEqual(['now']);
    expect([shares.isFull('shop'), shares.counts]).toEqual([true, { all: 2, greatest: 2, bound: 2 }]);
  });

  it('counts for the namespace that opens through a cluster store', async () => {
    const shares = new Shares(1);
    const shared = { environments: { 'infra/x': { values: { at: 'x' }, sharedWith: { namespaces: ['shop'] } } } };
    const { read } = await store({ environment: 'infra/x' }, shared, { shares, consumer: { namespace: 'shop' } });
    expect(await read([value('at')])).toEqual(['x']);
    expect([shares.isFull('shop'), shares.isFull('infra')]).toEqual([true, false]);
  });
});

describe('an opening', () => {
  /** Notes each piece of work, and refuses what has one of these keys. */
  function watching(...waiting: readonly string[]) {
    const works: Work[] = [];
    const counts = { begun: 0, ended: 0 };
    const workplaces: Workplaces = {
      begin(work) {
        works.push(work);
        if (waiting.includes(work.object.key)) throw new OperatorError('Quarantined', 'it waits');
        counts.begun++;
        return { desk: () => inlineDesk(), reads: () => () => {}, end: () => void counts.ended++ };
      },
    };
    return { workplaces, works, counts };
  }
  const shared: Contents = {
    environments: { 'infra/x': { values: { at: 'x' }, sharedWith: { namespaces: ['shop', 'web'] } } },
  };

  it('is work on the Environment, or on one version of it, as it is now', async () => {
    const { workplaces, works, counts } = watching();
    const { read } = await store({ environment: 'app' }, versions, { workplaces });
    await read([value('at'), value('at', '1')]);
    expect(works).toEqual([
      { tenant: 'shop', object: { key: 'Environment/shop/app', generation: 7 } },
      { tenant: 'shop', object: { key: 'Environment/shop/app@1', generation: 7 } },
    ]);
    expect(counts).toEqual({ begun: 2, ended: 2 });
  });

  it('that the process died of waits for the namespace in whose name it was, and for no other', async () => {
    const { workplaces } = watching('Environment/infra/x for namespace shop');
    const readAs = async (namespace: string) =>
      (await store({ environment: 'infra/x' }, shared, { workplaces, consumer: { namespace } })).read([value('at')]);
    await expect(readAs('shop')).rejects.toMatchObject({ reason: 'Quarantined' });
    expect(await readAs('web')).toEqual(['x']);
    expect(await readAs('infra')).toEqual(['x']);
  });

  it('leaves its place when it fails', async () => {
    const { workplaces, counts } = watching();
    const { read } = await store({ environment: 'gone' }, versions, { workplaces });
    await expect(read([value('at')])).rejects.toMatchObject({ reason: 'ReferenceNotFound' });
    expect(counts).toEqual({ begun: 1, ended: 1 });
  });
});

describe('an answer that ends', () => {
  const contents: Contents = { environments: { 'shop/app': { values: { it: { 'fn::open::it': {} } } } } };

  it('is told to be read anew at two thirds of its life, and serves everybody until then and nobody after', async () => {
    const { clock, read, renewals, opened } = await store({ environment: 'app' }, contents, { lifetimeMs: 300_000 });
    expect(await read([value('it.n'), value('it.n')])).toEqual(['1', '1']);
    expect(Math.round((renewals[0] ?? 0) / 1_000)).toBe(200);
    await clock.advance(150_000);
    expect(await read([value('it.n')])).toEqual(['1']);
    await clock.advance(60_000);
    expect(await read([value('it.n')])).toEqual(['2']);
    expect(opened()).toBe(2);
  });

  it('is no matter where nothing ends', async () => {
    const { clock, read, renewals, opened } = await store({ environment: 'app' }, contents);
    await read([value('it.n')]);
    await clock.advance(240_000);
    await read([value('it.n')]);
    expect([renewals, opened()]).toEqual([[], 1]);
  });
});

describe('a ClusterSecretStore', () => {
  const contents: Contents = {
    environments: {
      'infra/x': { values: { key: 'CANARY' }, sharedWith: { namespaces: ['shop'] } },
      'infra/y': { imports: ['x'], sharedWith: { namespaces: ['shop', 'other'] } },
    },
    labels: { shop: {}, other: {} },
  };
  const read = async (environment: string, namespace: string | undefined) => {
    const made = await store({ environment }, contents, { consumer: { namespace } });
    return await made.read([value('key')]).catch((thrown: unknown) => String(thrown));
  };

  it('opens what is shared with the namespace of the ExternalSecret, in its name', async () => {
    expect(await read('infra/x', 'shop')).toEqual(['CANARY']);
    expect(await read('infra/x', 'infra')).toEqual(['CANARY']);
    // What imports it in its own namespace shares its values by its own word.
    expect(await read('infra/y', 'other')).toEqual(['CANARY']);
  });

  it('tells any other namespace what it tells of one that is not there', async () => {
    const refused = await read('infra/x', 'other');
    expect(refused).toContain('"infra/x" does not exist, or is not shared with namespace "other"');
    expect(await read('infra/z', 'other')).toBe(String(refused).replaceAll('infra/x', 'infra/z'));
  });

  it('is looked at itself in nobody’s name, and must name the namespace', async () => {
    expect(await read('infra/x', undefined)).toEqual(['CANARY']);
    await expect(read('x', 'shop')).rejects.toMatchObject({ reason: 'InvalidSpec' });
  });
});
