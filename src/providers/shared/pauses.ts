// Who has been told to slow down, and until when: an identity at a host, never the process.

import type { Clock } from '../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';

interface Pause {
  readonly error: OperatorError;
  /** Monotonic, so that a wall clock that is set back does not make the pause longer. */
  readonly untilMs: number;
}

/** Pauses by session key. */
export class Pauses {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Pause>();

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Remembers a failure that asks for a pause; others are none of its concern. */
  note(key: string, error: OperatorError): void {
    if (error.reason !== 'UpstreamThrottled' || error.retryAfterMs === undefined) return;
    const untilMs = this.#clock.monotonicMs() + error.retryAfterMs;
    const known = this.#byKey.get(key);
    if (known === undefined || known.untilMs < untilMs) this.#byKey.set(key, { error, untilMs });
  }

  /** Runs `work` unless the pause lasts, and notes what it throws. Throws what `check` and `work` throw. */
  async around<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.check(key);
    try {
      return await work();
    } catch (thrown) {
      this.note(key, asOperatorError(thrown));
      throw thrown;
    }
  }

  /** Throws UpstreamThrottled with the time that is left while the pause lasts, without a request. */
  check(key: string): void {
    const pause = this.#byKey.get(key);
    if (pause === undefined) return;
    const leftMs = pause.untilMs - this.#clock.monotonicMs();
    if (leftMs > 0) {
      const { message } = pause.error;
      throw new OperatorError('UpstreamThrottled', message, { retryAfterMs: leftMs, cause: pause.error });
    }
    this.#byKey.delete(key);
  }
}
