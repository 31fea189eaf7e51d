// The bounds of one look-up. Paths come from manifests and documents from upstreams: modifiers and multipaths can multiply
// text, queries can rescan it, and both can nest. What it reads and produces is paid from the budget of the reconcile.

import { OperatorError } from '../../base/operator-error.ts';
import type { Budget } from '../budget.ts';

/** Nested look-ups: path segments, queries, multipaths, and the levels that a recursive modifier walks down. */
const maxDepth = 400;

/** Counts what a look-up costs, and throws when it costs too much. */
export class Effort {
  readonly #budget: Budget;
  #depth = 0;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** UTF-16 units read or produced. Throws TooMuchWork. */
  spend(units: number): void {
    this.#budget.spend(units);
  }

  /** Text that came into being: paid as work, and as bytes produced. Throws TooMuchWork. */
  produce(units: number): void {
    this.#budget.spend(units);
    this.#budget.produce(units);
  }

  /** Runs one level further down. Throws InvalidSpec when that is too deep. */
  nested<Value>(run: () => Value): Value {
    if (++this.#depth > maxDepth) {
      throw new OperatorError('InvalidSpec', `the property path leads more than ${maxDepth} levels deep: shorten it`);
    }
    const value = run();
    this.#depth--; // not in a finally: after a throw the look-up is over
    return value;
  }
}
