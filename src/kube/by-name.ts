// Follows single objects that others refer to by name (credential Secrets, CA ConfigMaps …): one watch per name for as
// long as somebody holds the name, so that no right to list a whole namespace's Secrets is used.
import { OperatorError } from '../core/operator-error.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { type InformerDeps, type StartedInformer, startInformer } from './informer.ts';
import { slim } from './slim.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from './types.ts';

export type ObjectListener = (resource: Resource, name: ObjectName) => void;

export interface NamedObject {
  readonly resource: Resource;
  readonly name: ObjectName;
}

interface Followed extends NamedObject {
  readonly informer: StartedInformer<KubeObject>;
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

/** Single objects by name, each watched while it is held. */
export class ObjectWatcher {
  readonly #deps: InformerDeps;
  readonly #clock: Clock;
  readonly #followed = new Map<string, Followed>();
  readonly #heldBy = new Map<string, Set<string>>();
  readonly #listeners = new Set<ObjectListener>();

  constructor(deps: InformerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
  }

  /** Names followed at present, those that linger included. */
  get size(): number {
    return this.#followed.size;
  }

  /** Follows the object until the holder is released, or names a set without it to `holdOnly`. */
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

  /** The holder holds these objects and no others. */
  holdOnly(objects: readonly NamedObject[], holder: string): void {
    const wanted = new Set(objects.map(({ resource, name }) => idOf(resource, name)));
    for (const id of this.#heldBy.get(holder) ?? []) if (!wanted.has(id)) this.#letGo(id, holder);
    for (const { resource, name } of objects) this.hold(resource, name, holder);
  }

  /** The holder holds nothing any more. */
  release(holder: string): void {
    for (const id of this.#heldBy.get(holder) ?? []) this.#letGo(id, holder);
  }

  /** The object, undefined when it does not exist, 'unknown' before the first answer and for names that nobody holds. */
  get<T extends KubeObject>(resource: Resource, name: ObjectName): T | undefined | 'unknown' {
    const followed = this.#followed.get(idOf(resource, name));
    return followed?.informer.hasSynced() === true ? objectIn<T>(followed) : 'unknown';
  }

  /**
   * The object, or undefined when it does not exist; waits for the first answer. A name that nobody holds is followed
   * for a while. Throws `ApiDenied`, `ApiUnavailable` (no answer in 10 s) and `Aborted`.
   */
  async read<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T | undefined> {
    const followed = this.#follow(idOf(resource, name), { resource, name });
    if (followed.holders.size === 0) this.#lingerOn(followed);
    if (!followed.informer.hasSynced()) await this.#firstAnswer(followed, signal);
    return objectIn<T>(followed);
  }

  /** The listener is called whenever an object that is followed appears, changes or goes. */
  subscribe(listener: ObjectListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    for (const followed of this.#followed.values()) {
      followed.linger?.cancel();
      followed.informer.stop();
    }
    this.#followed.clear();
    this.#heldBy.clear();
  }

  #follow(id: string, { resource, name }: NamedObject): Followed {
    const known = this.#followed.get(id);
    if (known !== undefined) return known;
    const selection = {
      resource,
      ...(name.namespace === undefined ? {} : { namespace: name.namespace }),
      fieldSelector: `metadata.name=${name.name}`,
    };
    const onTrouble = (error: OperatorError | undefined) => {
      followed.trouble = error;
      if (error?.reason === 'ApiDenied') wakeReaders(followed);
    };
    const onSynced = () => wakeReaders(followed);
    const informer = startInformer<KubeObject>({ ...selection, trim: slim }, { ...this.#deps, onTrouble, onSynced });
    const followed: Followed = {
      resource,
      name,
      informer,
      holders: new Set(),
      trouble: undefined,
      waiting: new Set(),
      hasFailedReader: false,
      linger: undefined,
    };
    informer.subscribe(({ initial }) => {
      // The first answer is what readers wait for, not a change; unless one of them was already told that there is none.
      if (initial && !followed.hasFailedReader) return;
      for (const listener of this.#listeners) listener(resource, name);
    });
    this.#followed.set(id, followed);
    return followed;
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
    followed.linger = this.#clock.after(lingerMs, () => {
      this.#followed.delete(idOf(followed.resource, followed.name));
      followed.informer.stop();
    });
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
      const onAbort = () => fail(new OperatorError('Aborted', 'stopped'));
      const look = () => {
        if (followed.informer.hasSynced()) {
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

/** The resource decides the shape, so T is the caller's word. */
function objectIn<T extends KubeObject>({ informer, name }: Followed): T | undefined {
  return informer.get(keyOf(name)) as T | undefined;
}

function noAnswer({ resource, name }: NamedObject): OperatorError {
  return new OperatorError(
    'ApiUnavailable',
    `watch ${resource.plural} "${keyOf(name)}": no answer from the API server`,
  );
}

function idOf({ group, plural }: Resource, name: ObjectName): string {
  return `${group}/${plural}/${keyOf(name)}`;
}
