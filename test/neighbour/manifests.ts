// Manifests for what ESO serves and Escapement does not, and stores of the fake provider, which both know.
import { type SampleManifest, secret } from '../support/samples.ts';
import type { Stage } from './stage.ts';

const apiVersion = 'external-secrets.io/v1';

interface FakeStoreOptions {
  /** None when absent. */
  readonly controller?: string;
  readonly value: string;
}

/** A SecretStore `store` that holds `API_KEY`. */
export function fakeStore({ value, ...spec }: FakeStoreOptions): SampleManifest {
  const provider = { fake: { data: [{ key: 'API_KEY', value }] } };
  return { apiVersion, kind: 'SecretStore', metadata: { name: 'store' }, spec: { ...spec, provider } };
}

export const clusterStore: SampleManifest = {
  ...fakeStore({ controller: 'default', value: 'of the cluster' }),
  kind: 'ClusterSecretStore',
  metadata: { name: 'neighbour' },
};

/** A store of the kubernetes provider that reads Secret `source` of its own namespace, with all that it needs. */
export function kubernetesStore(stage: Stage, namespace: string): readonly object[] {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
  const subjects = [{ kind: 'ServiceAccount', name: 'reader', namespace }];
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] }];
  const server = { url: stage.server, caBundle: Buffer.from(stage.caPem).toString('base64') };
  const provider = { kubernetes: { remoteNamespace: namespace, server, auth: { serviceAccount: { name: 'reader' } } } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'reader' }, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'reader' },
      roleRef,
      subjects,
    },
    secret('source', { API_KEY: 'of kubernetes' }),
    { apiVersion, kind: 'SecretStore', metadata: { name: 'kubernetes' }, spec: { provider } },
  ];
}

/** Pushes Secret `source` (see `kubernetesStore`) into the fake store. */
export const pushing = {
  apiVersion: 'external-secrets.io/v1alpha1',
  kind: 'PushSecret',
  metadata: { name: 'pushing' },
  spec: {
    refreshInterval: '1h',
    secretStoreRefs: [{ name: 'store' }],
    selector: { secret: { name: 'source' } },
    data: [{ match: { secretKey: 'API_KEY', remoteRef: { remoteKey: 'pushed' } } }],
  },
};

export const spreading = {
  apiVersion,
  kind: 'ClusterExternalSecret',
  metadata: { name: 'neighbour' },
  spec: {
    externalSecretName: 'neighbour',
    namespaceSelectors: [{ matchLabels: { neighbour: 'eso' } }],
    externalSecretSpec: {
      secretStoreRef: { name: 'store' },
      data: [{ secretKey: 'value', remoteRef: { key: 'API_KEY' } }],
    },
  },
};
