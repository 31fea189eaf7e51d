// The order in which a real API server writes its lines is what heads are read by: where it changes, all is parsed, and
// nothing but this test would tell.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createKube } from './client.ts';
import { loadClusterAccess } from './config.ts';
import { headOf, versionIn } from './event-head.ts';
import type { Selection } from './list.ts';
import { createTransport, type Transport } from './transport.ts';
import { type KubeObject, keyOf, type Resource } from './types.ts';
import { followWatch } from './watch-stream.ts';

const namespaces: Resource = { group: '', version: 'v1', namespaced: false, plural: 'namespaces', kind: 'Namespace' };
const secrets: Resource = { group: '', version: 'v1', namespaced: true, plural: 'secrets', kind: 'Secret' };
const manager = { fieldManager: 'escapement-test' };
const never = new AbortController().signal;

describe('heads of what an API server writes', () => {
  const namespace = `heads-${randomUUID().slice(0, 8)}`;
  let transport: Transport;

  beforeAll(async () => {
    const access = await loadClusterAccess({ kubeconfigPath: inject('kubeconfigPath') }, systemClock);
    transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
    const kube = createKube(transport);
    await kube.create(namespaces, { metadata: { name: namespace, labels: { heads: namespace } } }, manager, never);
    const annotations = { resourceVersion: '1', note: '"resourceVersion":"2"' };
    const metadata = { namespace, name: 'a', annotations };
    await kube.create<KubeObject>(secrets, { metadata }, manager, never);
    await kube.create<KubeObject>(secrets, { metadata: { namespace, name: 'b' } }, manager, never);
  });

  afterAll(async () => {
    await createKube(transport).delete(namespaces, { name: namespace }, {}, never);
    transport.close();
  });

  it.each<[string, () => Selection, number]>([
    ['whole objects', () => ({ resource: secrets, namespace }), 2],
    ['metadata alone', () => ({ resource: secrets, namespace, metadataOnly: true }), 2],
    ['objects of the cluster', () => ({ resource: namespaces, labelSelector: `heads=${namespace}` }), 1],
  ])('tell name and version of %s', async (_what, selection, count) => {
    const told: [Buffer, KubeObject][] = [];
    const stop = new AbortController();
    let line: Buffer = Buffer.alloc(0);
    const request = { selection: selection(), resourceVersion: undefined, timeoutSeconds: 60, silenceMs: () => 60_000 };
    await followWatch(transport, request, {
      skim: (next) => {
        line = Buffer.from(next); // the bytes are ours for the time of the call only
        return false;
      },
      onEvent: ({ type, object }) => {
        if (type === 'BOOKMARK') stop.abort();
        else told.push([line, object]);
      },
      clock: systemClock,
      signal: stop.signal,
    }).catch(() => {});
    expect(told).toHaveLength(count);
    for (const [text, { metadata }] of told) {
      expect(headOf(text)).toEqual({ key: keyOf(metadata), version: metadata.resourceVersion });
      // An annotation of that name makes it doubtful, and the text of one does not.
      expect(versionIn(text)).toBe(metadata.name === 'a' ? undefined : metadata.resourceVersion);
    }
  });
});
