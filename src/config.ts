// Flags and environment become one frozen Config. This is the only reader of process.env. Go's flag syntax is understood:
// `--flag=value`, `--flag value`, `--flag` and `--flag=false` for booleans. Every flag may also come from the environment
// as ESCAPEMENT_<FLAG IN CAPITALS, DASHES AS UNDERSCORES>; the command line wins.

import { asOperatorError } from './base/operator-error.ts';
import { type CloudVariables, readCloudVariables } from './config-cloud.ts';
import { type FlagName, type FlagRow, flagTable, foreignProviderFlag } from './config-flags.ts';
import { parseGoDuration } from './core/go-duration.ts';
import { normalizeHostEntry } from './core/host-entry.ts';
import { type NamespaceHosts, namespaceHostsFlag, readNamespaceHosts } from './core/namespace-hosts.ts';

/** Where to find the API server; in order of preference. */
export interface ClusterAccess {
  readonly kubeconfigPath: string | undefined;
  readonly kubeconfigEnv: string | undefined;
  /** The home directory, for kubectl's own file. */
  readonly home: string | undefined;
  readonly serviceHost: string | undefined;
  readonly servicePort: string | undefined;
}

export interface ProxySettings {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface Config {
  readonly cluster: ClusterAccess;
  readonly proxy: ProxySettings;
  /** Variables of the clouds' own SDKs. */
  readonly cloud: CloudVariables;
  readonly podName: string | undefined;
  readonly podNamespace: string | undefined;
  /** Those that are served; empty for all. */
  readonly namespaces: readonly string[];
  readonly controllerClass: string;
  readonly concurrentWrites: number;
  readonly heartbeatMs: number;
  /** Left and right, of the templates of targets. */
  readonly templateDelimiters: readonly [left: string, right: string];
  readonly storeRequeueMs: number;
  readonly clusterStores: boolean;
  readonly storeReconciler: boolean;
  readonly clusterExternalSecrets: boolean;
  readonly leaderElection:
    | {
        readonly name: string;
        readonly namespace: string | undefined;
        readonly leaseDurationMs: number;
        readonly renewDeadlineMs: number;
        readonly retryPeriodMs: number;
      }
    | undefined;
  /** Empty allows any. */
  readonly upstreamHosts: readonly string[];
  readonly insecureUpstreamHosts: readonly string[];
  /** Which hosts namespaces may name, by their labels; empty allows any. */
  readonly upstreamHostsFor: NamespaceHosts;
  /** Where it is noted what is worked on; undefined notes nothing. */
  readonly stateDirectory: string | undefined;
  /** The Secret in which leased credentials outlive the process; undefined for none. */
  readonly leasesSecret: string | undefined;
  readonly fakeProvider: boolean;
  /** ExternalSecrets may write objects of other kinds than Secret. */
  readonly genericTargets: boolean;
  /** Infinity for no bound. */
  readonly namesPerNamespace: number;
  /** Infinity for no bound, each. */
  readonly perNamespace: { readonly hosts: number; readonly requests: number; readonly snapshots: number };
  readonly ambientIdentityHosts: readonly string[];
  readonly ambientIdentityNamespaces: readonly string[];
  readonly ambientIdentityTokenPath: string;
  readonly credentialDirectories: readonly string[];
  readonly metricsAddress: ListenAddress | undefined;
  readonly metricsTls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly healthAddress: ListenAddress | undefined;
  readonly extendedMetricLabels: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Lines to log once at start: accepted flags that do nothing, raised values. */
  readonly notes: readonly string[];
}

export interface ListenAddress {
  /** undefined listens on all interfaces, IPv4 and IPv6. */
  readonly host: string | undefined;
  readonly port: number;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

const logFormats = ['json', 'text'] as const;
export type LogFormat = (typeof logFormats)[number];

/** A command line that cannot be served; the message is one line for the user. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Fewer writes in flight than this leave the API server idle between round trips. */
const leastConcurrentWrites = 8;

/** Reads flags and environment. Throws ConfigError that names the flag and the fix. */
export function loadConfig(args: readonly string[], env: Environment = process.env): Config {
  const { texts, notes } = collectTexts(args, env);
  const read = readers(texts);
  const asked = read.integer('concurrent');
  if (asked < leastConcurrentWrites) {
    notes.push(
      `--concurrent=${asked} is raised to ${leastConcurrentWrites}: it bounds writes in flight here, not objects that wait`,
    );
  }
  if (read.boolean('metrics-auth'))
    throw new ConfigError(
      '--metrics-auth=true is not served yet: protect /metrics with a NetworkPolicy and leave it false',
    );
  const secure = read.boolean('metrics-secure');
  if (secure && texts['metrics-cert-dir'] === '')
    throw new ConfigError('--metrics-secure=true needs --metrics-cert-dir with a certificate and key');
  return Object.freeze({
    cluster: clusterAccess(texts.kubeconfig, env),
    proxy: proxySettings(env),
    cloud: readCloudVariables(env),
    podName: env['POD_NAME'] || env['HOSTNAME'] || undefined,
    podNamespace: env['POD_NAMESPACE'] || undefined,
    namespaces: read.namespaces('namespace'),
    controllerClass: texts['controller-class'],
    concurrentWrites: Math.max(leastConcurrentWrites, asked),
    heartbeatMs: read.duration('heartbeat-interval'),
    templateDelimiters: [texts['template-left-delimiter'], texts['template-right-delimiter']] as const,
    storeRequeueMs: read.positiveDuration('store-requeue-interval'),
    clusterStores: read.boolean('enable-cluster-store-reconciler'),
    storeReconciler: read.boolean('enable-secret-store-reconciler'),
    // They choose among all namespaces: an operator of some has nothing to choose from.
    clusterExternalSecrets:
      read.boolean('enable-cluster-external-secret-reconciler') && read.list('namespace').length === 0,
    leaderElection: read.boolean('enable-leader-election') ? leaderElection(texts, read) : undefined,
    upstreamHosts: read.hosts('upstream-hosts'),
    insecureUpstreamHosts: read.hosts('insecure-upstream-hosts'),
    upstreamHostsFor: namespaceHosts(texts[namespaceHostsFlag]),
    stateDirectory: texts['state-dir'] || undefined,
    leasesSecret: texts['leases-secret'] || undefined,
    fakeProvider: read.boolean('enable-fake-provider'),
    genericTargets: read.boolean('unsafe-allow-generic-targets'),
    namesPerNamespace: read.bound('names-per-namespace'),
    perNamespace: {
      hosts: read.bound('hosts-per-namespace'),
      requests: read.bound('requests-per-namespace'),
      snapshots: read.bound('snapshots-per-namespace'),
    },
    ambientIdentityHosts: read.hosts('ambient-identity-hosts'),
    ambientIdentityNamespaces: read.list('ambient-identity-namespaces'),
    ambientIdentityTokenPath: texts['ambient-identity-token-path'],
    credentialDirectories: read.list('credential-directories'),
    metricsAddress: read.address('metrics-addr'),
    metricsTls: secure
      ? {
          certPath: `${texts['metrics-cert-dir']}/${texts['metrics-cert-name']}`,
          keyPath: `${texts['metrics-cert-dir']}/${texts['metrics-key-name']}`,
        }
      : undefined,
    healthAddress: read.address('live-addr'),
    extendedMetricLabels: read.boolean('enable-extended-metric-labels'),
    logLevel: read.logLevel('loglevel'),
    logFormat: read.logFormat('log-format'),
    notes,
  });
}

function clusterAccess(kubeconfigPath: string | undefined, env: Environment): ClusterAccess {
  return {
    kubeconfigPath: kubeconfigPath || undefined,
    kubeconfigEnv: env['KUBECONFIG'] || undefined,
    home: env['HOME'] || env['USERPROFILE'] || undefined,
    serviceHost: env['KUBERNETES_SERVICE_HOST'] || undefined,
    servicePort: env['KUBERNETES_SERVICE_PORT'] || undefined,
  };
}

function proxySettings(env: Environment): ProxySettings {
  return {
    httpProxy: env['HTTP_PROXY'] || env['http_proxy'] || undefined,
    httpsProxy: env['HTTPS_PROXY'] || env['https_proxy'] || undefined,
    noProxy: env['NO_PROXY'] || env['no_proxy'] || undefined,
  };
}

/** What the commands for people take from the environment: there the person is who asks, and not the operator. */
export interface DeskSettings {
  readonly cluster: ClusterAccess;
  readonly proxy: ProxySettings;
  readonly cloud: CloudVariables;
  readonly insecureUpstreamHosts: readonly string[];
  /** As Pulumi's own command line has them. */
  readonly pulumi: { readonly accessToken: string | undefined; readonly backendUrl: string | undefined };
  /** Everything, for a command that is run. */
  readonly variables: Readonly<Record<string, string>>;
}

export function loadDeskSettings(kubeconfigPath?: string, env: Environment = process.env): DeskSettings {
  const variables = Object.entries(env).flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
  return Object.freeze({
    cluster: clusterAccess(kubeconfigPath, env),
    proxy: proxySettings(env),
    cloud: readCloudVariables(env),
    insecureUpstreamHosts: (env[environmentName('insecure-upstream-hosts')] ?? '')
      .split(',')
      .filter((item) => item !== ''),
    pulumi: {
      accessToken: env['PULUMI_ACCESS_TOKEN'] || undefined,
      backendUrl: env['PULUMI_BACKEND_URL'] || undefined,
    },
    variables: Object.fromEntries(variables),
  });
}

type Texts = Record<FlagName, string>;
type Readers = ReturnType<typeof readers>;

function leaderElection(texts: Texts, read: Readers): Config['leaderElection'] {
  const leaseDurationMs = read.positiveDuration('leader-election-lease-duration');
  const renewDeadlineMs = read.positiveDuration('leader-election-renew-deadline');
  const retryPeriodMs = read.positiveDuration('leader-election-retry-period');
  if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs)) {
    throw new ConfigError(
      'leader election needs --leader-election-lease-duration > --leader-election-renew-deadline > --leader-election-retry-period',
    );
  }
  const namespace = texts['leader-election-namespace'] || undefined;
  return { name: texts['leader-election-id'], namespace, leaseDurationMs, renewDeadlineMs, retryPeriodMs };
}

/** The text of every flag: command line over environment over default. */
function collectTexts(args: readonly string[], env: Environment): { texts: Texts; notes: string[] } {
  const texts = {} as Texts; // filled for every name of the table in the next loop
  for (const name of flagNames()) texts[name] = env[environmentName(name)] ?? flagTable[name].default;
  const notes: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const { name, inline } = splitArgument(args[i] ?? '');
    if (!isFlagName(name)) {
      if (!foreignProviderFlag.test(name)) throw new ConfigError(unknownFlag(name));
      notes.push(`--${name} is accepted and does nothing: it belongs to a provider that Escapement does not serve`);
      if (inline === undefined && !looksLikeFlag(args[i + 1])) i++;
      continue;
    }
    const row = flagTable[name];
    let text = inline;
    if (text === undefined) {
      if (row.kind === 'boolean') text = 'true';
      else if (i + 1 < args.length) text = args[++i] ?? '';
      else throw new ConfigError(`--${name} needs a value: --${name}=${row.default || '…'}`);
    }
    texts[name] = text;
    if ('ignored' in row) notes.push(`--${name} is accepted and does nothing: ${row.ignored}`);
  }
  return { texts, notes };
}

function looksLikeFlag(text: string | undefined): boolean {
  return text === undefined || text.startsWith('-');
}

function splitArgument(argument: string): { name: string; inline: string | undefined } {
  const match = /^--?([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(argument);
  if (match === null)
    throw new ConfigError(
      `unexpected argument "${argument}": flags are written --name=value; see escapement run --help`,
    );
  return { name: match[1] ?? '', inline: match[2] };
}

function unknownFlag(name: string): string {
  const near = flagNames()
    .map((known) => ({ known, distance: editDistance(name, known) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const hint =
    near !== undefined && near.distance <= Math.max(2, name.length / 3) ? `did you mean --${near.known}? ` : '';
  return `unknown flag --${name}: ${hint}see escapement run --help`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function readers(texts: Texts) {
  const duration = (name: FlagName): number => {
    try {
      const ms = parseGoDuration(texts[name]);
      if (ms >= 0) return ms;
    } catch {
      // the message below names the flag and the form that is wanted
    }
    throw new ConfigError(`--${name}=${texts[name]}: expected a duration such as 30s, 5m or 1h30m`);
  };
  const integer = (name: FlagName): number => {
    if (/^\d{1,9}$/.test(texts[name])) return Number(texts[name]);
    throw new ConfigError(`--${name}=${texts[name]}: expected a whole number`);
  };
  const list = (name: FlagName): readonly string[] =>
    texts[name]
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return {
    duration,
    list,
    hosts: (name: FlagName): readonly string[] => list(name).map((item) => hostEntry(item, name)),
    namespaces(name: FlagName): readonly string[] {
      const named = [...new Set(list(name))];
      for (const one of named) {
        // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
        if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(one)) continue;
        throw new ConfigError(`--${name}=${texts[name]}: "${one}" is no name of a namespace; write them as a,b`);
      }
      return named;
    },
    positiveDuration(name: FlagName): number {
      const ms = duration(name);
      if (ms > 0) return ms;
      throw new ConfigError(`--${name}=${texts[name]}: expected a duration above zero`);
    },
    boolean(name: FlagName): boolean {
      // What Go's strconv.ParseBool takes: pkg.go.dev/strconv#ParseBool
      if (/^(1|t|T|true|TRUE|True)$/.test(texts[name])) return true;
      if (/^(0|f|F|false|FALSE|False)$/.test(texts[name])) return false;
      throw new ConfigError(`--${name}=${texts[name]}: expected true or false`);
    },
    integer,
    bound: (name: FlagName): number => integer(name) || Number.POSITIVE_INFINITY, // 0 is none
    address(name: FlagName): ListenAddress | undefined {
      if (texts[name] === '0' || texts[name] === '') return undefined;
      const match = /^(?:\[([0-9A-Fa-f:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(texts[name]);
      const port = Number(match?.[3]);
      if (match === null || port > 65_535)
        throw new ConfigError(`--${name}=${texts[name]}: expected host:port or :port`);
      return { host: match[1] || match[2] || undefined, port };
    },
    logFormat(name: FlagName): LogFormat {
      const format = logFormats.find((known) => known === texts[name].toLowerCase());
      if (format !== undefined) return format;
      throw new ConfigError(`--${name}=${texts[name]}: expected one of ${logFormats.join(', ')}`);
    },
    logLevel(name: FlagName): LogLevel {
      const level = logLevels.find((known) => known === texts[name].toLowerCase());
      if (level !== undefined) return level;
      throw new ConfigError(`--${name}=${texts[name]}: expected one of ${logLevels.join(', ')}`);
    },
  };
}

function namespaceHosts(text: string): NamespaceHosts {
  try {
    return readNamespaceHosts(text);
  } catch (thrown) {
    throw new ConfigError(asOperatorError(thrown).message);
  }
}

/** The entry as it was written: the rooms that use it bring it into one spelling. */
function hostEntry(item: string, name: FlagName): string {
  try {
    normalizeHostEntry(item, name);
    return item;
  } catch (thrown) {
    throw new ConfigError(asOperatorError(thrown).message);
  }
}

function flagNames(): FlagName[] {
  return Object.keys(flagTable).filter(isFlagName);
}

function rowOf(name: FlagName): FlagRow {
  return flagTable[name];
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flagTable, name);
}

function environmentName(name: FlagName): string {
  return `ESCAPEMENT_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The text of `escapement run --help`. */
export function runHelp(): string {
  const own = flagNames().filter((name) => rowOf(name).ignored === undefined);
  const ignored = flagNames().filter((name) => rowOf(name).ignored !== undefined);
  const line = (name: FlagName) => {
    const { kind, help, default: text } = flagTable[name];
    return `  --${name} (${kind}${text === '' ? '' : `, default ${text}`})\n      ${help}`;
  };
  return [
    'Usage: escapement run [--flag=value …]',
    '',
    'Keeps the Secrets of a cluster in step with Infisical. Every flag may also be set in the environment, as',
    'ESCAPEMENT_<FLAG> with capitals and underscores; the command line wins.',
    '',
    'Flags:',
    ...own.map(line),
    '',
    'Accepted for the sake of manifests written for the External Secrets Operator, without effect:',
    ...ignored.map((name) => `  --${name}: ${rowOf(name).ignored ?? ''}`),
    '  flags of other providers (--vault-…, --aws-…, …)',
  ].join('\n');
}
