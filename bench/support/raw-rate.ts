// The machine's raw rate: a bare loop that makes the two writes of a first sync, Secret create and status update, for
// objects of the same shape, over kept connections and with nothing in between.
import type { ClusterAccess } from '../../src/kube/access.ts';
import { createApi, inParallel } from './api.ts';
import { externalSecretObject, externalSecrets, removeNamespaces, type Shape, untilGone } from './layout.ts';

/** Objects written before the clock starts, to open connections and warm both sides up. */
const warmUp = 100;

export interface RawRate {
  readonly connections: number;
  readonly objectsPerSecond: number;
}

/** Objects per second at this number of connections. Leaves nothing behind. */
export async function measureRawRate(
  access: ClusterAccess,
  run: string,
  shape: Shape,
  connections: number,
): Promise<RawRate> {
  const api = createApi(access, connections);
  const namespace = `bench-${run}`;
  const path = (kind: string) => `${kind === 'secrets' ? '/api/v1' : externalSecrets}/namespaces/${namespace}/${kind}`;
  try {
    await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
    const owners: Owner[] = [];
    await inParallel(shape.count + warmUp, connections, async (at) => {
      const body = externalSecretObject({ name: `app-${at}`, run, shape, at, refreshInterval: '1h' });
      owners[at] = (await api.call({ method: 'POST', path: path('externalsecrets'), body })) as Owner; // as it was sent
    });
    const pair = async (owner: Owner | undefined) => {
      if (owner === undefined) return;
      await api.call({ method: 'POST', path: `${path('secrets')}?fieldManager=bench`, body: secretOf(owner, shape) });
      const status = `${path('externalsecrets')}/${owner.metadata.name}/status?fieldManager=bench`;
      await api.call({ method: 'PATCH', path: status, body: statusOf(owner) });
    };
    await inParallel(warmUp, connections, (at) => pair(owners[at]));
    const startedMs = performance.now();
    await inParallel(shape.count, connections, (at) => pair(owners[warmUp + at]));
    const seconds = (performance.now() - startedMs) / 1_000;
    await api.call({ method: 'DELETE', path: path('secrets') });
    await api.call({ method: 'DELETE', path: path('externalsecrets') });
    return { connections, objectsPerSecond: shape.count / seconds };
  } finally {
    await removeNamespaces(api, [namespace]);
    await untilGone(api, [namespace]);
    api.close();
  }
}

interface Owner {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/** As the operator writes it, marks included. */
function secretOf({ metadata: { name, uid, labels } }: Owner, { keys }: Shape): object {
  const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name, uid };
  const digest = '0123456789abcdef'.repeat(3).padEnd(56, '0');
  const value = Buffer.from('value-0-'.padEnd(32, 'x')).toString('base64');
  return {
    metadata: {
      name,
      // Not the operator's own label: it would look at every one of them.
      labels: { ...labels, 'bench-created-by': digest, 'bench-managed': 'true' },
      annotations: { 'bench-data-hash': digest },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    type: 'Opaque',
    data: Object.fromEntries(Array.from({ length: keys }, (_, k) => [`key-${k}`, value])),
  };
}

function statusOf({ metadata: { name, resourceVersion } }: Owner): object {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const ready = { type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'secret synced' };
  return {
    metadata: { resourceVersion },
    status: {
      refreshTime: now,
      syncedResourceVersion: `1-${'0123456789abcdef'.repeat(3).padEnd(56, '0')}`,
      binding: { name },
      conditions: [{ ...ready, lastTransitionTime: now, observedGeneration: 1 }],
      observedGeneration: 1,
    },
  };
}
