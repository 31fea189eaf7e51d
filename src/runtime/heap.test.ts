import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

interface Spaces {
  /** Of new objects, most of the time: while V8 marks old objects it lets this space grow, and takes it back after that. */
  readonly young: number;
  /** Of old objects, at most. */
  readonly old: number;
}

/** Keeps much of what it makes for a while, as a first sync does; answers with what two spaces came to, in bytes. */
function spacesOf(isBound: boolean): Spaces {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    const sizeOf = (name) => getHeapSpaceStatistics().find(({ space_name }) => space_name === name).space_size;
    import { setImmediate } from 'node:timers/promises';
    import { keepHeapSmall } from ${JSON.stringify(join(import.meta.dirname, 'heap.ts'))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '..', 'base', 'clock.ts'))};
    const timer = ${isBound} ? keepHeapSmall(systemClock) : undefined;
    const young = [];
    let old = 0;
    const kept = [];
    for (let round = 0; round < 600; round++) {
      for (let at = 0; at < 2_000; at++) kept.push({ round, text: 'x' + at, list: [at, round] });
      if (kept.length > 200_000) kept.splice(0, 100_000);
      await setImmediate();
      young.push(sizeOf('new_space'));
      old = Math.max(old, sizeOf('old_space'));
    }
    timer?.cancel();
    console.log(JSON.stringify({ young: young.sort((one, other) => one - other)[young.length / 2], old }));
  `;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }));
}

/** Whether V8 optimizes a function for being called often: before the clock was looked at so many times, and after that. */
function optimizedCalls(looks: number, isBusy: boolean): { readonly atStart: boolean; readonly once: boolean } {
  const program = `
    import { setTimeout } from 'node:timers/promises';
    import { keepHeapSmall } from ${JSON.stringify(join(import.meta.dirname, 'heap.ts'))};
    let look;
    keepHeapSmall({
      after(_, run) {
        look = run;
        return { cancel() {} };
      },
    });
    const isOptimized = async (text) => {
      const often = new Function('list', text);
      for (let call = 0; call < 2_000; call++) often([1, 2, call]);
      // Another thread compiles it, and the next call puts it in.
      for (let tries = 0; tries < 100 && (%GetOptimizationStatus(often) & 16) === 0; tries++) {
        await setTimeout(5);
        often([1, 2, tries]);
      }
      return (%GetOptimizationStatus(often) & 16) > 0;
    };
    const atStart = await isOptimized('return list[0] + list[1] + list[2];');
    if (${isBusy}) {
      let user = 1e9;
      process.cpuUsage = () => ({ user: (user += 1e6), system: 0 });
    }
    for (let at = 0; at < ${looks}; at++) look();
    console.log(JSON.stringify({ atStart, once: await isOptimized('return list[0] * list[1] * list[2];') }));
  `;
  const flags = ['--allow-natives-syntax', '--input-type=module', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

/** Of three processes, the one in the middle: when V8 begins to mark differs from one to the next. */
function usualSpaces(isBound: boolean): Spaces {
  const runs = [spacesOf(isBound), spacesOf(isBound), spacesOf(isBound)];
  const middle = (sizes: readonly number[]) => sizes.toSorted((one, other) => one - other)[1] ?? 0;
  return { young: middle(runs.map(({ young }) => young)), old: middle(runs.map(({ old }) => old)) };
}

describe('keepHeapSmall', () => {
  let bound: Spaces = { young: 0, old: 0 };
  let free = bound;

  beforeAll(() => {
    bound = usualSpaces(true);
    free = usualSpaces(false);
  }, 60_000); // whole processes, on a machine that may have other work

  it('stops the growth of the space of new objects', () => {
    expect(bound.young).toBeLessThanOrEqual(24 * 2 ** 20);
    expect(free.young).toBeGreaterThan(40 * 2 ** 20);
  });

  it('collects old objects before there are several times as many as are alive', () => {
    expect(bound.old).toBeLessThan(free.old / 1.5);
  });

  it('has functions optimized for being called often from the first quiet time on', () => {
    expect(optimizedCalls(2, false)).toEqual({ atStart: false, once: true }); // busy until the first
  });

  it('takes no more than two minutes for a start, though there be no quiet time', () => {
    expect(optimizedCalls(29, true)).toEqual({ atStart: false, once: false });
    expect(optimizedCalls(30, true)).toEqual({ atStart: false, once: true });
  });
});
