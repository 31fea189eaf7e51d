// Every value of the Helm chart, once: default, type and meaning. `values.yaml`, `values.schema.json` and the reference page
// are made of it. Names and shapes follow ESO's chart where the meaning is the same; what of ESO's has no meaning here is
// accepted and told after an install (`withoutEffect`); anything else is refused, since it is a typing error.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One value. `schema` is JSON Schema (draft 7, what helm checks). */
export interface Value {
  readonly default: Json;
  readonly schema: { readonly [key: string]: Json };
  readonly help: string;
}

export interface Section {
  readonly help?: string;
  readonly values: Tree;
}

export interface Tree {
  readonly [name: string]: Value | Section;
}

export function isValue(node: Value | Section): node is Value {
  return 'schema' in node;
}

const text = (value: string, help: string, schema = {}): Value => ({
  default: value,
  help,
  schema: { type: 'string', ...schema },
});
const flag = (value: boolean, help: string): Value => ({ default: value, help, schema: { type: 'boolean' } });
const count = (value: number, help: string, minimum = 0): Value => ({
  default: value,
  help,
  schema: { type: 'integer', minimum },
});
const port = (value: number, help: string): Value => ({
  default: value,
  help,
  schema: { type: 'integer', minimum: 1, maximum: 65_535 },
});
const oneOf = (values: readonly string[], help: string): Value => ({
  default: values[0] ?? '',
  help,
  schema: { enum: values },
});
const duration = (value: string, help: string): Value =>
  text(value, help, { pattern: '^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h))+)?$' });
/** A count or a percentage, as Kubernetes' IntOrString. */
const share = (value: Json, help: string): Value => ({
  default: value,
  help,
  schema: { type: ['integer', 'string', 'null'] },
});
const texts = (value: readonly string[], help: string): Value => ({
  default: value,
  help,
  schema: { type: 'array', items: { type: 'string', minLength: 1 } },
});
const labels = (help: string): Value => ({
  default: {},
  help,
  schema: { type: 'object', additionalProperties: { type: 'string' } },
});
/** A piece of a manifest, checked by the API server. */
const piece = (value: Json, help: string): Value => ({ default: value, help, schema: { type: 'object' } });
const pieces = (help: string): Value => ({ default: [], help, schema: { type: 'array', items: { type: 'object' } } });
const section = (values: Tree, help?: string): Section => (help === undefined ? { values } : { values, help });

export const values: Tree = {
  global: section(
    {
      nodeSelector: labels('Used where `nodeSelector` is empty.'),
      tolerations: pieces('Used where `tolerations` is empty.'),
      topologySpreadConstraints: pieces('Used where `topologySpreadConstraints` is empty.'),
      affinity: piece({}, 'Used where `affinity` is empty.'),
      podLabels: labels('Added to those of `podLabels`.'),
      podAnnotations: labels('Added to those of `podAnnotations`.'),
      imagePullSecrets: pieces('Used where `imagePullSecrets` is empty.'),
      repository: text('', 'Takes the place of `image.repository`.'),
      compatibility: section({
        openshift: section({
          adaptSecurityContext: oneOf(
            ['auto', 'force', 'disabled'],
            'Leave user and group to OpenShift: `auto` where its API is found, `force` always, `disabled` never.',
          ),
        }),
      }),
    },
    'Values of a parent chart.',
  ),
  image: section({
    repository: text('ghcr.io/escapement/escapement', 'Where the image is.', { minLength: 1 }),
    tag: text('', "Empty takes the chart's appVersion."),
    digest: text('', '`sha256:…` pins the image; the tag is then not used.', {
      pattern: '^(sha256:[0-9a-f]{64})?$',
    }),
    pullPolicy: oneOf(['IfNotPresent', 'Always', 'Never'], 'When the image is pulled.'),
  }),
  imagePullSecrets: pieces('Secrets with which the image is pulled: `[{name: …}]`.'),
  nameOverride: text('', "Takes the place of the chart's name in names and labels."),
  fullnameOverride: text('', 'The name of most objects; empty makes it of release and chart name.'),
  namespaceOverride: text('', "Takes the place of the release's namespace."),
  commonLabels: labels('Added to every object.'),
  createOperator: flag(true, 'Render the Deployment; false leaves CRDs, ServiceAccount and RBAC.'),
  replicaCount: count(1, 'Two or more keep a warm follower; one of them leads.'),
  revisionHistoryLimit: count(10, 'Old ReplicaSets that are kept.'),
  strategy: piece({}, "The Deployment's strategy; empty is Kubernetes' default, and Recreate without `leaderElect`."),
  leaderElect: flag(true, 'Leader election by a Lease. Off is for one replica.'),
  controllerClass: text('', 'Serve stores whose `spec.controller` is empty or this class; empty means `default`.'),
  concurrent: count(32, 'Most writes to the API server in flight; below 8 is raised to 8.', 1),
  scopedNamespace: text('', 'Serve this namespace only.'),
  scopedNamespaces: texts(
    [],
    'Serve these namespaces only: the middle way between one and all. Each costs a watch of every kind, so a handful.',
  ),
  scopedRBAC: flag(
    false,
    'With `scopedNamespace` or `scopedNamespaces`: a Role in each instead of a ClusterRole. No cluster-scoped object but the CRDs is then rendered.',
  ),
  processClusterStore: flag(true, 'Serve ClusterSecretStores; off whenever `scopedRBAC` is on.'),
  processClusterExternalSecret: flag(
    true,
    'Serve ClusterExternalSecrets, which needs the right to write ExternalSecrets; off whenever `scopedNamespace` or `scopedNamespaces` is set.',
  ),
  processSecretStore: flag(true, 'Validate SecretStores and write their status.'),
  storeRequeueInterval: duration(
    '5m',
    'How often a store is validated that names no `refreshInterval`; empty means 5m.',
  ),
  heartbeatInterval: duration(
    '1h',
    'How often `status.refreshTime` moves while nothing changes; 0s moves it at every refresh, as ESO does.',
  ),
  installCRDs: flag(true, 'Install and upgrade the CRDs with the release; they are kept when it goes.'),
  crds: section({
    takeover: flag(
      false,
      'Take over CRDs that are in the cluster and belong to nobody or to another release. Helm wants `--take-ownership` besides, and Helm 4 `--force-conflicts`.',
    ),
    annotations: labels('Added to every CRD.'),
  }),
  upstreamHosts: texts([], 'The only hosts that stores and Webhooks may name, as host or host:port; empty allows any.'),
  upstreamHostsFor: {
    default: [],
    help: 'The only hosts that stores, Environments and Webhooks of some namespaces may name, by labels of the namespace: `[{namespaces: {matchLabels: {team: a}}, hosts: [secrets.example.com]}]`. Namespaces that no entry selects may name any; `upstreamHosts` bounds all. Not with `scopedRBAC`.',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['namespaces', 'hosts'],
        properties: {
          namespaces: { type: 'object' },
          hosts: { type: 'array', items: { type: 'string', minLength: 1 } },
        },
      },
    },
  },
  insecureUpstreamHosts: texts(
    [],
    'Hosts that may be reached by plain http and on loopback. In-cluster services (`*.svc`) need no entry.',
  ),
  quarantine: flag(
    true,
    'Note in a volume of the pod which objects are worked on at length: one that the container died at twice waits for an hour or a change.',
  ),
  keptLeases: flag(
    true,
    "Keep the credentials that Vault leased in a Secret of the release's namespace, so that the next leader goes on with them. Off, a restart makes each anew while the former runs to its end.",
  ),
  fakeProvider: flag(true, 'Serve stores of the fake provider, whose values stand in their manifests.'),
  namesPerNamespace: count(
    2_000,
    'Most objects of one namespace that are followed because stores name them or ExternalSecrets wait for them; 0 sets no bound.',
  ),
  hostsPerNamespace: count(50, 'Most upstream hosts that are asked for one namespace; 0 sets no bound.'),
  requestsPerNamespace: count(
    128,
    'Most requests to upstreams that are under way for one namespace; others wait. 0 sets no bound.',
  ),
  snapshotsPerNamespace: count(
    2_000,
    'Most answers (folders, or secrets read by name) that are held for one namespace; 0 sets no bound.',
  ),
  ambientIdentity: section(
    {
      hosts: texts(['app.infisical.com', 'eu.infisical.com', 'us.infisical.com'], 'Hosts that may see it.'),
      namespaces: texts(
        [],
        'Namespaces whose SecretStores and Environments may use it; `["*"]` allows all, as ESO does. ClusterSecretStores always may.',
      ),
      tokenAudience: text(
        '',
        'Audience of a token that is mounted for kubernetes logins alone, such as `infisical`; the identity at Infisical names the same. Empty presents the token for the API server.',
      ),
    },
    "The operator's own identity: kubernetes, aws, azure and gcp logins that name no ServiceAccount.",
  ),
  credentialDirectories: texts(
    ['/var/run/secrets'],
    'Directories that a token path or key path of a store may lie in.',
  ),
  genericTargets: section({
    enabled: flag(
      false,
      'Let ExternalSecrets write other kinds than Secret (`spec.target.manifest`): ConfigMaps, and what `resources` names. Whoever may write an ExternalSecret can then write these.',
    ),
    resources: {
      default: [],
      help: 'More kinds that they may write: `[{apiGroup: argoproj.io, resources: [applications]}]`. `verbs` are get, list, watch, create, update and delete unless given.',
      schema: {
        type: 'array',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['apiGroup', 'resources'],
          properties: {
            apiGroup: { type: 'string' },
            resources: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
            verbs: { type: 'array', items: { type: 'string' } },
          },
        },
      },
    },
  }),
  rbac: section({
    create: flag(true, 'Render roles and bindings; false leaves them to somebody else.'),
    serviceAccountTokenCreate: flag(
      false,
      'Let stores log in with tokens of ServiceAccounts (`serviceAccountRef`): the right to create tokens of any ServiceAccount that is served.',
    ),
    aggregateToView: flag(
      true,
      "Let Kubernetes' `view`, `edit` and `admin` roles read the kinds; not with `scopedRBAC`.",
    ),
    aggregateToEdit: flag(true, "Let Kubernetes' `edit` and `admin` roles write the kinds; not with `scopedRBAC`."),
  }),
  admissionPolicy: section(
    {
      enabled: flag(false, 'Render the policy and its binding, which are of the whole cluster.'),
      closedNamespaces: texts(['kube-system'], 'Namespaces in which it writes no target at all.'),
    },
    'A ValidatingAdmissionPolicy over what the operator writes: only objects that carry its label, and no Secret of a type by which somebody is let in.',
  ),
  openshiftFinalizers: flag(
    true,
    'The right to update `externalsecrets/finalizers`, without which clusters that check owner references (OpenShift) refuse the Secrets.',
  ),
  systemAuthDelegator: flag(
    false,
    "Bind `system:auth-delegator` to the ServiceAccount, for Infisical's Kubernetes login without a reviewer token.",
  ),
  serviceAccount: section({
    create: flag(true, 'Create the ServiceAccount.'),
    name: text('', 'Its name; empty makes one, or takes `default` when it is not created.'),
    annotations: labels('For example the cloud role it stands for.'),
    extraLabels: labels('Added to its labels.'),
    automount: flag(true, 'Mount its token; off needs a volume with one in `extraVolumes`.'),
  }),
  log: section({
    level: oneOf(['info', 'trace', 'debug', 'warn', 'error', 'fatal'], 'What is logged, and above.'),
  }),
  extraArgs: piece({}, 'More flags of `escapement run`: `{loglevel: debug}`; null renders one without a value.'),
  extraEnv: pieces('More environment of the container.'),
  extraVolumes: pieces('More volumes of the pod.'),
  extraVolumeMounts: pieces('More mounts of the container.'),
  extraContainers: pieces('More containers of the pod.'),
  extraInitContainers: pieces('Init containers of the pod.'),
  extraObjects: {
    default: [],
    help: 'More objects to install with the release: manifests, or texts that are templates.',
    schema: { type: 'array', items: { type: ['object', 'string'] } },
  },
  podSpecExtra: piece({}, 'More fields of the pod.'),
  podAnnotations: labels('Annotations of the pod.'),
  podLabels: labels('Labels of the pod.'),
  deploymentAnnotations: labels('Annotations of the Deployment.'),
  nodeSelector: labels('Where the pod may run.'),
  tolerations: pieces('Taints that the pod tolerates.'),
  affinity: piece({}, 'Where the pod would rather run.'),
  topologySpreadConstraints: pieces('How replicas spread.'),
  priorityClassName: text('', "The pod's priority class."),
  hostNetwork: flag(false, "Use the node's network. The restricted pod security standard forbids it."),
  hostAliases: pieces('More entries of /etc/hosts.'),
  dnsPolicy: text('', "The pod's DNS policy; empty leaves it to Kubernetes."),
  dnsConfig: piece({}, "The pod's DNS settings."),
  terminationGracePeriodSeconds: count(15, 'The operator ends within 10 s of SIGTERM.'),
  resources: piece(
    { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    'What the container asks for and may use.',
  ),
  podSecurityContext: piece(
    {
      enabled: true,
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532, // lets the user read projected tokens
      seccompProfile: { type: 'RuntimeDefault' },
    },
    "The pod's security context; `enabled: false` renders none.",
  ),
  securityContext: piece(
    {
      enabled: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    "The container's security context; `enabled: false` renders none.",
  ),
  livenessProbe: section({
    enabled: flag(true, 'Restart the container when `/healthz` fails.'),
    spec: piece({ periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 }, 'Its timing.'),
  }),
  readinessProbe: section({
    enabled: flag(true, 'Ready once `/readyz` says that the caches are filled.'),
    spec: piece({ periodSeconds: 5, failureThreshold: 3, timeoutSeconds: 5 }, 'Its timing.'),
  }),
  healthPort: port(8082, 'Port of `/healthz` and `/readyz`.'),
  podDisruptionBudget: section({
    enabled: flag(true, 'Render one when there are two replicas or more.'),
    minAvailable: share(null, 'Pods that must stay; used when given.'),
    maxUnavailable: share(1, 'Pods that may go at the same time.'),
    nameOverride: text('', 'Its name.'),
  }),
  service: section(
    {
      ipFamilyPolicy: text(
        '',
        '`SingleStack`, `PreferDualStack` or `RequireDualStack`; empty leaves it to the cluster.',
      ),
      ipFamilies: texts([], '`IPv4`, `IPv6`, in order of preference.'),
    },
    'The IP families of Services. The operator itself listens on both.',
  ),
  extendedMetricLabels: flag(
    false,
    'Copy the recommended labels (`app.kubernetes.io/…`) of ExternalSecrets and stores to their series.',
  ),
  metrics: section({
    listen: section({
      port: port(8080, 'Port of `/metrics`.'),
      secure: section({
        enabled: flag(false, 'Serve `/metrics` by TLS.'),
        certDir: text('/etc/tls', 'Directory with `tls.crt` and `tls.key`, mounted by `extraVolumeMounts`.'),
      }),
    }),
    service: section({
      enabled: flag(true, 'A Service for it.'),
      port: port(8080, 'Port of the Service.'),
      annotations: labels('Annotations of the Service.'),
    }),
  }),
  serviceMonitor: section({
    enabled: flag(false, 'A ServiceMonitor of the Prometheus operator; needs `metrics.service.enabled`.'),
    renderMode: oneOf(
      ['skipIfMissing', 'failIfMissing', 'alwaysRender'],
      'What to do where the cluster has no such kind.',
    ),
    namespace: text('', "Where it is installed; empty takes the release's namespace."),
    additionalLabels: labels('Labels by which Prometheus finds it.'),
    interval: duration('30s', 'Time between two scrapes.'),
    scrapeTimeout: duration('25s', 'How long a scrape may take.'),
    honorLabels: flag(false, 'Keep labels that clash.'),
    metricRelabelings: pieces('Relabelling before ingestion.'),
    relabelings: pieces('Relabelling before the scrape.'),
  }),
  grafanaDashboard: section({
    enabled: flag(false, 'A dashboard, in a ConfigMap that the sidecar of the Grafana chart finds.'),
    namespace: text('', "Where it is installed; empty takes the release's namespace."),
    sidecarLabel: text('grafana_dashboard', 'The label that the sidecar looks for.', { minLength: 1 }),
    sidecarLabelValue: text('1', 'The value of that label.'),
    annotations: labels("Annotations of the ConfigMap, such as Grafana's folder."),
    extraLabels: labels('More labels of the ConfigMap.'),
  }),
  prometheusRule: section({
    enabled: flag(false, 'Alerts, in a PrometheusRule of the Prometheus operator.'),
    renderMode: oneOf(
      ['skipIfMissing', 'failIfMissing', 'alwaysRender'],
      'What to do where the cluster has no such kind.',
    ),
    namespace: text('', "Where it is installed; empty takes the release's namespace."),
    additionalLabels: labels('Labels by which Prometheus finds it.'),
    additionalRules: pieces('More rules, in a group of their own.'),
  }),
  networkPolicy: section({
    enabled: flag(true, 'Allow only what the operator needs.'),
    upstreamPorts: {
      default: [443],
      help: 'Ports of upstreams, and of a proxy; Infisical in the cluster often listens on 8080.',
      schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
    },
    apiServerPorts: {
      default: [443, 6443],
      help: 'Ports of the API server as pods reach it.',
      schema: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65_535 } },
    },
    apiServerTo: pieces(
      'Where the API server is, as peers of a NetworkPolicy, such as `ipBlock: {cidr: 10.0.0.1/32}`; empty allows its ports everywhere.',
    ),
    metricsFrom: pieces(
      'Who may read metrics, as peers of a NetworkPolicy, such as `namespaceSelector: {…}`; empty lets every pod.',
    ),
    cloudMetadata: flag(false, 'Let it reach the metadata service of a cloud: aws, azure and gcp logins.'),
    extraEgress: pieces('More egress rules.'),
    extraIngress: pieces('More ingress rules.'),
  }),
};

const notServed = 'the kind is not served yet';
const noWebhook = 'there is no webhook and no certificate controller: validation is in the CRDs and in the operator';
const ownCrds = 'the chart installs the CRDs of the kinds that are served';

/** Values of ESO's chart that are accepted and do nothing, by path, and why. */
export const withoutEffect: Readonly<Record<string, string>> = {
  'bitwarden-sdk-server': 'the provider is not served',
  certController: noWebhook,
  'crds.conversion': 'versions need no conversion',
  'crds.createClusterExternalSecret': ownCrds,
  'crds.createClusterGenerator': ownCrds,
  'crds.createClusterPushSecret': ownCrds,
  'crds.createClusterSecretStore': ownCrds,
  'crds.createPushSecret': ownCrds,
  'crds.createSecretStore': ownCrds,
  'crds.unsafeServeV1Beta1': 'v1beta1 is always served',
  enableHTTP2: 'the metrics endpoint speaks HTTP/1.1',
  hostUsers: 'set it by podSpecExtra',
  'image.flavour': 'there is one image',
  'log.timeEncoding': 'log times are epoch milliseconds',
  'metrics.listen.secure.certFile': 'tls.crt in certDir',
  'metrics.listen.secure.keyFile': 'tls.key in certDir',
  processClusterGenerator: 'they are served with `processClusterStore`',
  processClusterPushSecret: notServed,
  processPushSecret: notServed,
  'rbac.servicebindings': 'not served yet',
  vault: 'the provider is not served',
  webhook: noWebhook,
};
