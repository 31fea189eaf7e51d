// The table of flags of `escapement run`: name, kind, default, meaning. The parser, `--help` and the reference page all
// read this one table. Flags that ESO's controller has keep their names and meaning; those without a meaning here are
// listed with `ignored`, and accepted with one line that says so.

/** What a flag's text is read as; durations are Go durations (`90s`, `1h30m`). */
export type FlagKind = 'boolean' | 'integer' | 'text' | 'duration' | 'list';

export interface FlagRow {
  readonly kind: FlagKind;
  /** As it would be typed. */
  readonly default: string;
  readonly help: string;
  /** Accepted for ESO's sake; the text says why it does nothing. */
  readonly ignored?: string;
}

const cached = 'Escapement watches what it needs and keeps no values';

export const flagTable = {
  kubeconfig: {
    kind: 'text',
    default: '',
    help: 'kubeconfig file; without it KUBECONFIG, else the in-cluster ServiceAccount, else ~/.kube/config',
  },
  namespace: { kind: 'list', default: '', help: 'serve these namespaces only; empty serves all' },
  'controller-class': {
    kind: 'text',
    default: 'default',
    help: 'serve stores whose spec.controller is empty or this name',
  },
  concurrent: {
    kind: 'integer',
    default: '32',
    help: 'most writes to the API server in flight; values below 8 are raised to 8',
  },
  'heartbeat-interval': {
    kind: 'duration',
    default: '1h',
    help: 'how often status.refreshTime moves while nothing changes; 0 moves it at every refresh, as ESO does',
  },
  'store-requeue-interval': {
    kind: 'duration',
    default: '5m',
    help: 'how often a store is validated that names no refreshInterval',
  },
  'enable-cluster-store-reconciler': { kind: 'boolean', default: 'true', help: 'serve ClusterSecretStores' },
  'enable-cluster-external-secret-reconciler': {
    kind: 'boolean',
    default: 'true',
    help: 'serve ClusterExternalSecrets; never with --namespace',
  },
  'enable-secret-store-reconciler': {
    kind: 'boolean',
    default: 'true',
    help: 'validate SecretStores and write their status',
  },
  'enable-leader-election': {
    kind: 'boolean',
    default: 'true',
    help: 'let one of several replicas write, chosen by a Lease',
  },
  'leader-election-id': { kind: 'text', default: 'escapement-controller', help: 'name of the Lease' },
  'leader-election-namespace': {
    kind: 'text',
    default: '',
    help: "namespace of the Lease; empty means the pod's (POD_NAMESPACE or the ServiceAccount's)",
  },
  'leader-election-lease-duration': {
    kind: 'duration',
    default: '15s',
    help: 'how long a silent leader is still respected',
  },
  'leader-election-renew-deadline': {
    kind: 'duration',
    default: '10s',
    help: 'how long a leader tries to renew before it steps down',
  },
  'leader-election-retry-period': { kind: 'duration', default: '2s', help: 'time between two tries' },
  'upstream-hosts': {
    kind: 'list',
    default: '',
    help: 'the only hosts (host or host:port) that stores and Webhooks may name; empty allows any',
  },
  'insecure-upstream-hosts': {
    kind: 'list',
    default: '',
    help: 'hosts (host or host:port) that may be reached by plain http and on loopback; for demos and tests',
  },
  'upstream-hosts-for': {
    kind: 'text',
    default: '',
    help: 'the only hosts that stores, Environments and Webhooks of some namespaces may name, as JSON: [{"namespaces":{"matchLabels":{"team":"a"}},"hosts":["secrets.example.com"]}]; namespaces that no selector meets may name any. --upstream-hosts bounds all of them',
  },
  'state-dir': {
    kind: 'text',
    default: '',
    help: 'directory that outlives the process, to note which objects it works on at length: one that it died at twice waits for an hour or a change; empty notes nothing',
  },
  'leases-secret': {
    kind: 'text',
    default: '',
    help: 'Secret of the namespace that the operator lives in, where credentials that Vault leased outlive the process; it must be there. Empty: another process asks for credentials of its own',
  },
  'enable-fake-provider': {
    kind: 'boolean',
    default: 'true',
    help: 'serve stores of the fake provider, whose values stand in their manifests',
  },
  'names-per-namespace': {
    kind: 'integer',
    default: '2000',
    help: 'most objects of one namespace that are followed because stores name them or ExternalSecrets wait for them; 0 sets no bound',
  },
  'hosts-per-namespace': {
    kind: 'integer',
    default: '50',
    help: 'most upstream hosts that are asked for one namespace (or one ClusterSecretStore); 0 sets no bound',
  },
  'requests-per-namespace': {
    kind: 'integer',
    default: '128',
    help: 'most requests to upstreams, so sockets, that are under way for one namespace; others wait; 0 sets no bound',
  },
  'snapshots-per-namespace': {
    kind: 'integer',
    default: '2000',
    help: 'most answers (folders, secrets, environments, logins) that are held for one namespace; 0 sets no bound',
  },
  'ambient-identity-hosts': {
    kind: 'list',
    default: 'app.infisical.com,eu.infisical.com,us.infisical.com',
    help: "hosts that may see the operator's own identity (kubernetes, aws, azure, gcp logins)",
  },
  'ambient-identity-namespaces': {
    kind: 'list',
    default: '',
    help: "namespaces whose SecretStores and Environments may use the operator's own identity; * allows all, as ESO does",
  },
  'ambient-identity-token-path': {
    kind: 'text',
    default: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    help: "file with the token that kubernetes logins of the operator's own identity present; one of an audience of its own opens nothing at the API server",
  },
  'credential-directories': {
    kind: 'list',
    default: '/var/run/secrets',
    help: 'directories that a token path or key path of a store may lie in',
  },
  'metrics-addr': { kind: 'text', default: ':8080', help: 'address of /metrics; 0 turns it off' },
  'live-addr': { kind: 'text', default: ':8082', help: 'address of /healthz and /readyz; 0 turns it off' },
  loglevel: { kind: 'text', default: 'info', help: 'trace, debug, info, warn, error or fatal' },
  'log-format': {
    kind: 'text',
    default: 'json',
    help: 'json, or text for people: RFC 3339 time, level, message, fields',
  },
  'enable-extended-metric-labels': {
    kind: 'boolean',
    default: 'false',
    help: 'copy the recommended labels (app.kubernetes.io/…) of objects to their series, as ESO does',
  },
  'enable-flood-gate': {
    kind: 'boolean',
    default: 'true',
    help: 'accepted',
    ignored: "only a failed login holds back a store's ExternalSecrets here",
  },
  'enable-push-secret-reconciler': {
    kind: 'boolean',
    default: 'true',
    help: 'accepted',
    ignored: 'PushSecret is not served yet',
  },
  'enable-cluster-push-secret-reconciler': {
    kind: 'boolean',
    default: 'true',
    help: 'accepted',
    ignored: 'ClusterPushSecret is not served yet',
  },
  'enable-generator-state': {
    kind: 'boolean',
    default: 'true',
    help: 'accepted',
    ignored: 'the generators that are served keep no state',
  },
  'generator-gc-grace-period': {
    kind: 'duration',
    default: '2m',
    help: 'accepted',
    ignored: 'the generators that are served keep no state',
  },
  'unsafe-allow-generic-targets': {
    kind: 'boolean',
    default: 'false',
    help: 'serve spec.target.manifest: let ExternalSecrets write objects of every kind that the operator has the rights to',
  },
  'template-left-delimiter': { kind: 'text', default: '{{', help: 'what opens an action in the templates of targets' },
  'template-right-delimiter': { kind: 'text', default: '}}', help: 'what closes it' },
  'client-qps': { kind: 'text', default: '50', help: 'accepted', ignored: 'writes are bounded by --concurrent' },
  'client-burst': { kind: 'integer', default: '100', help: 'accepted', ignored: 'writes are bounded by --concurrent' },
  'enable-secrets-caching': { kind: 'boolean', default: 'false', help: 'accepted', ignored: cached },
  'enable-configmaps-caching': { kind: 'boolean', default: 'false', help: 'accepted', ignored: cached },
  'enable-managed-secrets-caching': { kind: 'boolean', default: 'true', help: 'accepted', ignored: cached },
  'enable-secret-api-read-on-cache-mismatch': { kind: 'boolean', default: 'true', help: 'accepted', ignored: cached },
  'enable-http2': {
    kind: 'boolean',
    default: 'false',
    help: 'accepted',
    ignored: 'the metrics endpoint speaks HTTP/1.1',
  },
  'zap-time-encoding': {
    kind: 'text',
    default: 'epoch',
    help: 'accepted',
    ignored: 'log times are epoch milliseconds',
  },
  'metrics-secure': {
    kind: 'boolean',
    default: 'false',
    help: 'serve /metrics by TLS with the certificate of --metrics-cert-dir',
  },
  'metrics-auth': { kind: 'boolean', default: 'false', help: 'not served yet: true is refused' },
  'metrics-cert-dir': { kind: 'text', default: '', help: 'directory of the certificate for --metrics-secure' },
  'metrics-cert-name': { kind: 'text', default: 'tls.crt', help: 'certificate file in --metrics-cert-dir' },
  'metrics-key-name': { kind: 'text', default: 'tls.key', help: 'key file in --metrics-cert-dir' },
} as const satisfies Record<string, FlagRow>;

export type FlagName = keyof typeof flagTable;

/** Flags that belong to providers which other controllers serve: accepted, so that a Deployment's args carry over. */
export const foreignProviderFlag =
  /^(experimental-)?(enable-)?(vault|aws|azure|gcp|doppler|nebius|pulumi|bitwarden|akeyless|ibm|oracle|onepassword|webhook)-[a-z-]+$/;
