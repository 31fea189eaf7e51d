// An informer lags behind what this process has just written. This cache answers with the newer of the two, so that a
// run which follows a write at once plans against what it wrote, and no write is sent twice.
import type { Informer } from '../kube/contract.ts';
import type { Clock } from '../runtime/clock.ts';

interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/**
 * How long an own write is believed without the informer showing it. An object that was written and deleted while the
 * watch was down never shows; past this time the informer's word counts again.
 */
const believedMs = 30_000;

/** Reads through to the informer, except where a newer own write is known. */
export class ReadYourWrites<T extends Versioned> {
  readonly #informer: Informer<T>;
  readonly #clock: Clock;
  readonly #written = new Map<string, { readonly object: T; readonly atMs: number }>();

  constructor(informer: Informer<T>, clock: Clock) {
    this.#informer = informer;
    this.#clock = clock;
    informer.subscribe(({ key, before, after }) => {
      const written = this.#written.get(key);
      const seen = after ?? before;
      if (written === undefined || seen === undefined) return;
      // Found gone by a new list, which may not have shown our last write: an object of this uid never comes back.
      const isGone = after === undefined && seen.uid === written.object.uid;
      if (isGone || !isNewer(written.object, seen)) this.#written.delete(key);
    });
  }

  get(key: string): T | undefined {
    const cached = this.#informer.get(key);
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    if (this.#clock.monotonicMs() - written.atMs > believedMs) {
      this.#written.delete(key);
      return cached;
    }
    return cached === undefined || isNewer(written.object, cached) ? written.object : cached;
  }

  /** The answer to an own write of just this version, while the informer has not shown it. */
  written(key: string, resourceVersion: string): T | undefined {
    const written = this.#written.get(key)?.object;
    return written?.resourceVersion === resourceVersion ? written : undefined;
  }

  /** Takes in the API server's answer to a write. */
  note(key: string, object: T): void {
    const cached = this.#informer.get(key);
    if (cached !== undefined && !isNewer(object, cached)) return;
    this.#written.set(key, { object, atMs: this.#clock.monotonicMs() });
  }

  /** The object was deleted by this process, or is known to be gone. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}

/** Resource versions of one kind are decimal and ordered: KEP-5504 makes that a promise of the API. */
function isNewer(a: Versioned, b: Versioned): boolean {
  if (a.resourceVersion.length !== b.resourceVersion.length) return a.resourceVersion.length > b.resourceVersion.length;
  return a.resourceVersion > b.resourceVersion;
}
