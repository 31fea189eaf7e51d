import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { type Reconcile, startWorker } from './worker.ts';
import { Workqueue } from './workqueue.ts';

function setUp(reconcile: Reconcile, concurrency?: number) {
  const clock = new FakeClock();
  const queue = new Workqueue(clock);
  const crashes: string[] = [];
  const options = { queue, clock, reconcile, random: () => 0, onCrash: (key: string) => void crashes.push(key) };
  const worker = startWorker(concurrency === undefined ? options : { ...options, concurrency });
  return { clock, queue, worker, crashes };
}

describe('startWorker', () => {
  it('runs other keys while some wait', async () => {
    const ended: string[] = [];
    const gate = Promise.withResolvers<undefined>();
    const { queue } = setUp(async (key) => {
      if (key.startsWith('slow')) await gate.promise;
      ended.push(key);
      return undefined;
    });
    for (let i = 0; i < 200; i++) queue.add(`slow${i}`, { lane: 1, cause: 'x' });
    queue.add('quick', { lane: 4, cause: 'x' });
    for (let i = 0; i < 20; i++) await settle();
    expect(ended).toEqual(['quick']);
    gate.resolve(undefined);
    await settle();
    expect(ended).toHaveLength(201);
  });

  it('keeps to its concurrency', async () => {
    let most = 0;
    let under = 0;
    const { queue } = setUp(async () => {
      most = Math.max(most, ++under);
      await new Promise((resolve) => setImmediate(resolve));
      under--;
      return undefined;
    }, 3);
    for (let i = 0; i < 50; i++) queue.add(`k${i}`, { lane: 1, cause: 'x' });
    for (let i = 0; i < 60; i++) await settle();
    expect(queue.ready).toBe(0);
    expect(most).toBe(3);
  });

  it('lets other callbacks in between batches of runs', async () => {
    let begun = 0;
    const { queue } = setUp(async () => {
      begun++;
      return undefined;
    });
    for (let i = 0; i < 10_000; i++) queue.add(`k${i}`, { lane: 1, cause: 'x' });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(1_000);
  });

  it('brings a key back when its outcome asks for it', async () => {
    const runs: string[] = [];
    const { clock, queue } = setUp(async (_key, request) => {
      runs.push(...request.causes);
      return runs.length < 3 ? { afterMs: 1_000, lane: 4, cause: 'periodic' } : undefined;
    });
    queue.add('a', { lane: 1, cause: 'new' });
    await clock.advance(5_000);
    expect(runs).toEqual(['new', 'periodic', 'periodic']);
  });

  it('backs off a key that crashes and goes on with the others', async () => {
    let attempts = 0;
    const { clock, queue, crashes } = setUp(async (key) => {
      if (key === 'bad') {
        attempts++;
        throw new Error('fault');
      }
      return undefined;
    });
    queue.add('bad', { lane: 1, cause: 'x' });
    queue.add('good', { lane: 1, cause: 'x' });
    await clock.advance(4_000);
    expect([attempts, queue.ready, queue.running]).toEqual([1, 0, 0]);
    await clock.advance(12_000); // 5 s, then 10 s
    expect(attempts).toBe(3);
    expect(crashes).toEqual(['bad', 'bad', 'bad']);
  });

  it('waits for the runs under way when it stops, and begins no other', async () => {
    const gate = Promise.withResolvers<undefined>();
    const begun: string[] = [];
    const { queue, worker } = setUp(async (key) => {
      begun.push(key);
      return gate.promise;
    }, 1);
    queue.add('a', { lane: 1, cause: 'x' });
    queue.add('b', { lane: 1, cause: 'x' });
    await settle();
    let stopped = false;
    const stop = worker.stop(10_000).then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    gate.resolve(undefined);
    await stop;
    expect(begun).toEqual(['a']);
  });

  it('aborts the runs that do not end within the grace period', async () => {
    const { clock, queue, worker, crashes } = setUp(
      (_key, _request, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    queue.add('hung', { lane: 1, cause: 'x' });
    await settle();
    const stop = worker.stop(2_000);
    await clock.advance(2_000);
    await stop;
    expect(crashes).toEqual([]);
  });
});
