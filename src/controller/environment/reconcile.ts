// The story of one Environment, told in order: take back a stale Ready, check the document with all that it names, keep a
// revision of one that is accepted, publish it where that is asked for, report. What opens it, such as a store, evaluates it
// by itself.
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import type { EnvironmentSpec } from '../../crds/environment.ts';
import { keyOf } from '../../kube/types.ts';
import type { NextRun } from '../../runtime/worker.ts';
import { isTold } from '../kit/next.ts';
import type { Ended, Run, Signals } from '../kit/object-controller.ts';
import { isSilent, silenceAfter } from '../kit/silence.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { EnvironmentRecord } from '../records.ts';
import { failedVerdict } from '../report.ts';
import type { EnvironmentMemory, EnvironmentRooms } from './context.ts';
import { failureOf, graceLeftMs, publishIntervalOf, publishVersionOf, revisionPlanOf } from './duty.ts';
import { importersOf } from './importers.ts';
import { type Published, publish } from './publish.ts';
import {
  type Findings,
  isGreenForOlderSpec,
  publishedStatus,
  report,
  silentVerdict,
  validVerdict,
  withdrawReady,
} from './report.ts';

/** How soon the revisions are looked for again that are not known yet. */
const unknownRevisionsMs = 1_000;

/** Never throws: what went wrong is in the answer. */
export async function reconcileEnvironment(
  found: EnvironmentRecord,
  memory: EnvironmentMemory,
  run: Run,
  rooms: EnvironmentRooms,
  signals: Signals,
): Promise<Ended> {
  const { write, wait } = signals;
  try {
    const environment = isGreenForOlderSpec(found) ? await withdrawReady(found, rooms, write) : found;
    const gathered = await gather(environment, run, rooms, wait);
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
    const published = await publishNow(environment, memory, run, rooms, signals);
    if ('error' in published) {
      const isKnown = memory.silence !== undefined;
      if (isBorne(environment, published.error, memory, rooms)) {
        if (!isKnown) await report(environment, silentVerdict(published.error, rooms), findings, rooms, write);
        return failedQuietly(published.error, memory);
      }
      return await end('PublishFailed', published.error, findings);
    }
    memory.silence = undefined;
    const { publish } = specOf(environment);
    const told = { ...findings, published: publishedStatus(environment, publish, published, rooms) };
    await report(environment, validVerdict(gathered.checked, publish), told, rooms, write);
    for (const { reason, message } of published.wrote) rooms.reporter.event(environment, 'Normal', reason, message);
    return { kind: 'synced', next: nextRun(memory, rooms) };
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
  }
}

/** When it runs again without any event: to publish anew, or to look for revisions that are not known yet. */
function nextRun({ published }: EnvironmentMemory, { revisions, clock }: EnvironmentRooms): NextRun | undefined {
  if (!revisions.isKnown) return soon;
  const { dueAtMs = Number.POSITIVE_INFINITY } = published ?? {};
  if (dueAtMs === Number.POSITIVE_INFINITY) return undefined;
  return { afterMs: dueAtMs - clock.monotonicMs(), lane: lanes.periodic, cause: 'periodic' satisfies Cause };
}

function specOf({ spec }: EnvironmentRecord): EnvironmentSpec {
  return 'ok' in spec ? spec.ok : {};
}

async function publishNow(
  environment: EnvironmentRecord,
  memory: EnvironmentMemory,
  run: Run,
  rooms: EnvironmentRooms,
  signals: Signals,
): Promise<Published | { readonly error: OperatorError }> {
  try {
    return await publish(environment, specOf(environment), { memory, run }, rooms, signals);
  } catch (thrown) {
    return { error: asOperatorError(thrown) };
  }
}

const soon = { afterMs: unknownRevisionsMs, lane: lanes.background, cause: 'again' satisfies Cause };

/** Everything that is read before anything is decided. */
async function gather(
  environment: EnvironmentRecord,
  run: Run,
  { sources, evaluation, namersOf }: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Findings | { readonly error: OperatorError }> {
  const key = keyOf(environment);
  const { cluster, settle } = sources.begin(key);
  try {
    if ('issues' in environment.spec) throw new OperatorError('InvalidSpec', environment.spec.issues.join('; '));
    const checked = await evaluation.check(key, { cluster, desk: run.desk(signal) }, signal);
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
  memory: EnvironmentMemory,
  rooms: EnvironmentRooms,
  signal: AbortSignal,
): Promise<Ended> {
  if (isTold(error, memory.failures)) {
    await report(environment, failedVerdict(reason, error), findings, rooms, signal);
  }
  return failedQuietly(error, memory);
}

function failedQuietly(error: OperatorError, { published }: EnvironmentMemory): Ended {
  return { kind: 'failed', error, origin: '', endsAtMs: published?.endsAtMs };
}

/**
 * Whether a failure leaves Ready=True for now: what is published is of the present document and outlasts the patience, and
 * what it opens has not been silent for long.
 */
function isBorne(
  environment: EnvironmentRecord,
  error: OperatorError,
  memory: EnvironmentMemory,
  { clock }: EnvironmentRooms,
): boolean {
  const { published, silence: before } = memory;
  memory.silence = undefined;
  const { publish } = specOf(environment);
  const ready = (environment.status.conditions ?? []).find(({ type }) => type === 'Ready');
  const isInStep = ready?.status === 'True' && published?.version === publishVersionOf(environment);
  if (!isInStep || publish === undefined || !isSilent(error)) return false;
  const nowMs = clock.monotonicMs();
  const periodMs = publishIntervalOf(publish);
  const silence = silenceAfter(before, error, { nowMs, dueMs: published.dueAtMs, periodMs });
  if (nowMs >= silence.patientUntilMs) return false;
  if ((published.endsAtMs ?? Number.POSITIVE_INFINITY) <= silence.patientUntilMs) return false;
  memory.silence = silence;
  return true;
}
