// Who waits for the same upstream, in line: one after another is let through to see whether it works. Whoever was let through
// goes to the end, and the turn goes to another group, so that one broken scope does not take every turn.

/** Who waits: what turns are rotated over, and how it is asked to run. */
export interface Waiting {
  readonly group: string;
  readonly wake: () => void;
}

export class ProbeLine<W extends Waiting> {
  readonly #waiting = new Map<string, W>();
  #lastGroup = '';

  get size(): number {
    return this.#waiting.size;
  }

  entries(): Iterable<[string, W]> {
    return this.#waiting;
  }

  /** Who waits already keeps its place. */
  set(key: string, waiting: W): void {
    this.#waiting.set(key, waiting);
  }

  get(key: string): W | undefined {
    return this.#waiting.get(key);
  }

  delete(key: string): void {
    this.#waiting.delete(key);
  }

  /** Wakes the next in line of those that may go; false when there is none. */
  probe(mayGo: (waiting: W) => boolean = () => true): boolean {
    const next = this.#next(mayGo);
    if (next === undefined) return false;
    const [key, waiting] = next;
    this.#lastGroup = waiting.group;
    this.#waiting.delete(key);
    this.#waiting.set(key, waiting);
    waiting.wake();
    return true;
  }

  #next(mayGo: (waiting: W) => boolean): [string, W] | undefined {
    let first: [string, W] | undefined;
    for (const entry of this.#waiting) {
      if (!mayGo(entry[1])) continue;
      first ??= entry;
      if (entry[1].group !== this.#lastGroup) return entry;
    }
    return first;
  }
}
