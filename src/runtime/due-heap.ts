// A binary min-heap of things that become due, with removal from the middle: one heap and one timer serve any number
// of delayed keys.

/** Something with a due instant. `position` belongs to the heap; -1 while outside it. */
export interface Due {
  readonly dueMs: number;
  position: number;
}

export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item that is due first, left in place. */
  first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes the item out; one that is not inside is left alone. */
  remove(item: T): void {
    const hole = item.position;
    if (hole < 0) return;
    item.position = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#sink(last, hole);
    this.#rise(last, last.position);
  }

  clear(): void {
    for (const item of this.#items) item.position = -1;
    this.#items.length = 0;
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    item.position = at;
  }

  #rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || parent.dueMs <= item.dueMs) break;
      this.#put(parent, at);
      at = above;
    }
    this.#put(item, at);
  }

  #sink(item: T, from: number): void {
    let at = from;
    for (;;) {
      const left = this.#items[2 * at + 1];
      const right = this.#items[2 * at + 2];
      const child = right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
      if (child === undefined || child.dueMs >= item.dueMs) break;
      const below = child.position;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }
}
