import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

/** Keeps much of what it makes for a while, as a first sync does; answers with the most that two spaces came to, in bytes. */
function mostSpace(isBound: boolean): { readonly young: number; readonly old: number } {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    const sizeOf = (name) => getHeapSpaceStatistics().find(({ space_name }) => space_name === name).space_size;
    import { setImmediate } from 'node:timers/promises';
    import { keepHeapSmall } from ${JSON.stringify(join(import.meta.dirname, 'heap.ts'))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, 'clock.ts'))};
    const timer = ${isBound} ? keepHeapSmall(systemClock) : undefined;
    const most = { young: 0, old: 0 };
    const kept = [];
    for (let round = 0; round < 600; round++) {
      for (let at = 0; at < 2_000; at++) kept.push({ round, text: 'x' + at, list: [at, round] });
      if (kept.length > 200_000) kept.splice(0, 100_000);
      await setImmediate();
      most.young = Math.max(most.young, sizeOf('new_space'));
      most.old = Math.max(most.old, sizeOf('old_space'));
    }
    timer?.cancel();
    console.log(JSON.stringify(most));
  `;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }));
}

/** Of three processes, the one in the middle: how late a bound is seen differs from one to the next. */
function usualSpace(isBound: boolean): ReturnType<typeof mostSpace> {
  const runs = [mostSpace(isBound), mostSpace(isBound), mostSpace(isBound)];
  const middle = (sizes: readonly number[]) => sizes.toSorted((one, other) => one - other)[1] ?? 0;
  return { young: middle(runs.map(({ young }) => young)), old: middle(runs.map(({ old }) => old)) };
}

describe('keepHeapSmall', () => {
  let bound = { young: 0, old: 0 };
  let free = bound;

  beforeAll(() => {
    bound = usualSpace(true);
    free = usualSpace(false);
  });

  it('stops the growth of the space of new objects', () => {
    expect(bound.young).toBeLessThan(free.young / 1.5);
  });

  it('collects old objects before there are several times as many as are alive', () => {
    expect(bound.old).toBeLessThan(free.old / 1.5);
  });
});
