// The story of one ExternalSecret, told in order: take back a stale Ready, decide whether anything is due, read its
// sources, plan and apply the target, report. Everything is gathered before anything is written.

import type { Clock } from '../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { externalSecretFinalizer } from '../../core/contract-names.ts';
import { withWrittenFields } from '../../core/manifest/written-fields.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { ObservedTarget } from '../../core/target-plan.ts';
import { asResource, endings, policyOf, type TargetPolicy } from '../../core/target-policy.ts';
import { refuseInvalid, refuseUnsupported } from '../../core/unsupported.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import { keyOf } from '../../kube/types.ts';
import { isTold } from '../kit/next.ts';
import type { Run, Signals } from '../kit/object-controller.ts';
import { failureNow, isSilent, type Silence, silenceAfter } from '../kit/silence.ts';
import { lanes } from '../lanes.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { applyTarget, type Shaped, type Synced, sweepOrphans } from './apply.ts';
import { applyManifest, type ShapedManifest, sweepManifests } from './apply-manifest.ts';
import type { EsMemory, Rooms } from './context.ts';
import { drawnFor, isDrawing, isReadOnce, tellingOf } from './draws.ts';
import { askedOf, drawOf, dutyOf, type Present, periodOf } from './duty.ts';
import type { OpenKind } from './manifest-targets.ts';
import { judgeTarget, observedTarget, presentNow, seenAfresh } from './present.ts';
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
    const begun = isGreenForOlderSpec(found, rooms)
      ? await rooms.writer.inTurn(run.lane, signals.write, () => withdrawReady(found, rooms, signals.write))
      : found;
    const { es, gathered } = await gatherWhilePatient(begun, memory, run, rooms, signals);
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
      if (outcome.kind === 'synced' && outcome.kept === 'told') return outcome;
      if (outcome.kind === 'synced' || isTold(outcome.error, memory.failures))
        await reportOutcome(es, outcome, rooms, signals.write);
      if (outcome.kind === 'synced') {
        memory.telling = undefined;
        reportWarnings(es, outcome, memory, rooms);
      }
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
  if (!('ok' in es.spec) || !isSilent(error) || !isStillInStep(es, es.spec.ok, memory, rooms)) return false;
  const nowMs = rooms.clock.monotonicMs();
  const silence = silenceAfter(before, error, { nowMs, dueMs: memory.nextDueMs, periodMs: periodOf(es.spec.ok) });
  if (nowMs >= silence.patientUntilMs) return false;
  memory.silence = silence;
  if (before === undefined) await reportSilence(es, error, rooms, signal);
  return true;
}

/** Whether the object is as it was synced: nothing was edited since, neither its stores nor its target. */
function isStillInStep(es: ExternalSecretRecord, spec: ExternalSecretSpec, memory: EsMemory, rooms: Rooms): boolean {
  if (!isSyncedAsIs(es)) return false;
  const stores = rooms.stores.versionOf(es.stores, es.namespace);
  const isStoreNew = memory.readStores !== undefined && memory.readStores !== stores;
  return !isStoreNew && judgeTarget(es, spec, observedTarget(es, rooms)).isTargetValid;
}

/** The patience with a silent source is over: what was found last is told, and nobody is asked anew. */
export async function tellSilence(
  es: ExternalSecretRecord,
  silence: Silence,
  memory: EsMemory,
  rooms: Rooms,
  { write }: Signals,
): Promise<Told> {
  try {
    memory.silence = undefined;
    const error = failureNow(silence, rooms.clock.monotonicMs());
    const told = await rooms.writer.inTurn(lanes.drift, write, () => reportFailure(es, error, rooms, write));
    return { es: told, outcome: { kind: 'failed', error } };
  } catch (thrown) {
    memory.silence = silence;
    return { es, outcome: { kind: 'failed', error: asOperatorError(thrown) } };
  }
}

/** The record as it is after the telling. */
interface Told {
  readonly es: ExternalSecretRecord;
  readonly outcome: Extract<Outcome, { kind: 'failed' }>;
}

type Gathered = Read | Kept | { readonly error: OperatorError };

/** A try that begins as the patience ends may still be answered. */
const leastTryMs = 1_000;

/** Gathers. Where the patience with a silent source ends while it is asked once more, that is told, and the asking goes on. */
async function gatherWhilePatient(
  es: ExternalSecretRecord,
  memory: EsMemory,
  run: Run,
  rooms: Rooms,
  signals: Signals,
): Promise<{ readonly es: ExternalSecretRecord; readonly gathered: Awaited<ReturnType<typeof gather>> }> {
  const { silence } = memory;
  // What was found before an edit says nothing of what is asked now.
  const isBorne = silence !== undefined && 'ok' in es.spec && isStillInStep(es, es.spec.ok, memory, rooms);
  const gathering = gather(es, memory, run, rooms, signals);
  if (!isBorne) return { es, gathered: await gathering };
  const leftMs = Math.max(leastTryMs, silence.patientUntilMs - rooms.clock.monotonicMs());
  const isOver = await lastsLonger(gathering, leftMs, rooms.clock);
  const told = isOver ? await tellSilence(es, silence, memory, rooms, signals) : { es };
  return { es: told.es, gathered: await gathering };
}

/** Whether `work` is not done after so long. */
async function lastsLonger(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const over = Promise.withResolvers<boolean>();
  const timer = clock.after(ms, () => over.resolve(true));
  try {
    return await Promise.race([work.then(() => false), over.promise]);
  } finally {
    timer.cancel();
  }
}

/** `stores` are the versions that the stores had before they were read, `texts` the changes of the template's objects. */
type Seen = Pick<Present, 'stores' | 'texts'> & { readonly policy: TargetPolicy };

interface Read extends Seen {
  readonly sources: Shaped | ShapedManifest;
}

/** What was drawn before stays, so nothing is read. */
interface Kept extends Seen {
  readonly kept: 'told' | 'untold';
  readonly open: OpenKind | undefined;
}

function noteRead(memory: EsMemory, { stores, texts }: Seen): void {
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
    const stores = rooms.stores.versionOf(es.stores, es.namespace);
    const texts = rooms.templates.changesOf(keyOf(es));
    const { manifest } = spec.target;
    const open = manifest === undefined ? undefined : await rooms.manifests.open(es, manifest, wait);
    const seen = { stores, texts };
    const presentWith = (target: ObservedTarget | undefined) => presentNow(es, spec, seen, target, rooms);
    const idle = () => {
      // In step as far as anybody can tell: from here on a change of a store shows.
      memory.readStores ??= stores;
      memory.readTexts ??= texts;
      return { kind: 'idle' } as const;
    };
    const present = presentWith(observedTarget(es, rooms));
    if (dutyOf(present, memory) === undefined) return idle();
    const policy = policyOf(spec);
    if (isDrawing(spec) && policy.creation !== 'None') {
      const target = await seenAfresh(es, open, rooms, wait);
      const telling = tellingOf(es, target);
      const isOwed = drawOf({ ...presentWith(target), isBeingTold: memory.telling === telling }, memory);
      if (isOwed === undefined) return idle();
      memory.telling = isOwed === 'tell' ? telling : undefined;
      if (isOwed !== 'draw') return { policy, stores, texts, open, kept: isOwed === 'tell' ? 'untold' : 'told' };
    }
    memory.asked = askedOf(present);
    return { policy, stores, texts, sources: await readAndShape(es, spec, open, memory, run, rooms, wait) };
  } catch (thrown) {
    const error = asOperatorError(thrown);
    const leftMs = graceLeftMs(error, es, memory, rooms);
    return leftMs > 0 ? { kind: 'grace', leftMs } : { error };
  }
}

/** Reads the sources and makes of them what the target is to be. */
async function readAndShape(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  open: OpenKind | undefined,
  memory: EsMemory,
  { notBeforeMs, ...run }: Run,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Shaped | ShapedManifest> {
  const desk = run.desk(signal);
  const sources = await readSources(es, spec, memory, { notBeforeMs, desk }, rooms, signal);
  if (open === undefined) {
    const blueprint = await shapeTarget(es, spec, sources, desk, rooms, signal);
    return { ...sources, blueprint: drawnFor(es, spec, blueprint) };
  }
  const manifest = drawnFor(es, spec, await shapeManifest(es, spec, open, sources, desk, rooms, signal));
  return {
    ...sources,
    open,
    manifest: isReadOnce(spec, open.kind, manifest) ? withWrittenFields(manifest) : manifest,
  };
}

/** A failure that no run met: the object had to wait for the operator's sake. */
export async function tellWaiting(
  es: ExternalSecretRecord,
  error: OperatorError,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<void> {
  await rooms.writer.inTurn(lanes.background, signal, () => reportFailure(es, error, rooms, signal));
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
    const { outcome, open } = await enforce(es, gathered, memory, rooms, signal);
    if (gathered.policy.creation !== 'Owner') return outcome;
    // What an earlier name left behind goes with Owner only: the other policies leave targets behind on purpose.
    await sweepOrphans(es, rooms, signal);
    if (open !== undefined) await sweepManifests(es, open, rooms, signal);
    return outcome;
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown) };
  }
}

async function enforce(
  es: ExternalSecretRecord,
  gathered: Read | Kept,
  memory: EsMemory,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<{ readonly outcome: Synced; readonly open?: OpenKind | undefined }> {
  if ('kept' in gathered) return { outcome: keptOutcome(gathered), open: gathered.open };
  const { policy, sources } = gathered;
  if ('open' in sources)
    return { outcome: await applyManifest(es, policy, sources, memory, rooms, signal), open: sources.open };
  return { outcome: await applyTarget(es, policy, sources, memory, rooms, signal) };
}

function keptOutcome({ kept, open }: Kept): Synced {
  const { reason, message } = open === undefined ? endings.synced : asResource(endings.synced);
  const unknown = { shadowed: [], collisions: [], missing: [], warnings: [], sources: [], keyCount: 0 };
  return { kind: 'synced', wrote: 'nothing', reason, message, kept, ...unknown };
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
