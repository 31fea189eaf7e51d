// What was read from upstreams, shared by all who need it: per scope one fetch at a time, requests collected into the next
// one, answers kept for those who do not ask for anything younger. Knows keys and ages, not what the values mean.
//
//   idle ──asked for something younger──▶ collecting (50 ms) ──slot free──▶ fetching ──▶ idle, kept
//                                             ▲ joined by all who ask meanwhile          │
//                                             └────── asked for again: next fetch ◀──────┘

import type { Clock } from '../../base/clock.ts';
import { aborted, OperatorError } from '../../base/operator-error.ts';
import type { Shares } from '../../base/shares.ts';
import type { Keeping, MemoryAccount } from '../../runtime/memory-account.ts';
import type { Outcome } from './outcome.ts';
import { SharedFetch } from './shared-fetch.ts';

/** How long requests are collected before a fetch starts, so that a burst shares it. */
const collectMs = 50;

/** A kept answer is dropped when nobody has asked for it for this long, where a provider does not say otherwise. */
const defaultKeepMs = 300_000;

/** An answer of a holder that has its share makes room for another when nobody has asked for it for this long. */
const leastKeptMs = 60_000;

/** How often the kept answers are looked through. */
const sweepMs = 60_000;

/** Fetches at the same time per origin: servers gain nothing from more, and slow down for others. */
const parallelPerOrigin = 8;

/** An answer and its validator. */
export interface Fetched<T> {
  readonly value: T;
  /** Strong ETag of the answer, for a conditional request next time. */
  readonly etag?: string;
  /** What the next fetch is to know of earlier ones, whatever came of this one. */
  readonly known?: readonly string[];
}

export interface SnapshotRequest<T> {
  /** Equal keys mean equal answers: everything that the answer depends on, identity included. */
  readonly key: string;
  /** Whose parallel requests are bounded. */
  readonly origin: string;
  /** Whose share of the kept answers it counts in, such as a namespace, when it is the first to ask. */
  readonly holder: string;
  /** The answer must come from a fetch that started at or after this instant (monotonic ms). */
  readonly notBeforeMs: number;
  /** Fetches, with the kept answer at hand when there is one. */
  readonly fetch: (kept: Fetched<T> | undefined, signal: AbortSignal) => Promise<Fetched<T>>;
}

/**
 * How a read was served: `hit` by what is kept, `joined` by a fetch that others had begun or were collecting for, `miss` by one
 * that it began.
 */
export type SnapshotRead = 'hit' | 'joined' | 'miss';

/** What was fetched anew: not heard for an answer that is the one that was kept. `startedAtMs` is monotonic. */
export interface Newer<T> {
  readonly key: string;
  readonly value: T;
  readonly startedAtMs: number;
}

interface Entry<T> {
  kept:
    | { readonly fetched: Fetched<T>; readonly startedAtMs: number; readonly keeping: Keeping | undefined }
    | undefined;
  running: { readonly fetch: SharedFetch<T>; readonly startedAtMs: number } | undefined;
  /** Collecting, or waiting for `running` to end or for a slot. */
  next: SharedFetch<T> | undefined;
  usedAtMs: number;
  readonly holder: string;
}

/** What a value takes besides its text: names, objects and the place in a map. */
export const overheadBytes = 200;

/** Where kept answers are accounted for: an answer that was let go for others is fetched again when it is asked for. */
interface SnapshotMemory<T> {
  readonly account: SnapshotAccount;
  /** About how many bytes the value takes. */
  readonly sizeOf: (value: T) => number;
}

export type SnapshotAccount = Pick<MemoryAccount, 'keep'>;

/** Where all that is kept of upstreams counts; absent counts nothing. */
export interface KeepingPorts {
  readonly account?: SnapshotAccount | undefined;
  /** How many answers each namespace has kept. */
  readonly shares?: Shares | undefined;
}

/** The account for outcomes: a refusal takes little. */
export function memoryOf<T>(
  account: SnapshotAccount | undefined,
  sizeOf: (value: T) => number,
): SnapshotMemory<Outcome<T>> | undefined {
  if (account === undefined) return undefined;
  return { account, sizeOf: (outcome) => ('value' in outcome ? sizeOf(outcome.value) : overheadBytes) };
}

interface SnapshotsOptions<T> {
  readonly onNewer?: ((newer: Newer<T>) => void) | undefined;
  readonly clock: Clock;
  readonly memory?: SnapshotMemory<T> | undefined;
  /** Answers that are kept or being fetched, by holder: one for all providers. Undefined counts and bounds nothing. */
  readonly shares: Shares | undefined;
  readonly observeRead?: ((result: SnapshotRead) => void) | undefined;
  /** How long an answer is kept that nobody asks for. */
  readonly keepMs?: number;
}

/** Snapshots of scopes, all of one type. */
export class Snapshots<T> {
  readonly #clock: Clock;
  readonly #observeRead: (result: SnapshotRead) => void;
  readonly #onNewer: (newer: Newer<T>) => void;
  readonly #entries = new Map<string, Entry<T>>();
  readonly #slots = new Map<string, Slots>();
  readonly #memory: SnapshotMemory<T> | undefined;
  readonly #shares: Shares | undefined;
  readonly #keepMs: number;
  #isSweepDue = false;

  constructor(options: SnapshotsOptions<T>) {
    this.#clock = options.clock;
    this.#onNewer = options.onNewer ?? (() => {});
    this.#memory = options.memory;
    this.#shares = options.shares;
    this.#keepMs = options.keepMs ?? defaultKeepMs;
    this.#observeRead = options.observeRead ?? (() => {});
  }

  /** How many scopes are kept or being fetched. */
  get size(): number {
    return this.#entries.size;
  }

  /** An answer that is fresh enough; throws what the fetch throws, `QuotaExceeded` and `Aborted`. */
  async get(request: SnapshotRequest<T>, signal: AbortSignal): Promise<T> {
    const nowMs = this.#clock.monotonicMs();
    const entry = this.#entry(request);
    entry.usedAtMs = nowMs;
    // Nothing can be fetched in the future: a due time that lies there means "from now".
    const notBeforeMs = Math.min(request.notBeforeMs, nowMs);
    const isFresh = (startedAtMs: number) => startedAtMs >= notBeforeMs && startedAtMs <= nowMs;
    if (entry.kept !== undefined && isFresh(entry.kept.startedAtMs)) {
      entry.kept.keeping?.use();
      this.#observeRead('hit');
      return entry.kept.fetched.value;
    }
    const running = entry.running?.fetch.signal.aborted === false ? entry.running : undefined;
    if (running !== undefined && isFresh(running.startedAtMs)) {
      this.#observeRead('joined');
      return running.fetch.wait(signal);
    }
    this.#observeRead(entry.next === undefined ? 'miss' : 'joined');
    entry.next ??= this.#collect(entry, request);
    return entry.next.wait(signal);
  }

  #entry({ key, holder }: SnapshotRequest<T>): Entry<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    this.#makeRoom(holder);
    const made: Entry<T> = { kept: undefined, running: undefined, next: undefined, usedAtMs: 0, holder };
    this.#entries.set(key, made);
    this.#shares?.add(holder);
    this.#planSweep();
    return made;
  }

  /** Drops what the holder has not asked for in a while, where it has its share, and refuses when that was not enough. */
  #makeRoom(holder: string): void {
    if (this.#shares?.isFull(holder) !== true) return;
    const beforeMs = this.#clock.monotonicMs() - leastKeptMs;
    for (const [key, entry] of this.#entries) {
      if (entry.holder !== holder || !isUnusedSince(entry, beforeMs)) continue;
      this.#drop(key, entry);
      return;
    }
    const problem = `more than ${this.#shares.most} answers of upstreams are held for it (--snapshots-per-namespace)`;
    throw new OperatorError('QuotaExceeded', `${holder}: ${problem}`);
  }

  #drop(key: string, entry: Entry<T>): void {
    entry.kept?.keeping?.drop();
    this.#entries.delete(key);
    this.#shares?.remove(entry.holder);
  }

  #collect(entry: Entry<T>, request: SnapshotRequest<T>): SharedFetch<T> {
    const next = new SharedFetch<T>();
    const start = async () => {
      await entry.running?.fetch.ended; // one after another, whatever becomes of the former
      const slots = this.#slotsOf(request.origin);
      await slots.take(next.signal);
      try {
        await this.#fetch(entry, next, request);
      } finally {
        slots.give();
      }
    };
    const timer = this.#clock.after(collectMs, () => {
      start().catch(() => next.run(() => Promise.reject(new OperatorError('Aborted', 'nobody waits'))));
    });
    next.signal.addEventListener('abort', () => {
      timer.cancel();
      if (entry.next === next) entry.next = undefined;
    });
    return next;
  }

  async #fetch(entry: Entry<T>, fetch: SharedFetch<T>, request: SnapshotRequest<T>): Promise<void> {
    if (fetch.signal.aborted) return;
    const startedAtMs = this.#clock.monotonicMs();
    entry.running = { fetch, startedAtMs };
    entry.next = undefined;
    await fetch.run(async (signal) => {
      const before = entry.kept?.fetched;
      const fetched = await request.fetch(before, signal);
      this.#keep(entry, fetched, startedAtMs);
      if (fetched.value !== before?.value) this.#onNewer({ key: request.key, value: fetched.value, startedAtMs });
      return fetched.value;
    });
    entry.running = undefined;
  }

  #keep(entry: Entry<T>, fetched: Fetched<T>, startedAtMs: number): void {
    entry.kept?.keeping?.drop();
    entry.kept = { fetched, startedAtMs, keeping: undefined };
    if (this.#memory === undefined) return;
    const { account, sizeOf } = this.#memory;
    const keeping = account.keep(sizeOf(fetched.value), () => {
      entry.kept = undefined;
    });
    // The room of all may be taken by what is received: then it was let go at once.
    if (entry.kept !== undefined) entry.kept = { fetched, startedAtMs, keeping };
  }

  #slotsOf(origin: string): Slots {
    const known = this.#slots.get(origin);
    if (known !== undefined) return known;
    const made = new Slots(parallelPerOrigin);
    this.#slots.set(origin, made);
    return made;
  }

  #planSweep(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#clock.after(sweepMs, () => this.#dropUnused());
  }

  #dropUnused(): void {
    this.#isSweepDue = false;
    const beforeMs = this.#clock.monotonicMs() - this.#keepMs;
    for (const [key, entry] of this.#entries) {
      if (isUnusedSince(entry, beforeMs)) this.#drop(key, entry);
    }
    for (const [origin, slots] of this.#slots) if (slots.unused) this.#slots.delete(origin);
    if (this.#entries.size > 0) this.#planSweep();
  }
}

function isUnusedSince<T>({ running, next, usedAtMs }: Entry<T>, beforeMs: number): boolean {
  return running === undefined && next === undefined && usedAtMs <= beforeMs;
}

/** A bounded number of permits, given in the order in which they were asked for. */
class Slots {
  readonly #total: number;
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#free = total;
  }

  get unused(): boolean {
    return this.#free === this.#total;
  }

  /** Waits for a permit; throws `Aborted` (and takes none) when the signal fires first. */
  take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(aborted());
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const at = this.#queue.indexOf(onTurn);
        if (at >= 0) this.#queue.splice(at, 1);
        reject(aborted());
      };
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      this.#queue.push(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  give(): void {
    const turn = this.#queue.shift();
    if (turn === undefined) this.#free++;
    else turn();
  }
}
