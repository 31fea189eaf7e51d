// The controllers of one term of leadership, put together: the directory of stores, connections, the writer, a reporter
// per kind, and what each controller is given of them. Whatever speaks to the outside arrives as a port.

import type { Clock } from '../base/clock.ts';
import type { Slots } from '../base/slots.ts';
import type { StatusDialect } from '../core/sync-status.ts';
import type { ObservedTarget } from '../core/target-plan.ts';
import { secretResource } from '../credentials/store-credentials.ts';
import type { Informer, InformerEvent, Kube } from '../kube/contract.ts';
import { type KubeObject, namespaceResource, type Secret } from '../kube/types.ts';
import type { Capabilities } from '../providers/contract.ts';
import type { QueueLoad } from '../runtime/workqueue.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { ClusterExternalSecretController } from './cluster-external-secret/controller.ts';
import { type ConnectDeps, StoreConnections } from './connect.ts';
import type { DeskRooms } from './desk.ts';
import type { RunNotes } from './external-secret/context.ts';
import { ExternalSecretController, type ScopeNews } from './external-secret/controller.ts';
import { OwnedTargets } from './external-secret/owned-targets.ts';
import { TemplateSources } from './external-secret/template-sources.ts';
import { type GenerationPorts, Generators } from './generators/generators.ts';
import { fieldManager, kinds, type ReconciledKind } from './kinds.ts';
import type { OwnWrites } from './kit/own-writes.ts';
import type { Writer, Written } from './kit/writer.ts';
import {
  type ClusterExternalSecretRecord,
  clusterExternalSecretRecord,
  type ExternalSecretRecord,
  externalSecretRecord,
  keptTargetRecord,
  type NamespaceRecord,
  namespaceRecord,
  type StoreKind,
  type StoreRecord,
  storeRecord,
} from './records.ts';
import { Recovery } from './recovery.ts';
import { type EventSink, type Reported, Reporter } from './report.ts';
import { StoreController } from './secret-store/controller.ts';
import { StoreDirectory } from './stores/directory.ts';

/** An informer, and the view of it that includes what this process has just written. */
export interface Followed<T extends { readonly uid: string; readonly resourceVersion: string }> {
  readonly informer: Informer<T>;
  readonly view: OwnWrites<T>;
}

export interface FollowedKinds {
  readonly externalSecrets: Followed<ExternalSecretRecord>;
  readonly targets: Followed<ObservedTarget>;
  readonly stores: Readonly<Partial<Record<StoreKind, Followed<StoreRecord>>>>;
  /** Absent where the kind is not served. It need not be in step: objects are taken up as they appear. */
  readonly clusterExternalSecrets?: Followed<ClusterExternalSecretRecord>;
}

/** The namespaces of the cluster, followed from the first time somebody asks. */
export interface Namespaces {
  /** Resolves once all are known. */
  follow(signal: AbortSignal): Promise<Followed<NamespaceRecord>>;
  whenChanged(listener: (event: InformerEvent<NamespaceRecord>) => void): void;
}

export interface ControllerPorts {
  readonly kube: Pick<Kube, 'get'>;
  readonly writer: Writer;
  readonly slots: Slots;
  readonly events: EventSink;
  readonly dialect: StatusDialect;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  readonly caches: FollowedKinds;
  /** Asked only where ClusterExternalSecrets are served. */
  readonly namespaces?: Namespaces;
  readonly connect: Omit<ConnectDeps, 'store'>;
  /** Tells of scopes that were read anew. */
  readonly news: ScopeNews;
  /** Where work of a size that tenants decide is done. */
  readonly desk: DeskRooms;
  /** What generators draw from. */
  readonly generation: GenerationPorts;
  readonly notes: RunNotes;
  readonly capabilities: (store: StoreRecord) => Capabilities | undefined;
  readonly heartbeatMs: number;
  readonly templateDelimiters: readonly [left: string, right: string];
  readonly storeRequeueMs: number;
  /** False leaves the status of stores to others; whoever reads from them follows them all the same. */
  readonly storeReconciler: boolean;
}

export interface Controllers {
  start(): void;
  /** Runs under way get `graceMs` to end. */
  stop(graceMs: number): Promise<void>;
  /** The labels of a namespace changed. */
  namespaceChanged(name: string): void;
  loads(): Iterable<readonly [ReconciledKind, QueueLoad]>;
}

/** To be called once the caches are in step; nothing runs before `start`. */
export function createControllers(ports: ControllerPorts): Controllers {
  const { kube, writer, slots, clock, log, metrics, caches, heartbeatMs } = ports;
  const directory = new StoreDirectory(caches.stores);
  const connections = new StoreConnections({ ...ports.connect, store: (kind, key) => directory.get(kind, key) });
  connections.follow(directory);
  connections.whenSourceChanged((store) => directory.sourceChanged(store));
  const recovery = new Recovery(clock, log);
  const externalSecrets = new ExternalSecretController(
    {
      kube,
      clock,
      log,
      metrics,
      writer,
      connections,
      desk: ports.desk,
      notes: ports.notes,
      heartbeatMs,
      templateDelimiters: ports.templateDelimiters,
      stores: directory,
      generators: new Generators({ ...ports.generation, ...ports.connect, clock }),
      templates: new TemplateSources(ports.connect.objects),
      externalSecrets: caches.externalSecrets.view,
      targets: caches.targets.view,
      owned: new OwnedTargets(caches.targets.informer, caches.targets.view),
      secrets: writtenSecrets(caches.targets, metrics),
      reporter: reporterOf('ExternalSecret', caches.externalSecrets, externalSecretRecord, ports),
    },
    {
      externalSecrets: caches.externalSecrets.informer,
      targets: caches.targets.informer,
      news: ports.news,
      recovery,
      slots,
      startedMs: clock.monotonicMs(),
    },
  );
  const stores = new StoreController({
    stores: directory,
    reporters: ports.storeReconciler ? storeReporters(ports) : {},
    connections,
    capabilities: ports.capabilities,
    writer,
    clock,
    log,
    metrics,
    recovery,
    requeueMs: ports.storeRequeueMs,
  });
  const clusterExternalSecrets = clusterController(ports, { directory, connections, recovery });
  const all = [externalSecrets, stores, ...(clusterExternalSecrets === undefined ? [] : [clusterExternalSecrets])];
  return {
    start() {
      for (const controller of all) controller.start();
    },
    async stop(graceMs) {
      directory.close();
      await Promise.all(all.map((controller) => controller.stop(graceMs)));
      recovery.stop();
    },
    namespaceChanged: (name) => externalSecrets.namespaceChanged(name),
    loads: () => [
      ['ExternalSecret', externalSecrets.queueLoad],
      ['SecretStore', stores.queueLoad('SecretStore')],
      ['ClusterSecretStore', stores.queueLoad('ClusterSecretStore')],
      ...(clusterExternalSecrets === undefined
        ? []
        : [['ClusterExternalSecret', clusterExternalSecrets.queueLoad] as const]),
    ],
  };
}

interface Shared {
  readonly directory: StoreDirectory;
  readonly connections: StoreConnections;
  readonly recovery: Recovery;
}

function clusterController(
  ports: ControllerPorts,
  { directory, connections, recovery }: Shared,
): ClusterExternalSecretController | undefined {
  const { caches, namespaces, writer, clock, log, metrics } = ports;
  const { clusterExternalSecrets, externalSecrets } = caches;
  if (clusterExternalSecrets === undefined || namespaces === undefined) return undefined;
  return new ClusterExternalSecretController({
    informer: clusterExternalSecrets.informer,
    find: (key) => clusterExternalSecrets.view.get(key),
    childInformer: externalSecrets.informer,
    children: externalSecrets.view,
    writtenChildren: {
      resource: kinds.ExternalSecret.resource,
      view: externalSecrets.view,
      record: (answer, { before }) => externalSecretRecord(answer, before),
      count: () => {},
    },
    namespaces: async (signal) => {
      const { informer, view } = await namespaces.follow(signal);
      const written = { resource: namespaceResource, view, record: namespaceRecord, count: () => {} };
      return { values: () => informer.values(), written };
    },
    whenNamespaceChanged: (listener) => namespaces.whenChanged(listener),
    stores: directory,
    connections,
    reporter: reporterOf('ClusterExternalSecret', clusterExternalSecrets, clusterExternalSecretRecord, ports),
    writer,
    clock,
    log,
    metrics,
    recovery,
  });
}

function writtenSecrets({ view }: Followed<ObservedTarget>, metrics: OperatorMetrics): Written<ObservedTarget> {
  return {
    resource: secretResource,
    view,
    record: (answer, { sent }) => keptTargetRecord(answer, sent as Secret | undefined), // only Secrets are written with it
    count: (operation) => metrics.secretWrites.add({ operation }),
  };
}

function reporterOf<T extends Reported>(
  kind: ReconciledKind,
  { view }: Followed<T>,
  toRecord: (answer: KubeObject, before?: T) => T,
  { writer, events, clock, dialect, metrics }: ControllerPorts,
): Reporter<T> {
  const { resource, eventComponent } = kinds[kind];
  const written: Written<T> = {
    resource,
    view,
    record: (answer, { before }) => toRecord(answer, before),
    count: () => metrics.statusWrites.add({ kind }),
  };
  return new Reporter({ written, eventComponent, fieldManager }, { writer, events, clock, dialect });
}

function storeReporters(ports: ControllerPorts): Partial<Record<StoreKind, Reporter<StoreRecord>>> {
  const { SecretStore, ClusterSecretStore } = ports.caches.stores;
  const of = (kind: StoreKind, followed: Followed<StoreRecord>) => ({
    [kind]: reporterOf(kind, followed, storeRecord(kind), ports),
  });
  return {
    ...(SecretStore === undefined ? {} : of('SecretStore', SecretStore)),
    ...(ClusterSecretStore === undefined ? {} : of('ClusterSecretStore', ClusterSecretStore)),
  };
}
