// What the target Secret should be, and the write (or none) that makes it so. Pure: the same inputs give the same plan,
// and planning against the outcome of a plan gives no write. Values come in as SecretValues and leave only in a write.

import { OperatorError } from '../base/operator-error.ts';
import {
  createdByLabel,
  dataHashAnnotation,
  environmentApiVersion,
  externalSecretApiVersion,
  managedLabel,
  managedLabelValue,
} from './contract-names.ts';
import { environmentFieldManager, fieldManagerNames } from './field-manager.ts';
import { hashData, hashOwner } from './object-hash.ts';
import type { SecretValue } from './secret-value.ts';
import { isMerging, type TargetPolicy } from './target-policy.ts';
import { refuseTooLarge } from './target-size.ts';

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
  /** Hash of `.data`, as `hashData` gives it; '' when there is more in it than is read. */
  readonly dataHash: string;
  readonly keys: readonly string[];
  /** Label and annotation keys that ESO's or our field managers wrote, by manager. */
  readonly managed: readonly ManagedMetadata[];
  /** There was more than is kept: labels, annotations, owners and the rest are what tells whose it is, and no more. */
  readonly isCut?: boolean;
}

export interface ManagedMetadata {
  readonly manager: string;
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

/** A kind whose objects write targets. */
export interface TargetWriter {
  readonly apiVersion: string;
  /** The group, in whatever version an owner reference names. */
  readonly group: string;
  readonly kind: string;
  /** Names under which the object of that name writes. */
  readonly managersOf: (name: string) => readonly string[];
  /** What the label of a target that it created is the hash of. */
  readonly markOf: (object: { readonly namespace: string; readonly name: string }) => string;
}

export const externalSecretWriter: TargetWriter = {
  apiVersion: externalSecretApiVersion,
  group: 'external-secrets.io',
  kind: 'ExternalSecret',
  managersOf: fieldManagerNames,
  markOf: ({ namespace, name }) => `${namespace}/${name}`,
};

export const environmentWriter: TargetWriter = {
  apiVersion: environmentApiVersion,
  group: 'escapement.dev',
  kind: 'Environment',
  managersOf: (name) => [environmentFieldManager(name)],
  markOf: ({ namespace, name }) => `Environment/${namespace}/${name}`,
};

const writers: readonly TargetWriter[] = [externalSecretWriter, environmentWriter];

/** The object that writes the target, as far as the target depends on it. */
export interface TargetSource {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly targetName: string;
  /** Absent means an ExternalSecret. */
  readonly writer?: TargetWriter;
  /** Absent means a Secret. */
  readonly targetKind?: 'Secret' | 'ConfigMap';
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

/** What the target is to hold, before anything is laid over what is there. */
export interface Blueprint {
  readonly data: ReadonlyMap<string, SecretValue>;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly finalizers: readonly string[];
  readonly type?: string;
}

/** What only a live read of the target tells: its values, and whose its keys are. */
export interface PresentData {
  readonly data: ReadonlyMap<string, SecretValue>;
  /** Keys that we wrote earlier. */
  readonly ours: ReadonlySet<string>;
  /** Keys that another ExternalSecret merges into the same target, with its name. */
  readonly claimed: ReadonlyMap<string, string>;
  /** False when nobody knows who wrote which key: the API server's account of it was too long to be read. */
  readonly isAccounted?: boolean;
}

/** What is known of the target; `present` once it was read. */
export interface SeenTarget {
  readonly observed: ObservedTarget | undefined;
  readonly present?: PresentData | undefined;
}

export type TargetPlan =
  | { readonly action: 'none' }
  /** The values that are there are needed first: read the target, and plan again with them. */
  | { readonly action: 'look' }
  | { readonly action: 'create' | 'update'; readonly secret: WantedSecret };

/** What an ExternalSecret without a template gives its target: the data, and its own labels and annotations. */
export function plainBlueprint(source: TargetSource, data: ReadonlyMap<string, SecretValue>): Blueprint {
  return { data, labels: source.labels, annotations: source.annotations, finalizers: [] };
}

/** True when the target carries our mark and holds the data that was last written: what ESO calls a valid Secret. */
export function isTargetValid(target: ObservedTarget | undefined): boolean {
  return (
    target !== undefined &&
    !target.deleting &&
    target.dataHash !== '' &&
    target.labels[managedLabel] === managedLabelValue &&
    target.annotations[dataHashAnnotation] === target.dataHash
  );
}

/**
 * The write that makes the target as wanted, under every creationPolicy that writes. Foreign labels and annotations stay,
 * those that we wrote earlier and want no more go; so do keys, of which others' stay when the policy merges. Throws
 * TargetConflict when another controller owns the Secret, when it is immutable, of a type that is not for values, or when
 * another ExternalSecret writes one of the keys.
 */
export function planTarget(
  source: TargetSource,
  policy: TargetPolicy,
  blueprint: Blueprint,
  { observed, present }: SeenTarget,
): TargetPlan {
  refusePowerful(source, blueprint.type);
  if (observed === undefined) return { action: 'create', secret: createdSecret(source, policy, blueprint) };
  if (observed.isCut === true) return { action: 'look' };
  refusePowerful(source, observed.type);
  refuseForeignOwner(source, policy, observed);
  const isFrozen = policy.immutable;
  if (isFrozen && isAsFrozen(source, policy, observed)) return { action: 'none' };
  if ((isFrozen || isMerging(policy)) && present === undefined) return { action: 'look' };
  const data = dataOver(source, policy, blueprint.data, present);
  const dataHash = hashData(bytesOf(data));
  const wanted = marksOver(observed, source, policy, isFrozen ? undefined : blueprint, dataHash);
  const finalizers = isFrozen ? observed.finalizers : withFinalizers(observed, blueprint.finalizers);
  const type = isFrozen ? observed.type : (blueprint.type ?? observed.type);
  const sameData = observed.dataHash === dataHash;
  const sameRest = type === observed.type && finalizers.length === observed.finalizers.length && !isFrozen;
  if (sameData && sameRest && sameMarks(wanted, observed)) return { action: 'none' };
  refuseImmutable(source, observed, sameData);
  return {
    action: 'update',
    secret: {
      namespace: source.namespace,
      name: source.targetName,
      uid: observed.uid,
      resourceVersion: observed.resourceVersion,
      type,
      ...(observed.immutable || isFrozen ? { immutable: true } : {}),
      ...wanted,
      finalizers,
      data,
    },
  };
}

/**
 * The write that puts our label, and nothing else, on a Secret that was found and stays as it is: from then on it is seen
 * when it changes. A Secret that another controller owns, or of a type that is not for values, is left alone.
 */
export function planMark(source: TargetSource, { observed, present }: SeenTarget): TargetPlan {
  if (observed === undefined || present === undefined || observed.deleting) return { action: 'none' };
  const isMarked = observed.labels[managedLabel] === managedLabelValue;
  const isForeign = controllerOf(observed) !== undefined && !isOwnedBy(source, observed);
  if (isMarked || isForeign || isPowerful(observed.type)) return { action: 'none' };
  const { labels, annotations, owners, finalizers, type, uid, resourceVersion, immutable } = observed;
  return {
    action: 'update',
    secret: {
      namespace: source.namespace,
      name: source.targetName,
      uid,
      resourceVersion,
      type,
      ...(immutable ? { immutable } : {}),
      labels: { ...labels, [managedLabel]: managedLabelValue },
      annotations,
      owners,
      finalizers,
      data: present.data,
    },
  };
}

function createdSecret(source: TargetSource, policy: TargetPolicy, blueprint: Blueprint): WantedSecret {
  const { data, finalizers, type } = blueprint;
  return {
    namespace: source.namespace,
    name: source.targetName,
    ...marksOf(source, policy, blueprint, hashData(bytesOf(data))),
    ...(type === undefined ? {} : { type }),
    ...(policy.immutable ? { immutable: true } : {}),
    owners: policy.creation === 'Owner' ? [ownerOf(source)] : [],
    finalizers,
    data,
  };
}

/** An immutable target that is there keeps its data and metadata; only that it is ours, and immutable, is seen to. */
function isAsFrozen(source: TargetSource, policy: TargetPolicy, observed: ObservedTarget): boolean {
  return observed.immutable && sameMarks(marksOver(observed, source, policy, undefined, observed.dataHash), observed);
}

function dataOver(
  source: TargetSource,
  policy: TargetPolicy,
  wanted: Blueprint['data'],
  present: PresentData | undefined,
): Blueprint['data'] {
  if (present === undefined) return wanted;
  if (policy.immutable) return present.data;
  if (!isMerging(policy)) return wanted;
  refuseUnaccounted(source, present);
  refuseClaimed(source, wanted, present);
  const kept = [...present.data].filter(([key]) => !present.ours.has(key));
  const merged = new Map([...kept, ...wanted]);
  refuseTooLarge(`target Secret "${source.targetName}"`, merged.values());
  return merged;
}

/** The API server's account of who wrote which key is read up to some thousands of them. */
function refuseUnaccounted({ targetName }: TargetSource, { isAccounted }: PresentData): void {
  if (isAccounted !== false) return;
  const problem = `target Secret "${targetName}" has too many keys to tell which of them are from here`;
  throw new OperatorError('TargetTooLarge', problem, { hint: 'merge into a Secret with fewer keys' });
}

/** Two that want one key with different values would write by turns for ever. */
function refuseClaimed(source: TargetSource, wanted: Blueprint['data'], { data, claimed }: PresentData): void {
  for (const [key, value] of wanted) {
    const rival = claimed.get(key);
    const there = data.get(key);
    if (rival === undefined || there === undefined || there.reveal().equals(value.reveal())) continue;
    throw new OperatorError(
      'TargetConflict',
      `key "${key}" of target Secret "${source.targetName}" is written by another ExternalSecret: "${rival}"`,
    );
  }
}

function refuseImmutable(source: TargetSource, observed: ObservedTarget, sameData: boolean): void {
  if (!observed.immutable || sameData) return;
  throw new OperatorError(
    'TargetConflict',
    `target ${targetKind(source)} "${source.targetName}" is immutable and its data would change`,
  );
}

/** Finalizers are added, never removed; the API server takes none for an object that is going. */
function withFinalizers({ finalizers, deleting }: ObservedTarget, wanted: readonly string[]): readonly string[] {
  return deleting ? finalizers : [...new Set([...finalizers, ...wanted])];
}

/**
 * True when labels, annotations and owner of a valid target are as the ExternalSecret wants them at present. They may not
 * be although its status says that it was synced: the target is written before the status. Without a blueprint only what
 * makes the target ours counts.
 */
export function hasWantedMarks(
  source: TargetSource,
  policy: TargetPolicy,
  blueprint: Pick<Blueprint, 'labels' | 'annotations'> | undefined,
  target: ObservedTarget,
): boolean {
  if (target.isCut === true) return true; // told when it is looked at
  const wanted = policy.immutable ? undefined : blueprint;
  return sameMarks(marksOver(target, source, policy, wanted, target.dataHash), target);
}

/** What marks a target, besides its data. */
type Marks = Pick<ObservedTarget, 'labels' | 'annotations'>;

export function marksOf(source: TargetSource, { creation }: TargetPolicy, wanted: Marks, dataHash: string): Marks {
  const { [createdByLabel]: _, ...labels } = wanted.labels;
  const createdBy = creation === 'Owner' ? { [createdByLabel]: markOf(source) } : {};
  return {
    labels: { ...labels, ...createdBy, [managedLabel]: managedLabelValue },
    annotations: { ...wanted.annotations, [dataHashAnnotation]: dataHash },
  };
}

export type OwnedMarks = Marks & Pick<ObservedTarget, 'owners'>;

/**
 * Foreign labels, annotations and owners stay; of ours those go that are wanted no more. Without `wanted` all that is
 * there stays, and only what makes the target ours is laid over it.
 */
export function marksOver(
  observed: ObservedTarget,
  source: TargetSource,
  policy: TargetPolicy,
  wanted: Marks | undefined,
  dataHash: string,
): OwnedMarks {
  const managers = writerOf(source).managersOf(source.name);
  const earlier = wanted === undefined ? [] : observed.managed.filter(({ manager }) => managers.includes(manager));
  const ours = marksOf(source, policy, wanted ?? { labels: {}, annotations: {} }, dataHash);
  const earlierLabels = earlier.flatMap((entry) => entry.labels);
  const earlierAnnotations = earlier.flatMap((entry) => entry.annotations);
  const isOwner = policy.creation === 'Owner';
  return {
    labels: merged(observed.labels, [...earlierLabels, createdByLabel], ours.labels),
    annotations: merged(observed.annotations, earlierAnnotations, ours.annotations),
    owners: isOwner
      ? withOwner(observed.owners, ownerOf(source), source)
      : observed.owners.filter((owner) => !isSame(owner, source)),
  };
}

export function sameMarks(a: OwnedMarks, b: OwnedMarks): boolean {
  return sameTexts(a.labels, b.labels) && sameTexts(a.annotations, b.annotations) && sameOwners(a.owners, b.owners);
}

/** True for a Secret that this very ExternalSecret controls: only such a one is ever deleted. */
export function isOwnedBy(source: Pick<TargetSource, 'uid'>, target: ObservedTarget): boolean {
  return controllerOf(target)?.uid === source.uid;
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
    target.labels[createdByLabel] === markOf(source) &&
    isOwnedBy(source, target)
  );
}

/** The object of that kind that a target belongs to, by its owner reference: `namespace/name`. */
export function ownerKeyOf(target: ObservedTarget, writer: TargetWriter = externalSecretWriter): string | undefined {
  const controller = controllerOf(target);
  return controller !== undefined && isOf(writer, controller) ? `${target.namespace}/${controller.name}` : undefined;
}

function controllerOf({ owners }: ObservedTarget): Owner | undefined {
  return owners.find(({ controller }) => controller === true);
}

function bytesOf(data: ReadonlyMap<string, SecretValue>): ReadonlyMap<string, Buffer> {
  return new Map([...data].map(([key, value]) => [key, value.reveal()]));
}

export function ownerOf(source: TargetSource): Owner {
  const { apiVersion, kind } = writerOf(source);
  return {
    apiVersion,
    kind,
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
export const powerfulTypes: readonly string[] = [
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
];

export function isPowerful(type: string): boolean {
  return powerfulTypes.includes(type);
}

function refusePowerful({ targetName }: TargetSource, type: string | undefined): void {
  if (type === undefined || !isPowerful(type)) return;
  throw new OperatorError(
    'TargetConflict',
    `target Secret "${targetName}" is of type "${type}", which is never written: choose another target name`,
  );
}

/** ESO compares the owner by kind and name, so an ExternalSecret that was deleted and made again takes its Secret back. */
export function refuseForeignOwner(
  source: TargetSource,
  policy: TargetPolicy,
  observed: ObservedTarget,
  what: string = targetKind(source).toLowerCase(),
): void {
  const controller = controllerOf(observed);
  if (controller === undefined || isSame(controller, source)) return;
  const other = writers.find((writer) => isOf(writer, controller));
  if (other !== undefined) {
    const another = other === writerOf(source) ? `another ${other.kind}:` : other.kind;
    throw new OperatorError('TargetConflict', `target is owned by ${another} "${controller.name}"`);
  }
  if (policy.creation !== 'Owner') return;
  throw new OperatorError(
    'TargetConflict',
    `failed to take ownership of target ${what} "${source.targetName}": ${controller.kind} "${controller.name}" controls it`,
  );
}

function writerOf({ writer = externalSecretWriter }: TargetSource): TargetWriter {
  return writer;
}

function targetKind({ targetKind = 'Secret' }: TargetSource): 'Secret' | 'ConfigMap' {
  return targetKind;
}

function markOf(source: TargetSource): string {
  return hashOwner(writerOf(source).markOf(source));
}

function isSame(owner: Owner, source: TargetSource): boolean {
  return isOf(writerOf(source), owner) && owner.name === source.name;
}

function isOf({ kind, group }: TargetWriter, owner: Owner): boolean {
  return owner.kind === kind && owner.apiVersion.startsWith(`${group}/`);
}

function withOwner(owners: readonly Owner[], owner: Owner, source: TargetSource): readonly Owner[] {
  const known = owners.find((each) => isSame(each, source));
  if (known === undefined) return [...owners, owner];
  return isSameOwner(known, owner) ? owners : owners.map((each) => (each === known ? owner : each));
}

/** What is there with what is wanted laid over it, and what we wrote earlier and want no more gone; itself when it is so already. */
function merged(present: Texts, ours: readonly string[], wanted: Texts): Texts {
  if (holds(present, wanted) && ours.every((key) => !Object.hasOwn(present, key) || Object.hasOwn(wanted, key)))
    return present;
  const result: Record<string, string> = { ...present };
  for (const key of ours) delete result[key];
  return { ...result, ...wanted };
}

/** Whether two string maps hold the same entries. */
export function sameTexts(a: Texts, b: Texts): boolean {
  return a === b || (Object.keys(a).length === Object.keys(b).length && holds(b, a));
}

/** Whether all entries of `some` are among those of `texts`. */
function holds(texts: Texts, some: Texts): boolean {
  return Object.keys(some).every((key) => Object.hasOwn(texts, key) && texts[key] === some[key]);
}

function sameOwners(a: readonly Owner[], b: readonly Owner[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((owner, i) => b[i] !== undefined && isSameOwner(owner, b[i]));
}

function isSameOwner(a: Owner, b: Owner): boolean {
  return (
    a.uid === b.uid &&
    a.name === b.name &&
    a.kind === b.kind &&
    a.apiVersion === b.apiVersion &&
    (a.controller ?? false) === (b.controller ?? false) &&
    (a.blockOwnerDeletion ?? false) === (b.blockOwnerDeletion ?? false)
  );
}
