// What follows a Secret without our label that an ExternalSecret waits for, or is refused because of: on a cluster in memory.
import { describe, expect, it, onTestFinished } from 'vitest';
import { readyOf } from '../../../test/support/model/kinds.ts';
import { OneOperator, specOf, storeSpec, textIn } from '../../../test/support/model/one-operator.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { WatchedObjects } from '../connect.ts';
import { ForeignTargets } from './foreign-targets.ts';

const promisedMs = 2_000;
const minute = 60_000;

const text = (value: string) => Buffer.from(value).toString('base64');

async function started({ refreshPolicy = 'Periodic', creationPolicy = 'Merge', isOwned = false }) {
  const cluster = new OneOperator();
  onTestFinished(() => cluster.stop());
  const spec = specOf(['s'], { target: 't', interval: '24h' });
  cluster.apply('SecretStore', 's', { spec: storeSpec({ k: 's-1' }) });
  if (isOwned) {
    putTarget(cluster);
    cluster.apply('ConfigMap', 'db', {});
    const { uid } = cluster.get('ConfigMap', 'db')?.metadata ?? {};
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'db', uid: uid ?? '', controller: true };
    cluster.edit('Secret', 't', ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, ownerReferences: [owner] },
    }));
  }
  cluster.apply('ExternalSecret', 'e', { spec: { ...spec, refreshPolicy, target: { name: 't', creationPolicy } } });
  cluster.start();
  await cluster.clock.advance(minute);
  cluster.calls.length = 0;
  cluster.upstream.reads.length = 0;
  return cluster;
}

const putTarget = (cluster: OneOperator) =>
  cluster.apply('Secret', 't', { type: 'Opaque', data: { theirs: text('kept') } });

const dataOf = (cluster: OneOperator) => ['theirs', 's'].map((key) => textIn(cluster.get('Secret', 't'), key));
const ready = (cluster: OneOperator) => {
  const { status, reason } = readyOf(cluster.get('ExternalSecret', 'e')) ?? {};
  return [status, reason];
};

describe('a target that Merge waits for', () => {
  const waiting = (refreshPolicy = 'Periodic') => started({ refreshPolicy });

  it.each(['Periodic', 'OnChange', 'CreatedOnce'])('is merged into as it comes, under %s', async (policy) => {
    const cluster = await waiting(policy);
    expect(ready(cluster)).toEqual(['True', 'SecretMissing']);
    putTarget(cluster);
    await cluster.clock.advance(promisedMs);
    expect([dataOf(cluster), ready(cluster)]).toEqual([
      ['kept', 's-1'],
      ['True', 'SecretSynced'],
    ]);
  });

  it('costs nothing while it does not come', async () => {
    const cluster = await waiting();
    await cluster.clock.advance(30 * minute);
    expect([cluster.calls, cluster.upstream.reads]).toEqual([[], []]);
  });

  it('is followed by a process that finds the object waiting', async () => {
    const cluster = await waiting();
    await cluster.stop();
    cluster.start();
    await cluster.clock.advance(minute);
    putTarget(cluster);
    await cluster.clock.advance(promisedMs);
    expect(dataOf(cluster)).toEqual(['kept', 's-1']);
  });

  it('is waited for again when it has gone', async () => {
    const cluster = await waiting();
    putTarget(cluster);
    await cluster.clock.advance(minute);
    cluster.remove('Secret', 't');
    await cluster.clock.advance(minute);
    expect(ready(cluster)).toEqual(['True', 'SecretMissing']);
    putTarget(cluster);
    await cluster.clock.advance(promisedMs);
    expect(dataOf(cluster)).toEqual(['kept', 's-1']);
  });

  it('is written once: what we write into it wakes nobody', async () => {
    const cluster = await waiting();
    putTarget(cluster);
    await cluster.clock.advance(minute);
    expect(cluster.calls.filter(({ verb, kind }) => verb === 'update' && kind === 'Secret')).toHaveLength(1);
    expect(cluster.upstream.reads).toHaveLength(1);
  });
});

describe('a target that somebody else controls', () => {
  const refused = () => started({ creationPolicy: 'Owner', isOwned: true });

  it('is taken as soon as it is let go', async () => {
    const cluster = await refused();
    expect(ready(cluster)[0]).toBe('False');
    cluster.edit('Secret', 't', ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, ownerReferences: [] },
    }));
    await cluster.clock.advance(promisedMs);
    expect([dataOf(cluster)[1], ready(cluster)[0]]).toEqual(['s-1', 'True']);
  });

  it('is made anew as soon as it is deleted', async () => {
    const cluster = await refused();
    cluster.remove('Secret', 't');
    await cluster.clock.advance(promisedMs);
    expect([dataOf(cluster), ready(cluster)[0]]).toEqual([[undefined, 's-1'], 'True']);
  });

  it('costs a run a second at most, however often others change it', async () => {
    const cluster = await refused();
    for (let n = 0; n < 200; n++) {
      cluster.edit('Secret', 't', (secret) => ({ ...secret, data: { theirs: text(`${n}`) } }));
      await cluster.clock.advance(50);
    }
    expect(cluster.upstream.reads.length).toBeGreaterThan(5);
    expect(cluster.upstream.reads.length).toBeLessThanOrEqual(11);
  });

  it('is left alone while others change it, with one look a change', async () => {
    const cluster = await refused();
    for (let n = 0; n < 5; n++) {
      cluster.edit('Secret', 't', (secret) => ({ ...secret, data: { theirs: text(`${n}`) } }));
      await cluster.clock.advance(promisedMs);
    }
    expect([dataOf(cluster), ready(cluster)[0]]).toEqual([['4', undefined], 'False']);
    expect(cluster.calls.filter(({ verb }) => verb === 'status')).toEqual([]);
    expect(cluster.calls.length).toBeLessThanOrEqual(10); // a create that is refused, and a look
  });
});

describe('ForeignTargets', () => {
  const es = { namespace: 'n', name: 'e', targetName: 't' };

  it('leaves an object to its timers in a namespace whose names are used up', () => {
    const released: string[] = [];
    const objects: WatchedObjects = {
      hold() {
        throw new OperatorError('TooManyReferences', 'too many');
      },
      release: (holder) => void released.push(holder),
      read: async () => undefined,
      subscribe: () => () => {},
    };
    const foreign = new ForeignTargets(objects, new AbortController().signal);
    foreign.follow(es, { isThere: false });
    foreign.release('n/e');
    expect([foreign.isThere('n/e'), released]).toEqual([false, []]);
  });

  it('lets the former name go when the object comes to write another target', () => {
    const held = new Set<string>();
    const objects: WatchedObjects = {
      hold: (_, { name }, holder) => void held.add(`${holder} ${name}`),
      release: (holder) => {
        for (const one of held) if (one.startsWith(`${holder} `)) held.delete(one);
      },
      read: async () => undefined,
      subscribe: () => () => {},
    };
    const foreign = new ForeignTargets(objects, new AbortController().signal);
    foreign.follow(es, { isThere: false });
    foreign.follow({ ...es, targetName: 'u' }, { isThere: false });
    expect([...held]).toEqual(['target/n/e u']);
    foreign.close();
    expect([...held]).toEqual([]);
  });
});
