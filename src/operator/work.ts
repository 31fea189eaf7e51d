// What only a leader has: upstream doors, sessions, providers, controllers, built once per term and ended in order.
//
//   stop: controllers ─► events, sessions (tokens revoked) ─► doors, watches of single objects
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { type Clock, nextTurn } from '../base/clock.ts';
import type { ShareCounts } from '../base/shares.ts';
import { Slots } from '../base/slots.ts';
import type { Config } from '../config.ts';
import { createControllers } from '../controller/controllers.ts';
import { LoopShare, notedWorkplaces } from '../controller/desk.ts';
import { Writer } from '../controller/kit/writer.ts';
import { exposeQueues } from '../controller/queue-series.ts';
import type { Workplaces } from '../core/jobs.ts';
import type { StatusDialect } from '../core/sync-status.ts';
import { isServedProvider } from '../crds/secret-store.ts';
import { operatorIdentity } from '../credentials/operator-identity.ts';
import type { RequestObservation } from '../http/upstream.ts';
import { ObjectWatcher } from '../kube/by-name.ts';
import { createKube } from '../kube/client.ts';
import { createEventRecorder } from '../kube/events.ts';
import type { InformerDeps } from '../kube/informer.ts';
import { createToken } from '../kube/tokens.ts';
import type { Transport } from '../kube/transport.ts';
import type { LastingText } from '../providers/esc/open/vault-leases.ts';
import type { SnapshotRead } from '../providers/shared/snapshots.ts';
import { heapAccount } from '../runtime/memory-account.ts';
import type { Work } from '../runtime/while-leading.ts';
import { WorkerPool } from '../runtime/worker-pool.ts';
import { otherValue } from '../telemetry/bounded-label.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { createCheckHost } from '../upstreams/host-access.ts';
import { openUpstreams, type Upstreams } from '../upstreams/open.ts';
import type { Caches } from './caches.ts';
import { heavyRole } from './heavy-role.ts';
import { oneAtATime } from './key-pairs.ts';
import { lastingSecret } from './lasting-secret.ts';
import { manifestKinds } from './manifest-kinds.ts';
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
  /** The namespace that the operator lives in. */
  readonly namespace: string;
  /** The file that threads for heavy work run. */
  readonly threadEntry: URL;
}

/** Runs under way get this long to end before they are aborted. */
const graceMs = 3_000;
const revokeWithinMs = 3_000;
/** Objects that one line of the log names. */
const mostNamed = 20;

/**
 * One thread, so that heavy work never takes more than one processor. Its heap and that of the loop fit the memory of the chart's
 * container together; honest work needs a tenth of it, and what needs more ends the thread and fails its object.
 */
const heavyLane = { role: heavyRole, threads: 1, deadlineMs: 10_000, idleMs: 30_000, heapMegabytes: 80 };

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
  const events = createEventRecorder({ transport, clock, slot: (waiting) => writer.idleTurn(waiting) });
  const namespaces = followNamespaces(informerDeps);
  const heavy = new WorkerPool({ ...heavyLane, entry: base.threadEntry, clock });
  const notes = openNotes(base);
  const workplaces = notedWorkplaces({ heavy, loop: new LoopShare(nextTurn) }, notes);
  const lastingLeases =
    config.leasesSecret === undefined
      ? undefined
      : lastingSecret({ namespace: base.namespace, name: config.leasesSecret }, { kube, guard, log });
  const upstreams = openCountedUpstreams(base, namespaces, { workplaces, lastingLeases });
  const { provider } = upstreams;
  const controllers = createControllers({
    workplaces,
    manifests: config.genericTargets ? manifestKinds(informerDeps, config.namespaces) : undefined,
    generation: { random: randomBytes, keyPair: oneAtATime(), sendWebhook: upstreams.sendWebhook },
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
    evaluation: upstreams.evaluation,
    namespaces,
    connect: {
      namespaceLabels: namespaces.labels,
      provider,
      objects,
      tokens: {
        createToken: async (order, waiting) => (await createToken(transport, order, waiting)).token,
      },
      operator: operatorIdentity(config, upstreams.clouds, config.ambientIdentityTokenPath),
      controllerClass: config.controllerClass,
      clusterStores: config.clusterStores,
      hostsByLabels: config.upstreamHostsFor.length > 0,
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
    metrics.references.readFrom(() => [
      [{ of: 'all' }, objects.size],
      [{ of: 'greatest' }, objects.greatestShare],
      [{ of: 'bound' }, Number.isFinite(config.namesPerNamespace) ? config.namesPerNamespace : 0],
    ]),
    metrics.shares.readFrom(() =>
      Object.entries(upstreams.shares()).flatMap(([what, counts]) => shareSeries(what, counts)),
    ),
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

/** What is worked on is noted where the administrator gave a place for that. */
function openNotes({ config, clock, log }: Base) {
  if (config.stateDirectory === undefined) return noRunNotes;
  return openRunNotes(config.stateDirectory, {
    clock,
    onDeath({ running, waiting }) {
      if (running.length > 0)
        log.warn({ detail: briefly(running) }, 'the last process died while it worked on these objects');
      if (waiting.length > 0)
        log.warn({ detail: briefly(waiting) }, 'these objects wait: the process died twice while it worked on them');
    },
    onTrouble: (thrown) => log.warn({ err: thrown }, 'could not note what is worked on'),
  });
}

function shareSeries(what: string, { all, greatest, bound }: ShareCounts): [Record<'what' | 'of', string>, number][] {
  return [
    [{ what, of: 'all' }, all],
    [{ what, of: 'greatest' }, greatest],
    [{ what, of: 'bound' }, bound],
  ];
}

/** Names enough to look for, and how many more there are. */
function briefly(keys: readonly string[]): string {
  const more = keys.length - mostNamed;
  return [...keys.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** Opens the way to the upstreams as the flags say, and counts what goes over it. */
function openCountedUpstreams(
  { config, clock, metrics, userAgent }: Base,
  namespaces: ReturnType<typeof followNamespaces>,
  { workplaces, lastingLeases }: { readonly workplaces: Workplaces; readonly lastingLeases: LastingText | undefined },
): Upstreams {
  return openUpstreams(
    {
      hosts: { insecureHosts: config.insecureUpstreamHosts, onlyHosts: config.upstreamHosts },
      checkHost: createCheckHost(config.upstreamHostsFor, namespaces.labels),
      proxy: config.proxy,
      cloud: config.cloud,
      fakeProvider: config.fakeProvider,
      perNamespace: config.perNamespace,
      userAgent,
    },
    {
      account: heapAccount(clock),
      clock,
      workplaces,
      lastingLeases,
      observe: {
        login: (via, outcome) => metrics.logins.add({ ...via, outcome }),
        request: (provider, { origin, outcome, durationMs }) =>
          metrics.noteUpstreamRequest({
            provider,
            host: new URL(origin).host,
            outcome: outcomeLabel(outcome),
            durationMs,
          }),
        call: (provider, call, status) => metrics.providerCalls.add({ provider, call, status }),
        readsOf: (provider) => countReads(provider, metrics),
      },
    },
  );
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
