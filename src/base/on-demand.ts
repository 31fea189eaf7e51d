// A part of the program that is loaded when its first user comes: most processes need few of them, and what is loaded takes
// memory for good. Which parts there are, and that nothing else loads them, stands in test/architecture.test.ts.
import { OperatorError } from './operator-error.ts';

export class OnDemand<T> {
  readonly #what: string;
  readonly #load: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #part: { readonly it: T } | undefined;

  /** `what` names the part in the error of a user who did not wait for it. */
  constructor(what: string, load: () => Promise<T>) {
    this.#what = what;
    this.#load = load;
  }

  /** The part, loaded once for everybody. A failure is told to those who waited; whoever comes later tries again. */
  load(): Promise<T> {
    this.#loading ??= this.#load().then(
      (it) => {
        this.#part = { it };
        return it;
      },
      (thrown: unknown) => {
        this.#loading = undefined;
        throw thrown;
      },
    );
    return this.#loading;
  }

  /** Undefined until it has been loaded, for whoever need not load it to end what it holds. */
  get ifLoaded(): T | undefined {
    return this.#part?.it;
  }

  /** The part, for code that cannot wait; `load` has been waited for. Throws Internal when it has not. */
  get loaded(): T {
    if (this.#part === undefined) throw new OperatorError('Internal', `${this.#what} was used before it was loaded`);
    return this.#part.it;
  }
}
