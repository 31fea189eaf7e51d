// From a store's name to a reader: finds the store, checks who may use it, resolves its credentials and asks its provider
// to connect. A connection is kept until the store or an object that it looked at changes; the change is announced, so
// that dependents run again. No call to an upstream is made here: providers log in when something is read.
import { unlessAborted } from '../base/abort.ts';
import { OperatorError } from '../base/operator-error.ts';
import { nearest } from '../core/esc/nearest.ts';
import type { Workplaces } from '../core/jobs.ts';
import type { StoreRef } from '../core/selection.ts';
import { beforeConditions, mayUseStore, needsNamespaceLabels } from '../core/store-access.ts';
import { foreignProviderNames, isForeignProvider } from '../crds/foreign-providers.ts';
import { isServedProvider, servedProviders } from '../crds/secret-store.ts';
import {
  type CredentialPorts,
  type ObjectReader,
  storeCredentials,
  type TokenMinter,
} from '../credentials/store-credentials.ts';
import { type KubeObject, keyOf, type ObjectName, type Resource } from '../kube/types.ts';
import type { Provider, StoreReader } from '../providers/contract.ts';
import type { StoreKind, StoreRecord } from './records.ts';
import { clusterSources } from './stores/cluster-sources.ts';
import type { StoreDirectory } from './stores/directory.ts';
import { notedReads } from './stores/noted-reader.ts';

/** The watched single objects, counted by who needs them. */
export interface WatchedObjects {
  hold(resource: Resource, name: ObjectName, holder: string): void;
  release(holder: string): void;
  read<T extends KubeObject>(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<T | undefined>;
  subscribe(listener: (resource: Resource, name: ObjectName) => void): () => void;
}

export interface ConnectDeps {
  readonly store: (kind: StoreKind, key: string) => StoreRecord | undefined;
  readonly namespaceLabels: (
    name: string,
    signal: AbortSignal,
  ) => Promise<Readonly<Record<string, string>> | undefined>;
  readonly provider: (name: string) => Provider<unknown> | undefined;
  readonly objects: WatchedObjects;
  readonly tokens: TokenMinter;
  /** The operator's own identities. */
  readonly operator: CredentialPorts['operator'];
  /** Where what is read through a store is noted. */
  readonly workplaces: Workplaces;
  readonly controllerClass: string;
  /** False when ClusterSecretStores are switched off by flag. */
  readonly clusterStores: boolean;
  /** True when it hangs on the labels of a namespace which hosts its stores may name. */
  readonly hostsByLabels?: boolean;
  /** Ends with the process: a connection outlives the run that asked for it. */
  readonly signal: AbortSignal;
}

/** `SecretStore/namespace/name` or `ClusterSecretStore/name`. */
export function storeKey(kind: StoreKind, name: ObjectName): string {
  return `${kind}/${keyOf(name)}`;
}

interface Connection {
  readonly generation: number;
  readonly uid: string;
  readonly end: () => void;
  readonly reader: Promise<StoreReader>;
}

/** The connections of one store, by consumer namespace ('' for SecretStores and for the store itself). */
interface StoreConnectionSet {
  readonly open: Map<string, Connection>;
  /** Ends of connections that were replaced: kept until a new one holds the session, so that it is not revoked between. */
  replaced: (() => void)[];
}

export class StoreConnections {
  readonly #deps: ConnectDeps;
  readonly #connections = new Map<string, StoreConnectionSet>();
  /** Which stores looked at an object. */
  readonly #lookers = new Map<string, Set<string>>();
  readonly #listeners: ((store: string) => void)[] = [];
  readonly #sourceListeners: ((store: string) => void)[] = [];
  #holders = 0;

  constructor(deps: ConnectDeps) {
    this.#deps = deps;
    deps.objects.subscribe((resource, name) => this.#objectChanged(resource, name));
  }

  /** `listener` hears of stores whose connection was dropped because an object that they refer to changed. */
  whenDropped(listener: (store: string) => void): void {
    this.#listeners.push(listener);
  }

  /** `listener` hears, before those above do, of stores whose values come from an object that changed. */
  whenSourceChanged(listener: (store: string) => void): void {
    this.#sourceListeners.push(listener);
  }

  /**
   * The namespace has other labels: what its SecretStores may reach is judged anew, by connecting again. ClusterSecretStores
   * are judged at each use anyway.
   */
  namespaceChanged(namespace: string): void {
    if (this.#deps.hostsByLabels !== true) return;
    for (const [key, set] of this.#connections) {
      if (!key.startsWith(storeKey('SecretStore', { namespace, name: '' }))) continue;
      replaceAll(set);
      for (const listener of this.#listeners) listener(key);
    }
  }

  /** Ends the connections of stores as they go. */
  follow(stores: Pick<StoreDirectory, 'subscribe'>): void {
    stores.subscribe((change, key) => {
      if (change === 'gone' || change === 'replaced') this.drop(key);
    });
  }

  /** Whether no store in `refs` is of another class, as far as the stores are known; missing stores count as ours. */
  isOurs(refs: readonly StoreRef[], namespace: string): boolean {
    return refs.every((ref) => {
      const store = this.#lookUp(ref, namespace);
      return store === undefined || this.#isOurClass(store);
    });
  }

  /** A store of another class, or of a provider that another controller serves, belongs to somebody else. */
  isOurStore(store: StoreRecord): boolean {
    return this.#isOurClass(store) && !isStrangers(store);
  }

  /**
   * The first store that another controller serves because of its provider, without saying so by its class: whoever names
   * it may wait for a controller that is not there.
   */
  strangerAmong(refs: readonly StoreRef[], namespace: string): StoreRecord | undefined {
    return refs.map((ref) => this.#lookUp(ref, namespace)).find((store) => store !== undefined && isStrangers(store));
  }

  #isOurClass({ controller }: StoreRecord): boolean {
    return controller === '' || controller === this.#deps.controllerClass;
  }

  /** A reader for an ExternalSecret of `namespace`. Throws StoreNotFound, StoreDenied, and what connecting throws. */
  async connect(ref: StoreRef, namespace: string, signal: AbortSignal): Promise<StoreReader> {
    if (ref.kind === 'ClusterSecretStore' && !this.#deps.clusterStores) {
      const flag = '--enable-cluster-store-reconciler=false';
      throw new OperatorError(
        'SwitchedOff',
        `ClusterSecretStore "${ref.name}" is not served: the operator runs with ${flag}`,
      );
    }
    const store = this.#lookUp(ref, namespace);
    if (store === undefined) {
      const where = ref.kind === 'SecretStore' ? ` in namespace "${namespace}"` : '';
      const meant = this.#otherKindHint(ref, namespace);
      const message = `${ref.kind} "${ref.name}" does not exist${where}${meant}`;
      throw new OperatorError('StoreNotFound', message, meant === '' ? {} : { hint: '' });
    }
    if (ref.kind === 'ClusterSecretStore') await this.#refuseDenied(store, namespace, signal);
    return await this.#connected(store, ref.kind === 'ClusterSecretStore' ? namespace : undefined, signal);
  }

  /** A reader for the store itself, in nobody's name. */
  async connectStore(store: StoreRecord, signal: AbortSignal): Promise<StoreReader> {
    return await this.#connected(store, undefined, signal);
  }

  /** The store changed or is gone: its connections end, and what only they looked at is watched no more. */
  drop(key: string): void {
    const connections = this.#connections.get(key);
    this.#connections.delete(key);
    for (const [object, lookers] of this.#lookers) {
      if (lookers.delete(key) && lookers.size === 0) this.#lookers.delete(object);
    }
    this.#deps.objects.release(key);
    for (const { end } of connections?.open.values() ?? []) end();
    for (const end of connections?.replaced ?? []) end();
  }

  #lookUp(ref: StoreRef, namespace: string): StoreRecord | undefined {
    return this.#deps.store(
      ref.kind,
      keyOf(ref.kind === 'SecretStore' ? { namespace, name: ref.name } : { name: ref.name }),
    );
  }

  /** `kind` is easily forgotten, and defaults to SecretStore. */
  #otherKindHint({ kind, name }: StoreRef, namespace: string): string {
    const other = kind === 'SecretStore' ? 'ClusterSecretStore' : 'SecretStore';
    if (other === 'ClusterSecretStore' && !this.#deps.clusterStores) return '';
    if (this.#lookUp({ kind: other, name }, namespace) === undefined) return '';
    return `; there is a ${other} of that name: set secretStoreRef.kind to ${other}`;
  }

  async #refuseDenied(store: StoreRecord, namespace: string, signal: AbortSignal): Promise<void> {
    const conditions = 'ok' in store.spec ? store.spec.ok.conditions : undefined;
    const labels = needsNamespaceLabels(conditions) ? await this.#deps.namespaceLabels(namespace, signal) : undefined;
    await beforeConditions(conditions);
    if (mayUseStore(conditions, { name: namespace, labels })) return;
    throw new OperatorError(
      'StoreDenied',
      `using cluster store "${store.name}" is not allowed from namespace "${namespace}": denied by spec.conditions of the store`,
    );
  }

  async #connected(
    store: StoreRecord,
    consumerNamespace: string | undefined,
    signal: AbortSignal,
  ): Promise<StoreReader> {
    const key = keyOfStore(store);
    const consumer = consumerNamespace ?? '';
    const known = this.#connections.get(key)?.open.get(consumer);
    if (known !== undefined && known.generation === store.generation && known.uid === store.uid) {
      return await unlessAborted(known.reader, signal);
    }
    const set = this.#connections.get(key) ?? { open: new Map<string, Connection>(), replaced: [] };
    this.#connections.set(key, set);
    if (known !== undefined) replaceAll(set);
    const connection = this.#open(store, consumerNamespace);
    set.open.set(consumer, connection);
    try {
      const reader = await unlessAborted(connection.reader, signal);
      for (const end of set.replaced.splice(0)) end();
      return reader;
    } catch (thrown) {
      // A failed connection is not kept, but what it looked at stays watched: a repair there wakes the dependents.
      if (!signal.aborted && set.open.get(consumer) === connection) set.open.delete(consumer);
      throw thrown;
    }
  }

  #open(store: StoreRecord, consumerNamespace: string | undefined): Connection {
    const { generation, uid } = store;
    const holder = `${keyOfStore(store)}#${++this.#holders}`;
    const name = store.providers.find(isServedProvider);
    const provider = name === undefined ? undefined : this.#deps.provider(name);
    const life = { hasEnded: false };
    const open = async (): Promise<StoreReader> => {
      if ('issues' in store.spec) throw new OperatorError('InvalidSpec', store.spec.issues.join('; '));
      if (name === undefined) throw unknownProvider(store.providers);
      if (provider === undefined) {
        throw new OperatorError(
          'Unsupported',
          `spec.provider.${name} is not served: unknown to this version of Escapement, or turned off`,
        );
      }
      const storeNamespace = store.kind === 'SecretStore' ? store.namespace : undefined;
      const referrer = { kind: store.kind, name: store.name, namespace: storeNamespace, consumerNamespace };
      const objects = this.#watchedReader(store, life);
      const { tokens, operator, workplaces } = this.#deps;
      const noted = notedReads(store, consumerNamespace, workplaces);
      const credentials = storeCredentials(referrer, { objects, tokens, operator });
      const context = {
        storeKind: store.kind,
        storeName: store.name,
        storeNamespace,
        consumerNamespace,
        credentials,
        cluster: clusterSources(store.name, { objects, tokens, operator }),
        caText: credentials.caText,
        holder,
        readsLarge: noted.readsLarge,
      };
      const block = (store.spec.ok.provider as Record<string, unknown>)[name]; // read by the schema of the same name
      return noted.around(await provider.connect(block, context, this.#deps.signal));
    };
    const reader = open();
    reader.catch(() => {}); // every caller sees the failure through its own await
    const end = () => {
      life.hasEnded = true;
      provider?.release(holder);
    };
    return { generation, uid, reader, end };
  }

  /** Reads objects for a store and remembers that it did, for as long as the connection lives. */
  #watchedReader(store: StoreRecord, life: { readonly hasEnded: boolean }): ObjectReader {
    const key = keyOfStore(store);
    return {
      read: async (resource, name, signal) => {
        if (life.hasEnded) throw new OperatorError('Aborted', 'the connection has ended');
        const lookers = this.#lookers.get(objectKey(resource, name)) ?? new Set();
        this.#lookers.set(objectKey(resource, name), lookers.add(key));
        this.#deps.objects.hold(resource, name, key);
        return await this.#deps.objects.read(resource, name, signal);
      },
    };
  }

  #objectChanged(resource: Resource, name: ObjectName): void {
    for (const key of this.#lookers.get(objectKey(resource, name)) ?? []) {
      const set = this.#connections.get(key);
      if (set !== undefined) replaceAll(set);
      if (this.#followsObjects(key)) for (const listener of this.#sourceListeners) listener(key);
      for (const listener of this.#listeners) listener(key);
    }
  }

  #followsObjects(key: string): boolean {
    const slash = key.indexOf('/');
    const kind: StoreKind = key.startsWith('ClusterSecretStore/') ? 'ClusterSecretStore' : 'SecretStore';
    const name = this.#deps.store(kind, key.slice(slash + 1))?.providers.find(isServedProvider);
    return name !== undefined && this.#deps.provider(name)?.followsObjects === true;
  }
}

function isStrangers({ providers }: StoreRecord): boolean {
  return !providers.some(isServedProvider) && providers.some(isForeignProvider);
}

function unknownProvider(names: readonly string[]): OperatorError {
  const [name] = names;
  if (name === undefined) {
    return new OperatorError(
      'InvalidSpec',
      `spec.provider names no provider: set one of ${servedProviders.join(', ')}`,
    );
  }
  const { suggestion } = nearest(name, [...servedProviders, ...foreignProviderNames]);
  const meant =
    suggestion === undefined ? `this operator serves ${servedProviders.join(', ')}` : `did you mean "${suggestion}"?`;
  return new OperatorError('InvalidSpec', `spec.provider: no provider is called "${name.slice(0, 60)}"; ${meant}`);
}

/** The next connect opens anew; what is open lives until then. */
function replaceAll(set: StoreConnectionSet): void {
  set.replaced.push(...[...set.open.values()].map(({ end }) => end));
  set.open.clear();
}

export function keyOfStore(store: StoreRecord): string {
  return storeKey(
    store.kind,
    store.kind === 'SecretStore' ? { namespace: store.namespace, name: store.name } : { name: store.name },
  );
}

function objectKey(resource: Resource, name: ObjectName): string {
  return `${resource.plural}/${keyOf(name)}`;
}
