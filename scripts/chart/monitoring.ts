// What is watched of the operator: the panels of the dashboard and the alerts, with the queries that they are made of. The
// chart's dashboard and rules are generated from this table, and a test holds every query against what the operator exposes.
// Queries name no release: `job` and `instance` are what Prometheus adds. Where it also adds a `namespace`, that of the
// operator, the namespace of an object is called `exported_namespace`; queries keep both.

export interface Query {
  /** PromQL; on the dashboard `$job`, `$namespace` and `$__rate_interval` stand for what Grafana puts there. */
  readonly expr: string;
  /** Grafana's legend: `{{label}}`. Absent for a single value. */
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  readonly help: string;
  /** `value` shows the latest, `list` the series of this moment as a table, `lines` their course. */
  readonly kind: 'value' | 'list' | 'lines';
  /** A unit of Grafana: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** From which value on it has which colour; the first stands for all below. */
  readonly steps?: readonly Step[];
}

export interface Step {
  readonly from: number;
  readonly color: 'green' | 'orange' | 'red';
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Alert {
  /** The heading in docs/guides/monitoring.md that tells what to do has the same name. */
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  readonly expr: string;
  /** How long it must hold; absent fires at once. */
  readonly holds?: string;
  /** In Prometheus' template language, as is the description. */
  readonly summary: string;
  readonly description: string;
}

const own = 'job=~"$job"';
/** Series of objects, in the namespaces that are chosen; those without a namespace are there as long as all are. */
const ofObjects = `${own}, exported_namespace=~"$namespace"`;
/** Good below `warn`, bad from `bad` on. */
const rising = (warn: number, bad: number): readonly Step[] => [
  { from: Number.NEGATIVE_INFINITY, color: 'green' as const },
  { from: warn, color: 'orange' as const },
  { from: bad, color: 'red' as const },
];
const rate = (selector: string, by: string) => `sum by (${by}) (rate(${selector}[$__rate_interval]))`;
const quantile = (share: number, buckets: string, by: string) =>
  `histogram_quantile(${share}, ${rate(buckets, `le, ${by}`)})`;
const value = (title: string, unit: string, expr: string, help: string, steps?: readonly Step[]): Panel => ({
  title,
  help,
  kind: 'value',
  unit,
  queries: [{ expr }],
  ...(steps === undefined ? {} : { steps }),
});
const list = (title: string, unit: string, expr: string, help: string): Panel => ({
  title,
  help,
  kind: 'list',
  unit,
  queries: [{ expr }],
});
const lines = (title: string, unit: string, help: string, ...queries: readonly Query[]): Panel => ({
  title,
  help,
  kind: 'lines',
  unit,
  queries,
});

const notReady = (kind: string, extra = '') =>
  `${kind}_status_condition{${extra}condition="Ready", status="False"} == 1`;

export const dashboardRows: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      value('Leading', 'none', `sum(escapement_leader{${own}})`, 'Replicas that lead: one, or nothing is synced.', [
        { from: Number.NEGATIVE_INFINITY, color: 'red' },
        { from: 1, color: 'green' },
        { from: 2, color: 'red' },
      ]),
      value('Replicas', 'none', `count(escapement_build_info{${own}})`, 'Replicas that are scraped.'),
      value(
        'ExternalSecrets',
        'none',
        `count(externalsecret_status_condition{${ofObjects}, condition="Ready", status="True"})`,
        'ExternalSecrets that are served, Ready or not.',
      ),
      value(
        'ExternalSecrets not Ready',
        'none',
        `sum(externalsecret_status_condition{${ofObjects}, condition="Ready", status="False"})`,
        'Each of them tells why in its Ready condition.',
        rising(1, 10),
      ),
      value(
        'Since the newest refresh',
        's',
        `time() - max(escapement_last_refresh_timestamp_seconds{${own}})`,
        'Time since any ExternalSecret was last refreshed against its source.',
        rising(3_600, 86_400),
      ),
      value(
        'Oldest overdue',
        's',
        `max(escapement_queue_oldest_overdue_seconds{${own}})`,
        'How long the longest-waiting object has been due.',
        rising(60, 300),
      ),
    ],
  },
  {
    title: 'Objects',
    panels: [
      list(
        'ExternalSecrets that are not Ready',
        'none',
        notReady('externalsecret', `${ofObjects}, `),
        'kubectl describe tells the cause, the key and the fix.',
      ),
      list(
        'Stores that are not Ready',
        'none',
        `${notReady('secretstore', `${ofObjects}, `)} or ${notReady('clustersecretstore', `${own}, `)}`,
        'A store that cannot log in, or may not list its scope.',
      ),
      lines('Reconciles', 'ops', 'By what they ended with; `requeue_after` is the usual end of a good one.', {
        expr: rate(`controller_runtime_reconcile_total{${own}}`, 'controller, result'),
        legend: '{{controller}} {{result}}',
      }),
      lines('Failures by reason', 'ops', 'The reasons are explained in docs/reference/reasons.md.', {
        expr: rate(`escapement_reconcile_failures_total{${own}}`, 'kind, reason'),
        legend: '{{kind}} {{reason}}',
      }),
      lines(
        'Duration of reconciles',
        's',
        'Waiting for sources included.',
        {
          expr: quantile(0.5, `controller_runtime_reconcile_time_seconds_bucket{${own}}`, 'controller'),
          legend: '{{controller}} median',
        },
        {
          expr: quantile(0.99, `controller_runtime_reconcile_time_seconds_bucket{${own}}`, 'controller'),
          legend: '{{controller}} p99',
        },
      ),
      lines(
        'Slowest objects',
        's',
        'Their last reconcile.',
        { expr: `topk(5, externalsecret_reconcile_duration{${ofObjects}} / 1e9)`, legend: 'ExternalSecret {{name}}' },
        { expr: `topk(5, secretstore_reconcile_duration{${ofObjects}} / 1e9)`, legend: 'SecretStore {{name}}' },
        { expr: `topk(5, clustersecretstore_reconcile_duration{${own}} / 1e9)`, legend: 'ClusterSecretStore {{name}}' },
      ),
      lines('Busiest ExternalSecrets', 'ops', 'Those that are reconciled most often.', {
        expr: `topk(5, ${rate(`externalsecret_sync_calls_total{${ofObjects}}`, 'namespace, exported_namespace, name')})`,
        legend: '{{exported_namespace}} {{name}}',
      }),
      lines('ExternalSecrets that fail most', 'ops', 'Failed reconciles.', {
        expr: `topk(5, ${rate(`externalsecret_sync_calls_error{${ofObjects}}`, 'namespace, exported_namespace, name')})`,
        legend: '{{exported_namespace}} {{name}}',
      }),
    ],
  },
  {
    title: 'Queue',
    panels: [
      lines('Objects that wait', 'none', 'Due, and their reconcile has not begun.', {
        expr: `sum by (kind) (escapement_queue_depth{${own}})`,
        legend: '{{kind}}',
      }),
      lines('Oldest overdue', 's', 'How long the longest-waiting object has been due.', {
        expr: `max by (kind) (escapement_queue_oldest_overdue_seconds{${own}})`,
        legend: '{{kind}}',
      }),
      lines('Reconciles under way', 'none', 'Most of them wait for a source; writes are bounded by --concurrent.', {
        expr: `sum by (controller) (controller_runtime_active_workers{${own}})`,
        legend: '{{controller}}',
      }),
    ],
  },
  {
    title: 'Upstream',
    panels: [
      lines('Requests', 'reqps', 'By host and outcome: a status, or the reason why there was none.', {
        expr: rate(`escapement_upstream_requests_total{${own}}`, 'host, outcome'),
        legend: '{{host}} {{outcome}}',
      }),
      lines('Duration of requests', 's', '99 of 100 are faster.', {
        expr: quantile(0.99, `escapement_upstream_request_duration_seconds_bucket{${own}}`, 'host'),
        legend: '{{host}}',
      }),
      lines('Calls', 'reqps', 'As ESO counts them: also those that were refused before they left.', {
        expr: rate(`externalsecret_provider_api_calls_count{${own}}`, 'provider, call, status'),
        legend: '{{provider}} {{call}} {{status}}',
      }),
      lines('Reads of scopes', 'ops', '`hit` and `joined` cost no request.', {
        expr: rate(`escapement_snapshot_reads_total{${own}}`, 'provider, result'),
        legend: '{{provider}} {{result}}',
      }),
      lines('Identities logged in', 'none', 'Stores of one identity share its session.', {
        expr: `sum by (provider, method) (escapement_sessions{${own}})`,
        legend: '{{provider}} {{method}}',
      }),
      lines('Logins', 'ops', 'A refused login is not tried again for a minute or more.', {
        expr: rate(`escapement_logins_total{${own}}`, 'provider, method, outcome'),
        legend: '{{provider}} {{method}} {{outcome}}',
      }),
    ],
  },
  {
    title: 'Environments',
    panels: [
      lines(
        'Environments',
        'none',
        'By the status of Ready; those that are False tell what is wrong in status.diagnostics.',
        {
          expr: `sum by (ready) (escapement_environments{${own}})`,
          legend: '{{ready}}',
        },
      ),
      lines(
        'Until the first value runs out',
        's',
        'Of short-lived values that were opened; they are renewed at two thirds of their life.',
        { expr: `min by (kind) (escapement_earliest_expiry_seconds{${own}})`, legend: '{{kind}}' },
      ),
      lines('Renewals that fail', 'none', 'Objects whose short-lived values run out unless it mends.', {
        expr: `sum by (kind) (escapement_renewals_failing{${own}})`,
        legend: '{{kind}}',
      }),
    ],
  },
  {
    title: 'API server',
    panels: [
      lines('Writes of Secrets', 'wps', 'None while nothing changes upstream.', {
        expr: rate(`escapement_secret_writes_total{${own}}`, 'operation'),
        legend: '{{operation}}',
      }),
      lines('Writes of status', 'wps', 'None while nothing changes, a heartbeat apart.', {
        expr: rate(`escapement_status_writes_total{${own}}`, 'kind'),
        legend: '{{kind}}',
      }),
      lines('Failed watches', 'ops', 'Tries to follow a kind that the API server refused or did not answer.', {
        expr: rate(`escapement_watch_failures_total{${own}}`, 'kind, reason'),
        legend: '{{kind}} {{reason}}',
      }),
      lines('Objects followed by name', 'none', 'Of all namespaces, of the greatest, and the bound for each.', {
        expr: `max by (of) (escapement_references{${own}})`,
        legend: '{{of}}',
      }),
      lines('Greatest share of a namespace', 'percentunit', 'Of its bound: hosts, requests under way, kept answers.', {
        expr: `max by (what) (escapement_namespace_shares{${own}, of="greatest"}) / max by (what) (escapement_namespace_shares{${own}, of="bound"} > 0)`,
        legend: '{{what}}',
      }),
    ],
  },
  {
    title: 'Process',
    panels: [
      lines(
        'Memory',
        'bytes',
        'Resident, and what the container may use.',
        { expr: `process_resident_memory_bytes{${own}}`, legend: '{{instance}}' },
        { expr: `escapement_memory_limit_bytes{${own}} > 0`, legend: 'limit of {{instance}}' },
      ),
      lines('CPU', 'none', 'Cores in use.', {
        expr: `rate(process_cpu_seconds_total{${own}}[$__rate_interval])`,
        legend: '{{instance}}',
      }),
      lines('Longest pause', 's', 'Of the event loop, between two scrapes. Beyond 50 ms something holds others up.', {
        expr: `escapement_event_loop_delay_seconds{${own}, quantile="1"}`,
        legend: '{{instance}}',
      }),
      lines('Uptime', 's', 'A fall to 0 is a restart.', {
        expr: `time() - process_start_time_seconds{${own}}`,
        legend: '{{instance}}',
      }),
    ],
  },
];

/** Metrics that no panel shows, and why. */
export const notOnDashboard: Readonly<Record<string, string>> = {
  controller_runtime_reconcile_errors_total:
    "the same as `controller_runtime_reconcile_total` with result `error`; for ESO's alerts",
  clusterexternalsecret_reconcile_duration:
    'one number an object of a kind of which there are few; the run counts are shown for all kinds',
  clusterexternalsecret_status_condition:
    'what does not work shows as the ExternalSecrets that it keeps, which are on the dashboard',
  workqueue_depth: "the same as `escapement_queue_depth`; for ESO's dashboards and alerts",
};

const place = 'job, namespace';
const objectPlace = 'job, namespace, exported_namespace, name';
const objectNamespace = '{{ with $labels.exported_namespace }}{{ . }}{{ else }}{{ $labels.namespace }}{{ end }}';
/** Of the objects of this operator's leader: ESO may run beside it, with series of the same names. */
const notReadyOfOurs = (kind: string) =>
  `max by (${objectPlace}) (${notReady(kind)} and on (job, instance) escapement_leader == 1)`;
const ofKind = (kind: string) => `label_replace(${notReadyOfOurs(kind.toLowerCase())}, "kind", "${kind}", "", "")`;
const failedOutcomes = 'outcome=~"5..|429|[A-Z].+", outcome!="Aborted"';
/** Those that the credentials are to blame for; a host that is down has an alert of its own. */
const refusedLogins = 'outcome!~"success|UpstreamUnavailable|UpstreamThrottled"';

export const alerts: readonly Alert[] = [
  {
    name: 'EscapementNotLeading',
    severity: 'critical',
    expr: `max by (${place}) (escapement_leader) == 0 or absent(escapement_leader)`,
    holds: '5m',
    summary: 'No replica of Escapement leads.',
    description:
      'For 5 minutes no replica of Escapement has led, or none was scraped: Secrets stay as they are, and no change reaches them.',
  },
  {
    name: 'EscapementExternalSecretNotReady',
    severity: 'warning',
    expr: notReadyOfOurs('externalsecret'),
    holds: '15m',
    summary: `ExternalSecret ${objectNamespace}/{{ $labels.name }} is not Ready.`,
    description: `For 15 minutes ExternalSecret ${objectNamespace}/{{ $labels.name }} could not be synced. Its Secret stays as it was. The Ready condition tells the cause, the key and the fix.`,
  },
  {
    name: 'EscapementStoreNotReady',
    severity: 'warning',
    expr: `${ofKind('SecretStore')} or ${ofKind('ClusterSecretStore')}`,
    holds: '15m',
    summary: '{{ $labels.kind }} {{ $labels.name }} is not Ready.',
    description: `For 15 minutes {{ $labels.kind }} {{ $labels.name }}{{ if eq $labels.kind "SecretStore" }} of namespace ${objectNamespace}{{ end }} could not be validated. The Ready condition tells why.`,
  },
  {
    name: 'EscapementUpstreamFailing',
    severity: 'warning',
    expr:
      `sum by (${place}, provider, host) (rate(escapement_upstream_requests_total{${failedOutcomes}}[10m]))` +
      ` / sum by (${place}, provider, host) (rate(escapement_upstream_requests_total[10m])) > 0.5`,
    holds: '10m',
    summary: 'Most requests to {{ $labels.host }} fail.',
    description:
      'For 10 minutes {{ $value | humanizePercentage }} of the requests to {{ $labels.host }} ({{ $labels.provider }}) were answered with 5xx or 429, or not at all. Secrets stay as they are until it answers.',
  },
  {
    name: 'EscapementRefreshesOverdue',
    severity: 'warning',
    expr: `max by (${place}, kind) (escapement_queue_oldest_overdue_seconds) > 120`,
    holds: '10m',
    summary: 'Objects of kind {{ $labels.kind }} wait too long for their turn.',
    description:
      'An object of kind {{ $labels.kind }} has been due for {{ $value | humanizeDuration }}, and its reconcile has not begun: the operator has more to do than it can.',
  },
  {
    name: 'EscapementLoginsFailing',
    severity: 'warning',
    expr: `sum by (${place}, provider, method) (increase(escapement_logins_total{${refusedLogins}}[30m])) > 1`,
    holds: '15m',
    summary: 'Logins to {{ $labels.provider }} by {{ $labels.method }} are refused.',
    description:
      'Logins to {{ $labels.provider }} by {{ $labels.method }} were refused about {{ $value | printf "%.0f" }} times in the last 30 minutes. Each is tried again after a minute at first, later every 10 minutes.',
  },
  {
    name: 'EscapementRenewalsFailing',
    severity: 'warning',
    expr: `max by (${place}, kind) (escapement_renewals_failing) > 0`,
    holds: '1m',
    summary: 'Short-lived values of kind {{ $labels.kind }} cannot be renewed.',
    description:
      'For a minute the runs of {{ $value | printf "%.0f" }} objects of kind {{ $labels.kind }} that hold short-lived values have failed. The values still work until their end; escapement_earliest_expiry_seconds tells how long.',
  },
  {
    name: 'EscapementValueExpired',
    severity: 'critical',
    expr: `min by (${place}, kind) (escapement_earliest_expiry_seconds) < 0`,
    summary: 'A short-lived value of kind {{ $labels.kind }} has run out.',
    description:
      'What an object of kind {{ $labels.kind }} holds has run out and was not renewed: whoever uses it is refused. The Ready condition of the object tells why.',
  },
  {
    name: 'EscapementWatchFailing',
    severity: 'warning',
    expr: `sum by (${place}, kind) (increase(escapement_watch_failures_total[10m])) > 5`,
    holds: '10m',
    summary: 'Objects of kind {{ $labels.kind }} cannot be watched.',
    description:
      'For 10 minutes the API server refused to let {{ $labels.kind }} be listed or watched, or did not answer: changes of them are not seen.',
  },
  {
    name: 'EscapementInternalErrors',
    severity: 'warning',
    expr: `sum by (${place}, kind) (increase(escapement_reconcile_failures_total{reason="Internal"}[15m])) > 0`,
    summary: 'A reconcile of kind {{ $labels.kind }} failed by a fault of the operator.',
    description:
      'A reconcile of kind {{ $labels.kind }} ended with an unexpected error. The log has it, with its stack.',
  },
  {
    name: 'EscapementRestarting',
    severity: 'warning',
    expr: 'changes(process_start_time_seconds[1h]) > 3 and on (job, instance) escapement_build_info',
    summary: 'Escapement restarts again and again.',
    description: 'The process at {{ $labels.instance }} began {{ $value }} times anew within an hour.',
  },
  {
    name: 'EscapementMemoryNearLimit',
    severity: 'warning',
    expr: 'process_resident_memory_bytes > 0.9 * (escapement_memory_limit_bytes > 0)',
    holds: '10m',
    summary: 'Escapement is about to run out of memory.',
    description:
      'The process at {{ $labels.instance }} has held {{ $value | humanize1024 }}B, over 90 % of what its container may use, for 10 minutes. Over the limit it is killed.',
  },
];
