// Sets that remember what was met last and no more than that, so that whoever makes many entries holds no memory with them.

/** Adds the item; past `most`, the oldest goes. */
export function addBounded(set: Set<string>, item: string, most: number): void {
  set.add(item);
  for (const oldest of set) if (set.size > most) set.delete(oldest);
}
