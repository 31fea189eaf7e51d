import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';

const entry = new URL('./worker-pool.fixture.ts', import.meta.url);
const never = new AbortController().signal;
const pools: WorkerPool[] = [];

function open(options: Partial<WorkerPoolOptions> = {}): WorkerPool {
  const pool = new WorkerPool({
    entry,
    role: 'test',
    threads: 1,
    deadlineMs: 15_000,
    idleMs: 60_000,
    heapMegabytes: 32,
    clock: systemClock,
    ...options,
  });
  pools.push(pool);
  return pool;
}

const echo = (value: unknown) => () => ({ act: 'echo', value });
const lost = (how: string) => expect.objectContaining({ name: 'WorkerLost', how });

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

describe('a pool of threads', () => {
  it('has no thread before the first job, and no more than it may', async () => {
    const pool = open();
    expect(pool.threadCount).toBe(0);
    const jobs = Array.from({ length: 20 }, (_, at) => pool.run('a', echo(at), never));
    expect(await Promise.all(jobs)).toEqual(Array.from({ length: 20 }, (_, at) => at));
    expect(pool.threadCount).toBe(1);
  });

  it.each([
    ['memory', 'eat', 15_000],
    ['deadline', 'hang', 800],
    ['crash', 'throw', 15_000],
  ])('loses only the job that runs into %s', async (how, act, deadlineMs) => {
    const pool = open({ deadlineMs });
    const bad = pool.run('a', () => ({ act }), never);
    const good = pool.run('b', echo('fine'), never);
    await expect(bad).rejects.toEqual(lost(how));
    expect(await good).toBe('fine');
  });

  it('serves tenants in turn, whoever came with many jobs first', async () => {
    const pool = open();
    const order: string[] = [];
    const note = (name: string) => pool.run(name[0] ?? '', echo(name), never).then(() => order.push(name));
    await Promise.all(['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2'].map(note));
    expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('forgets a job whose caller went away, and never asks for its order', async () => {
    const pool = open();
    const first = pool.run('a', echo(1), never);
    const leaving = new AbortController();
    let asked = false;
    const second = pool.run(
      'a',
      () => {
        asked = true;
        return undefined;
      },
      leaving.signal,
    );
    leaving.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    await first;
    expect(await pool.run('a', echo(3), never)).toBe(3);
    expect(asked).toBe(false);
  });

  it('ends a thread that has been idle', async () => {
    let passTime = () => {};
    const clock = {
      ...systemClock,
      after(delayMs: number, run: () => void) {
        if (delayMs === 777) passTime = run;
        return { cancel: () => {} };
      },
    };
    const pool = open({ idleMs: 777, clock });
    await pool.run('a', echo(1), never);
    expect(pool.threadCount).toBe(1);
    passTime();
    expect(pool.threadCount).toBe(0);
  });

  it('rejects what cannot be sent, and goes on', async () => {
    const pool = open();
    await expect(pool.run('a', () => ({ act: 'echo', value: () => {} }), never)).rejects.toThrow(/cloned/);
    expect(await pool.run('a', echo(2), never)).toBe(2);
  });

  it('rejects what waits and what runs when it is closed', async () => {
    const pool = open();
    const ends = [pool.run('a', () => ({ act: 'hang' }), never), pool.run('a', echo(1), never)].map((end) =>
      end.catch((error: unknown) => error),
    );
    await pool.close();
    expect(await Promise.all(ends)).toEqual([lost('crash'), lost('crash')]);
    await expect(pool.run('a', echo(1), never)).rejects.toEqual(lost('crash'));
  });
});
