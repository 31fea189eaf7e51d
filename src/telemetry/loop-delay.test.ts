import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { watchLoopDelay } from './loop-delay.ts';

const longestOf = (read: Iterable<readonly [{ readonly quantile: string }, number]>) =>
  [...read].find(([{ quantile }]) => quantile === '1')?.[1] ?? Number.NaN;

describe('the delay of the event loop', () => {
  it('shows the longest pause since it was last read', async () => {
    const read = watchLoopDelay();
    await sleep(60);
    read();
    await sleep(60); // the first look after a reading has nothing to measure from
    const until = performance.now() + 300;
    while (performance.now() < until);
    await sleep(60);
    const longest = longestOf(read());
    expect(longest).toBeGreaterThan(0.2);
    expect(longestOf(read())).toBeLessThan(longest);
  });

  it('is 0 when nothing was seen yet', () => {
    const read = watchLoopDelay();
    expect([...read()].map(([, seconds]) => seconds)).toEqual([0, 0, 0]);
  });
});
