// The table of kinds that are reconciled: one row makes a kind known to caches, metrics, events and status.
import { clusterExternalSecretResource } from '../crds/cluster-external-secret.ts';
import { externalSecretResource } from '../crds/external-secret.ts';
import { clusterSecretStoreResource, secretStoreResource } from '../crds/secret-store.ts';
import type { Resource } from '../kube/types.ts';

interface KindRow {
  readonly resource: Resource;
  /** `source.component` of its events, as in ESO. */
  readonly eventComponent: string;
  /** What controller-runtime calls its controller in ESO: label of metrics. */
  readonly controllerName: string;
}

export const kinds = {
  ExternalSecret: {
    resource: externalSecretResource,
    eventComponent: 'external-secrets',
    controllerName: 'externalsecret',
  },
  SecretStore: { resource: secretStoreResource, eventComponent: 'secret-store', controllerName: 'secretstore' },
  ClusterSecretStore: {
    resource: clusterSecretStoreResource,
    eventComponent: 'cluster-secret-store',
    controllerName: 'clustersecretstore',
  },
  ClusterExternalSecret: {
    resource: clusterExternalSecretResource,
    eventComponent: 'cluster-external-secret',
    controllerName: 'clusterexternalsecret',
  },
} as const satisfies Record<string, KindRow>;

export type ReconciledKind = keyof typeof kinds;

/** The manager of the fields that are written of our own kinds. */
export const fieldManager = 'escapement';
