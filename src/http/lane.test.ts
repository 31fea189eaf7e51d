import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Pass } from './host-gate.ts';
import { Lane } from './lane.ts';

const { signal } = new AbortController();

function world(slots: number) {
  const changes: boolean[] = [];
  const clock = new FakeClock();
  const lane = new Lane({ clock, slots, onChange: (isUp) => changes.push(isUp) });
  const started: string[] = [];
  /** A request that runs until it is told to end. */
  const start = (turn: string, group = turn) => {
    let end: (how: Parameters<Pass['done']>[0]) => void = () => {};
    const done = lane
      .run({ group, turn, target: 'GET /' }, signal, async (pass) => {
        started.push(turn);
        const how = await new Promise<Parameters<Pass['done']>[0]>((resolve) => {
          end = resolve;
        });
        if (how.kind === 'none') pass.answered();
        pass.done(how);
      })
      .catch((error: unknown) => error);
    return { done, answer: () => end({ kind: 'none' }), fail: () => end({ kind: 'unreachable', message: 'refused' }) };
  };
  return { lane, clock, changes, started, start };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('slots', () => {
  it('leave a quarter to others, however many one turn wants', async () => {
    const { started, start } = world(16);
    const greedy = Array.from({ length: 100 }, () => start('greedy'));
    await settled();
    expect(started.length).toBe(12);
    start('victim');
    await settled();
    expect(started.filter((turn) => turn === 'victim').length).toBe(1);
    for (const request of greedy) request.answer();
  });

  it('go round over those who wait', async () => {
    const { started, start } = world(4);
    const first = ['a', 'b', 'c', 'd'].map((turn) => start(turn));
    for (let i = 0; i < 40; i++) start('greedy');
    start('victim');
    await settled();
    for (const request of first) request.answer();
    await settled();
    expect(started.slice(4)).toEqual(['greedy', 'victim', 'greedy', 'greedy']);
  });

  it('all come back', async () => {
    const { lane, started, start } = world(2);
    const requests = Array.from({ length: 6 }, (_, i) => start(`turn ${i % 3}`));
    for (let i = 0; i < 6; i++) {
      await settled();
      for (const request of requests) request.answer();
    }
    expect(await Promise.all(requests.map(({ done }) => done))).toEqual(Array.from({ length: 6 }, () => undefined));
    expect([started.length, lane.isIdle]).toEqual([6, true]);
  });

  it('are not kept by one who stopped waiting', async () => {
    const { lane, start, started } = world(1);
    const holder = start('a');
    const stop = new AbortController();
    const waiting = lane.run({ group: 'b', turn: 'b', target: '' }, stop.signal, async () => {});
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'Aborted' });
    start('c');
    await settled();
    holder.answer();
    await settled();
    expect(started).toEqual(['a', 'c']);
  });
});

describe('gates', () => {
  it('of one group say nothing about another', async () => {
    const { lane, start, started } = world(4);
    const bad = start('tenant-a', 'root/path as a');
    await settled();
    bad.fail();
    await bad.done;
    expect(await start('tenant-a', 'root/path as a').done).toBeInstanceOf(OperatorError);
    start('tenant-b', 'root as b').answer();
    await settled();
    expect(started).toEqual(['tenant-a', 'tenant-b']);
    expect(lane.isIdle).toBe(false);
  });

  it('are told as one: down with the first that closes, up with the last that opens', async () => {
    const { changes, clock, start } = world(4);
    const both = [start('a'), start('b')];
    await settled();
    for (const request of both) request.fail();
    await settled();
    expect(changes).toEqual([false]);
    await clock.advance(3_000);
    const probes = [start('a'), start('b')];
    await settled();
    probes[0]?.answer();
    await settled();
    expect(changes).toEqual([false]);
    probes[1]?.answer();
    await settled();
    expect(changes).toEqual([false, true]);
  });
});
