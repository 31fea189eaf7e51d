// What every controller does around its own story: runs keys from a queue, ends a run that was overtaken, counts failures
// and conflicts, waits for what is down, keeps the series, says what failed, stops, forgets. What the object is owed, and
// how that is done, is the story's.
//
//   event ─► wake ─► queue ─► run ─► story ─► ended ─► next run, or the recovery of an origin
//                     ▲ │     └─ told instead: the process died twice of working on the object
//                     │ └─ held: a conflict or an API server's fault is waited out, unless the object itself changed
//                     └──────────────────────────────────────────────────────────────────────┘

import type { Clock } from '../../base/clock.ts';
import { onAbort } from '../../base/on-abort.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { inlineWorkplaces, type Work, type Workplace, type Workplaces } from '../../core/jobs.ts';
import { retryWithinMs } from '../../core/renewal.ts';
import { keyOf } from '../../kube/types.ts';
import { type NextRun, startWorker, type Worker } from '../../runtime/worker.ts';
import { type Ask, type QueueLoad, type RunRequest, Workqueue } from '../../runtime/workqueue.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import { type Cause, lanes } from '../lanes.ts';
import type { RecordMeta } from '../records.ts';
import type { Recovery } from '../recovery.ts';
import { RunSeries } from '../run-series.ts';
import { type KindRow, seriesOf } from './kind.ts';
import { afterFailure, apiServerOrigin, isOfContent } from './next.ts';

/** What a process remembers of an object besides the cluster's own word; lost at a restart, and missed by nobody. */
export interface Memory {
  /** Monotonic ms at which this process first saw the object. */
  readonly firstSeenMs: number;
  /** Failures in a row; the first success makes it 0. */
  failures: number;
  conflicts: number;
  /** The log has named its failure, which no origin's recovery mends: its end is told as well. */
  isFailureLogged: boolean;
  /** Until then (monotonic ms) only a change of the object itself begins a run. */
  heldUntilMs: number;
  /** When it is tried again after a failure for what was found at the source (monotonic ms): a look in between moves it not. */
  retryAtMs: number | undefined;
  /** The generation that met what it is held for. */
  heldGeneration: number;
  /** The instant (monotonic ms) that what is read must not be older than, as long as that is owed. */
  owedSinceMs: number | undefined;
  /** While a run is under way: ends its wait for sources when the object, its store or a reference changes. */
  superseded: AbortController | undefined;
}

export function newMemory(clock: Clock): Memory {
  return {
    firstSeenMs: clock.monotonicMs(),
    failures: 0,
    conflicts: 0,
    isFailureLogged: false,
    heldUntilMs: 0,
    retryAtMs: undefined,
    heldGeneration: -1,
    owedSinceMs: undefined,
    superseded: undefined,
  };
}

/** How a run ended. */
export type Ended =
  /** In step. */
  | { readonly kind: 'synced'; readonly next: NextRun | undefined }
  /** Nothing was due. */
  | { readonly kind: 'idle'; readonly next: NextRun | undefined }
  /** It is too early for a verdict. */
  | { readonly kind: 'grace'; readonly leftMs: number }
  /**
   * `origin` is that of the upstream that failed, '' when none did. What was done before runs out at `endsAtMs` (monotonic),
   * where it does: it is tried again all the sooner.
   */
  | {
      readonly kind: 'failed';
      readonly error: OperatorError;
      readonly origin: string;
      readonly endsAtMs?: number | undefined;
    };

/** `wait` ends the waiting for sources when the object or its store changes; writes go on under `write`. */
export interface Signals {
  readonly write: AbortSignal;
  readonly wait: AbortSignal;
}

/** One run: why, how urgent, how fresh what it reads must be, and where it does work of a size that others decide. */
export interface Run extends RunRequest {
  readonly notBeforeMs: number;
  /** A desk with a budget of its own; what a thread does for it is noted as work on the object. */
  readonly desk: Workplace['desk'];
}

interface Reported extends RecordMeta {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] | undefined };
}

/** What a controller knows of its kinds. */
export interface Story<R extends Reported, M extends Memory> {
  readonly kinds: readonly KindRow[];
  /** Of one of them, by the key of an object. */
  readonly kindOf: (key: string) => string;
  /** The object as it is, undefined when it is gone. */
  readonly find: (key: string) => R | undefined;
  /** False for what another controller serves. */
  readonly isOurs: (record: R) => boolean;
  /** Never throws: what went wrong is in the answer. */
  readonly run: (record: R, memory: M, run: Run, signals: Signals) => Promise<Ended>;
  /** Says in status and event why the object is not run. Throws what writing throws. */
  readonly tell: (record: R, error: OperatorError, signal: AbortSignal) => Promise<void>;
  /** How often the object is looked at, in ms; 0 for never. */
  readonly intervalMs: (record: R) => number;
  /** What probes of a sick origin are rotated over. */
  readonly groupOf: (key: string, record: R) => string;
  /** The lane of retries that are in no hurry. */
  readonly retryLane: number;
  /** Message of the log line of a failure. */
  readonly failureMessage: string;
}

export interface KitDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly recovery: Recovery;
  /** Where runs work; one that the process died of twice gets no place for a while. */
  readonly workplaces: Workplaces;
  /** False while runs of this lane would only queue behind others. */
  readonly hasRoom?: (lane: number) => boolean;
  readonly random?: () => number;
}

/** Causes that overtake a run which still waits for its sources. */
const overtaking: ReadonlySet<string> = new Set<Cause>(['changed', 'store', 'reference', 'deleted']);
/** Causes that are content with what was read already, while that is owed. */
const contented: ReadonlySet<string> = new Set<Cause>(['again', 'drift']);

export class ObjectController<R extends Reported, M extends Memory> {
  readonly #story: Story<R, M>;
  readonly #deps: KitDeps;
  readonly #queue: Workqueue;
  readonly #memories = new Map<string, M>();
  readonly #series = new Map<string, RunSeries>();
  #worker: Worker | undefined;

  constructor(story: Story<R, M>, deps: KitDeps) {
    this.#story = story;
    this.#deps = deps;
    this.#queue = new Workqueue(deps.clock);
    for (const series of story.kinds.map(seriesOf))
      this.#series.set(series.kind, new RunSeries(series, deps.metrics, (key) => story.find(key)));
  }

  get isStarted(): boolean {
    return this.#worker !== undefined;
  }

  queueLoad(kind?: string): QueueLoad {
    return this.#queue.loadOf(kind === undefined ? undefined : (key) => this.#story.kindOf(key) === kind);
  }

  start(): void {
    const { clock, log, hasRoom } = this.#deps;
    this.#worker = startWorker({
      queue: this.#queue,
      clock,
      ...(hasRoom === undefined ? {} : { hasRoom }),
      reconcile: (key, request, signal) => this.#run(key, request, signal),
      onCrash: (key, thrown) => {
        log.error({ kind: this.#story.kindOf(key), name: key, err: thrown }, 'reconcile crashed');
        this.#seriesOf(key)?.noteCrash();
      },
    });
  }

  /** Runs that wait for sources have nothing to lose and end at once; those that write get `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const ended = this.#worker?.stop(graceMs);
    for (const { superseded } of this.#memories.values()) superseded?.abort(new DOMException('stopping', 'AbortError'));
    await ended;
    for (const series of this.#series.values()) series.close();
  }

  keys(): Iterable<string> {
    return this.#memories.keys();
  }

  /** What is remembered of every object. */
  memories(): Iterable<M> {
    return this.#memories.values();
  }

  /** An object appeared, or another one of its name. */
  remember(key: string, memory: M): void {
    this.supersede(key);
    this.#memories.set(key, memory);
  }

  /** Whether this is still the memory of the object of that name. */
  isRemembered(key: string, memory: M): boolean {
    return this.#memories.get(key) === memory;
  }

  /** The object is gone. */
  forget(key: string): void {
    this.supersede(key);
    this.#queue.drop(key);
    this.#memories.delete(key);
    this.#deps.recovery.forget(key);
    this.#seriesOf(key)?.forget(key);
  }

  /** Asks for a run. A cause that overtakes ends the wait of one that is under way, unless `gently`. */
  wake(key: string, ask: Ask & { readonly cause: Cause }, { gently = false } = {}): void {
    if (!this.#memories.has(key)) return;
    if (!gently && overtaking.has(ask.cause)) this.supersede(key);
    this.#queue.add(key, ask);
  }

  /** Ends the wait for sources of a run that is under way. */
  supersede(key: string): void {
    this.#memories.get(key)?.superseded?.abort(new DOMException('superseded', 'AbortError'));
  }

  wakeAfter(key: string, delayMs: number, ask: { readonly lane: number; readonly cause: Cause }): void {
    if (this.#memories.has(key)) this.#queue.addAfter(key, delayMs, ask);
  }

  async #run(key: string, request: RunRequest, signal: AbortSignal): Promise<NextRun | undefined> {
    const { clock } = this.#deps;
    const record = this.#story.find(key);
    const memory = this.#memories.get(key);
    if (record === undefined || memory === undefined || !this.#story.isOurs(record)) return undefined;
    const notBeforeMs = owedSince(memory, request);
    memory.owedSinceMs = notBeforeMs;
    const heldMs = this.#heldMs(record, memory, request);
    if (heldMs > 0) return { afterMs: heldMs, lane: request.lane, cause: 'again' satisfies Cause };
    const begunMs = clock.monotonicMs();
    const run = { ...request, notBeforeMs };
    const ended = await untilSuperseded(memory, signal, (signals) => this.#atWork(key, record, memory, run, signals));
    if (this.#memories.get(key) !== memory) return undefined; // gone, and its successor has asked for itself
    const next = this.#settle(key, record, memory, ended, request);
    const ready = this.#story.find(key)?.status.conditions?.find(({ type }) => type === 'Ready')?.status;
    const error = ended.kind === 'failed' ? ended.error : undefined;
    const durationMs = clock.monotonicMs() - begunMs;
    this.#seriesOf(key)?.note(key, { durationMs, ready, error, comesBack: next !== undefined });
    return next;
  }

  /** Runs the story at a place of its own; an object that has to wait is told so in its stead. */
  async #atWork(key: string, record: R, memory: M, run: Omit<Run, 'desk'>, signals: Signals): Promise<Ended> {
    const { generation, namespace } = record;
    const object = { key: `${this.#story.kindOf(key)}/${keyOf(record)}`, generation };
    const place = this.#placeFor({ tenant: namespace, object }, record);
    if (place instanceof OperatorError) return await this.#refuse(record, place, signals.write);
    try {
      return await this.#story.run(record, memory, { ...run, desk: place.desk }, signals);
    } finally {
      place.end();
    }
  }

  /** What is being deleted has little to do, and never waits. */
  #placeFor(work: Work, { deleting }: R): Workplace | OperatorError {
    try {
      return (deleting ? inlineWorkplaces : this.#deps.workplaces).begin(work);
    } catch (thrown) {
      return asOperatorError(thrown);
    }
  }

  async #refuse(record: R, error: OperatorError, signal: AbortSignal): Promise<Ended> {
    try {
      await this.#story.tell(record, error, signal);
      return { kind: 'failed', error, origin: '' };
    } catch (thrown) {
      return { kind: 'failed', error: asOperatorError(thrown), origin: '' };
    }
  }

  #heldMs(record: R, memory: M, { causes }: RunRequest): number {
    // The API server works again, which nobody knew when the wait began.
    if (memory.heldGeneration !== record.generation || causes.includes('recovered' satisfies Cause)) return 0;
    const leftMs = memory.heldUntilMs - this.#deps.clock.monotonicMs();
    return leftMs > 1 ? leftMs : 0; // timers may fire a fraction early
  }

  #settle(key: string, record: R, memory: M, ended: Ended, request: RunRequest): NextRun | undefined {
    const { recovery } = this.#deps;
    if (ended.kind === 'grace') return { afterMs: ended.leftMs, lane: lanes.spec, cause: 'grace' satisfies Cause };
    if (ended.kind === 'failed') return this.#settleFailure(key, record, memory, ended, request);
    memory.owedSinceMs = undefined;
    memory.retryAtMs = undefined;
    if (ended.kind === 'synced') {
      if (memory.isFailureLogged) this.#logRecovery(key, record, memory.failures);
      memory.isFailureLogged = false;
      memory.failures = 0;
      memory.conflicts = 0;
      memory.heldUntilMs = 0;
      this.#queue.noteSuccess(key);
      recovery.noteSuccess(key);
    }
    return ended.next;
  }

  #settleFailure(
    key: string,
    record: R,
    memory: M,
    { error, origin, endsAtMs }: Extract<Ended, { kind: 'failed' }>,
    { causes }: RunRequest,
  ): NextRun | undefined {
    const { clock, recovery, random = Math.random } = this.#deps;
    if (error.reason !== 'ApiUnavailable' && recovery.originOf(key) === apiServerOrigin) recovery.noteSuccess(key);
    const isConflict = error.reason === 'Conflict';
    const isQuiet = isConflict || error.reason === 'Aborted';
    const isLook = isOfContent(error) && causes.every((cause) => cause === ('recovered' satisfies Cause));
    const planned = isLook ? this.#plannedRetry(memory) : undefined;
    if (planned !== undefined) {
      memory.owedSinceMs = undefined;
      return planned;
    }
    if (isConflict) memory.conflicts++;
    if (!isQuiet) {
      memory.owedSinceMs = undefined; // what failed is tried again with new eyes
      const isKnown = origin !== '' && recovery.isSick(origin); // the origin's own line has said it
      this.#log(key, record, error, this.#queue.noteFailure(key), memory.failures === 0 && !isKnown);
      memory.failures++;
    }
    const { failures, conflicts } = memory;
    const intervalMs = this.#story.intervalMs(record);
    const lane = this.#story.retryLane;
    const hurryMs = endsAtMs === undefined ? undefined : retryWithinMs(clock.monotonicMs(), endsAtMs);
    const after = afterFailure({ error, origin, failures, conflicts, intervalMs, lane, random, hurryMs });
    memory.heldUntilMs = after.holds && after.next !== undefined ? clock.monotonicMs() + after.next.afterMs : 0;
    memory.heldGeneration = record.generation;
    memory.retryAtMs = after.next === undefined ? undefined : clock.monotonicMs() + after.next.afterMs;
    memory.isFailureLogged = failures > 0 && after.waitsFor === undefined;
    if (after.waitsFor === undefined) {
      if (!isQuiet) recovery.forget(key);
    } else {
      recovery.noteFailure(key, after.waitsFor, {
        group: this.#story.groupOf(key, record),
        wake: () => this.wake(key, { lane: lanes.drift, cause: 'recovered' }),
        retryAfterMs: error.retryAfterMs,
      });
    }
    return after.next;
  }

  /** Those that failed together are tried again together, and share what they read: a look by one of them changes no plan. */
  #plannedRetry({ retryAtMs }: M): NextRun | undefined {
    const leftMs = (retryAtMs ?? 0) - this.#deps.clock.monotonicMs();
    return leftMs > 0 ? { afterMs: leftMs, lane: this.#story.retryLane, cause: 'retry' satisfies Cause } : undefined;
  }

  /** The first failure in a row is said aloud; the tries after it tell nothing new. */
  #log(key: string, record: R, error: OperatorError, attempt: number, isFirst: boolean): void {
    const { namespace, name, generation } = record;
    const { reason } = error;
    const fields = { kind: this.#story.kindOf(key), namespace, name, generation, reason, attempt, err: error };
    if (isFirst) this.#deps.log.warn(fields, this.#story.failureMessage);
    else this.#deps.log.debug(fields, this.#story.failureMessage);
  }

  /** Of an object that failed by itself; what an origin's recovery mends is told once for all. */
  #logRecovery(key: string, { namespace, name, generation }: R, count: number): void {
    this.#deps.log.info({ kind: this.#story.kindOf(key), namespace, name, generation, count }, 'works again');
  }

  #seriesOf(key: string): RunSeries | undefined {
    return this.#series.get(this.#story.kindOf(key));
  }
}

/** How fresh a run must read: a retry of what is owed still keeps what was read for it. */
function owedSince({ owedSinceMs }: Memory, { causes, dueAtMs }: RunRequest): number {
  if (owedSinceMs === undefined) return dueAtMs;
  return causes.every((cause) => contented.has(cause)) ? owedSinceMs : Math.max(owedSinceMs, dueAtMs);
}

/** Runs with a signal that fires when the run is superseded or `signal` does. */
async function untilSuperseded<T>(
  memory: Memory,
  signal: AbortSignal,
  run: (signals: Signals) => Promise<T>,
): Promise<T> {
  const superseded = new AbortController(); // AbortSignal.any would do, at ten times the price
  const end = onAbort(signal, () => superseded.abort(signal.reason));
  memory.superseded = superseded;
  try {
    return await run({ write: signal, wait: superseded.signal });
  } finally {
    end();
    memory.superseded = undefined;
  }
}
