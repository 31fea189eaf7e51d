// The calls of contract.ts over a transport.
import { OperatorError } from '../core/operator-error.ts';
import type { Attempt } from './api-error.ts';
import { callApi, refusalOf } from './call.ts';
import type { DeleteOptions, Kube, WriteOptions } from './contract.ts';
import { collectionPath, objectPath, withQuery } from './path.ts';
import type { Transport } from './transport.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';

const mergePatchType = 'application/merge-patch+json';

export function createKube(transport: Transport): Kube {
  return {
    get: <T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal) =>
      callApi<T>(
        transport,
        { method: 'GET', path: objectPath(resource, name), attempt: attemptOf('get', resource, name) },
        signal,
      ),
    create: async <T extends KubeObject>(resource: Resource, object: T, options: WriteOptions, signal: AbortSignal) => {
      requireNamespace(resource, object);
      const path = withQuery(collectionPath(resource, object.metadata.namespace), managerOf(options));
      const attempt = attemptOf('create', resource, object.metadata);
      return callApi<T>(transport, { method: 'POST', path, attempt, body: textOf(resource, object) }, signal);
    },
    update: async <T extends KubeObject>(resource: Resource, object: T, options: WriteOptions, signal: AbortSignal) => {
      requireNamespace(resource, object);
      const path = withQuery(objectPath(resource, object.metadata, options.subresource), managerOf(options));
      const attempt = attemptOf('update', resource, object.metadata);
      return callApi<T>(transport, { method: 'PUT', path, attempt, body: textOf(resource, object) }, signal);
    },
    mergePatch: <T extends KubeObject>(
      resource: Resource,
      name: ObjectName,
      patch: unknown,
      options: WriteOptions,
      signal: AbortSignal,
    ) => {
      const path = withQuery(objectPath(resource, name, options.subresource), managerOf(options));
      const call = { method: 'PATCH', path, body: JSON.stringify(patch), contentType: mergePatchType } as const;
      return callApi<T>(transport, { ...call, attempt: attemptOf('patch', resource, name) }, signal);
    },
    delete: (resource, name, options, signal) => deleteObject(transport, { resource, name, options }, signal),
  };
}

interface Deletion {
  readonly resource: Resource;
  readonly name: ObjectName;
  readonly options: DeleteOptions;
}

async function deleteObject(
  transport: Transport,
  { resource, name, options }: Deletion,
  signal: AbortSignal,
): Promise<void> {
  const body =
    options.preconditions === undefined ? {} : { body: JSON.stringify({ preconditions: options.preconditions }) };
  const answer = await transport.send({ method: 'DELETE', path: objectPath(resource, name), ...body }, signal);
  if (answer.status === 404 || (answer.status >= 200 && answer.status < 300)) return;
  throw refusalOf(attemptOf('delete', resource, name), answer);
}

function attemptOf(verb: string, { plural }: Resource, name: ObjectName): Attempt {
  return { verb, plural, key: keyOf(name) };
}

function managerOf({ fieldManager }: WriteOptions): { readonly fieldManager: string } {
  return { fieldManager };
}

/** The object as the server wants it: with apiVersion and kind, which cached objects may have lost. */
function textOf({ group, version, kind }: Resource, object: KubeObject): string {
  return JSON.stringify({ ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind });
}

function requireNamespace({ namespaced, kind }: Resource, { metadata }: KubeObject): void {
  if (!namespaced || (metadata.namespace !== undefined && metadata.namespace !== '')) return;
  throw new OperatorError('Internal', `${kind} "${metadata.name}" has no namespace`);
}
