// The keyed queue between "something happened to this object" and its reconcile. A key stands in it once however often
// it is added, never runs twice at a time, and runs again when it was added while running:
//
//   add ──► ready (by lane, then first come) ──take──► running ──done──► gone, or ready again
//   addAfter ──► delayed (one per key, the earliest wins) ──due──► ready
//
// A delayed run that a key still had when it is taken is dropped: the run that begins looks at the whole object and
// asks for its next run itself.
import type { Clock, Timer } from '../base/clock.ts';
import { Fifo } from '../base/fifo.ts';
import { type Due, DueHeap } from './due-heap.ts';

/** Why and how urgently a key should run. */
export interface RunRequest {
  /** Lower is more urgent. */
  readonly lane: number;
  /** The latest instant (monotonic ms) at which a run was asked for: what is read from outside must not be older. */
  readonly dueAtMs: number;
  /** What asked, each once, in order of arrival. */
  readonly causes: readonly string[];
}

/** One ask for a run. `dueAtMs` is now unless it is given. */
export interface Ask {
  readonly lane: number;
  readonly cause: string;
  readonly dueAtMs?: number;
}

/** How much a queue has to do. */
export interface QueueLoad {
  /** Keys that wait for a run and may begin now. */
  readonly ready: number;
  readonly running: number;
  /** How long the key that has waited longest has been due, in ms; 0 when none waits. A run in the future is not waited for. */
  readonly oldestMs: number;
}

interface Delayed extends Due {
  readonly key: string;
  readonly lane: number;
  readonly causes: readonly string[];
}

interface Entry {
  /** What the key waits for a run with; undefined when it does not wait. */
  wanted: RunRequest | undefined;
  /** Monotonic ms since which it waits: the first ask counts. Of no meaning while it does not wait. */
  sinceMs: number;
  /** The lane whose list holds the key; a key that moved to a more urgent lane leaves a stale line behind. */
  listedIn: number | undefined;
  running: boolean;
  delayed: Delayed | undefined;
  failures: number;
}

/** Keyed work with lanes, delays and a count of failures per key. */
export class Workqueue {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #lanes = new Map<number, Fifo<string>>();
  #laneOrder: number[] = [];
  readonly #delays = new DueHeap<Delayed>();
  readonly #causes = new Map<string, readonly string[]>();
  #timer: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #ready = 0;
  #running = 0;
  #closed = false;
  #onReady: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys that wait for a run and may begin now. */
  get ready(): number {
    return this.#ready;
  }

  get running(): number {
    return this.#running;
  }

  /** Keys with a run in the future. */
  get delayed(): number {
    return this.#delays.size;
  }

  /** Looks at every key, or at those that match: for a scrape, not for a run. */
  loadOf(matches: (key: string) => boolean = () => true): QueueLoad {
    const nowMs = this.#clock.monotonicMs();
    let [ready, running, oldestMs] = [0, 0, 0];
    for (const [key, entry] of this.#entries) {
      if (!matches(key)) continue;
      if (entry.listedIn !== undefined) ready++;
      if (entry.running) running++;
      if (entry.wanted !== undefined) oldestMs = Math.max(oldestMs, nowMs - entry.sinceMs);
      // A timer that is late, or was lost.
      if (entry.delayed !== undefined) oldestMs = Math.max(oldestMs, nowMs - entry.delayed.dueMs);
    }
    return { ready, running, oldestMs };
  }

  /** `listener` is called whenever a key becomes ready; there is one listener. */
  whenReady(listener: () => void): void {
    this.#onReady = listener;
  }

  /** Asks for a run as soon as possible. Merged with what the key already waits for: most urgent lane, latest due time. */
  add(key: string, ask: Ask): void {
    if (this.#closed) return;
    const request = {
      lane: ask.lane,
      dueAtMs: ask.dueAtMs ?? this.#clock.monotonicMs(),
      causes: this.#alone(ask.cause),
    };
    this.#want(key, this.#entryOf(key), request);
  }

  /** Asks for a run in `delayMs`. Of several such asks the earliest counts, in the most urgent lane of them. */
  addAfter(key: string, delayMs: number, ask: Omit<Ask, 'dueAtMs'>): void {
    if (this.#closed) return;
    const entry = this.#entryOf(key);
    const earlier = entry.delayed;
    const dueMs = this.#clock.monotonicMs() + Math.max(0, delayMs);
    if (earlier !== undefined) this.#delays.remove(earlier);
    entry.delayed = {
      key,
      position: -1,
      dueMs: Math.min(dueMs, earlier?.dueMs ?? dueMs),
      lane: Math.min(ask.lane, earlier?.lane ?? ask.lane),
      causes: union(earlier?.causes ?? noCauses, this.#alone(ask.cause)),
    };
    this.#delays.push(entry.delayed);
    this.#arm();
  }

  /**
   * The next key to run and why, or undefined when none is ready or `mayBegin` refuses the most urgent lane that has any.
   * The caller answers with `done` when the run has ended.
   */
  take(
    mayBegin: (lane: number) => boolean = () => true,
  ): { readonly key: string; readonly request: RunRequest } | undefined {
    for (const lane of this.#laneOrder) {
      const list = this.#lanes.get(lane);
      if (list !== undefined && list.size > 0 && !mayBegin(lane)) return undefined;
      for (let key = list?.shift(); key !== undefined; key = list?.shift()) {
        const request = this.#begin(key, lane);
        if (request !== undefined) return { key, request };
      }
    }
    return undefined;
  }

  /** The run of a taken key has ended. */
  done(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || !entry.running) return;
    entry.running = false;
    this.#running--;
    if (entry.wanted !== undefined) this.#list(key, entry, entry.wanted.lane);
    else this.#forgetIfIdle(key, entry);
  }

  /** Failures in a row of the key. */
  failures(key: string): number {
    return this.#entries.get(key)?.failures ?? 0;
  }

  /** Counts one more failure and returns how many there were in a row. */
  noteFailure(key: string): number {
    return ++this.#entryOf(key).failures;
  }

  /** The key worked: its next failure is the first again. */
  noteSuccess(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.failures = 0;
    this.#forgetIfIdle(key, entry);
  }

  /** Drops the key's waiting and delayed runs and its failures: the object is gone. A run under way goes on. */
  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.listedIn !== undefined) this.#ready--;
    this.#cancelDelay(entry);
    entry.wanted = undefined;
    entry.listedIn = undefined;
    entry.failures = 0;
    this.#forgetIfIdle(key, entry);
  }

  /** Takes no more keys and forgets all that wait; runs under way may still call `done`. */
  close(): void {
    this.#closed = true;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#delays.clear();
    this.#lanes.clear();
    this.#laneOrder = [];
    this.#ready = 0;
    for (const [key, entry] of this.#entries) {
      entry.wanted = undefined;
      entry.listedIn = undefined;
      entry.delayed = undefined;
      if (!entry.running) this.#entries.delete(key);
    }
  }

  /** The list of this cause alone, which thousands of delayed runs share. */
  #alone(cause: string): readonly string[] {
    const known = this.#causes.get(cause);
    if (known !== undefined) return known;
    const list = [cause];
    this.#causes.set(cause, list);
    return list;
  }

  #entryOf(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = {
      wanted: undefined,
      sinceMs: 0,
      listedIn: undefined,
      running: false,
      delayed: undefined,
      failures: 0,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #want(key: string, entry: Entry, request: RunRequest): void {
    if (entry.wanted === undefined) entry.sinceMs = Math.floor(request.dueAtMs); // whole: kept without a box of its own
    entry.wanted = entry.wanted === undefined ? request : merge(entry.wanted, request);
    if (entry.running) return; // listed when the run ends
    if (entry.listedIn !== entry.wanted.lane) this.#list(key, entry, entry.wanted.lane);
  }

  #list(key: string, entry: Entry, lane: number): void {
    if (entry.listedIn === undefined) this.#ready++;
    entry.listedIn = lane;
    let list = this.#lanes.get(lane);
    if (list === undefined) {
      list = new Fifo();
      this.#lanes.set(lane, list);
      this.#laneOrder = [...this.#laneOrder, lane].sort((a, b) => a - b);
    }
    list.push(key);
    this.#onReady();
  }

  /** Marks the key as running, unless this line of the lane is stale. */
  #begin(key: string, lane: number): RunRequest | undefined {
    const entry = this.#entries.get(key);
    if (entry?.wanted === undefined || entry.listedIn !== lane) return undefined;
    const request = entry.wanted;
    entry.wanted = undefined;
    entry.listedIn = undefined;
    entry.running = true;
    this.#ready--;
    this.#running++;
    this.#cancelDelay(entry);
    return request;
  }

  #cancelDelay(entry: Entry): void {
    if (entry.delayed === undefined) return;
    this.#delays.remove(entry.delayed);
    entry.delayed = undefined;
  }

  #forgetIfIdle(key: string, entry: Entry): void {
    const isIdle = !entry.running && entry.wanted === undefined && entry.delayed === undefined && entry.failures === 0;
    if (isIdle) this.#entries.delete(key);
  }

  #arm(): void {
    const dueMs = this.#delays.first()?.dueMs;
    if (dueMs === undefined || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.max(0, dueMs - this.#clock.monotonicMs());
    this.#timer = { dueMs, timer: this.#clock.after(delayMs, () => this.#wake()) };
  }

  #wake(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let next = this.#delays.first(); next !== undefined; next = this.#delays.first()) {
      // Timers count whole ms and may fire a fraction early; half a ms keeps that from costing another round.
      if (next.dueMs > nowMs + 0.5) break;
      this.#delays.remove(next);
      const entry = this.#entryOf(next.key);
      entry.delayed = undefined;
      const dueAtMs = Math.floor(Math.min(nowMs, next.dueMs)); // whole, so that members of a wave are due together
      this.#want(next.key, entry, { lane: next.lane, dueAtMs, causes: next.causes });
    }
    this.#arm();
  }
}

function merge(a: RunRequest, b: RunRequest): RunRequest {
  return {
    lane: Math.min(a.lane, b.lane),
    dueAtMs: Math.max(a.dueAtMs, b.dueAtMs),
    causes: union(a.causes, b.causes),
  };
}

const noCauses: readonly string[] = [];

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length === 0) return b;
  const added = b.filter((cause) => !a.includes(cause));
  return added.length === 0 ? a : [...a, ...added];
}
