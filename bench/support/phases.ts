// What is measured, phase by phase: the idle operator, the first sync, quiet cycles, a new object among many due ones.
// Each answers with the members of the bench's line that it fills.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.ts';
import { countApi, sum } from './api-counts.ts';
import { createExternalSecret, type Shape, setInterval } from './layout.ts';
import {
  cpuSeconds,
  type DoubleProcess,
  machineCpuSeconds,
  memoryMib,
  type OperatorProcess,
  openSockets,
  type UpstreamCounts,
} from './processes.ts';
import type { ReadyWatch } from './ready-watch.ts';

export interface Bench {
  readonly run: string;
  readonly shape: Shape;
  readonly api: Api;
  readonly double: DoubleProcess;
  readonly watch: ReadyWatch;
  readonly say: (line: string) => void;
}

const idleStarts = 3;
/** From the start until memory is read: timers of the start have fired, buffers of the first lists are gone. */
const idleSettleMs = 8_000;
const settleMs = 10_000;
/** Reading what a process has open takes a millisecond or two of the machine that is measured. */
const sampleEveryMs = 500;

/** Start and memory of an operator that has nothing to do. */
export async function measureIdle(start: () => OperatorProcess): Promise<object> {
  const firstLines: number[] = [];
  let memory = { rss: 0, peak: 0 };
  let cpu = 0;
  for (let at = 0; at < idleStarts; at++) {
    const operator = start();
    try {
      firstLines.push(await operator.firstLineMs);
      if (at === idleStarts - 1) {
        await sleep(idleSettleMs);
        memory = await memoryMib(operator.pid);
        cpu = await cpuSeconds(operator.pid);
      } else await sleep(1_000);
    } finally {
      await operator.stop();
    }
  }
  return {
    firstLineMs: Math.round(median(firstLines)),
    rssMib: rounded(memory.rss),
    peakMib: rounded(memory.peak),
    startCpuSeconds: cpu,
  };
}

export type FirstSync = Awaited<ReturnType<typeof measureFirstSync>>;

/** From the start of the process until every object is Ready, and the quiet after it. */
export async function measureFirstSync(bench: Bench, start: () => OperatorProcess) {
  const { shape, watch, double, say } = bench;
  const since = await countApi(bench.api);
  const before = await double.counts();
  const machineBefore = await machineCpuSeconds();
  const operator = start();
  const sockets = sampleSockets(operator.pid);
  try {
    await watch.untilReady(shape.count, 60_000 + shape.count * 50);
    const seconds = ((watch.lastMs ?? 0) - operator.spawnedMs) / 1_000;
    const cpu = await cpuSeconds(operator.pid);
    const machineCpu = (await machineCpuSeconds()) - machineBefore;
    const atReady = await memoryMib(operator.pid);
    const upstream = difference(await double.counts(), before);
    say(`  ${shape.count} objects in ${seconds.toFixed(2)} s; waiting until it is quiet`);
    await untilQuiet(bench.api);
    const cpuSettled = await cpuSeconds(operator.pid);
    await sleep(settleMs);
    const counted = await since();
    const facts = {
      seconds: rounded(seconds),
      objectsPerSecond: rounded(shape.count / seconds),
      firstReadyMs: Math.round((watch.firstMs ?? 0) - operator.spawnedMs),
      cpuSeconds: cpu,
      cpuSecondsWithEvents: cpuSettled,
      othersCpuSeconds: rounded(machineCpu - cpu),
      rssAtReadyMib: rounded(atReady.rss),
      rssSteadyMib: rounded((await memoryMib(operator.pid)).rss),
      rssPeakMib: rounded((await memoryMib(operator.pid)).peak),
      openSocketsPeak: await sockets.stop(),
      openSocketsSteady: await openSockets(operator.pid),
      ...upstream,
      apiWrites: counted.writes,
      apiReads: counted.reads,
    };
    return { operator, facts };
  } catch (thrown) {
    await sockets.stop();
    await operator.stop();
    throw thrown;
  }
}

/** Two cycles and a half of refreshes that change nothing, after an edit that shortens every object's interval. */
export async function measureQuiet(bench: Bench, operator: OperatorProcess, seconds: number): Promise<object> {
  const { api, run, shape, watch, double, say } = bench;
  const sinceEdit = await countApi(api);
  watch.restart(2);
  await setInterval(api, run, shape, `${seconds}s`);
  await watch.untilReady(shape.count, 60_000 + shape.count * 50);
  await untilQuiet(api);
  const edits = await sinceEdit();
  say(`  quiet cycles of ${seconds} s`);
  const since = await countApi(api);
  const before = await double.counts();
  const cpuBefore = await cpuSeconds(operator.pid);
  await sleep(2.5 * seconds * 1_000);
  const counted = await since();
  const upstream = difference(await double.counts(), before);
  const refreshes = (upstream.lists / shape.scopes) * shape.count;
  const cpu = (await cpuSeconds(operator.pid)) - cpuBefore;
  return {
    editWritesPerObject: rounded(operatorWrites(edits.writes, shape) / shape.count),
    apiWrites: sum(counted.writes),
    apiReads: counted.reads,
    lists: upstream.lists,
    gets: upstream.gets,
    logins: upstream.logins,
    unchangedRefreshes: Math.round(refreshes),
    cpuSecondsPer1000Refreshes: rounded((cpu / refreshes) * 1_000, 3),
  };
}

/** What is left of the writes when the bench's own edits are taken off. */
function operatorWrites(writes: Readonly<Record<string, number>>, { count }: Shape): number {
  return sum(writes) - (writes['events'] ?? 0) - count;
}

const newObjectRounds = 3;
const newObjectsPerRound = 5;

/**
 * Time from the create of a new object until it is seen Ready, while all others are due: the process is stopped for longer
 * than the interval and goes on in the moment of the create, so that every wave has come.
 */
export async function measureNewObjects(bench: Bench, operator: OperatorProcess, seconds: number): Promise<object> {
  const { api, run, shape, watch, say } = bench;
  const latenciesMs: number[] = [];
  watch.restart(1); // the quiet cycles edited the others: new objects are of their first generation
  for (let round = 0; round < newObjectRounds; round++) {
    say(`  new objects, round ${round + 1} of ${newObjectRounds}`);
    operator.signal('SIGSTOP');
    await sleep((seconds + 1) * 1_000);
    operator.signal('SIGCONT');
    for (let one = 0; one < newObjectsPerRound; one++) {
      const createdMs = performance.now();
      const at = shape.count + round * newObjectsPerRound + one;
      const key = await createExternalSecret(api, run, shape, at);
      latenciesMs.push((await watch.whenReady(key, 60_000)) - createdMs);
    }
  }
  return {
    objects: latenciesMs.length,
    medianMs: Math.round(median(latenciesMs)),
    worstMs: Math.round(Math.max(...latenciesMs)),
  };
}

/** Resolves when no write came for a second. */
async function untilQuiet(api: Api): Promise<void> {
  for (let writes = 1; writes > 0; ) {
    const since = await countApi(api);
    await sleep(1_000);
    writes = sum((await since()).writes);
  }
}

function sampleSockets(pid: number) {
  let most = 0;
  let isStopped = false;
  const sampling = (async () => {
    while (!isStopped) {
      most = Math.max(most, await openSockets(pid).catch(() => 0));
      await sleep(sampleEveryMs);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await sampling;
      return most;
    },
  };
}

function difference(after: UpstreamCounts, before: UpstreamCounts): UpstreamCounts {
  return {
    logins: after.logins - before.logins,
    lists: after.lists - before.lists,
    gets: after.gets - before.gets,
    connections: after.connections - before.connections,
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function rounded(number: number, digits = 2): number {
  return Number(number.toFixed(digits));
}
