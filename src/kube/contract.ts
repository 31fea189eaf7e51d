// What other rooms may ask of the API server. `client.ts` and `informer.ts` implement it.
import type { KubeObject, ObjectName, Resource } from './types.ts';

export interface WriteOptions {
  readonly fieldManager: string;
  readonly subresource?: 'status';
}

export interface CreateOptions extends WriteOptions {
  /**
   * The caller takes `Conflict` as "it is there, perhaps by my own doing", and looks. Then the create is sent once more
   * when its answer is lost with the connection; else that is `ApiUnavailable`.
   */
  readonly mayExist?: boolean;
}

export interface DeleteOptions {
  /** The delete is refused with `Conflict` unless these still hold. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/**
 * Calls to the API server. Every failure is an OperatorError: `Conflict` (409 on update), `ReferenceNotFound` (404),
 * `ApiDenied` (401, 403), `TargetRejected` (400, 422 and other refusals of the object itself, a 403 of admission among
 * them), `TargetTooLarge` (413, a field too long), `ApiUnavailable` (network, 429, 5xx; carries retryAfterMs when the
 * server named it), `AnswerTooLarge`, `Aborted`.
 */
export interface Kube {
  /** `AnswerTooLarge` also for an object with a field of too many parts: bounded-json.ts. */
  get<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T>;
  /** POST. An object that exists already gives `Conflict`. */
  create<T extends KubeObject>(resource: Resource, object: T, options: CreateOptions, signal: AbortSignal): Promise<T>;
  /** PUT; `metadata.resourceVersion` in the object is the precondition. */
  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions, signal: AbortSignal): Promise<T>;
  /** JSON merge patch; a `metadata.resourceVersion` in the patch is a precondition. */
  mergePatch<T extends KubeObject>(
    resource: Resource,
    name: ObjectName,
    patch: unknown,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T>;
  /** Deleting what is gone already succeeds. */
  delete(resource: Resource, name: ObjectName, options: DeleteOptions, signal: AbortSignal): Promise<void>;
}

/** What an informer tells its listeners, after its cache has changed. `before`/`after` are the trimmed objects. */
export interface InformerEvent<T> {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
  /** True while the very first list is delivered. */
  readonly initial: boolean;
}

/** A cache of one collection that follows the API server for ever. */
export interface Informer<T> {
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
  entries(): IterableIterator<[key: string, value: T]>;
  /** True once the first list has been taken in whole. */
  hasSynced(): boolean;
  /**
   * The resourceVersion up to which everything that happened has been told; '' before the first list. A write of this
   * version or an older one that the cache does not show has been undone since.
   */
  shownVersion(): string;
  subscribe(listener: (event: InformerEvent<T>) => void): () => void;
  stop(): void;
}

/** Which part of a collection to follow, and what to keep of each object. */
export interface InformerOptions<T> {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * Called once per object received; what it returns is what is kept. `undefined` leaves the object out. `before` is what
   * was kept of it until then: parts that have not changed may be taken over.
   */
  readonly trim: (object: KubeObject, before: T | undefined) => T | undefined;
  /** Told when `shownVersion` has moved. */
  readonly onReached?: () => void;
  /** What is already held of this version, as of an object that this process wrote: taken instead of reading it. */
  readonly known?: (resourceVersion: string) => Known<T> | undefined;
}

/** An object that need not be read. */
export interface Known<T> {
  readonly key: string;
  readonly value: T;
}
