// The kinds that the model cluster serves, and where they live in its API.
import { clusterExternalSecretResource } from '../../../src/crds/cluster-external-secret.ts';
import { environmentResource } from '../../../src/crds/environment.ts';
import { externalSecretResource } from '../../../src/crds/external-secret.ts';
import { generatorKinds } from '../../../src/crds/generators/table.ts';
import { clusterSecretStoreResource, secretStoreResource } from '../../../src/crds/secret-store.ts';
import { configMapResource, secretResource } from '../../../src/credentials/store-credentials.ts';
import { leases } from '../../../src/kube/lease-record.ts';
import {
  controllerRevisionResource,
  type KubeObject,
  namespaceResource,
  type ObjectName,
  type Resource,
} from '../../../src/kube/types.ts';

const events: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

const resources: readonly Resource[] = [
  secretResource,
  configMapResource,
  namespaceResource,
  events,
  leases,
  externalSecretResource,
  clusterExternalSecretResource,
  secretStoreResource,
  clusterSecretStoreResource,
  environmentResource,
  controllerRevisionResource,
  ...Object.values(generatorKinds).map(({ resource }) => resource),
];

const byPlace = new Map(resources.map((resource) => [`${resource.group}/${resource.plural}`, resource]));

export function isNamespaced(kind: string): boolean {
  return resources.find((resource) => resource.kind === kind)?.namespaced ?? true;
}

/** Kinds of custom resources count the versions of their specs; those of the core do not. */
export function hasGeneration(kind: string): boolean {
  const { group } = resources.find((resource) => resource.kind === kind) ?? leases;
  return group === 'escapement.dev' || group.endsWith('external-secrets.io');
}

/** An object as the cluster holds it. What stands beside the metadata is the kind's affair. */
export interface ModelObject extends KubeObject {
  readonly type?: string;
  readonly immutable?: boolean;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly ModelCondition[];
    readonly binding?: { readonly name: string };
    readonly refreshTime?: string;
    readonly syncedResourceVersion?: string;
    readonly provisionedNamespaces?: readonly string[];
  };
}

export interface ModelCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

export function readyOf(object: ModelObject | undefined): ModelCondition | undefined {
  return object?.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** What a path of the API speaks of; without a name it is a collection. */
export interface Place {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly query: URLSearchParams;
}

/** What the API says of the resources in a version of a group; undefined for another path. */
export function resourcesAt(path: string): object | undefined {
  const [root, ...rest] = path.split('/').filter((part) => part !== '');
  const [group, version] = root === 'api' ? ['', ...rest] : rest;
  if (rest.length !== (root === 'api' ? 1 : 2)) return undefined;
  const found = resources.filter((one) => one.group === group && one.version === version);
  return { resources: found.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced })) };
}

/** Undefined for a path of which the model knows nothing. */
export function placeOf(path: string): Place | undefined {
  const url = new URL(path, 'https://model.test');
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  const group = root === 'api' ? '' : rest.shift();
  rest.shift(); // the version
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1] : undefined;
  const [plural, name, subresource] = namespace === undefined ? rest : rest.slice(2);
  const resource = byPlace.get(`${group}/${plural}`);
  return resource && { resource, namespace, name, subresource, query: url.searchParams };
}

export function nameIn({ namespace, name = '' }: Place): ObjectName {
  return namespace === undefined ? { name } : { namespace, name };
}
