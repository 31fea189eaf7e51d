// What the ExternalSecret controller watches, how events become requests, and when an object runs next.
//
//   ExternalSecret created/changed ─► spec lane        target edited/deleted ─► drift lane
//   store changed, reference repaired ─► drift lane    wave due ─► periodic lane    upstream back ─► drift lane

import type { Outcome } from '../../core/outcome.ts';
import { reasons } from '../../core/reasons.ts';
import { retryDelayMs } from '../../core/refresh.ts';
import { isTargetValid, type ObservedTarget, ownerKeyOf } from '../../core/target-plan.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { type NextRun, startWorker, type Worker } from '../../runtime/worker.ts';
import { type QueueLoad, type RunRequest, Workqueue } from '../../runtime/workqueue.ts';
import { storeKey } from '../connect.ts';
import { KeyIndex } from '../key-index.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { ExternalSecretRecord, StoreRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import { RunSeries } from '../run-series.ts';
import type { Memory, Rooms } from './context.ts';
import { intervalOf, untilNextWaveMs } from './due.ts';
import { noOrphans, noteOrphan } from './orphans.ts';
import { connectFirst } from './read.ts';
import { reconcileExternalSecret, releaseDeleted } from './reconcile.ts';

export interface ControllerInputs {
  readonly externalSecrets: Informer<ExternalSecretRecord>;
  readonly targets: Informer<ObservedTarget>;
  readonly recovery: Recovery;
  /** Monotonic ms since which this replica works: what was there before is due since then. */
  readonly startedMs: number;
}

export class ExternalSecretController {
  readonly #rooms: Rooms;
  readonly #inputs: ControllerInputs;
  readonly #queue: Workqueue;
  readonly #memories = new Map<string, Memory>();
  /** Which ExternalSecrets name a store, and which write a target. */
  readonly #byStore = new KeyIndex();
  readonly #byTarget = new KeyIndex();
  readonly #series: RunSeries;
  readonly #unsubscribe: readonly (() => void)[];
  #worker: Worker | undefined;

  constructor(rooms: Rooms, inputs: ControllerInputs) {
    this.#rooms = rooms;
    this.#inputs = inputs;
    this.#queue = new Workqueue(rooms.clock);
    this.#series = new RunSeries('ExternalSecret', rooms.metrics, (key) => rooms.externalSecrets.get(key));
    this.#unsubscribe = [
      inputs.externalSecrets.subscribe((event) => this.#onExternalSecret(event)),
      inputs.targets.subscribe((event) => this.#onTarget(event)),
    ];
    rooms.connections.whenDropped((store) => this.#wakeFailed(store));
    for (const [key, es] of inputs.externalSecrets.entries()) this.#add(key, es);
    for (const target of inputs.targets.values()) this.#noteOrphan(target);
  }

  get queueLoad(): QueueLoad {
    return this.#queue.loadOf();
  }

  start(): void {
    const { clock, log, slots } = this.#rooms;
    this.#worker = startWorker({
      queue: this.#queue,
      clock,
      hasRoom: (lane) => slots.waitingUpTo(lane) < longestWriteQueue,
      reconcile: (key, request, signal) => this.#run(key, request, signal),
      onCrash: (key, thrown) => {
        log.error({ kind: 'ExternalSecret', name: key, err: thrown }, 'reconcile crashed');
        this.#series.noteCrash();
      },
    });
  }

  /** Runs that wait for sources have nothing to lose and end at once; those that write get `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    const ended = this.#worker?.stop(graceMs);
    for (const { superseded } of this.#memories.values()) superseded?.abort(new DOMException('stopping', 'AbortError'));
    await ended;
    this.#series.close();
  }

  /** A store appeared or its spec changed: everything that names it looks again. */
  storeChanged(before: StoreRecord | undefined, after: StoreRecord): void {
    const key = storeKey(
      after.kind,
      after.kind === 'SecretStore' ? { namespace: after.namespace, name: after.name } : { name: after.name },
    );
    const isEdited = before !== undefined && before.generation !== after.generation;
    if (!isEdited) {
      this.#wakeFailed(key);
      return;
    }
    for (const es of this.#byStore.at(key)) this.#wake(es, lanes.drift, 'store');
  }

  /** The labels of a namespace changed: cluster stores may open or close to it. */
  namespaceChanged(namespace: string): void {
    for (const key of this.#memories.keys()) {
      if (!key.startsWith(`${namespace}/`)) continue;
      const stores = this.#inputs.externalSecrets.get(key)?.stores ?? [];
      if (stores.some(({ kind }) => kind === 'ClusterSecretStore')) this.#wake(key, lanes.drift, 'store');
    }
  }

  #onExternalSecret({ key, before, after }: InformerEvent<ExternalSecretRecord>): void {
    // Records of one generation share what they refer to.
    const isElsewhere = before?.stores !== after?.stores || before?.targetName !== after?.targetName;
    if (before !== undefined && isElsewhere) this.#unindex(key, before);
    if (after === undefined) {
      this.#queue.drop(key);
      this.#memories.delete(key);
      this.#inputs.recovery.forget(key);
      this.#series.forget(key);
      return;
    }
    if (before === undefined || before.uid !== after.uid) {
      this.#add(key, after);
      return;
    }
    if (isElsewhere) this.#index(key, after);
    const former = this.#inputs.targets.get(`${before.namespace}/${before.targetName}`);
    if (former !== undefined && before.targetName !== after.targetName) this.#noteOrphan(former);
    if (after.deleting !== before.deleting) this.#wake(key, lanes.deletion, 'deleted');
    else if (after.generation !== before.generation) this.#wake(key, lanes.spec, 'changed');
    // Marks do not end a run that waits for its sources: under a flood of them no run would ever come to its end.
    else if (!isSame(before, after)) this.#queue.add(key, { lane: lanes.spec, cause: 'changed' satisfies Cause });
  }

  #add(key: string, es: ExternalSecretRecord): void {
    const { clock } = this.#rooms;
    this.#index(key, es);
    this.#memories.set(key, {
      firstSeenMs: clock.monotonicMs(),
      nextDueMs: undefined,
      hasFailed: false,
      phaseKey: undefined,
      origin: '',
      orphans: noOrphans,
      superseded: undefined,
    });
    // What was there before this replica began has been due since then: one fetch that started later serves it all.
    const isSynced = (es.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
    const dueAtMs = this.#worker === undefined ? this.#inputs.startedMs : clock.monotonicMs();
    this.#queue.add(key, { lane: isSynced ? lanes.background : lanes.spec, cause: 'created' satisfies Cause, dueAtMs });
  }

  #onTarget({ after, before }: InformerEvent<ObservedTarget>): void {
    const target = after ?? before;
    if (target === undefined) return;
    const key = `${target.namespace}/${target.name}`;
    if (after !== undefined && this.#noteOrphan(after)) this.#wake(ownerKeyOf(after) ?? '', lanes.drift, 'drift');
    if (after !== undefined && isTargetValid(after)) return;
    for (const es of this.#byTarget.at(key)) this.#wake(es, lanes.drift, 'drift');
  }

  /** Whether the target belongs to an ExternalSecret that writes another one by now; that one is told. */
  #noteOrphan(target: ObservedTarget): boolean {
    const owner = ownerKeyOf(target) ?? '';
    const es = this.#inputs.externalSecrets.get(owner);
    const memory = this.#memories.get(owner);
    return es !== undefined && memory !== undefined && noteOrphan(es, target, memory);
  }

  #wakeFailed(store: string): void {
    for (const es of this.#byStore.at(store)) {
      const memory = this.#memories.get(es);
      if (memory?.hasFailed !== false || this.#rooms.externalSecrets.get(es)?.status.refreshTime == null)
        this.#wake(es, lanes.drift, 'reference');
    }
  }

  #wake(key: string, lane: number, cause: Cause): void {
    if (cause === 'changed' || cause === 'store' || cause === 'reference' || cause === 'deleted') {
      this.#memories.get(key)?.superseded?.abort(new DOMException('superseded', 'AbortError'));
    }
    this.#queue.add(key, { lane, cause });
  }

  async #run(key: string, request: RunRequest, signal: AbortSignal): Promise<NextRun | undefined> {
    const es = this.#rooms.externalSecrets.get(key);
    const memory = this.#memories.get(key);
    if (es === undefined || memory === undefined || !this.#rooms.connections.isOurs(es.stores, es.namespace))
      return undefined;
    const startedMs = this.#rooms.clock.monotonicMs();
    if (es.deleting) return await this.#release(es, signal);
    return await untilSuperseded(memory, signal, async (wait) => {
      const outcome = await reconcileExternalSecret(es, memory, request, this.#rooms, { write: signal, wait });
      const durationMs = this.#rooms.clock.monotonicMs() - startedMs;
      const next = await this.#next(key, es, memory, outcome, wait);
      if (this.#memories.get(key) === memory) {
        const after = this.#rooms.externalSecrets.get(key) ?? es;
        const ready = after.status.conditions?.find(({ type }) => type === 'Ready')?.status;
        const error = outcome.kind === 'failed' ? outcome.error : undefined;
        this.#series.note(key, { durationMs, ready, error, comesBack: next !== undefined });
      }
      return next;
    });
  }

  async #release(es: ExternalSecretRecord, signal: AbortSignal): Promise<NextRun | undefined> {
    try {
      await releaseDeleted(es, this.#rooms, signal);
      return undefined;
    } catch {
      return { afterMs: 1_000, lane: lanes.deletion, cause: 'deleted' };
    }
  }

  async #next(
    key: string,
    es: ExternalSecretRecord,
    memory: Memory,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<NextRun | undefined> {
    if (outcome.kind === 'grace') return { afterMs: outcome.leftMs, lane: lanes.spec, cause: 'grace' };
    if (outcome.kind === 'failed') return this.#nextAfterFailure(key, es, memory, outcome);
    if (outcome.kind === 'synced') {
      memory.hasFailed = false;
      this.#queue.noteSuccess(key);
      this.#inputs.recovery.noteSuccess(key);
      this.#rooms.metrics.lastCheck.set({}, this.#rooms.clock.nowMs() / 1000);
    }
    return await this.#nextWave(es, memory, outcome, signal);
  }

  async #nextWave(
    es: ExternalSecretRecord,
    memory: Memory,
    outcome: Outcome,
    signal: AbortSignal,
  ): Promise<NextRun | undefined> {
    const { clock } = this.#rooms;
    const intervalMs = 'ok' in es.spec ? intervalOf(es.spec.ok) : 0;
    if (intervalMs <= 0) return undefined;
    const isPending =
      outcome.kind === 'idle' && memory.nextDueMs !== undefined && memory.nextDueMs > clock.monotonicMs();
    if (!isPending) {
      if (memory.phaseKey === undefined) await connectFirst(es, memory, this.#rooms, signal).catch(() => {}); // told when it is due
      const waitMs = untilNextWaveMs(memory.phaseKey ?? `${es.namespace}/${es.name}`, intervalMs, clock.nowMs());
      memory.nextDueMs = clock.monotonicMs() + waitMs;
    }
    const afterMs = (memory.nextDueMs ?? 0) - clock.monotonicMs();
    return { afterMs, lane: lanes.periodic, cause: 'periodic' };
  }

  #nextAfterFailure(
    key: string,
    es: ExternalSecretRecord,
    memory: Memory,
    { error }: Extract<Outcome, { kind: 'failed' }>,
  ): NextRun | undefined {
    const { log } = this.#rooms;
    const { next, baseDelayMs } = reasons[error.reason];
    if (next === 'quiet') return { afterMs: baseDelayMs, lane: lanes.spec, cause: 'retry' };
    const isFirst = !memory.hasFailed;
    memory.hasFailed = true;
    const attempt = this.#queue.noteFailure(key);
    const fields = {
      kind: 'ExternalSecret',
      namespace: es.namespace,
      name: es.name,
      generation: es.generation,
      reason: error.reason,
      attempt,
      err: error,
    };
    if (isFirst) log.warn(fields, 'sync failed');
    else log.debug(fields, 'sync failed');
    const intervalMs = safeInterval(es);
    if (isUpstreamDown(error.reason) && memory.origin !== '') {
      const group = es.stores.map(({ kind, name }) => `${kind}/${name}`).join() + es.namespace;
      this.#inputs.recovery.noteFailure(key, memory.origin, {
        group,
        wake: () => this.#wake(key, lanes.drift, 'recovered'),
        retryAfterMs: error.retryAfterMs,
      });
      return undefined;
    }
    this.#inputs.recovery.forget(key);
    if (error.retryAfterMs !== undefined) return { afterMs: error.retryAfterMs, lane: lanes.periodic, cause: 'retry' };
    const afterMs =
      next === 'stall' ? Math.max(intervalMs, stallCheckMs) : retryDelayMs(attempt, baseDelayMs, intervalMs);
    return { afterMs, lane: lanes.periodic, cause: 'retry' };
  }

  #index(key: string, es: ExternalSecretRecord): void {
    for (const store of storeKeysOf(es)) this.#byStore.add(store, key);
    this.#byTarget.add(targetPlace(key, es), key);
  }

  #unindex(key: string, es: ExternalSecretRecord): void {
    for (const store of storeKeysOf(es)) this.#byStore.remove(store, key);
    this.#byTarget.remove(targetPlace(key, es), key);
  }
}

/** The key of the target; most targets are named as their ExternalSecret, and share its key's text. */
function targetPlace(key: string, { namespace, name, targetName }: ExternalSecretRecord): string {
  return name === targetName ? key : `${namespace}/${targetName}`;
}

/** Runs that wait for a write slot: enough to keep every slot busy, and no more memory than that needs. */
const longestWriteQueue = 64;

/** Runs with a signal that fires when the run is superseded or `signal` does. */
async function untilSuperseded<T>(
  memory: Memory,
  signal: AbortSignal,
  run: (wait: AbortSignal) => Promise<T>,
): Promise<T> {
  const superseded = new AbortController(); // AbortSignal.any would do, at ten times the price
  const end = onAbort(signal, () => superseded.abort(signal.reason));
  memory.superseded = superseded;
  try {
    return await run(superseded.signal);
  } finally {
    end();
    memory.superseded = undefined;
  }
}

/** Nothing but a change helps a stalled object; it is looked at again this seldom all the same, in case an event was missed. */
const stallCheckMs = 600_000;

/** What an origin's recovery mends, as against what is wrong with one object. */
function isUpstreamDown(reason: string): boolean {
  return reason === 'UpstreamUnavailable' || reason === 'UpstreamInvalid';
}

function safeInterval(es: ExternalSecretRecord): number {
  try {
    return 'ok' in es.spec ? intervalOf(es.spec.ok) : 0;
  } catch {
    return 0; // an interval that does not parse is the failure itself
  }
}

function storeKeysOf(es: ExternalSecretRecord): readonly string[] {
  return es.stores.map(({ kind, name }) =>
    storeKey(kind, kind === 'SecretStore' ? { namespace: es.namespace, name } : { name }),
  );
}

/** Nothing that a reconcile depends on differs; status updates, our own among them, look like this. */
function isSame(a: ExternalSecretRecord, b: ExternalSecretRecord): boolean {
  return (
    a.generation === b.generation &&
    isEqual(a.labels, b.labels) &&
    isEqual(a.annotations, b.annotations) &&
    a.finalizers.join() === b.finalizers.join()
  );
}

function isEqual(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
