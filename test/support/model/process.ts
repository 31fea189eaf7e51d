// One process of the operator: everything that reaches it from outside comes through here. A frozen one hears of it all at
// once when it goes on; a dead one never does, although what it sent may still arrive.
import type { Clock, Timer } from '../../../src/base/clock.ts';

export class ModelProcess {
  readonly name: string;
  readonly clock: Clock;
  #isAlive = true;
  /** What waits for a frozen process. */
  #held: (() => void)[] | undefined;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, run) => timerOf(clock, delayMs, (isCancelled) => this.deliver(() => isCancelled() || run())),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Something happens to the process: an answer, an event, a timer. */
  deliver(run: () => void): void {
    if (!this.#isAlive) return;
    if (this.#held === undefined) run();
    else this.#held.push(run);
  }

  freeze(): void {
    this.#held ??= [];
  }

  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const run of held) this.deliver(run);
  }

  kill(): void {
    this.#isAlive = false;
  }
}

/** A timer that can be cancelled also while its process is frozen and it has fired. */
function timerOf(clock: Clock, delayMs: number, fired: (isCancelled: () => boolean) => void): Timer {
  let isCancelled = false;
  const timer = clock.after(delayMs, () => fired(() => isCancelled));
  return {
    cancel: () => {
      isCancelled = true;
      timer.cancel();
    },
  };
}
