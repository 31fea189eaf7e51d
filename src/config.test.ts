import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, loadConfig, runHelp } from './config.ts';
import { flagTable } from './config-flags.ts';

type Environment = Readonly<Record<string, string>>;

function refusal(args: readonly string[], env: Environment = {}): string {
  try {
    loadConfig(args, env);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.message;
    throw thrown;
  }
  throw new Error(`accepted: ${args.join(' ')}`);
}

describe('loadConfig', () => {
  it("presents the pod's own token unless another is named", () => {
    const pathOf = (...args: string[]) => loadConfig(args, {}).ambientIdentityTokenPath;
    expect(pathOf()).toBe('/var/run/secrets/kubernetes.io/serviceaccount/token');
    expect(pathOf('--ambient-identity-token-path=/a/token')).toBe('/a/token');
  });

  it('takes rules over hosts as JSON', () => {
    const rules = [
      { namespaces: { matchLabels: { team: 'a' } }, hosts: ['a.example.com:8443'] },
      { namespaces: { matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, hosts: [] },
    ];
    expect(loadConfig([`--upstream-hosts-for=${JSON.stringify(rules)}`], {}).upstreamHostsFor).toEqual(rules);
    expect(loadConfig([], {}).upstreamHostsFor).toEqual([]);
    for (const wrong of ['team=a:host', '{}', '[{"hosts":["a"]}]', '[{"namespaces":{},"hosts":["a"],"host":"b"}]'])
      expect(refusal([`--upstream-hosts-for=${wrong}`])).toContain('expected JSON such as');
    expect(refusal(['--upstream-hosts-for=[{"namespaces":{},"hosts":["https://a"]}]'])).toContain('neither a host');
  });

  it('serves the namespaces that are named, and then no ClusterExternalSecrets', () => {
    const { namespaces, clusterExternalSecrets } = loadConfig(['--namespace=b, a,b'], {});
    expect({ namespaces, clusterExternalSecrets }).toEqual({ namespaces: ['b', 'a'], clusterExternalSecrets: false });
    expect(refusal(['--namespace=a,../b'])).toContain('"../b" is no name of a namespace');
  });

  it('needs nothing: every default of the table is valid', () => {
    expect(loadConfig([], {})).toMatchObject({
      controllerClass: 'default',
      namespaces: [],
      concurrentWrites: 32,
      heartbeatMs: 3_600_000,
      storeRequeueMs: 300_000,
      clusterStores: true,
      storeReconciler: true,
      clusterExternalSecrets: true,
      leaderElection: {
        name: 'escapement-controller',
        namespace: undefined,
        leaseDurationMs: 15_000,
        renewDeadlineMs: 10_000,
        retryPeriodMs: 2_000,
      },
      upstreamHosts: [],
      insecureUpstreamHosts: [],
      ambientIdentityNamespaces: [],
      credentialDirectories: ['/var/run/secrets'],
      metricsAddress: { host: undefined, port: 8080 },
      metricsTls: undefined,
      healthAddress: { host: undefined, port: 8082 },
      logLevel: 'info',
      logFormat: 'json',
      notes: [],
    });
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(loadConfig([], {}))).toBe(true);
  });

  it.each<[why: string, args: string[], expected: Partial<Config>]>([
    ['a value behind =', ['--controller-class=a'], { controllerClass: 'a' }],
    ['a value as the next argument', ['--controller-class', 'a'], { controllerClass: 'a' }],
    ['one dash, as Go allows', ['-controller-class=a'], { controllerClass: 'a' }],
    ['a value that holds =', ['--controller-class=a=b'], { controllerClass: 'a=b' }],
    ['the last of several', ['--controller-class=a', '--controller-class=b'], { controllerClass: 'b' }],
    ['a boolean without a value', ['--enable-cluster-store-reconciler'], { clusterStores: true }],
    ['a boolean that is off', ['--enable-cluster-store-reconciler=false'], { clusterStores: false }],
    ['a kind that is off', ['--enable-cluster-external-secret-reconciler=false'], { clusterExternalSecrets: false }],
    ['one namespace, which leaves nothing to choose from', ['--namespace=a'], { clusterExternalSecrets: false }],
    ['a boolean in the words of Go', ['--enable-secret-store-reconciler=F'], { storeReconciler: false }],
    ['no leader election', ['--enable-leader-election=false'], { leaderElection: undefined }],
    [
      'durations of several units',
      ['--heartbeat-interval=1h30m', '--store-requeue-interval=90s'],
      { heartbeatMs: 5_400_000, storeRequeueMs: 90_000 },
    ],
    ['a Secret for leases', ['--leases-secret=leases'], { leasesSecret: 'leases' }],
    ['a directory for notes', ['--state-dir=/state'], { stateDirectory: '/state' }],
    ['the fake provider off', ['--enable-fake-provider=false'], { fakeProvider: false }],
    ['a bound on names', ['--names-per-namespace=7'], { namesPerNamespace: 7 }],
    [
      'bounds on what a namespace may have',
      ['--hosts-per-namespace=3', '--snapshots-per-namespace=0'],
      { perNamespace: { hosts: 3, requests: 128, snapshots: Number.POSITIVE_INFINITY } },
    ],
    ['no bound on names', ['--names-per-namespace=0'], { namesPerNamespace: Number.POSITIVE_INFINITY }],
    ['no heartbeat', ['--heartbeat-interval=0'], { heartbeatMs: 0 }],
    [
      'a list with blanks and empty items',
      ['--ambient-identity-namespaces= a, ,b,'],
      { ambientIdentityNamespaces: ['a', 'b'] },
    ],
    ['an empty list', ['--credential-directories='], { credentialDirectories: [] }],
    [
      'an address with a host',
      ['--metrics-addr=127.0.0.1:9000'],
      { metricsAddress: { host: '127.0.0.1', port: 9000 } },
    ],
    ['an IPv6 address', ['--live-addr=[::1]:9001'], { healthAddress: { host: '::1', port: 9001 } }],
    [
      'an address that is off',
      ['--metrics-addr=0', '--live-addr='],
      { metricsAddress: undefined, healthAddress: undefined },
    ],
    ['a log for people', ['--log-format=text'], { logFormat: 'text' }],
    ['a log level in capitals', ['--loglevel=DEBUG'], { logLevel: 'debug' }],
    [
      'metrics by TLS',
      ['--metrics-secure', '--metrics-cert-dir=/certs'],
      { metricsTls: { certPath: '/certs/tls.crt', keyPath: '/certs/tls.key' } },
    ],
    ['many writes', ['--concurrent=100'], { concurrentWrites: 100 }],
    [
      'hosts, with and without ports',
      ['--insecure-upstream-hosts=example.test:8080, fd00::1 ,[fd00::2]:443'],
      { insecureUpstreamHosts: ['example.test:8080', 'fd00::1', '[fd00::2]:443'] },
    ],
  ])('reads %s', (_, args, expected) => {
    expect(loadConfig(args, {})).toMatchObject({ ...expected, notes: [] });
  });

  it.each<[why: string, args: string[], names: string]>([
    ['a flag that nobody knows', ['--frobnicate=1'], '--frobnicate'],
    ['a misspelt flag, with the one that was meant', ['--controler-class=a'], '--controller-class'],
    ['an inherited name', ['--constructor=1'], '--constructor'],
    ['a word that is no flag', ['start'], '"start"'],
    ['a value behind a boolean', ['--enable-leader-election', 'true'], '"true"'],
    ['a boolean that is none', ['--enable-leader-election=yes'], '--enable-leader-election=yes'],
    ['a flag without its value', ['--namespace'], '--namespace'],
    ['a number that is none', ['--concurrent=many'], '--concurrent=many'],
    ['a negative number', ['--concurrent=-1'], '--concurrent=-1'],
    ['a duration without a unit', ['--heartbeat-interval=30'], '--heartbeat-interval=30'],
    ['a negative duration', ['--heartbeat-interval=-1s'], '--heartbeat-interval=-1s'],
    [
      'a requeue interval of zero, which would never rest',
      ['--store-requeue-interval=0s'],
      '--store-requeue-interval=0s',
    ],
    [
      'a lease that is not longer than its renewal',
      ['--leader-election-lease-duration=10s'],
      '--leader-election-renew-deadline',
    ],
    [
      'a retry that is not shorter than the renewal',
      ['--leader-election-retry-period=10s'],
      '--leader-election-retry-period',
    ],
    ['an address without a port', ['--metrics-addr=localhost'], '--metrics-addr=localhost'],
    ['a port that does not exist', ['--metrics-addr=:70000'], '--metrics-addr=:70000'],
    ['an IPv6 address without brackets', ['--live-addr=::1:80'], '--live-addr=::1:80'],
    ['a log format that does not exist', ['--log-format=xml'], '--log-format=xml'],
    ['a log level that does not exist', ['--loglevel=loud'], '--loglevel=loud'],
    ['metrics authentication, rather than leave them open', ['--metrics-auth=true'], '--metrics-auth=true'],
    ['a URL for a host', ['--ambient-identity-hosts=https://infisical.test'], '--ambient-identity-hosts'],
    ['a pattern for an upstream', ['--upstream-hosts=*.test'], '--upstream-hosts'],
    ['a pattern for a host', ['--insecure-upstream-hosts=*.test'], '--insecure-upstream-hosts'],
    ['metrics by TLS without a certificate', ['--metrics-secure=true'], '--metrics-cert-dir'],
  ])('refuses %s in one line', (_, args, names) => {
    const message = refusal(args);
    expect(message).toContain(names);
    expect(message).not.toContain('\n');
  });

  it.each<[why: string, args: string[]]>([
    ['a flag without a meaning here', ['--client-qps=50']],
    ['the same with the value as the next argument', ['--client-qps', '50']],
    ['a boolean without a meaning here', ['--enable-secrets-caching']],
    ['a flag of another provider', ['--vault-token-cache-size=100']],
    ['the same with the value as the next argument', ['--vault-token-cache-size', '100']],
    ['a switch of another provider', ['--experimental-enable-aws-session-cache']],
    ['fewer writes than are of use', ['--concurrent=1']],
  ])('accepts %s, says so once, and reads on', (_, args) => {
    const config = loadConfig([...args, '--controller-class=a'], {});
    expect(config.controllerClass).toBe('a');
    expect(config.notes).toHaveLength(1);
    expect(config.notes[0]).toContain(args[0]?.split('=')[0]);
  });

  it('raises the bound on writes to what is of use', () => {
    expect(loadConfig(['--concurrent=1'], {}).concurrentWrites).toBe(8);
  });

  it('accepts every flag of the table with its default', () => {
    const args = Object.entries(flagTable).map(([name, { default: text }]) => `--${name}=${text}`);
    expect(() => loadConfig(args, {})).not.toThrow();
  });
});

describe('the environment', () => {
  it('sets any flag, and gives way to the command line', () => {
    const env = { ESCAPEMENT_CONTROLLER_CLASS: 'env', ESCAPEMENT_LOGLEVEL: 'warn' };
    expect(loadConfig(['--controller-class=arg'], env)).toMatchObject({ controllerClass: 'arg', logLevel: 'warn' });
  });

  it('is refused like a flag', () => {
    expect(refusal([], { ESCAPEMENT_LOGLEVEL: 'loud' })).toContain('--loglevel=loud');
  });

  it.each<[why: string, env: Environment, expected: object]>([
    [
      'where the API server is',
      { KUBECONFIG: '/k', KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' },
      { cluster: { kubeconfigEnv: '/k', serviceHost: '10.0.0.1', servicePort: '443' } },
    ],
    ['the home directory', { HOME: '/me' }, { cluster: { home: '/me' } }],
    [
      'proxies in capitals before small letters',
      { HTTPS_PROXY: 'http://a', https_proxy: 'http://b', no_proxy: 'c' },
      { proxy: { httpsProxy: 'http://a', noProxy: 'c', httpProxy: undefined } },
    ],
    [
      'the name of the pod, else of the host',
      { HOSTNAME: 'h', POD_NAMESPACE: 'n' },
      { podName: 'h', podNamespace: 'n' },
    ],
    [
      'empty variables as none',
      { KUBECONFIG: '', POD_NAME: '', HTTP_PROXY: '' },
      { cluster: { kubeconfigEnv: undefined }, podName: undefined, proxy: { httpProxy: undefined } },
    ],
  ])('tells %s', (_, env, expected) => {
    expect(loadConfig([], env)).toMatchObject(expected);
  });
});

describe('any command line', () => {
  const words = fc.oneof(
    fc.string(),
    fc.constantFrom(...Object.keys(flagTable)).map((name) => `--${name}`),
    fc.tuple(fc.constantFrom(...Object.keys(flagTable)), fc.string()).map(([name, text]) => `--${name}=${text}`),
  );

  it('gives a configuration or a ConfigError, nothing else', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 5 }), (args) => {
        try {
          expect(loadConfig(args, {}).concurrentWrites).toBeGreaterThanOrEqual(8);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('runHelp', () => {
  it.each(Object.keys(flagTable))('lists --%s', (name) => {
    expect(runHelp()).toMatch(new RegExp(`^ {2}--${name}[ :(]`, 'm'));
  });
});
