import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Keeps much of what it makes for a while, as a first sync does; prints the most that the new space came to, in bytes. */
function mostNewSpace(isBound: boolean): number {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate } from 'node:timers/promises';
    import { keepHeapSmall } from ${JSON.stringify(join(import.meta.dirname, 'heap.ts'))};
    import { systemClock } from ${JSON.stringify(join(import.meta.dirname, 'clock.ts'))};
    const timer = ${isBound} ? keepHeapSmall(systemClock) : undefined;
    let most = 0;
    const kept = [];
    for (let round = 0; round < 400; round++) {
      for (let at = 0; at < 2_000; at++) kept.push({ round, text: 'x' + at, list: [at, round] });
      if (kept.length > 200_000) kept.splice(0, 100_000);
      await setImmediate();
      most = Math.max(most, getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size);
    }
    timer?.cancel();
    console.log(most);
  `;
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' }));
}

describe('keepHeapSmall', () => {
  it('stops the growth of the space of new objects', () => {
    // Left alone it comes to 64 MB here; a collection or two may pass before the bound is seen.
    expect(mostNewSpace(true)).toBeLessThanOrEqual(24 * 2 ** 20);
    expect(mostNewSpace(false)).toBeGreaterThan(40 * 2 ** 20);
  });
});
