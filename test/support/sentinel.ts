// Shows that something does not happen: an ExternalSecret beside the others that follows its source every second. What it has
// followed, the operator was awake for; whatever else was due by then had its turn too.
import { decoded, type Scene } from './scene.ts';

export interface SentinelSource {
  /** A store that works. Default `store`. */
  readonly storeName?: string;
  /** What the store reads. Default `my-project` and `dev`. */
  readonly project?: string;
  readonly environment?: string;
}

export interface Sentinel {
  /** Resolves once so many changes, one after another, have gone the whole way: at least a second lies between two. */
  follows(changes: number): Promise<void>;
}

export async function startSentinel(scene: Scene, source: SentinelSource = {}): Promise<Sentinel> {
  const { storeName = 'store', project = 'my-project', environment = 'dev' } = source;
  const name = 'sentinel';
  let turn = 0;
  const change = () => {
    const value = scene.value(`${name}-${++turn}`);
    scene.double.secrets.set({ project, environment, key: 'SENTINEL', value });
    return value;
  };
  change();
  await scene.put({
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: {
      refreshInterval: '1s',
      secretStoreRef: { name: storeName },
      data: [{ secretKey: 'value', remoteRef: { key: 'SENTINEL' } }],
    },
  });
  await scene.whenSynced(name);
  return {
    async follows(changes) {
      for (let n = 0; n < changes; n++) {
        const value = change();
        await scene.secrets.until(name, 'follows its source', (one) => decoded(one)['value'] === value);
      }
    },
  };
}
