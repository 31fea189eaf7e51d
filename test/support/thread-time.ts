// The time that this thread has worked, for tests of what holds the event loop: neither other processes nor other threads
// count, so that a busy machine changes nothing.
import { nextTurn } from '../../src/base/clock.ts';

/** CPU time of the thread in ms, from any beginning. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * Runs something, and watches meanwhile: the longest time in ms that this thread worked between two turns of its loop. `look` is
 * called after each turn, and does not count.
 */
export async function watched<Result>(
  run: () => Result | Promise<Result>,
  look: () => void = () => {},
): Promise<{ readonly longestMs: number; readonly outcome: PromiseSettledResult<Result> }> {
  let longestMs = 0;
  let isDone = false;
  let lastMs = threadMs();
  const watching = (async () => {
    while (!isDone) {
      await nextTurn();
      longestMs = Math.max(longestMs, threadMs() - lastMs);
      look();
      lastMs = threadMs();
    }
  })();
  const [outcome] = await Promise.allSettled([Promise.resolve().then(run)]);
  isDone = true;
  await watching;
  return { longestMs, outcome };
}

/** Turns of the loop to give away, and how long the work before each took, in ms. */
export class Stopwatch {
  readonly slices: number[] = [];
  #startedMs = threadMs();

  readonly turn = async (): Promise<void> => {
    this.slices.push(threadMs() - this.#startedMs);
    await nextTurn();
    this.#startedMs = threadMs();
  };

  /** Of all slices, and of what was done since the last turn. */
  get longestMs(): number {
    return Math.max(...this.slices, threadMs() - this.#startedMs);
  }
}
