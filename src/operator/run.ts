// The operator as a whole: which informers run, which controllers they feed, in which order things start and end.
//
//   cluster access ─► transport ─► informers ─synced─► leader ─► controllers          SIGTERM: controllers ─► sessions
//                                     └── /readyz                                        ─► events ─► lease ─► informers
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { type Config, ConfigError } from '../config.ts';
import { kinds } from '../controller/kinds.ts';
import { type KindRow, seriesOf } from '../controller/kit/kind.ts';
import { secretResource } from '../credentials/store-credentials.ts';
import { loadClusterAccess } from '../kube/config.ts';
import type { InformerDeps } from '../kube/informer.ts';
import { startElection } from '../kube/lease.ts';
import { createTransport } from '../kube/transport.ts';
import { keepHeapSmall } from '../runtime/heap.ts';
import { fired, WhileLeading } from '../runtime/while-leading.ts';
import { startEndpoints } from '../telemetry/endpoints.ts';
import { createLogger } from '../telemetry/logger.ts';
import { watchLoopDelay } from '../telemetry/loop-delay.ts';
import { Registry } from '../telemetry/metrics.ts';
import { type OperatorMetrics, operatorMetrics } from '../telemetry/operator-metrics.ts';
import { version } from '../version.ts';
import { startCaches } from './caches.ts';
import { statusDialect } from './served.ts';
import { type Base, startWork } from './work.ts';

const clock = systemClock;
const rows: readonly KindRow[] = Object.values(kinds);
const userAgent = `escapement/${version}`;

/** What the entry knows of the process. */
interface ProcessFacts {
  /** The file that threads for heavy work run. */
  readonly threadEntry: URL;
  /** Core dumps of this process hold no memory. */
  readonly isOutOfDumps: boolean;
}

/** Runs until `stopping` fires; the answer is the exit code. Throws OperatorError when it cannot start. */
export async function runOperator(
  config: Config,
  { threadEntry, isOutOfDumps }: ProcessFacts,
  stopping: AbortSignal,
): Promise<number> {
  const startedAtMs = clock.nowMs();
  const heapTimer = keepHeapSmall(clock);
  const log = createLogger(config.logLevel, config.logFormat);
  log.info({ detail: version }, 'starting');
  log.info({ detail: scopeOf(config) }, 'serving');
  for (const note of config.notes) log.info({ detail: note }, 'flag');
  for (const flag of switchedOff(config)) log.info({ detail: `--${flag}` }, 'switched off');
  if (!isOutOfDumps) log.debug({}, 'core dumps may hold memory: the system has no filter for them');
  const registry = new Registry();
  const metrics = operatorMetrics(registry, {
    startedAtMs,
    version,
    extendedLabels: config.extendedMetricLabels,
    monotonicMs: clock.monotonicMs,
    kinds: rows.map(seriesOf),
  });
  metrics.leader.set({}, 0);
  metrics.loopDelay.readFrom(watchLoopDelay());
  const waitingFor = new Set(['the API server']);
  const endpoints = await startEndpoints({
    health: config.healthAddress,
    metrics: config.metricsAddress,
    metricsTls: config.metricsTls,
    registry,
    notReady: () => [...waitingFor].map((what) => `waiting for ${what}`),
  }).catch((thrown: unknown) => {
    throw unservable(thrown);
  });
  const access = await loadClusterAccess(accessSources(config), clock);
  const transport = createTransport({ access, clock, userAgent });
  try {
    const informerDeps = { transport, clock, log, onFailure: countWatchFailures(metrics) };
    const caches = await startCaches({ config, informerDeps, waitingFor, stopping });
    const namespace = config.podNamespace ?? access.namespace;
    const parts = { config, transport, informerDeps, caches, clock, log, metrics };
    const base: Base = { ...parts, userAgent, threadEntry, namespace };
    waitingFor.clear();
    log.info({ durationMs: clock.nowMs() - startedAtMs }, 'caches synced');
    await lead(base, stopping);
  } catch (thrown) {
    if (!stopping.aborted) throw thrown;
  } finally {
    heapTimer.cancel();
    endpoints.close();
    transport.close();
  }
  log.info({}, 'stopped');
  return 0;
}

/** Flags by which a kind is not served, or its status not kept. */
function switchedOff(config: Config): ReadonlySet<string> {
  const switches = rows.flatMap(({ served, reported }) => [served, reported]).filter((one) => one !== undefined);
  return new Set(switches.filter(({ option }) => !config[option]).map(({ flag }) => flag));
}

/** What a reader of the log needs to know before anything else: where, for whom, and on which ports. */
function scopeOf({ namespaces, controllerClass, metricsAddress, healthAddress, leaderElection }: Config): string {
  const address = (listen: Config['metricsAddress']) =>
    listen === undefined ? 'off' : `${listen.host ?? ''}:${listen.port}`;
  return [
    namespaces.length === 0 ? 'all namespaces' : `namespace ${namespaces.join(', ')}`,
    `controller class ${controllerClass}`,
    `metrics ${address(metricsAddress)}`,
    `probes ${address(healthAddress)}`,
    leaderElection === undefined ? 'no leader election' : `lease ${leaderElection.name}`,
  ].join(', ');
}

function accessSources({ cluster }: Config) {
  const { serviceHost: host, servicePort: port } = cluster;
  return {
    kubeconfigPath: cluster.kubeconfigPath,
    kubeconfigVariable: cluster.kubeconfigEnv,
    home: cluster.home,
    ...(host === undefined || port === undefined ? {} : { pod: { host, port } }),
  };
}

/** From 0 for the kinds that are always watched: an increase is seen only after a first value. */
function countWatchFailures(metrics: OperatorMetrics): NonNullable<InformerDeps['onFailure']> {
  const always = rows.filter(({ served }) => served === undefined).map(({ definition }) => definition.resource);
  for (const { kind } of [...always, secretResource]) metrics.watchFailures.at({ kind, reason: 'ApiUnavailable' });
  return (kind, { reason }) => metrics.watchFailures.add({ kind, reason });
}

/** Leads until `stopping` fires, or whenever elected until then. */
async function lead(base: Base, stopping: AbortSignal): Promise<void> {
  const { config, transport, log, metrics } = base;
  const dialect = await statusDialect(transport, log, stopping);
  const { leaderElection } = config;
  if (leaderElection === undefined) {
    metrics.leader.set({}, 1);
    const work = await startWork(base, dialect, () => {}, stopping);
    await fired(stopping);
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
      namespace: leaderElection.namespace ?? base.namespace,
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
    await Promise.race([fired(stopping), fault.promise]);
    metrics.leader.set({}, 0);
    await work.stop();
  } finally {
    await election.stop();
  }
}

/** Why the endpoints could not be served, in words of the flags; anything but an error of the system stays as it is. */
function unservable(thrown: unknown): unknown {
  if (!(thrown instanceof Error && 'code' in thrown)) return thrown;
  if ('port' in thrown) {
    const place = `port ${String(thrown.port)}${'address' in thrown ? ` of ${String(thrown.address)}` : ''}`;
    const cause = thrown.code === 'EADDRINUSE' ? 'another process has it' : String(thrown.code);
    return new ConfigError(`cannot listen on ${place}: ${cause}; choose another --metrics-addr or --live-addr`);
  }
  if ('path' in thrown)
    return new ConfigError(`cannot read ${String(thrown.path)}: ${String(thrown.code)}; see --metrics-cert-dir`);
  return thrown;
}
