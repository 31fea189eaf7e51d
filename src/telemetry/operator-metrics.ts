// The metrics that the operator exposes. ESO's names keep their labels and units (its durations are nanoseconds); ours
// begin with `escapement_`, are in seconds and carry no object names.
import type { Histogram, Metric, ReadMetric, Registry } from './metrics.ts';

export interface OperatorMetrics {
  /** ESO: every reconcile, by object. */
  readonly syncCalls: ReadMetric;
  /** ESO: every failed reconcile, by object. */
  readonly syncErrors: ReadMetric;
  readonly externalSecretCondition: ReadMetric;
  /** ESO: last duration in nanoseconds, by object. */
  readonly externalSecretDuration: ReadMetric;
  readonly storeCondition: Metric;
  readonly storeDuration: Metric;
  readonly clusterStoreCondition: Metric;
  readonly clusterStoreDuration: Metric;
  readonly providerCalls: Metric;
  readonly upstreamRequests: Metric;
  readonly upstreamSeconds: Histogram;
  readonly failures: Metric;
  readonly secretWrites: Metric;
  readonly statusWrites: Metric;
  readonly queueDepth: Metric;
  readonly lastCheck: Metric;
  readonly leader: Metric;
}

const latencyBoundsSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Registers every family and the process gauges. */
export function operatorMetrics(registry: Registry, startedAtMs: number): OperatorMetrics {
  processGauges(registry, startedAtMs);
  return {
    syncCalls: registry.read('counter', 'externalsecret_sync_calls_total', 'Reconciles of an ExternalSecret'),
    syncErrors: registry.read('counter', 'externalsecret_sync_calls_error', 'Failed reconciles of an ExternalSecret'),
    externalSecretCondition: registry.read(
      'gauge',
      'externalsecret_status_condition',
      'Conditions of an ExternalSecret, 1 when held',
    ),
    externalSecretDuration: registry.read(
      'gauge',
      'externalsecret_reconcile_duration',
      'Last reconcile of an ExternalSecret, in nanoseconds',
    ),
    storeCondition: registry.gauge('secretstore_status_condition', 'Conditions of a SecretStore, 1 when held'),
    storeDuration: registry.gauge('secretstore_reconcile_duration', 'Last reconcile of a SecretStore, in nanoseconds'),
    clusterStoreCondition: registry.gauge(
      'clustersecretstore_status_condition',
      'Conditions of a ClusterSecretStore, 1 when held',
    ),
    clusterStoreDuration: registry.gauge(
      'clustersecretstore_reconcile_duration',
      'Last reconcile of a ClusterSecretStore, in nanoseconds',
    ),
    providerCalls: registry.counter(
      'externalsecret_provider_api_calls_count',
      'Calls to provider APIs, by provider, call and status',
    ),
    upstreamRequests: registry.counter(
      'escapement_upstream_requests_total',
      'Finished requests to upstream hosts, by outcome',
    ),
    upstreamSeconds: registry.histogram(
      'escapement_upstream_request_seconds',
      'Duration of requests to upstream hosts',
      latencyBoundsSeconds,
    ),
    failures: registry.counter('escapement_reconcile_failures_total', 'Failed reconciles by kind and reason'),
    secretWrites: registry.counter('escapement_secret_writes_total', 'Writes of target Secrets by operation'),
    statusWrites: registry.counter('escapement_status_writes_total', 'Writes of status by kind'),
    queueDepth: registry.gauge('escapement_queue_depth', 'Objects that wait for a reconcile, by kind'),
    lastCheck: registry.gauge(
      'escapement_last_refresh_timestamp_seconds',
      'When the newest refresh against a source ended',
    ),
    leader: registry.gauge('escapement_leader', '1 while this replica is the leader'),
  };
}

function processGauges(registry: Registry, startedAtMs: number): void {
  const resident = registry.gauge('process_resident_memory_bytes', 'Resident memory in bytes');
  const cpu = registry.counter('process_cpu_seconds_total', 'CPU time in seconds');
  registry
    .gauge('process_start_time_seconds', 'Start of the process, seconds since the epoch')
    .set({}, startedAtMs / 1000);
  registry.onCollect(() => {
    resident.set({}, process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    cpu.set({}, (user + system) / 1e6);
  });
}
