// Follows single objects that others refer to by name (credential Secrets, CA ConfigMaps …) for as long as somebody holds
// the name: who holds what, who waits for an answer, how many names a namespace may have followed. While names are few
// each has a watch of its own (named-feed.ts); further ones share watches (shared-feed.ts, docs/design/0007).

import type { Clock, Timer } from '../base/clock.ts';
import { aborted, OperatorError } from '../base/operator-error.ts';
import type { InformerDeps } from './informer.ts';
import { type Feed, type NamedObject, startOwnWatch } from './named-feed.ts';
import { SharedFeeds } from './shared-feed.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';
import { isWhole, requireWhole } from './whole.ts';

export type ObjectListener = (resource: Resource, name: ObjectName) => void;

export interface ObjectWatcherOptions {
  /** Names in one namespace that are followed at most; `TooManyReferences` past it. No bound unless given. */
  readonly namesPerNamespaceMax?: number;
  /** Objects read by shared watches are kept up to so many characters of JSON in all. */
  readonly keptMax?: number;
}

interface Followed extends NamedObject {
  readonly feed: Feed;
  readonly hasOwnWatch: boolean;
  readonly holders: Set<string>;
  /** Why the object cannot be read at present. */
  trouble: OperatorError | undefined;
  /** Readers that wait for the first answer or for a refusal. */
  readonly waiting: Set<() => void>;
  /** A read ended without an answer: whoever read hears of the first one as of a change. */
  hasFailedReader: boolean;
  /** Ends the watch some time after the last holder left. */
  linger: Timer | undefined;
}

/** Reconciles drop and take up the same name again; a watch outlives its last holder for that long. */
const lingerMs = 30_000;
/** How long a read waits for an API server that does not answer. */
const readTimeoutMs = 10_000;
/** Names that have a watch, so a connection, of their own. */
const ownWatchesMax = 16;
const defaultKeptMax = 16 * 2 ** 20;

/** Single objects by name, each followed while it is held. */
export class ObjectWatcher {
  readonly #deps: InformerDeps;
  readonly #clock: Clock;
  readonly #followed = new Map<string, Followed>();
  readonly #heldBy = new Map<string, Set<string>>();
  readonly #listeners = new Set<ObjectListener>();
  readonly #shared: SharedFeeds;
  readonly #namesPerNamespaceMax: number;
  /** Names followed, by namespace. */
  readonly #counts = new Map<string, number>();
  #ownWatches = 0;

  constructor(deps: InformerDeps, options: ObjectWatcherOptions = {}) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#shared = new SharedFeeds(deps, { keptMax: options.keptMax ?? defaultKeptMax });
    this.#namesPerNamespaceMax = options.namesPerNamespaceMax ?? Number.POSITIVE_INFINITY;
  }

  /** Names followed at present, those that linger included. */
  get size(): number {
    return this.#followed.size;
  }

  /** Names followed in the namespace that has most. */
  get greatestShare(): number {
    return Math.max(0, ...this.#counts.values());
  }

  /**
   * Follows the object until the holder is released. Throws `TooManyReferences` when its namespace has as many names followed
   * as it may.
   */
  hold(resource: Resource, name: ObjectName, holder: string): void {
    const id = idOf(resource, name);
    const followed = this.#follow(id, { resource, name });
    followed.holders.add(holder);
    followed.linger?.cancel();
    followed.linger = undefined;
    const held = this.#heldBy.get(holder);
    if (held === undefined) this.#heldBy.set(holder, new Set([id]));
    else held.add(id);
  }

  /** The holder holds nothing any more. */
  release(holder: string): void {
    for (const id of this.#heldBy.get(holder) ?? []) this.#letGo(id, holder);
  }

  /**
   * The object, undefined when it does not exist; 'unknown' before the first answer, for names that nobody holds, and for
   * objects that there was no room to keep, or that have too much in them: `read` has them all, or says what it is.
   */
  get<T extends KubeObject>(resource: Resource, name: ObjectName): T | undefined | 'unknown' {
    const followed = this.#followed.get(idOf(resource, name));
    if (followed?.feed.hasSynced() !== true) return 'unknown';
    const object = followed.feed.object();
    if (object === 'not kept' || (object !== undefined && !isWhole(object))) return 'unknown';
    return object as T | undefined; // the resource decides the shape
  }

  /**
   * The object, or undefined when it does not exist; waits for the first answer. A name that nobody holds is followed
   * for a while. Throws `ApiDenied`, `ApiUnavailable` (no answer in 10 s), `AnswerTooLarge` (bounded-json.ts),
   * `TooManyReferences` and `Aborted`.
   */
  async read<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T | undefined> {
    const followed = this.#follow(idOf(resource, name), { resource, name });
    if (followed.holders.size === 0) this.#lingerOn(followed);
    if (!followed.feed.hasSynced()) await this.#firstAnswer(followed, signal);
    const kept = followed.feed.object();
    const object = kept === 'not kept' ? await followed.feed.reread(signal) : kept;
    return (object === undefined ? undefined : requireWhole(resource, object)) as T | undefined; // as above
  }

  /** The listener is called whenever an object that is followed appears, changes or goes. */
  subscribe(listener: ObjectListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    for (const followed of this.#followed.values()) {
      followed.linger?.cancel();
      followed.feed.stop();
    }
    this.#shared.close();
    this.#followed.clear();
    this.#heldBy.clear();
    this.#counts.clear();
    this.#ownWatches = 0;
  }

  #follow(id: string, named: NamedObject): Followed {
    const known = this.#followed.get(id);
    if (known !== undefined) return known;
    const { resource, name } = named;
    this.#makeRoom(name.namespace);
    const hasOwnWatch = this.#ownWatches < ownWatchesMax;
    const listener = {
      changed: (initial: boolean) => {
        // The first answer is what readers wait for, not a change; unless one of them was already told that there is none.
        if (initial && !followed.hasFailedReader) return;
        for (const tell of this.#listeners) tell(resource, name);
      },
      synced: () => wakeReaders(followed),
      trouble: (error: OperatorError | undefined) => {
        followed.trouble = error;
        if (error?.reason === 'ApiDenied') wakeReaders(followed);
      },
    };
    const feed = hasOwnWatch ? startOwnWatch(named, this.#deps, listener) : this.#shared.start(named, listener);
    const followed: Followed = {
      resource,
      name,
      feed,
      hasOwnWatch,
      holders: new Set(),
      trouble: undefined,
      waiting: new Set(),
      hasFailedReader: false,
      linger: undefined,
    };
    if (hasOwnWatch) this.#ownWatches++;
    this.#followed.set(id, followed);
    this.#count(name.namespace, 1);
    return followed;
  }

  /** Ends what merely lingers in a namespace that has its share, and refuses when that was not enough. */
  #makeRoom(namespace: string | undefined): void {
    if (namespace === undefined || (this.#counts.get(namespace) ?? 0) < this.#namesPerNamespaceMax) return;
    for (const followed of this.#followed.values()) {
      if (followed.name.namespace !== namespace || followed.linger === undefined) continue;
      this.#end(followed);
      return;
    }
    throw new OperatorError(
      'TooManyReferences',
      `namespace "${namespace}": more than ${this.#namesPerNamespaceMax} objects are referred to by name`,
    );
  }

  #count(namespace: string | undefined, by: 1 | -1): void {
    if (namespace === undefined) return;
    const count = (this.#counts.get(namespace) ?? 0) + by;
    if (count === 0) this.#counts.delete(namespace);
    else this.#counts.set(namespace, count);
  }

  #end(followed: Followed): void {
    followed.linger?.cancel();
    this.#followed.delete(idOf(followed.resource, followed.name));
    followed.feed.stop();
    if (followed.hasOwnWatch) this.#ownWatches--;
    this.#count(followed.name.namespace, -1);
  }

  #letGo(id: string, holder: string): void {
    const held = this.#heldBy.get(holder);
    held?.delete(id);
    if (held?.size === 0) this.#heldBy.delete(holder);
    const followed = this.#followed.get(id);
    followed?.holders.delete(holder);
    if (followed?.holders.size === 0) this.#lingerOn(followed);
  }

  #lingerOn(followed: Followed): void {
    followed.linger?.cancel();
    followed.linger = this.#clock.after(lingerMs, () => this.#end(followed));
  }

  #firstAnswer(followed: Followed, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        followed.waiting.delete(look);
      };
      const fail = (error: OperatorError) => {
        if (error.reason !== 'Aborted') followed.hasFailedReader = true;
        leave();
        reject(error);
      };
      const onAbort = () => fail(aborted());
      const look = () => {
        if (followed.feed.hasSynced()) {
          leave();
          resolve();
        } else if (followed.trouble?.reason === 'ApiDenied') fail(followed.trouble);
      };
      const timer = this.#clock.after(readTimeoutMs, () => fail(followed.trouble ?? noAnswer(followed)));
      followed.waiting.add(look);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else look();
    });
  }
}

function wakeReaders({ waiting }: Followed): void {
  for (const look of waiting) look();
}

function noAnswer({ resource, name }: NamedObject): OperatorError {
  return new OperatorError(
    'ApiUnavailable',
    `follow ${resource.plural} "${keyOf(name)}": no answer from the API server`,
  );
}

function idOf({ group, plural }: Resource, name: ObjectName): string {
  return `${group}/${plural}/${keyOf(name)}`;
}
