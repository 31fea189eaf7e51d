// An informer lags behind what this process has just written. This cache answers with the newer of the two, so that a
// run which follows a write at once plans against what it wrote, and no write is sent twice.
//
//   own write ──► believed ──watch has passed its version──► forgotten: the informer shows it, or it has been undone
//   own delete, or a 404 ──► tombstone ──watch shows the end──► forgotten
import type { Informer, Known } from '../../kube/contract.ts';

interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Reads through to the informer, except where this process knows better. */
export class OwnWrites<T extends Versioned> {
  readonly #informer: Informer<T>;
  /** What was written and is not shown yet; the oldest first. */
  readonly #written = new Map<string, T>();
  /** The same by their versions: no two writes of one collection have the same. */
  readonly #byVersion = new Map<string, Known<T>>();
  /** The uid of an object that is gone although the informer still shows it. */
  readonly #gone = new Map<string, string>();
  readonly #listeners: ((key: string) => void)[] = [];

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    informer.subscribe(({ key, before, after }) => {
      if (this.#gone.size > 0 && after?.uid !== this.#gone.get(key)) this.#gone.delete(key);
      const written = this.#written.get(key);
      const seen = after ?? before;
      if (written === undefined || seen === undefined) return;
      // Found gone by a new list, which may not have shown our last write: an object of this uid never comes back.
      const isGone = after === undefined && seen.uid === written.uid;
      if (isGone || !isNewer(written.resourceVersion, seen.resourceVersion)) this.#forget(key, written);
    });
  }

  get(key: string): T | undefined {
    const written = this.#believed(key);
    const cached = this.#informer.get(key);
    if (written !== undefined && (cached === undefined || isNewer(written.resourceVersion, cached.resourceVersion)))
      return written;
    return cached !== undefined && this.#gone.get(key) === cached.uid ? undefined : cached;
  }

  /** The answer to the own write of just this version, while the informer has not shown it. */
  written(resourceVersion: string): Known<T> | undefined {
    return this.#byVersion.get(resourceVersion);
  }

  /** Takes in the API server's answer to a write. */
  note(key: string, object: T): void {
    // The watch was faster than the answer: what it shows, be it nothing, is the later word.
    if (this.#isPassed(object)) return;
    const cached = this.#informer.get(key);
    if (cached !== undefined && !isNewer(object.resourceVersion, cached.resourceVersion)) return;
    const earlier = this.#written.get(key);
    if (earlier !== undefined) this.#forget(key, earlier);
    this.#written.set(key, object);
    this.#byVersion.set(object.resourceVersion, { key, value: object });
  }

  /** The object with this uid was deleted by this process, or was not found by it. */
  noteGone(key: string, uid: string): void {
    const written = this.#written.get(key);
    if (written?.uid === uid) this.#forget(key, written);
    if (this.#informer.get(key)?.uid === uid) this.#gone.set(key, uid);
  }

  /** `listener` hears of keys whose own write the watch has passed without showing an object: it was undone unseen. */
  whenUndone(listener: (key: string) => void): void {
    this.#listeners.push(listener);
  }

  /** The watch has come further. Writes are noted about in the order of their versions: the first awaited ends the search. */
  catchUp(): void {
    for (const [key, written] of this.#written) {
      if (!this.#isPassed(written)) return;
      this.#forget(key, written);
      if (this.#informer.get(key) === undefined) for (const listener of this.#listeners) listener(key);
    }
  }

  #believed(key: string): T | undefined {
    const written = this.#written.get(key);
    if (written === undefined || !this.#isPassed(written)) return written;
    this.#forget(key, written);
    return undefined;
  }

  #forget(key: string, written: T): void {
    this.#written.delete(key);
    this.#byVersion.delete(written.resourceVersion);
  }

  #isPassed({ resourceVersion }: T): boolean {
    const shown = this.#informer.shownVersion();
    return shown !== '' && !isNewer(resourceVersion, shown);
  }
}

/** Resource versions of one kind are decimal and ordered: KEP-5504 makes that a promise of the API. */
function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
