// Kinds that no manifest target may be. The operator holds rights to some of them for its own work, so RBAC alone would not
// keep a tenant out; by the others somebody is let in.
import { OperatorError } from '../../base/operator-error.ts';
import type { ManifestKind } from './manifest-blueprint.ts';

const closedGroups: readonly string[] = [
  'external-secrets.io',
  'generators.external-secrets.io',
  'escapement.dev',
  'coordination.k8s.io',
  'rbac.authorization.k8s.io',
  'authentication.k8s.io',
  'events.k8s.io',
];
const closedCoreKinds: readonly string[] = ['Event', 'ServiceAccount', 'Namespace'];

/** Throws InvalidSpec that says what to do instead. */
export function refuseClosedKind({ apiVersion, kind }: ManifestKind): void {
  const group = groupOf(apiVersion);
  if (group === '' && kind === 'Secret') {
    throw new OperatorError('InvalidSpec', 'spec.target.manifest: a Secret is the target without it: leave it out');
  }
  if (!closedGroups.includes(group) && !(group === '' && closedCoreKinds.includes(kind))) return;
  throw new OperatorError('InvalidSpec', `spec.target.manifest: ${kind} of ${apiVersion} is never a target`);
}

/** '' for the core group. */
export function groupOf(apiVersion: string): string {
  const at = apiVersion.indexOf('/');
  return at < 0 ? '' : apiVersion.slice(0, at);
}
