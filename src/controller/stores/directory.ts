// The stores that are there, whoever serves them: follows their informers whatever the flags say, and tells everybody in
// the same way what became of a store. What was read from stores is compared by their versions as named here.
import type { StoreRef } from '../../core/selection.ts';
import type { Informer, InformerEvent } from '../../kube/contract.ts';
import { keyOf } from '../../kube/types.ts';
import { keyOfStore, storeKey } from '../connect.ts';
import type { OwnWrites } from '../kit/own-writes.ts';
import type { StoreKind, StoreRecord } from '../records.ts';

/** `replaced`: deleted and made anew, with or without a moment in which there was none. */
export type StoreChange = 'new' | 'edited' | 'replaced' | 'gone';

/** `store` is the record after the change, or the last one that was there. */
export type StoreListener = (change: StoreChange, key: string, store: StoreRecord) => void;

export interface FollowedStores {
  readonly informer: Informer<StoreRecord>;
  readonly view: OwnWrites<StoreRecord>;
}

export class StoreDirectory {
  readonly #kinds: Readonly<Partial<Record<StoreKind, FollowedStores>>>;
  readonly #listeners = new Set<StoreListener>();
  readonly #unsubscribe: readonly (() => void)[];
  /** How often the labels of a namespace changed, by which cluster stores open and close to it. */
  readonly #labelChanges = new Map<string, number>();
  /** How often an object changed that a store gives the values of, by the store. */
  readonly #sourceChanges = new Map<string, number>();

  constructor(kinds: Readonly<Partial<Record<StoreKind, FollowedStores>>>) {
    this.#kinds = kinds;
    this.#unsubscribe = Object.values(kinds).map(({ informer }) => informer.subscribe((event) => this.#onEvent(event)));
  }

  /** `key` is `namespace/name`, or `name` for cluster stores. */
  get(kind: StoreKind, key: string): StoreRecord | undefined {
    return this.#kinds[kind]?.view.get(key);
  }

  *values(): Iterable<StoreRecord> {
    for (const { informer } of Object.values(this.#kinds)) yield* informer.values();
  }

  /** The listener hears of every change from now on; listeners hear in the order in which they came. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Says the same as long as the stores, as they are seen from this namespace, are the same. */
  versionOf(refs: readonly StoreRef[], namespace: string): string {
    return refs.map((ref) => this.#versionOf(ref, namespace)).join();
  }

  namespaceChanged(namespace: string): void {
    this.#labelChanges.set(namespace, (this.#labelChanges.get(namespace) ?? 0) + 1);
  }

  /** An object that the store gives the values of changed: what was read from the store is old. */
  sourceChanged(store: string): void {
    this.#sourceChanges.set(store, (this.#sourceChanges.get(store) ?? 0) + 1);
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#listeners.clear();
  }

  #versionOf({ kind, name }: StoreRef, namespace: string): string {
    const store = this.get(kind, keyOf(kind === 'SecretStore' ? { namespace, name } : { name }));
    if (store === undefined) return 'none';
    const labels = kind === 'ClusterSecretStore' ? `.${this.#labelChanges.get(namespace) ?? 0}` : '';
    const changes = this.#sourceChanges.get(keyOfStore(store));
    return `${store.uid}.${store.generation}${labels}${changes === undefined ? '' : `+${changes}`}`;
  }

  #onEvent({ before, after }: InformerEvent<StoreRecord>): void {
    const store = after ?? before;
    const change = changeOf(before, after);
    if (store === undefined || change === undefined) return;
    if (change === 'gone') this.#sourceChanges.delete(keyOfStore(store));
    for (const listener of this.#listeners) listener(change, keyOfStore(store), store);
  }
}

/** The keys of the stores that an object of a namespace names. */
export function storeKeysOf(refs: readonly StoreRef[], namespace: string): readonly string[] {
  return refs.map(({ kind, name }) => storeKey(kind, kind === 'SecretStore' ? { namespace, name } : { name }));
}

function changeOf(before: StoreRecord | undefined, after: StoreRecord | undefined): StoreChange | undefined {
  if (after === undefined) return before === undefined ? undefined : 'gone';
  if (before === undefined) return 'new';
  if (before.uid !== after.uid) return 'replaced';
  return before.generation === after.generation ? undefined : 'edited';
}
