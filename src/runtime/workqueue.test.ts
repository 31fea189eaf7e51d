import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Workqueue } from './workqueue.ts';

function queueAt(startMs = 1_000_000) {
  const clock = new FakeClock(startMs);
  return { clock, queue: new Workqueue(clock) };
}

function takeAll(queue: Workqueue): string[] {
  const keys: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) keys.push(next.key);
  return keys;
}

describe('Workqueue', () => {
  it('holds a key once however often it is added', () => {
    const { queue } = queueAt();
    for (let i = 0; i < 5; i++) queue.add('a', { lane: 1, cause: 'event' });
    expect(queue.ready).toBe(1);
    expect(takeAll(queue)).toEqual(['a']);
  });

  it('hands out urgent lanes first and each lane in order of arrival', () => {
    const { queue } = queueAt();
    queue.add('drift', { lane: 3, cause: 'x' });
    queue.add('periodic 1', { lane: 4, cause: 'x' });
    queue.add('deletion', { lane: 0, cause: 'x' });
    queue.add('periodic 2', { lane: 4, cause: 'x' });
    expect(takeAll(queue)).toEqual(['deletion', 'drift', 'periodic 1', 'periodic 2']);
  });

  it('merges asks: most urgent lane, latest due time, all causes', () => {
    const { queue } = queueAt();
    queue.add('a', { lane: 4, cause: 'periodic', dueAtMs: 500 });
    queue.add('b', { lane: 2, cause: 'push' });
    queue.add('a', { lane: 1, cause: 'spec', dueAtMs: 900 });
    queue.add('a', { lane: 4, cause: 'periodic', dueAtMs: 700 });
    expect(queue.take()).toEqual({ key: 'a', request: { lane: 1, dueAtMs: 900, causes: ['periodic', 'spec'] } });
    expect(takeAll(queue)).toEqual(['b']);
  });

  it('never runs a key twice at a time, and runs it again when it was added while running', () => {
    const { queue } = queueAt();
    queue.add('a', { lane: 1, cause: 'first' });
    queue.take();
    queue.add('a', { lane: 1, cause: 'second' });
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(queue.take()?.request.causes).toEqual(['second']);
    queue.done('a');
    expect(queue.take()).toBeUndefined();
  });

  it('holds delayed keys back until they are due, at the earliest time asked for', async () => {
    const { clock, queue } = queueAt(0);
    queue.addAfter('a', 5_000, { lane: 4, cause: 'periodic' });
    queue.addAfter('a', 1_000, { lane: 5, cause: 'window' });
    queue.addAfter('a', 9_000, { lane: 4, cause: 'late' });
    await clock.advance(999);
    expect(queue.take()).toBeUndefined();
    await clock.advance(1);
    const request = { lane: 4, dueAtMs: 1_000, causes: ['periodic', 'window', 'late'] };
    expect(queue.take()).toEqual({ key: 'a', request });
    queue.done('a');
    await clock.advance(20_000);
    expect(queue.take()).toBeUndefined();
  });

  it('drops the delayed run that a key had when it begins for another cause', async () => {
    const { clock, queue } = queueAt();
    queue.addAfter('a', 1_000, { lane: 4, cause: 'periodic' });
    queue.add('a', { lane: 1, cause: 'spec' });
    queue.take();
    queue.done('a');
    await clock.advance(2_000);
    expect(queue.take()).toBeUndefined();
    expect(queue.delayed).toBe(0);
  });

  it('keeps a delayed run that was asked for while the key ran', async () => {
    const { clock, queue } = queueAt();
    queue.add('a', { lane: 1, cause: 'spec' });
    queue.take();
    queue.addAfter('a', 1_000, { lane: 2, cause: 'push' });
    queue.done('a');
    await clock.advance(1_000);
    expect(queue.take()?.request.causes).toEqual(['push']);
  });

  it.each([-3_600_000, 3_600_000])(
    'keeps the due times of runs in order when the wall clock is set by %i ms meanwhile',
    async (byMs) => {
      const { clock, queue } = queueAt();
      const dueMs = clock.monotonicMs() + 1_000;
      queue.addAfter('delayed', 1_000, { lane: 4, cause: 'periodic' });
      await clock.advance(500);
      clock.setWall(byMs);
      await clock.advance(500);
      queue.add('asked', { lane: 5, cause: 'push' });
      expect([queue.take()?.request.dueAtMs, queue.take()?.request.dueAtMs]).toEqual([dueMs, dueMs]);
    },
  );

  it('counts failures in a row per key and forgets them on success', () => {
    const { queue } = queueAt();
    queue.noteFailure('a');
    expect(queue.noteFailure('a')).toBe(2);
    expect(queue.failures('b')).toBe(0);
    queue.noteSuccess('a');
    expect(queue.failures('a')).toBe(0);
  });

  it('forgets a dropped key, ready or delayed', async () => {
    const { clock, queue } = queueAt();
    queue.add('a', { lane: 1, cause: 'x' });
    queue.addAfter('b', 10, { lane: 1, cause: 'x' });
    queue.drop('a');
    queue.drop('b');
    await clock.advance(100);
    expect(queue.take()).toBeUndefined();
    expect(queue.ready).toBe(0);
  });

  it('takes nothing more after closing', async () => {
    const { clock, queue } = queueAt();
    queue.add('a', { lane: 1, cause: 'x' });
    queue.addAfter('b', 10, { lane: 1, cause: 'x' });
    queue.close();
    queue.add('c', { lane: 1, cause: 'x' });
    await clock.advance(100);
    expect(queue.take()).toBeUndefined();
  });

  it('serves a new object before thousands of periodic keys that are due', async () => {
    const { clock, queue } = queueAt();
    for (let i = 0; i < 10_000; i++) queue.addAfter(`p${i}`, 1_000 + (i % 7), { lane: 4, cause: 'periodic' });
    await clock.advance(2_000);
    expect(queue.ready).toBe(10_000);
    queue.add('new', { lane: 1, cause: 'spec' });
    expect(queue.take()?.key).toBe('new');
  });

  it('tells how much waits and runs, and for how long the oldest has been due', async () => {
    const { clock, queue } = queueAt();
    queue.addAfter('a later', 1_000, { lane: 4, cause: 'periodic' });
    expect(queue.loadOf()).toEqual({ ready: 0, running: 0, oldestMs: 0 });
    queue.add('b first', { lane: 4, cause: 'periodic' });
    await clock.advance(300);
    queue.add('b first', { lane: 1, cause: 'spec' });
    queue.add('b second', { lane: 1, cause: 'spec' });
    await clock.advance(200);
    expect(queue.loadOf()).toEqual({ ready: 2, running: 0, oldestMs: 500 });
    expect(queue.loadOf((key) => key === 'b second')).toEqual({ ready: 1, running: 0, oldestMs: 200 });
    expect(takeAll(queue)).toEqual(['b first', 'b second']);
    expect(queue.loadOf()).toEqual({ ready: 0, running: 2, oldestMs: 0 });
    await clock.advance(1_000);
    expect(queue.loadOf()).toEqual({ ready: 1, running: 2, oldestMs: 500 });
  });

  it('counts what was asked for during a run as waiting since then', async () => {
    const { clock, queue } = queueAt();
    queue.add('a', { lane: 1, cause: 'x' });
    queue.take();
    await clock.advance(100);
    queue.add('a', { lane: 1, cause: 'y' });
    await clock.advance(50);
    expect(queue.loadOf()).toEqual({ ready: 0, running: 1, oldestMs: 50 });
    queue.done('a');
    expect(queue.loadOf()).toEqual({ ready: 1, running: 0, oldestMs: 50 });
  });

  it('loses no key and runs none twice at a time, whatever the order of calls', async () => {
    const command = fc.oneof(
      fc.record({
        do: fc.constant('add' as const),
        key: fc.integer({ min: 0, max: 4 }),
        lane: fc.integer({ min: 0, max: 3 }),
      }),
      fc.record({
        do: fc.constant('after' as const),
        key: fc.integer({ min: 0, max: 4 }),
        lane: fc.integer({ min: 0, max: 3 }),
      }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('done' as const) }),
      fc.record({ do: fc.constant('tick' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const { clock, queue } = queueAt();
        const running: string[] = [];
        /** Keys that were asked for and have not begun since. */
        const owed = new Set<string>();
        const take = () => {
          const next = queue.take();
          if (next === undefined) return false;
          expect(running).not.toContain(next.key);
          running.push(next.key);
          owed.delete(next.key);
          return true;
        };
        for (const c of commands) {
          if (c.do === 'add') {
            queue.add(`k${c.key}`, { lane: c.lane, cause: 'c' });
            owed.add(`k${c.key}`);
          } else if (c.do === 'after') {
            queue.addAfter(`k${c.key}`, 100, { lane: c.lane, cause: 'c' });
            owed.add(`k${c.key}`);
          } else if (c.do === 'take') take();
          else if (c.do === 'done') {
            const key = running.shift();
            if (key !== undefined) queue.done(key);
          } else await clock.advance(60);
        }
        await clock.advance(1_000);
        do for (const key of running.splice(0)) queue.done(key);
        while (take() || take());
        expect([...owed]).toEqual([]);
        expect([queue.ready, queue.running - running.length, queue.delayed]).toEqual([0, 0, 0]);
      }),
      { numRuns: 200 },
    );
  });
});
