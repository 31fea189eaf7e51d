// What only a leader has: upstream doors, sessions, providers, controllers, built once per term and ended in order.
//
//   stop: controllers ─► events, sessions (tokens revoked) ─► doors, watches of single objects
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { gatherInfisicalPrincipal } from '../auth/infisical/table.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../auth/pulumi/table.ts';
import { Sessions } from '../auth/session.ts';
import type { Config } from '../config.ts';
import { createControllers } from '../controller/controllers.ts';
import { LoopShare } from '../controller/desk.ts';
import { Writer } from '../controller/kit/writer.ts';
import { exposeQueues } from '../controller/queue-series.ts';
import type { StatusDialect } from '../core/sync-status.ts';
import { isServedProvider } from '../crds/secret-store.ts';
import { readBoundedFile } from '../credentials/bounded-file.ts';
import { openCloudDoors } from '../credentials/cloud/doors.ts';
import { createCloudSources } from '../credentials/cloud/sources.ts';
import { operatorIdentity } from '../credentials/operator-identity.ts';
import { createEgressPolicy } from '../http/egress.ts';
import { createProxyRules } from '../http/proxy.ts';
import { createUpstreamDoor, type RequestObservation } from '../http/upstream.ts';
import { ObjectWatcher } from '../kube/by-name.ts';
import { createKube } from '../kube/client.ts';
import { createEventRecorder } from '../kube/events.ts';
import type { InformerDeps } from '../kube/informer.ts';
import { createToken } from '../kube/tokens.ts';
import type { Transport } from '../kube/transport.ts';
import { escProviders } from '../providers/esc/open/table.ts';
import { createEscProvider } from '../providers/esc/provider.ts';
import { fakeProvider } from '../providers/fake/provider.ts';
import { createInfisicalAccess } from '../providers/infisical/access.ts';
import { createInfisicalProvider, createInfisicalReads } from '../providers/infisical/provider.ts';
import { createPulumiProvider } from '../providers/pulumi/provider.ts';
import type { ObserveCall } from '../providers/shared/counted.ts';
import { ScopeNews } from '../providers/shared/scope-news.ts';
import type { SnapshotRead } from '../providers/shared/snapshots.ts';
import { providersByName } from '../providers/table.ts';
import { type Clock, nextTurn } from '../runtime/clock.ts';
import { heapAccount } from '../runtime/memory-account.ts';
import { Slots } from '../runtime/slots.ts';
import type { Work } from '../runtime/while-leading.ts';
import { WorkerPool } from '../runtime/worker-pool.ts';
import { otherValue } from '../telemetry/bounded-label.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import type { Caches } from './caches.ts';
import { heavyRole } from './heavy-thread.ts';
import { oneAtATime } from './key-pairs.ts';
import { followNamespaces } from './namespaces.ts';
import { noRunNotes, openRunNotes } from './run-notes.ts';

export interface Base {
  readonly config: Config;
  readonly transport: Transport;
  readonly informerDeps: InformerDeps;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: OperatorMetrics;
  /** `escapement/<version>`. */
  readonly userAgent: string;
  /** The file that threads for heavy work run. */
  readonly threadEntry: URL;
}

/** Runs under way get this long to end before they are aborted. */
const graceMs = 3_000;
const revokeWithinMs = 3_000;

/**
 * One thread, so that heavy work never takes more than one processor, with what the largest budget can need: its bytes held
 * and produced, twice over for text that is being put together.
 */
const heavyLane = { role: heavyRole, threads: 1, deadlineMs: 10_000, idleMs: 30_000, heapMegabytes: 256 };

/** Builds what only a leader has, and starts it. */
export async function startWork(
  base: Base,
  dialect: StatusDialect,
  guard: () => void,
  signal: AbortSignal,
): Promise<Work> {
  const { config, transport, informerDeps, caches, clock, log, metrics } = base;
  const kube = createKube(transport);
  const slots = new Slots(config.concurrentWrites);
  const writer = new Writer({ kube, slots, guard });
  const objects = new ObjectWatcher(informerDeps, { namesPerNamespaceMax: config.namesPerNamespace });
  const upstreams = openUpstreams(base);
  const { provider } = upstreams;
  const events = createEventRecorder({ transport, clock, slot: (waiting) => writer.idleTurn(waiting) });
  const namespaces = followNamespaces(informerDeps);
  const notes =
    config.stateDirectory === undefined
      ? noRunNotes
      : openRunNotes(config.stateDirectory, {
          clock,
          onTrouble: (thrown) => log.warn({ err: thrown }, 'could not note what is worked on'),
        });
  const heavy = new WorkerPool({ ...heavyLane, entry: base.threadEntry, clock });
  const controllers = createControllers({
    desk: { heavy, loop: new LoopShare(nextTurn) },
    notes,
    generation: { random: randomBytes, keyPair: oneAtATime() },
    kube,
    writer,
    slots,
    events,
    dialect,
    clock,
    log,
    metrics,
    caches,
    news: upstreams.news,
    namespaces,
    connect: {
      namespaceLabels: namespaces.labels,
      provider,
      objects,
      tokens: {
        createToken: async (order, waiting) => (await createToken(transport, order, waiting)).token,
      },
      operator: operatorIdentity(config, upstreams.clouds),
      controllerClass: config.controllerClass,
      clusterStores: config.clusterStores,
      signal,
    },
    capabilities: (store) => provider(store.providers.find(isServedProvider) ?? '')?.capabilities,
    heartbeatMs: config.heartbeatMs,
    templateDelimiters: config.templateDelimiters,
    storeRequeueMs: config.storeRequeueMs,
    storeReconciler: config.storeReconciler,
  });
  namespaces.whenLabelsChanged((name) => controllers.namespaceChanged(name));
  const endReading = [
    exposeQueues(metrics, () => controllers.loads()),
    metrics.sessions.readFrom(() => upstreams.sessions.loggedIn()),
  ];
  controllers.start();
  return {
    async stop() {
      for (const end of endReading) end();
      await controllers.stop(graceMs);
      notes.close();
      await heavy.close();
      await Promise.all([events.stop(), upstreams.sessions.close(AbortSignal.timeout(revokeWithinMs))]);
      upstreams.close();
      objects.close();
      namespaces.close();
    },
  };
}

/** More than this is read of no answer, however large the heap. */
const largestAnswerBytes = 32 * 2 ** 20;

/** Everything that speaks to the world outside the cluster. */
function openUpstreams({ config, clock, metrics, userAgent }: Base) {
  const account = heapAccount(clock);
  const sessions = new Sessions({
    clock,
    observeLogin: (via, outcome) => metrics.logins.add({ ...via, outcome }),
  });
  const doorOf = (provider: string) =>
    createUpstreamDoor({
      policy: createEgressPolicy({ insecureHosts: config.insecureUpstreamHosts, onlyHosts: config.upstreamHosts }),
      proxy: createProxyRules(config.proxy),
      userAgent,
      clock,
      bodies: account,
      limits: { maxBytes: Math.min(largestAnswerBytes, account.answerMostBytes) },
      observe: ({ origin, outcome, durationMs }) =>
        metrics.noteUpstreamRequest({
          provider,
          host: new URL(origin).host,
          outcome: outcomeLabel(outcome),
          durationMs,
        }),
    });
  const doors = { infisical: doorOf('infisical'), pulumi: doorOf('pulumi') };
  const cloudDoors = openCloudDoors({
    environment: config.cloud,
    proxy: createProxyRules(config.proxy),
    userAgent,
    clock,
  });
  const observeCallsOf =
    (provider: string): ObserveCall =>
    (call, status) =>
      metrics.providerCalls.add({ provider, call, status });
  const news = new ScopeNews();
  const toInfisical = {
    door: doors.infisical,
    sessions,
    clock,
    gatherPrincipal: gatherInfisicalPrincipal,
    observeCall: observeCallsOf('infisical'),
    reads: createInfisicalReads({ account, clock, news, observeRead: countReads('infisical', metrics) }),
  };
  const infisical = createInfisicalProvider(toInfisical);
  const esc = createEscProvider({
    clock,
    providers: escProviders(createInfisicalAccess(toInfisical)),
    release: (holder) => sessions.release(holder),
    observeRead: countReads('esc', metrics),
  });
  const pulumi = createPulumiProvider({
    account,
    door: doors.pulumi,
    sessions,
    clock,
    gatherPrincipal: gatherPulumiPrincipal,
    loginOf: pulumiLogin,
    observeCall: observeCallsOf('pulumi'),
    observeRead: countReads('pulumi', metrics),
    news,
  });
  return {
    sessions,
    news,
    provider: providersByName({
      infisical,
      pulumi,
      fake: config.fakeProvider ? fakeProvider : undefined,
      esc,
    }),
    clouds: createCloudSources({ ...cloudDoors, environment: config.cloud, readFile: readBoundedFile, clock }),
    close() {
      for (const door of Object.values(doors)) door.close();
      cloudDoors.close();
    },
  };
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
