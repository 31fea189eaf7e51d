// Which objects point at a place: keys by place. Most places have one key, which is then kept without a set around it.

export class KeyIndex {
  readonly #keys = new Map<string, string | Set<string>>();

  at(place: string): Iterable<string> {
    const keys = this.#keys.get(place);
    if (keys === undefined) return [];
    return typeof keys === 'string' ? [keys] : keys;
  }

  add(place: string, key: string): void {
    const keys = this.#keys.get(place);
    if (keys === undefined) this.#keys.set(place, key);
    else if (typeof keys !== 'string') keys.add(key);
    else if (keys !== key) this.#keys.set(place, new Set([keys, key]));
  }

  remove(place: string, key: string): void {
    const keys = this.#keys.get(place);
    if (keys === key) this.#keys.delete(place);
    else if (typeof keys === 'object' && keys.delete(key) && keys.size === 0) this.#keys.delete(place);
  }
}
