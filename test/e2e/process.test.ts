// The operator as a process: its command line, its endpoints, and what it does when the API server, or the kinds that it
// serves, are not there (yet), or are those of the External Secrets Operator.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { transform } from 'rolldown/utils';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { flagTable } from '../../src/config-flags.ts';
import { kinds } from '../../src/crds/kinds.ts';
import { createFleet } from '../support/fleet.ts';
import { atFreePorts, freePort, type Operator, runOperator } from '../support/operator.ts';
import { createScene } from '../support/scene.ts';
import { condition, until } from '../support/wait.ts';

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

  it('tells which port another process has, and of which flags it is', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { code, stderr } = await escapement(['run', `--live-addr=127.0.0.1:${port}`, '--metrics-addr=0']);
    expect(code).toBe(2);
    expect(stderr).toContain(`port ${port} of 127.0.0.1`);
    expect(stderr).toContain('--live-addr');
  });

  it('tells which certificate it cannot read', async () => {
    const flags = ['--metrics-addr=127.0.0.1:0', '--live-addr=0', '--metrics-secure', '--metrics-cert-dir=/nowhere'];
    const { code, stderr } = await escapement(['run', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain('/nowhere/tls.crt');
  });

  it('prints the kinds whole, however slowly they are read', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${bundle}" crds | (sleep 1; cat)`]);
    const printed = await text(shell.stdout);
    expect(parseAllDocuments(printed).map((document) => document.errors)).toEqual(kinds.map(() => []));
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

  it('says in one sentence that a Node is too old', async () => {
    // As an older Node would tell its version; a real one of 20 says the same.
    const old = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })";
    const child = spawn(process.execPath, [
      '--import',
      `data:text/javascript,${encodeURIComponent(old)}`,
      bundle,
      'version',
    ]);
    const said = text(child.stderr);
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(await said).toBe('escapement needs Node 24 or later; this is Node 20.20.2\n');
  });

  it('holds no syntax that a Node too old to run it cannot parse, or it could not say that sentence', async () => {
    const code = await readFile(bundle, 'utf8');
    const as = async (target: string) => (await transform('bundle.mjs', code, { target })).code;
    expect((await as('node20')) === (await as('node24'))).toBe(true); // not toEqual: a difference would print megabytes
  });

  it('reads flags from the environment, the command line winning', async () => {
    const KUBECONFIG = await kubeconfigOfNobody();
    const start = (port: number) => {
      const env = {
        ESCAPEMENT_LIVE_ADDR: `127.0.0.1:${port}`,
        ESCAPEMENT_METRICS_ADDR: '0',
        ESCAPEMENT_LOGLEVEL: 'error',
      };
      return spawn(process.execPath, [bundle, 'run', '--loglevel=info'], { env: { ...env, KUBECONFIG } });
    };
    const { child, printed } = await atFreePorts(() => startAlive(start));
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

/** Starts the program, and gives it once it answers at the port. */
async function startAlive(
  start: (port: number) => ChildProcessWithoutNullStreams,
): Promise<{ readonly child: ChildProcessWithoutNullStreams; readonly printed: Promise<string> }> {
  const port = await freePort();
  const child = start(port);
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed = text(child.stdout);
  const complaints = text(child.stderr);
  await until('it is alive', async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${await printed}${await complaints}`);
    return (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok;
  });
  return { child, printed };
}

async function readiness({ healthUrl }: Operator): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${healthUrl}/readyz`).catch(() => undefined);
  return { status: answer?.status ?? 0, body: (await answer?.text()) ?? '' };
}

async function scrape({ metricsUrl }: Operator): Promise<readonly string[]> {
  return (await (await fetch(metricsUrl)).text()).split('\n');
}

function manifest(name: string, spec: object): object {
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
}

function nameOf(flag: string): string {
  return flag.slice('--'.length).split('=')[0] ?? '';
}
