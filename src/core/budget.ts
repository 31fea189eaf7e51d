// What one reconcile may cost. Everything whose size a manifest or a value decides is handed the budget and pays before it
// works or as it goes: look-ups, expressions, rewrites, decoding, combining. Over a bound the object fails, and no other.
import { OperatorError } from '../base/operator-error.ts';

/** The most that may be spent of each. */
export interface Bounds {
  /** Units of work; one is about a character looked at once, some 10 ns. */
  readonly work: number;
  /** Bytes that are alive at the same time besides what the upstream sent. */
  readonly held: number;
  /** Bytes of all results and of the texts between them. */
  readonly produced: number;
}

/** What a reconcile may spend in all, most of it in a worker thread: some seconds there. */
export const reconcileBounds: Bounds = { work: 256_000_000, held: 64 * 2 ** 20, produced: 64 * 2 ** 20 };

/** What one step may spend where the object runs: below 50 ms of the event loop on a slow machine. */
export const inlineShare: Bounds = { work: 1_000_000, held: 2 * 2 ** 20, produced: 2 * 2 ** 20 };

/** Bytes that an entry of a map costs besides its key and value. */
export const entryBytes = 64;

const words: Readonly<Record<keyof Bounds, (bound: number) => string>> = {
  work: (bound) => `needs more than ${bound} steps of work`,
  held: (bound) => `would hold more than ${bound} bytes at once`,
  produced: (bound) => `produces more than ${bound} bytes of text`,
};

/** Counts what is spent, and throws TooMuchWork when it is more than the bounds allow. */
export class Budget {
  readonly #bounds: Bounds;
  /** What the messages name: of a part, the whole that it was taken from. */
  readonly #named: Bounds;
  readonly #spent = { work: 0, held: 0, produced: 0 };

  constructor(bounds: Bounds = reconcileBounds, named: Bounds = bounds) {
    this.#bounds = bounds;
    this.#named = named;
  }

  /** Throws TooMuchWork. */
  spend(units: number): void {
    this.#take('work', units);
  }

  /** Throws TooMuchWork. */
  hold(bytes: number): void {
    this.#take('held', bytes);
  }

  /** What was held is let go. */
  letGo(bytes: number): void {
    this.#spent.held -= bytes;
  }

  /** Throws TooMuchWork. */
  produce(bytes: number): void {
    this.#take('produced', bytes);
  }

  /** True once a bound was passed: a part that ran over may be tried again with more. */
  get isOver(): boolean {
    return this.#spent.work > this.#bounds.work || this.#isOver('held') || this.#isOver('produced');
  }

  get spent(): Bounds {
    return { ...this.#spent };
  }

  /** The bounds that messages name. */
  get named(): Bounds {
    return this.#named;
  }

  /** What may still be spent. */
  get left(): Bounds {
    return {
      work: Math.max(0, this.#bounds.work - this.#spent.work),
      held: Math.max(0, this.#bounds.held - this.#spent.held),
      produced: Math.max(0, this.#bounds.produced - this.#spent.produced),
    };
  }

  /** A budget of its own that is no larger than `share` and than what is left; what it spends is charged with `charge`. */
  part(share: Bounds): Budget {
    const { left } = this;
    const bounds = {
      work: Math.min(share.work, left.work),
      held: Math.min(share.held, left.held),
      produced: Math.min(share.produced, left.produced),
    };
    return new Budget(bounds, this.#named);
  }

  /** Takes over what a part spent. Throws TooMuchWork. */
  charge({ work, held, produced }: Bounds): void {
    this.spend(work);
    this.hold(held);
    this.produce(produced);
  }

  /** The error for a worker that ended before it could say why. */
  exhausted(how: string): OperatorError {
    return new OperatorError('TooMuchWork', `it ${how}, though at most ${this.#named.work} steps of work are allowed`);
  }

  #isOver(what: keyof Bounds): boolean {
    return this.#spent[what] > this.#bounds[what];
  }

  #take(what: keyof Bounds, amount: number): void {
    this.#spent[what] += amount;
    if (this.#isOver(what)) {
      throw new OperatorError('TooMuchWork', `it ${words[what](this.#named[what])}, the most that one object may use`);
    }
  }
}
