// The metrics that the operator exposes: ESO's, with their names, labels and units (its durations are nanoseconds); those of
// controller-runtime that ESO's dashboards read; and ours, which begin with `escapement_`, are in seconds and carry no object
// names. Every label but ESO's object names is a closed or a bounded set.
import { totalmem } from 'node:os';
import { BoundedLabel } from './bounded-label.ts';
import type { Labels, ReadMetric, Registry } from './metrics.ts';

export type OperatorMetrics = ReturnType<typeof operatorMetrics>;

export interface OperatorMetricsOptions {
  readonly startedAtMs: number;
  readonly version: string;
  /** ESO's `--enable-extended-metric-labels`: recommended labels of the objects become labels of their series. */
  readonly extendedLabels: boolean;
  readonly monotonicMs: () => number;
  /** Kinds whose objects are measured. */
  readonly kinds: readonly ObjectSeries[];
}

/** Under which names a kind is measured. */
export interface ObjectSeries {
  readonly kind: string;
  /** What controller-runtime calls its controller in ESO: a label, and the beginning of the names of its own series. */
  readonly controller: string;
  /** Whether runs are counted by object, as ESO does of ExternalSecrets only. */
  /** False for kinds that ESO does not know: series by object are as many as objects. */
  readonly isByObject?: boolean;
  readonly countsRuns?: true;
}

/** ESO's series of one kind, by object. */
export interface ObjectFamilies {
  readonly condition: ReadMetric<string>;
  readonly duration: ReadMetric<string>;
  /** Where runs are counted by object. */
  readonly calls?: ReadMetric<string>;
  readonly errors?: ReadMetric<string>;
}

/** As far as its metrics are concerned. */
export interface NamedObject {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Buckets of controller-runtime: https://github.com/kubernetes-sigs/controller-runtime, pkg/internal/controller/metrics. */
const reconcileBoundsSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const upstreamBoundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Upstream hosts with series of their own; stores name hosts, and tenants make stores. */
const mostHosts = 50;
const hostIdleMs = 3_600_000;

/** Labels of an object that ESO copies when it is asked to, and what it calls them. */
const extendedNames = ['name', 'instance', 'version', 'component', 'part-of', 'managed-by'].map((name) => ({
  onObject: `app.kubernetes.io/${name}`,
  inMetrics: `app_kubernetes_io_${name.replace('-', '_')}`,
}));

/** Registers every family, and fills those of the process. */
export function operatorMetrics(registry: Registry, options: OperatorMetricsOptions) {
  processFamilies(registry, options);
  return {
    ...esoFamilies(registry, options),
    ...controllerFamilies(registry),
    ...upstreamFamilies(registry, options),
    ...ownFamilies(registry),
  };
}

function esoFamilies(registry: Registry, { extendedLabels, kinds }: OperatorMetricsOptions) {
  const extended = extendedLabels ? extendedNames : [];
  const labels = ['name', 'namespace', ...extended.map(({ inMetrics }) => inMetrics)];
  const byObject = kinds.filter(({ isByObject = true }) => isByObject);
  const objects = new Map(byObject.map((series) => [series.kind, objectFamilies(registry, series, labels)]));
  return {
    /** The series by object of one of the kinds; undefined for one that is not measured by object. */
    objectsOf: (kind: string): ObjectFamilies | undefined => objects.get(kind),
    /** The labels of an object's series. */
    labelsOf({ name, namespace, labels: own }: NamedObject): Labels {
      if (!extendedLabels) return { name, namespace };
      const copied = extended.map(({ onObject, inMetrics }) => [inMetrics, own[onObject] ?? '']);
      return { name, namespace, ...Object.fromEntries(copied) };
    },
    providerCalls: registry.counter({
      name: 'externalsecret_provider_api_calls_count',
      help: 'Calls to provider APIs',
      labels: ['provider', 'call', 'status'],
    }),
  };
}

function objectFamilies(
  registry: Registry,
  { kind, controller, countsRuns }: ObjectSeries,
  labels: readonly string[],
): ObjectFamilies {
  const readGauge = (name: string, help: string, more: readonly string[] = []) =>
    registry.read('gauge', { name: `${controller}_${name}`, help, labels: [...labels, ...more] });
  const readCounter = (name: string, help: string) =>
    registry.read('counter', { name: `${controller}_${name}`, help, labels });
  const counts = () => ({
    calls: readCounter('sync_calls_total', `Reconciles of the ${kind}`),
    errors: readCounter('sync_calls_error', `Failed reconciles of the ${kind}`),
  });
  return {
    ...(countsRuns === true ? counts() : {}),
    condition: readGauge('status_condition', `Conditions of the ${kind}, 1 when held`, ['condition', 'status']),
    duration: readGauge('reconcile_duration', `Last reconcile of the ${kind}, in nanoseconds`),
  };
}

/** What ESO has from controller-runtime, as far as it can be said honestly of this operator. */
function controllerFamilies(registry: Registry) {
  return {
    reconciles: registry.counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Reconciles by what they ended with',
      labels: ['controller', 'result'],
    }),
    reconcileErrors: registry.counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Failed reconciles',
      labels: ['controller'],
    }),
    reconcileSeconds: registry.histogram(
      {
        name: 'controller_runtime_reconcile_time_seconds',
        help: 'Duration of reconciles, waiting for sources included',
        labels: ['controller'],
      },
      reconcileBoundsSeconds,
    ),
    activeWorkers: registry.read('gauge', {
      name: 'controller_runtime_active_workers',
      help: 'Reconciles under way; most of them wait for a source',
      labels: ['controller'],
    }),
    workqueueDepth: registry.read('gauge', {
      name: 'workqueue_depth',
      help: 'Objects that are due and wait for their reconcile to begin',
      labels: ['name', 'controller'],
    }),
  };
}

function upstreamFamilies(registry: Registry, { monotonicMs }: OperatorMetricsOptions) {
  const requests = registry.counter({
    name: 'escapement_upstream_requests_total',
    help: 'Requests that left for an upstream host, retries included; the outcome is a status or a reason',
    labels: ['provider', 'host', 'outcome'],
  });
  const seconds = registry.histogram(
    {
      name: 'escapement_upstream_request_duration_seconds',
      help: 'Duration of requests to upstream hosts',
      labels: ['provider', 'host'],
    },
    upstreamBoundsSeconds,
  );
  const hosts = new BoundedLabel({
    most: mostHosts,
    idleMs: hostIdleMs,
    monotonicMs,
    onDropped(host) {
      requests.remove({ host });
      seconds.remove({ host });
    },
  });
  return {
    /** Counts a request that has ended; `host` is `URL.host`. */
    noteUpstreamRequest(request: {
      readonly provider: string;
      readonly host: string;
      readonly outcome: string;
      readonly durationMs: number;
    }): void {
      const { provider, outcome, durationMs } = request;
      const host = hosts.of(request.host);
      requests.add({ provider, host, outcome });
      seconds.observe({ provider, host }, durationMs / 1_000);
    },
    snapshotReads: registry.counter({
      name: 'escapement_snapshot_reads_total',
      help: 'Reads of a scope: `hit` was at hand, `joined` shared the fetch of others, `miss` began one',
      labels: ['provider', 'result'],
    }),
    sessions: registry.read('gauge', {
      name: 'escapement_sessions',
      help: 'Identities that are logged in; what Environments hold of clouds is not among them',
      labels: ['provider', 'method'],
    }),
    logins: registry.counter({
      name: 'escapement_logins_total',
      help: 'Logins; the outcome is `success` or a reason. A static token that is refused counts as a refused login',
      labels: ['provider', 'method', 'outcome'],
    }),
  };
}

function ownFamilies(registry: Registry) {
  return {
    failures: registry.counter({
      name: 'escapement_reconcile_failures_total',
      help: 'Failed reconciles; those with `Conflict` and `Aborted` are run again at once and told nowhere else',
      labels: ['kind', 'reason'],
    }),
    secretWrites: registry.counter({
      name: 'escapement_secret_writes_total',
      help: 'Writes of target Secrets',
      labels: ['operation'],
    }),
    statusWrites: registry.counter({
      name: 'escapement_status_writes_total',
      help: 'Writes of the status of objects',
      labels: ['kind'],
    }),
    queueDepth: registry.read('gauge', {
      name: 'escapement_queue_depth',
      help: 'Objects that are due and wait for their reconcile to begin',
      labels: ['kind'],
    }),
    queueOverdue: registry.read('gauge', {
      name: 'escapement_queue_oldest_overdue_seconds',
      help: 'How long the longest-waiting object that is due has waited for its reconcile to begin; 0 when none waits',
      labels: ['kind'],
    }),
    environments: registry.read('gauge', {
      name: 'escapement_environments',
      help: 'Environments of the cluster by the status of their Ready condition; Unknown for none yet',
      labels: ['ready'],
    }),
    earliestExpiry: registry.read('gauge', {
      name: 'escapement_earliest_expiry_seconds',
      help: 'How long the first of the short-lived values that objects of a kind hold is good for; below 0 it has run out',
      labels: ['kind'],
    }),
    renewalsFailing: registry.read('gauge', {
      name: 'escapement_renewals_failing',
      help: 'Objects that hold short-lived values and whose last run failed: the values run out unless it mends',
      labels: ['kind'],
    }),
    lastCheck: registry.gauge({
      name: 'escapement_last_refresh_timestamp_seconds',
      help: 'When the newest refresh against a source ended, seconds since the epoch',
    }),
    watchFailures: registry.counter({
      name: 'escapement_watch_failures_total',
      help: 'Failed tries to list or watch a kind at the API server',
      labels: ['kind', 'reason'],
    }),
    references: registry.read('gauge', {
      name: 'escapement_references',
      help: 'Objects that are followed because stores name them or ExternalSecrets wait for them: of all namespaces, of the one that has most, and the bound of one, 0 for none',
      labels: ['of'],
    }),
    shares: registry.read('gauge', {
      name: 'escapement_namespace_shares',
      help: 'Upstream hosts, requests under way and kept answers: of all namespaces, of the one that has most, and the bound of one, 0 for none',
      labels: ['what', 'of'],
    }),
    loopDelay: registry.read('gauge', {
      name: 'escapement_event_loop_delay_seconds',
      help: 'How long the event loop was held up since the last scrape; quantile 1 is the longest pause',
      labels: ['quantile'],
    }),
    leader: registry.gauge({
      name: 'escapement_leader',
      help: '1 while this replica leads, 0 while it waits',
    }),
  };
}

function processFamilies(registry: Registry, { startedAtMs, version }: OperatorMetricsOptions): void {
  const read = (type: 'counter' | 'gauge', name: string, help: string, value: () => number) =>
    registry.read(type, { name, help }).readFrom(() => [[{}, value()]]);
  read('gauge', 'process_resident_memory_bytes', 'Resident memory in bytes', () => process.memoryUsage.rss());
  read('counter', 'process_cpu_seconds_total', 'CPU time in seconds', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  read(
    'gauge',
    'process_start_time_seconds',
    'Start of the process, seconds since the epoch',
    () => startedAtMs / 1_000,
  );
  const limit = memoryLimitBytes();
  read('gauge', 'escapement_memory_limit_bytes', 'Memory that the container may use; 0 without a limit', () => limit);
  registry
    .gauge({ name: 'escapement_build_info', help: 'Always 1; the version is its label', labels: ['version'] })
    .set({ version }, 1);
}

/** The cgroup's limit; where there is none, Node says 0 or a number beyond the machine's memory. */
function memoryLimitBytes(): number {
  const bytes = process.constrainedMemory();
  return bytes < totalmem() ? bytes : 0;
}
