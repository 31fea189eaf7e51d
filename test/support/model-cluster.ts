// A cluster in memory under the real controllers: objects with resourceVersions, uids and generations, 409 and 404, watches
// that lag but keep their order, garbage collection by owner, and faults that a test puts in the way of single calls. Time
// is a fake clock, so hours pass in milliseconds.

import { randomBytes } from 'node:crypto';
import { OperatorError } from '../../src/base/operator-error.ts';
import { Slots } from '../../src/base/slots.ts';
import { type Controllers, createControllers } from '../../src/controller/controllers.ts';
import { LoopShare } from '../../src/controller/desk.ts';
import { kinds } from '../../src/controller/kinds.ts';
import { seriesOf } from '../../src/controller/kit/kind.ts';
import { OwnWrites } from '../../src/controller/kit/own-writes.ts';
import { Writer } from '../../src/controller/kit/writer.ts';
import { externalSecretRecord, keptTargetRecord, storeRecord } from '../../src/controller/records.ts';
import type { Followed } from '../../src/controller/rooms.ts';
import { managedLabel, managedLabelValue } from '../../src/core/contract-names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { StoreRef } from '../../src/core/selection.ts';
import { answerOrder, type JobOrder } from '../../src/core/thread-jobs.ts';
import type { Informer, InformerEvent, Kube } from '../../src/kube/contract.ts';
import type { KubeObject, ObjectName, Resource, Secret } from '../../src/kube/types.ts';
import type { Provider, StoreReader } from '../../src/providers/contract.ts';
import { Registry } from '../../src/telemetry/metrics.ts';
import { operatorMetrics } from '../../src/telemetry/operator-metrics.ts';
import { FakeClock } from './fake-clock.ts';

/** A custom resource or a Secret, as the cluster holds it. */
export interface ModelObject extends Secret {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
      readonly observedGeneration?: number;
    }[];
    readonly binding?: { readonly name: string };
  };
}

export type Verb = 'get' | 'create' | 'update' | 'status' | 'patch' | 'delete';

/** One call to the API server. */
export interface Call {
  readonly verb: Verb;
  readonly kind: string;
  readonly name: string;
  readonly atMs: number;
  /** What came of it: 'done', or the reason of the refusal. */
  outcome: string;
}

/** What a test does to a call: `refuse` before it acts, `lose` the answer after it acted; a function runs in between. */
export type Fault = (call: Call) => 'refuse' | 'lose' | 'conflict' | (() => void) | undefined;

interface Shown<T> extends Informer<T> {
  take(key: string, object: ModelObject | undefined, version: string): void;
  /** As the bookmark at the end of a list. */
  reach(version: string): void;
}

interface ModelOptions {
  /** A number in [0, 1) per call, for delays. */
  readonly random?: () => number;
  readonly storeReconciler?: boolean;
  readonly clusterStores?: boolean;
}

const namespace = 'n';
const managed = (object: ModelObject) => object.metadata.labels?.[managedLabel] === managedLabelValue;

export class ModelCluster {
  readonly clock = new FakeClock();
  readonly calls: Call[] = [];
  /** Reads of an upstream, by store. */
  readonly reads: { readonly store: string; readonly atMs: number }[] = [];
  /** Releases of connections, by holder. */
  readonly released: string[] = [];
  /** Lines of the log that should not be there. */
  readonly faults: string[] = [];
  fault: Fault = () => undefined;
  /** Told before a store's answer is given; may throw, and may wait. */
  upstream: (store: string) => Promise<void> | void = () => {};
  /** Delay of the next watch events, in ms. */
  watchLagMs: () => number;
  readonly #objects = new Map<string, ModelObject>();
  readonly #random: () => number;
  readonly #storeReconciler: boolean;
  readonly #clusterStores: boolean;
  #version = 100;
  #uid = 0;
  /** Per kind: the instant before which no event may arrive, so that watches keep their order. */
  readonly #lastTold = new Map<string, number>();
  #followers = new Map<string, Shown<never>>();
  #isDeaf = new Set<string>();
  #objectListeners: ((resource: Resource, name: ObjectName) => void)[] = [];
  /** What was fetched of a store last, by any connection. */
  readonly #fetched = new Map<string, string>();
  readonly #scopeListeners = new Set<(scope: string, startedAtMs: number) => void>();
  #controllers: Controllers | undefined;

  constructor({ random = () => 0.5, storeReconciler = true, clusterStores = true }: ModelOptions = {}) {
    this.#random = random;
    this.#storeReconciler = storeReconciler;
    this.#clusterStores = clusterStores;
    this.watchLagMs = () => random() * 60;
  }

  // What users, other controllers and the garbage collector do.

  get(kind: string, name: string): ModelObject | undefined {
    return this.#objects.get(`${kind}/${name}`);
  }

  all(kind: string): ModelObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${kind}/`)).map(([, object]) => object);
  }

  /** Creates or replaces; an edit of the spec makes a new generation. */
  apply(kind: string, name: string, change: Omit<ModelObject, 'metadata'> & { labels?: Record<string, string> }): void {
    const { labels, ...parts } = change;
    const old = this.get(kind, name);
    const isEdit = JSON.stringify(old?.spec) !== JSON.stringify(parts.spec ?? old?.spec);
    const generation = (old?.metadata.generation ?? 0) + (isEdit || old === undefined ? 1 : 0);
    const uid = old?.metadata.uid ?? `u${++this.#uid}`;
    const marks = labels === undefined ? {} : { labels };
    this.#store(kind, {
      kind,
      ...old,
      ...parts,
      metadata: { ...old?.metadata, ...marks, name, namespace, uid, generation },
    });
  }

  /** Edits metadata or data in place. */
  edit(kind: string, name: string, change: (object: ModelObject) => ModelObject): void {
    const old = this.get(kind, name);
    if (old !== undefined) this.#store(kind, change(structuredClone(old)));
  }

  remove(kind: string, name: string): void {
    const old = this.get(kind, name);
    if (old === undefined) return;
    this.#objects.delete(`${kind}/${name}`);
    this.#tell(kind, name, undefined, String(++this.#version));
    if (kind !== 'ExternalSecret') return;
    for (const secret of this.all('Secret')) this.#collect(secret);
  }

  /** The watch of a kind shows nothing until `hear`, which lists anew: what came and went meanwhile never shows. */
  deafen(kind: string): void {
    this.#isDeaf.add(kind);
  }

  hear(kind: string): void {
    this.#isDeaf.delete(kind);
    const informer = this.#followers.get(kind);
    if (informer === undefined) return;
    const names = new Set([...informer.entries()].map(([key]) => key.split('/')[1] ?? ''));
    for (const { metadata } of this.all(kind)) names.add(metadata.name);
    for (const name of names) this.#deliver(kind, name, this.get(kind, name), String(this.#version));
    informer.reach(String(this.#version));
  }

  /** An object that a store refers to changed: dependents hear of it as the watcher of single objects tells it. */
  changeCredential(name: string): void {
    for (const listener of this.#objectListeners) listener(secretResource, { namespace, name });
  }

  // The operator.

  start(): void {
    const { clock } = this;
    const kube = this.#kube();
    const slots = new Slots(8);
    const log = {
      info() {},
      warn() {},
      debug() {},
      error: ({ err }: { err?: unknown }, message: string) =>
        void this.faults.push(`${message} ${err instanceof Error ? err.stack : String(err)}`),
    };
    const secrets = this.#follow('Secret', keptTargetRecord, managed);
    const externalSecrets = this.#follow('ExternalSecret', externalSecretRecord);
    const stores = this.#follow('SecretStore', storeRecord('SecretStore'));
    this.#controllers = createControllers({
      // The model has no thread: what is too much for the loop is done there all the same.
      desk: {
        heavy: { run: async (_, order) => answerOrder(order() as JobOrder) }, // the desk's own
        loop: new LoopShare(() => Promise.resolve()),
      },
      generation: {
        random: randomBytes,
        keyPair: () => Promise.reject(new Error('no key pairs in the model')),
        sendWebhook: () => Promise.reject(new Error('no webhooks in the model')),
      },
      kube,
      slots,
      writer: new Writer({ kube, slots, guard: () => {} }),
      events: { record: () => {} },
      dialect: { extended: true },
      clock,
      log,
      metrics: operatorMetrics(new Registry(), {
        startedAtMs: 0,
        version: '1',
        extendedLabels: false,
        monotonicMs: () => clock.monotonicMs(),
        kinds: Object.values(kinds).map(seriesOf),
      }),
      news: {
        subscribe: (listener) => {
          this.#scopeListeners.add(listener);
          return () => void this.#scopeListeners.delete(listener);
        },
      },
      caches: { kinds: { ExternalSecret: externalSecrets, SecretStore: stores }, targets: secrets },
      connect: {
        namespaceLabels: async () => ({}),
        provider: () => this.#provider(),
        objects: {
          hold: () => {},
          release: () => {},
          read: async () => undefined,
          subscribe: (listener) => {
            this.#objectListeners.push(listener);
            return () => {};
          },
        },
        tokens: { createToken: async () => new SecretValue('t') },
        operator: {
          checkChooser() {},
          sources() {
            throw new Error('not asked for');
          },
        },
        controllerClass: 'default',
        clusterStores: this.#clusterStores,
        signal: new AbortController().signal,
      },
      capabilities: () => 'ReadOnly',
      notes: { begin: () => () => {} },
      heartbeatMs: 3_600_000,
      templateDelimiters: ['{{', '}}'],
      storeRequeueMs: 300_000,
      storeReconciler: this.#storeReconciler,
    });
    this.#controllers.start();
  }

  /** As a process that is killed, but for its timers, which end with it. */
  async stop(): Promise<void> {
    const stopped = this.#controllers?.stop(0);
    await this.clock.advance(200);
    await stopped;
    this.#controllers = undefined;
    this.#followers = new Map();
    this.#objectListeners = [];
  }

  // Within.

  #store(kind: string, object: ModelObject): ModelObject {
    const version = String(++this.#version);
    const stored: ModelObject = { ...object, metadata: { ...object.metadata, resourceVersion: version } };
    this.#objects.set(`${kind}/${object.metadata.name}`, stored);
    this.#tell(kind, object.metadata.name, stored, version);
    if (kind === 'Secret') this.#collect(stored);
    return structuredClone(stored);
  }

  /** Deletes a Secret whose owner is gone, a moment later, as the garbage collector does. */
  #collect({ metadata: { name, uid } }: ModelObject): void {
    this.clock.after(300, () => {
      const secret = this.get('Secret', name);
      const owners = secret?.metadata.ownerReferences ?? [];
      if (secret?.metadata.uid !== uid || owners.length === 0) return;
      const alive = new Set(this.all('ExternalSecret').map(({ metadata }) => metadata.uid));
      if (!owners.some((owner) => alive.has(owner.uid))) this.remove('Secret', name);
    });
  }

  #tell(kind: string, name: string, object: ModelObject | undefined, version: string): void {
    const nowMs = this.clock.monotonicMs();
    const atMs = Math.max(this.#lastTold.get(kind) ?? 0, nowMs + this.watchLagMs());
    this.#lastTold.set(kind, atMs);
    this.clock.after(atMs - nowMs, () => {
      if (!this.#isDeaf.has(kind)) this.#deliver(kind, name, object, version);
    });
  }

  #deliver(kind: string, name: string, object: ModelObject | undefined, version: string): void {
    this.#followers.get(kind)?.take(`${namespace}/${name}`, object, version);
  }

  #follow<T extends { readonly uid: string; readonly resourceVersion: string }>(
    kind: string,
    trim: (object: ModelObject) => T,
    selects: (object: ModelObject) => boolean = () => true,
  ): Followed<T> {
    const kept = new Map<string, T>();
    const listeners = new Set<(event: InformerEvent<T>) => void>();
    let shown = '';
    for (const object of this.all(kind).filter(selects)) kept.set(`${namespace}/${object.metadata.name}`, trim(object));
    const informer: Shown<T> = {
      get: (key) => kept.get(key),
      values: () => kept.values(),
      entries: () => kept.entries(),
      hasSynced: () => true,
      shownVersion: () => shown,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      stop: () => {},
      reach: (version) => {
        shown = version;
        view.catchUp();
      },
      take: (key, object, version) => {
        const before = kept.get(key);
        const isStale = Number(version) < Number(shown);
        const isSame = object !== undefined && before?.resourceVersion === object.metadata.resourceVersion;
        if (isStale || isSame) return;
        const after = object !== undefined && selects(object) ? trim(object) : undefined;
        if (after !== undefined) kept.set(key, after);
        else kept.delete(key);
        if (before !== undefined || after !== undefined)
          for (const listener of listeners) listener({ key, before, after, initial: false });
        shown = version;
        view.catchUp();
      },
    };
    shown = String(this.#version);
    this.#followers.set(kind, informer as Shown<never>);
    const view = new OwnWrites(informer);
    return { informer, view };
  }

  #kube(): Kube {
    const act = async <T>(verb: Verb, kind: string, name: string, signal: AbortSignal, work: () => T): Promise<T> => {
      const call: Call = { verb, kind, name, atMs: this.clock.monotonicMs(), outcome: 'under way' };
      this.calls.push(call);
      await this.#wait(5 + this.#random() * 20);
      if (signal.aborted) throw signal.reason;
      try {
        const fault = this.fault(call);
        if (fault === 'refuse') throw new OperatorError('ApiUnavailable', 'HTTP 500');
        if (fault === 'conflict') throw new OperatorError('Conflict', 'it has changed since it was read');
        const answer = work();
        if (fault === 'lose') throw new OperatorError('ApiUnavailable', 'connection closed');
        if (typeof fault === 'function') fault();
        call.outcome = 'done';
        await this.#wait(5 + this.#random() * 20);
        return answer;
      } catch (thrown) {
        if (thrown instanceof OperatorError) call.outcome = thrown.reason;
        throw thrown;
      }
    };
    // What the model holds of a kind is what callers expect of it.
    const as = <T extends KubeObject>(object: ModelObject) => object as KubeObject as T;
    return {
      get: <T extends KubeObject>({ kind }: Resource, { name }: ObjectName, signal: AbortSignal) =>
        act('get', kind, name, signal, () => as<T>(structuredClone(this.#found(kind, name)))),
      create: <T extends KubeObject>({ kind }: Resource, object: T, _: unknown, signal: AbortSignal) =>
        act('create', kind, object.metadata.name, signal, () => {
          if (this.get(kind, object.metadata.name) !== undefined) throw new OperatorError('Conflict', 'exists');
          return as<T>(
            this.#store(kind, { ...object, kind, metadata: { ...object.metadata, uid: `u${++this.#uid}` } }),
          );
        }),
      update: <T extends KubeObject>({ kind }: Resource, object: T, _: unknown, signal: AbortSignal) =>
        act('update', kind, object.metadata.name, signal, () => {
          this.#checked(kind, object.metadata);
          return as<T>(this.#store(kind, object));
        }),
      mergePatch: <T extends KubeObject>(
        { kind }: Resource,
        { name }: ObjectName,
        patch: unknown,
        options: { subresource?: string },
        signal: AbortSignal,
      ) =>
        act(options.subresource === 'status' ? 'status' : 'patch', kind, name, signal, () => {
          const { metadata, status } = patch as ModelObject;
          const old = this.#checked(kind, { ...metadata, name });
          return as<T>(this.#store(kind, { ...old, status: { ...old.status, ...status } }));
        }),
      delete: ({ kind }, { name }, { preconditions = {} }, signal) =>
        act('delete', kind, name, signal, () => {
          if (this.get(kind, name) === undefined) return;
          this.#checked(kind, { ...preconditions, name });
          this.remove(kind, name);
        }),
    };
  }

  #found(kind: string, name: string): ModelObject {
    const object = this.get(kind, name);
    if (object === undefined) throw new OperatorError('ReferenceNotFound', `${kind} "${name}" not found`);
    return object;
  }

  #checked(kind: string, wanted: { name: string; uid?: string; resourceVersion?: string }): ModelObject {
    const object = this.#found(kind, wanted.name);
    const { uid, resourceVersion } = object.metadata;
    if ((wanted.uid ?? uid) !== uid || (wanted.resourceVersion ?? resourceVersion) !== resourceVersion)
      throw new OperatorError('Conflict', 'it has changed since it was read');
    return object;
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.after(ms, resolve));
  }

  /** Values are what the store's spec holds when it is read: `spec.provider.fake.data`. */
  #provider(): Provider<unknown> {
    return {
      capabilities: 'ReadOnly',
      connect: async (spec, { storeName, credentials }, signal): Promise<StoreReader> => {
        const { data } = spec as { data: readonly { key: string; value: string }[] };
        const watch = { name: `${storeName}-credential`, key: 'k' };
        await credentials.secretKey(watch, 'auth', signal).catch(() => {}); // so that its changes reach the store
        // As snapshots do: what was fetched late enough serves again.
        let fetchedAtMs = Number.NEGATIVE_INFINITY;
        return {
          phaseKey: storeName,
          origin: `https://${storeName}.test`,
          read: async (requests, { notBeforeMs, noteScope }) => {
            noteScope?.(storeName);
            if (fetchedAtMs < notBeforeMs) {
              const startedMs = this.clock.monotonicMs();
              this.reads.push({ store: storeName, atMs: startedMs });
              await this.#wait(10 + this.#random() * 40);
              await this.upstream(storeName);
              fetchedAtMs = startedMs;
              this.#publish(storeName, data, startedMs);
            }
            return requests.map((request) => {
              const key = request.kind === 'find' ? '' : request.key;
              const value = this.values.get(`${storeName}/${key}`) ?? data.find((entry) => entry.key === key)?.value;
              if (value === undefined) return { error: new OperatorError('SecretNotFound', `no key "${key}"`) };
              return { values: new Map([[key, new SecretValue(value)]]) };
            });
          },
          validate: async () => {
            await this.upstream(storeName);
            return 'valid';
          },
        };
      },
      release: (holder) => void this.released.push(holder),
    };
  }

  #publish(store: string, data: unknown, startedAtMs: number): void {
    const all = JSON.stringify([data, ...[...this.values].filter(([key]) => key.startsWith(`${store}/`))]);
    if (this.#fetched.get(store) === all) return;
    this.#fetched.set(store, all);
    for (const listener of this.#scopeListeners) listener(store, startedAtMs);
  }

  /** Values that stand upstream, and not in the store's spec, by `store/key`. */
  readonly values = new Map<string, string>();
}

const secretResource: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };

/** The spec of an ExternalSecret that copies `key` of each store to a key named as the store. */
export function specOf(
  stores: readonly string[],
  { target, key = 'k', interval = '1h' }: { target: string; key?: string; interval?: string },
) {
  const [first = ''] = stores;
  const refOf = (name: string): StoreRef => ({ kind: 'SecretStore', name });
  return {
    secretStoreRef: refOf(first),
    refreshInterval: interval,
    target: { name: target },
    data: stores.map((store) => ({ secretKey: store, remoteRef: { key }, sourceRef: { storeRef: refOf(store) } })),
  };
}

/** The spec of a store that holds these values. */
export function storeSpec(values: Readonly<Record<string, string>>) {
  return { provider: { fake: { data: Object.entries(values).map(([key, value]) => ({ key, value })) } } };
}

export function readyOf(object: ModelObject | undefined) {
  return object?.status?.conditions?.find(({ type }) => type === 'Ready');
}

export function textIn(secret: ModelObject | undefined, key: string): string | undefined {
  const text = secret?.data?.[key];
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString();
}
