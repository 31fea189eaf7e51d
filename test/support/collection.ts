// One collection of the API server in memory, for tests of what works on it: objects with uids, versions and generations, an
// informer that shows each change at once (or, held back, later), and a client whose writes keep their preconditions.
import { OperatorError } from '../../src/base/operator-error.ts';
import { OwnWrites } from '../../src/controller/kit/own-writes.ts';
import type { Informer, InformerEvent, Kube } from '../../src/kube/contract.ts';
import { type KubeObject, keyOf, type ObjectMeta, type Resource } from '../../src/kube/types.ts';

interface Versioned {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** An object with whatever its kind holds besides metadata. */
export interface AnyObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: object;
}

export class Collection<T extends Versioned> {
  readonly view: OwnWrites<T>;
  readonly informer: Informer<T>;
  /** Calls of the client, as `verb namespace/name`. */
  readonly calls: string[] = [];
  /** Thrown by the next calls, one each. */
  readonly faults: OperatorError[] = [];
  readonly #record: (object: AnyObject, before: T | undefined) => T;
  readonly #objects = new Map<string, AnyObject>();
  readonly #shown = new Map<string, T>();
  readonly #listeners = new Set<(event: InformerEvent<T>) => void>();
  /** Changes that the watch has not shown. */
  #heldBack: (() => void)[] | undefined;
  #version = 100;
  #shownVersion = '100';
  #uid = 0;

  constructor(record: (object: AnyObject, before: T | undefined) => T) {
    this.#record = record;
    this.informer = {
      get: (key) => this.#shown.get(key),
      values: () => this.#shown.values(),
      entries: () => this.#shown.entries(),
      hasSynced: () => true,
      shownVersion: () => this.#shownVersion,
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      stop: () => {},
    };
    this.view = new OwnWrites(this.informer);
  }

  get(key: string): AnyObject | undefined {
    return this.#objects.get(key);
  }

  /** As a user applies it; another spec is another generation. */
  put(key: string, parts: Omit<AnyObject, 'metadata'> & { readonly metadata?: Partial<ObjectMeta> }): void {
    const old = this.#objects.get(key);
    const [namespace, name] = key.includes('/') ? key.split('/') : [undefined, key];
    const isEdit = JSON.stringify(old?.spec) !== JSON.stringify(parts.spec ?? old?.spec);
    const generation = (old?.metadata.generation ?? 0) + (isEdit || old === undefined ? 1 : 0);
    const uid = old?.metadata.uid ?? `uid-${++this.#uid}`;
    const place = namespace === undefined ? {} : { namespace };
    this.#store({
      ...old,
      ...parts,
      metadata: { ...old?.metadata, uid, generation, ...parts.metadata, name: name ?? key, ...place },
    });
  }

  remove(key: string): void {
    if (!this.#objects.delete(key)) return;
    this.#tell(key, undefined, String(++this.#version));
  }

  /** From now on the watch shows nothing, until the function that is returned is called. */
  holdBack(): () => void {
    const held: (() => void)[] = [];
    this.#heldBack = held;
    return () => {
      this.#heldBack = undefined;
      for (const show of held) show();
    };
  }

  /** A client for this collection; of others it knows nothing. */
  client(): Kube {
    const act = async <R>(verb: string, key: string, work: () => R): Promise<R> => {
      this.calls.push(`${verb} ${key}`);
      await Promise.resolve();
      const fault = this.faults.shift();
      if (fault !== undefined) throw fault;
      return work();
    };
    // What callers ask for is what the collection holds.
    const as = <O extends KubeObject>(object: AnyObject) => structuredClone(object) as KubeObject as O;
    return {
      get: <O extends KubeObject>(_: Resource, name: Parameters<Kube['get']>[1]) =>
        act('get', keyOf(name), () => as<O>(this.#found(keyOf(name)))),
      create: <O extends KubeObject>(_: Resource, object: O) =>
        act('create', keyOf(object.metadata), () => {
          if (this.#objects.has(keyOf(object.metadata))) throw new OperatorError('Conflict', 'it exists');
          return as<O>(this.#store({ ...object, metadata: { ...object.metadata, uid: `uid-${++this.#uid}` } }));
        }),
      update: <O extends KubeObject>(_: Resource, object: O) =>
        act('update', keyOf(object.metadata), () => {
          this.#check(keyOf(object.metadata), object.metadata);
          return as<O>(this.#store(object));
        }),
      mergePatch: <O extends KubeObject>(
        _: Resource,
        name: Parameters<Kube['mergePatch']>[1],
        patch: unknown,
        options: { readonly subresource?: string },
      ) =>
        act(options.subresource ?? 'patch', keyOf(name), () => {
          const { metadata, status } = patch as AnyObject;
          const old = this.#check(keyOf(name), metadata);
          return as<O>(
            this.#store({
              ...old,
              metadata: { ...old.metadata, ...metadata },
              ...(status === undefined ? {} : { status: { ...old.status, ...status } }),
            }),
          );
        }),
      delete: (_, name, { preconditions = {} }) =>
        act('delete', keyOf(name), () => {
          if (!this.#objects.has(keyOf(name))) return;
          this.#check(keyOf(name), preconditions);
          this.remove(keyOf(name));
        }),
    };
  }

  #found(key: string): AnyObject {
    const object = this.#objects.get(key);
    if (object === undefined) throw new OperatorError('ReferenceNotFound', `"${key}" not found`);
    return object;
  }

  #check(key: string, wanted: { readonly uid?: string; readonly resourceVersion?: string }): AnyObject {
    const object = this.#found(key);
    const { uid, resourceVersion } = object.metadata;
    if ((wanted.uid ?? uid) !== uid || (wanted.resourceVersion ?? resourceVersion) !== resourceVersion)
      throw new OperatorError('Conflict', 'it has changed since it was read');
    return object;
  }

  #store(object: AnyObject): AnyObject {
    const resourceVersion = String(++this.#version);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion } };
    this.#objects.set(keyOf(object.metadata), stored);
    this.#tell(keyOf(object.metadata), stored, resourceVersion);
    return stored;
  }

  #tell(key: string, object: AnyObject | undefined, version: string): void {
    const show = () => {
      const before = this.#shown.get(key);
      const after = object === undefined ? undefined : this.#record(object, before);
      if (after === undefined) this.#shown.delete(key);
      else this.#shown.set(key, after);
      for (const listener of this.#listeners) listener({ key, before, after, initial: false });
      this.#shownVersion = version;
      this.view.catchUp();
    };
    if (this.#heldBack === undefined) show();
    else this.#heldBack.push(show);
  }
}

/** One client for several collections, by their plural. */
export function clientOf(collections: Readonly<Record<string, Pick<Collection<Versioned>, 'client'>>>): Kube {
  const clients = new Map(Object.entries(collections).map(([plural, collection]) => [plural, collection.client()]));
  const at = ({ plural }: Resource): Kube => {
    const client = clients.get(plural);
    if (client === undefined) throw new Error(`nothing is known of ${plural}`);
    return client;
  };
  return {
    get: (resource, ...rest) => at(resource).get(resource, ...rest),
    create: (resource, ...rest) => at(resource).create(resource, ...rest),
    update: (resource, ...rest) => at(resource).update(resource, ...rest),
    mergePatch: (resource, ...rest) => at(resource).mergePatch(resource, ...rest),
    delete: (resource, ...rest) => at(resource).delete(resource, ...rest),
  };
}
