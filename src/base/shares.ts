// How many things of one sort each user (such as a namespace) makes the process hold, and the most that one may.

/** As metrics tell it, without naming anybody. */
export interface ShareCounts {
  readonly all: number;
  readonly greatest: number;
  /** 0 for none. */
  readonly bound: number;
}

export class Shares {
  /** Infinity for no bound. */
  readonly most: number;
  readonly #counts = new Map<string, number>();
  #all = 0;

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  /** Whether the user has as many as one may. */
  isFull(user: string): boolean {
    return (this.#counts.get(user) ?? 0) >= this.most;
  }

  add(user: string): void {
    this.#counts.set(user, (this.#counts.get(user) ?? 0) + 1);
    this.#all++;
  }

  remove(user: string): void {
    const left = (this.#counts.get(user) ?? 0) - 1;
    if (left > 0) this.#counts.set(user, left);
    else this.#counts.delete(user);
    this.#all--;
  }

  get counts(): ShareCounts {
    const greatest = [...this.#counts.values()].reduce((most, each) => Math.max(most, each), 0);
    return { all: this.#all, greatest, bound: Number.isFinite(this.most) ? this.most : 0 };
  }
}
