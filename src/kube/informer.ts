// The cache of one collection: fed by a reflector, read by controllers. Of each object only what `trim` returns is kept,
// and its resourceVersion, by which a second listing is told apart from news.

import type { Clock } from '../base/clock.ts';
import type { OperatorError } from '../base/operator-error.ts';
import type { Informer, InformerEvent, InformerOptions } from './contract.ts';
import { versionIn } from './event-head.ts';
import type { Log } from './log.ts';
import { reflect, type Sink } from './reflector.ts';
import type { Transport } from './transport.ts';
import { type KubeObject, keyOf } from './types.ts';

/** An informer whose first list can be waited for. */
export interface StartedInformer<T> extends Informer<T> {
  /** Resolves once the first list is in; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void>;
}

export interface InformerDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  /** Told once, when the first list is in. */
  readonly onSynced?: () => void;
  /** Told when following fails and (undefined) when it works again. */
  readonly onTrouble?: (error: OperatorError | undefined) => void;
  /** Told of every failed try, of every informer that is made with these: for a metric. */
  readonly onFailure?: (kind: string, error: OperatorError) => void;
}

/** Begins to follow at once. Listeners that subscribe in the same turn miss nothing. */
export function startInformer<T>(options: InformerOptions<T>, deps: InformerDeps): StartedInformer<T> {
  return new CollectionCache(options, deps);
}

interface Kept<T> {
  readonly value: T;
  readonly version: string | undefined;
}

type Listener<T> = (event: InformerEvent<T>) => void;

class CollectionCache<T> implements StartedInformer<T>, Sink {
  readonly #options: InformerOptions<T>;
  readonly #deps: InformerDeps;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #stop = new AbortController();
  readonly #firstList = Promise.withResolvers<void>();
  /** Keys that the listing under way has named. */
  #named: Set<string> | undefined;
  #hasSynced = false;
  #troubleReason: string | undefined;
  #shownVersion = '';

  constructor(options: InformerOptions<T>, deps: InformerDeps) {
    this.#options = options;
    this.#deps = deps;
    const { transport, clock, random = Math.random } = deps;
    void reflect({ transport, clock, random, selection: options, sink: this }, this.#stop.signal);
  }

  get(key: string): T | undefined {
    return this.#kept.get(key)?.value;
  }

  *values(): IterableIterator<T> {
    for (const { value } of this.#kept.values()) yield value;
  }

  *entries(): IterableIterator<[string, T]> {
    for (const [key, { value }] of this.#kept) yield [key, value];
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  shownVersion(): string {
    return this.#shownVersion;
  }

  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  stop(): void {
    this.#stop.abort();
  }

  whenSynced(signal: AbortSignal): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      void this.#firstList.promise.then(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  beginReplace(): void {
    this.#named = new Set();
  }

  endReplace(): void {
    const named = this.#named;
    this.#named = undefined;
    for (const key of named === undefined ? [] : [...this.#kept.keys()].filter((k) => !named.has(k))) this.#drop(key);
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#firstList.resolve();
    this.#deps.onSynced?.();
  }

  put(object: KubeObject): void {
    const key = keyOf(object.metadata);
    this.#named?.add(key);
    const before = this.#kept.get(key);
    const version = object.metadata.resourceVersion;
    if (before !== undefined && version !== undefined && before.version === version) return; // listed again, unchanged
    const value = this.#trim(key, object, before?.value);
    if (value === undefined) this.#drop(key);
    else this.#keep(key, { value, version });
  }

  skim(line: Buffer): string | undefined {
    const { known } = this.#options;
    const version = known === undefined ? undefined : versionIn(line);
    const found = version === undefined ? undefined : known?.(version);
    if (found === undefined) return undefined;
    this.#named?.add(found.key);
    this.#keep(found.key, { value: found.value, version });
    return version;
  }

  remove(object: KubeObject): void {
    this.#drop(keyOf(object.metadata));
  }

  reached(version: string): void {
    this.#shownVersion = version;
    this.#options.onReached?.();
  }

  trouble(error: OperatorError | undefined): void {
    const { log, onFailure, onTrouble } = this.#deps;
    const kind = this.#options.resource.kind;
    // A line when it begins, when its nature changes and when it ends; the tries between are told by nothing new.
    if (error === undefined) log.info({ kind }, 'watch works again');
    else if (error.reason !== this.#troubleReason)
      log.warn({ kind, reason: error.reason, err: error }, 'watch failed, retrying');
    this.#troubleReason = error?.reason;
    if (error !== undefined) onFailure?.(kind, error);
    onTrouble?.(error);
  }

  #trim(key: string, object: KubeObject, before: T | undefined): T | undefined {
    try {
      const known = this.#options.known?.(object.metadata.resourceVersion ?? '');
      if (known?.key === key) return known.value;
      return this.#options.trim(object, before);
    } catch (thrown) {
      this.#deps.log.error(
        { kind: this.#options.resource.kind, key, err: thrown },
        'object left out: it cannot be read',
      );
      return undefined;
    }
  }

  #keep(key: string, kept: Kept<T>): void {
    const before = this.#kept.get(key);
    this.#kept.set(key, kept);
    this.#tell(key, before?.value, kept.value);
  }

  #drop(key: string): void {
    const before = this.#kept.get(key);
    if (before === undefined) return;
    this.#kept.delete(key);
    this.#tell(key, before.value, undefined);
  }

  #tell(key: string, before: T | undefined, after: T | undefined): void {
    const event: InformerEvent<T> = { key, before, after, initial: !this.#hasSynced };
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (thrown) {
        // A listener's fault must not end the watch for the others.
        this.#deps.log.error({ kind: this.#options.resource.kind, key, err: thrown }, 'listener failed');
      }
    }
  }
}
