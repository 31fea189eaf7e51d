// The story of one ExternalSecret, told in order: take back a stale Ready, decide whether anything is due, read its
// sources, plan and apply the target, report. Everything is gathered before anything is written.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { externalSecretFinalizer } from '../../core/contract-names.ts';
import { renewalOf } from '../../core/kept-volatile.ts';
import type { Outcome } from '../../core/outcome.ts';
import { hasWantedMarks, isTargetValid, type ObservedTarget } from '../../core/target-plan.ts';
import { isAbsenceWanted, policyOf, type TargetPolicy } from '../../core/target-policy.ts';
import { refuseInvalid, refuseUnsupported } from '../../core/unsupported.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import { keyOf } from '../../kube/types.ts';
import { createDesk } from '../desk.ts';
import { isTold } from '../kit/next.ts';
import type { Run, Signals } from '../kit/object-controller.ts';
import { lanes } from '../lanes.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { applyTarget, manifestOf, orphanedSecrets, type Shaped, sweepOrphans, targetKey } from './apply.ts';
import { applyManifest, type ShapedManifest, sweepManifests } from './apply-manifest.ts';
import type { EsMemory, Rooms } from './context.ts';
import { dutyOf, isForced, isForcedSinceSync, periodOf, presentOf, refreshPolicyOf } from './duty.ts';
import { readSources } from './read.ts';
import {
  isGreenForOlderSpec,
  isSyncedAsIs,
  isUnobserved,
  observeGeneration,
  reportFailure,
  reportOutcome,
  reportSilence,
  reportWarnings,
  withdrawReady,
} from './report.ts';
import { shapeManifest, shapeTarget } from './shape.ts';
import { failureNow, isSilent, type Silence, silenceAfter } from './silence.ts';

/** Runs one ExternalSecret that is ours and is not being deleted. Never throws: what went wrong is in the outcome. */
export async function reconcileExternalSecret(
  found: ExternalSecretRecord,
  memory: EsMemory,
  run: Run,
  rooms: Rooms,
  signals: Signals,
): Promise<Outcome> {
  try {
    if ('ok' in found.spec && !(await rooms.generators.areOurs(found.spec.ok, found, signals.wait)))
      return { kind: 'idle' };
    const es = isGreenForOlderSpec(found, rooms)
      ? await rooms.writer.inTurn(run.lane, signals.write, () => withdrawReady(found, rooms, signals.write))
      : found;
    const gathered = await gather(es, memory, run, rooms, signals);
    if ('kind' in gathered) {
      const isUnseen = gathered.kind === 'idle' && isUnobserved(es, rooms);
      if (isUnseen)
        await rooms.writer.inTurn(run.lane, signals.write, () => observeGeneration(es, rooms, signals.write));
      return gathered;
    }
    return await rooms.writer.inTurn(run.lane, signals.write, async () => {
      const outcome = await decideAndAct(es, gathered, memory, rooms, signals.write);
      if (outcome.kind === 'failed' && (await isBorne(es, outcome.error, memory, rooms, signals.write))) return outcome;
      if (outcome.kind === 'synced') memory.silence = undefined;
      if (outcome.kind === 'synced' || isTold(outcome.error, memory.failures))
        await reportOutcome(es, outcome, rooms, signals.write);
      if (outcome.kind === 'synced') reportWarnings(es, outcome, memory, rooms);
      if (outcome.kind === 'synced' && 'stores' in gathered) noteRead(memory, gathered);
      return outcome;
    });
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown) };
  }
}

/** Whether a failure leaves Ready=True for now: the object is in step, and its source has not been silent for long. */
async function isBorne(
  es: ExternalSecretRecord,
  error: OperatorError,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<boolean> {
  if (error.reason === 'Conflict' || error.reason === 'Aborted') return true; // tells nothing, and ends no silence
  const before = memory.silence;
  memory.silence = undefined;
  if (!isSilent(error) || !('ok' in es.spec) || !isSyncedAsIs(es)) return false;
  const stores = rooms.stores.versionOf(es.stores, es.namespace);
  const isStoreNew = memory.readStores !== undefined && memory.readStores !== stores;
  if (isStoreNew || !judgeTarget(es, es.spec.ok, observedTarget(es, rooms)).isTargetValid) return false;
  const nowMs = rooms.clock.monotonicMs();
  const silence = silenceAfter(before, error, { nowMs, dueMs: memory.nextDueMs, periodMs: periodOf(es.spec.ok) });
  if (nowMs >= silence.patientUntilMs) return false;
  memory.silence = silence;
  if (before === undefined) await reportSilence(es, error, rooms, signal);
  return true;
}

/** The patience with a silent source is over: what was found last is told, and nobody is asked anew. */
export async function tellSilence(
  es: ExternalSecretRecord,
  silence: Silence,
  memory: EsMemory,
  rooms: Rooms,
  signals: Signals,
): Promise<Outcome> {
  try {
    memory.silence = undefined;
    const error = failureNow(silence, rooms.clock.monotonicMs());
    await rooms.writer.inTurn(lanes.drift, signals.write, () => reportFailure(es, error, rooms, signals.write));
    return { kind: 'failed', error };
  } catch (thrown) {
    memory.silence = silence;
    return { kind: 'failed', error: asOperatorError(thrown) };
  }
}

/** `stores` are the versions that the stores had before they were read. */
type Gathered = Read | { readonly error: OperatorError };

interface Read {
  readonly sources: Shaped | ShapedManifest;
  readonly policy: TargetPolicy;
  readonly stores: string;
  /** Changes of the template's objects before they were read. */
  readonly texts: number;
}

function noteRead(memory: EsMemory, { stores, texts }: Read): void {
  memory.readStores = stores;
  memory.readTexts = texts;
}

/** Everything that is read before anything is decided; or the end of the run, when nothing is due or it is too early. */
async function gather(
  es: ExternalSecretRecord,
  memory: EsMemory,
  run: Run,
  rooms: Rooms,
  { wait }: Signals,
): Promise<Gathered | Extract<Outcome, { kind: 'idle' | 'grace' }>> {
  try {
    if ('issues' in es.spec) throw new OperatorError('InvalidSpec', es.spec.issues.join('; '));
    const spec = es.spec.ok;
    refuseUnsupported(spec);
    refuseInvalid(spec);
    const key = keyOf(es);
    const stores = rooms.stores.versionOf(es.stores, es.namespace);
    const texts = rooms.templates.changesOf(key);
    const { manifest } = spec.target;
    const open = manifest === undefined ? undefined : await rooms.manifests.open(es, manifest, wait);
    const { isTargetValid: isTargetAsWanted, isForced: forced } = judgeTarget(es, spec, observedTarget(es, rooms));
    const present = presentOf(spec, {
      es,
      stores,
      texts,
      isTargetAsWanted,
      isForced: forced,
      renewAtMs: renewAtOf(es, spec, rooms),
      hasOrphans: orphanedSecrets(es, rooms).length + rooms.manifests.orphansOf(es).length > 0,
      nowMs: rooms.clock.monotonicMs(),
      wallMs: rooms.clock.nowMs(),
    });
    if (dutyOf(present, memory) === undefined) {
      // In step as far as anybody can tell: from here on a change of a store shows.
      memory.readStores ??= stores;
      memory.readTexts ??= texts;
      return { kind: 'idle' };
    }
    const policy = policyOf(spec);
    const end = rooms.notes.begin({ key: `ExternalSecret/${es.namespace}/${es.name}`, generation: es.generation });
    try {
      const desk = createDesk(es.namespace, rooms.desk, wait);
      const sources = await readSources(es, spec, memory, { notBeforeMs: run.notBeforeMs, desk }, rooms, wait);
      const shaped =
        open === undefined
          ? { ...sources, blueprint: await shapeTarget(es, spec, sources, desk, rooms, wait) }
          : { ...sources, open, manifest: await shapeManifest(es, spec, open, sources, desk, rooms, wait) };
      return { policy, stores, texts, sources: shaped };
    } finally {
      end();
    }
  } catch (thrown) {
    const error = asOperatorError(thrown);
    const leftMs = graceLeftMs(error, es, memory, rooms);
    return leftMs > 0 ? { kind: 'grace', leftMs } : { error };
  }
}

/** When certificates of the target are to be made anew, in epoch ms; undefined when they are none of its template's. */
export function renewAtOf(es: ExternalSecretRecord, spec: ExternalSecretSpec, rooms: Rooms): number | undefined {
  const { creation, immutable } = policyOf(spec);
  const target =
    spec.target.template === undefined || immutable || creation === 'None' ? undefined : observedTarget(es, rooms);
  return target === undefined ? undefined : renewalOf(target);
}

/** What the caches know of the target, of whatever kind it is. */
export function observedTarget(es: ExternalSecretRecord, rooms: Rooms): ObservedTarget | undefined {
  return manifestOf(es) === undefined ? rooms.targets.get(targetKey(es)) : rooms.manifests.get(es);
}

/**
 * Marks count when the target is to follow every edit of them: not under CreatedOnce, and not in a Secret that others
 * label as well. Those that a template gives are known once it is rendered: they count at each refresh.
 */
export function judgeTarget(es: ExternalSecretRecord, spec: ExternalSecretSpec, target: ObservedTarget | undefined) {
  const policy = policyOf(spec);
  const { template } = spec.target;
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (target === undefined) return { isTargetValid: isAbsenceWanted(policy, ready?.reason), isForced: false };
  if (policy.creation === 'None') return { isTargetValid: true, isForced: false };
  const isOnce = refreshPolicyOf(spec) === 'CreatedOnce';
  const isValid = policy.creation === 'Orphan' || isTargetValid(target);
  const countMarks = !isOnce && policy.creation === 'Owner';
  return {
    isTargetValid:
      isValid && (!countMarks || hasWantedMarks(es, policy, template === undefined ? es : undefined, target)),
    isForced: isOnce && !policy.immutable && (template === undefined ? isForced(es, target) : isForcedSinceSync(es)),
  };
}

async function decideAndAct(
  es: ExternalSecretRecord,
  gathered: Gathered,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Extract<Outcome, { kind: 'synced' | 'failed' }>> {
  if ('error' in gathered) return { kind: 'failed', error: gathered.error };
  try {
    const { policy, sources } = gathered;
    const outcome =
      'open' in sources
        ? await applyManifest(es, policy, sources, memory, rooms, signal)
        : await applyTarget(es, policy, sources, memory, rooms, signal);
    if (policy.creation !== 'Owner') return outcome;
    // What an earlier name left behind goes with Owner only: the other policies leave targets behind on purpose.
    await sweepOrphans(es, rooms, signal);
    if ('open' in sources) await sweepManifests(es, sources.open, rooms, signal);
    return outcome;
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown) };
  }
}

/** How long a new object waits for what it refers to before it says that something is missing. */
const graceMs = 1_000;

/** What is left of the grace: a reference that is missing on an object without a verdict may still be on its way. */
function graceLeftMs(error: OperatorError, es: ExternalSecretRecord, memory: EsMemory, { clock }: Rooms): number {
  const isMissing = error.reason === 'StoreNotFound' || error.reason === 'ReferenceNotFound';
  const hasVerdict = (es.status.conditions ?? []).some(({ type }) => type === 'Ready');
  return isMissing && !hasVerdict ? memory.firstSeenMs + graceMs - clock.monotonicMs() : 0;
}

/**
 * The object is being deleted: owned Secrets go by their owner reference. A finalizer that ESO left is taken off; none is
 * ever added here.
 */
export async function releaseDeleted(es: ExternalSecretRecord, rooms: Rooms, signal: AbortSignal): Promise<void> {
  if (!es.finalizers.includes(externalSecretFinalizer)) return;
  const finalizers = es.finalizers.filter((name) => name !== externalSecretFinalizer);
  await rooms.reporter.setFinalizers(es, finalizers, signal);
}
