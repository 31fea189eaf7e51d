// `npm run bench`: how the operator does against the budgets of the README's numbers, on this machine: the first sync of
// many ExternalSecrets against the raw rate of the same writes, CPU, memory, upstream requests, quiet cycles, a new object
// among many due ones. Prints one line of JSON; progress goes to standard error. Leaves nothing running behind.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadClusterAccess } from '../src/kube/config.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { startControlPlane } from '../test/support/control-plane.ts';
import { applyCrds } from '../test/support/kubectl.ts';
import { createApi } from './support/api.ts';
import { layOutExternalSecrets, layOutStores, layOutUnrelated, seedOf, tearDown } from './support/layout.ts';
import { type Options, readOptions, usage } from './support/options.ts';
import {
  type Bench,
  measureFirstSync,
  measureIdle,
  measureNewObjects,
  measureQuiet,
  rounded,
} from './support/phases.ts';
import { startDoubleProcess, startOperatorProcess } from './support/processes.ts';
import { measureRawRates, type RawRate } from './support/raw-rate.ts';
import { watchReady } from './support/ready-watch.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
/** The most that the machine was seen to write takes more connections than the operator uses. */
const manyConnections = 96;
/** Objects of one raw measurement at most: the rate is steady long before. */
const rawObjectsMax = 2_000;

/** What has been started, last first; ended whatever happens. */
const ends: (() => Promise<unknown>)[] = [];

async function bench(options: Options): Promise<object> {
  const shape = { count: options.count, scopes: options.scopes, stores: options.stores, keys: options.keys };
  const run = randomBytes(4).toString('hex');
  const kubeconfig = options.kubeconfig ?? (await ownControlPlane());
  const access = await loadClusterAccess({ kubeconfigPath: kubeconfig }, systemClock);
  await applyCrds(join(import.meta.dirname, '..', 'deploy', 'crds'), { kubeconfig });
  const api = createApi(access, 32);
  ends.push(async () => api.close());
  const leaseFlags = [`--leader-election-namespace=default`, `--leader-election-id=bench-${run}`];
  const flags = [`--concurrent=${options.concurrent}`, ...leaseFlags, ...options.flags];
  const start = () => {
    const operator = startOperatorProcess({ bundle: options.bundle, kubeconfig, nodeFlags: options.nodeFlags, flags });
    ends.push(() => operator.stop());
    return operator;
  };
  const phase = (name: string, title: string): boolean => {
    if (options.phases.has(name)) say(title);
    return options.phases.has(name);
  };
  const raw: RawRate[] = [];
  const measureRaw = async (...connections: readonly number[]) => {
    const rawShape = { ...shape, count: Math.min(shape.count, rawObjectsMax) };
    const rates = await measureRawRates(access, `${run}-${raw.length}`, rawShape, connections);
    for (const { connections, objectsPerSecond } of rates)
      say(`  ${connections} connections: ${objectsPerSecond.toFixed(0)} objects/s`);
    raw.push(...rates);
  };

  const result: Record<string, unknown> = { bench: 'cold-sync', ...shape, concurrent: options.concurrent };
  if (phase('idle', 'idle operator')) result['idle'] = await measureIdle(start);
  say('source, stores, ExternalSecrets');
  const double = await startDoubleProcess(seedOf(shape));
  ends.push(() => double.stop());
  ends.push(() => tearDown(api, run, shape));
  const { url: upstreamUrl, clientId, clientSecret } = double;
  await layOutUnrelated(api, run, options.unrelated);
  await layOutStores(api, { run, upstreamUrl, clientId, clientSecret }, shape);
  await layOutExternalSecrets(api, run, shape);
  if (phase('raw', 'raw rate, before')) await measureRaw(options.concurrent); // each round costs the server some speed
  if (phase('sync', 'first sync')) {
    const watch = watchReady(api, run);
    ends.push(async () => watch.stop());
    await watch.untilSeen(shape.count, 60_000);
    const parts: Bench = { run, shape, api, double, watch, say };
    const { operator, objectsPerSecond, facts } = await measureFirstSync(parts, start);
    result['sync'] = facts;
    if (phase('quiet', 'quiet cycles')) result['quiet'] = await measureQuiet(parts, operator, options.quietSeconds);
    if (phase('new', 'new objects')) result['new'] = await measureNewObjects(parts, operator, options.quietSeconds);
    await operator.stop();
    watch.stop();
    result['complaints'] = operator.complaints.length;
    for (const line of operator.complaints.slice(0, 5)) say(`  operator: ${line}`);
    if (phase('raw', 'raw rate, after')) await measureRaw(options.concurrent, manyConnections);
    result['raw'] = ratios(raw, options.concurrent, objectsPerSecond);
  }
  return result;
}

async function ownControlPlane(): Promise<string> {
  say('control plane');
  const controlPlane = await startControlPlane({ onProgress: (line) => say(`  ${line}`) });
  ends.push(() => controlPlane.stop());
  return controlPlane.kubeconfigPath;
}

/** The operator's rate as a share of the raw rates: of as many connections as it uses, and of many. */
function ratios(raw: readonly RawRate[], concurrent: number, objectsPerSecond: number): object {
  const mean = (connections: number) => {
    const rates = raw.filter((one) => one.connections === connections).map((one) => one.objectsPerSecond);
    return rates.reduce((total, one) => total + one, 0) / rates.length;
  };
  return {
    [`objectsPerSecondAt${concurrent}`]: rounded(mean(concurrent)),
    [`objectsPerSecondAt${manyConnections}`]: rounded(mean(manyConnections)),
    ratio: rounded(objectsPerSecond / mean(concurrent), 3),
    ratioToMany: rounded(objectsPerSecond / mean(manyConnections), 3),
  };
}

async function endAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end().catch(() => {});
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say('stopping');
    void endAll().finally(() => process.exit(130));
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') say(usage);
  else process.stdout.write(`${JSON.stringify(await bench(options))}\n`);
} catch (thrown) {
  say(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}
await endAll();
