// Plans a manifest target from what was read and carries the plan out: one look at the object, and one write at most. The
// API server takes a write that changes nothing as none, so defaults that it fills in cost a write once.
import { asOperatorError } from '../../base/operator-error.ts';
import { fieldManagerName } from '../../core/field-manager.ts';
import type { ManifestBlueprint } from '../../core/manifest/manifest-blueprint.ts';
import { type ManifestPlan, planManifest } from '../../core/manifest/manifest-plan.ts';
import { hashData } from '../../core/object-hash.ts';
import { isOwnedBy, isTargetValid } from '../../core/target-plan.ts';
import { asResource, endings, intentFor, type TargetPolicy } from '../../core/target-policy.ts';
import { refuseTooLarge } from '../../core/target-size.ts';
import type { KubeObject } from '../../kube/types.ts';
import { manifestRecord, type ObservedManifest } from '../manifest-record.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { emptied, refuseNothingFound, type Synced, synced } from './apply.ts';
import type { EsMemory, Rooms } from './context.ts';
import { versionOf } from './duty.ts';
import type { OpenKind } from './manifest-targets.ts';
import type { Sources } from './read.ts';

/** What was read, and what the object is to hold of it. */
export type ShapedManifest = Sources & { readonly open: OpenKind; readonly manifest: ManifestBlueprint };

/** Throws TargetConflict, TargetTooLarge, NothingFound, InvalidSpec, InvalidTemplate, Conflict and what the API server refuses. */
export async function applyManifest(
  es: ExternalSecretRecord,
  policy: TargetPolicy,
  sources: ShapedManifest,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Synced> {
  const { open } = sources;
  const isEmpty = sources.data.size === 0;
  const fingerprint = fingerprintOf(es, policy, sources.manifest);
  const known = rooms.manifests.get(es);
  if (!isEmpty && known !== undefined && isTargetValid(known) && memory.merged === seenAs(known, fingerprint))
    return synced('nothing', asResource(endings.synced), sources);
  const present = policy.creation === 'None' ? undefined : await lookAt(es, open, rooms, signal);
  const exists = present !== undefined;
  refuseNothingFound(policy, sources, exists);
  const intent = intentFor(policy, { targetName: es.targetName, isEmpty, exists });
  const ending = asResource(intent.ending);
  if (intent.kind === 'leave') return synced('nothing', sources.isEmptied ? emptied(ending) : ending, sources);
  if (intent.kind === 'delete')
    return synced(await removeOwned(es, open, present?.observed, rooms, signal), ending, sources);
  const values = sources.manifest.fields.map(({ value }) => value);
  refuseTooLarge(`${open.kind.kind} "${es.targetName}"`, values);
  const wanted = { kind: open.kind, blueprint: sources.manifest };
  const plan = planManifest(es, policy, wanted, present);
  const written = await write(es, open, plan, present, rooms, signal);
  const after = written ?? present?.observed;
  if (after !== undefined) {
    rooms.manifests.settle(es, after);
    memory.merged = seenAs(after, fingerprint);
  }
  // A write that changed nothing leaves the version as it was.
  const isWritten = written !== undefined && written.resourceVersion !== present?.observed.resourceVersion;
  const verb = plan.action === 'create' ? 'created' : 'updated';
  return synced(isWritten ? verb : 'nothing', ending, sources);
}

interface Present {
  readonly observed: ObservedManifest;
  readonly object: KubeObject;
}

export async function lookAt(
  es: ExternalSecretRecord,
  { written }: OpenKind,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Present | undefined> {
  const name = { namespace: es.namespace, name: es.targetName };
  try {
    const object = await rooms.kube.get<KubeObject>(written.resource, name, signal);
    return { object, observed: manifestRecord(object) };
  } catch (thrown) {
    if (asOperatorError(thrown).reason === 'ReferenceNotFound') return undefined;
    throw thrown;
  }
}

async function write(
  es: ExternalSecretRecord,
  { kind, written }: OpenKind,
  plan: ManifestPlan,
  present: Present | undefined,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ObservedManifest | undefined> {
  if (plan.action === 'none') return undefined;
  const { labels, annotations, owners } = plan.marks;
  const status: unknown = present === undefined ? undefined : Reflect.get(present.object, 'status');
  const object = {
    ...kind,
    metadata: {
      ...present?.object.metadata,
      namespace: es.namespace,
      name: es.targetName,
      labels,
      annotations,
      ownerReferences: owners,
    },
    ...plan.content,
    ...(status === undefined ? {} : { status }),
  };
  const options = { fieldManager: fieldManagerName(es.name) };
  return plan.action === 'create'
    ? await rooms.writer.create(written, object, options, signal)
    : await rooms.writer.update(written, object, options, signal);
}

/** Deletes the target if it is ours: one that another made, or that values were laid over, stays. */
async function removeOwned(
  es: ExternalSecretRecord,
  { written }: OpenKind,
  observed: ObservedManifest | undefined,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'deleted' | 'nothing'> {
  if (observed === undefined || observed.deleting || !isOwnedBy(es, observed)) return 'nothing';
  await rooms.writer.delete(written, observed, signal);
  return 'deleted';
}

/** Deletes what was written under earlier target names. To be called once the present target is written. */
export async function sweepManifests(
  es: ExternalSecretRecord,
  { written }: OpenKind,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  for (const orphan of rooms.manifests.orphansOf(es)) {
    await rooms.writer.delete(written, orphan, signal);
    rooms.reporter.event(es, 'Normal', 'Deleted', `Deleted ${written.resource.kind} ${orphan.name}`);
  }
}

function seenAs({ uid, resourceVersion }: ObservedManifest, fingerprint: string): string {
  return `${uid}/${resourceVersion}/${fingerprint}`;
}

function fingerprintOf(
  es: ExternalSecretRecord,
  { creation }: TargetPolicy,
  { fields, labels, annotations }: ManifestBlueprint,
): string {
  const values = new Map(fields.map(({ path, value }, at) => [JSON.stringify([at, path]), value.reveal()]));
  return `${creation}/${versionOf(es)}/${hashData(values)}/${JSON.stringify([labels, annotations])}`;
}
