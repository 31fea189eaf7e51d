// Labels of namespaces, for the conditions of cluster stores: followed only once a store asks for them.
import { sameTexts } from '../core/target-plan.ts';
import { type InformerDeps, type StartedInformer, startInformer } from '../kube/informer.ts';
import type { Resource } from '../kube/types.ts';

const namespaceResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** Labels of namespaces, followed from the first time a store's condition asks for them. */
export function namespaceLabels(informerDeps: InformerDeps) {
  let informer: StartedInformer<Readonly<Record<string, string>>> | undefined;
  const listeners: ((name: string) => void)[] = [];
  return {
    async labels(name: string, signal: AbortSignal) {
      if (informer === undefined) {
        informer = startInformer(
          { resource: namespaceResource, trim: ({ metadata }) => metadata.labels ?? {} },
          informerDeps,
        );
        informer.subscribe(({ key, before, after, initial }) => {
          if (initial || (before !== undefined && after !== undefined && sameTexts(before, after))) return;
          for (const listener of listeners) listener(key);
        });
      }
      await informer.whenSynced(signal);
      return informer.get(name);
    },
    whenChanged: (listener: (name: string) => void) => void listeners.push(listener),
    close: () => informer?.stop(),
  };
}
