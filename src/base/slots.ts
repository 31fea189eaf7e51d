// Bounds how many things happen at once (writes in flight) and hands freed slots to the most urgent who waits.
// Lower numbers are more urgent; within one priority it is first come, first served.
import { Fifo } from './fifo.ts';
import { onAbort } from './on-abort.ts';

interface Waiter {
  /** Undefined once granted or given up. */
  grant: (() => void) | undefined;
}

/** Share of the slots that idle work may see in use and still begin. */
const idleShare = 0.5;

/** A semaphore with priorities. */
export class Slots {
  readonly #limit: number;
  readonly #idleLimit: number;
  readonly #waiting = new Map<number, Fifo<Waiter>>();
  /** Priorities that ever waited, most urgent first. */
  #order: number[] = [];
  readonly #idle = new Fifo<Waiter>();
  #inUse = 0;
  #waiters = 0;

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
    this.#idleLimit = Math.max(1, Math.ceil(this.#limit * idleShare));
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** How many wait with a priority; idle work is not counted. */
  get waiting(): number {
    return this.#waiters;
  }

  /** How many wait with this priority or a more urgent one; some of them may have given up since. */
  waitingUpTo(priority: number): number {
    let count = 0;
    for (const [waiting, queue] of this.#waiting) if (waiting <= priority) count += queue.size;
    return count;
  }

  /** Resolves with the function that gives the slot back (calling it twice does no harm). Rejects with the signal's reason. */
  acquire(priority: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#waiters === 0 && this.#inUse < this.#limit) return Promise.resolve(this.#take());
    this.#waiters++;
    return this.#wait(this.#queueOf(priority), signal, () => this.#waiters--);
  }

  /** As `acquire`, but granted only while nobody with a priority waits and at least half of the slots are free. */
  acquireWhenIdle(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#isIdle() && this.#idle.size === 0) return Promise.resolve(this.#take());
    return this.#wait(this.#idle, signal, () => {});
  }

  #isIdle(): boolean {
    return this.#waiters === 0 && this.#inUse < this.#idleLimit;
  }

  #take(): () => void {
    this.#inUse++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#inUse--;
      this.#grantNext();
    };
  }

  #wait(queue: Fifo<Waiter>, signal: AbortSignal, left: () => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          end();
          left();
          resolve(this.#take());
        },
      };
      const end = onAbort(signal, () => {
        waiter.grant = undefined;
        left();
        reject(signal.reason);
      });
      queue.push(waiter);
    });
  }

  #queueOf(priority: number): Fifo<Waiter> {
    const known = this.#waiting.get(priority);
    if (known !== undefined) return known;
    const queue = new Fifo<Waiter>();
    this.#waiting.set(priority, queue);
    this.#order = [...this.#order, priority].sort((a, b) => a - b);
    return queue;
  }

  #grantNext(): void {
    while (this.#inUse < this.#limit) {
      const waiter = this.#nextUrgent() ?? (this.#isIdle() ? nextLive(this.#idle) : undefined);
      if (waiter === undefined) return;
      grant(waiter);
    }
  }

  #nextUrgent(): Waiter | undefined {
    if (this.#waiters === 0) return undefined;
    for (const priority of this.#order) {
      const queue = this.#waiting.get(priority);
      const waiter = queue === undefined ? undefined : nextLive(queue);
      if (waiter !== undefined) return waiter;
    }
    return undefined;
  }
}

function nextLive(queue: Fifo<Waiter>): Waiter | undefined {
  for (let waiter = queue.shift(); waiter !== undefined; waiter = queue.shift()) {
    if (waiter.grant !== undefined) return waiter; // the others gave up
  }
  return undefined;
}

function grant(waiter: Waiter): void {
  const run = waiter.grant;
  waiter.grant = undefined;
  run?.();
}
