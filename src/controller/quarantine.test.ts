// Every kind that is reconciled: an object of which the process died twice waits and says so, its neighbour is served, and an
// edit lets it out. The record of the deaths is a real file; the cluster is in memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ModelCluster } from '../../test/support/model/cluster.ts';
import { isNamespaced, readyOf } from '../../test/support/model/kinds.ts';
import { specOf, storeSpec } from '../../test/support/model/one-operator.ts';
import { writeRecord } from '../core/quarantine.ts';
import { openRunNotes } from '../operator/run-notes.ts';
import { kinds, type ReconciledKind } from './kinds.ts';

/** A spec of each kind that ends green, and another. */
const specs: Readonly<Record<ReconciledKind, readonly [before: object, after: object]>> = {
  ExternalSecret: [specOf(['s'], { target: 'e' }), specOf(['s'], { target: 'f' })],
  SecretStore: [storeSpec({ k: '1' }), storeSpec({ k: '2' })],
  ClusterSecretStore: [storeSpec({ k: '1' }), storeSpec({ k: '2' })],
  ClusterExternalSecret: [childOf('1h'), childOf('2h')],
  Environment: [{ values: { a: 1 } }, { values: { a: 2 } }],
};

function childOf(refreshTime: string) {
  return {
    namespaces: ['n'],
    refreshTime,
    externalSecretSpec: specOf(['s'], { target: 'c' }),
  };
}

function setUp(kind: ReconciledKind) {
  const folder = mkdtempSync(join(tmpdir(), 'escapement-'));
  const cluster = new ModelCluster();
  const { clock, objects } = cluster;
  const place = isNamespaced(kind) ? { namespace: 'n' } : {};
  const nameOf = (name: string) => ({ ...place, name });
  const put = (name: string, spec: object) =>
    void objects.apply({ kind, metadata: nameOf(name), spec: spec as Readonly<Record<string, unknown>> });
  const key = [kind, ...Object.values(place), 'bomb'].join('/');
  const suspect = { key, generation: 1, deaths: 2, seenAtMs: clock.nowMs() };
  writeFileSync(join(folder, 'running.json'), writeRecord({ running: [], suspects: [suspect] }));
  const waiting: string[] = [];
  const notes = openRunNotes(folder, {
    clock,
    onDeath: (death) => void waiting.push(...death.waiting),
    onTrouble(thrown) {
      throw thrown;
    },
  });
  objects.apply({ kind: 'Namespace', metadata: { name: 'n' } });
  if (kind !== 'SecretStore')
    objects.apply({ kind: 'SecretStore', metadata: { namespace: 'n', name: 's' }, spec: storeSpec({ k: '1' }) });
  const replica = cluster.startReplica({
    election: false,
    clusterExternalSecrets: true,
    environments: true,
    events: true,
    notes,
  });
  onTestFinished(async () => {
    replica.process.kill();
    await clock.advance(200);
    rmSync(folder, { recursive: true });
  });
  return { cluster, clock, put, waiting, key, ready: (name: string) => readyOf(objects.get(kind, nameOf(name))) };
}

/** How many events say the text. */
function eventsAbout(cluster: ModelCluster, text: string): number {
  return cluster.objects.all('Event').filter((event) => JSON.stringify(event).includes(text)).length;
}

const everyKind = Object.keys(kinds) as ReconciledKind[]; // the keys of that table

it.each(everyKind)('a %s of which the process died twice waits, and an edit lets it out', async (kind) => {
  const { cluster, clock, put, waiting, key, ready } = setUp(kind);
  const [before, after] = specs[kind];
  for (const name of ['bomb', 'neighbour']) put(name, before);
  await clock.advance(20_000);
  expect(waiting).toEqual([key]);
  const since = new Date(1_000 * Math.floor((clock.nowMs() - 20_000) / 1_000)).toISOString().replace('.000', '');
  const told = ready('bomb');
  expect(told?.status).toBe('False');
  expect(told?.message).toContain(`died twice while it worked on ${key}, the second time shortly before ${since}`);
  expect(told?.message).toContain('waits until its spec is edited, or until ');
  expect(eventsAbout(cluster, key)).toBe(1);
  expect(ready('neighbour')?.status).toBe('True');
  // It is told once, however often it is looked at.
  await clock.advance(1_800_000);
  expect(eventsAbout(cluster, key)).toBe(1);
  put('bomb', after);
  await clock.advance(20_000);
  expect(ready('bomb')?.status).toBe('True');
});

it.each(everyKind)('a %s runs again by itself when the hour is over', async (kind) => {
  const { clock, put, ready } = setUp(kind);
  put('bomb', specs[kind][0]);
  await clock.advance(3_590_000);
  expect(ready('bomb')?.status).toBe('False');
  await clock.advance(60_000);
  expect(ready('bomb')?.status).toBe('True');
});

it('nobody reads through a SecretStore of which the process died twice, until it is edited', async () => {
  const { cluster, clock, put, key, ready } = setUp('SecretStore');
  const { objects } = cluster;
  for (const name of ['bomb', 'neighbour']) {
    put(name, specs.SecretStore[0]);
    const spec = specOf([name], { target: name });
    objects.apply({ kind: 'ExternalSecret', metadata: { namespace: 'n', name }, spec });
  }
  const read = (name: string) => readyOf(objects.get('ExternalSecret', { namespace: 'n', name }));
  await clock.advance(20_000);
  expect([read('bomb')?.status, read('neighbour')?.status]).toEqual(['False', 'True']);
  expect(read('bomb')?.message).toContain(`died twice while it worked on ${key}`);
  expect(cluster.upstream.reads.map(({ scope }) => scope)).not.toContain('bomb');
  put('bomb', specs.SecretStore[1]);
  await clock.advance(20_000);
  expect([ready('bomb')?.status, read('bomb')?.status]).toEqual(['True', 'True']);
});
