// Where a collection or an object lives in the API, as the path of a URL.
import type { ObjectName, Resource } from './types.ts';

/** `/api/v1` for the core group, else `/apis/<group>/<version>`. */
export function groupVersionPath({ group, version }: Resource): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The path of a collection; without `namespace` that of all namespaces. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = groupVersionPath(resource);
  if (!resource.namespaced || namespace === undefined || namespace === '') return `${root}/${resource.plural}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

/** The path of one object, or of its subresource. */
export function objectPath(resource: Resource, { namespace, name }: ObjectName, subresource?: string): string {
  const path = `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The path with a query; parameters that are undefined are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`);
  }
  return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
}
