// The controllers on a cluster in memory, at the moments that no real cluster hits twice: what happens between a read and
// a write, between a write and its answer, between an event and the run that it asked for.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Call, Fault } from '../../test/support/model/api.ts';
import { type ModelObject, readyOf } from '../../test/support/model/kinds.ts';
import { OneOperator, specOf, storeSpec, textIn } from '../../test/support/model/one-operator.ts';
import { OperatorError } from '../base/operator-error.ts';

const minute = 60_000;
const hour = 60 * minute;

interface Start {
  readonly stores?: readonly string[];
  readonly target?: string;
  readonly interval?: string;
  readonly storeReconciler?: boolean;
}

/** One ExternalSecret `e` that has been synced from store `s`. */
async function synced({ stores = ['s'], target = 'e', interval = '1h', storeReconciler = true }: Start = {}) {
  const cluster = new OneOperator({ storeReconciler });
  for (const store of stores) cluster.apply('SecretStore', store, { spec: storeSpec({ k: `${store}-1` }) });
  cluster.apply('ExternalSecret', 'e', { spec: specOf(stores, { target, interval }) });
  cluster.start();
  onTestFinished(() => cluster.stop());
  await cluster.clock.advance(5_000);
  expect(ready(cluster)).toBe('True');
  cluster.calls.length = 0;
  cluster.upstream.reads.length = 0;
  return cluster;
}

const ready = (cluster: OneOperator) => readyOf(cluster.get('ExternalSecret', 'e'))?.status;
const value = (cluster: OneOperator, name = 'e', key = 's') => textIn(cluster.get('Secret', name), key);

/** Runs until the wave of one hour has passed; it comes at most 1.1 intervals after the sync. */
const passWave = (cluster: OneOperator) => cluster.clock.advance(1.1 * hour);

/** Does `fault` to the first call that matches. */
function once(cluster: OneOperator, matches: (call: Call) => boolean, fault: Fault) {
  let isDone = false;
  cluster.fault = (call) => {
    if (isDone || !matches(call)) return undefined;
    isDone = true;
    return fault;
  };
  return () => isDone;
}

describe('a conflict', () => {
  it('leaves the wave due that it met: the change upstream is written soon after', async () => {
    const cluster = await synced();
    cluster.upstream.set('s', 'k', 's-2');
    const isMet = once(cluster, ({ verb }) => verb === 'update', 'conflict');
    for (let passed = 0; !isMet(); passed += minute) {
      if (passed > 2 * hour) throw new Error('no wave came');
      await cluster.clock.advance(minute);
    }
    expect(value(cluster)).toBe('s-2');
  });

  it('of the status loses no failure: a read that failed in the wave is told soon after', async () => {
    const cluster = await synced();
    cluster.upstream.onRead = () => {
      throw new OperatorError('AccessDenied', 'no right to read');
    };
    const isMet = once(cluster, ({ verb, kind }) => verb === 'status' && kind === 'ExternalSecret', 'conflict');
    for (let passed = 0; !isMet(); passed += minute) {
      if (passed > 2 * hour) throw new Error('no wave came');
      await cluster.clock.advance(minute);
    }
    expect(ready(cluster)).toBe('False');
  });

  it('that lasts is tried ever more seldom, and reads nothing anew', async () => {
    const cluster = await synced();
    cluster.fault = ({ verb }) => (verb === 'update' ? 'conflict' : undefined);
    cluster.edit('Secret', 'e', drifted);
    await cluster.clock.advance(30_000);
    const puts = cluster.calls.filter(({ verb }) => verb === 'update').length;
    expect(puts).toBeGreaterThan(5);
    expect(puts).toBeLessThan(25);
    expect(cluster.upstream.reads.length).toBeLessThanOrEqual(2);
    expect(ready(cluster)).toBe('True'); // nobody is told of a conflict
    cluster.fault = () => undefined;
    await cluster.clock.advance(12_000);
    expect(value(cluster)).toBe('s-1');
  });

  it('that lasts is not hurried by events of others', async () => {
    const cluster = await synced();
    cluster.fault = ({ verb }) => (verb === 'update' ? 'conflict' : undefined);
    for (let n = 0; n < 300; n++) {
      cluster.edit('Secret', 'e', (secret) => drifted(secret, `drift-${n}`));
      await cluster.clock.advance(100);
    }
    expect(cluster.calls.filter(({ verb }) => verb === 'update').length).toBeLessThan(25);
    expect(cluster.upstream.reads.length).toBeLessThanOrEqual(2);
  });
});

describe('a key that is missing at its source', () => {
  /** `e` looks for the key `late`, and `other` reads the same scope every 10 s. */
  async function failing({ neighbour = true } = {}) {
    const cluster = new OneOperator();
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e', key: 'late', interval: '24h' }) });
    if (neighbour)
      cluster.apply('ExternalSecret', 'other', { spec: specOf(['s'], { target: 'other', interval: '10s' }) });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.clock.advance(hour);
    expect(ready(cluster)).toBe('False');
    return cluster;
  }

  it('is looked for every five minutes, however long the interval is', async () => {
    const cluster = await failing({ neighbour: false });
    cluster.upstream.reads.length = 0;
    cluster.upstream.set('s', 'late', 'there');
    await cluster.clock.advance(5 * minute + 1_000);
    expect(value(cluster)).toBe('there');
    expect(cluster.upstream.reads.length).toBe(1);
  });

  it('is used as soon as a neighbour has read the scope anew, without a request of its own', async () => {
    const cluster = await failing();
    cluster.upstream.reads.length = 0;
    cluster.upstream.set('s', 'late', 'there');
    for (let passed = 0; cluster.upstream.reads.length === 0 && passed < minute; passed += 50)
      await cluster.clock.advance(50);
    await cluster.clock.advance(500);
    expect(value(cluster)).toBe('there');
    expect(cluster.upstream.reads.length).toBe(1);
  });

  it('keeps nobody awake while the scope stays as it is', async () => {
    const cluster = await failing();
    cluster.upstream.reads.length = 0;
    await cluster.clock.advance(10 * minute);
    expect(cluster.upstream.reads.length).toBeLessThanOrEqual(63); // 60 of the neighbour, 2 of its own
  });
});

describe('a right that is taken away', () => {
  /** `count` objects of one scope, in step and due once a day, that were made to look while they may not read. */
  async function refused(count: number) {
    const cluster = new OneOperator();
    const names = Array.from({ length: count }, (_, i) => `e${i}`);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    for (const name of names)
      cluster.apply('ExternalSecret', name, { spec: specOf(['s'], { target: name, interval: '24h' }) });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.clock.advance(5_000);
    cluster.upstream.onRead = () => {
      throw new OperatorError('AccessDenied', 'no right to read');
    };
    for (const name of names)
      cluster.edit('ExternalSecret', name, (object) => ({
        ...object,
        metadata: { ...object.metadata, annotations: { 'force-sync': 'now' } },
      }));
    await cluster.clock.advance(5_000);
    const withValue = (text: string) => names.filter((name) => value(cluster, name) === text).length;
    const withReady = (status: string) =>
      names.filter((name) => readyOf(cluster.get('ExternalSecret', name))?.status === status).length;
    expect([withReady('False'), withValue('s-1')]).toEqual([count, count]);
    const readsIn = async (ms: number) => {
      cluster.upstream.reads.length = 0;
      await cluster.clock.advance(ms);
      return cluster.upstream.reads.length;
    };
    return { cluster, count, readsIn, withReady, withValue };
  }

  const giveBack = ({ cluster }: { cluster: OneOperator }) => {
    cluster.upstream.onRead = () => {};
    cluster.upstream.set('s', 'k', 's-2');
  };

  it.each([1, 300])('for minutes is followed within 4 s of its return by all of %i', async (count) => {
    const scene = await refused(count);
    await scene.readsIn(7 * minute);
    giveBack(scene);
    const reads = await scene.readsIn(4_000);
    expect([scene.withReady('True'), scene.withValue('s-2')]).toEqual([count, count]);
    expect(reads).toBeLessThanOrEqual(3); // the probe, one more for those that it woke, and the store's own look
  });

  it('is followed by all although the API server refused half of what came of its return', async () => {
    const scene = await refused(40);
    let calls = 0;
    scene.cluster.fault = () => (++calls % 2 === 0 ? 'refuse' : undefined);
    giveBack(scene);
    await scene.readsIn(10_000);
    scene.cluster.fault = () => undefined;
    await scene.readsIn(8_000);
    expect([scene.withReady('True'), scene.withValue('s-2')]).toEqual([40, 40]);
  });

  it('costs about as much for 300 objects as for one', async () => {
    const reads = await Promise.all([1, 300].map(async (count) => (await refused(count)).readsIn(5 * minute)));
    expect(reads[0]).toBeGreaterThan(90); // a probe every 3 s
    // Their own retries come in waves, each of which is served by some reads.
    expect(reads[1]).toBeLessThanOrEqual(3 * (reads[0] ?? 0));
  });

  it('for hours is looked for every five minutes', async () => {
    const scene = await refused(1);
    await scene.readsIn(hour);
    expect(await scene.readsIn(hour)).toBeLessThanOrEqual(25); // 12 of its own, and the store's
    giveBack(scene);
    await scene.readsIn(5 * minute + 4_000);
    expect(scene.withValue('s-2')).toBe(1);
  });
});

describe('a source that does not answer an object in step', () => {
  const silent = () => {
    throw new OperatorError('UpstreamUnavailable', 'HTTP 500');
  };
  const messageOf = (cluster: OneOperator) => readyOf(cluster.get('ExternalSecret', 'e'))?.message ?? '';
  const writes = ({ calls }: OneOperator) =>
    calls.filter(({ verb, kind }) => verb === 'status' && kind === 'ExternalSecret').length;

  /** Advances until the object says something about its source; at most `ms`. */
  async function untilSaid(cluster: OneOperator, ms = minute) {
    for (let passed = 0; passed < ms && !/does not answer/.test(messageOf(cluster)); passed += 100)
      await cluster.clock.advance(100);
    expect(messageOf(cluster)).toMatch(/does not answer: HTTP 500/);
  }

  it('leaves it Ready, saying since when, and is told after 30 s', async () => {
    const cluster = await synced({ interval: '10s' });
    cluster.upstream.onRead = silent;
    await untilSaid(cluster);
    await cluster.clock.advance(29_000);
    expect(ready(cluster)).toBe('True');
    expect(writes(cluster)).toBe(1);
    await cluster.clock.advance(2_500);
    expect(ready(cluster)).toBe('False');
    expect(writes(cluster)).toBe(2);
    cluster.upstream.onRead = () => {};
    await cluster.clock.advance(20_000);
    expect([ready(cluster), messageOf(cluster)]).toEqual(['True', 'secret synced']);
  });

  it('is told in time while it is asked once more, and is followed when that is answered after all', async () => {
    const cluster = await synced({ interval: '10s' });
    cluster.upstream.onRead = silent;
    await untilSaid(cluster);
    await cluster.clock.advance(20_000);
    cluster.upstream.set('s', 'k', 's-2');
    const answer = Promise.withResolvers<void>();
    let isAsked = false;
    cluster.upstream.onRead = () => {
      isAsked = true;
      return answer.promise;
    };
    await cluster.clock.advance(9_000);
    expect([isAsked, ready(cluster)]).toEqual([true, 'True']);
    await cluster.clock.advance(2_500);
    expect([ready(cluster), messageOf(cluster)]).toEqual(['False', expect.stringMatching(/HTTP 500/)]);
    expect(writes(cluster)).toBe(2);
    answer.resolve();
    await cluster.clock.advance(1_000);
    expect([ready(cluster), value(cluster), writes(cluster)]).toEqual(['True', 's-2', 3]);
  });

  it('says nothing of the source that an edit names in its place', async () => {
    for (const edit of [
      (cluster: OneOperator) =>
        cluster.apply('ExternalSecret', 'e', { spec: specOf(['t'], { target: 'e', interval: '10s' }) }),
      (cluster: OneOperator) => cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) }),
    ]) {
      const cluster = await synced({ stores: ['s'], interval: '10s' });
      cluster.apply('SecretStore', 't', { spec: storeSpec({ k: 't-1' }) });
      cluster.upstream.onRead = silent;
      await untilSaid(cluster);
      await cluster.clock.advance(20_000);
      const answer = Promise.withResolvers<void>();
      cluster.upstream.onRead = () => answer.promise;
      edit(cluster);
      await cluster.clock.advance(9_000);
      const before = messageOf(cluster);
      await cluster.clock.advance(5_000);
      expect(messageOf(cluster)).toBe(before);
      answer.resolve();
      await cluster.clock.advance(1_000);
      expect(ready(cluster)).toBe('True');
    }
  });

  it('was never told to have failed when it answers again in time', async () => {
    const cluster = await synced({ interval: '10s' });
    cluster.upstream.onRead = silent;
    await untilSaid(cluster);
    cluster.upstream.onRead = () => {};
    await cluster.clock.advance(5_000);
    expect([ready(cluster), messageOf(cluster), writes(cluster)]).toEqual(['True', 'secret synced', 2]);
  });

  it('is told at once by an object that is not in step: its spec changed, or its Secret is gone', async () => {
    for (const change of [
      (cluster: OneOperator) => cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'other' }) }),
      (cluster: OneOperator) => cluster.remove('Secret', 'e'),
    ]) {
      const cluster = await synced();
      cluster.upstream.onRead = silent;
      change(cluster);
      await cluster.clock.advance(2_000);
      expect(ready(cluster)).toBe('False');
    }
  });

  it('and asks for a pause is no failure until the object is a whole interval late', async () => {
    const cluster = await synced({ interval: '2m' });
    let isAsked = false;
    cluster.upstream.onRead = (store) => {
      isAsked ||= store === 's';
      throw new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 40_000 });
    };
    for (let passed = 0; !isAsked && passed < 3 * minute; passed += 100) await cluster.clock.advance(100);
    await cluster.clock.advance(115_000);
    expect(ready(cluster)).toBe('True');
    await cluster.clock.advance(10_000);
    expect(ready(cluster)).toBe('False');
  });
});

describe('an ExternalSecret of a kind of stores that is switched off', () => {
  it.each(['one that is new', 'one that was synced'])('says so: %s', async (which) => {
    const cluster = new OneOperator({ clusterStores: false });
    const secretStoreRef = { kind: 'ClusterSecretStore', name: 'c' };
    const data = [{ secretKey: 'k', remoteRef: { key: 'k' } }];
    const status = {
      conditions: [{ type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'secret synced' }],
      refreshTime: '2026-05-01T12:00:00Z',
      syncedResourceVersion: '1-x',
    };
    cluster.apply('ExternalSecret', 'e', {
      spec: { secretStoreRef, refreshInterval: '1h', target: { name: 'e' }, data },
      ...(which === 'one that was synced' ? { status } : {}),
    });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.clock.advance(3_000);
    const conditions = cluster.get('ExternalSecret', 'e')?.status?.conditions ?? [];
    expect(conditions.map(({ type, status: is }) => [type, is])).toEqual([
      ['Stalled', 'True'],
      ['Ready', 'False'],
    ]);
    expect(conditions[1]?.message).toContain('--enable-cluster-store-reconciler=false');
  });
});

describe('a store of a provider that is not served here', () => {
  /** One ExternalSecret `e` of a store `s` with this spec. */
  async function running(ms: number, spec: Record<string, unknown>, given: Pick<ModelObject, 'status'> = {}) {
    const cluster = new OneOperator();
    cluster.apply('SecretStore', 's', { spec });
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }), ...given });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.clock.advance(ms);
    return cluster;
  }

  it.each([
    ['misspelt', { infisicl: {} }, 'did you mean "infisical"?'],
    ['misspelt, of ESO', { valut: {} }, 'did you mean "vault"?'],
    ['like none', { zzzzzzzzzz: {} }, 'this operator serves infisical'],
    ['absent', {}, 'provider'],
  ])('is told when its name is %s', async (_, provider, says) => {
    const cluster = await running(3_000, { provider });
    expect(readyOf(cluster.get('SecretStore', 's'))).toMatchObject({ status: 'False' });
    expect(readyOf(cluster.get('SecretStore', 's'))?.message).toContain(says);
    expect(ready(cluster)).toBe('False');
  });

  it('is left alone when ESO serves it; who waits for it says so after a minute', async () => {
    const cluster = await running(50_000, { provider: { vault: {} } });
    expect(cluster.calls).toEqual([]);
    await cluster.clock.advance(15_000);
    expect(cluster.get('SecretStore', 's')?.status).toBeUndefined();
    expect(readyOf(cluster.get('ExternalSecret', 'e'))?.message).toMatch(/SecretStore "s" is of provider "vault"/);
    expect(cluster.calls.length).toBe(1);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    await cluster.clock.advance(3_000);
    expect([ready(cluster), value(cluster)]).toEqual(['True', 's-1']);
  });

  it('keeps us silent when its class names another controller, or somebody serves the object', async () => {
    const status = { conditions: [{ type: 'Ready', status: 'True' }] };
    const others = [
      await running(hour, { provider: { vault: {} }, controller: 'other' }),
      await running(hour, { provider: { infisicl: {} }, controller: 'other' }),
      await running(hour, { provider: { vault: {} } }, { status }),
    ];
    expect(others.map(({ calls }) => calls)).toEqual([[], [], []]);
  });
});

describe('a store that is not there', () => {
  it('but whose name is that of the other kind, gets a hint', async () => {
    const cluster = new OneOperator();
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    const secretStoreRef = { kind: 'ClusterSecretStore', name: 's' };
    const data = [{ secretKey: 'k', remoteRef: { key: 'k' } }];
    cluster.apply('ExternalSecret', 'e', { spec: { secretStoreRef, refreshInterval: '1h', target: {}, data } });
    cluster.start();
    onTestFinished(() => cluster.stop());
    await cluster.clock.advance(3_000);
    expect(readyOf(cluster.get('ExternalSecret', 'e'))?.message).toMatch(
      /there is a SecretStore of that name: set secretStoreRef\.kind to SecretStore$/,
    );
  });
});

describe('a target that is renamed', () => {
  it('while a run is writing leaves no old Secret behind', async () => {
    const cluster = await synced();
    cluster.edit('Secret', 'e', drifted);
    // Between the write of the old target and its answer.
    const isMet = once(
      cluster,
      ({ verb }) => verb === 'update',
      () => cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'renamed' }) }),
    );
    await cluster.clock.advance(12_000);
    expect(isMet()).toBe(true);
    expect(value(cluster, 'renamed')).toBe('s-1');
    expect(cluster.get('Secret', 'e')).toBeUndefined();
  });

  it('while a run is creating it leaves no old Secret behind', async () => {
    const cluster = await synced({ target: 'first' });
    once(
      cluster,
      ({ verb }) => verb === 'create',
      () => cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'third' }) }),
    );
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'second' }) });
    await cluster.clock.advance(12_000);
    expect(cluster.all('Secret').map(({ metadata }) => metadata.name)).toEqual(['third']);
  });
});

describe('a target of an earlier name', () => {
  it('that is shown only after the renamed one is synced goes all the same', async () => {
    const cluster = await synced({ target: 'first' });
    cluster.watchLagMs = () => 0;
    once(
      cluster,
      ({ verb }) => verb === 'create',
      () => {
        cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'third' }) });
        cluster.deafen('Secret');
      },
    );
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'second' }) });
    await cluster.clock.advance(3_000);
    expect(ready(cluster)).toBe('True');
    cluster.hear('Secret');
    await cluster.clock.advance(3_000);
    expect(cluster.all('Secret').map(({ metadata }) => metadata.name)).toEqual(['third']);
  });
});

describe('a binding', () => {
  it('that is missing from the status is there again after the next wave', async () => {
    const cluster = await synced({ interval: '1m' });
    cluster.edit('ExternalSecret', 'e', (object) => {
      const { binding: _, ...status } = object.status ?? {};
      return { ...object, status };
    });
    await cluster.clock.advance(2 * minute);
    expect(cluster.get('ExternalSecret', 'e')?.status?.binding).toEqual({ name: 'e' });
  });
});

describe('a store', () => {
  it('that is deleted and created anew is followed', async () => {
    const cluster = await synced();
    cluster.remove('SecretStore', 's');
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) });
    await cluster.clock.advance(12_000);
    expect(value(cluster)).toBe('s-2');
    expect(ready(cluster)).toBe('True');
  });

  it('that is replaced without a moment in which there was none is followed', async () => {
    const cluster = await synced();
    cluster.deafen('SecretStore');
    cluster.remove('SecretStore', 's');
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) });
    cluster.hear('SecretStore');
    await cluster.clock.advance(12_000);
    expect(value(cluster)).toBe('s-2');
  });

  it('that is gone is told by whoever reads from it, and mended when it is back', async () => {
    const cluster = await synced();
    cluster.remove('SecretStore', 's');
    await cluster.clock.advance(12_000);
    expect([ready(cluster), value(cluster)]).toEqual(['False', 's-1']);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) });
    await cluster.clock.advance(12_000);
    expect([ready(cluster), value(cluster)]).toEqual(['True', 's-2']);
  });

  it('that was edited while nobody worked is followed by the next process', async () => {
    const cluster = await synced();
    await cluster.stop();
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) });
    cluster.calls.length = 0;
    cluster.start();
    await cluster.clock.advance(12_000);
    expect(value(cluster)).toBe('s-2');
  });

  it('that nobody touched while nobody worked costs a read at a start, and no write', async () => {
    const cluster = await synced();
    await cluster.stop();
    cluster.calls.length = 0;
    cluster.start();
    await cluster.clock.advance(12_000);
    expect(cluster.calls).toEqual([]);
    expect(cluster.upstream.reads).toHaveLength(1);
  });

  it('is heard of though nobody validates stores: applied late, edited, and let go', async () => {
    const cluster = new OneOperator({ storeReconciler: false });
    onTestFinished(() => cluster.stop());
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }) });
    cluster.start();
    await cluster.clock.advance(5_000);
    expect(ready(cluster)).toBe('False');
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    await cluster.clock.advance(3_000);
    expect([ready(cluster), value(cluster)]).toEqual(['True', 's-1']);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-2' }) });
    await cluster.clock.advance(3_000);
    expect(value(cluster)).toBe('s-2');
    cluster.upstream.released.length = 0;
    cluster.remove('SecretStore', 's');
    await cluster.clock.advance(3_000);
    expect(cluster.upstream.released).toHaveLength(1);
    expect(cluster.get('SecretStore', 's')?.status).toBeUndefined();
  });

  it('whose status cannot be written is validated ever more seldom', async () => {
    const cluster = new OneOperator();
    onTestFinished(() => cluster.stop());
    cluster.fault = ({ kind }) => (kind === 'SecretStore' ? 'refuse' : undefined);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.start();
    await cluster.clock.advance(60_000);
    const tries = cluster.calls.filter(({ kind }) => kind === 'SecretStore').length;
    expect(tries).toBeGreaterThan(3);
    expect(tries).toBeLessThan(40);
    cluster.fault = () => undefined;
    await cluster.clock.advance(12_000);
    expect(readyOf(cluster.get('SecretStore', 's'))?.status).toBe('True');
  });

  it('whose status always conflicts is validated ever more seldom', async () => {
    const cluster = new OneOperator();
    onTestFinished(() => cluster.stop());
    cluster.fault = ({ kind }) => (kind === 'SecretStore' ? 'conflict' : undefined);
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.start();
    await cluster.clock.advance(30_000);
    expect(cluster.calls.filter(({ kind }) => kind === 'SecretStore').length).toBeLessThan(25);
  });
});

describe('an own write', () => {
  it('of a Secret that is gone again before the answer is noted is no Secret', async () => {
    const cluster = new OneOperator();
    onTestFinished(() => cluster.stop());
    cluster.watchLagMs = () => 0;
    once(
      cluster,
      ({ verb }) => verb === 'create',
      () => cluster.remove('Secret', 'e'),
    );
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }) });
    cluster.start();
    await cluster.clock.advance(12_000);
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
  });

  it('of a Secret that came and went while the watch was down is no Secret', async () => {
    const cluster = await synced({ target: 'first' });
    cluster.deafen('Secret');
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }) });
    await cluster.clock.advance(1_000);
    expect(value(cluster)).toBe('s-1');
    cluster.remove('Secret', 'e');
    cluster.hear('Secret'); // nothing that it lists has changed
    await cluster.clock.advance(12_000);
    expect(value(cluster)).toBe('s-1');
  });

  it('that finds its Secret gone is quiet, and makes it anew', async () => {
    const cluster = await synced();
    const statuses: unknown[] = [];
    cluster.watchLagMs = () => 2_000; // the end of the Secret is seen late
    cluster.remove('Secret', 'e');
    cluster.watchLagMs = () => 0;
    cluster.apply('ExternalSecret', 'e', { labels: { tier: '1' } });
    for (let n = 0; n < 120; n++) {
      await cluster.clock.advance(100);
      statuses.push(ready(cluster));
    }
    expect(statuses).not.toContain('False');
    expect(value(cluster)).toBe('s-1');
  });

  it('that is refused for a Secret which is gone when it is read is quiet, and makes it anew', async () => {
    const cluster = new OneOperator();
    onTestFinished(() => cluster.stop());
    cluster.apply('Secret', 'e', {}); // nobody's, so that no cache shows it
    cluster.fault = ({ verb }) => {
      if (verb === 'get') cluster.remove('Secret', 'e');
      return undefined;
    };
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }) });
    cluster.start();
    await cluster.clock.advance(12_000);
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
    expect(cluster.calls.some(({ outcome }) => outcome === 'ReferenceNotFound')).toBe(true);
  });

  it.each<[what: string, verb: string, kind: string]>([
    ['of the Secret', 'create', 'Secret'],
    ['of the status', 'status', 'ExternalSecret'],
  ])('%s whose answer is lost ends green, with its binding, and never red', async (_, verb, kind) => {
    const cluster = new OneOperator();
    onTestFinished(() => cluster.stop());
    const isMet = once(cluster, (call) => call.verb === verb && call.kind === kind, 'lose');
    cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
    cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e' }) });
    cluster.start();
    const statuses: unknown[] = [];
    for (let n = 0; n < 120; n++) {
      await cluster.clock.advance(100);
      statuses.push(ready(cluster));
    }
    expect(isMet()).toBe(true);
    expect(statuses).not.toContain('False');
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
    expect(cluster.get('ExternalSecret', 'e')?.status?.binding).toEqual({ name: 'e' });
  });
});

describe('a create that went out twice, as its first answer was lost', () => {
  const exists = () => {
    throw new OperatorError('Conflict', 'it exists already');
  };

  it('is done: the Secret is its own, Ready, and not written again', async () => {
    const cluster = await synced();
    cluster.fault = ({ verb, kind }) => (verb === 'create' && kind === 'Secret' ? exists : undefined);
    cluster.remove('Secret', 'e');
    await cluster.clock.advance(5_000);
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
    expect(writesOf(cluster)).toEqual(['create']);
  });

  it('takes over what somebody made of it in between', async () => {
    const cluster = await synced();
    const drift = () => {
      cluster.edit('Secret', 'e', drifted);
      exists();
    };
    cluster.fault = ({ verb, kind }) => (verb === 'create' && kind === 'Secret' ? drift : undefined);
    cluster.remove('Secret', 'e');
    await cluster.clock.advance(5_000);
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
    expect(writesOf(cluster)).toEqual(['create', 'update']);
  });
});

const writesOf = (cluster: OneOperator) =>
  cluster.calls.filter(({ verb, kind }) => kind === 'Secret' && verb !== 'get').map(({ verb }) => verb);

describe('a target with more marks than are kept', () => {
  it('is mended when it drifts, keeps what others wrote, and is left alone otherwise', async () => {
    const cluster = await synced();
    const note = 'n'.repeat(100_000);
    const annotate = (secret: ModelObject): ModelObject => ({
      ...secret,
      metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, note } },
    });
    cluster.edit('Secret', 'e', annotate);
    await cluster.clock.advance(5_000);
    expect(writesOf(cluster)).toEqual([]);
    cluster.edit('Secret', 'e', drifted);
    await cluster.clock.advance(5_000);
    expect([value(cluster), ready(cluster)]).toEqual(['s-1', 'True']);
    expect(cluster.get('Secret', 'e')?.metadata.annotations?.['note']).toBe(note);
    expect(writesOf(cluster)).toEqual(['update']);
    cluster.calls.length = 0;
    await cluster.clock.advance(20_000);
    expect(cluster.calls).toEqual([]);
  });
});

describe('with two stores', () => {
  it('a failure of the second is filed under the second, and waits with others for its recovery', async () => {
    const cluster = await synced({ stores: ['s', 't'], interval: '1m' });
    cluster.apply('ExternalSecret', 'f', { spec: specOf(['t'], { target: 'f', interval: '1m' }) });
    await cluster.clock.advance(5_000);
    let isDown = true;
    cluster.upstream.onRead = (store) => {
      if (store === 't' && isDown) throw new OperatorError('UpstreamUnavailable', 'connection refused');
    };
    cluster.upstream.set('t', 'k', 't-2');
    await cluster.clock.advance(1.2 * minute + 32_000);
    expect([ready(cluster), readyOf(cluster.get('ExternalSecret', 'f'))?.status]).toEqual(['False', 'False']);
    cluster.upstream.reads.length = 0;
    await cluster.clock.advance(30_000);
    // One of all that wait for a host tries it every 3 s; filed apart, each would.
    expect(cluster.upstream.reads.filter(({ scope }) => scope === 't').length).toBeLessThanOrEqual(11);
    isDown = false;
    await cluster.clock.advance(16_000);
    expect([ready(cluster), value(cluster, 'e', 't')]).toEqual(['True', 't-2']);
  });
});

describe('an outage of the API server', () => {
  it('is over for an object seconds after its end, whatever happened meanwhile', async () => {
    const cluster = await synced();
    cluster.fault = () => 'refuse';
    for (let n = 2; n <= 15; n++) {
      cluster.apply('ExternalSecret', 'e', { spec: specOf(['s'], { target: 'e', key: n % 2 === 0 ? 'l' : 'k' }) });
      cluster.edit('Secret', 'e', (secret) => drifted(secret, `drift-${n}`));
      cluster.apply('SecretStore', 's', { spec: storeSpec({ k: `s-${n}`, l: `l-${n}` }) });
      await cluster.clock.advance(1_000);
    }
    cluster.fault = () => undefined;
    await cluster.clock.advance(5_000);
    const object = cluster.get('ExternalSecret', 'e');
    expect([value(cluster), readyOf(object)?.status]).toEqual(['s-15', 'True']);
    expect(readyOf(object)?.observedGeneration).toBe(object?.metadata.generation);
  });

  it('that lasts is tried every 30 s at least', async () => {
    const cluster = await synced();
    cluster.fault = () => 'refuse';
    cluster.edit('Secret', 'e', drifted);
    await cluster.clock.advance(20 * minute);
    cluster.calls.length = 0;
    await cluster.clock.advance(30_000);
    expect(cluster.calls.length).toBeGreaterThan(0);
    expect(cluster.calls.length).toBeLessThanOrEqual(22); // a read and a write of one object, every 3 s
  });
});

describe('a target', () => {
  it.each<[what: string, strip: (secret: ModelObject) => ModelObject]>([
    ['its owner', (secret) => ({ ...secret, metadata: { ...secret.metadata, ownerReferences: [] } })],
    [
      'a label that is copied to it',
      (secret) => {
        const { tier: _, ...labels } = secret.metadata.labels ?? {};
        return { ...secret, metadata: { ...secret.metadata, labels } };
      },
    ],
  ])('that loses %s gets it back at once', async (_, strip) => {
    const cluster = await synced();
    cluster.apply('ExternalSecret', 'e', { labels: { tier: 'one' } });
    await cluster.clock.advance(5_000);
    cluster.edit('Secret', 'e', strip);
    await cluster.clock.advance(5_000);
    const secret = cluster.get('Secret', 'e');
    expect(secret?.metadata.ownerReferences).toHaveLength(1);
    expect(secret?.metadata.labels).toMatchObject({ tier: 'one' });
    cluster.remove('ExternalSecret', 'e');
    await cluster.clock.advance(5_000);
    expect(cluster.get('Secret', 'e')).toBeUndefined();
  });
});

describe('a credential', () => {
  it('that is repaired while the run that failed by it still reports is not missed', async () => {
    const cluster = await synced();
    let isBroken = true;
    cluster.upstream.onRead = () => {
      if (isBroken) throw new OperatorError('InvalidCredential', 'no such client');
    };
    once(
      cluster,
      ({ verb, kind }) => verb === 'status' && kind === 'ExternalSecret',
      () => {
        isBroken = false;
        cluster.apply('Secret', 's-credential', { data: { k: Buffer.from('good').toString('base64') } });
      },
    );
    await passWave(cluster);
    expect(ready(cluster)).toBe('True');
  });
});

describe('a password', () => {
  const apiVersion = 'generators.external-secrets.io/v1alpha1';
  const dataFrom = [{ sourceRef: { generatorRef: { apiVersion, kind: 'Password', name: 'p' } } }];

  it.each(['lose', 'conflict'] as const)(
    'that is written while the API server is to %s is drawn once',
    async (fault) => {
      const cluster = new OneOperator({ random: Math.random });
      onTestFinished(() => cluster.stop());
      cluster.apply('Password', 'p', { spec: { length: 24 } });
      cluster.apply('ExternalSecret', 'e', { spec: { refreshInterval: '1h', target: { name: 'e' }, dataFrom } });
      cluster.start();
      await cluster.clock.advance(5_000);
      const first = value(cluster, 'e', 'password');
      expect([ready(cluster), first?.length]).toEqual(['True', 24]);
      cluster.calls.length = 0;
      cluster.fault = ({ verb, kind }) => (verb === 'update' && kind === 'Secret' ? fault : undefined);
      cluster.apply('ExternalSecret', 'e', { labels: { tier: '1' } }); // asks for another one
      const seen = new Set([first]);
      for (let n = 0; n < 80; n++) {
        await cluster.clock.advance(100);
        if (n === 40) cluster.fault = () => undefined;
        seen.add(value(cluster, 'e', 'password'));
      }
      expect([ready(cluster), seen.size]).toEqual(['True', 2]);
      expect(cluster.calls.some(({ outcome }) => outcome !== 'done')).toBe(true);
      await passWave(cluster);
      expect(seen.has(value(cluster, 'e', 'password'))).toBe(false);
    },
  );
});

function drifted(secret: ModelObject, text = 'drift'): ModelObject {
  return { ...secret, data: { ...secret.data, s: Buffer.from(text).toString('base64') } };
}
