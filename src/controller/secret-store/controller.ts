// What the store controller watches and when a store is validated: when it appears or changes, when an object that it
// refers to changes, when its upstream is back, and at its interval. Both kinds of stores share one queue; the key is
// `Kind/namespace/name`.
import { reasons } from '../../core/reasons.ts';
import { retryDelayMs } from '../../core/refresh.ts';
import type { Informer, InformerEvent, Kube } from '../../kube/contract.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Slots } from '../../runtime/slots.ts';
import { type NextRun, startWorker, type Worker } from '../../runtime/worker.ts';
import { type QueueLoad, type RunRequest, Workqueue } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { keyOfStore, type StoreConnections } from '../connect.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { ReadYourWrites } from '../read-your-writes.ts';
import { type StoreKind, type StoreRecord, storeRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import type { Reporter } from '../report.ts';
import { RunSeries } from '../run-series.ts';
import { isTold, type StoreFinding, type StoreRooms, storeInterval, validateStore } from './reconcile.ts';

export interface StoreKindRooms {
  readonly informer: Informer<StoreRecord>;
  readonly cache: ReadYourWrites<StoreRecord>;
  readonly reporter: Reporter;
}

export interface StoreControllerDeps extends StoreRooms {
  readonly kinds: Readonly<Partial<Record<StoreKind, StoreKindRooms>>>;
  readonly connections: StoreConnections;
  readonly kube: Kube;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly slots: Slots;
  readonly recovery: Recovery;
  readonly requeueMs: number;
  readonly guard: () => void;
  /** The ExternalSecret controller hears of stores that appeared or changed. */
  readonly onStoreChanged: (before: StoreRecord | undefined, after: StoreRecord) => void;
}

/**
 * A store waits this long before it is validated, so that the ExternalSecrets which were applied together with it have
 * asked for the same scope by then: one fetch serves all.
 */
const settleMs = 100;
/** How long a new store waits for what it refers to before it says that something is missing. */
const graceMs = 1_000;
const stallCheckMs = 600_000;

export class StoreController {
  readonly #deps: StoreControllerDeps;
  readonly #queue: Workqueue;
  readonly #failed = new Set<string>();
  readonly #firstSeenMs = new Map<string, number>();
  /** Ends the validation under way when the store or an object that it refers to changes. */
  readonly #superseded = new Map<string, AbortController>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #series: Readonly<Record<StoreKind, RunSeries>>;
  #worker: Worker | undefined;

  constructor(deps: StoreControllerDeps) {
    this.#deps = deps;
    this.#queue = new Workqueue(deps.clock);
    const seriesOf = (kind: StoreKind) => new RunSeries(kind, deps.metrics, (key) => this.#find(key));
    this.#series = { SecretStore: seriesOf('SecretStore'), ClusterSecretStore: seriesOf('ClusterSecretStore') };
    for (const rooms of Object.values(deps.kinds)) {
      this.#unsubscribe.push(rooms.informer.subscribe((event) => this.#onStore(event)));
      for (const store of rooms.informer.values())
        this.#onStore({ key: '', before: undefined, after: store, initial: true });
    }
    deps.connections.whenDropped((key) => {
      this.#superseded.get(key)?.abort(new DOMException('superseded', 'AbortError'));
      this.#queue.add(key, { lane: lanes.drift, cause: 'reference' satisfies Cause });
    });
  }

  queueLoad(kind: StoreKind): QueueLoad {
    return this.#queue.loadOf((key) => kindOf(key) === kind);
  }

  start(): void {
    const { clock, log } = this.#deps;
    this.#worker = startWorker({
      queue: this.#queue,
      clock,
      reconcile: (key, request, signal) => this.#run(key, request, signal),
      onCrash: (key, thrown) => {
        log.error({ kind: kindOf(key), name: key, err: thrown }, 'reconcile crashed');
        this.#series[kindOf(key)].noteCrash();
      },
    });
  }

  /** Validations have nothing to lose and end at once; a report under way gets `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    const ended = this.#worker?.stop(graceMs);
    for (const superseded of this.#superseded.values()) superseded.abort(new DOMException('stopping', 'AbortError'));
    await ended;
    for (const series of Object.values(this.#series)) series.close();
  }

  #onStore({ before, after, initial }: InformerEvent<StoreRecord>): void {
    const store = after ?? before;
    if (store === undefined) return;
    const key = keyOfStore(store);
    if (after === undefined) {
      this.#forget(key);
      return;
    }
    if (before !== undefined && before.uid === after.uid && before.generation === after.generation) return;
    if (!this.#firstSeenMs.has(key)) this.#firstSeenMs.set(key, this.#deps.clock.monotonicMs());
    this.#superseded.get(key)?.abort(new DOMException('superseded', 'AbortError'));
    if (!initial) this.#deps.onStoreChanged(before, after); // else every ExternalSecret is about to run anyway
    this.#queue.addAfter(key, settleMs, { lane: lanes.spec, cause: 'changed' satisfies Cause });
  }

  #forget(key: string): void {
    this.#queue.drop(key);
    this.#failed.delete(key);
    this.#firstSeenMs.delete(key);
    this.#deps.recovery.forget(key);
    this.#deps.connections.drop(key);
    this.#series[kindOf(key)].forget(key);
  }

  async #run(key: string, request: RunRequest, signal: AbortSignal): Promise<NextRun | undefined> {
    const store = this.#find(key);
    if (store === undefined || store.deleting || !this.#deps.connections.isOurStore(store)) return undefined;
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    // A periodic look is content with what the ExternalSecrets fetched since the last one.
    const isPeriodic = request.causes.every((cause) => cause === ('periodic' satisfies Cause));
    const notBeforeMs = isPeriodic ? request.dueAtMs - this.#intervalMs(store) : request.dueAtMs - settleMs;
    const superseded = new AbortController();
    this.#superseded.set(key, superseded);
    const finding = await validateStore(store, notBeforeMs, this.#deps, AbortSignal.any([signal, superseded.signal]));
    if (this.#superseded.get(key) === superseded) this.#superseded.delete(key);
    const graceLeftMs = this.#graceLeftMs(key, store, finding);
    if (graceLeftMs > 0) return { afterMs: graceLeftMs, lane: lanes.spec, cause: 'grace' };
    const { verdict, error } = finding;
    const isReported = error === undefined || isTold(error);
    try {
      if (isReported) await this.#report(key, store, finding, signal);
    } catch {
      return { afterMs: 50, lane: lanes.spec, cause: 'retry' }; // the store changed meanwhile, or the API server is away
    }
    const durationMs = clock.monotonicMs() - startedMs;
    const next = this.#next(key, store, finding);
    const ready = isReported ? verdict.ready : undefined;
    // A store that was deleted meanwhile has been forgotten, and must stay so.
    if (this.#firstSeenMs.has(key))
      this.#series[store.kind].note(key, { durationMs, ready, error, comesBack: next !== undefined });
    return next;
  }

  #graceLeftMs(key: string, store: StoreRecord, { error }: StoreFinding): number {
    if (error?.reason !== 'ReferenceNotFound' || (store.status.conditions ?? []).length > 0) return 0;
    return (this.#firstSeenMs.get(key) ?? 0) + graceMs - this.#deps.clock.monotonicMs();
  }

  async #report(key: string, store: StoreRecord, finding: StoreFinding, signal: AbortSignal): Promise<void> {
    const rooms = this.#deps.kinds[store.kind];
    if (rooms === undefined) return;
    const { verdict, capabilities } = finding;
    const fields = capabilities === undefined ? {} : { capabilities };
    const release = await this.#deps.slots.acquire(lanes.spec, signal);
    try {
      this.#deps.guard();
      const isDue = capabilities !== undefined && store.status.capabilities !== capabilities;
      const answer = await rooms.reporter.writeStatus(store, verdict, { fields, isDue }, signal);
      if (answer === undefined) return;
      this.#deps.metrics.statusWrites.add({ kind: store.kind });
      const isNew = !(store.status.conditions ?? []).some(
        ({ type, reason }) => type === 'Ready' && reason === verdict.reason,
      );
      rooms.cache.note(key.slice(store.kind.length + 1), storeRecord(store.kind)(answer));
      if (isNew || finding.error !== undefined) {
        rooms.reporter.event(store, verdict.reason === 'Valid' ? 'Normal' : 'Warning', verdict.reason, verdict.message);
      }
    } finally {
      release();
    }
  }

  #next(key: string, store: StoreRecord, { error, reader }: StoreFinding): NextRun | undefined {
    const { recovery, log } = this.#deps;
    if (error === undefined) {
      this.#failed.delete(key);
      this.#queue.noteSuccess(key);
      recovery.noteSuccess(key);
      return { afterMs: this.#intervalMs(store), lane: lanes.background, cause: 'periodic' };
    }
    const { next, baseDelayMs } = reasons[error.reason];
    if (next === 'quiet') return { afterMs: baseDelayMs, lane: lanes.spec, cause: 'retry' };
    const attempt = this.#queue.noteFailure(key);
    const fields = {
      kind: store.kind,
      namespace: store.namespace,
      name: store.name,
      reason: error.reason,
      attempt,
      err: error,
    };
    if (this.#failed.has(key)) log.debug(fields, 'store validation failed');
    else log.warn(fields, 'store validation failed');
    this.#failed.add(key);
    if (
      (error.reason === 'UpstreamUnavailable' || error.reason === 'UpstreamInvalid') &&
      reader !== undefined &&
      reader.origin !== ''
    ) {
      recovery.noteFailure(key, reader.origin, {
        group: key,
        wake: () => this.#queue.add(key, { lane: lanes.drift, cause: 'recovered' }),
        retryAfterMs: error.retryAfterMs,
      });
      return undefined;
    }
    recovery.forget(key);
    const steadyMs = next === 'stall' ? stallCheckMs : retryDelayMs(attempt, baseDelayMs, this.#intervalMs(store));
    return { afterMs: error.retryAfterMs ?? steadyMs, lane: lanes.background, cause: 'retry' };
  }

  #find(key: string): StoreRecord | undefined {
    const kind = kindOf(key);
    return this.#deps.kinds[kind]?.cache.get(key.slice(kind.length + 1));
  }

  #intervalMs(store: StoreRecord): number {
    try {
      return ('ok' in store.spec ? storeInterval(store.spec.ok) : undefined) ?? this.#deps.requeueMs;
    } catch {
      return this.#deps.requeueMs; // an interval that does not parse is the failure itself
    }
  }
}

function kindOf(key: string): StoreKind {
  return key.startsWith('ClusterSecretStore/') ? 'ClusterSecretStore' : 'SecretStore';
}
