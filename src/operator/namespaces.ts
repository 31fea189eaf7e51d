// The namespaces of the cluster, for the conditions of cluster stores and for ClusterExternalSecrets: followed only once
// somebody asks for them.
import { type NamespaceRecord, namespaceRecord } from '../controller/records.ts';
import { sameTexts } from '../core/target-plan.ts';
import type { InformerEvent } from '../kube/contract.ts';
import type { InformerDeps } from '../kube/informer.ts';
import { namespaceResource } from '../kube/types.ts';
import { type Cache, startCache } from './caches.ts';

type Listener = (event: InformerEvent<NamespaceRecord>) => void;

export function followNamespaces(informerDeps: InformerDeps) {
  let cache: Cache<NamespaceRecord> | undefined;
  const listeners: Listener[] = [];
  const follow = async (signal: AbortSignal): Promise<Cache<NamespaceRecord>> => {
    if (cache === undefined) {
      cache = startCache({ resource: namespaceResource, namespaces: [], trim: namespaceRecord }, informerDeps);
      cache.informer.subscribe((event) => {
        for (const listener of listeners) listener(event);
      });
    }
    await cache.informer.whenSynced(signal);
    return cache;
  };
  const whenChanged = (listener: Listener) => void listeners.push(listener);
  return {
    follow,
    whenChanged,
    async labels(name: string, signal: AbortSignal) {
      const { informer } = await follow(signal);
      return informer.get(name)?.labels;
    },
    /** A namespace came, went, or has other labels. */
    whenLabelsChanged(listener: (name: string) => void) {
      whenChanged(({ key, before, after, initial }) => {
        if (initial || (before !== undefined && after !== undefined && sameTexts(before.labels, after.labels))) return;
        listener(key);
      });
    },
    close: () => cache?.informer.stop(),
  };
}
