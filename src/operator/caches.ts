// What the operator follows in the cluster: an informer per kind, started at once and kept warm by followers too.
import type { Config } from '../config.ts';
import { OwnWrites } from '../controller/kit/own-writes.ts';
import {
  type ClusterExternalSecretRecord,
  clusterExternalSecretRecord,
  type ExternalSecretRecord,
  externalSecretRecord,
  keptTargetRecord,
  type StoreKind,
  type StoreRecord,
  storeRecord,
} from '../controller/records.ts';
import { managedLabel, managedLabelValue } from '../core/contract-names.ts';
import type { ObservedTarget } from '../core/target-plan.ts';
import { clusterExternalSecretResource } from '../crds/cluster-external-secret.ts';
import { externalSecretResource } from '../crds/external-secret.ts';
import { clusterSecretStoreResource, secretStoreResource } from '../crds/secret-store.ts';
import { secretResource } from '../credentials/store-credentials.ts';
import type { InformerOptions } from '../kube/contract.ts';
import { type InformerDeps, type StartedInformer, startInformer } from '../kube/informer.ts';
import { untilServed } from './served.ts';

/** An informer, and the view of it that includes what this process has just written. */
export interface Cache<T extends Versioned> {
  readonly informer: StartedInformer<T>;
  readonly view: OwnWrites<T>;
}

export interface Caches {
  readonly externalSecrets: Cache<ExternalSecretRecord>;
  readonly targets: Cache<ObservedTarget>;
  readonly stores: Readonly<Partial<Record<StoreKind, Cache<StoreRecord>>>>;
  /** Not waited for: a cluster whose CRDs are older serves its ExternalSecrets all the same. */
  readonly clusterExternalSecrets?: Cache<ClusterExternalSecretRecord>;
}

interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Starts one informer with its view. */
export function startCache<T extends Versioned>(options: InformerOptions<T>, deps: InformerDeps): Cache<T> {
  const informer: StartedInformer<T> = startInformer(
    {
      ...options,
      known: (key, resourceVersion) => view.written(key, resourceVersion),
      onReached: () => view.catchUp(),
    },
    deps,
  );
  const view = new OwnWrites(informer);
  return { informer, view };
}

interface CacheInputs {
  readonly config: Config;
  readonly informerDeps: InformerDeps;
  readonly waitingFor: Set<string>;
  readonly stopping: AbortSignal;
}

/** Starts every informer at once and waits for all; a follower keeps them warm. */
export async function startCaches({ config, informerDeps, waitingFor, stopping }: CacheInputs): Promise<Caches> {
  await untilServed(informerDeps, waitingFor, stopping);
  const scope = config.namespace === undefined ? {} : { namespace: config.namespace };
  const cache = <T extends Versioned>(options: InformerOptions<T>): Cache<T> => startCache(options, informerDeps);
  const labelSelector = `${managedLabel}=${managedLabelValue}`;
  const clusterStores = { resource: clusterSecretStoreResource, trim: storeRecord('ClusterSecretStore') };
  const clusterExternalSecrets = { resource: clusterExternalSecretResource, trim: clusterExternalSecretRecord };
  const caches: Caches = {
    externalSecrets: cache({ resource: externalSecretResource, ...scope, trim: externalSecretRecord }),
    targets: cache({ resource: secretResource, ...scope, labelSelector, trim: (object) => keptTargetRecord(object) }),
    stores: {
      SecretStore: cache({ resource: secretStoreResource, ...scope, trim: storeRecord('SecretStore') }),
      ...(config.clusterStores ? { ClusterSecretStore: cache(clusterStores) } : {}),
    },
    ...(config.clusterExternalSecrets ? { clusterExternalSecrets: cache(clusterExternalSecrets) } : {}),
  };
  const waits = Object.entries({ externalsecrets: caches.externalSecrets, secrets: caches.targets, ...caches.stores });
  for (const [what] of waits) waitingFor.add(what);
  waitingFor.delete('the API server');
  await Promise.all(
    waits.map(async ([what, { informer }]) => {
      await informer.whenSynced(stopping);
      waitingFor.delete(what);
    }),
  );
  return caches;
}
