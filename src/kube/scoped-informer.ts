// One cache over the same collection in several namespaces: an informer for each, since the API server has no watch of some
// namespaces only, and a Role holds in one. Where all are followed, or one, that is the informer itself.
import type { Informer, InformerEvent, InformerOptions } from './contract.ts';
import { type InformerDeps, type StartedInformer, startInformer } from './informer.ts';

export type ScopedOptions<T> = Omit<InformerOptions<T>, 'namespace'> & {
  /** Empty follows all; without effect for what is of no namespace. */
  readonly namespaces: readonly string[];
};

/** Begins to follow at once. Listeners that subscribe in the same turn miss nothing. */
export function startScopedInformer<T>({ namespaces, ...options }: ScopedOptions<T>, deps: InformerDeps) {
  const [first, ...more] = options.resource.namespaced ? namespaces : [];
  if (first === undefined) return startInformer(options, deps);
  if (more.length === 0) return startInformer({ ...options, namespace: first }, deps);
  return new Parts([first, ...more].map((namespace) => [namespace, startInformer({ ...options, namespace }, deps)]));
}

class Parts<T> implements StartedInformer<T> {
  readonly #parts: ReadonlyMap<string, StartedInformer<T>>;

  constructor(parts: readonly (readonly [namespace: string, part: StartedInformer<T>])[]) {
    this.#parts = new Map(parts);
  }

  get(key: string): T | undefined {
    return this.#parts.get(key.slice(0, key.indexOf('/')))?.get(key);
  }

  *values(): IterableIterator<T> {
    for (const part of this.#parts.values()) yield* part.values();
  }

  *entries(): IterableIterator<[string, T]> {
    for (const part of this.#parts.values()) yield* part.entries();
  }

  hasSynced(): boolean {
    return [...this.#parts.values()].every((part) => part.hasSynced());
  }

  /** That of the part that is furthest behind: only what all have passed has surely been told. */
  shownVersion(): string {
    const shown = [...this.#parts.values()].map((part) => part.shownVersion());
    return shown.reduce((least, one) => (isOlder(one, least) ? one : least));
  }

  subscribe(listener: (event: InformerEvent<T>) => void): () => void {
    const ends = [...this.#parts.values()].map((part: Informer<T>) => part.subscribe(listener));
    return () => {
      for (const end of ends) end();
    };
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#parts.values()].map((part) => part.whenSynced(signal)));
  }

  stop(): void {
    for (const part of this.#parts.values()) part.stop();
  }
}

/** Decimal and ordered within one kind (KEP-5504), across its namespaces too; '' is older than all. */
function isOlder(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
