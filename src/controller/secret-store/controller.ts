// What the store controller watches and when a store is validated: when it appears or changes, when an object that it
// refers to changes, when its upstream is back, and at its interval. Both kinds of stores share one queue; the key is
// `Kind/namespace/name`.

import type { Clock } from '../../base/clock.ts';
import { asOperatorError } from '../../base/operator-error.ts';
import type { Workplaces } from '../../core/jobs.ts';
import type { QueueLoad } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { keyOfStore, type StoreConnections } from '../connect.ts';
import { kinds } from '../kinds.ts';
import { isTold } from '../kit/next.ts';
import {
  type Ended,
  type Memory,
  newMemory,
  ObjectController,
  type Run,
  type Signals,
} from '../kit/object-controller.ts';
import type { Writer } from '../kit/writer.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { StoreKind, StoreRecord } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import type { Reporter } from '../report.ts';
import type { StoreChange, StoreDirectory } from '../stores/directory.ts';
import { failureFinding, type StoreFinding, type StoreRooms, storeInterval, validateStore } from './reconcile.ts';

export interface StoreControllerDeps extends StoreRooms {
  readonly stores: StoreDirectory;
  /** Of the kinds that are validated; none when the store reconciler is switched off. */
  readonly reporters: Readonly<Partial<Record<StoreKind, Reporter<StoreRecord>>>>;
  readonly connections: StoreConnections;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly recovery: Recovery;
  readonly workplaces: Workplaces;
  readonly requeueMs: number;
}

/**
 * A store waits this long before it is validated, so that the ExternalSecrets which were applied together with it have
 * asked for the same scope by then: one fetch serves all.
 */
const settleMs = 100;
/** How long a new store waits for what it refers to before it says that something is missing. */
const graceMs = 1_000;

export class StoreController {
  readonly #deps: StoreControllerDeps;
  readonly #kit: ObjectController<StoreRecord, Memory>;
  readonly #unsubscribe: () => void;

  constructor(deps: StoreControllerDeps) {
    this.#deps = deps;
    const { clock, log, metrics, recovery, connections, stores, workplaces } = deps;
    this.#kit = new ObjectController(
      {
        kinds: [kinds.SecretStore, kinds.ClusterSecretStore],
        kindOf,
        find: (key) => stores.get(kindOf(key), key.slice(kindOf(key).length + 1)),
        isOurs: (store) => !store.deleting && connections.isOurStore(store),
        run: (store, memory, run, signals) => this.#run(store, memory, run, signals),
        tell: (store, error, signal) => this.#report(store, failureFinding(error), signal),
        intervalMs: (store) => this.#intervalMs(store),
        groupOf: (key) => key,
        retryLane: lanes.background,
        failureMessage: 'store validation failed',
      },
      { clock, log, metrics, recovery, workplaces },
    );
    this.#unsubscribe = stores.subscribe((change, key, store) => this.#onStore(change, key, store));
    for (const store of stores.values()) this.#onStore('new', keyOfStore(store), store);
    connections.whenDropped((key) => this.#kit.wake(key, { lane: lanes.drift, cause: 'reference' }));
  }

  queueLoad(kind: string): QueueLoad {
    return this.#kit.queueLoad(kind);
  }

  start(): void {
    this.#kit.start();
  }

  async stop(graceMs: number): Promise<void> {
    this.#unsubscribe();
    await this.#kit.stop(graceMs);
  }

  #onStore(change: StoreChange, key: string, store: StoreRecord): void {
    if (this.#deps.reporters[store.kind] === undefined) return;
    if (change === 'gone' || change === 'replaced') this.#kit.forget(key);
    if (change === 'gone') return;
    if (change === 'edited') this.#kit.supersede(key);
    else this.#kit.remember(key, newMemory(this.#deps.clock));
    this.#kit.wakeAfter(key, settleMs, { lane: lanes.spec, cause: 'changed' });
  }

  async #run(store: StoreRecord, memory: Memory, run: Run, { write, wait }: Signals): Promise<Ended> {
    // A periodic look is content with what the ExternalSecrets fetched since the last one.
    const isPeriodic = run.causes.every((cause) => cause === ('periodic' satisfies Cause));
    const notBeforeMs = run.notBeforeMs - (isPeriodic ? this.#intervalMs(store) : settleMs);
    const finding = await validateStore(store, { notBeforeMs, desk: run.desk(wait) }, this.#deps, wait);
    const leftMs = this.#graceLeftMs(store, memory, finding);
    if (leftMs > 0) return { kind: 'grace', leftMs };
    const { error, reader } = finding;
    try {
      if (error === undefined || isTold(error, memory.failures)) await this.#report(store, finding, write);
    } catch (thrown) {
      return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
    }
    if (error !== undefined) return { kind: 'failed', error, origin: reader?.origin ?? '' };
    const afterMs = this.#intervalMs(store);
    return { kind: 'synced', next: { afterMs, lane: lanes.background, cause: 'periodic' satisfies Cause } };
  }

  #graceLeftMs({ status }: StoreRecord, { firstSeenMs }: Memory, { error }: StoreFinding): number {
    if (error?.reason !== 'ReferenceNotFound' || (status.conditions ?? []).length > 0) return 0;
    return firstSeenMs + graceMs - this.#deps.clock.monotonicMs();
  }

  async #report(store: StoreRecord, finding: StoreFinding, signal: AbortSignal): Promise<void> {
    const reporter = this.#deps.reporters[store.kind];
    if (reporter === undefined) return;
    const { verdict, capabilities } = finding;
    const fields = capabilities === undefined ? {} : { capabilities };
    const isDue = capabilities !== undefined && store.status.capabilities !== capabilities;
    await this.#deps.writer.inTurn(lanes.spec, signal, async () => {
      const after = await reporter.writeStatus(store, verdict, { fields, isDue }, signal);
      if (after === undefined) return;
      const isNew = !(store.status.conditions ?? []).some(
        ({ type, reason }) => type === 'Ready' && reason === verdict.reason,
      );
      if (!isNew && finding.error === undefined) return;
      reporter.event(store, verdict.reason === 'Valid' ? 'Normal' : 'Warning', verdict.reason, verdict.message);
    });
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
