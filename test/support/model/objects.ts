// The objects of a model cluster: uids, versions, generations, finalizers, owners of fields, the garbage collection of what
// lost its owners, namespaces that take their contents with them. Every change is kept, so that watches can tell of it and
// tests can ask what was there when.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../src/base/clock.ts';
import { keyOf, type ObjectName } from '../../../src/kube/types.ts';
import { hasGeneration, isNamespaced, type ModelObject } from './kinds.ts';
import { ownersAfter } from './managed-fields.ts';

/** One change of one object; `after` is undefined when it went. */
export interface Change {
  readonly version: number;
  readonly kind: string;
  readonly before: ModelObject | undefined;
  readonly after: ModelObject | undefined;
}

/** How an object was from an instant on; `object` is undefined from when it was gone. */
export interface Moment {
  readonly atMs: number;
  readonly object: ModelObject | undefined;
  /** The field manager of who did it; a client's name for what it deleted, `gc` for what was collected. */
  readonly by: string;
}

/** Until the garbage collector has seen that an owner is gone, and until the contents of a namespace go. */
const collectAfterMs = 300;
/** The field manager of people. */
export const byHand = 'kubectl';
const collector = 'gc';

/** Objects are never changed in place, so that they may be handed out as they are. */
export class Objects {
  readonly changes: Change[] = [];
  readonly #clock: Clock;
  readonly #objects = new Map<string, ModelObject>();
  readonly #history = new Map<string, Moment[]>();
  readonly #listeners = new Set<(change: Change) => void>();
  #version = 1_000;
  #uids = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get version(): number {
    return this.#version;
  }

  get(kind: string, name: ObjectName): ModelObject | undefined {
    return this.#objects.get(idOf(kind, name));
  }

  all(kind: string): ModelObject[] {
    return [...this.#objects.values()].filter((one) => one.kind === kind);
  }

  /** Every state that an object of this name had, the oldest first. */
  history(kind: string, name: ObjectName): readonly Moment[] {
    return this.#history.get(idOf(kind, name)) ?? [];
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** As `kubectl apply`: creates, or replaces what is given and keeps the rest. */
  apply(object: ModelObject): ModelObject {
    const before = this.get(object.kind ?? '', object.metadata);
    const metadata = { ...before?.metadata, ...object.metadata };
    return this.write({ ...before, ...structuredClone(object), metadata }, byHand);
  }

  /** Changes what is there; nothing when there is nothing. */
  edit(kind: string, name: ObjectName, change: (object: ModelObject) => ModelObject): void {
    const before = this.get(kind, name);
    if (before !== undefined) this.write(change(structuredClone(before)), byHand);
  }

  /** Creates or replaces. What is equal to what is there gets no new version. */
  write(object: ModelObject, manager: string): ModelObject {
    const { kind = '' } = object;
    const before = this.get(kind, object.metadata);
    const isNewSpec = !isDeepStrictEqual(object.spec, before?.spec);
    const metadata = {
      ...object.metadata,
      uid: before?.metadata.uid ?? `u${++this.#uids}`,
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date(this.#clock.nowMs()).toISOString(),
      ...(hasGeneration(kind)
        ? { generation: (before?.metadata.generation ?? 0) + (isNewSpec || before === undefined ? 1 : 0) }
        : {}),
      ...(before === undefined ? {} : { resourceVersion: before.metadata.resourceVersion ?? '' }),
      ...(before?.metadata.managedFields === undefined ? {} : { managedFields: before.metadata.managedFields }),
    };
    const next: ModelObject = { ...object, metadata };
    if (before !== undefined && isDeepStrictEqual(next, before)) return before;
    if (next.metadata.deletionTimestamp !== undefined && isFree(next) && kind !== 'Namespace')
      return this.#erase(next, manager);
    return this.#put(
      kind === 'Secret' || kind === 'ConfigMap' ? withOwners(manager, before, next) : next,
      before,
      manager,
    );
  }

  /** As `kubectl delete`: what has finalizers stays, marked, until those are taken off; a namespace until it is empty. */
  remove(kind: string, name: ObjectName, by: string = byHand): void {
    const before = this.get(kind, name);
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return;
    if (kind === 'Namespace') this.#clock.after(collectAfterMs, () => this.#emptyNamespace(name.name));
    else if (isFree(before)) return void this.#erase(before, by);
    const deletionTimestamp = new Date(this.#clock.nowMs()).toISOString();
    this.#put({ ...before, metadata: { ...before.metadata, deletionTimestamp } }, before, by);
  }

  #emptyNamespace(name: string): void {
    const contents = [...this.#objects.values()].filter(({ metadata }) => metadata.namespace === name);
    for (const { kind = '', metadata } of contents) this.remove(kind, metadata, collector);
    const namespace = this.get('Namespace', { name });
    const isEmpty = ![...this.#objects.values()].some(({ metadata }) => metadata.namespace === name);
    if (namespace !== undefined && isEmpty && isFree(namespace)) this.#erase(namespace, collector);
    else this.#clock.after(collectAfterMs, () => this.#emptyNamespace(name));
  }

  #put(object: ModelObject, before: ModelObject | undefined, by: string): ModelObject {
    const after = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#objects.set(idOf(after.kind ?? '', after.metadata), after);
    this.#note(before, after, by);
    // Whoever names an owner that is gone already is found by the collector as well.
    if ((after.metadata.ownerReferences ?? []).length > 0) this.#collectSoon(after);
    return after;
  }

  #erase(object: ModelObject, by: string): ModelObject {
    this.#objects.delete(idOf(object.kind ?? '', object.metadata));
    this.#version++;
    this.#note(object, undefined, by);
    for (const one of this.#objects.values()) {
      if (one.metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) === true) this.#collectSoon(one);
    }
    return object;
  }

  /** An object whose owners are all gone goes too. */
  #collectSoon({ kind = '', metadata }: ModelObject): void {
    this.#clock.after(collectAfterMs, () => {
      const now = this.get(kind, metadata);
      const owners = now?.metadata.ownerReferences ?? [];
      if (now === undefined || owners.length === 0) return;
      const living = new Set([...this.#objects.values()].map((one) => one.metadata.uid));
      if (!owners.some(({ uid }) => living.has(uid))) this.remove(kind, metadata, collector);
    });
  }

  #note(before: ModelObject | undefined, after: ModelObject | undefined, by: string): void {
    const { kind = '', metadata } = after ?? before ?? { metadata: { name: '' } };
    const id = idOf(kind, metadata);
    const moments = this.#history.get(id) ?? [];
    moments.push({ atMs: this.#clock.monotonicMs(), object: after, by });
    this.#history.set(id, moments);
    const change = { version: this.#version, kind, before, after };
    this.changes.push(change);
    for (const listener of this.#listeners) listener(change);
  }
}

function withOwners(manager: string, before: ModelObject | undefined, object: ModelObject): ModelObject {
  return { ...object, metadata: { ...object.metadata, managedFields: ownersAfter(manager, before, object) } };
}

function isFree({ metadata }: ModelObject): boolean {
  return (metadata.finalizers ?? []).length === 0;
}

function idOf(kind: string, { namespace, name }: ObjectName): string {
  return `${kind}/${keyOf(isNamespaced(kind) && namespace !== undefined ? { namespace, name } : { name })}`;
}
