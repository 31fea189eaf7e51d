// A cluster in memory under the real controller of Environments: objects by kind and name, a watch that shows a change at
// once, and a note of what was written. Time is a fake clock.
import { OperatorError } from '../../src/base/operator-error.ts';
import { Slots } from '../../src/base/slots.ts';
import type { EnvironmentEvaluation } from '../../src/controller/environment/context.ts';
import { EnvironmentController } from '../../src/controller/environment/controller.ts';
import { Revisions } from '../../src/controller/environment/revisions.ts';
import { EnvironmentSources } from '../../src/controller/environment/sources.ts';
import { publishedConfigMaps, publishedSecrets } from '../../src/controller/environment/targets.ts';
import { fieldManager, kinds } from '../../src/controller/kinds.ts';
import { seriesOf } from '../../src/controller/kit/kind.ts';
import { OwnWrites } from '../../src/controller/kit/own-writes.ts';
import { Writer } from '../../src/controller/kit/writer.ts';
import {
  environmentRecord,
  keptConfigMapRecord,
  keptTargetRecord,
  revisionLabel,
  revisionRecord,
} from '../../src/controller/records.ts';
import { Recovery } from '../../src/controller/recovery.ts';
import { Reporter } from '../../src/controller/report.ts';
import { managedLabel, managedLabelValue } from '../../src/core/contract-names.ts';
import { inlineWorkplaces } from '../../src/core/jobs.ts';
import { loadParts } from '../../src/core/parts.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { EnvironmentStatus } from '../../src/crds/environment.ts';
import { secretResource } from '../../src/credentials/store-credentials.ts';
import type { Informer, InformerEvent, Kube } from '../../src/kube/contract.ts';
import type { EventDraft } from '../../src/kube/events.ts';
import { type KubeObject, keyOf, type ObjectMeta, type ObjectName, type Resource } from '../../src/kube/types.ts';
import { environmentEvaluation } from '../../src/providers/esc/check.ts';
import type { EscProvider } from '../../src/providers/esc/open/contract.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from '../../src/providers/esc/open/kubernetes.ts';
import { Registry } from '../../src/telemetry/metrics.ts';
import { operatorMetrics } from '../../src/telemetry/operator-metrics.ts';
import { FakeClock } from './fake-clock.ts';

export interface StoredObject extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: EnvironmentStatus;
  readonly data?: unknown;
  readonly revision?: number;
  readonly type?: string;
}

const steps = 20;

/** What was asked of the API server: `verb Kind name`. */
type Call = `${string} ${string} ${string}`;

// The clock of these tests waits for no file that is read.
await loadParts();

export class EnvironmentCluster {
  readonly clock = new FakeClock();
  readonly calls: Call[] = [];
  readonly events: EventDraft[] = [];
  readonly faults: string[] = [];
  /** What a call meets before it acts. */
  fault: (call: Call) => OperatorError | undefined = () => undefined;
  readonly providers: Record<string, EscProvider> = {
    'kubernetes-secrets': kubernetesSecrets,
    'kubernetes-configmaps': kubernetesConfigMaps,
  };
  readonly #objects = new Map<string, StoredObject>();
  readonly #tellers: ((kind: string, before: StoredObject | undefined, after: StoredObject | undefined) => void)[] = [];
  /** The namespace that the operator serves; undefined for all. */
  readonly #served: string | undefined;
  readonly #configMaps: boolean;
  #version = 100;
  #controller: EnvironmentController | undefined;

  constructor({ served, configMaps = true }: { readonly served?: string; readonly configMaps?: boolean } = {}) {
    this.#served = served;
    this.#configMaps = configMaps;
  }

  get(kind: string, key: string): StoredObject | undefined {
    return this.#objects.get(`${kind}/${key}`);
  }

  all(kind: string): readonly StoredObject[] {
    return [...this.#objects].filter(([key]) => key.startsWith(`${kind}/`)).map(([, object]) => object);
  }

  status(key: string): EnvironmentStatus {
    return this.get('Environment', key)?.status ?? {};
  }

  ready(key: string) {
    return this.status(key).conditions?.find(({ type }) => type === 'Ready');
  }

  /** Creates or replaces; a spec that differs makes a new generation. */
  apply(
    kind: string,
    key: string,
    parts: Omit<StoredObject, 'metadata' | 'kind'>,
    metadata: Partial<ObjectMeta> = {},
  ): void {
    const old = this.get(kind, key);
    const [first = '', second] = key.split('/');
    const name = second === undefined ? { name: first } : { namespace: first, name: second };
    const isEdit = JSON.stringify(old?.spec) !== JSON.stringify(parts.spec);
    const generation = (old?.metadata.generation ?? 0) + (isEdit || old === undefined ? 1 : 0);
    const uid = old?.metadata.uid ?? `uid-${++this.#version}`;
    this.#store(kind, key, {
      ...old,
      ...parts,
      kind,
      metadata: { ...old?.metadata, ...metadata, ...name, uid, generation },
    });
  }

  environment(key: string, spec: Readonly<Record<string, unknown>>): void {
    this.apply('Environment', key, { spec });
  }

  edit(kind: string, key: string, change: (object: StoredObject) => StoredObject): void {
    const old = this.get(kind, key);
    if (old !== undefined) this.#store(kind, key, change(old));
  }

  /** Deletes the object, and what it owns, as the garbage collector does. */
  remove(kind: string, key: string): void {
    const old = this.get(kind, key);
    if (old === undefined) return;
    this.#objects.delete(`${kind}/${key}`);
    this.#version++;
    for (const tell of this.#tellers) tell(kind, old, undefined);
    for (const [place, { metadata }] of this.#objects) {
      const isOwned = metadata.ownerReferences?.some(({ uid }) => uid === old.metadata.uid);
      if (isOwned) this.remove(place.slice(0, place.indexOf('/')), place.slice(place.indexOf('/') + 1));
    }
  }

  async settle(ms = 2_500): Promise<void> {
    // Chains of promises may be long, and the clock lets only short ones run to their end.
    for (let step = 0; step < steps; step++) await this.clock.advance(ms / steps);
  }

  start(
    evaluation: EnvironmentEvaluation = environmentEvaluation(new Map(Object.entries(this.providers)), {
      release: () => {},
    }),
  ): void {
    const { clock } = this;
    const kube = this.#kube();
    const slots = new Slots(8);
    const writer = new Writer({ kube, slots, guard: () => {} });
    const metrics = operatorMetrics(new Registry(), {
      startedAtMs: 0,
      version: '1',
      extendedLabels: false,
      kinds: Object.values(kinds).map(seriesOf),
      monotonicMs: () => clock.monotonicMs(),
    });
    const log = {
      info() {},
      warn() {},
      debug() {},
      error: ({ err }: { err?: unknown }) =>
        void this.faults.push(err instanceof Error ? String(err.stack) : String(err)),
    };
    const isServed = ({ metadata }: KubeObject) => this.#served === undefined || metadata.namespace === this.#served;
    const environments = this.#follow('Environment', environmentRecord, isServed);
    const revisions = this.#follow(
      'ControllerRevision',
      (object: KubeObject) => revisionRecord(object),
      (object) => isServed(object) && object.metadata.labels?.[revisionLabel] === 'true',
    );
    const objects = {
      hold() {},
      release() {},
      read: async <T extends KubeObject>({ kind }: Resource, name: ObjectName) =>
        this.get(kind, keyOf(name)) as T | undefined,
      subscribe: (listener: (resource: Resource, name: ObjectName) => void) => {
        this.#tellers.push((kind, before, after) => {
          const metadata = (after ?? before)?.metadata;
          if (metadata === undefined) return;
          const { namespace, name } = metadata;
          const plural = `${kind.toLowerCase()}s`;
          const resource = { group: '', version: 'v1', plural, kind, namespaced: namespace !== undefined };
          listener(resource, namespace === undefined ? { name } : { namespace, name });
        });
        return () => {};
      },
    };
    const tokens = { createToken: async () => new SecretValue('t') };
    const operator = {
      checkChooser() {},
      sources() {
        throw new Error('not asked for');
      },
    };
    const {
      definition: { resource },
      eventComponent,
    } = kinds.Environment;
    const written = {
      resource,
      view: environments.view,
      record: (answer: KubeObject) => environmentRecord(answer),
      count: () => {},
    };
    const events = { record: (event: EventDraft) => void this.events.push(event) };
    const sourcesFor = (purpose: 'check' | 'open') =>
      new EnvironmentSources({
        purpose,
        environments: environments.view,
        namespaces: this.#served === undefined ? [] : [this.#served],
        objects,
        tokens,
        operator,
      });
    const isManaged = ({ metadata }: KubeObject) => metadata.labels?.[managedLabel] === managedLabelValue;
    const secrets = this.#follow('Secret', (object: KubeObject) => keptTargetRecord(object), isManaged);
    const configMaps = this.#follow('ConfigMap', (object: KubeObject) => keptConfigMapRecord(object), isManaged);
    const writtenSecrets = {
      resource: secretResource,
      view: secrets.view,
      record: (answer: KubeObject) => keptTargetRecord(answer),
      count: () => {},
    };
    this.#controller = new EnvironmentController({
      informer: environments.informer,
      environments: environments.view,
      sources: sourcesFor('check'),
      openSources: sourcesFor('open'),
      secrets: publishedSecrets(secrets, writtenSecrets),
      configMaps: this.#configMaps ? publishedConfigMaps(configMaps) : undefined,
      heartbeatMs: 3_600_000,
      kube,
      revisions: new Revisions({ ...revisions, writer, kube }),
      evaluation,
      reporter: new Reporter(
        { written, eventComponent, fieldManager },
        { writer, events, clock, dialect: { extended: true } },
      ),
      controllerClass: 'default',
      writer,
      clock,
      log,
      metrics,
      recovery: new Recovery(clock, log),
      workplaces: inlineWorkplaces,
    });
    this.#controller.start();
  }

  async stop(): Promise<void> {
    const stopped = this.#controller?.stop(0);
    await this.clock.advance(100);
    await stopped;
    this.#tellers.length = 0;
  }

  #store(kind: string, key: string, object: StoredObject): StoredObject {
    const before = this.get(kind, key);
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    const stored = structuredClone({ ...object, metadata });
    this.#objects.set(`${kind}/${key}`, stored);
    for (const tell of this.#tellers) tell(kind, before, stored);
    return structuredClone(stored);
  }

  #follow<T extends { readonly uid: string; readonly resourceVersion: string }>(
    kind: string,
    trim: (object: KubeObject, before?: T) => T,
    isServed: (object: KubeObject) => boolean,
  ) {
    const kept = new Map<string, T>();
    const listeners = new Set<(event: InformerEvent<T>) => void>();
    for (const object of this.all(kind).filter(isServed)) kept.set(keyOf(object.metadata), trim(object));
    this.#tellers.push((told, before, after) => {
      const object = after ?? before;
      if (told !== kind || object === undefined) return;
      const key = keyOf(object.metadata);
      const known = kept.get(key);
      const record = after === undefined || !isServed(after) ? undefined : trim(after, known);
      if (known === undefined && record === undefined) return;
      if (record === undefined) kept.delete(key);
      else kept.set(key, record);
      for (const listener of listeners) listener({ key, before: known, after: record, initial: false });
    });
    const informer: Informer<T> = {
      get: (key) => kept.get(key),
      values: () => kept.values(),
      entries: () => kept.entries(),
      hasSynced: () => true,
      shownVersion: () => String(this.#version),
      subscribe: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      stop: () => {},
    };
    return { informer, view: new OwnWrites(informer) };
  }

  #kube(): Kube {
    const called = (verb: string, kind: string, name: string) => {
      const call: Call = `${verb} ${kind} ${name}`;
      this.calls.push(call);
      const fault = this.fault(call);
      if (fault !== undefined) throw fault;
    };
    const checked = (kind: string, key: string, wanted: { uid?: string; resourceVersion?: string }) => {
      const object = this.get(kind, key);
      if (object === undefined) throw new OperatorError('ReferenceNotFound', 'not found');
      const { uid, resourceVersion } = object.metadata;
      if ((wanted.uid ?? uid) !== uid || (wanted.resourceVersion ?? resourceVersion) !== resourceVersion)
        throw new OperatorError('Conflict', 'it has changed');
      return object;
    };
    const as = <T extends KubeObject>(object: StoredObject) => object as KubeObject as T; // what callers expect of the kind
    return {
      get: async <T extends KubeObject>({ kind }: Resource, name: ObjectName) => {
        called('get', kind, name.name);
        return as<T>(checked(kind, keyOf(name), {}));
      },
      create: async <T extends KubeObject>({ kind }: Resource, object: T) => {
        called('create', kind, object.metadata.name);
        const key = keyOf(object.metadata);
        if (this.get(kind, key) !== undefined) throw new OperatorError('Conflict', 'exists');
        const metadata = { ...object.metadata, uid: `uid-${++this.#version}` };
        return as<T>(this.#store(kind, key, { ...object, kind, metadata }));
      },
      update: async <T extends KubeObject>({ kind }: Resource, object: T) => {
        called('update', kind, object.metadata.name);
        const { metadata } = object;
        checked(kind, keyOf(metadata), metadata);
        return as<T>(this.#store(kind, keyOf(metadata), object));
      },
      mergePatch: async <T extends KubeObject>({ kind }: Resource, name: ObjectName, patch: unknown) => {
        called('patch', kind, name.name);
        const { metadata, status } = patch as StoredObject;
        const old = checked(kind, keyOf(name), metadata);
        const merged = Object.entries({ ...old.status, ...status }).filter(([, value]) => value !== null);
        return as<T>(
          this.#store(kind, keyOf(name), { ...old, status: Object.fromEntries(merged) as EnvironmentStatus }),
        );
      },
      delete: async ({ kind }, name, { preconditions = {} }) => {
        called('delete', kind, name.name);
        if (this.get(kind, keyOf(name)) === undefined) return;
        checked(kind, keyOf(name), preconditions);
        this.remove(kind, keyOf(name));
      },
    };
  }
}
