// The story of one ExternalSecret, told in order: take back a stale Ready, decide whether anything is due, read its
// sources, plan and apply the target, report. Everything is gathered before anything is written.
import { externalSecretFinalizer } from '../../core/contract-names.ts';
import { asOperatorError, OperatorError } from '../../core/operator-error.ts';
import type { Outcome } from '../../core/outcome.ts';
import { hasWantedMarks, isTargetValid } from '../../core/target-plan.ts';
import { refuseInvalid, refuseUnsupported } from '../../core/unsupported.ts';
import { isTold } from '../kit/next.ts';
import type { Run, Signals } from '../kit/object-controller.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { applyTarget, sweepOrphans, targetKey } from './apply.ts';
import type { EsMemory, Rooms } from './context.ts';
import { dutyOf, intervalOf } from './duty.ts';
import { readSources, type Sources } from './read.ts';
import { isGreenForOlderSpec, reportOutcome, withdrawReady } from './report.ts';

/** Runs one ExternalSecret that is ours and is not being deleted. Never throws: what went wrong is in the outcome. */
export async function reconcileExternalSecret(
  found: ExternalSecretRecord,
  memory: EsMemory,
  run: Run,
  rooms: Rooms,
  signals: Signals,
): Promise<Outcome> {
  try {
    const es = isGreenForOlderSpec(found, rooms)
      ? await rooms.writer.inTurn(run.lane, signals.write, () => withdrawReady(found, rooms, signals.write))
      : found;
    const gathered = await gather(es, memory, run, rooms, signals);
    if ('kind' in gathered) return gathered;
    return await rooms.writer.inTurn(run.lane, signals.write, async () => {
      const outcome = await decideAndAct(es, gathered, rooms, signals.write);
      if (outcome.kind === 'synced' || isTold(outcome.error, memory.failures))
        await reportOutcome(es, outcome, rooms, signals.write);
      if (outcome.kind === 'synced' && 'stores' in gathered) memory.readStores = gathered.stores;
      return outcome;
    });
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown) };
  }
}

/** `stores` are the versions that the stores had before they were read. */
type Gathered = { readonly sources: Sources; readonly stores: string } | { readonly error: OperatorError };

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
    const intervalMs = intervalOf(spec);
    const stores = rooms.stores.versionOf(es.stores, es.namespace);
    const present = {
      es,
      intervalMs,
      stores,
      isTargetAsWanted: isTargetAsWanted(es, intervalMs, rooms),
      hasOrphans: rooms.owned.orphansOf(`${es.namespace}/${es.name}`, es).length > 0,
      nowMs: rooms.clock.monotonicMs(),
    };
    if (dutyOf(present, memory) === undefined) return { kind: 'idle' };
    return { sources: await readSources(es, spec, memory, run.notBeforeMs, rooms, wait), stores };
  } catch (thrown) {
    const error = asOperatorError(thrown);
    const leftMs = graceLeftMs(error, es, memory, rooms);
    return leftMs > 0 ? { kind: 'grace', leftMs } : { error };
  }
}

/** With interval 0 the marks do not count: as in ESO, an edit of labels then reaches no Secret. */
function isTargetAsWanted(es: ExternalSecretRecord, intervalMs: number, rooms: Rooms): boolean {
  const target = rooms.targets.get(targetKey(es));
  return target !== undefined && isTargetValid(target) && (intervalMs <= 0 || hasWantedMarks(es, target));
}

async function decideAndAct(
  es: ExternalSecretRecord,
  gathered: Gathered,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<Extract<Outcome, { kind: 'synced' | 'failed' }>> {
  if ('error' in gathered) return { kind: 'failed', error: gathered.error };
  try {
    const outcome = await applyTarget(es, gathered.sources, rooms, signal);
    await sweepOrphans(es, rooms, signal);
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
