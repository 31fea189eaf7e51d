// Where a collection or an object lives in the API, as the path of a URL.
import { OperatorError } from '../base/operator-error.ts';
import type { ObjectName, Resource } from './types.ts';

/** `/api/v1` for the core group, else `/apis/<group>/<version>`. */
export function groupVersionPath({ group, version }: Resource): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** The path of a collection; without `namespace` that of all namespaces. Throws `Internal` for an empty one: it names neither. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = groupVersionPath(resource);
  if (!resource.namespaced || namespace === undefined) return `${root}/${resource.plural}`;
  if (namespace === '') throw new OperatorError('Internal', `${resource.plural}: an empty namespace`);
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`;
}

/** The path of one object, or of its subresource. Throws `Internal` when the kind has namespaces and none is named. */
export function objectPath(resource: Resource, { namespace, name }: ObjectName, subresource?: string): string {
  if (resource.namespaced && namespace === undefined)
    throw new OperatorError('Internal', `${resource.kind} "${name}" has no namespace`);
  if (name === '') throw new OperatorError('Internal', `${resource.plural}: an empty name`); // the path of the collection
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
