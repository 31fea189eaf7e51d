// A clock that moves only when told. Timers fire in order of their due time; promises settle between them.
import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once cancelled. */
  run: (() => void) | undefined;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #wallOffsetMs = 0;
  #order = 0;
  /** A heap: what is due first comes first. */
  readonly #pending: Pending[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const pending: Pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    push(this.#pending, pending);
    return {
      cancel: () => {
        pending.run = undefined;
      },
    };
  }

  /** Sets the wall clock ahead, or back when negative; time itself, and what is measured, goes on as it was. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Moves time forward by `byMs`, firing what becomes due; lets promises settle after each timer. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let next = this.#pending[0]; next !== undefined && next.atMs <= untilMs; next = this.#pending[0]) {
      pop(this.#pending);
      if (next.run === undefined) continue;
      this.#nowMs = next.atMs;
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }
}

/** Lets promise chains that need no I/O run to their end. */
export async function settle(): Promise<void> {
  // Every promise that can settle has done so before the event loop takes its next turn; and what those chains asked of
  // that turn, as workers do, is done before the one after it.
  await nextTurn();
  await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Pending[], pending: Pending): void {
  let at = heap.length;
  heap.push(pending);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || isBefore(parent, pending)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = pending;
}

/** Takes the first one out. */
function pop(heap: Pending[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    const isRight = left !== undefined && right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (child === undefined || isBefore(last, child)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = last;
}
