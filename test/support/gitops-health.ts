// What GitOps tools conclude from an object: Argo CD's built-in check of ExternalSecrets, and kstatus, which Flux uses.
// https://github.com/argoproj/argo-cd/tree/master/resource_customizations/external-secrets.io
// https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
import type { ApiObject } from './kube-api.ts';
import { condition } from './wait.ts';

export type ArgoHealth = 'Healthy' | 'Degraded' | 'Progressing';

/** With OnChange a Ready that is older than the last refresh does not count; the two are compared as texts. */
export function argoHealth(object: ApiObject): ArgoHealth {
  const ready = condition(object, 'Ready');
  if (ready === undefined) return 'Progressing';
  const isStale = (ready.lastTransitionTime ?? '') < (object.status?.refreshTime ?? '');
  if (object.spec?.['refreshPolicy'] === 'OnChange' && isStale) return 'Progressing';
  return ready.status === 'True' ? 'Healthy' : 'Degraded';
}

/** Of a ClusterExternalSecret: of the conditions that are True the last one with a meaning counts. */
export function argoClusterHealth({ status }: ApiObject): ArgoHealth {
  let health: ArgoHealth = 'Progressing';
  for (const { type, status: is } of status?.conditions ?? []) {
    if (is !== 'True') continue;
    if (type === 'Ready') health = 'Healthy';
    if (type === 'NotReady' || type === 'PartiallyReady') health = 'Degraded';
  }
  return health;
}

export type KStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

export function kstatus(object: ApiObject): KStatus {
  const { metadata, status } = object;
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const observed = status?.observedGeneration;
  if (observed !== undefined && observed !== metadata.generation) return 'InProgress';
  if (condition(object, 'Reconciling')?.status === 'True') return 'InProgress';
  if (condition(object, 'Stalled')?.status === 'True') return 'Failed';
  const ready = condition(object, 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}
