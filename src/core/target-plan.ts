// What the target Secret should be, and the write (or none) that makes it so. Pure: the same inputs give the same plan,
// and planning against the outcome of a plan gives no write. Values come in as SecretValues and leave only in a write.
import {
  createdByLabel,
  dataHashAnnotation,
  externalSecretApiVersion,
  managedLabel,
  managedLabelValue,
} from './contract-names.ts';
import { fieldManagerNames } from './field-manager.ts';
import { hashData, hashOwner } from './object-hash.ts';
import { OperatorError } from './operator-error.ts';
import type { SecretValue } from './secret-value.ts';

type Texts = Readonly<Record<string, string>>;

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** What is kept of a target Secret: everything but its values, which are kept as the digest that ESO's annotation uses. */
export interface ObservedTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly type: string;
  readonly immutable: boolean;
  readonly deleting: boolean;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly owners: readonly Owner[];
  readonly finalizers: readonly string[];
  /** Hash of `.data`, as `hashData` gives it. */
  readonly dataHash: string;
  readonly keys: readonly string[];
  /** Label and annotation keys that ESO's or our field managers wrote, by manager. */
  readonly managed: readonly ManagedMetadata[];
}

export interface ManagedMetadata {
  readonly manager: string;
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** The ExternalSecret as far as its target depends on it. */
export interface TargetSource {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly targetName: string;
}

/** A whole Secret to be sent; `resourceVersion` is the precondition of an update. */
export interface WantedSecret {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion?: string;
  readonly uid?: string;
  readonly type?: string;
  readonly immutable?: boolean;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly owners: readonly Owner[];
  readonly finalizers: readonly string[];
  readonly data: ReadonlyMap<string, SecretValue>;
}

export type TargetPlan =
  | { readonly action: 'none' }
  | { readonly action: 'create' | 'update'; readonly secret: WantedSecret };

/** True when the target carries our mark and holds the data that was last written: what ESO calls a valid Secret. */
export function isTargetValid(target: ObservedTarget | undefined): boolean {
  return (
    target !== undefined &&
    !target.deleting &&
    target.labels[managedLabel] === managedLabelValue &&
    target.annotations[dataHashAnnotation] === target.dataHash
  );
}

/**
 * The plan for creationPolicy Owner: all data is ours, foreign labels and annotations stay, those that we wrote earlier
 * and want no more go. Throws TargetConflict when another controller owns the Secret, when it is immutable, or of a type
 * that is not for values.
 */
export function planOwnedTarget(
  source: TargetSource,
  data: ReadonlyMap<string, SecretValue>,
  observed: ObservedTarget | undefined,
): TargetPlan {
  const dataHash = hashData(bytesOf(data));
  const marks = marksOf(source, dataHash);
  if (observed === undefined) {
    const name = { namespace: source.namespace, name: source.targetName };
    return { action: 'create', secret: { ...name, ...marks, owners: [ownerOf(source)], finalizers: [], data } };
  }
  refusePowerful(source, observed);
  refuseForeignOwner(source, observed);
  const wanted = marksOver(observed, source, marks);
  const sameData = observed.dataHash === dataHash;
  if (sameData && sameMarks(wanted, observed)) return { action: 'none' };
  if (observed.immutable && !sameData) {
    throw new OperatorError(
      'TargetConflict',
      `target Secret "${source.targetName}" is immutable and its data would change`,
    );
  }
  return {
    action: 'update',
    secret: {
      namespace: source.namespace,
      name: source.targetName,
      uid: observed.uid,
      resourceVersion: observed.resourceVersion,
      type: observed.type,
      ...(observed.immutable ? { immutable: true } : {}),
      ...wanted,
      finalizers: observed.finalizers,
      data,
    },
  };
}

/**
 * True when labels, annotations and owner of a valid target are as the ExternalSecret wants them at present. They may not
 * be although its status says that it was synced: the target is written before the status.
 */
export function hasWantedMarks(source: TargetSource, target: ObservedTarget): boolean {
  return sameMarks(marksOver(target, source, marksOf(source, target.dataHash)), target);
}

/** What marks a target, besides its data. */
interface Marks {
  readonly labels: Texts;
  readonly annotations: Texts;
}

function marksOf(source: TargetSource, dataHash: string): Marks {
  const createdBy = hashOwner(`${source.namespace}/${source.name}`);
  return {
    labels: { ...source.labels, [createdByLabel]: createdBy, [managedLabel]: managedLabelValue },
    annotations: { ...source.annotations, [dataHashAnnotation]: dataHash },
  };
}

type OwnedMarks = Marks & Pick<ObservedTarget, 'owners'>;

/** Foreign labels, annotations and owners stay; of ours those go that are wanted no more. */
function marksOver(observed: ObservedTarget, source: TargetSource, { labels, annotations }: Marks): OwnedMarks {
  const managers = fieldManagerNames(source.name);
  const earlier = observed.managed.filter(({ manager }) => managers.includes(manager));
  const earlierLabels = earlier.flatMap((entry) => entry.labels);
  const earlierAnnotations = earlier.flatMap((entry) => entry.annotations);
  return {
    labels: merged(observed.labels, earlierLabels, labels),
    annotations: merged(observed.annotations, earlierAnnotations, annotations),
    owners: withOwner(observed.owners, ownerOf(source)),
  };
}

function sameMarks(a: OwnedMarks, b: OwnedMarks): boolean {
  return sameTexts(a.labels, b.labels) && sameTexts(a.annotations, b.annotations) && sameOwners(a.owners, b.owners);
}

/**
 * True for a Secret that was written for this ExternalSecret under an earlier target name. Narrower than in ESO, where the
 * label alone decides: the owner must be this very object too.
 */
export function isOrphanOf(source: TargetSource, target: ObservedTarget): boolean {
  return (
    target.namespace === source.namespace &&
    target.name !== source.targetName &&
    !target.deleting &&
    target.labels[createdByLabel] === hashOwner(`${source.namespace}/${source.name}`) &&
    controllerOf(target)?.uid === source.uid
  );
}

/** The ExternalSecret that a target belongs to, by its owner reference: `namespace/name`. */
export function ownerKeyOf(target: ObservedTarget): string | undefined {
  const controller = controllerOf(target);
  return controller !== undefined && isExternalSecret(controller)
    ? `${target.namespace}/${controller.name}`
    : undefined;
}

function controllerOf({ owners }: ObservedTarget): Owner | undefined {
  return owners.find(({ controller }) => controller === true);
}

function bytesOf(data: ReadonlyMap<string, SecretValue>): ReadonlyMap<string, Buffer> {
  return new Map([...data].map(([key, value]) => [key, value.reveal()]));
}

function ownerOf(source: TargetSource): Owner {
  return {
    apiVersion: externalSecretApiVersion,
    kind: 'ExternalSecret',
    name: source.name,
    uid: source.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/**
 * Types of Secrets by which somebody is let in or something is installed. Whoever may create ExternalSecrets, and no
 * Secrets, must not gain that: a controller fills in the token of any ServiceAccount that the annotations name.
 * https://kubernetes.io/docs/concepts/configuration/secret/#secret-types
 */
const powerfulTypes: ReadonlySet<string> = new Set([
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
]);

function refusePowerful({ targetName }: TargetSource, { type }: ObservedTarget): void {
  if (!powerfulTypes.has(type)) return;
  throw new OperatorError(
    'TargetConflict',
    `target Secret "${targetName}" is of type "${type}", which is never written: choose another target name`,
  );
}

/** ESO compares the owner by kind and name, so an ExternalSecret that was deleted and made again takes its Secret back. */
function refuseForeignOwner(source: TargetSource, observed: ObservedTarget): void {
  const controller = controllerOf(observed);
  if (controller === undefined || isSame(controller, source)) return;
  if (isExternalSecret(controller)) {
    throw new OperatorError('TargetConflict', `target is owned by another ExternalSecret: "${controller.name}"`);
  }
  throw new OperatorError(
    'TargetConflict',
    `failed to take ownership of target secret "${source.targetName}": ${controller.kind} "${controller.name}" controls it`,
  );
}

function isSame(owner: Owner, source: TargetSource): boolean {
  return isExternalSecret(owner) && owner.name === source.name;
}

function isExternalSecret(owner: Owner): boolean {
  return owner.kind === 'ExternalSecret' && owner.apiVersion.startsWith('external-secrets.io/');
}

function withOwner(owners: readonly Owner[], owner: Owner): readonly Owner[] {
  const at = owners.findIndex((known) => isExternalSecret(known) && known.name === owner.name);
  return at < 0 ? [...owners, owner] : owners.map((known, i) => (i === at ? owner : known));
}

function merged(present: Texts, ours: readonly string[], wanted: Texts): Texts {
  const result: Record<string, string> = { ...present };
  for (const key of ours) delete result[key];
  return { ...result, ...wanted };
}

/** Whether two string maps hold the same entries. */
export function sameTexts(a: Texts, b: Texts): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function sameOwners(a: readonly Owner[], b: readonly Owner[]): boolean {
  return (
    a.length === b.length &&
    a.every((owner, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        owner.uid === other.uid &&
        owner.name === other.name &&
        owner.kind === other.kind &&
        owner.apiVersion === other.apiVersion &&
        (owner.controller ?? false) === (other.controller ?? false) &&
        (owner.blockOwnerDeletion ?? false) === (other.blockOwnerDeletion ?? false)
      );
    })
  );
}
