// Takes ready keys from a workqueue and runs them, many at a time: a run that waits for an upstream must not hold back
// others. Begins runs in batches and lets the event loop breathe between them. Each run holds memory, so no more begin
// than are of use: while others as urgent queue for what they need next, or fill the allowance, the rest wait in the queue.
import { delayAfter } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { RunRequest, Workqueue } from './workqueue.ts';

/** When a key wants to run next. */
export interface NextRun {
  readonly afterMs: number;
  readonly lane: number;
  readonly cause: string;
}

/** Runs one key; the answer is its next run, or undefined when only an event brings it back. */
export type Reconcile = (key: string, request: RunRequest, signal: AbortSignal) => Promise<NextRun | undefined>;

export interface WorkerOptions {
  readonly queue: Workqueue;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  /** Runs under way at most. High, since most of them wait; what must be scarce is bounded by slots. */
  readonly concurrency?: number;
  /** False while runs of this lane would only queue behind others. */
  readonly hasRoom?: (lane: number) => boolean;
  /** Called for a run that threw: a fault, since reconcile answers for what it expects. The key backs off by itself. */
  readonly onCrash: (key: string, thrown: unknown) => void;
  readonly random?: () => number;
}

export interface Worker {
  /** Begins nothing more, gives the runs under way `graceMs` to end, then aborts their signals and waits for them. */
  stop(graceMs: number): Promise<void>;
}

const defaultConcurrency = 20_000;
/** Runs of a lane, those more urgent included, that begin at once; more only when these are stuck. */
const firstAllowance = 256;
/** When not one run could begin for so long, those under way are taken to hang, and the allowance doubles. */
const stuckAfterMs = 250;
/** Runs begun before the event loop gets its turn. */
const batchSize = 32;
const crashBackoff = { baseMs: 5_000, capMs: 300_000 };

export function startWorker(options: WorkerOptions): Worker {
  const { queue, clock, concurrency = defaultConcurrency } = options;
  const under = new Map<string, AbortController>();
  const underByLane = new Map<number, number>();
  let allowance = Math.min(firstAllowance, concurrency);
  let stuck: Timer | undefined;
  const whenEmpty: (() => void)[] = [];
  let isPumpDue = false;
  let isStopped = false;

  const wake = () => {
    if (isPumpDue || isStopped) return;
    isPumpDue = true;
    setImmediate(pump);
  };

  function pump(): void {
    isPumpDue = false;
    for (let begun = 0; begun < batchSize; begun++) {
      if (isStopped) return;
      const next = queue.take(mayBegin);
      if (next === undefined) {
        if (queue.ready > 0) stuck ??= clock.after(stuckAfterMs, widen);
        return;
      }
      stuck?.cancel();
      stuck = undefined;
      void run(next.key, next.request);
    }
    wake();
  }

  const hasRoom = (lane: number) => options.hasRoom?.(lane) ?? true;
  const mayBegin = (lane: number) => hasRoom(lane) && runsUpTo(lane) < allowance;

  function runsUpTo(lane: number): number {
    let count = 0;
    for (const [running, runs] of underByLane) if (running <= lane) count += runs;
    return count;
  }

  function widen(): void {
    stuck = undefined;
    if (hasRoom(Number.MAX_SAFE_INTEGER)) allowance = Math.min(concurrency, allowance * 2);
    wake();
  }

  async function run(key: string, request: RunRequest): Promise<void> {
    // A signal per run: one shared by thousands of waiting runs would walk a listener list as long as they are many.
    const controller = new AbortController();
    under.set(key, controller);
    underByLane.set(request.lane, (underByLane.get(request.lane) ?? 0) + 1);
    const next = await outcomeOf(key, request, controller.signal);
    under.delete(key);
    underByLane.set(request.lane, (underByLane.get(request.lane) ?? 0) - 1);
    if (under.size < firstAllowance / 2) allowance = Math.min(firstAllowance, concurrency);
    if (next !== undefined) queue.addAfter(key, next.afterMs, { lane: next.lane, cause: next.cause });
    queue.done(key);
    if (queue.ready > 0) wake();
    if (under.size === 0) for (const resolve of whenEmpty.splice(0)) resolve();
  }

  async function outcomeOf(key: string, request: RunRequest, signal: AbortSignal): Promise<NextRun | undefined> {
    try {
      return await options.reconcile(key, request, signal);
    } catch (thrown) {
      if (signal.aborted) return undefined;
      options.onCrash(key, thrown);
      const failures = queue.noteFailure(key);
      const afterMs = delayAfter({ ...crashBackoff, failures, random: options.random ?? Math.random });
      return { afterMs, lane: request.lane, cause: 'crash' };
    }
  }

  queue.whenReady(wake);
  if (queue.ready > 0) wake();

  return {
    async stop(graceMs) {
      isStopped = true;
      stuck?.cancel();
      queue.close();
      if (under.size === 0) return;
      const ended = new Promise<void>((resolve) => whenEmpty.push(resolve));
      const timer = clock.after(graceMs, () => {
        for (const controller of under.values()) controller.abort(new DOMException('stopping', 'AbortError'));
      });
      await ended;
      timer.cancel();
    },
  };
}
