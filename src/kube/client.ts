// The calls of contract.ts over a transport.
import { OperatorError } from '../base/operator-error.ts';
import type { Attempt } from './api-error.ts';
import { callApi, refusalOf } from './call.ts';
import type { CreateOptions, DeleteOptions, Kube, WriteOptions } from './contract.ts';
import { collectionPath, objectPath, withQuery } from './path.ts';
import type { Transport } from './transport.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';
import { requireWhole } from './whole.ts';

const mergePatchType = 'application/merge-patch+json';

export function createKube(transport: Transport): Kube {
  return {
    get: async <T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal) => {
      const attempt = attemptOf('get', resource, name);
      const call = { method: 'GET', path: objectPath(resource, name), mayReplay: true, attempt } as const;
      return requireWhole(resource, await callApi<T>(transport, call, signal));
    },
    create: async <T extends KubeObject>(
      resource: Resource,
      object: T,
      options: CreateOptions,
      signal: AbortSignal,
    ) => {
      requireNamespace(resource, object);
      const path = withQuery(collectionPath(resource, object.metadata.namespace), managerOf(options));
      const attempt = attemptOf('create', resource, object.metadata);
      const call = { method: 'POST', path, attempt, mayReplay: options.mayExist === true } as const;
      return callApi<T>(transport, { ...call, body: textOf(resource, object) }, signal);
    },
    update: async <T extends KubeObject>(resource: Resource, object: T, options: WriteOptions, signal: AbortSignal) => {
      requireNamespace(resource, object);
      const path = withQuery(objectPath(resource, object.metadata, options.subresource), managerOf(options));
      const attempt = attemptOf('update', resource, object.metadata);
      const call = { method: 'PUT', path, attempt, mayReplay: namesVersion(object) } as const;
      return callApi<T>(transport, { ...call, body: textOf(resource, object) }, signal);
    },
    mergePatch: async <T extends KubeObject>(
      resource: Resource,
      name: ObjectName,
      patch: unknown,
      options: WriteOptions,
      signal: AbortSignal,
    ) => {
      const path = withQuery(objectPath(resource, name, options.subresource), managerOf(options));
      const call = { method: 'PATCH', path, body: JSON.stringify(patch), mayReplay: namesVersion(patch) } as const;
      const attempt = attemptOf('patch', resource, name);
      return callApi<T>(transport, { ...call, contentType: mergePatchType, attempt }, signal);
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
  const { uid, resourceVersion } = options.preconditions ?? {};
  const mayReplay = isNamed(uid) || isNamed(resourceVersion); // else what was made anew in between would go as well
  const body =
    options.preconditions === undefined ? {} : { body: JSON.stringify({ preconditions: options.preconditions }) };
  const call = { method: 'DELETE', path: objectPath(resource, name), mayReplay } as const;
  const answer = await transport.send({ ...call, ...body }, signal);
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

/** Whether an object or a patch carries the version that it was made from: the server refuses it once that has changed. */
function namesVersion(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('metadata' in body)) return false;
  const { metadata } = body;
  return typeof metadata === 'object' && metadata !== null && 'resourceVersion' in metadata
    ? isNamed(metadata.resourceVersion)
    : false;
}

/** The empty text is no precondition: the server takes it as absent. */
function isNamed(precondition: unknown): boolean {
  return typeof precondition === 'string' && precondition !== '';
}

function requireNamespace({ namespaced, kind }: Resource, { metadata }: KubeObject): void {
  if (!namespaced || (metadata.namespace !== undefined && metadata.namespace !== '')) return;
  throw new OperatorError('Internal', `${kind} "${metadata.name}" has no namespace`);
}
