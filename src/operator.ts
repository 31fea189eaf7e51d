// The operator as a whole: which informers run, which controllers they feed, in which order things start and end.
//
//   cluster access ─► transport ─► informers ─synced─► leader ─► controllers          SIGTERM: controllers ─► sessions
//                                     └── /readyz                                        ─► events ─► lease ─► informers
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { hostname } from 'node:os';
import pRetry from 'p-retry';
import { gatherInfisicalPrincipal } from './auth/infisical/table.ts';
import { Sessions } from './auth/session.ts';
import type { Config } from './config.ts';
import { StoreConnections } from './controller/connect.ts';
import { ExternalSecretController } from './controller/external-secret/controller.ts';
import { exposeQueues } from './controller/queue-series.ts';
import { ReadYourWrites } from './controller/read-your-writes.ts';
import {
  type ExternalSecretRecord,
  externalSecretRecord,
  type StoreKind,
  type StoreRecord,
  storeRecord,
  targetRecord,
} from './controller/records.ts';
import { Recovery } from './controller/recovery.ts';
import { Reporter } from './controller/report.ts';
import { StoreController, type StoreKindRooms } from './controller/secret-store/controller.ts';
import { managedLabel, managedLabelValue } from './core/contract-names.ts';
import { asOperatorError, OperatorError } from './core/operator-error.ts';
import type { StatusDialect } from './core/sync-status.ts';
import type { ObservedTarget } from './core/target-plan.ts';
import { sameTexts } from './core/target-plan.ts';
import { externalSecretResource } from './crds/external-secret.ts';
import { clusterSecretStoreResource, isServedProvider, secretStoreResource } from './crds/secret-store.ts';
import { readBoundedFile } from './credentials/bounded-file.ts';
import { openCloudDoors } from './credentials/cloud/doors.ts';
import { createCloudSources } from './credentials/cloud/sources.ts';
import { operatorIdentity } from './credentials/operator-identity.ts';
import { secretResource } from './credentials/store-credentials.ts';
import { createEgressPolicy } from './http/egress.ts';
import { createProxyRules } from './http/proxy.ts';
import { createUpstreamDoor, type RequestObservation } from './http/upstream.ts';
import { ObjectWatcher } from './kube/by-name.ts';
import { createKube } from './kube/client.ts';
import { loadClusterAccess } from './kube/config.ts';
import type { InformerOptions } from './kube/contract.ts';
import { detectCompatibility, serves } from './kube/discovery.ts';
import { createEventRecorder } from './kube/events.ts';
import { type InformerDeps, type StartedInformer, startInformer } from './kube/informer.ts';
import { startElection } from './kube/lease.ts';
import { createToken } from './kube/tokens.ts';
import { createTransport, type Transport } from './kube/transport.ts';
import type { Resource } from './kube/types.ts';
import { fakeProvider } from './providers/fake/provider.ts';
import { createInfisicalProvider } from './providers/infisical/provider.ts';
import { createRegistry } from './providers/registry.ts';
import type { SnapshotRead } from './providers/snapshots.ts';
import { sleep, systemClock } from './runtime/clock.ts';
import { keepHeapSmall } from './runtime/heap.ts';
import { Slots } from './runtime/slots.ts';
import { WhileLeading, type Work } from './runtime/while-leading.ts';
import { otherValue } from './telemetry/bounded-label.ts';
import { startEndpoints } from './telemetry/endpoints.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { Registry } from './telemetry/metrics.ts';
import { type OperatorMetrics, operatorMetrics } from './telemetry/operator-metrics.ts';
import { version } from './version.ts';

const clock = systemClock;
const userAgent = `escapement/${version}`;

/** Runs until `stopping` fires; the answer is the exit code. Throws OperatorError when it cannot start. */
export async function runOperator(config: Config, stopping: AbortSignal): Promise<number> {
  const startedAtMs = clock.nowMs();
  keepHeapSmall();
  const log = createLogger(config.logLevel);
  log.info({ detail: version }, 'starting');
  for (const note of config.notes) log.info({ detail: note }, 'flag');
  const registry = new Registry();
  const metrics = operatorMetrics(registry, {
    startedAtMs,
    version,
    extendedLabels: config.extendedMetricLabels,
    monotonicMs: clock.monotonicMs,
  });
  metrics.leader.set({}, 0);
  const waitingFor = new Set(['the API server']);
  const endpoints = await startEndpoints({
    health: config.healthAddress,
    metrics: config.metricsAddress,
    metricsTls: config.metricsTls,
    registry,
    notReady: () => [...waitingFor].map((what) => `waiting for ${what}`),
  });
  const access = await loadClusterAccess(accessSources(config), clock);
  const transport = createTransport({ access, clock, userAgent });
  try {
    const informerDeps = { transport, clock, log, onFailure: countWatchFailures(metrics) };
    const caches = await startCaches({ config, informerDeps, log, waitingFor, stopping });
    const base: Base = { config, transport, informerDeps, caches, log, metrics };
    waitingFor.clear();
    log.info({ durationMs: clock.nowMs() - startedAtMs }, 'caches synced');
    await lead(base, stopping);
  } catch (thrown) {
    if (!stopping.aborted) throw thrown;
  } finally {
    endpoints.close();
    transport.close();
  }
  log.info({}, 'stopped');
  return 0;
}

function accessSources({ cluster }: Config) {
  const { serviceHost: host, servicePort: port } = cluster;
  return {
    kubeconfigPath: cluster.kubeconfigPath,
    kubeconfigVariable: cluster.kubeconfigEnv,
    ...(host === undefined || port === undefined ? {} : { pod: { host, port } }),
  };
}

/** An informer, and the view of it that includes what this process has just written. */
interface Cache<T extends { readonly uid: string; readonly resourceVersion: string }> {
  readonly informer: StartedInformer<T>;
  readonly view: ReadYourWrites<T>;
}

interface Caches {
  readonly externalSecrets: Cache<ExternalSecretRecord>;
  readonly targets: Cache<ObservedTarget>;
  readonly stores: Readonly<Partial<Record<StoreKind, Cache<StoreRecord>>>>;
}

interface Base {
  readonly config: Config;
  readonly transport: Transport;
  readonly informerDeps: InformerDeps;
  readonly caches: Caches;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
}

interface CacheInputs {
  readonly config: Config;
  readonly informerDeps: InformerDeps;
  readonly log: Logger;
  readonly waitingFor: Set<string>;
  readonly stopping: AbortSignal;
}

/** Starts every informer at once and waits for all; a follower keeps them warm. */
async function startCaches({ config, informerDeps, log, waitingFor, stopping }: CacheInputs): Promise<Caches> {
  await untilServed(informerDeps.transport, log, waitingFor, stopping);
  const scope = config.namespace === undefined ? {} : { namespace: config.namespace };
  const cache = <T extends { readonly uid: string; readonly resourceVersion: string }>(
    options: InformerOptions<T>,
  ): Cache<T> => {
    const informer: StartedInformer<T> = startInformer(
      { ...options, known: (key, resourceVersion) => view.written(key, resourceVersion) },
      informerDeps,
    );
    const view = new ReadYourWrites(informer, clock);
    return { informer, view };
  };
  const labelSelector = `${managedLabel}=${managedLabelValue}`;
  const clusterStores = { resource: clusterSecretStoreResource, trim: storeRecord('ClusterSecretStore') };
  const caches: Caches = {
    externalSecrets: cache({ resource: externalSecretResource, ...scope, trim: externalSecretRecord }),
    targets: cache({ resource: secretResource, ...scope, labelSelector, trim: (object) => targetRecord(object) }),
    stores: {
      SecretStore: cache({ resource: secretStoreResource, ...scope, trim: storeRecord('SecretStore') }),
      ...(config.clusterStores ? { ClusterSecretStore: cache(clusterStores) } : {}),
    },
  };
  const waits = Object.entries({ externalsecrets: caches.externalSecrets, secrets: caches.targets, ...caches.stores });
  for (const [what] of waits) waitingFor.add(what);
  waitingFor.delete('the API server');
  await Promise.all(
    waits.map(async ([what, { informer }]) => {
      await informer.whenSynced(stopping);
      waitingFor.delete(what);
    }),
  );
  return caches;
}

/** How often it is looked whether the CRDs are there. */
const servedCheckMs = 2_000;

/** Waits for the API server and for our kinds: installing the CRDs after the operator is an order like any other. */
async function untilServed(
  transport: Transport,
  log: Logger,
  waitingFor: Set<string>,
  stopping: AbortSignal,
): Promise<void> {
  let told = '';
  for (;;) {
    const problem = await notServed(transport, stopping);
    if (problem === undefined) return;
    waitingFor.clear();
    waitingFor.add(problem);
    if (problem !== told) log.warn({ detail: problem }, 'waiting');
    told = problem;
    await sleep(clock, servedCheckMs, stopping);
  }
}

async function notServed(transport: Transport, stopping: AbortSignal): Promise<string | undefined> {
  try {
    if (await serves(transport, externalSecretResource, stopping)) return undefined;
    return 'the CustomResourceDefinitions: external-secrets.io/v1 is not served; apply them with `escapement crds | kubectl apply -f -`';
  } catch (thrown) {
    if (stopping.aborted) throw thrown;
    return `the API server (${asOperatorError(thrown).message})`;
  }
}

/** Leads until `stopping` fires, or whenever elected until then. */
async function lead(base: Base, stopping: AbortSignal): Promise<void> {
  const { config, transport, log, metrics } = base;
  const dialect = await statusDialect(transport, log, stopping);
  const { leaderElection } = config;
  if (leaderElection === undefined) {
    metrics.leader.set({}, 1);
    const work = await startWork(base, dialect, () => {}, stopping);
    await aborted(stopping);
    await work.stop();
    return;
  }
  const fault = Promise.withResolvers<never>();
  const work = new WhileLeading({
    start(leadership) {
      // Bound to its own term: what is left of it must not write in the next one.
      const guard = () => {
        if (leadership.aborted) throw new OperatorError('Aborted', 'this term of leadership is over');
        election.guard();
      };
      return startWork(base, dialect, guard, AbortSignal.any([stopping, leadership]));
    },
    onFault: fault.reject,
  });
  const election = startElection({
    terms: {
      namespace:
        leaderElection.namespace ??
        config.podNamespace ??
        (await loadClusterAccess(accessSources(config), clock)).namespace,
      name: leaderElection.name,
      identity: `${config.podName ?? hostname()}_${randomUUID()}`,
      durationMs: leaderElection.leaseDurationMs,
      renewDeadlineMs: leaderElection.renewDeadlineMs,
      retryPeriodMs: leaderElection.retryPeriodMs,
    },
    transport,
    clock,
    log,
    onGained: (leadership) => {
      log.info({}, 'leading');
      metrics.leader.set({}, 1);
      work.gained(leadership);
    },
    onLost: () => {
      log.warn({}, 'leadership lost');
      metrics.leader.set({}, 0);
    },
  });
  try {
    await Promise.race([aborted(stopping), fault.promise]);
    metrics.leader.set({}, 0);
    await work.stop();
  } finally {
    await election.stop();
  }
}

/** About ten seconds, by the delays between them. */
const mostSchemaLooks = 12;

/**
 * What the served CRD lets a status hold; ESO's own CRDs hold less, and that is said once. The API server publishes a
 * schema a moment after a CRD was applied, so it is asked for some seconds; without an answer the lesser form is used,
 * which every CRD takes.
 */
async function statusDialect(transport: Transport, log: Logger, signal: AbortSignal): Promise<StatusDialect> {
  const kinds = [externalSecretResource, secretStoreResource, clusterSecretStoreResource] as const;
  const ask = async () => {
    const schemas = await detectCompatibility(transport, [...kinds], signal);
    if (!schemas.has(externalSecretResource.kind))
      throw new OperatorError('ReferenceNotFound', 'the schema is not published yet');
    return [...schemas.values()];
  };
  let looks = 0;
  // An API server that is away says nothing about its schema: it is waited for, however long.
  const isWorthAnother = (thrown: unknown) =>
    asOperatorError(thrown).reason === 'ApiUnavailable' || ++looks < mostSchemaLooks;
  const schemas = await pRetry(ask, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    maxTimeout: 1_000,
    signal,
    shouldRetry: ({ error }) => isWorthAnother(error),
  }).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown;
    log.warn({ err: thrown }, 'the schema of the status could not be read');
    return undefined;
  });
  const extended = schemas?.every(
    ({ observedGeneration, conditionObservedGeneration, conditionTypes }) =>
      observedGeneration && conditionObservedGeneration && (conditionTypes?.includes('Reconciling') ?? true),
  );
  if (extended === true) return { extended };
  const detail =
    'the served CRDs are not those of Escapement: status carries conditions of type Ready only, without observedGeneration';
  log.info({ detail }, 'compatibility mode');
  return { extended: false };
}

/** Runs under way get this long to end before they are aborted. */
const graceMs = 3_000;
const revokeWithinMs = 3_000;

/** Builds what only a leader has, and starts it. */
async function startWork(base: Base, dialect: StatusDialect, guard: () => void, signal: AbortSignal): Promise<Work> {
  const { config, transport, informerDeps, caches, log, metrics } = base;
  const kube = createKube(transport);
  const slots = new Slots(config.concurrentWrites);
  const objects = new ObjectWatcher(informerDeps);
  const sessions = new Sessions({
    clock,
    observeLogin: (via, outcome) => metrics.logins.add({ ...via, outcome }),
  });
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: config.insecureUpstreamHosts }),
    proxy: createProxyRules(config.proxy),
    userAgent,
    clock,
    observe: ({ origin, outcome, durationMs }) =>
      metrics.noteUpstreamRequest({
        provider: 'infisical',
        host: new URL(origin).host,
        outcome: outcomeLabel(outcome),
        durationMs,
      }),
  });
  const cloudDoors = openCloudDoors({
    environment: config.cloud,
    proxy: createProxyRules(config.proxy),
    userAgent,
    clock,
  });
  const cloud = { ...cloudDoors, environment: config.cloud, readFile: readBoundedFile, clock };
  const infisical = createInfisicalProvider({
    door,
    sessions,
    clock,
    gatherPrincipal: gatherInfisicalPrincipal,
    observeCall: (call, status) => metrics.providerCalls.add({ provider: 'infisical', call, status }),
    observeRead: countReads('infisical', metrics),
  });
  const provider = createRegistry({ infisical, fake: fakeProvider });
  const events = createEventRecorder({ transport, clock, slot: (waiting) => slots.acquireWhenIdle(waiting) });
  const reporterOf = (resource: Resource, eventComponent: string) =>
    new Reporter({ resource, eventComponent, fieldManager: 'escapement' }, { kube, events, clock, dialect });
  const kinds = storeKinds(caches, reporterOf);
  const namespaces = namespaceLabels(informerDeps);
  const connections = new StoreConnections({
    store: (kind, key) => kinds[kind]?.cache.get(key),
    namespaceLabels: namespaces.labels,
    provider,
    objects,
    tokens: {
      createToken: async (order, waiting) =>
        (await createToken(transport, { ...order, expirationSeconds: 600 }, waiting)).token,
    },
    operator: operatorIdentity(config, createCloudSources(cloud)),
    controllerClass: config.controllerClass,
    clusterStores: config.clusterStores,
    signal,
  });
  const recovery = new Recovery(clock);
  const externalSecrets = new ExternalSecretController(
    {
      kube,
      clock,
      log,
      metrics,
      slots,
      connections,
      externalSecrets: caches.externalSecrets.view,
      targets: caches.targets.view,
      reporter: reporterOf(externalSecretResource, 'external-secrets'),
      heartbeatMs: config.heartbeatMs,
      resource: externalSecretResource,
      fieldManager: 'escapement',
      guard,
    },
    {
      externalSecrets: caches.externalSecrets.informer,
      targets: caches.targets.informer,
      recovery,
      startedMs: clock.monotonicMs(),
    },
  );
  const stores = new StoreController({
    kinds: config.storeReconciler ? kinds : {},
    connections,
    capabilities: (store) => provider(store.providers.find(isServedProvider) ?? '')?.capabilities,
    kube,
    clock,
    log,
    metrics,
    slots,
    recovery,
    requeueMs: config.storeRequeueMs,
    guard,
    onStoreChanged: (before, after) => externalSecrets.storeChanged(before, after),
  });
  namespaces.whenChanged((name) => externalSecrets.namespaceChanged(name));
  const endReading = [
    exposeQueues(metrics, () => [
      ['ExternalSecret', externalSecrets.queueLoad],
      ['SecretStore', stores.queueLoad('SecretStore')],
      ['ClusterSecretStore', stores.queueLoad('ClusterSecretStore')],
    ]),
    metrics.sessions.readFrom(() => sessions.loggedIn()),
  ];
  externalSecrets.start();
  stores.start();
  return {
    async stop() {
      for (const end of endReading) end();
      await Promise.all([externalSecrets.stop(graceMs), stores.stop(graceMs)]);
      recovery.stop();
      await Promise.all([events.stop(), sessions.close(AbortSignal.timeout(revokeWithinMs))]);
      door.close();
      cloudDoors.close();
      objects.close();
      namespaces.close();
    },
  };
}

function storeKinds(
  caches: Caches,
  reporterOf: (resource: Resource, component: string) => Reporter,
): Partial<Record<StoreKind, StoreKindRooms>> {
  const rooms = ({ informer, view }: Cache<StoreRecord>, resource: Resource, component: string): StoreKindRooms => ({
    informer,
    cache: view,
    reporter: reporterOf(resource, component),
  });
  const { SecretStore, ClusterSecretStore } = caches.stores;
  return {
    ...(SecretStore === undefined ? {} : { SecretStore: rooms(SecretStore, secretStoreResource, 'secret-store') }),
    ...(ClusterSecretStore === undefined
      ? {}
      : { ClusterSecretStore: rooms(ClusterSecretStore, clusterSecretStoreResource, 'cluster-secret-store') }),
  };
}

const namespaceResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};

/** Labels of namespaces, followed from the first time a store's condition asks for them. */
function namespaceLabels(informerDeps: InformerDeps) {
  let informer: StartedInformer<Readonly<Record<string, string>>> | undefined;
  const listeners: ((name: string) => void)[] = [];
  return {
    async labels(name: string, signal: AbortSignal) {
      if (informer === undefined) {
        informer = startInformer(
          { resource: namespaceResource, trim: ({ metadata }) => metadata.labels ?? {} },
          informerDeps,
        );
        informer.subscribe(({ key, before, after, initial }) => {
          if (initial || (before !== undefined && after !== undefined && sameTexts(before, after))) return;
          for (const listener of listeners) listener(key);
        });
      }
      await informer.whenSynced(signal);
      return informer.get(name);
    },
    whenChanged: (listener: (name: string) => void) => void listeners.push(listener),
    close: () => informer?.stop(),
  };
}

/** From 0 for the kinds that are always watched: an increase is seen only after a first value. */
function countWatchFailures(metrics: OperatorMetrics): NonNullable<InformerDeps['onFailure']> {
  for (const { kind } of [externalSecretResource, secretStoreResource, secretResource]) {
    metrics.watchFailures.at({ kind, reason: 'ApiUnavailable' });
  }
  return (kind, { reason }) => metrics.watchFailures.add({ kind, reason });
}

/** Counts each read of a scope by its series, which are found once. */
function countReads(provider: string, metrics: OperatorMetrics): (result: SnapshotRead) => void {
  const seriesOf = (result: SnapshotRead) => metrics.snapshotReads.at({ provider, result });
  const series = { hit: seriesOf('hit'), joined: seriesOf('joined'), miss: seriesOf('miss') };
  return (result) => series[result].add();
}

/** A status or a reason; statuses that no registry knows share one label, or a host could make any number of series. */
function outcomeLabel(outcome: RequestObservation['outcome']): string {
  return typeof outcome === 'number' && STATUS_CODES[outcome] === undefined ? otherValue : String(outcome);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
