import { describe, expect, it } from 'vitest';
import { settle } from '../../test/support/fake-clock.ts';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

function recorder(slots: Slots) {
  const granted: string[] = [];
  const releases = new Map<string, () => void>();
  const keep = (name: string, slot: Promise<() => void>) => {
    void slot.then(
      (release) => {
        granted.push(name);
        releases.set(name, release);
      },
      () => granted.push(`${name} gave up`),
    );
  };
  return {
    granted,
    ask: (name: string, priority: number, signal = never) => keep(name, slots.acquire(priority, signal)),
    askIdle: (name: string, signal = never) => keep(name, slots.acquireWhenIdle(signal)),
    free: (name: string) => releases.get(name)?.(),
  };
}

describe('Slots', () => {
  it('never lets more than the limit run, whoever asks', async () => {
    const slots = new Slots(2);
    const r = recorder(slots);
    for (const name of ['a', 'b', 'c']) r.ask(name, 1);
    await settle();
    expect(r.granted).toEqual(['a', 'b']);
    r.free('a');
    await settle();
    expect(r.granted).toEqual(['a', 'b', 'c']);
    expect(slots.inUse).toBe(2);
  });

  it('serves the most urgent first and the same priority in order of arrival', async () => {
    const r = recorder(new Slots(1));
    r.ask('holder', 1);
    r.ask('late lane', 5);
    r.ask('first', 2);
    r.ask('second', 2);
    r.ask('urgent', 0);
    for (const name of ['holder', 'urgent', 'first', 'second', 'late lane']) {
      await settle();
      r.free(name);
    }
    await settle();
    expect(r.granted).toEqual(['holder', 'urgent', 'first', 'second', 'late lane']);
  });

  it('skips those that gave up waiting, and rejects them with the reason of their signal', async () => {
    const slots = new Slots(1);
    const r = recorder(slots);
    const leaving = new AbortController();
    r.ask('holder', 1);
    r.ask('leaver', 1, leaving.signal);
    r.ask('stayer', 1);
    leaving.abort(new Error('enough'));
    await settle();
    expect(slots.waiting).toBe(1);
    r.free('holder');
    await settle();
    expect(r.granted).toEqual(['holder', 'leaver gave up', 'stayer']);
  });

  it('counts a slot once when it is given back twice', async () => {
    const slots = new Slots(1);
    const release = await slots.acquire(1, never);
    release();
    release();
    expect(slots.inUse).toBe(0);
  });

  it('begins idle work only when half of the slots are free and nobody waits', async () => {
    const slots = new Slots(4);
    const r = recorder(slots);
    for (const name of ['a', 'b', 'c', 'd', 'e']) r.ask(name, 1);
    r.askIdle('event');
    await settle();
    r.free('a'); // goes to e
    r.free('b');
    r.free('c');
    await settle();
    expect(r.granted).not.toContain('event');
    r.free('d');
    await settle();
    expect(r.granted).toContain('event');
  });
});
