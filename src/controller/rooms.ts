// What the controllers of one term of leadership are given: the ports to the outside, what they share, and what they are in
// turn for whoever starts and stops them.
import type { Clock } from '../base/clock.ts';
import type { Slots } from '../base/slots.ts';
import type { Workplaces } from '../core/jobs.ts';
import type { StatusDialect } from '../core/sync-status.ts';
import type { ObservedTarget } from '../core/target-plan.ts';
import type { Informer, InformerEvent, Kube } from '../kube/contract.ts';
import type { Capabilities } from '../providers/contract.ts';
import type { QueueLoad } from '../runtime/workqueue.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import type { ConnectDeps, StoreConnections } from './connect.ts';
import type { EnvironmentEvaluation } from './environment/context.ts';
import type { ScopeNews } from './external-secret/controller.ts';
import type { ManifestPorts } from './external-secret/manifest-targets.ts';
import type { GenerationPorts } from './generators/generators.ts';
import type { ReconciledKind, RecordOf } from './kinds.ts';
import type { KindRow } from './kit/kind.ts';
import type { OwnWrites } from './kit/own-writes.ts';
import type { Writer } from './kit/writer.ts';
import type { NamespaceRecord, RevisionRecord, StoreRecord } from './records.ts';
import type { Recovery } from './recovery.ts';
import type { EventSink, Reported, Reporter } from './report.ts';
import type { StoreDirectory } from './stores/directory.ts';

/** An informer, and the view of it that includes what this process has just written. */
export interface Followed<T extends { readonly uid: string; readonly resourceVersion: string }> {
  readonly informer: Informer<T>;
  readonly view: OwnWrites<T>;
}

/** Those that are served. One that may be missing need not be in step: its objects are taken up as they appear. */
export type FollowedKinds = { readonly [K in ReconciledKind]?: Followed<RecordOf<K>> } & {
  readonly ExternalSecret: Followed<RecordOf<'ExternalSecret'>>;
};

export interface FollowedObjects {
  readonly kinds: FollowedKinds;
  readonly targets: Followed<ObservedTarget>;
  /** Of Environments. They need not be in step: revisions are made once all are known. */
  readonly revisions?: Followed<RevisionRecord>;
  /** Those that Environments publish; absent where they may publish none. */
  readonly configMaps?: Followed<ObservedTarget> | undefined;
  /** What is followed is followed in these namespaces; empty for all. */
  readonly namespaces: readonly string[];
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
  readonly caches: FollowedObjects;
  /** Asked only where ClusterExternalSecrets are served. */
  readonly namespaces?: Namespaces;
  readonly connect: Omit<ConnectDeps, 'store' | 'workplaces'>;
  /** Tells of scopes that were read anew. */
  readonly news: ScopeNews;
  /** Where work of a size that tenants decide is done, and noted. */
  readonly workplaces: Workplaces;
  /** What generators draw from. */
  readonly generation: GenerationPorts;
  /** How other kinds than Secrets are found and followed; absent while they may not be targets. */
  readonly manifests?: ManifestPorts | undefined;
  /** Asked only where Environments are served. */
  readonly evaluation?: EnvironmentEvaluation;
  readonly capabilities: (store: StoreRecord) => Capabilities | undefined;
  readonly heartbeatMs: number;
  readonly templateDelimiters: readonly [left: string, right: string];
  readonly storeRequeueMs: number;
  /** False leaves the status of stores to others; whoever reads from them follows them all the same. */
  readonly storeReconciler: boolean;
}

/** The ports, and what the controllers have in common. */
export interface ControllerRooms extends ControllerPorts {
  readonly directory: StoreDirectory;
  readonly connections: StoreConnections;
  readonly recovery: Recovery;
  /** Who writes the status of a kind, and asks for events about it. */
  reporterOf<R extends Reported>(kind: KindRow<R>, followed: Followed<R>): Reporter<R>;
}

export interface Controller {
  start(): void;
  /** Runs under way get `graceMs` to end. */
  stop(graceMs: number): Promise<void>;
  /** Of the objects of one of its kinds. */
  queueLoad(kind: string): QueueLoad;
  /** The labels of a namespace changed. */
  namespaceChanged?(name: string): void;
}

/** Puts a controller together; nothing runs before its `start`. Undefined where its kind is not served. */
export type OpenController = (rooms: ControllerRooms) => Controller | undefined;
