// How an operator under attack is doing: how long `/healthz` took, how long its own histogram says that the loop was held up,
// and the most memory that was resident, each since the last look.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Operator } from './operator.ts';
import type { HealthAnswers, VitalsTask } from './vitals-thread.ts';

export interface VitalSigns extends HealthAnswers {
  /** As the operator's metric has it: time in which the machine did not let it run counts. */
  readonly longestPauseMs: number;
  readonly peakMebibytes: number;
}

export interface Vitals {
  take(): Promise<VitalSigns>;
  stop(): Promise<void>;
}

export async function watchVitals(operator: Operator): Promise<Vitals> {
  const task: VitalsTask = { url: `${operator.healthUrl}/healthz`, pid: operator.pid };
  const thread = new Worker(new URL('vitals-thread.ts', import.meta.url), { workerData: task });
  const take = async (): Promise<VitalSigns> => {
    const answered = once(thread, 'message');
    thread.postMessage('tell');
    const [answers] = (await answered) as [HealthAnswers]; // what the thread sends
    const longestPauseMs = 1_000 * (await operator.metric('escapement_event_loop_delay_seconds', 'quantile="1"'));
    return { ...answers, longestPauseMs, peakMebibytes: takePeak(operator.pid) };
  };
  await once(thread, 'online');
  await take();
  return {
    take,
    async stop() {
      await thread.terminate();
    },
  };
}

/** Resident memory at its highest since the last call; then begins anew (man 5 proc_pid_clear_refs). */
function takePeak(pid: number): number {
  const [, kibibytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return Math.round(Number(kibibytes) / 1_024);
}
