// A fixture program: ExternalSecrets and their Secrets as External Secrets Operator 2.9 leaves them, with finalizer, status,
// labels, hash, owner and field managers. Written from its contract, on purpose without a line of the operator's own code.
import { createHash } from 'node:crypto';
import type { KubeApi } from './kube-api.ts';

export const managedLabel = 'reconcile.external-secrets.io/managed';
export const createdByLabel = 'reconcile.external-secrets.io/created-by';
export const hashAnnotation = 'reconcile.external-secrets.io/data-hash';
export const esoFinalizer = 'externalsecrets.external-secrets.io/externalsecret-cleanup';

type Texts = Readonly<Record<string, string>>;
type Json = Readonly<Record<string, unknown>>;

/** Metadata and values of a Secret, or of a template's outcome. */
export interface Content {
  readonly data: Texts;
  readonly labels?: Texts;
  readonly annotations?: Texts;
}

interface Written extends Content {
  readonly type?: string;
}

/** An ExternalSecret that ESO served for a while. */
export interface Remains {
  readonly name: string;
  readonly labels?: Texts;
  readonly annotations?: Texts;
  readonly spec: Json;
  /** What ESO wrote; labels and annotations are those of the ExternalSecret where absent. Undefined: it wrote nothing. */
  readonly wrote?: Written | undefined;
  /** A Secret of that name that somebody else made before. */
  readonly found?: Content;
  /** The condition; synced when absent. */
  readonly ready?: { readonly status?: 'False'; readonly reason: string; readonly message: string };
}

export interface Place {
  readonly api: KubeApi;
  readonly namespace: string;
}

/** Leaves them in the namespace; `refreshTime` is that of the last refresh. */
export async function leaveAsEso(place: Place, remains: Remains, refreshTime: string): Promise<void> {
  const { api, namespace } = place;
  const { name, labels = {}, annotations = {}, spec, found } = remains;
  const address = { kind: 'ExternalSecret', namespace, name } as const;
  const body = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', spec };
  const metadata = { name, labels, annotations, finalizers: [esoFinalizer] };
  const created = await api.create(address, { ...body, metadata }, 'external-secrets');
  const target = targetNameOf(remains);
  const secretAt = { kind: 'Secret', namespace, name: target } as const;
  const foreign = found && (await api.create(secretAt, foreignSecret(target, found), 'somebody'));
  const secret = secretOf(place, remains, created.metadata.uid);
  const manager = managerOf(name);
  if (foreign === undefined) {
    if (secret !== undefined) await api.create(secretAt, secret, manager);
  } else {
    // Its label comes first, by a patch; then the whole Secret.
    const labelled = await api.patch(secretAt, { metadata: { labels: { [managedLabel]: 'true' } } }, manager);
    const { resourceVersion } = labelled.metadata;
    if (secret !== undefined)
      await api.update(secretAt, { ...secret, metadata: { ...secret.metadata, resourceVersion } }, manager);
  }
  const ready = remains.ready ?? { reason: 'SecretSynced', message: 'secret synced' };
  const condition = { type: 'Ready', status: 'True', ...ready, lastTransitionTime: refreshTime };
  const status = {
    refreshTime,
    syncedResourceVersion: `1-${sha3(`{annotations:${goMap(annotations)} labels:${goMap(labels)}}`)}`,
    conditions: [condition],
    ...(secret === undefined ? {} : { binding: { name: target } }),
    observedGeneration: null, // ESO knows no such field, so what a CRD of ours puts there goes with its first status
  };
  await api.patch({ ...address, name: `${name}/status` }, { status }, 'external-secrets');
}

/** The Secret as ESO leaves it; undefined where it wrote none. `uid` is that of the ExternalSecret. */
export function secretOf({ namespace }: Pick<Place, 'namespace'>, remains: Remains, uid: string) {
  const { name, spec, wrote, found } = remains;
  if (wrote === undefined) return undefined;
  const { creationPolicy = 'Owner', immutable } = (spec['target'] ?? {}) as {
    readonly creationPolicy?: string;
    readonly immutable?: boolean;
  };
  const isOwner = creationPolicy === 'Owner';
  const isMerging = creationPolicy === 'Merge' || creationPolicy === 'CreateOrMerge';
  const data = { ...(isMerging ? found?.data : {}), ...wrote.data };
  const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name, uid };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: targetNameOf(remains),
      labels: {
        ...found?.labels,
        ...(wrote.labels ?? remains.labels),
        ...(isOwner && { [createdByLabel]: sha3(`${namespace}/${name}`) }),
        [managedLabel]: 'true',
      },
      annotations: {
        ...found?.annotations,
        ...(wrote.annotations ?? remains.annotations),
        [hashAnnotation]: dataHash(data),
      },
      ...(isOwner && { ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }] }),
    },
    type: wrote.type ?? 'Opaque',
    ...(immutable && { immutable }),
    data: encoded(data),
  };
}

export function targetNameOf({ name, spec }: Pick<Remains, 'name' | 'spec'>): string {
  return (spec['target'] as { readonly name?: string } | undefined)?.name ?? name;
}

/** The field manager that ESO writes a target under. */
export function managerOf(name: string): string {
  const plain = `externalsecrets.external-secrets.io/${name}`;
  return plain.length > 63 ? `externalsecrets.external-secrets.io/sha3/${sha3(name)}` : plain;
}

export function sha3(text: string): string {
  return createHash('sha3-224').update(text).digest('hex');
}

/** As Go prints a map of strings. */
export function goMap(map: Texts): string {
  const entries = Object.entries(map).sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  return `map[${entries.map(([key, text]) => `${key}:${text}`).join(' ')}]`;
}

/** As ESO hashes a Secret's data: Go's text of a map of byte slices. */
export function dataHash(data: Texts): string {
  const bytes = Object.entries(data).map(([key, text]) => [key, `[${[...Buffer.from(text)].join(' ')}]`]);
  return sha3(goMap(Object.fromEntries(bytes)));
}

function foreignSecret(name: string, { data, labels = {}, annotations = {} }: Content) {
  return { metadata: { name, labels, annotations }, type: 'Opaque', data: encoded(data) };
}

function encoded(data: Texts): Texts {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
}
