// Waiting in tests: for something that an object says, by a watch that also remembers every state that it went through;
// and for anything else, by looking again and again.
import type { ApiCondition, ApiObject, KindName, KubeApi } from './kube-api.ts';

const lookEveryMs = 25;

/** How long a test waits before it calls something missing, where it has no limit of its own to check. */
export const patienceMs = 15_000;

/**
 * How long the cluster's garbage collector may take for what has lost its owner. It looks for new kinds every 30 s, and rests
 * whenever kinds come or go, until it follows them all: tests that run beside this one install some.
 */
export const collectedWithinMs = 150_000;

/** The first answer that is neither undefined nor false. Rejects after `withinMs`, naming what never came. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = patienceMs,
): Promise<T> {
  const giveUpAtMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUpAtMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(lookEveryMs);
  }
}

/** Waits until what is read has stayed the same for `forMs`. */
export async function untilSteady(
  what: string,
  read: () => unknown,
  { forMs, withinMs = patienceMs }: { readonly forMs: number; readonly withinMs?: number },
): Promise<void> {
  let seen: unknown = {};
  await until(
    what,
    async () => {
      const before = seen;
      await pause(forMs);
      seen = await read();
      return seen === before;
    },
    withinMs,
  );
}

/** Lets time pass in which nothing must happen; the one way to show that something stays as it is. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long the work took, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs);
}

/** One state of an object, as the watch brought it. */
export interface Seen {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
  /** By `performance.now()`. */
  readonly atMs: number;
}

/** All states of the objects of one kind (in one namespace), from the moment of `follow` on. */
export interface Follower {
  /** The states of one object, or of all, oldest first. */
  history(name?: string): readonly Seen[];
  /** The object as it is now. */
  get(name: string): ApiObject | undefined;
  values(): readonly ApiObject[];
  /** The object once it is like that; at once when it is so already. Rejects with the last state when it never is. */
  until(name: string, what: string, isSo: (object: ApiObject) => boolean, withinMs?: number): Promise<ApiObject>;
  untilGone(name: string, withinMs?: number): Promise<void>;
  stop(): void;
}

/** Begins to follow; settles when the objects that are there are known. */
export async function follow(api: KubeApi, kind: KindName, namespace?: string): Promise<Follower> {
  const follower = new WatchingFollower(kind);
  await follower.start(api, namespace);
  return follower;
}

interface Waiter {
  readonly look: () => void;
}

class WatchingFollower implements Follower {
  readonly #kind: KindName;
  readonly #current = new Map<string, ApiObject>();
  readonly #history: Seen[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #ending = new AbortController();

  constructor(kind: KindName) {
    this.#kind = kind;
  }

  async start(api: KubeApi, namespace: string | undefined): Promise<void> {
    const { items, resourceVersion } = await api.list(this.#kind, namespace);
    for (const object of items) this.#take('ADDED', object);
    this.#watch(api, namespace, resourceVersion).catch((thrown: unknown) => {
      if (!this.#ending.signal.aborted) throw thrown; // an unhandled rejection fails the run, as it should
    });
  }

  history(name?: string): readonly Seen[] {
    return name === undefined ? this.#history : this.#history.filter(({ object }) => object.metadata.name === name);
  }

  get(name: string): ApiObject | undefined {
    return this.#current.get(name);
  }

  values(): readonly ApiObject[] {
    return [...this.#current.values()];
  }

  until(name: string, what: string, isSo: (object: ApiObject) => boolean, withinMs = patienceMs): Promise<ApiObject> {
    return this.#wait(
      () => {
        const object = this.#current.get(name);
        return object !== undefined && isSo(object) ? object : undefined;
      },
      () => `${this.#kind} "${name}" ${what}: it is ${describe(this.#current.get(name))}`,
      withinMs,
    );
  }

  async untilGone(name: string, withinMs = patienceMs): Promise<void> {
    await this.#wait(
      () => (this.#current.has(name) ? undefined : true),
      () => `${this.#kind} "${name}" is gone`,
      withinMs,
    );
  }

  stop(): void {
    this.#ending.abort();
  }

  /** The server ends a watch after some minutes: it goes on where it stopped. */
  async #watch(api: KubeApi, namespace: string | undefined, from: string): Promise<void> {
    let resourceVersion = from;
    while (!this.#ending.signal.aborted) {
      for await (const { type, object } of api.watch(this.#kind, { namespace, resourceVersion }, this.#ending.signal)) {
        if (type === 'ERROR') throw new Error(`watch of ${this.#kind}: ${JSON.stringify(object)}`);
        ({ resourceVersion } = object.metadata);
        if (type !== 'BOOKMARK') this.#take(type, object);
      }
    }
  }

  #take(type: Seen['type'], object: ApiObject): void {
    const { name } = object.metadata;
    this.#history.push({ type, object, atMs: performance.now() });
    if (type === 'DELETED') this.#current.delete(name);
    else this.#current.set(name, object);
    for (const { look } of this.#waiters) look();
  }

  #wait<T>(find: () => T | undefined, missing: () => string, withinMs: number): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter = {
      look: () => {
        const found = find();
        if (found !== undefined) resolve(found);
      },
    };
    const timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${missing()}`)), withinMs);
    this.#waiters.add(waiter);
    waiter.look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }
}

function describe(object: ApiObject | undefined): string {
  if (object === undefined) return 'not there';
  const { generation, resourceVersion } = object.metadata;
  return JSON.stringify({ generation, resourceVersion, status: object.status, keys: Object.keys(object.data ?? {}) });
}

/** The condition of a type; undefined when the object has none. */
export function condition(object: ApiObject | undefined, type: string): ApiCondition | undefined {
  return object?.status?.conditions?.find((one) => one.type === type);
}

/** Ready=True that speaks of the object as it is now. */
export function isReady(object: ApiObject): boolean {
  const ready = condition(object, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
}

/** Ready=False that speaks of the object as it is now. */
export function isFailed(object: ApiObject): boolean {
  const ready = condition(object, 'Ready');
  return ready?.status === 'False' && ready.observedGeneration === object.metadata.generation;
}
