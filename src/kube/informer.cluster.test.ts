import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startControlPlane } from '../../test/support/control-plane.ts';
import { until } from '../../test/support/scripted-api-server.ts';
import { systemClock } from '../base/clock.ts';
import { Slots } from '../base/slots.ts';
import { ObjectWatcher } from './by-name.ts';
import { createKube } from './client.ts';
import { loadClusterAccess } from './config.ts';
import { startInformer } from './informer.ts';
import { listAll } from './list.ts';
import { slim } from './slim.ts';
import { createTransport, type Transport } from './transport.ts';
import type { ConfigMap, KubeObject, Resource } from './types.ts';

const namespaces: Resource = { group: '', version: 'v1', namespaced: false, plural: 'namespaces', kind: 'Namespace' };
const configMaps: Resource = { group: '', version: 'v1', namespaced: true, plural: 'configmaps', kind: 'ConfigMap' };
const manager = { fieldManager: 'escapement-test' };
const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {}, error: () => {} };

async function connect(kubeconfigPath: string): Promise<Transport> {
  const access = await loadClusterAccess({ kubeconfigPath }, systemClock);
  return createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
}

const valueIn = (object: KubeObject) => (object as ConfigMap).data?.['v']; // configMaps is all that is asked for

describe('informer against an API server', () => {
  const namespace = `informer-${randomUUID().slice(0, 8)}`;
  let transport: Transport;

  beforeAll(async () => {
    transport = await connect(inject('kubeconfigPath'));
    await createKube(transport).create(namespaces, { metadata: { name: namespace } }, manager, never);
  });

  afterAll(async () => {
    await createKube(transport).delete(namespaces, { name: namespace }, {}, never);
    transport.close();
  });

  it('sees what is there and what changes, of its labels alone', async () => {
    const kube = createKube(transport);
    const labels = { follow: 'yes' };
    const at = (name: string) => ({ namespace, name, labels });
    await kube.create<ConfigMap>(configMaps, { metadata: at('a'), data: { v: '1' } }, manager, never);
    await kube.create<ConfigMap>(configMaps, { metadata: { namespace, name: 'unlabelled' } }, manager, never);
    const informer = startInformer(
      { resource: configMaps, namespace, labelSelector: 'follow=yes', trim: valueIn },
      { transport, clock: systemClock, log: silent },
    );
    await informer.whenSynced(never);
    expect([...informer.values()]).toEqual(['1']);
    const b = await kube.create<ConfigMap>(configMaps, { metadata: at('b'), data: { v: '2' } }, manager, never);
    await kube.mergePatch(configMaps, { namespace, name: 'a' }, { data: { v: '3' } }, manager, never);
    await until(() => informer.get(`${namespace}/a`) === '3' && informer.get(`${namespace}/b`) === '2');
    await kube.delete(configMaps, b.metadata, {}, never);
    await until(() => informer.get(`${namespace}/b`) === undefined);
    informer.stop();
  });

  it('lists more than a page in whole', async () => {
    const kube = createKube(transport);
    const slots = new Slots(32);
    const create = async (i: number) => {
      const release = await slots.acquire(0, never);
      const metadata = { namespace, name: `page-${i}`, labels: { paged: 'yes' } };
      await kube.create(configMaps, { metadata }, manager, never).finally(release);
    };
    await Promise.all(Array.from({ length: 620 }, (_, i) => create(i)));
    const names = new Set<string>();
    const handlers = {
      restart: () => names.clear(),
      object: (object: KubeObject) => void names.add(object.metadata.name),
    };
    const selection = { resource: configMaps, namespace, labelSelector: 'paged=yes' };
    expect(await listAll(transport, selection, handlers, never)).toMatch(/^\d+$/);
    expect(names.size).toBe(620);
  });

  it('follows single objects by name', async () => {
    const kube = createKube(transport);
    const watcher = new ObjectWatcher({ transport, clock: systemClock, log: silent });
    const name = { namespace, name: 'named' };
    watcher.hold(configMaps, name, 'test');
    expect(await watcher.read(configMaps, name, never)).toBeUndefined();
    const created = await kube.create<ConfigMap>(configMaps, { metadata: name, data: { v: '1' } }, manager, never);
    await until(() => watcher.get(configMaps, name) !== undefined);
    expect(watcher.get<ConfigMap>(configMaps, name)).toEqual(slim(created));
    await kube.delete(configMaps, name, {}, never);
    await until(() => watcher.get(configMaps, name) === undefined);
    watcher.close();
  });
});

describe('informer across a restart of the API server', () => {
  it('keeps its cache and sees changes again within seconds of the restart', async () => {
    const controlPlane = await startControlPlane();
    const transport = await connect(controlPlane.kubeconfigPath);
    const informer = startInformer(
      { resource: configMaps, namespace: 'default', labelSelector: 'restart=yes', trim: valueIn },
      { transport, clock: systemClock, log: silent },
    );
    try {
      const kube = createKube(transport);
      const at = (name: string) => ({ namespace: 'default', name, labels: { restart: 'yes' } });
      await kube.create<ConfigMap>(configMaps, { metadata: at('before'), data: { v: '1' } }, manager, never);
      await until(() => informer.get('default/before') === '1');
      await controlPlane.stopApiServer();
      expect(informer.get('default/before')).toBe('1');
      await controlPlane.startApiServer();
      const readyMs = performance.now();
      await kube.create<ConfigMap>(configMaps, { metadata: at('after'), data: { v: '2' } }, manager, never);
      await until(() => informer.get('default/after') === '2');
      expect(performance.now() - readyMs).toBeLessThan(5_000);
      expect(informer.get('default/before')).toBe('1');
    } finally {
      informer.stop();
      transport.close();
      await controlPlane.stop();
    }
  });
});
