// `npm run bench`: how the operator does against the budgets of the README's numbers, on this machine: the first sync of
// many ExternalSecrets against the raw rate of the same writes, CPU, memory, upstream requests, quiet cycles, a new object
// among many due ones. Prints one line of JSON; progress goes to standard error. Leaves nothing running behind.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../src/base/clock.ts';
import { loadClusterAccess } from '../src/kube/config.ts';
import { startControlPlane } from '../test/support/control-plane.ts';
import { applyCrds } from '../test/support/kubectl.ts';
import { createApi } from './support/api.ts';
import {
  layOutExternalSecrets,
  layOutStores,
  layOutUnrelated,
  namespacesOf,
  removeNamespaces,
  seedOf,
  unrelatedOf,
  untilGone,
} from './support/layout.ts';
import { type Options, readOptions } from './support/options.ts';
import { comparePairs, inTurns, type Pair } from './support/pairs.ts';
import {
  type Bench,
  type FirstSync,
  measureFirstSync,
  measureIdle,
  measureNewObjects,
  measureQuiet,
  median,
  rounded,
} from './support/phases.ts';
import { type OperatorProcess, startDoubleProcess, startOperatorProcess } from './support/processes.ts';
import { measureRawRate, type RawRate } from './support/raw-rate.ts';
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
  const startBundle = (bundle: string) => (): OperatorProcess => {
    const operator = startOperatorProcess({ bundle, kubeconfig, nodeFlags: options.nodeFlags, flags });
    ends.push(() => operator.stop());
    return operator;
  };
  const start = startBundle(options.bundle);
  const raw: RawRate[] = [];
  const measureRaw = async (connections: number) => {
    if (!options.phases.has('raw')) return;
    say('raw rate');
    const rawShape = { ...shape, count: Math.min(shape.count, rawObjectsMax) };
    const rate = await measureRawRate(access, `${run}-raw-${raw.length}`, rawShape, connections);
    say(`  ${connections} connections: ${rate.objectsPerSecond.toFixed(0)} objects/s`);
    raw.push(rate);
  };

  const result: Record<string, unknown> = { bench: 'cold-sync', ...shape, concurrent: options.concurrent };
  if (options.phases.has('idle')) {
    say('idle operator');
    result['idle'] = await measureIdle(start);
  }
  if (options.unrelated > 0) {
    ends.push(() => removeNamespaces(api, [unrelatedOf(run)]));
    await layOutUnrelated(api, run, options.unrelated);
  }
  await measureRaw(options.concurrent);
  if (!options.phases.has('sync')) return result;
  say('source');
  const double = await startDoubleProcess(seedOf(shape));
  ends.push(() => double.stop());
  const rounds: Round[] = [];
  const pairs: Pair[] = [];
  for (let nth = 1; nth <= options.rounds; nth++) {
    say(`round ${nth} of ${options.rounds}`);
    const isLast = nth === options.rounds;
    const shared = { api, double, shape, options };
    const measureOurs = () => measureRound({ ...shared, start, run: `${run}-${nth}`, isLast });
    if (options.beside === undefined) rounds.push(await measureOurs());
    else {
      const other = { start: startBundle(options.beside), run: `${run}-${nth}o`, isLast: false };
      const { ours, beside } = await inTurns(nth, measureOurs, () => measureRound({ ...shared, ...other }));
      rounds.push(ours);
      pairs.push({ ours: ours.sync, beside: beside.sync });
      say(`  so far: ${JSON.stringify(comparePairs(pairs))}`);
    }
    await measureRaw(options.concurrent);
  }
  await measureRaw(manyConnections);
  const beside = options.beside === undefined ? {} : { beside: comparePairs(pairs) };
  return { ...result, ...beside, ...summary(rounds, raw, options.concurrent) };
}

interface RoundInputs extends Omit<Bench, 'watch' | 'say'> {
  readonly start: () => OperatorProcess;
  /** What goes beyond the first sync is measured once. */
  readonly isLast: boolean;
  readonly options: Options;
}

interface Round {
  readonly sync: FirstSync['facts'];
  /** `quiet` and `new`. */
  readonly extras: object;
  readonly complaints: number;
}

/** One process of the operator, from its start, against objects that no process has seen before. */
async function measureRound({ api, double, shape, start, run, isLast, options }: RoundInputs): Promise<Round> {
  say('  stores, ExternalSecrets');
  const namespaces = namespacesOf(run, shape);
  ends.push(() => removeNamespaces(api, namespaces));
  const { url: upstreamUrl, clientId, clientSecret } = double;
  await layOutStores(api, { run, upstreamUrl, clientId, clientSecret }, shape);
  await layOutExternalSecrets(api, run, shape);
  const watch = watchReady(api, run);
  ends.push(async () => watch.stop());
  await watch.untilSeen(shape.count, 60_000);
  const parts: Bench = { run, shape, api, double, watch, say };
  const { operator, facts } = await measureFirstSync(parts, start);
  const more = async (name: string, measure: typeof measureQuiet): Promise<object> =>
    isLast && options.phases.has(name) ? { [name]: await measure(parts, operator, options.quietSeconds) } : {};
  const extras = { ...(await more('quiet', measureQuiet)), ...(await more('new', measureNewObjects)) };
  await operator.stop();
  watch.stop();
  for (const line of operator.complaints.slice(0, 5)) say(`  operator: ${line}`);
  await removeNamespaces(api, namespaces);
  await untilGone(api, namespaces);
  return { sync: facts, extras, complaints: operator.complaints.length };
}

/** `sync` is the round whose rate is the middle one; a round's ratio is to the raw rates just before and after it. */
function summary(rounds: readonly Round[], raw: readonly RawRate[], concurrent: number): object {
  const like = raw.filter(({ connections }) => connections === concurrent);
  const ratios =
    like.length === 0
      ? []
      : rounds.map(({ sync }, at) => rounded(sync.objectsPerSecond / mean(like.slice(at, at + 2)), 3));
  const middle = median(rounds.map(({ sync }) => sync.objectsPerSecond));
  return {
    ...rounds.at(-1)?.extras,
    sync: rounds.find(({ sync }) => sync.objectsPerSecond === middle)?.sync,
    rounds: rounds.map(({ sync: { seconds, cpuSeconds, othersCpuSeconds } }, at) => ({
      seconds,
      cpuSeconds,
      othersCpuSeconds,
      ratio: ratios[at],
    })),
    complaints: rounds.reduce((total, round) => total + round.complaints, 0),
    raw: ratios.length === 0 ? undefined : rawSummary(raw, median(ratios)),
  };
}

function rawSummary(raw: readonly RawRate[], ratio: number): object {
  const rates = Map.groupBy(raw, ({ connections }) => connections);
  const objectsPerSecond = [...rates].map(([connections, some]) => [
    `objectsPerSecondAt${connections}`,
    some.map((one) => Math.round(one.objectsPerSecond)),
  ]);
  return { ...Object.fromEntries(objectsPerSecond), ratio };
}

function mean(rates: readonly RawRate[]): number {
  return rates.reduce((total, { objectsPerSecond }) => total + objectsPerSecond, 0) / rates.length;
}

async function ownControlPlane(): Promise<string> {
  say('control plane');
  const controlPlane = await startControlPlane({ onProgress: (line) => say(`  ${line}`) });
  ends.push(() => controlPlane.stop());
  return controlPlane.kubeconfigPath;
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
  process.stdout.write(`${JSON.stringify(await bench(readOptions()))}\n`);
} catch (thrown) {
  say(`bench: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}
await endAll();
