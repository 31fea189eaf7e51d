// A label whose values come from outside (hosts that stores name): so many keep their own series, all others share one, so
// that no manifest can make the exposition grow without end.

/** What is counted under no name of its own. */
export const otherValue = 'other';

export interface BoundedLabelOptions {
  /** Values with series of their own, at most. */
  readonly most: number;
  /** A value that was not used for this long makes room for a new one. */
  readonly idleMs: number;
  /** Any clock that does not go back. */
  readonly monotonicMs: () => number;
  /** The value gave up its place: its series are to be removed. */
  readonly onDropped: (value: string) => void;
}

export class BoundedLabel {
  readonly #options: BoundedLabelOptions;
  /** Values that have a place, and when each was last used. */
  readonly #usedAtMs = new Map<string, number>();

  constructor(options: BoundedLabelOptions) {
    this.#options = options;
  }

  /** The label's value for this one: itself, or `other` when there is no place. */
  of(value: string): string {
    const { most, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    if (!this.#usedAtMs.has(value) && this.#usedAtMs.size >= most && !this.#makeRoom(nowMs)) return otherValue;
    this.#usedAtMs.set(value, nowMs);
    return value;
  }

  #makeRoom(nowMs: number): boolean {
    const { idleMs, onDropped } = this.#options;
    for (const [value, usedAtMs] of this.#usedAtMs) {
      if (nowMs - usedAtMs < idleMs) continue;
      this.#usedAtMs.delete(value);
      onDropped(value);
      return true;
    }
    return false;
  }
}
