// The operator as a process: its command line, its endpoints, and what it does when the API server, or the kinds that it
// serves, are not there (yet), or are those of the External Secrets Operator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { flagTable } from '../../src/config-flags.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { createFleet, type FleetGround } from '../support/fleet.ts';
import { startInfisicalDouble } from '../support/infisical-double/double.ts';
import { createKubeApi } from '../support/kube-api.ts';
import { createNamespace, kubectl } from '../support/kubectl.ts';
import { freePort, type Operator, runOperator, startOperator } from '../support/operator.ts';
import { createScene } from '../support/scene.ts';
import { condition, follow, pause, until } from '../support/wait.ts';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'escapement.mjs');

/** Every flag of the controller of External Secrets Operator 2.9, with a value that a Deployment might give it. */
const esoFlags = [
  '--concurrent=1',
  '--controller-class=default',
  '--namespace=',
  '--enable-leader-election=false',
  '--leader-election-id=external-secrets-controller',
  '--leader-election-lease-duration=15s',
  '--leader-election-renew-deadline=10s',
  '--leader-election-retry-period=2s',
  '--client-qps=50',
  '--client-burst=100',
  '--enable-secrets-caching=false',
  '--enable-configmaps-caching',
  '--enable-managed-secrets-caching=true',
  '--enable-secret-api-read-on-cache-mismatch=true',
  '--enable-cluster-store-reconciler=true',
  '--enable-secret-store-reconciler=true',
  '--enable-cluster-external-secret-reconciler=true',
  '--enable-push-secret-reconciler=true',
  '--enable-cluster-push-secret-reconciler=true',
  '--enable-flood-gate=true',
  '--enable-generator-state=true',
  '--generator-gc-grace-period=2m',
  '--enable-extended-metric-labels=false',
  '--store-requeue-interval=5m0s',
  '--unsafe-allow-generic-targets=false',
  '--metrics-secure=false',
  '--metrics-auth=false',
  '--metrics-cert-dir=',
  '--metrics-cert-name=tls.crt',
  '--metrics-key-name=tls.key',
  '--loglevel=info',
  '--zap-time-encoding=epoch',
  '--enable-http2=false',
  '--template-left-delimiter={{',
  '--template-right-delimiter=}}',
  '--experimental-enable-vault-token-cache=true',
  '--experimental-vault-token-cache-size=100',
];

describe('the command line', () => {
  it('tells every flag in --help', async () => {
    const { code, stdout } = await escapement(['run', '--help']);
    expect(code).toBe(0);
    const missing = Object.keys(flagTable).filter((name) => !stdout.includes(`--${name}`));
    expect(missing).toEqual([]);
    expect(stdout).toContain('ESCAPEMENT_');
  });

  it.each([
    { why: 'an unknown flag, with the likely one', args: ['run', '--namspace=x'], says: '--namespace' },
    {
      why: 'a value that is not of the kind',
      args: ['run', '--enable-leader-election=perhaps'],
      says: 'true or false',
    },
    { why: 'a number that is none', args: ['run', '--concurrent=many'], says: '--concurrent=many' },
    { why: 'a flag without its value', args: ['run', '--namespace'], says: '--namespace' },
    { why: 'an argument that is no flag', args: ['run', 'now'], says: '"now"' },
    { why: 'an unknown command', args: ['walk'], says: 'walk' },
    { why: 'no command', args: [], says: 'Usage' },
  ])('refuses $why', async ({ args, says }) => {
    const { code, stderr, stdout } = await escapement(args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stdout).toBe('');
  });

  it('prints the kinds whole, however slowly they are read', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${bundle}" crds | (sleep 1; cat)`]);
    const printed = await text(shell.stdout);
    expect(parseAllDocuments(printed).map((document) => document.errors)).toEqual([[], [], []]);
    expect(printed.endsWith('\n')).toBe(true);
  });

  it('refuses a value from the environment as it would a flag', async () => {
    const { code, stderr } = await escapement(['run'], { ESCAPEMENT_CONCURRENT: 'many' });
    expect(code).toBe(2);
    expect(stderr).toContain('many');
  });

  it("takes every flag of ESO's controller, and says which do nothing", async () => {
    const kubeconfig = await kubeconfigOfNobody();
    const operator = await runOperator([...esoFlags, `--kubeconfig=${kubeconfig}`]);
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('it waits for the API server', async () => (await readiness(operator)).status === 503);
    const silent = esoFlags.map(nameOf).filter((name) => {
      const isIgnored = !(name in flagTable) || 'ignored' in flagTable[name as keyof typeof flagTable]; // `in` has checked it
      return isIgnored && !operator.output().includes(`--${name} `);
    });
    expect(silent).toEqual([]);
    expect(await operator.stop()).toBe(0);
  });

  it('reads flags from the environment, the command line winning', async () => {
    const port = await freePort();
    const env = {
      ESCAPEMENT_LIVE_ADDR: `127.0.0.1:${port}`,
      ESCAPEMENT_METRICS_ADDR: '0',
      ESCAPEMENT_LOGLEVEL: 'error',
    };
    const child = spawn(process.execPath, [bundle, 'run', '--loglevel=info'], {
      env: { ...env, KUBECONFIG: await kubeconfigOfNobody() },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const printed = text(child.stdout);
    await until(
      'it is alive',
      async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok,
    );
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await printed).toContain('starting');
  });
});

describe('metrics', () => {
  it("carry ESO's names and labels, and end with their objects", async () => {
    const ground = await createScene('metrics');
    onTestFinished(() => ground.end());
    const { namespace, api } = ground;
    const fleet = await createFleet(ground, { objects: 2, scopes: 1 });
    const broken = {
      secretStoreRef: { kind: 'SecretStore', name: 'store-0' },
      data: [{ secretKey: 'k', remoteRef: { key: 'NONE' } }],
    };
    await api.create({ kind: 'ExternalSecret', namespace, name: 'broken' }, manifest('broken', broken));
    await until('all are synced', () => fleet.problems().length === 0);
    await ground.whenFailed('broken');
    await ground.stores.until('store-0', 'is Ready', (store) => condition(store, 'Ready')?.status === 'True');
    const at = `namespace="${namespace}"`;
    const one = (series: string, name: string) => series.includes(`name="${name}"`) && series.includes(at);
    const series = async () => (await scrape(ground.operator())).filter((line) => line.includes(at));
    const seen = await series();
    const has = (metric: string, name: string, ...parts: readonly string[]) =>
      seen.some(
        (line) => line.startsWith(`${metric}{`) && one(line, name) && parts.every((part) => line.includes(part)),
      );
    const expected: readonly [string, string, ...string[]][] = [
      ['externalsecret_sync_calls_total', 'es-0'],
      ['externalsecret_sync_calls_error', 'broken'],
      ['externalsecret_reconcile_duration', 'es-0'],
      ['externalsecret_status_condition', 'es-0', 'condition="Ready"', 'status="True"', '} 1'],
      ['externalsecret_status_condition', 'es-0', 'condition="Ready"', 'status="False"', '} 0'],
      ['externalsecret_status_condition', 'broken', 'condition="Ready"', 'status="False"', '} 1'],
      ['secretstore_status_condition', 'store-0', 'condition="Ready"', 'status="True"', '} 1'],
      ['secretstore_reconcile_duration', 'store-0'],
    ];
    expect(expected.filter((wanted) => !has(...wanted))).toEqual([]);
    expect(seen.filter((line) => line.startsWith('externalsecret_sync_calls_error{') && one(line, 'es-0'))).toEqual([]);
    const calls = (await scrape(ground.operator())).filter((line) =>
      line.startsWith('externalsecret_provider_api_calls_count{'),
    );
    for (const call of ['MachineIdentityLoginViaUniversalAuth', 'GetSecretsV3']) {
      const isThere = (line: string) => line.includes(`call="${call}"`) && line.includes('provider="infisical"');
      expect(calls.some((line) => isThere(line) && line.includes('status="success"'))).toBe(true);
    }

    for (const name of ['es-0', 'broken']) await api.delete({ kind: 'ExternalSecret', namespace, name });
    await until(
      'their series are gone',
      async () => !(await series()).some((line) => one(line, 'es-0') || one(line, 'broken')),
    );
    await api.delete({ kind: 'SecretStore', namespace, name: 'store-0' });
    await until('its series are gone', async () => !(await series()).some((line) => one(line, 'store-0')));
    expect((await series()).some((line) => one(line, 'es-1'))).toBe(true);
  });
});

describe('a cluster that is not ready for it', () => {
  let controlPlane: ControlPlane;

  beforeAll(async () => {
    controlPlane = await startControlPlane();
  });
  afterAll(() => controlPlane.stop());

  it('is waited for: the API server first, then the kinds, and then work begins', async () => {
    await controlPlane.stopApiServer();
    const operator = await runOperator([
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      '--enable-leader-election=false',
      '--insecure-upstream-hosts=127.0.0.1',
    ]);
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('it waits for the API server', async () => (await readiness(operator)).body.includes('API server'));
    await pause(10_500);
    expect(await readiness(operator)).toMatchObject({ status: 503, body: expect.stringContaining('API server') });
    expect((await fetch(`${operator.healthUrl}/healthz`)).status).toBe(200);

    await controlPlane.startApiServer();
    const isToldOfKinds = async () => (await readiness(operator)).body.includes('CustomResourceDefinition');
    say(
      `API server back: told that the kinds are missing after ${await timed(() => until('the kinds are missed', isToldOfKinds))} ms`,
    );
    expect(await readiness(operator)).toMatchObject({ status: 503, body: expect.stringContaining('escapement crds') });

    await applyCrds(controlPlane, (await escapement(['crds'])).stdout);
    const isReady = async () => (await readiness(operator)).status === 200;
    say(`kinds applied: ready after ${await timed(() => until('it is ready', isReady))} ms`);
    const ground = await groundOn(controlPlane, 'late');
    const fleet = await createFleet(ground, { objects: 4, scopes: 1 });
    await until('all are synced', () => fleet.problems().length === 0);
    expect(await operator.stop()).toBe(0);
  });

  it('is followed again after an outage of the API server, also by a leader that lost its lease by it', async () => {
    const ground = await groundOn(controlPlane, 'outage');
    const { namespace, double } = ground;
    const fleet = await createFleet(ground, { objects: 10, scopes: 2, refreshInterval: '2s' });
    const operator = await startOperator({
      kubeconfig: controlPlane.kubeconfigPath,
      namespace,
      flags: [
        '--enable-leader-election=true',
        '--leader-election-lease-duration=5s',
        '--leader-election-renew-deadline=4s',
        '--leader-election-retry-period=1s',
      ],
    });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('all are synced', () => fleet.problems().length === 0);

    for (const outage of outages) {
      ground.leave();
      double.requests.reset();
      await outage.begin(controlPlane);
      for (const name of fleet.names) fleet.change(name, 'k0');
      await pause(6_000);
      expect(await operator.metric('escapement_leader')).toBe(0);
      await outage.end(controlPlane);
      const tookMs = await timed(async () => {
        await ground.join();
        await until('the changes are there', () => fleet.problems().length === 0, 60_000);
      });
      const { list, login } = double.requests.counts().byKind;
      say(`API server ${outage.name} for 6 s: followed ${tookMs} ms after its return; ${list} lists, ${login} logins`);
      expect(tookMs).toBeLessThan(15_000);
      expect(login).toBeLessThanOrEqual(1); // the session went with the leadership
      expect(list).toBeLessThanOrEqual(20);
      expect((await fetch(`${operator.healthUrl}/healthz`)).status).toBe(200);
    }

    ground.leave();
    await controlPlane.stopApiServer();
    const endMs = await timed(async () => expect(await operator.stop()).toBe(0));
    await controlPlane.startApiServer();
    say(`SIGTERM without an API server: ended after ${endMs} ms`);
    expect(endMs).toBeLessThan(10_000);
  });

  it("works with ESO's own CRDs, and says once what these leave out", async () => {
    await applyCrds(controlPlane, reduced((await escapement(['crds'])).stdout));
    const ground = await groundOn(controlPlane, 'compat');
    const { namespace, api, externalSecrets } = ground;
    const fleet = await createFleet(ground, { objects: 3, scopes: 1 });
    const operator = await startOperator({ kubeconfig: controlPlane.kubeconfigPath, namespace });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await until('all are synced', () => fleet.problems().length === 0);
    const wrong = {
      secretStoreRef: { kind: 'SecretStore', name: 'nowhere' },
      data: [{ secretKey: 'k', remoteRef: { key: 'K' } }],
    };
    await api.create({ kind: 'ExternalSecret', namespace, name: 'wrong' }, manifest('wrong', wrong));
    const isRed = await externalSecrets.until('wrong', 'is red', (es) => condition(es, 'Ready')?.status === 'False');
    expect(isRed.status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
    expect(isRed.status?.observedGeneration).toBeUndefined();
    // An edit takes Ready back before it is followed, as far as the kind can say it.
    const edited = { kind: 'ExternalSecret', namespace, name: 'es-0' } as const;
    await api.patch(edited, { spec: { data: [{ secretKey: 'k0', remoteRef: { key: 'K0_K1' } }] } });
    await ground.secrets.until('es-0', 'has one key', (secret) => Object.keys(secret.data ?? {}).length === 1);
    await externalSecrets.until('es-0', 'is green', (es) => {
      return condition(es, 'Ready')?.status === 'True' && (es.status?.syncedResourceVersion ?? '').startsWith('2-');
    });
    await pause(1_000);
    expect(operator.output().split('compatibility mode')).toHaveLength(2);
    expect(await operator.metric('escapement_reconcile_failures_total', 'TargetRejected')).toBe(0);
    expect(await operator.stop()).toBe(0);
  });
});

const outages = [
  {
    name: 'gone',
    begin: (controlPlane: ControlPlane) => controlPlane.stopApiServer(),
    end: (controlPlane: ControlPlane) => controlPlane.startApiServer(),
  },
  {
    name: 'frozen',
    begin: async (controlPlane: ControlPlane) => controlPlane.pauseApiServer(),
    end: async (controlPlane: ControlPlane) => controlPlane.resumeApiServer(),
  },
] as const;

interface Ground extends FleetGround {
  /** Ends the watches, before the API server goes. */
  leave(): void;
  /** Watches again. */
  join(): Promise<void>;
}

/** A namespace on a control plane of one's own, with a double. */
async function groundOn(controlPlane: ControlPlane, prefix: string): Promise<Ground> {
  const api = createKubeApi(controlPlane);
  const double = await startInfisicalDouble();
  const namespace = await createNamespace(prefix, { kubeconfig: controlPlane.kubeconfigPath });
  const followBoth = async () => ({
    externalSecrets: await follow(api, 'ExternalSecret', namespace),
    secrets: await follow(api, 'Secret', namespace),
  });
  // Refused while the server takes up a changed kind, and by connections of before an outage, which are still pooled.
  const tryToFollow = () => until('the API server is there', () => followBoth().catch(() => undefined));
  let followed = await tryToFollow();
  const leave = () => {
    followed.externalSecrets.stop();
    followed.secrets.stop();
  };
  onTestFinished(async () => {
    leave();
    await double.stop();
    api.close();
  });
  return {
    api,
    double,
    namespace,
    get externalSecrets() {
      return followed.externalSecrets;
    },
    get secrets() {
      return followed.secrets;
    },
    value: (label) => label,
    leave,
    async join() {
      followed = await tryToFollow();
    },
  };
}

interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program to its end. */
async function escapement(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const child = spawn(process.execPath, [bundle, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await ended) as [number | null]; // what the event carries
  return { code, stdout, stderr };
}

/** A kubeconfig whose API server does not answer. */
async function kubeconfigOfNobody(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster: { server: `https://127.0.0.1:${await freePort()}` } }],
    users: [{ name: 'none', user: { token: 'none' } }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
    'current-context': 'none',
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

async function readiness({ healthUrl }: Operator): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${healthUrl}/readyz`).catch(() => undefined);
  return { status: answer?.status ?? 0, body: (await answer?.text()) ?? '' };
}

async function scrape({ metricsUrl }: Operator): Promise<readonly string[]> {
  return (await (await fetch(metricsUrl)).text()).split('\n');
}

/** As a person would: `escapement crds | kubectl apply -f -`. */
async function applyCrds({ kubeconfigPath: kubeconfig }: ControlPlane, manifests: string): Promise<void> {
  await kubectl(['apply', '-f', '-'], { kubeconfig, stdin: manifests });
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', '-'], { kubeconfig, stdin: manifests });
}

/** Our kinds with the status that those of External Secrets Operator have: no generation, and of conditions only these types. */
function reduced(manifests: string): string {
  return parseAllDocuments(manifests)
    .map((document) => {
      const crd = document.toJS();
      for (const version of crd.spec.versions) {
        const { status } = version.schema.openAPIV3Schema.properties;
        const condition = status.properties.conditions.items.properties;
        delete status.default;
        delete status.properties.observedGeneration;
        delete condition.observedGeneration;
        condition.type.enum = crd.spec.names.kind === 'ExternalSecret' ? ['Ready', 'Deleted'] : ['Ready'];
      }
      return stringify(crd, { aliasDuplicateObjects: false });
    })
    .join('---\n');
}

function manifest(name: string, spec: object): object {
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
}

function nameOf(flag: string): string {
  return flag.slice('--'.length).split('=')[0] ?? '';
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return Math.round(performance.now() - startedMs);
}

function say(line: string): void {
  process.stdout.write(`process: ${line}\n`);
}
