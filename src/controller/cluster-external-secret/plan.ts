// What a ClusterExternalSecret asks of each namespace, as a plan: which ExternalSecrets are created, brought in step or
// deleted, where one of somebody else is in the way, which finalizers of ESO are no longer of use. Pure.
import { forceSyncAnnotation, namespaceFinalizer } from '../../core/contract-names.ts';
import { checkSelector, matchesLabels } from '../../core/label-selector.ts';
import { sameJson } from '../../core/same-json.ts';
import { sameTexts } from '../../core/target-plan.ts';
import type { ClusterExternalSecretSpec } from '../../crds/cluster-external-secret.ts';
import { externalSecretResource } from '../../crds/external-secret.ts';
import { externalSecretsGroup } from '../../crds/object.ts';
import type { LabelSelector } from '../../crds/selectors.ts';
import type { KubeObject, OwnerReference } from '../../kube/types.ts';
import type { ClusterExternalSecretRecord, ExternalSecretRecord, NamespaceRecord } from '../records.ts';

/** What one namespace needs. */
export type Step =
  | { readonly kind: 'create'; readonly namespace: string }
  | { readonly kind: 'update'; readonly namespace: string; readonly child: ExternalSecretRecord }
  | { readonly kind: 'none'; readonly namespace: string }
  /** An ExternalSecret stands in the way. */
  | { readonly kind: 'blocked'; readonly namespace: string; readonly why: string };

export interface ChildrenPlan {
  /** One for each namespace that is chosen and stays, in order of their names. */
  readonly steps: readonly Step[];
  readonly deletes: readonly ExternalSecretRecord[];
  /** Namespaces that ESO's finalizer would keep from going. */
  readonly releases: readonly NamespaceRecord[];
}

export interface Seen {
  readonly namespaces: Iterable<NamespaceRecord>;
  readonly childAt: (namespace: string, name: string) => ExternalSecretRecord | undefined;
  /** Every ExternalSecret that it owns. */
  readonly owned: Iterable<ExternalSecretRecord>;
  /** False for a namespace in which its stores belong to another controller. */
  readonly isOurs: (namespace: string) => boolean;
}

/** Why ESO refuses, in its words. */
export const foreignChild = 'external secret already exists in namespace';
export const leavingChild = 'the external secret in the namespace is being deleted';

export function planChildren(
  ces: ClusterExternalSecretRecord,
  spec: ClusterExternalSecretSpec,
  { namespaces, childAt, owned, isOurs }: Seen,
): ChildrenPlan {
  const chosen = new Set<string>();
  const leaving = new Set<string>();
  const steps: Step[] = [];
  const releases: NamespaceRecord[] = [];
  const finalizer = namespaceFinalizer(ces.name);
  for (const namespace of namespaces) {
    const { name, deleting, finalizers } = namespace;
    if (deleting) leaving.add(name);
    const isChosen = selects(spec, namespace);
    if ((deleting || !isChosen) && finalizers.includes(finalizer) && isOurs(name)) releases.push(namespace);
    if (!isChosen) continue;
    chosen.add(name);
    if (!deleting && isOurs(name)) steps.push(stepFor(ces, spec, name, childAt(name, ces.childName)));
  }
  const deletes = [...owned].filter(
    ({ namespace, name, deleting }) =>
      !deleting && !leaving.has(namespace) && isOurs(namespace) && (name !== ces.childName || !chosen.has(namespace)),
  );
  return { steps: steps.toSorted((a, b) => compare(a.namespace, b.namespace)), deletes, releases };
}

/** Whether the stores belong to another controller in every namespace that is chosen: then so does all the rest. */
export function isForeign(
  { spec }: ClusterExternalSecretRecord,
  namespaces: Iterable<NamespaceRecord>,
  isOurs: Seen['isOurs'],
): boolean {
  if ('issues' in spec) return false;
  const chosen = [...namespaces].filter((namespace) => selects(spec.ok, namespace));
  return chosen.length > 0 && chosen.every(({ name }) => !isOurs(name));
}

/** Whether a namespace is chosen, by name or by any of the selectors. */
export function selects(
  spec: ClusterExternalSecretSpec,
  { name, labels }: Pick<NamespaceRecord, 'name' | 'labels'>,
): boolean {
  return (
    (spec.namespaces ?? []).includes(name) || selectorsOf(spec).some(([, selector]) => matchesLabels(selector, labels))
  );
}

/** Throws InvalidSpec for a selector that cannot be understood: it must not choose any namespace. */
export function checkSelectors(spec: ClusterExternalSecretSpec): void {
  for (const [at, selector] of selectorsOf(spec)) checkSelector(selector, at);
}

function selectorsOf({ namespaceSelector, namespaceSelectors = [] }: ClusterExternalSecretSpec) {
  return [
    ...(namespaceSelector === undefined ? [] : [['spec.namespaceSelector', namespaceSelector] as const]),
    ...namespaceSelectors.map((selector, i) => [`spec.namespaceSelectors[${i}]`, selector] as const),
  ] satisfies readonly (readonly [string, LabelSelector])[];
}

function stepFor(
  ces: ClusterExternalSecretRecord,
  spec: ClusterExternalSecretSpec,
  namespace: string,
  child: ExternalSecretRecord | undefined,
): Step {
  if (child === undefined) return { kind: 'create', namespace };
  if (!isOwnedBy(child, ces)) return { kind: 'blocked', namespace, why: foreignChild };
  if (child.deleting) return { kind: 'blocked', namespace, why: leavingChild };
  const { labels, annotations } = marksOf(ces, spec);
  const isInStep =
    sameTexts(child.labels, labels) &&
    sameTexts(child.annotations, annotations) &&
    'ok' in child.spec &&
    sameJson(child.spec.ok, spec.externalSecretSpec);
  return isInStep ? { kind: 'none', namespace } : { kind: 'update', namespace, child };
}

/** By uid: an object of the same name that was there before is another one. */
export function isOwnedBy(child: ExternalSecretRecord, { uid }: Pick<ClusterExternalSecretRecord, 'uid'>): boolean {
  return ownerUidOf(child) === uid;
}

/** The uid of the ClusterExternalSecret that controls an ExternalSecret. */
export function ownerUidOf({ owners }: ExternalSecretRecord): string | undefined {
  return owners.find(
    ({ controller, kind, apiVersion }) =>
      controller === true && kind === 'ClusterExternalSecret' && apiVersion.startsWith(`${externalSecretsGroup}/`),
  )?.uid;
}

/** The ExternalSecret as it is to be written: over `child`, or new. */
export function childObject(
  ces: ClusterExternalSecretRecord,
  spec: ClusterExternalSecretSpec,
  namespace: string,
  child?: ExternalSecretRecord,
): KubeObject & { readonly spec: unknown } {
  const { version, kind } = externalSecretResource;
  const owner: OwnerReference = {
    apiVersion: `${externalSecretsGroup}/${version}`,
    kind: 'ClusterExternalSecret',
    name: ces.name,
    uid: ces.uid,
    controller: true,
  };
  const known =
    child === undefined
      ? { ownerReferences: [owner] }
      : {
          uid: child.uid,
          resourceVersion: child.resourceVersion,
          finalizers: child.finalizers,
          ownerReferences: child.owners,
        };
  return {
    apiVersion: owner.apiVersion,
    kind,
    metadata: { namespace, name: ces.childName, ...marksOf(ces, spec), ...known },
    spec: ces.childSpec,
  };
}

/** Labels and annotations of the ExternalSecrets: those of the spec, and force-sync as the ClusterExternalSecret has it. */
function marksOf({ annotations }: ClusterExternalSecretRecord, { externalSecretMetadata }: ClusterExternalSecretSpec) {
  const { [forceSyncAnnotation]: _, ...rest } = externalSecretMetadata?.annotations ?? {};
  const forced = annotations[forceSyncAnnotation];
  return {
    labels: externalSecretMetadata?.labels ?? {},
    annotations: forced === undefined ? rest : { ...rest, [forceSyncAnnotation]: forced },
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
