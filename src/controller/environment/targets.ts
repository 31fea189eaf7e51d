// The Secrets and ConfigMaps that Environments publish: how each is seen, planned and written. Ownership, drift, conflicts and
// takeover are those of the targets of ExternalSecrets.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import {
  type Blueprint,
  environmentWriter,
  hasWantedMarks,
  isTargetValid,
  type ObservedTarget,
  planTarget,
  type TargetPlan,
  type TargetSource,
  type WantedSecret,
} from '../../core/target-plan.ts';
import type { TargetPolicy } from '../../core/target-policy.ts';
import { refuseTooLarge, refuseUnread } from '../../core/target-size.ts';
import { configMapResource } from '../../credentials/store-credentials.ts';
import type { Informer, Kube } from '../../kube/contract.ts';
import { type KubeObject, keyOf } from '../../kube/types.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import { OwnedTargets } from '../kit/owned-targets.ts';
import { toConfigMap, toSecret } from '../kit/target-object.ts';
import type { Writer, Written } from '../kit/writer.ts';
import { configMapTargetRecord, type EnvironmentRecord, keptConfigMapRecord, targetRecord } from '../records.ts';

/** A kind of target. */
export interface PublishTarget {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly informer: Informer<ObservedTarget>;
  readonly written: Written<ObservedTarget>;
  readonly owned: OwnedTargets;
  readonly toObject: (wanted: WantedSecret) => KubeObject;
  /** All that is there, as read by name. */
  readonly toRecord: (object: KubeObject) => ObservedTarget;
}

interface FollowedTargets {
  readonly informer: Informer<ObservedTarget>;
  readonly view: OwnWrites<ObservedTarget>;
}

export function publishedSecrets({ informer, view }: FollowedTargets, written: Written<ObservedTarget>): PublishTarget {
  return {
    kind: 'Secret',
    informer,
    written,
    owned: new OwnedTargets(informer, view, environmentWriter),
    toObject: toSecret,
    toRecord: (object) => targetRecord(object),
  };
}

export function publishedConfigMaps({ informer, view }: FollowedTargets): PublishTarget {
  return {
    kind: 'ConfigMap',
    informer,
    written: { resource: configMapResource, view, record: (answer) => keptConfigMapRecord(answer), count: () => {} },
    owned: new OwnedTargets(informer, view, environmentWriter),
    toObject: toConfigMap,
    toRecord: configMapTargetRecord,
  };
}

interface Rooms {
  readonly writer: Writer;
  readonly kube: Pick<Kube, 'get'>;
}

export type Wrote = 'created' | 'updated' | 'nothing';

const policy: TargetPolicy = { creation: 'Owner', deletion: 'Retain', immutable: false };
/** Labels and annotations of an Environment are not those of what it publishes. */
const noMarks = { labels: {}, annotations: {}, finalizers: [] };

/** The Environment as the owner of a target; the name is '' where it publishes none of the kind. */
export function targetSource(
  { namespace, name, uid }: EnvironmentRecord,
  kind: PublishTarget['kind'],
  targetName = '',
): TargetSource {
  return { namespace, name, uid, targetName, ...noMarks, targetKind: kind, writer: environmentWriter };
}

/** Whether the target is there, holds what was last written, and is the Environment's. */
export function isAsPublished(source: TargetSource, { written }: PublishTarget): boolean {
  const observed = written.view.get(keyOf({ namespace: source.namespace, name: source.targetName }));
  return observed !== undefined && isTargetValid(observed) && hasWantedMarks(source, policy, noMarks, observed);
}

/** At most one write. Throws TargetConflict, TargetTooLarge, Conflict and what the API server refuses. */
export async function bringTarget(
  source: TargetSource,
  data: Blueprint['data'],
  target: PublishTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Wrote> {
  refuseTooLarge(`${target.kind} "${source.targetName}"`, data.values());
  const blueprint: Blueprint = { ...noMarks, data };
  const observed = target.written.view.get(keyOf({ namespace: source.namespace, name: source.targetName }));
  const plan = planTarget(source, policy, blueprint, { observed });
  if (plan.action === 'look') return await overThere(source, blueprint, target, rooms, signal);
  try {
    return await write(plan, target, rooms, signal);
  } catch (thrown) {
    // One of that name is there without our label, so no cache knew it: it is taken over, if nobody else owns it.
    if (plan.action !== 'create' || asOperatorError(thrown).reason !== 'Conflict') throw thrown;
    return await overThere(source, blueprint, target, rooms, signal);
  }
}

/** Deletes what was published under another name. */
export async function sweepTargets(
  source: TargetSource,
  { owned, written }: PublishTarget,
  { writer }: Rooms,
  signal: AbortSignal,
): Promise<number> {
  const orphans = owned.orphansOf(keyOf(source), source);
  for (const orphan of orphans) await writer.delete(written, orphan, signal);
  return orphans.length;
}

async function overThere(
  source: TargetSource,
  blueprint: Blueprint,
  target: PublishTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Wrote> {
  const name = { namespace: source.namespace, name: source.targetName };
  try {
    const observed = target.toRecord(await rooms.kube.get<KubeObject>(target.written.resource, name, signal));
    refuseUnread(`${target.kind} "${name.name}"`, observed.isCut);
    const plan = planTarget(source, policy, blueprint, { observed });
    // Just what was sent: the create was done before, and its answer was lost.
    if (plan.action === 'none') target.written.view.note(keyOf(name), observed);
    return await write(plan, target, rooms, signal);
  } catch (thrown) {
    if (asOperatorError(thrown).reason !== 'ReferenceNotFound') throw thrown;
    throw new OperatorError('Conflict', `the ${target.kind} that was in the way is gone again`);
  }
}

async function write(
  plan: TargetPlan,
  { written, toObject }: PublishTarget,
  { writer }: Rooms,
  signal: AbortSignal,
): Promise<Wrote> {
  if (plan.action === 'none') return 'nothing';
  if (plan.action === 'look') throw new OperatorError('Internal', 'a target that was read has no values');
  const [fieldManager = ''] = environmentWriter.managersOf(ownerOf(plan.secret));
  if (plan.action === 'update') {
    await writer.update(written, toObject(plan.secret), { fieldManager }, signal);
    return 'updated';
  }
  await writer.create(written, toObject(plan.secret), { fieldManager }, signal);
  return 'created';
}

function ownerOf({ owners }: WantedSecret): string {
  return owners.find(({ controller }) => controller === true)?.name ?? '';
}
