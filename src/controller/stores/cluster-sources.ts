// What a store reads of the cluster itself: Environments, data of Secrets and ConfigMaps, labels of namespaces. Every read
// is a watch from then on, so that a change is heard of. Namespaces are the caller's business.
import { SecretValue } from '../../core/secret-value.ts';
import { environmentResource } from '../../crds/environment.ts';
import {
  type CredentialPorts,
  configMapResource,
  secretResource,
  storeCredentials,
} from '../../credentials/store-credentials.ts';
import { type ConfigMap, controllerRevisionResource, namespaceResource, type Secret } from '../../kube/types.ts';
import type { ClusterSources } from '../../providers/contract.ts';

/** `storeName` is for messages. */
export function clusterSources(storeName: string, ports: CredentialPorts): ClusterSources {
  const { objects } = ports;
  return {
    readEnvironment: (name, signal) => objects.read(environmentResource, name, signal),
    readRevision: (name, signal) => objects.read(controllerRevisionResource, name, signal),
    async readData(kind, name, signal) {
      if (kind === 'Secret') {
        const secret = await objects.read<Secret>(secretResource, name, signal);
        return secret && new Map(decoded(secret.data));
      }
      const map = await objects.read<ConfigMap>(configMapResource, name, signal);
      const texts = Object.entries(map?.data ?? {}).map(([key, text]) => [key, new SecretValue(text)] as const);
      return map && new Map([...texts, ...decoded(map.binaryData)]);
    },
    async namespaceLabels(name, signal) {
      const namespace = await objects.read(namespaceResource, { name }, signal);
      return namespace && (namespace.metadata.labels ?? {});
    },
    credentialsIn: (namespace) =>
      storeCredentials({ kind: 'SecretStore', name: storeName, namespace, consumerNamespace: undefined }, ports),
  };
}

function decoded(data: Readonly<Record<string, string>> = {}): (readonly [string, SecretValue])[] {
  return Object.entries(data).map(([key, text]) => [key, new SecretValue(Buffer.from(text, 'base64'))] as const);
}
