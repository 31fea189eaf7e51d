// A clock that moves only when told. Timers fire in order of their due time; promises settle between them.
import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #nowMs: number;
  #wallOffsetMs = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

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
    const pending = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Sets the wall clock ahead, or back when negative; time itself, and what is measured, goes on as it was. */
  setWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Moves time forward by `byMs`, firing what becomes due; lets promises settle after each timer. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (;;) {
      const next = [...this.#pending]
        .filter((p) => p.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
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
  for (let i = 0; i < 20; i++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
