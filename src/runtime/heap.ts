// Keeps the heap from growing by what the machine has instead of by what the process needs. V8 doubles the space of new
// objects up to 16 MB whenever many survive, three times over in resident memory, and never gives it back; it lets old
// objects grow to several times what it last found alive. A burst of work is over long before either pays off.
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, type HeapSpaceInfo, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../base/clock.ts';

/**
 * Size of both halves of the space of new objects at which it stops growing. 4,000 first syncs cost 230 collections of it at
 * 8 MB, a tenth of all CPU; 116 at 16 MB and 60 at 32 MB, for 8 and 25 MB more resident.
 */
const newSpaceMaxBytes = 16 * 2 ** 20;
/** How much the new space grows at a time at most: in few steps, as small sizes cost a start many collections. */
const newSpaceGrowth = 4;
/** Old objects below this may grow as V8 likes: collecting them more often would save little and slow the start. */
const freeGrowthBytes = 40 * 2 ** 20;
/**
 * From there on, how far old objects may grow beyond those that the last full collection found alive, in percent. V8 takes
 * it in at a full collection, and lets a heap come to hundreds of MB before its first: that one is asked for.
 */
const growthPercent = 30;
/**
 * How long the process must have had little to do, at most so much CPU, before what its start needed is collected. Without
 * work it takes some 15 ms; a first sync whose API server is slow was seen at 300.
 */
const quietMs = 4_000;
const quietCpuMs = 150;
/**
 * A process that is never quiet has no longer start than this. To look through old objects at once, as a start does, takes a
 * ms for each MB, up to 40 of them.
 */
const longestStartMs = 120_000;
/**
 * Calls of a function, of some length, before V8 compiles it with its optimizing compilers: its own counts, and those of a
 * start. There nearly all that they compile is run too seldom afterwards to pay for it, in time and in the memory that the
 * machine code takes; loops that run long are compiled as ever. For 1,000 first syncs this and collecting at once in place
 * of beside the work save an eighth of all CPU, and 4 MB.
 */
const callsBeforeCompiling = {
  'invocation-count-for-maglev': { usual: 400, atStart: 8_000 },
  'invocation-count-for-turbofan': { usual: 3_000, atStart: 60_000 },
};

/**
 * To be called once, at the start; the timer is for a process that ends before it fires. `--max-semi-space-size` would say
 * the same for new objects, but only on the command line; these flags are among those that V8 reads whenever it decides, so
 * they work in a running process.
 */
export function keepHeapSmall(clock: Clock): Timer {
  compileAfter('atStart');
  markBesideWork(false);
  const newSpaceFactor = flag('semi-space-growth-factor', 2);
  newSpaceFactor(newSpaceGrowth);
  let isBounded = false;
  const observer = new PerformanceObserver(() => {
    const spaces = getHeapSpaceStatistics();
    const leftTimes = Math.floor(newSpaceMaxBytes / sizeOf(spaces, 'new_space'));
    newSpaceFactor(Math.min(newSpaceGrowth, Math.max(1, leftTimes)));
    if (isBounded || sizeOf(spaces, 'old_space') < freeGrowthBytes) return;
    isBounded = true;
    markBesideWork(true); // of so many objects, marking them at once would be a pause that shows
    setFlagsFromString(`--heap-growing-percent=${growthPercent}`);
    collect('regular');
  });
  observer.observe({ entryTypes: ['gc'] });
  const endStart = () => {
    compileAfter('usual');
    markBesideWork(true);
  };
  return onceQuiet(clock, endStart, () => {
    endStart();
    collect('last-resort');
  });
}

function compileAfter(calls: 'atStart' | 'usual'): void {
  for (const [name, counts] of Object.entries(callsBeforeCompiling)) setFlagsFromString(`--${name}=${counts[calls]}`);
}

/** Whether old objects are looked through beside the work, in small steps; else at once, when their space is full. */
function markBesideWork(isBeside: boolean): void {
  setFlagsFromString(isBeside ? '--incremental-marking' : '--no-incremental-marking');
}

/** Runs after the first quiet time: a burst of work is not to be held up. `onLate` runs before it when that is long in coming. */
function onceQuiet(clock: Clock, onLate: () => void, run: () => void): Timer {
  let usedUs = cpuUs();
  let leftMs = longestStartMs;
  const look = () => {
    const nowUs = cpuUs();
    const isQuiet = nowUs - usedUs <= quietCpuMs * 1_000;
    usedUs = nowUs;
    if (isQuiet) return run();
    leftMs -= quietMs;
    if (leftMs === 0) onLate();
    timer = clock.after(quietMs, look);
  };
  let timer = clock.after(quietMs, look);
  return { cancel: () => timer.cancel() };
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * One full collection, a pause of tens of ms; the last resort gives pages back to the system besides. V8 hands its function
 * out to contexts that are made while the flag is set.
 */
function collect(flavor: 'regular' | 'last-resort'): void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof gc === 'function') gc({ type: 'major', execution: 'sync', flavor });
}

function sizeOf(spaces: readonly HeapSpaceInfo[], name: string): number {
  return spaces.find(({ space_name }) => space_name === name)?.space_size ?? 0;
}

/** Sets a flag of V8 when its value changes. */
function flag(name: string, initial: number): (value: number) => void {
  let current = initial;
  return (value) => {
    if (value === current) return;
    current = value;
    setFlagsFromString(`--${name}=${value}`);
  };
}
