// The story of one ClusterExternalSecret, told in order: read its selectors, look at all namespaces, plan, write the
// ExternalSecrets, report. A namespace that fails is told in the status and holds back no other.

import { asOperatorError, explain, OperatorError } from '../../base/operator-error.ts';
import { reasons } from '../../base/reasons.ts';
import { clusterExternalSecretFinalizer, namespaceFinalizer } from '../../core/contract-names.ts';
import { parseGoDuration } from '../../core/go-duration.ts';
import { shortestIntervalMs } from '../../core/refresh.ts';
import { sameJson } from '../../core/same-json.ts';
import type { Verdict } from '../../core/sync-status.ts';
import type { ClusterExternalSecretSpec } from '../../crds/cluster-external-secret.ts';
import type { StoreConnections } from '../connect.ts';
import { fieldManager } from '../kinds.ts';
import { isTold } from '../kit/next.ts';
import type { Ended, Memory, Signals } from '../kit/object-controller.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { Writer, Written } from '../kit/writer.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { ClusterExternalSecretRecord, ExternalSecretRecord, NamespaceRecord } from '../records.ts';
import { failedVerdict, type Reporter } from '../report.ts';
import { type ChildrenPlan, checkSelectors, childObject, isForeign, planChildren, type Step } from './plan.ts';

/** Namespaces as they are followed: how they are read, and how their finalizers are written. */
export interface FollowedNamespaces {
  values(): Iterable<NamespaceRecord>;
  readonly written: Written<NamespaceRecord>;
}

export interface CesRooms {
  /** Resolves once all namespaces are known. */
  readonly namespaces: (signal: AbortSignal) => Promise<FollowedNamespaces>;
  readonly children: OwnWrites<ExternalSecretRecord>;
  readonly ownedBy: (uid: string) => Iterable<ExternalSecretRecord>;
  readonly writtenChildren: Written<ExternalSecretRecord>;
  readonly connections: Pick<StoreConnections, 'isOurs'>;
  readonly writer: Writer;
  readonly reporter: Reporter<ClusterExternalSecretRecord>;
}

/** What came of the plan. */
interface Result {
  readonly provisioned: readonly string[];
  readonly failed: readonly { readonly namespace: string; readonly reason: string }[];
  /** The one that decides when to try again; undefined when all went well. */
  readonly error: OperatorError | undefined;
}

/** How long nothing happens without an event, when `refreshTime` says nothing. */
const defaultIntervalMs = 3_600_000;
/** Writes in flight for one object; the slots bound those of all. */
const mostAtOnce = 16;
/** A refusal of admission can be of any length, and there may be one for each namespace. */
const longestReason = 256;
const mostNamed = 5;

/** Never throws: what went wrong is in the answer. */
export async function reconcileClusterExternalSecret(
  ces: ClusterExternalSecretRecord,
  memory: Memory,
  rooms: CesRooms,
  signals: Signals,
): Promise<Ended> {
  try {
    const namespaces = await rooms.namespaces(signals.wait);
    const isOurs = (namespace: string) => rooms.connections.isOurs(ces.stores, namespace);
    if (isForeign(ces, namespaces.values(), isOurs)) return { kind: 'idle', next: undefined };
    if (ces.deleting) {
      await release(ces, namespaces, rooms, signals.write);
      return { kind: 'synced', next: undefined };
    }
    const spec = usableSpec(ces);
    const plan = planChildren(ces, spec, {
      namespaces: namespaces.values(),
      childAt: (namespace, name) => rooms.children.get(`${namespace}/${name}`),
      owned: rooms.ownedBy(ces.uid),
      isOurs,
    });
    const result = await carryOut(ces, spec, plan, namespaces, rooms, signals.write);
    await report(ces, result, rooms, signals.write);
    if (result.error !== undefined) return { kind: 'failed', error: result.error, origin: '' };
    const afterMs = cesInterval(spec);
    if (afterMs === 0) return { kind: 'synced', next: undefined };
    return { kind: 'synced', next: { afterMs, lane: lanes.background, cause: 'periodic' satisfies Cause } };
  } catch (thrown) {
    return await reportFailure(ces, asOperatorError(thrown), memory, rooms, signals.write);
  }
}

/** The time between two looks in ms; 0 for none. Throws InvalidSpec. */
export function cesInterval({ refreshTime }: ClusterExternalSecretSpec): number {
  if (refreshTime === undefined) return defaultIntervalMs;
  let ms = -1;
  try {
    ms = parseGoDuration(refreshTime);
  } catch {
    // the message below names the field
  }
  if (ms < 0)
    throw new OperatorError('InvalidSpec', 'spec.refreshTime is not a duration: write for example 90s, 5m or 1h');
  return ms === 0 ? 0 : Math.max(ms, shortestIntervalMs);
}

function usableSpec({ spec }: ClusterExternalSecretRecord): ClusterExternalSecretSpec {
  if ('issues' in spec) throw new OperatorError('InvalidSpec', spec.issues.join('; '));
  checkSelectors(spec.ok);
  cesInterval(spec.ok);
  return spec.ok;
}

async function carryOut(
  ces: ClusterExternalSecretRecord,
  spec: ClusterExternalSecretSpec,
  { steps, deletes, releases }: ChildrenPlan,
  { written }: FollowedNamespaces,
  rooms: CesRooms,
  signal: AbortSignal,
): Promise<Result> {
  const failures: Failure[] = [];
  const attempt = async (namespace: string, work: () => Promise<unknown>) => {
    try {
      await rooms.writer.inTurn(lanes.spec, signal, work);
    } catch (thrown) {
      failures.push({ namespace, error: failureOf(thrown) });
    }
  };
  const { writer, writtenChildren } = rooms;
  await inBatches(deletes, (child) => attempt(child.namespace, () => writer.delete(writtenChildren, child, signal)));
  await inBatches(steps, async (step) => {
    if (step.kind === 'blocked') {
      failures.push({ namespace: step.namespace, error: new OperatorError('TargetConflict', step.why) });
    } else if (step.kind !== 'none') await attempt(step.namespace, () => write(ces, spec, step, rooms, signal));
  });
  // The finalizer goes after the ExternalSecret: whoever waits for the namespace finds nothing left of it.
  const isStuck = (name: string) => failures.some(({ namespace }) => namespace === name);
  await inBatches(
    releases.filter(({ name }) => !isStuck(name)),
    (namespace) => attempt(namespace.name, () => releaseNamespace(ces, namespace, written, rooms, signal)),
  );
  return resultOf(steps, failures);
}

interface Failure {
  readonly namespace: string;
  readonly error: OperatorError;
}

/** What concerns more than one namespace ends the run; a namespace that is on its way out is nobody's failure for long. */
function failureOf(thrown: unknown): OperatorError {
  const error = asOperatorError(thrown);
  if (error.reason === 'ApiUnavailable' || error.reason === 'Aborted') throw error;
  return error;
}

function resultOf(steps: readonly Step[], failures: readonly Failure[]): Result {
  const reasonOf = new Map(failures.map(({ namespace, error }) => [namespace, error]));
  // A conflict is tried again at once: until then the namespace counts as what it was.
  const conflict = failures.find(({ error }) => error.reason === 'Conflict')?.error;
  if (conflict !== undefined) throw conflict;
  const byUrgency = failures.toSorted((a, b) => Number(isStalled(a)) - Number(isStalled(b)));
  return {
    provisioned: steps.map(({ namespace }) => namespace).filter((namespace) => !reasonOf.has(namespace)),
    failed: [...reasonOf]
      .map(([namespace, error]) => ({ namespace, reason: shortened(wordsOf(error)) }))
      .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1)),
    error: byUrgency[0]?.error,
  };
}

function isStalled({ error }: Failure): boolean {
  return reasons[error.reason].next === 'stall';
}

/** What stands in the way is named in ESO's words, which say all. */
function wordsOf(error: OperatorError): string {
  return error.reason === 'TargetConflict' ? error.message : explain(error);
}

function shortened(text: string): string {
  return text.length <= longestReason ? text : `${text.slice(0, longestReason - 1)}…`;
}

async function write(
  ces: ClusterExternalSecretRecord,
  spec: ClusterExternalSecretSpec,
  step: Extract<Step, { kind: 'create' | 'update' }>,
  { writer, writtenChildren }: CesRooms,
  signal: AbortSignal,
): Promise<void> {
  const options = { fieldManager };
  if (step.kind === 'create')
    await writer.create(writtenChildren, childObject(ces, spec, step.namespace), options, signal);
  else await writer.update(writtenChildren, childObject(ces, spec, step.namespace, step.child), options, signal);
}

/** It is being deleted: its ExternalSecrets go by their owner reference; what ESO left on other objects is taken off first. */
async function release(
  ces: ClusterExternalSecretRecord,
  { values, written }: FollowedNamespaces,
  rooms: CesRooms,
  signal: AbortSignal,
): Promise<void> {
  const finalizer = namespaceFinalizer(ces.name);
  const held = [...values()].filter(({ finalizers }) => finalizers.includes(finalizer));
  await inBatches(held, (namespace) =>
    rooms.writer.inTurn(lanes.deletion, signal, () => releaseNamespace(ces, namespace, written, rooms, signal)),
  );
  if (!ces.finalizers.includes(clusterExternalSecretFinalizer)) return;
  const others = ces.finalizers.filter((name) => name !== clusterExternalSecretFinalizer);
  await rooms.writer.inTurn(lanes.deletion, signal, () => rooms.reporter.setFinalizers(ces, others, signal));
}

async function releaseNamespace(
  ces: ClusterExternalSecretRecord,
  namespace: NamespaceRecord,
  written: Written<NamespaceRecord>,
  { writer }: CesRooms,
  signal: AbortSignal,
): Promise<void> {
  const finalizers = namespace.finalizers.filter((name) => name !== namespaceFinalizer(ces.name));
  await writer.patchFinalizers(written, namespace, finalizers, fieldManager, signal);
}

async function report(
  ces: ClusterExternalSecretRecord,
  { provisioned, failed, error }: Result,
  { reporter, writer }: CesRooms,
  signal: AbortSignal,
): Promise<void> {
  const verdict = error === undefined ? provisionedVerdict : partialVerdict(failed, error);
  const fields = {
    externalSecretName: ces.childName,
    provisionedNamespaces: provisioned.length === 0 ? null : provisioned,
    failedNamespaces: failed.length === 0 ? null : failed,
  };
  const { externalSecretName, provisionedNamespaces = [], failedNamespaces = [] } = ces.status;
  const isSame =
    externalSecretName === ces.childName &&
    sameJson(provisionedNamespaces, provisioned) &&
    sameJson(failedNamespaces, failed);
  // ESO's CRD keeps neither reason nor time of a condition: there only what it keeps is compared.
  if (isSame && !reporter.isExtended && saysSame(ces, verdict)) return;
  await writer.inTurn(lanes.spec, signal, async () => {
    const after = await reporter.writeStatus(ces, verdict, { fields, isDue: !isSame }, signal);
    if (after !== undefined) tell(ces, verdict, reporter);
  });
}

const provisionedVerdict: Verdict = {
  ready: 'True',
  reason: 'Provisioned',
  message: 'every chosen namespace has its external secret',
};
const failedReason = 'ProvisioningFailed';

function partialVerdict(failed: Result['failed'], error: OperatorError): Verdict {
  const names = failed.slice(0, mostNamed).map(({ namespace }) => namespace);
  const more = failed.length - names.length;
  const message = `one or more namespaces failed: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}; see status.failedNamespaces`;
  const verdict: Verdict = { ready: 'False', reason: failedReason, message };
  if (reasons[error.reason].next !== 'stall') return verdict;
  return { ...verdict, besides: { type: 'Stalled', reason: error.reason, message } };
}

function saysSame({ status: { conditions = [] } }: ClusterExternalSecretRecord, { ready, message }: Verdict): boolean {
  const known = conditions.find(({ type }) => type === 'Ready');
  return known?.status === ready && known.message === message;
}

/** An event for what is new in the condition. */
function tell(ces: ClusterExternalSecretRecord, verdict: Verdict, reporter: CesRooms['reporter']): void {
  if (saysSame(ces, verdict)) return;
  reporter.event(ces, verdict.ready === 'True' ? 'Normal' : 'Warning', verdict.reason, verdict.message);
}

async function reportFailure(
  ces: ClusterExternalSecretRecord,
  error: OperatorError,
  memory: Memory,
  rooms: CesRooms,
  signal: AbortSignal,
): Promise<Ended> {
  try {
    if (!ces.deleting && isTold(error, memory.failures)) await tellFailure(ces, error, rooms, signal);
    return { kind: 'failed', error, origin: '' };
  } catch (thrown) {
    return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
  }
}

/** Writes what failed into the status, if that is new, and asks for its event. */
export async function tellFailure(
  ces: ClusterExternalSecretRecord,
  error: OperatorError,
  { reporter, writer }: CesRooms,
  signal: AbortSignal,
): Promise<void> {
  const verdict = failedVerdict(failedReason, error);
  if (!reporter.isExtended && saysSame(ces, verdict)) return;
  await writer.inTurn(lanes.spec, signal, async () => {
    const after = await reporter.writeStatus(ces, verdict, { fields: {}, isDue: false }, signal);
    if (after !== undefined) tell(ces, verdict, reporter);
  });
}

/** Does the work for all items, some at a time; a failure ends it after those under way. */
async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += mostAtOnce) {
    const settled = await Promise.allSettled(items.slice(at, at + mostAtOnce).map(work));
    for (const one of settled) if (one.status === 'rejected') throw asOperatorError(one.reason);
  }
}
