// Reads and writes one Lease. https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/
import type { OperatorError } from '../base/operator-error.ts';
import { ApiError } from './api-error.ts';
import { type ApiCall, callApi } from './call.ts';
import { collectionPath, objectPath } from './path.ts';
import type { Transport } from './transport.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';

export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface Lease extends KubeObject {
  readonly spec?: {
    /** Empty or absent: nobody holds it. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Within which time the server must answer. */
export interface Within {
  readonly timeoutMs: number;
}

/** The Lease, or undefined when there is none. Throws as `Kube` says. */
export async function readLease(
  transport: Transport,
  name: ObjectName,
  { timeoutMs }: Within,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const attempt = { verb: 'get', plural: leases.plural, key: keyOf(name) };
  try {
    return await callApi<Lease>(
      transport,
      { method: 'GET', path: objectPath(leases, name), mayReplay: true, attempt, timeoutMs },
      signal,
    );
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 404) return undefined;
    throw thrown;
  }
}

/** Creates a Lease without resourceVersion, replaces one that has it; `Conflict` when somebody was faster. */
export function writeLease(
  transport: Transport,
  lease: Lease,
  { timeoutMs }: Within,
  signal: AbortSignal,
): Promise<Lease> {
  const { metadata } = lease;
  const isNew = metadata.resourceVersion === undefined;
  const call: ApiCall = {
    method: isNew ? 'POST' : 'PUT',
    path: isNew ? collectionPath(leases, metadata.namespace) : objectPath(leases, metadata),
    body: JSON.stringify({ ...lease, apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }),
    attempt: { verb: isNew ? 'create' : 'update', plural: leases.plural, key: keyOf(metadata) },
    mayReplay: true, // its version or its name is taken the second time, and whoever meets a conflict reads again
    timeoutMs,
  };
  return callApi<Lease>(transport, call, signal);
}

/** RFC 3339 with microseconds, as meta/v1 MicroTime is written. */
export function microTime(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000Z');
}

/** Whether somebody else was faster. */
export function isConflict(error: OperatorError): boolean {
  return error.reason === 'Conflict';
}
