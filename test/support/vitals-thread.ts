// A thread of its own that asks `/healthz` again and again, as a kubelet does: what the test itself does meanwhile counts for
// nothing. Beside each answer it notes how long the machine let the operator's threads, and this one, wait for a processor:
// that time says nothing about the operator.
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface VitalsTask {
  readonly url: string;
  readonly pid: number;
}

/** Of the answers since the last order to tell. */
export interface HealthAnswers {
  readonly count: number;
  /** Longest time to an answer, as it was. */
  readonly longestMs: number;
  /** The same without the time for which the machine kept both sides waiting. */
  readonly longestOwnMs: number;
  /** How many times longer the event loop took than it would have on a machine of its own. */
  readonly slowdown: number;
  /** Questions that were not answered with 200 within the limit. */
  readonly failed: number;
}

const everyMs = 20;
const limitMs = 20_000;
const nsPerMs = 1e6;

const { url, pid } = workerData as VitalsTask; // given by vitals.ts
const none = { count: 0, longestMs: 0, longestOwnMs: 0, failed: 0 };
let answers = none;

/** Ran and waited on a run queue, in ms: schedstat's first numbers (docs.kernel.org/scheduler/sched-stats.html). */
interface Spent {
  readonly ranMs: number;
  readonly queuedMs: number;
}

function spentBy(task: string): Spent {
  try {
    const [ran = 0, queued = 0] = readFileSync(`/proc/${task}/schedstat`, 'utf8').split(' ').map(Number);
    return { ranMs: ran / nsPerMs, queuedMs: queued / nsPerMs };
  } catch {
    return { ranMs: 0, queuedMs: 0 }; // a kernel without it, or a thread that has ended: answers count as they were
  }
}

const spentByLoop = () => spentBy(`${pid}/task/${pid}`);

/** All threads: the loop waits for those that help to collect garbage. */
function queuedByThread(): ReadonlyMap<string, number> {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `${pid}/task/${thread}`);
  return new Map(['thread-self', ...threads].map((task) => [task, spentBy(task).queuedMs]));
}

/** A thread that has ended takes its count along. */
function queuedSince(before: ReadonlyMap<string, number>): number {
  const each = [...queuedByThread()].map(([task, queuedMs]) => Math.max(0, queuedMs - (before.get(task) ?? 0)));
  return each.reduce((sum, queuedMs) => sum + queuedMs, 0);
}

function ask(): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = get(url, { agent: false, timeout: limitMs }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(false));
  });
}

async function look(): Promise<void> {
  const before = queuedByThread();
  const startedMs = performance.now();
  const isWell = await ask();
  const tookMs = performance.now() - startedMs;
  const ownMs = Math.max(0, tookMs - queuedSince(before));
  answers = {
    count: answers.count + 1,
    longestMs: Math.max(answers.longestMs, tookMs),
    longestOwnMs: Math.max(answers.longestOwnMs, ownMs),
    failed: answers.failed + (isWell ? 0 : 1),
  };
  setTimeout(() => void look().catch(() => {}), everyMs);
}

let toldAt = spentByLoop();
parentPort?.on('message', () => {
  const now = spentByLoop();
  const ranMs = Math.max(now.ranMs - toldAt.ranMs, 1);
  const slowdown = (ranMs + now.queuedMs - toldAt.queuedMs) / ranMs;
  parentPort?.postMessage({ ...answers, slowdown } satisfies HealthAnswers);
  answers = none;
  toldAt = now;
});
void look().catch(() => {}); // the operator has ended, and with it what is to be seen
