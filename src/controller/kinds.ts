// The table of kinds that are reconciled. A row makes a kind known to caches, metrics, events, status, roles and reference
// pages; `controllers.ts` has the controller of each, and does not build without it.
import {
  clusterExternalSecretKind,
  clusterSecretStoreKind,
  environmentKind,
  externalSecretKind,
  secretStoreKind,
} from '../crds/kinds.ts';
import { controllerRevisionResource, namespaceResource } from '../kube/types.ts';
import type { KindRow, Right, Switch } from './kit/kind.ts';
import {
  type ClusterExternalSecretRecord,
  clusterExternalSecretRecord,
  type EnvironmentRecord,
  type ExternalSecretRecord,
  environmentRecord,
  externalSecretRecord,
  type StoreRecord,
  storeRecord,
} from './records.ts';

const inRights = (name: string) => ({ file: 'rights.test.ts', name });
const inCluster = (name: string) => ({ file: 'cluster-external-secret.test.ts', name });
/** Newer clusters fill a cache by a watch (WatchList); those before 1.32 do not. */
const needsList = inRights('is served by an operator that may list');
const keepsSecret = inRights('keeps the Secret of an ExternalSecret');
const servesClusterStore = inRights('serves a ClusterSecretStore with conditions on namespaces');
const provisions = inCluster('provisions the namespaces that are chosen, and cleans up');
const inEnvironments = (name: string) => ({ file: 'environments.test.ts', name });
const followsEnvironments = inEnvironments('follows every Environment that it is made of');
const hasRevisions = inEnvironments('has revisions, of which imports, stores and keys name one');
const takesOffFinalizers = inCluster('takes off the finalizers that another operator left');

const clusterStores: Switch = {
  flag: 'enable-cluster-store-reconciler',
  option: 'clusterStores',
  value: 'processClusterStore',
};
const storeReconciler: Switch = {
  flag: 'enable-secret-store-reconciler',
  option: 'storeReconciler',
  value: 'processSecretStore',
};
const clusterExternalSecrets: Switch = {
  flag: 'enable-cluster-external-secret-reconciler',
  option: 'clusterExternalSecrets',
  value: 'processClusterExternalSecret',
};

const ownFinalizer = 'the finalizer that the External Secrets Operator left is taken off when the object is deleted';
const heard = 'edits, deletions and force-sync are heard of at once';

/** What keeps the status of a store, and its cache. */
const storeRights = (watched: Right['test'], reported: Right['test'], when: string | undefined): readonly Right[] => [
  { verb: 'list', why: 'the cache of the stores is filled', test: needsList },
  { verb: 'watch', why: 'a repaired store wakes its ExternalSecrets at once', test: watched },
  {
    verb: 'patch',
    subresource: 'status',
    ...(when === undefined ? {} : { when }),
    why: 'whether the login works is reported',
    test: reported,
  },
];

const externalSecret: KindRow<ExternalSecretRecord> = {
  definition: externalSecretKind,
  record: externalSecretRecord,
  eventComponent: 'external-secrets',
  series: { controller: 'externalsecret', countsRuns: true },
  rights: [
    { verb: 'list', why: 'the cache that says which Secrets are wanted is filled', test: needsList },
    { verb: 'watch', why: heard, test: keepsSecret },
    { verb: 'patch', why: ownFinalizer, test: inRights('takes off the finalizer that another operator left') },
    {
      verb: 'patch',
      subresource: 'status',
      why: 'conditions, the refresh time and the observed generation are reported',
      test: keepsSecret,
    },
    {
      verb: 'update',
      subresource: 'finalizers',
      when: 'openshiftFinalizers',
      why: 'a cluster that checks owner references lets only those make a Secret that blocks the deletion of its owner',
      test: inRights('is served by an operator that may update finalizers'),
    },
  ],
};

const secretStore: KindRow<StoreRecord> = {
  definition: secretStoreKind,
  record: storeRecord('SecretStore'),
  eventComponent: 'secret-store',
  series: { controller: 'secretstore' },
  reported: storeReconciler,
  rights: storeRights(keepsSecret, inRights('reports on a SecretStore'), storeReconciler.value),
};

const clusterSecretStore: KindRow<StoreRecord> = {
  definition: clusterSecretStoreKind,
  record: storeRecord('ClusterSecretStore'),
  eventComponent: 'cluster-secret-store',
  series: { controller: 'clustersecretstore' },
  served: clusterStores,
  reported: storeReconciler,
  rights: storeRights(servesClusterStore, servesClusterStore, undefined),
};

const clusterExternalSecret: KindRow<ClusterExternalSecretRecord> = {
  definition: clusterExternalSecretKind,
  record: clusterExternalSecretRecord,
  eventComponent: 'cluster-external-secret',
  series: { controller: 'clusterexternalsecret' },
  served: clusterExternalSecrets,
  mayBeMissing: true,
  rights: [
    { verb: 'list', why: 'the cache of the ClusterExternalSecrets is filled', test: provisions },
    { verb: 'watch', why: heard, test: provisions },
    { verb: 'patch', why: ownFinalizer, test: takesOffFinalizers },
    { verb: 'patch', subresource: 'status', why: 'which namespaces are provisioned is reported', test: provisions },
    {
      verb: 'create',
      on: externalSecretKind.resource,
      why: 'a chosen namespace gets its ExternalSecret',
      test: provisions,
    },
    {
      verb: 'update',
      on: externalSecretKind.resource,
      why: 'the ExternalSecret of a namespace follows its ClusterExternalSecret',
      test: provisions,
    },
    {
      verb: 'delete',
      on: externalSecretKind.resource,
      why: 'the ExternalSecret goes when its namespace is no longer chosen',
      test: provisions,
    },
    {
      verb: 'patch',
      on: namespaceResource,
      why: 'the finalizer that the External Secrets Operator left on a namespace is taken off, or the namespace could not go',
      test: takesOffFinalizers,
    },
  ],
};

const environment: KindRow<EnvironmentRecord> = {
  definition: environmentKind,
  record: environmentRecord,
  eventComponent: 'environment',
  series: { controller: 'environment', isByObject: false },
  mayBeMissing: true,
  rights: [
    {
      verb: 'list',
      why: 'the cache of the Environments is filled; those of other namespaces are read, one by one',
      test: followsEnvironments,
    },
    {
      verb: 'watch',
      why: 'an edit of an Environment reaches the Secrets that are made of it at once',
      test: followsEnvironments,
    },
    {
      verb: 'patch',
      subresource: 'status',
      why: 'what is wrong with an Environment, and what it gives, is reported',
      test: inEnvironments('is checked, and told what it gives'),
    },
    {
      verb: 'update',
      subresource: 'finalizers',
      when: 'openshiftFinalizers',
      why: 'a cluster that checks owner references lets only those publish in a Secret that blocks the deletion of its owner',
      test: inRights('is served by an operator that may update finalizers'),
    },
    {
      verb: 'get',
      on: controllerRevisionResource,
      why: 'a revision whose creation met a conflict is looked at',
      test: inEnvironments('finds the revision that is there without its label'),
    },
    ...(
      [
        ['list', 'the revisions of Environments are known; one that is named is read'],
        ['watch', 'the revisions of Environments are followed'],
        ['create', 'every accepted change of an Environment is kept as a revision'],
        ['delete', 'revisions over the limit go'],
      ] as const
    ).map(([verb, why]) => ({ verb, on: controllerRevisionResource, why, test: hasRevisions })),
  ],
};

export const kinds = {
  ExternalSecret: externalSecret,
  SecretStore: secretStore,
  ClusterSecretStore: clusterSecretStore,
  ClusterExternalSecret: clusterExternalSecret,
  Environment: environment,
} as const;

export type ReconciledKind = keyof typeof kinds;

export type RecordOf<K extends ReconciledKind> = ReturnType<(typeof kinds)[K]['record']>;

/** The manager of the fields that are written of our own kinds. */
export const fieldManager = 'escapement';
