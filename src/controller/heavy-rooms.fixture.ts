// Where heavy work goes in the operator: a thread of its own, and a share of this loop.
import { nextTurn, systemClock } from '../base/clock.ts';
import { WorkerPool } from '../runtime/worker-pool.ts';
import { LoopShare } from './desk.ts';

/** To be closed after the tests; `deadlineMs` is what one job in the thread may take. */
export function heavyRooms({ deadlineMs }: { readonly deadlineMs: number }) {
  const heavy = new WorkerPool({
    entry: new URL('../main.ts', import.meta.url),
    role: 'heavy work',
    threads: 1,
    deadlineMs,
    idleMs: 60_000,
    heapMegabytes: 256,
    clock: systemClock,
  });
  return { heavy, loop: new LoopShare(nextTurn) };
}
