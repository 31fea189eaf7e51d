// What the caches keep of each object: the parts that a reconcile needs, and of a Secret never a value.
import { createdByLabel, dataHashAnnotation, forceSyncAnnotations, managedLabel } from '../core/contract-names.ts';
import { environmentsNamedBy } from '../core/environment-names.ts';
import { type RevisionData, revisionDigest } from '../core/environment-revisions.ts';
import { managedKeys } from '../core/managed-fields.ts';
import { hashEncodedData } from '../core/object-hash.ts';
import type { ManagedMetadata, ObservedTarget } from '../core/target-plan.ts';
import { mostKeys } from '../core/target-size.ts';
import {
  type ClusterExternalSecretSpec,
  type ClusterExternalSecretStatus,
  parseClusterExternalSecret,
} from '../crds/cluster-external-secret.ts';
import {
  type EnvironmentSpec,
  type EnvironmentStatus,
  parseEnvironment,
  parseEnvironmentStatus,
} from '../crds/environment.ts';
import { parseRevision } from '../crds/environment-revision.ts';
import {
  type ExternalSecretSpec,
  type ExternalSecretStatus,
  parseExternalSecret,
  parseExternalSecretStatus,
  type StoreReference,
  storeReferences,
} from '../crds/external-secret.ts';
import { recordAt } from '../crds/parse.ts';
import {
  controllerClass,
  parseStore,
  providerNames,
  type SecretStoreSpec,
  type SecretStoreStatus,
} from '../crds/secret-store.ts';
import type { ConfigMap, KubeObject, OwnerReference, Secret } from '../kube/types.ts';
import { isWhole } from '../kube/whole.ts';

type Texts = Readonly<Record<string, string>>;

/** The metadata that every record has. */
export interface RecordMeta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly labels: Texts;
  readonly annotations: Texts;
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

/** A spec that was read, or one line per field that could not be. */
export type ReadSpec<Spec> = { readonly ok: Spec } | { readonly issues: readonly string[] };

export interface ExternalSecretRecord extends RecordMeta {
  readonly spec: ReadSpec<ExternalSecretSpec>;
  readonly targetName: string;
  readonly stores: readonly StoreReference[];
  readonly owners: readonly OwnerReference[];
  readonly status: ExternalSecretStatus;
}

export interface ClusterExternalSecretRecord extends RecordMeta {
  readonly spec: ReadSpec<ClusterExternalSecretSpec>;
  /** The spec of its ExternalSecrets as it was written, with fields that only the served CRD knows. */
  readonly childSpec: unknown;
  readonly childName: string;
  /** Stores that its ExternalSecrets name. */
  readonly stores: readonly StoreReference[];
  readonly status: ClusterExternalSecretStatus;
}

export interface EnvironmentRecord extends RecordMeta {
  readonly spec: ReadSpec<EnvironmentSpec>;
  /** The spec as it was written. */
  readonly written: RevisionData;
  /** '' when it names no class. */
  readonly controller: string;
  /** Environments that it names: `namespace/name`, without versions. */
  readonly named: readonly string[];
  readonly status: EnvironmentStatus;
}

/** A revision of an Environment, without what it holds. */
export interface RevisionRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly number: number;
  /** Of the Environment that owns it; '' when none does. */
  readonly ownerUid: string;
  readonly digest: string;
}

/** On every revision; the label that they are watched by. */
export const revisionLabel = 'escapement.dev/environment-revision';

/** What is known of a namespace. */
export type NamespaceRecord = Omit<RecordMeta, 'generation' | 'annotations'>;

export type StoreKind = 'SecretStore' | 'ClusterSecretStore';

export interface StoreRecord extends RecordMeta {
  readonly kind: StoreKind;
  /** '' when the store names no class. */
  readonly controller: string;
  readonly providers: readonly string[];
  readonly spec: ReadSpec<SecretStoreSpec>;
  readonly status: SecretStoreStatus;
}

const none: Texts = Object.freeze({});
const nothing: readonly never[] = Object.freeze([]);

/** Lists of keys that recur from object to object, by their text. */
const lists = new Map<string, readonly string[]>();
const listsMax = 1_000;
const longestShared = 8_192;

/** One and the same list for equal ones: thousands of Secrets have the same keys, labels and annotations. */
function shared(list: readonly string[]): readonly string[] {
  const id = list.join('\n');
  if (id.length > longestShared) return list; // not known from elsewhere, and the table is no place for it
  const known = lists.get(id);
  if (known !== undefined) return known;
  if (lists.size >= listsMax) lists.clear();
  lists.set(id, list);
  return list;
}

/** What every kind's record holds of the metadata. */
export function recordMeta({ metadata }: KubeObject): RecordMeta {
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    generation: metadata.generation ?? 0,
    labels: metadata.labels ?? none,
    annotations: metadata.annotations ?? none,
    finalizers: metadata.finalizers ?? nothing,
    deleting: metadata.deletionTimestamp !== undefined,
  };
}

/** Whether the spec is in the earlier record as it stands in the object: the generation counts what was read as a whole. */
function isReadAlready(object: KubeObject, before: RecordMeta & { readonly spec: ReadSpec<unknown> }) {
  const { uid = '', generation = 0 } = object.metadata;
  return before.uid === uid && before.generation === generation && 'ok' in before.spec && isWhole(object);
}

/** `before` is an earlier record of the same object: a spec of the same generation is taken over from it. */
export function externalSecretRecord(object: KubeObject, before?: ExternalSecretRecord): ExternalSecretRecord {
  const meta = { ...recordMeta(object), owners: object.metadata.ownerReferences ?? nothing };
  if (before !== undefined && isReadAlready(object, before)) {
    const { spec, targetName, stores } = before;
    return { ...meta, spec, targetName, stores, status: parseExternalSecretStatus(object) ?? {} };
  }
  const parsed = parseExternalSecret(object);
  const spec = parsed.ok === undefined ? { issues: parsed.issues } : { ok: parsed.ok.spec };
  return {
    ...meta,
    spec,
    targetName: ('ok' in spec ? spec.ok.target.name : undefined) ?? meta.name,
    stores: storeReferences(object),
    status: parsed.ok?.status ?? {},
  };
}

export function clusterExternalSecretRecord(object: KubeObject): ClusterExternalSecretRecord {
  const parsed = parseClusterExternalSecret(object);
  const childSpec = recordAt(recordAt(object, 'spec'), 'externalSecretSpec');
  return {
    ...recordMeta(object),
    spec: parsed.ok === undefined ? { issues: parsed.issues } : { ok: parsed.ok.spec },
    childSpec,
    childName: parsed.ok?.spec.externalSecretName ?? object.metadata.name,
    stores: storeReferences({ spec: childSpec }),
    status: parsed.ok?.status ?? {},
  };
}

/** `before` is an earlier record of the same object: a spec of the same generation is taken over from it. */
export function environmentRecord(object: KubeObject, before?: EnvironmentRecord): EnvironmentRecord {
  const meta = recordMeta(object);
  const status = parseEnvironmentStatus(object);
  if (before !== undefined && isReadAlready(object, before)) {
    const { spec, written, controller, named } = before;
    return { ...meta, spec, written, controller, named, status };
  }
  const parsed = parseEnvironment(object);
  const written = recordAt(object, 'spec');
  const controllerName = written['controller'];
  return {
    ...meta,
    spec: parsed.ok === undefined ? { issues: parsed.issues } : { ok: parsed.ok.spec },
    written,
    controller: typeof controllerName === 'string' ? controllerName : '',
    named: environmentsNamedBy(written, meta.namespace),
    status,
  };
}

/** A revision without its document, which is hashed here, on the way into the cache, and dropped. */
export function revisionRecord(object: KubeObject): RevisionRecord {
  const { namespace, name, uid, resourceVersion } = recordMeta(object);
  const revision = parseRevision(object);
  return {
    namespace,
    name,
    uid,
    resourceVersion,
    number: revision?.number ?? 0,
    ownerUid: revision?.ownerUid ?? '',
    digest: revision === undefined ? '' : revisionDigest(revision.data),
  };
}

export function namespaceRecord(object: KubeObject): NamespaceRecord {
  const { namespace, name, uid, resourceVersion, labels, finalizers, deleting } = recordMeta(object);
  return { namespace, name, uid, resourceVersion, labels, finalizers, deleting };
}

export function storeRecord(kind: StoreKind): (object: KubeObject) => StoreRecord {
  return (object) => {
    const parsed = parseStore(object);
    return {
      ...recordMeta(object),
      kind,
      controller: controllerClass(object),
      providers: providerNames(object),
      spec: parsed.ok === undefined ? { issues: parsed.issues } : { ok: parsed.ok.spec },
      status: parsed.ok?.status ?? {},
    };
  };
}

/**
 * A target Secret without its values: they are hashed here, on the way into the cache, and dropped. `sent` is what this
 * process wrote, when the object is the answer: the hash in its annotation is taken over for data that came back the same.
 */
export function targetRecord(object: KubeObject, sent?: Secret): ObservedTarget {
  const { data, type, immutable, metadata } = object as Secret; // only ever called for the Secrets collection
  const keys = Object.keys(data ?? none);
  const isRead = isWhole(object) && keys.length <= mostKeys;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    type: type ?? 'Opaque',
    immutable: immutable ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? none,
    annotations: metadata.annotations ?? none,
    owners: metadata.ownerReferences ?? nothing,
    finalizers: metadata.finalizers ?? nothing,
    dataHash: isRead ? hashOfTarget(object, sent) : '',
    keys: isRead ? shared(keys) : nothing,
    managed: managedMetadata(metadata.managedFields ?? []),
    ...(isRead ? {} : { isCut: true }),
  };
}

function hashOfTarget({ data, metadata }: Secret, sent: Secret | undefined): string {
  const known = isSameData(data, sent?.data) ? sent?.metadata.annotations?.[dataHashAnnotation] : undefined;
  return known ?? hashOfData(data ?? none, metadata.annotations?.[dataHashAnnotation]);
}

/** A ConfigMap that an Environment publishes, without its values, in the form in which targets are planned. */
export function configMapTargetRecord(object: KubeObject): ObservedTarget {
  const { data = none, binaryData = none, immutable, metadata } = object as ConfigMap; // only ever called for ConfigMaps
  const keys = [...Object.keys(data), ...Object.keys(binaryData)];
  const isRead = isWhole(object) && keys.length <= mostKeys;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    type: 'Opaque',
    immutable: immutable ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    labels: metadata.labels ?? none,
    annotations: metadata.annotations ?? none,
    owners: metadata.ownerReferences ?? nothing,
    finalizers: metadata.finalizers ?? nothing,
    dataHash: isRead ? hashEncodedData(binaryData, data) : '',
    keys: isRead ? shared(keys) : nothing,
    managed: nothing,
    ...(isRead ? {} : { isCut: true }),
  };
}

/** The same as it is kept in a cache. */
export function keptConfigMapRecord(object: KubeObject): ObservedTarget {
  return kept(configMapTargetRecord(object));
}

/** What a target that we write ever needs: labels, annotations, names of keys and managers. */
const keptBytes = 32_768;
/** An owner reference whose text is longer is none that Kubernetes' own names can make. */
const longestOwner = 2_048;

/**
 * The record as it is kept in a cache. Anybody can write a Secret with our label, and of a large one only that is kept which
 * tells whose it is and whether its data is as it was written; a plan looks at the rest in the cluster.
 */
export function keptTargetRecord(object: KubeObject, sent?: Secret): ObservedTarget {
  return kept(targetRecord(object, sent));
}

/** What is kept of a target's record. */
export function kept<T extends ObservedTarget>(whole: T): T {
  if (sizeOf(whole) <= keptBytes) return whole;
  return {
    ...whole,
    type: 'Opaque',
    labels: only(whole.labels, [managedLabel, createdByLabel]),
    annotations: only(whole.annotations, [dataHashAnnotation, ...forceSyncAnnotations]),
    owners: whole.owners
      .filter(({ controller }) => controller === true)
      .filter(isShort)
      .slice(0, 1),
    finalizers: nothing,
    keys: nothing,
    managed: nothing,
    isCut: true,
  };
}

function isShort(owner: ObservedTarget['owners'][number]): boolean {
  return JSON.stringify(owner).length <= longestOwner;
}

function only(texts: Texts, names: readonly string[]): Texts {
  const found = names.flatMap((name) => (texts[name] === undefined ? [] : [[name, texts[name]] as const]));
  // A label's value is 63 characters at most; an annotation's is anything, and a hash is short.
  return Object.fromEntries(found.filter(([, text]) => text.length <= longestOwner));
}

/** About the bytes of what a foreign hand can make large. */
function sizeOf({ type, labels, annotations, owners, finalizers, keys, managed }: ObservedTarget): number {
  let bytes = type.length + lengthOf(labels) + lengthOf(annotations) + lengthOfAll(keys) + lengthOfAll(finalizers);
  for (const each of managed) bytes += each.manager.length + lengthOfAll(each.labels) + lengthOfAll(each.annotations);
  for (const { apiVersion, kind, name, uid } of owners)
    bytes += apiVersion.length + kind.length + name.length + uid.length;
  return bytes;
}

// Every answer and every event of a target is measured: nothing is made for it.
function lengthOf(texts: Texts): number {
  let length = 0;
  for (const name in texts) length += name.length + (texts[name]?.length ?? 0);
  return length;
}

function lengthOfAll(names: readonly string[]): number {
  let length = 0;
  for (const name of names) length += name.length;
  return length;
}

function isSameData(data: Texts = none, sent: Texts | undefined): boolean {
  if (sent === undefined) return false;
  const keys = Object.keys(data);
  return keys.length === Object.keys(sent).length && keys.every((key) => data[key] === sent[key]);
}

/** The annotation's own string is kept when it fits, so that ten thousand equal hashes are not held twice. */
function hashOfData(data: Readonly<Record<string, string>>, annotated: string | undefined): string {
  const hash = hashEncodedData(data);
  return hash === annotated ? annotated : hash;
}

function managedMetadata(entries: NonNullable<KubeObject['metadata']['managedFields']>): readonly ManagedMetadata[] {
  return entries
    .filter(({ manager }) => manager?.startsWith('externalsecrets.external-secrets.io/'))
    .map((entry) => {
      const keys = managedKeys([entry], [entry.manager ?? '']);
      return {
        manager: entry.manager ?? '',
        labels: shared([...keys.labels]),
        annotations: shared([...keys.annotations]),
      };
    });
}
