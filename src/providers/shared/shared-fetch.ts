// One request to an upstream that many wait for: it goes on while anybody does, and is stopped when the last one leaves.
import { aborted, OperatorError } from '../../base/operator-error.ts';

/** Work that is shared by its waiters; whoever made it starts it. */
export class SharedFetch<T> {
  readonly #controller = new AbortController();
  readonly #outcome = Promise.withResolvers<T>();
  readonly #ended = Promise.withResolvers<void>();
  #waiters = 0;
  #settled = false;

  constructor() {
    // A fetch that nobody waits for any more may still fail: that is nobody's concern.
    this.#outcome.promise.catch(() => {});
  }

  /** Fires when the last waiter has left. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when the work has come to its end, whatever that was. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Runs the work with the shared signal; its outcome goes to all waiters. Never rejects. */
  async run(work: (signal: AbortSignal) => Promise<T>): Promise<void> {
    try {
      this.#outcome.resolve(await work(this.signal));
    } catch (error) {
      this.#outcome.reject(error);
    } finally {
      this.#settled = true;
      this.#ended.resolve();
    }
  }

  /** The shared outcome, or `Aborted` when the caller's own signal fires first. */
  async wait(signal: AbortSignal): Promise<T> {
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(aborted());
    if (signal.aborted) throw aborted();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiters++;
    try {
      return await Promise.race([this.#outcome.promise, left.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiters--;
      if (this.#waiters === 0 && !this.#settled) this.#controller.abort(new OperatorError('Aborted', 'nobody waits'));
    }
  }
}
