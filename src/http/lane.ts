// The way to one origin: its gate, and the slots that bound how many requests are under way at a time. Waiting for a slot
// costs no deadline; when the gate closes meanwhile, those who wait learn it as they reach their slot.
import { OperatorError } from '../core/operator-error.ts';
import type { DoorClock } from './contract.ts';
import { HostGate, type Pass } from './host-gate.ts';

export class Lane {
  readonly #gate: HostGate;
  readonly #waiting = new Set<() => void>();
  #free: number;
  #users = 0;

  constructor(options: {
    readonly clock: DoorClock;
    readonly slots: number;
    readonly onChange: (isUp: boolean) => void;
  }) {
    this.#gate = new HostGate(options.clock, options.onChange);
    this.#free = options.slots;
  }

  /** True when nobody uses it and its gate remembers nothing. */
  get isIdle(): boolean {
    return this.#users === 0 && this.#gate.isPristine;
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  /** Runs `task` in a slot with the gate's leave. Throws `UpstreamUnavailable` when the gate is closed, `Aborted`. */
  async run<T>(target: string, signal: AbortSignal, task: (pass: Pass) => Promise<T>): Promise<T> {
    this.#gate.check(); // Fail at once, also while slow requests hold all slots.
    this.#users += 1;
    try {
      await this.#acquire(signal);
      try {
        return await task(this.#gate.enter(target));
      } finally {
        this.#release();
      }
    } finally {
      this.#users -= 1;
    }
  }

  #acquire(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(aborted());
      if (this.#free > 0) {
        this.#free -= 1;
        return resolve();
      }
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#waiting.delete(onTurn);
        reject(aborted());
      };
      this.#waiting.add(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands the slot to the one that waits longest, or puts it back. */
  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

export function aborted(): OperatorError {
  return new OperatorError('Aborted', 'stopped');
}
