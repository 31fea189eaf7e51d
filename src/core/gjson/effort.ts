// The bounds of one look-up. Paths come from manifests and documents from upstreams: modifiers and multipaths can multiply
// text, queries can rescan it, and both can nest.
import { OperatorError } from '../operator-error.ts';

/** UTF-16 units read or produced by one look-up: 64 passes over the largest value that a Secret can hold. */
const maxUnits = 64 * 1024 * 1024;
/** Nested look-ups: path segments, queries, multipaths, and the levels that a recursive modifier walks down. */
const maxDepth = 400;

/** Counts what a look-up costs, and throws when it costs too much. */
export class Effort {
  #units = 0;
  #depth = 0;

  /** Throws InvalidSpec once the units add up to more than a look-up may take. */
  spend(units: number): void {
    this.#units += units;
    if (this.#units > maxUnits) {
      throw new OperatorError(
        'InvalidSpec',
        'the property path multiplies the document beyond all measure: simplify it',
      );
    }
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
