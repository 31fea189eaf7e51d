// Follows many names by few watches. A watch of a whole namespace (or, past some namespaces, of all) brings nothing but
// metadata; it says when one of the names may have changed, and that object alone is then read, so that no values of
// others ever come here. Where such a watch is denied, the names are read in turn.
//
//   metadata watch ── version of a name ──► differs from what was read ──► read (8 at a time) ──► changed
//         └── denied ──► every name again after 30 s, 10 a second at most ──┘

import { spreadDelayMs } from '../base/backoff.ts';
import type { Timer } from '../base/clock.ts';
import { aborted, asOperatorError, type OperatorError } from '../base/operator-error.ts';
import { callList } from './call.ts';
import { headOf } from './event-head.ts';
import type { InformerDeps } from './informer.ts';
import { type Feed, type FeedListener, type NamedObject, selectorOf } from './named-feed.ts';
import { collectionPath, withQuery } from './path.ts';
import { reflect, type Sink } from './reflector.ts';
import { isSameButStatus } from './same-spec.ts';
import { slim } from './slim.ts';
import { type KubeObject, keyOf } from './types.ts';

/** Namespaces that get a watch of their own; names of further ones share one of all namespaces per kind. */
const namespaceWatchesMax = 16;
const readsMax = 8;
const pollEveryMs = 30_000;
const pollTickMs = 1_000;
const pollsPerTick = 10;
const readDelays = { firstMs: 200, capMs: 30_000 };
/** One object: etcd takes 1.5 MB of it, and JSON with managedFields may be some more. */
const objectMaxBytes = 8 * 2 ** 20;

export interface SharedFeedOptions {
  /** Text of objects that is kept at most, in characters of JSON; what is over is read again when it is asked for. */
  readonly keptMax: number;
}

/** Feeds that share watches. */
export class SharedFeeds {
  readonly #deps: InformerDeps;
  readonly #scopes = new Map<string, Scope>();
  readonly #reads = new ReadQueue(readsMax);
  readonly #kept: KeptObjects;
  #namespaceWatches = 0;
  #poll: Timer | undefined;

  constructor(deps: InformerDeps, { keptMax }: SharedFeedOptions) {
    this.#deps = deps;
    this.#kept = new KeptObjects(keptMax);
  }

  start(named: NamedObject, listener: FeedListener): Feed {
    selectorOf(named.name); // refuses before anything is followed
    const scope = this.#scopeFor(named);
    const feed = new SharedFeed({
      named,
      listener,
      deps: this.#deps,
      reads: this.#reads,
      kept: this.#kept,
      isPolled: () => scope.isDenied,
      onStop: () => this.#leave(scope, keyOf(named.name)),
    });
    scope.feeds.set(keyOf(named.name), feed);
    feed.readSoon();
    return feed;
  }

  close(): void {
    this.#poll?.cancel();
    for (const scope of this.#scopes.values()) for (const feed of scope.feeds.values()) feed.stop();
  }

  #scopeFor({ resource, name: { namespace } }: NamedObject): Scope {
    const known = this.#scopes.get(scopeId(resource, namespace));
    if (known !== undefined) return known;
    if (namespace === undefined) return this.#openScope(resource, undefined);
    if (this.#namespaceWatches < namespaceWatchesMax) {
      this.#namespaceWatches++;
      return this.#openScope(resource, namespace);
    }
    return this.#scopes.get(scopeId(resource, undefined)) ?? this.#openScope(resource, undefined);
  }

  #openScope(resource: NamedObject['resource'], namespace: string | undefined): Scope {
    const scope = new Scope(resource, namespace, this.#deps, () => this.#pollOn());
    this.#scopes.set(scopeId(resource, namespace), scope);
    return scope;
  }

  #leave(scope: Scope, key: string): void {
    scope.feeds.delete(key);
    if (scope.feeds.size > 0) return;
    scope.stop();
    this.#scopes.delete(scopeId(scope.resource, scope.namespace));
    if (scope.namespace !== undefined) this.#namespaceWatches--;
  }

  /** Looks every second, while a scope is denied, which names have waited longest. */
  #pollOn(): void {
    this.#poll ??= this.#deps.clock.after(pollTickMs, () => {
      this.#poll = undefined;
      const denied = [...this.#scopes.values()].filter(({ isDenied }) => isDenied);
      if (denied.length === 0) return;
      const dueMs = this.#deps.clock.monotonicMs() - pollEveryMs;
      const due = denied.flatMap(({ feeds }) => [...feeds.values()].filter((feed) => feed.readAtMs <= dueMs));
      due.sort((a, b) => a.readAtMs - b.readAtMs);
      for (const feed of due.slice(0, pollsPerTick)) feed.readSoon();
      this.#pollOn();
    });
  }
}

function scopeId({ group, plural }: NamedObject['resource'], namespace: string | undefined): string {
  return `${group}/${plural}/${namespace ?? ''}`;
}

/** One metadata watch, and the feeds of the names in it. */
class Scope implements Sink {
  readonly resource: NamedObject['resource'];
  readonly namespace: string | undefined;
  readonly feeds = new Map<string, SharedFeed>();
  readonly #deps: InformerDeps;
  readonly #onDenied: () => void;
  readonly #stop = new AbortController();
  #named: Set<string> | undefined;
  #troubleReason: string | undefined;

  constructor(
    resource: NamedObject['resource'],
    namespace: string | undefined,
    deps: InformerDeps,
    onDenied: () => void,
  ) {
    this.resource = resource;
    this.namespace = namespace;
    this.#deps = deps;
    this.#onDenied = onDenied;
    const { transport, clock, random = Math.random } = deps;
    const selection = { resource, ...(namespace === undefined ? {} : { namespace }), metadataOnly: true };
    void reflect({ transport, clock, random, selection, sink: this }, this.#stop.signal);
  }

  get isDenied(): boolean {
    return this.#troubleReason === 'ApiDenied';
  }

  stop(): void {
    this.#stop.abort();
  }

  beginReplace(): void {
    this.#named = new Set();
  }

  endReplace(): void {
    const named = this.#named;
    this.#named = undefined;
    for (const [key, feed] of this.feeds) if (named?.has(key) === false) feed.hint(undefined);
  }

  put({ metadata }: KubeObject): void {
    this.#saw(keyOf(metadata), metadata.resourceVersion);
  }

  /** Most of a namespace's objects are nobody's business: their events are not worth parsing. */
  skim(line: Buffer): string | undefined {
    const head = headOf(line);
    if (head !== undefined) this.#saw(head.key, head.version);
    return head?.version;
  }

  #saw(key: string, version: string | undefined): void {
    const feed = this.feeds.get(key);
    if (feed === undefined) return; // of others nothing is kept
    this.#named?.add(key);
    feed.hint(version);
  }

  remove({ metadata }: KubeObject): void {
    this.feeds.get(keyOf(metadata))?.hint(undefined);
  }

  /** Nobody asks how far this watch came: what counts of a name is what a read says. */
  reached(): void {}

  trouble(error: OperatorError | undefined): void {
    const { log, onFailure } = this.#deps;
    const { kind } = this.resource;
    if (error === undefined) log.info({ kind }, 'watch works again');
    else if (error.reason !== this.#troubleReason)
      log.warn({ kind, reason: error.reason, err: error }, 'watch of many names failed, retrying');
    this.#troubleReason = error?.reason;
    if (error !== undefined) onFailure?.(kind, error);
    if (this.isDenied) this.#onDenied();
  }
}

interface FeedParts {
  readonly named: NamedObject;
  readonly listener: FeedListener;
  readonly deps: InformerDeps;
  readonly reads: ReadQueue;
  readonly kept: KeptObjects;
  readonly isPolled: () => boolean;
  readonly onStop: () => void;
}

/** What a hint can say beside a version: nothing was hinted. */
const noHint = Symbol('no hint');

/** One name. What the watch says is a hint; what a read says is what is. */
class SharedFeed implements Feed {
  /** When the last read began. */
  readAtMs = Number.NEGATIVE_INFINITY;
  readonly #parts: FeedParts;
  readonly #stop = new AbortController();
  /** The resourceVersion of what was read; undefined when the object does not exist. */
  #version: string | undefined;
  #hasSynced = false;
  #isReading = false;
  /** What the watch said last while a read was under way or asked for. */
  #hinted: string | undefined | typeof noHint = noHint;
  #failures = 0;
  #retry: Timer | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  hasSynced(): boolean {
    return this.#hasSynced;
  }

  object(): KubeObject | undefined | 'not kept' {
    return this.#version === undefined ? undefined : (this.#parts.kept.get(this) ?? 'not kept');
  }

  async reread(signal: AbortSignal): Promise<KubeObject | undefined> {
    const { object } = await this.#parts.reads.run(() => this.#read(AbortSignal.any([signal, this.#stop.signal])));
    return object;
  }

  stop(): void {
    this.#stop.abort();
    this.#retry?.cancel();
    this.#parts.kept.drop(this);
    this.#parts.onStop();
  }

  /** The watch has seen this version of the object, or (undefined) that it is gone. */
  hint(version: string | undefined): void {
    if (this.#isReading) this.#hinted = version;
    else if (!this.#hasSynced || version !== this.#version) this.readSoon();
  }

  readSoon(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#retry?.cancel();
    const { clock } = this.#parts.deps;
    this.readAtMs = clock.monotonicMs();
    const read = () => this.#read(this.#stop.signal);
    void this.#parts.reads.run(read).then(
      (found) => this.#took(found),
      (thrown: unknown) => this.#failed(asOperatorError(thrown)),
    );
  }

  #took({ object }: Found): void {
    if (this.#stop.signal.aborted) return;
    this.#isReading = false;
    const { kept, listener } = this.#parts;
    const hadTrouble = this.#failures > 0;
    this.#failures = 0;
    const initial = !this.#hasSynced;
    const version = object === undefined ? undefined : (object.metadata.resourceVersion ?? '');
    const isNews = version !== this.#version;
    this.#version = version;
    this.#hasSynced = true;
    const isTold = isNews && !isSameButStatus(kept.get(this), object);
    if (object === undefined) kept.drop(this);
    else if (isNews || kept.get(this) === undefined) kept.put(this, object);
    if (hadTrouble) listener.trouble(undefined);
    if (isTold) listener.changed(initial);
    if (initial) listener.synced();
    const hinted = this.#hinted;
    this.#hinted = noHint;
    if (hinted !== noHint && hinted !== this.#version) this.readSoon();
  }

  #failed(error: OperatorError): void {
    if (this.#stop.signal.aborted) return;
    this.#isReading = false;
    this.#hinted = noHint; // the next read sees what is then
    this.#failures++;
    const { deps, listener, named, isPolled } = this.#parts;
    deps.onFailure?.(named.resource.kind, error);
    listener.trouble(error);
    if (isPolled()) return; // its turn comes
    const delayMs = spreadDelayMs(this.#failures, readDelays, deps.random ?? Math.random);
    this.#retry = deps.clock.after(Math.max(delayMs, error.retryAfterMs ?? 0), () => this.readSoon());
  }

  /** By a list of one name: the right to list is what a watch needs as well, and `get` may not be held. */
  async #read(signal: AbortSignal): Promise<Found> {
    if (signal.aborted) throw aborted();
    const { resource, name } = this.#parts.named;
    const path = withQuery(collectionPath(resource, name.namespace), { fieldSelector: selectorOf(name), limit: '1' });
    const attempt = { verb: 'list', plural: resource.plural, key: keyOf(name) };
    const call = { method: 'GET', path, mayReplay: true, maxBytes: objectMaxBytes, attempt } as const;
    const found: KubeObject[] = [];
    await callList(this.#parts.deps.transport, call, (object) => found.push(object), signal);
    const [object] = found;
    return { object: object === undefined ? undefined : slim(object) };
  }
}

interface Found {
  readonly object: KubeObject | undefined;
}

/** Contents up to a bound; who was put or asked for longest ago goes first. */
class KeptObjects {
  readonly #max: number;
  readonly #kept = new Map<SharedFeed, { readonly object: KubeObject; readonly size: number }>();
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get(feed: SharedFeed): KubeObject | undefined {
    const found = this.#kept.get(feed);
    if (found === undefined) return undefined;
    this.#kept.delete(feed);
    this.#kept.set(feed, found);
    return found.object;
  }

  put(feed: SharedFeed, object: KubeObject): void {
    this.drop(feed);
    const size = JSON.stringify(object).length;
    if (size > this.#max) return;
    this.#kept.set(feed, { object, size });
    this.#size += size;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#max) return;
      this.drop(oldest);
    }
  }

  drop(feed: SharedFeed): void {
    this.#size -= this.#kept.get(feed)?.size ?? 0;
    this.#kept.delete(feed);
  }
}

/** So many reads at a time, the others in their order. */
class ReadQueue {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
