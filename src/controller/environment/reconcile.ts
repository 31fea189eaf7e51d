// The story of one Environment, told in order: take back a stale Ready, check the document with all that it names, keep a
// revision of one that is accepted, report. What opens it, such as a store, evaluates it by itself.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { keyOf } from '../../kube/types.ts';
import { isTold } from '../kit/next.ts';
import type { Ended, Memory, Signals } from '../kit/object-controller.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { EnvironmentRecord } from '../records.ts';
import { failedVerdict } from '../report.ts';
import type { EnvironmentRooms } from './context.ts';
import { failureOf, graceLeftMs, revisionPlanOf } from './duty.ts';
import { importersOf } from './importers.ts';
import { type Findings, isGreenForOlderSpec, report, validVerdict, withdrawReady } from './report.ts';

/** How soon the revisions are looked for again that are not known yet. */
const unknownRevisionsMs = 1_000;

/** Never throws: what went wrong is in the answer. */
export async function reconcileEnvironment(
  found: EnvironmentRecord,
  memory: Memory,
  rooms: EnvironmentRooms,
  { write, wait }: Signals,
): Promise<Ended> {
  try {
    const environment = isGreenForOlderSpec(found) ? await withdrawReady(found, rooms, write) : found;
    const gathered = await gather(environment, rooms, wait);
    const end = (reason: string, error: OperatorError, findings?: Findings) =>
      failed(environment, { reason, error, findings }, memory, rooms, write);
    if ('error' in gathered) return await end('InvalidEnvironment', gathered.error);
    const { firstSeenMs } = memory;
    const leftMs = graceLeftMs(environment, gathered.checked, { firstSeenMs, nowMs: rooms.clock.monotonicMs() });
    if (leftMs > 0) return { kind: 'grace', leftMs };
    const error = failureOf(gathered.checked);
    if (error !== undefined) return await end('InvalidEnvironment', error, gathered);
    const kept = await keepRevision(environment, rooms, write);
    if ('error' in kept) return await end('RevisionFailed', kept.error, gathered);
    const findings = { ...gathered, revision: kept.revision };
    await report(environment, validVerdict(gathered.checked), findings, rooms, write);
    return { kind: 'synced', next: rooms.revisions.isKnown ? undefined : soon };
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
  }
}

const soon = { afterMs: unknownRevisionsMs, lane: lanes.background, cause: 'again' satisfies Cause };

/** Everything that is read before anything is decided. */
async function gather(
  environment: EnvironmentRecord,
  { sources, evaluation, namersOf }: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Findings | { readonly error: OperatorError }> {
  const key = keyOf(environment);
  const { cluster, settle } = sources.begin(key);
  try {
    if ('issues' in environment.spec) throw new OperatorError('InvalidSpec', environment.spec.issues.join('; '));
    const checked = await evaluation.check(key, cluster, signal);
    const namers = [...namersOf(key)].filter((namer) => namer !== key);
    const importedBy = await importersOf(environment, namers, cluster, signal);
    settle();
    return { checked, importedBy, revision: undefined };
  } catch (thrown) {
    return { error: asOperatorError(thrown) }; // what it looked at stays followed: a repair there brings it back
  }
}

/** The number of the revision that holds the document; undefined while nobody knows which there are. */
async function keepRevision(
  environment: EnvironmentRecord,
  { revisions, writer }: EnvironmentRooms,
  signal: AbortSignal,
): Promise<{ readonly revision: number | undefined } | { readonly error: OperatorError }> {
  if (!revisions.isKnown || !('ok' in environment.spec)) return { revision: undefined };
  const plan = revisionPlanOf(environment, environment.spec.ok, revisions.of(environment));
  try {
    if (plan.isNew || plan.surplus.length > 0)
      await writer.inTurn(lanes.spec, signal, () => revisions.carryOut(environment, plan, signal));
    return { revision: plan.current };
  } catch (thrown) {
    return { error: asOperatorError(thrown) };
  }
}

interface Failure {
  /** Of the condition. */
  readonly reason: string;
  readonly error: OperatorError;
  readonly findings: Findings | undefined;
}

async function failed(
  environment: EnvironmentRecord,
  { reason, error, findings }: Failure,
  memory: Memory,
  rooms: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Ended> {
  if (isTold(error, memory.failures)) {
    await report(environment, failedVerdict(reason, error), findings, rooms, signal);
  }
  return { kind: 'failed', error, origin: '' };
}
