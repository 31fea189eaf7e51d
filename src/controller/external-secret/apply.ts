// Plans the target from what was read and carries the plan out: at most one write, under ESO's field manager. A target
// whose values count (those of others, or frozen ones) is read once before it is planned.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { ownTurn } from '../../base/turns.ts';
import { managedLabel, managedLabelValue } from '../../core/contract-names.ts';
import { fieldManagerName, fieldManagerNames } from '../../core/field-manager.ts';
import { managedKeys } from '../../core/managed-fields.ts';
import type { ManifestKind } from '../../core/manifest/manifest-blueprint.ts';
import { hashData } from '../../core/object-hash.ts';
import type { Outcome } from '../../core/outcome.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { type ReadStore, refuseLockOut, takenOverMessage } from '../../core/taken-over.ts';
import {
  type Blueprint,
  isOwnedBy,
  isTargetValid,
  type ObservedTarget,
  type PresentData,
  planMark,
  planTarget,
  type SeenTarget,
  type TargetPlan,
} from '../../core/target-plan.ts';
import { type Ending, endings, intentFor, isMerging, type TargetPolicy } from '../../core/target-policy.ts';
import { isLarge, refuseTooLarge, refuseUnread } from '../../core/target-size.ts';
import { keyOf, type Secret } from '../../kube/types.ts';
import { hasManagedFields } from '../../kube/whole.ts';
import { toSecret } from '../kit/target-object.ts';
import { type ExternalSecretRecord, targetRecord } from '../records.ts';
import type { EsMemory, Rooms } from './context.ts';
import { isSameDraw } from './draws.ts';
import { versionOf } from './duty.ts';
import type { Sources } from './read.ts';

/** What was read, and what the target is to hold of it. */
export type Shaped = Sources & { readonly blueprint: Blueprint };

export type Synced = Extract<Outcome, { kind: 'synced' }>;

/** Throws TargetConflict, TargetTooLarge, NothingFound, InvalidSpec, Conflict and what the API server refuses. */
export async function applyTarget(
  es: ExternalSecretRecord,
  policy: TargetPolicy,
  sources: Shaped,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Synced> {
  const seen = await see(es, policy, sources, rooms, signal);
  const exists = seen.observed !== undefined;
  const isEmpty = sources.data.size === 0;
  refuseNothingFound(policy, sources, exists);
  const intent = intentFor(policy, { targetName: es.targetName, isEmpty, exists });
  if (intent.kind === 'leave') {
    // Kept, and found rather than written: with the label of ESO it is watched. Under None nothing ever is.
    if (intent.ending === endings.retained && policy.creation !== 'None')
      await write(es, planMark(es, seen), seen, rooms, signal);
    return synced('nothing', sources.isEmptied ? emptied(intent.ending) : intent.ending, sources);
  }
  if (intent.kind === 'delete') {
    return synced(await removeOwned(es, seen.observed, rooms, signal), intent.ending, sources);
  }
  refuseTooLarge(`target Secret "${es.targetName}"`, sources.blueprint.data.values());
  const fingerprint = isMerging(policy) ? fingerprintOf(es, sources.blueprint) : '';
  if (isMergedAlready(memory, seen, fingerprint)) return synced('nothing', endings.synced, sources);
  const wrote = await carryOut(es, policy, sources, seen, rooms, signal);
  const target = rooms.targets.get(targetKey(es));
  memory.merged = target === undefined ? undefined : `${target.uid}/${target.resourceVersion}/${fingerprint}`;
  return synced(wrote, intent.ending, sources);
}

export function synced(
  wrote: Synced['wrote'],
  { reason, message }: Ending,
  { data, sources, shadowed, missing, collisions, warnings }: Sources,
): Synced {
  const found = { shadowed, missing, collisions, warnings, sources, keyCount: data.size };
  return { kind: 'synced', wrote, reason, message, ...found };
}

/** The ending in words that tell nothing at the source from nothing that is left of it. */
export function emptied({ reason, message }: Ending): Ending {
  return { reason, message: `${message}: the sources have values, but none is left after rewriting` };
}

/**
 * A search that matches nothing, and no Secret of an earlier match, is most likely a search that is wrong. Under Delete
 * and Merge nothing is a result like any other.
 */
export function refuseNothingFound(
  { deletion }: TargetPolicy,
  { data, searches, isEmptied }: Sources,
  exists: boolean,
): void {
  if (deletion !== 'Retain' || data.size > 0 || exists || searches.length === 0) return;
  const places = searches.join('; ');
  if (!isEmptied) throw new OperatorError('NothingFound', `nothing was found: ${places}`);
  throw new OperatorError('NothingFound', `values were found, but none is left after rewriting: ${places}`);
}

/** Our mark on this version of the target tells that a merge of the same values would change nothing. */
function isMergedAlready({ merged }: EsMemory, { observed, present }: SeenTarget, fingerprint: string): boolean {
  if (observed === undefined || present !== undefined || fingerprint === '' || !isTargetValid(observed)) return false;
  return merged === `${observed.uid}/${observed.resourceVersion}/${fingerprint}`;
}

/** The caches know targets by our label only: where it counts whether a foreign one is there, it is asked for. */
async function see(
  es: ExternalSecretRecord,
  policy: TargetPolicy,
  sources: Sources,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<SeenTarget> {
  const observed = rooms.targets.get(targetKey(es));
  if (observed !== undefined) return { observed };
  const isSearchEmpty = sources.data.size === 0 && sources.searches.length > 0 && policy.deletion === 'Retain';
  if (!isMerging(policy) && !isSearchEmpty) return { observed };
  return await look(es, rooms, signal);
}

export async function look(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<SeenTarget> {
  const name = { namespace: es.namespace, name: es.targetName };
  try {
    const secret = await rooms.kube.get<Secret>(rooms.secrets.resource, name, signal);
    const values = Object.values(secret.data ?? {});
    await turnIfLarge(values);
    const observed = targetRecord(secret);
    refuseUnread(`target Secret "${es.targetName}"`, observed.isCut);
    await turnIfLarge(values);
    const present = presentData(es, secret, rooms);
    await turnIfLarge(values);
    return { observed, present };
  } catch (thrown) {
    if (asOperatorError(thrown).reason === 'ReferenceNotFound') return { observed: undefined };
    throw thrown;
  }
}

/** Each step of the work on a large target has a turn of the loop for itself. */
async function turnIfLarge(values: Iterable<{ readonly length: number }>): Promise<void> {
  if (isLarge(values)) await ownTurn();
}

function presentData(es: ExternalSecretRecord, secret: Secret, rooms: Rooms): PresentData {
  const fields = secret.metadata.managedFields ?? [];
  const mine = fieldManagerNames(es.name);
  const rivals = rivalsOf(es, rooms);
  const claimed = new Map<string, string>();
  for (const { manager = '' } of fields) {
    const rival = rivals.get(manager);
    if (rival === undefined || mine.includes(manager)) continue;
    for (const key of managedKeys(fields, [manager]).data) claimed.set(key, rival);
  }
  const data = new Map(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, new SecretValue(Buffer.from(text, 'base64'))]),
  );
  return { data, ours: managedKeys(fields, mine).data, claimed, isAccounted: hasManagedFields(secret) };
}

/** The living ExternalSecrets that write the same target, by the field managers that they write it under. */
function rivalsOf(es: ExternalSecretRecord, rooms: Rooms): ReadonlyMap<string, string> {
  const rivals = new Map<string, string>();
  for (const key of rooms.writers.at(targetKey(es))) {
    const rival = rooms.externalSecrets.get(key);
    if (rival === undefined || rival.name === es.name || rival.deleting || rival.targetName !== es.targetName) continue;
    if (!('ok' in rival.spec)) continue;
    const { creationPolicy, manifest } = rival.spec.ok.target;
    if (creationPolicy === 'None' || manifest !== undefined) continue;
    for (const manager of fieldManagerNames(rival.name)) rivals.set(manager, rival.name);
  }
  return rivals;
}

async function carryOut(
  es: ExternalSecretRecord,
  policy: TargetPolicy,
  { blueprint }: Shaped,
  seen: SeenTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'created' | 'updated' | 'nothing'> {
  await turnIfLarge(blueprint.data.values());
  const plan = planTarget(es, policy, blueprint, seen);
  if (plan.action === 'look') {
    const looked = await look(es, rooms, signal);
    // Gone since the cache showed it: the run that its deletion asks for makes it again.
    if (looked.observed === undefined) throw new OperatorError('Conflict', 'the target went away meanwhile');
    return await write(es, planTarget(es, policy, blueprint, looked), looked, rooms, signal);
  }
  try {
    return await write(es, plan, seen, rooms, signal);
  } catch (thrown) {
    if (plan.action !== 'create' || asOperatorError(thrown).reason !== 'Conflict') throw thrown;
    // A Secret of that name is there without our label, so no cache knew it: it is taken over, as ESO does.
    const found = await look(es, rooms, signal);
    if (found.observed === undefined)
      throw new OperatorError('Conflict', 'the Secret that was in the way is gone again');
    const adopted = planTarget(es, policy, blueprint, found);
    if (adopted.action !== 'none') {
      refuseDrawnTwice(es, blueprint, found.observed);
      return await write(es, adopted, found, rooms, signal);
    }
    // Just what was sent: this create was done before, and its answer was lost.
    rooms.targets.note(targetKey(es), found.observed);
    return 'created';
  }
}

/** Throws Conflict for a Secret that a run before made, and drew for just what is drawn for again: the next run finds it. */
function refuseDrawnTwice(es: ExternalSecretRecord, blueprint: Blueprint, found: ObservedTarget): void {
  if (isTargetValid(found) && isSameDraw(es, blueprint, found))
    throw new OperatorError('Conflict', 'what was to be drawn has been drawn already');
}

async function write(
  es: ExternalSecretRecord,
  plan: TargetPlan,
  { observed, present }: SeenTarget,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'created' | 'updated' | 'nothing'> {
  if (plan.action === 'none') return 'nothing';
  if (plan.action === 'look') throw new OperatorError('Internal', 'a target that was read has no values');
  const options = { fieldManager: fieldManagerName(es.name) };
  await turnIfLarge(plan.secret.data.values());
  const secret = toSecret(plan.secret);
  if (plan.action === 'update') {
    refuseLockOut(es, plan.secret, observed?.keys ?? [], storesOf(es, rooms));
    await rooms.writer.update(rooms.secrets, secret, options, signal);
    const isForeign = observed?.labels[managedLabel] !== managedLabelValue;
    const losses = isForeign && present !== undefined ? takenOverMessage(plan.secret, present) : undefined;
    if (losses !== undefined) rooms.reporter.event(es, 'Warning', 'TakenOver', losses);
    return 'updated';
  }
  await rooms.writer.create(rooms.secrets, secret, options, signal);
  return 'created';
}

/** The stores that the object reads, as far as they are there and their specs can be read. */
function storesOf(es: ExternalSecretRecord, { stores }: Rooms): readonly ReadStore[] {
  return es.stores.flatMap(({ kind, name }) => {
    const store = stores.get(kind, keyOf(kind === 'SecretStore' ? { namespace: es.namespace, name } : { name }));
    return store !== undefined && 'ok' in store.spec ? [{ kind, name, spec: store.spec.ok }] : [];
  });
}

/** Deletes the target if it is ours: one that another made, or that was merely adopted by name, stays. */
async function removeOwned(
  es: ExternalSecretRecord,
  observed: ObservedTarget | undefined,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<'deleted' | 'nothing'> {
  if (observed === undefined || observed.deleting || !isOwnedBy(es, observed)) return 'nothing';
  await rooms.writer.delete(rooms.secrets, observed, signal);
  return 'deleted';
}

function fingerprintOf(es: ExternalSecretRecord, { data, labels, annotations }: Blueprint): string {
  const bytes = new Map([...data].map(([key, value]) => [key, value.reveal()]));
  return `${versionOf(es)}/${hashData(bytes)}/${JSON.stringify([labels, annotations])}`;
}

/** Deletes what was written under earlier target names. To be called once the present target is written. */
export async function sweepOrphans(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<void> {
  for (const orphan of orphanedSecrets(es, rooms)) {
    await rooms.writer.delete(rooms.secrets, orphan, signal);
    rooms.reporter.event(es, 'Normal', 'Deleted', 'secret deleted because it was orphaned');
  }
}

/** Secrets that were written for the object: under an earlier target name, or before its target became another kind. */
export function orphanedSecrets(es: ExternalSecretRecord, { owned }: Rooms): readonly ObservedTarget[] {
  return owned.orphansOf(`${es.namespace}/${es.name}`, secretSource(es));
}

/** The object as an owner of Secrets: with another kind of target it has none of any name. */
export function secretSource(es: ExternalSecretRecord): ExternalSecretRecord {
  return manifestOf(es) === undefined ? es : { ...es, targetName: '' };
}

/** The kind that its target has, when that is no Secret. */
export function manifestOf({ spec }: Pick<ExternalSecretRecord, 'spec'>): ManifestKind | undefined {
  return 'ok' in spec ? spec.ok.target.manifest : undefined;
}

export function targetKey(es: ExternalSecretRecord): string {
  return `${es.namespace}/${es.targetName}`;
}
