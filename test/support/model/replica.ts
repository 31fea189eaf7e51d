// One replica of the operator on a model cluster: caches, leader election and, while it leads, the controllers, put
// together as operator/run.ts and operator/work.ts do it for a real cluster.

import { OperatorError } from '../../../src/base/operator-error.ts';
import { Slots } from '../../../src/base/slots.ts';
import { createControllers } from '../../../src/controller/controllers.ts';
import { LoopShare, notedWorkplaces, type RunNotes } from '../../../src/controller/desk.ts';
import { kinds } from '../../../src/controller/kinds.ts';
import { type KindRow, seriesOf } from '../../../src/controller/kit/kind.ts';
import { Writer } from '../../../src/controller/kit/writer.ts';
import { loadParts } from '../../../src/core/parts.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import { answerOrder, type JobOrder } from '../../../src/core/thread-jobs.ts';
import { ObjectWatcher } from '../../../src/kube/by-name.ts';
import { createKube } from '../../../src/kube/client.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { startElection } from '../../../src/kube/lease.ts';
import type { Transport } from '../../../src/kube/transport.ts';
import { type Caches, openCaches } from '../../../src/operator/caches.ts';
import { manifestKinds } from '../../../src/operator/manifest-kinds.ts';
import { followNamespaces } from '../../../src/operator/namespaces.ts';
import { noRunNotes } from '../../../src/operator/run-notes.ts';
import { ScopeNews } from '../../../src/providers/shared/scope-news.ts';
import { WhileLeading, type Work } from '../../../src/runtime/while-leading.ts';
import { Registry } from '../../../src/telemetry/metrics.ts';
import { operatorMetrics } from '../../../src/telemetry/operator-metrics.ts';
import type { ModelProcess } from './process.ts';
import type { ModelProviders } from './providers.ts';

// The clock of the model does not wait for files.
await loadParts();

export interface ReplicaOptions {
  readonly storeReconciler?: boolean;
  readonly clusterStores?: boolean;
  readonly clusterExternalSecrets?: boolean;
  /** False leads from the start, as without leader election. */
  readonly election?: boolean;
  readonly events?: boolean;
  /** Environments are looked after, and may publish ConfigMaps. */
  readonly environments?: boolean;
  /** Other kinds than Secrets may be targets. */
  readonly manifests?: boolean;
  /** What is known of earlier deaths; nothing when absent. */
  readonly notes?: RunNotes;
}

interface ReplicaPorts {
  readonly process: ModelProcess;
  readonly transport: Transport;
  readonly random: () => number;
  readonly providers: (news: ScopeNews, process: ModelProcess) => ModelProviders;
  /** Told of what should never be logged. */
  readonly onFault: (line: string) => void;
}

export interface Replica {
  readonly process: ModelProcess;
  isLeader(): boolean;
  /** As SIGTERM: what is under way may end, and the lease is given back. */
  stop(): Promise<void>;
}

const terms = {
  namespace: 'operator',
  name: 'escapement',
  durationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 4_000,
} as const;

/** Runs under way get this long to end, as in operator/work.ts. */
const graceMs = 3_000;

export function startReplica(ports: ReplicaPorts, options: ReplicaOptions = {}): Replica {
  const { process, transport } = ports;
  const { clock } = process;
  const log = logTo(ports.onFault);
  const stopping = new AbortController();
  const caches = cachesOf(ports, options);
  const synced = Promise.all([...caches.awaited.values()].map((informer) => informer.whenSynced(stopping.signal)));
  const onFault = (thrown: unknown) => ports.onFault(`work: ${textOf(thrown)}`);
  const lead = (leadership: AbortSignal, guard: () => void) =>
    startWork(ports, options, caches, guard, AbortSignal.any([stopping.signal, leadership]));
  let isLeader = () => false;
  const run = async (): Promise<() => Promise<void>> => {
    await synced;
    if (options.election !== true) {
      const work = await lead(stopping.signal, () => {});
      isLeader = () => true;
      return () => work.stop();
    }
    const work = new WhileLeading({
      start: (leadership) =>
        lead(leadership, () => {
          if (leadership.aborted) throw new OperatorError('Aborted', 'this term of leadership is over');
          election.guard();
        }),
      onFault,
    });
    const election = startElection({
      terms: { ...terms, identity: process.name },
      transport,
      clock,
      log,
      random: ports.random,
      onGained: (leadership) => work.gained(leadership),
      onLost: () => {},
    });
    isLeader = () => election.isLeader();
    return async () => {
      await work.stop();
      await election.stop();
    };
  };
  const running = run().catch((thrown: unknown) => {
    if (!stopping.signal.aborted) onFault(thrown);
    return async () => {};
  });
  return {
    process,
    isLeader: () => process.isAlive && isLeader(),
    async stop() {
      stopping.abort();
      const end = await running;
      await end();
      for (const cache of [caches.targets, ...Object.values(caches.kinds)]) cache.informer.stop();
    },
  };
}

function cachesOf({ process, transport, random, onFault }: ReplicaPorts, options: ReplicaOptions): Caches {
  const isServed = ({ definition: { resource } }: KindRow) => {
    if (resource.kind === 'ClusterSecretStore') return options.clusterStores !== false;
    return resource.kind !== 'ClusterExternalSecret' || options.clusterExternalSecrets === true;
  };
  const deps = { transport, clock: process.clock, log: logTo(onFault), random };
  return openCaches({ namespaces: [], configMaps: options.environments === true, isServed }, deps);
}

async function startWork(
  { process, transport, random, onFault, providers }: ReplicaPorts,
  options: ReplicaOptions,
  caches: Caches,
  guard: () => void,
  signal: AbortSignal,
): Promise<Work> {
  const { clock } = process;
  const log = logTo(onFault);
  const deps = { transport, clock, log, random };
  const kube = createKube(transport);
  const slots = new Slots(8);
  const manifests = options.manifests === true ? manifestKinds(deps, []) : undefined;
  const writer = new Writer({ kube, slots, guard });
  const objects = new ObjectWatcher(deps);
  const namespaces = followNamespaces(deps);
  const news = new ScopeNews();
  const served = providers(news, process);
  const slot = (waiting: AbortSignal) => writer.idleTurn(waiting);
  const events = options.events === true ? createEventRecorder({ transport, clock, slot, random }) : noEvents;
  const monotonicMs = () => clock.monotonicMs();
  const series = Object.values(kinds).map(seriesOf);
  const metricsOptions = { startedAtMs: 0, version: '1', extendedLabels: false, monotonicMs, kinds: series };
  const controllers = createControllers({
    // The model has no thread: what is too much for the loop is done there all the same.
    workplaces: notedWorkplaces(
      {
        heavy: { run: async (_, order) => answerOrder(order() as JobOrder) },
        loop: new LoopShare(() => Promise.resolve()),
      },
      options.notes ?? noRunNotes,
    ),
    generation: { random: (size) => randomBytes(size, random), keyPair: refused, sendWebhook: refused },
    kube,
    slots,
    writer,
    events,
    dialect: { extended: true },
    clock,
    log,
    metrics: operatorMetrics(new Registry(), metricsOptions),
    news,
    caches,
    namespaces,
    connect: {
      namespaceLabels: namespaces.labels,
      provider: served.byName,
      objects,
      tokens: { createToken: async () => new SecretValue('t') },
      operator: {
        checkChooser() {},
        sources() {
          throw new OperatorError('IdentityDenied', 'the model has no identity of its own');
        },
      },
      controllerClass: 'default',
      clusterStores: options.clusterStores !== false,
      signal,
    },
    capabilities: () => 'ReadOnly',
    manifests,
    ...(options.environments === true ? { evaluation: served.evaluation } : {}),
    heartbeatMs: 3_600_000,
    templateDelimiters: ['{{', '}}'],
    storeRequeueMs: 300_000,
    storeReconciler: options.storeReconciler !== false,
  });
  namespaces.whenLabelsChanged((name) => controllers.namespaceChanged(name));
  controllers.start();
  return {
    async stop() {
      await controllers.stop(graceMs);
      await events.stop();
      objects.close();
      namespaces.close();
    },
  };
}

const noEvents = { record: () => {}, stop: async () => {} };

function refused(): Promise<never> {
  return Promise.reject(new Error('the model does nothing that needs a thread'));
}

function randomBytes(size: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
}

function logTo(onFault: (line: string) => void) {
  return {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: ({ err }: { readonly err?: unknown }, message: string) => onFault(`${message}: ${textOf(err)}`),
  };
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
