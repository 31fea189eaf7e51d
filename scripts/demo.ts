// `npm run demo`: from nothing to a Secret that follows its source, on this machine. Starts a control plane (or uses a
// cluster that it is given), a double of Infisical with sample data and the operator; applies the examples; changes a
// value upstream and shows the Secret following. Leaves nothing running behind.
//   --reveal           prints values instead of masking them
//   --kubeconfig FILE  uses that cluster instead of starting a control plane
//   --current-context  uses the cluster that kubectl would use
//   --keep             stays up at the end until Ctrl-C, to look around
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '../test/support/control-plane.ts';
import { startInfisicalDouble } from '../test/support/infisical-double/double.ts';
import { sampleSeed } from '../test/support/infisical-double/seed.ts';
import { applyCrds, kubectl } from '../test/support/kubectl.ts';
import { startOperator } from '../test/support/operator.ts';
import { progressTo } from '../test/support/progress.ts';
import { readFlags } from './arguments.ts';
import { buildBundle } from './child.ts';
import { missingCrds, nameOfCrd, namesOfCrds } from './missing-crds.ts';

const root = join(import.meta.dirname, '..');
const namespace = 'escapement-demo';
const crdFolder = join(root, 'deploy', 'crds');
const usage = `usage: npm run demo -- [options]
  --reveal            print values instead of masking them
  --kubeconfig FILE   use that cluster instead of starting a control plane; what the demo makes there it takes away
  --current-context   use the cluster that kubectl would use
  --keep              stay up at the end until Ctrl-C, to look around`;

const flags = readFlags(usage, {
  reveal: { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  'current-context': { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const step = (line: string): void => say(`\n▸ ${line}`);

/** What has been started, last first; everything is ended whatever happens. */
const ends: (() => Promise<unknown>)[] = [];
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

async function demo(): Promise<void> {
  step('Building the operator');
  if ((await buildBundle()) !== 0) throw new Error('the build failed');
  const kubeconfig = await cluster();
  const cli = (...args: string[]) => kubectl(args, { kubeconfig });

  step('A double of Infisical with sample data');
  const double = await startInfisicalDouble({ seed: sampleSeed() });
  ends.push(() => double.stop());
  const { clientId } = double.identities.get('operator');
  const clientSecret = double.identities.addClientSecret('operator');
  say(`  listening on ${double.url}, project my-project, environments dev, staging, prod`);

  step('Installing the CustomResourceDefinitions');
  await installCrds(kubeconfig);
  await cli('create', 'namespace', namespace);
  // Waited for in a cluster that stays: the CRDs that go after it must not take its objects' finalizers with them.
  ends.push(() => cli('delete', 'namespace', namespace, `--wait=${isGiven}`));

  step('Starting the operator');
  const operator = await startOperator({ kubeconfig, namespace });
  ends.push(() => operator.stop());
  say(`  process ${operator.pid}, metrics on ${operator.metricsUrl}`);

  step('Applying the examples');
  for (const file of readdirSync(join(root, 'examples'))
    .filter((name) => name.endsWith('.yaml'))
    .sort()) {
    const manifest = readFileSync(join(root, 'examples', file), 'utf8')
      .replace('<your-client-id>', clientId)
      .replace('<your-client-secret>', clientSecret)
      .replace('https://app.infisical.com', double.url);
    await kubectl(['apply', '-n', namespace, '-f', '-'], { kubeconfig, stdin: manifest });
    say(`  ${file}`);
  }
  await cli('wait', '-n', namespace, '--for=condition=Ready', 'externalsecret', '--all', '--timeout=60s');
  say((await cli('get', 'externalsecrets,secretstores', '-n', namespace)).stdout.trimEnd());

  step('The Secrets');
  for (const name of ['auth-api', 'database', 'blob']) await show(kubeconfig, name);

  step('Changing API_KEY at the source; the ExternalSecret looks every 10 s');
  double.secrets.set({ environment: 'dev', path: '/', key: 'API_KEY', value: 'rotated-api-key' });
  await follow(kubeconfig, 'rotated-api-key');

  if (flags.keep) {
    step('Staying up until Ctrl-C');
    say(`  KUBECONFIG=${kubeconfig} kubectl -n ${namespace} get externalsecrets`);
    await new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}

/** The cluster is somebody's: what is there is left alone, and what the demo makes it takes away. */
const isGiven = flags.kubeconfig !== undefined || flags['current-context'];

async function installCrds(kubeconfig: string): Promise<void> {
  const missing = await missingCrds(crdFolder, (...args) => kubectl(args, { kubeconfig }));
  if (isGiven && missing.length > 0)
    ends.push(() => kubectl(['delete', 'crd', ...missing, '--ignore-not-found'], { kubeconfig }));
  const count = await applyCrds(crdFolder, { kubeconfig }, (file) => missing.includes(nameOfCrd(file)));
  const left = namesOfCrds(crdFolder).length - missing.length;
  if (left > 0)
    say(`  ${left} are there already, and are left as they are; ${count} are added for the time of the demo`);
}

/** The kubeconfig of the cluster to use. */
async function cluster(): Promise<string> {
  if (flags.kubeconfig !== undefined) return flags.kubeconfig;
  if (flags['current-context']) return process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config');
  step('Starting a control plane: etcd, kube-apiserver, kube-controller-manager');
  const controlPlane = await startControlPlane({ onProgress: progressTo(process.stdout, '  ') });
  ends.push(() => controlPlane.stop());
  return controlPlane.kubeconfigPath;
}

async function dataOf(kubeconfig: string, name: string): Promise<Record<string, string>> {
  const { stdout } = await kubectl(['get', 'secret', name, '-n', namespace, '-o', 'json'], { kubeconfig });
  const secret = JSON.parse(stdout) as { data?: Record<string, string> }; // kubectl prints a Secret here
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
  );
}

async function show(kubeconfig: string, name: string): Promise<void> {
  say(`  ${name}`);
  for (const [key, value] of Object.entries(await dataOf(kubeconfig, name))) {
    say(
      `    ${key.padEnd(18)} ${flags.reveal ? value : `${'•'.repeat(8)} (${Buffer.byteLength(value)} bytes; --reveal shows it)`}`,
    );
  }
}

async function follow(kubeconfig: string, wanted: string): Promise<void> {
  const startedMs = Date.now();
  while (Date.now() - startedMs < 60_000) {
    interrupted.signal.throwIfAborted();
    if ((await dataOf(kubeconfig, 'auth-api'))['API_KEY'] === wanted) {
      say(`  the Secret followed after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
      await show(kubeconfig, 'auth-api');
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the Secret did not follow within 60 s');
}

let failure: unknown;
try {
  await demo();
  step('Done. Cleaning up');
} catch (thrown) {
  failure = thrown;
}
for (const end of ends.reverse()) await end().catch(() => {});
if (failure !== undefined && !interrupted.signal.aborted) {
  process.stderr.write(`\n${failure instanceof Error ? failure.message : 'the demo failed'}\n`);
  process.exitCode = 1;
}
