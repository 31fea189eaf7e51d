import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { Reason } from '../../base/reasons.ts';
import { ContentProbes } from './content-probes.ts';

interface Failing {
  readonly origin?: string;
  readonly group?: string;
  readonly reason?: Reason;
}

/** Probes with a list of who was woken, in order; whoever runs fails again until it is in `mended`. */
function setUp() {
  const clock = new FakeClock();
  const probes = new ContentProbes(clock);
  const woken: string[] = [];
  const mended = new Set<string>();
  const fail = (key: string, more: Failing = {}, sinceMs = clock.monotonicMs()) => {
    const { origin = 'api reader', group = '/app', reason = 'SecretNotFound' } = more;
    const wake = () => {
      woken.push(key);
      if (mended.has(key)) probes.noteSuccess(key);
      else fail(key, more, sinceMs);
    };
    probes.noteFailure(key, { origin, group, reason, sinceMs, wake });
  };
  const takeWoken = () => woken.splice(0);
  return { clock, probes, fail, mended, takeWoken };
}

describe('ContentProbes', () => {
  it('lets one object a beat look, however many fail', async () => {
    const { clock, fail, takeWoken } = setUp();
    for (let i = 0; i < 1_000; i++) fail(`n/${i}`);
    await clock.advance(60_000);
    expect(takeWoken()).toEqual(Array.from({ length: 20 }, (_, i) => `n/${i}`));
  });

  it('asks for each identity by itself', async () => {
    const { clock, fail, takeWoken } = setUp();
    for (const origin of ['a', 'b', 'c']) fail(origin, { origin });
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a', 'b', 'c']);
  });

  it('rotates over scopes', async () => {
    const { clock, fail, takeWoken } = setUp();
    fail('x1', { group: 'x' });
    fail('x2', { group: 'x' });
    fail('y1', { group: 'y' });
    await clock.advance(9_000);
    expect(takeWoken()).toEqual(['x1', 'y1', 'x2']);
  });

  it('wakes those that failed for the same reason as soon as one of them is in step, and each once', async () => {
    const { clock, fail, mended, takeWoken } = setUp();
    for (const key of ['a', 'b', 'c']) fail(key, { group: key, reason: 'AccessDenied' });
    fail('other', { reason: 'SecretNotFound' });
    for (const key of ['a', 'b']) mended.add(key);
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a', 'b', 'c']);
    await clock.advance(6_000);
    expect(takeWoken().sort()).toEqual(['c', 'other']);
  });

  it('leaves a failure to its own backoff after ten minutes, and not the new ones beside it', async () => {
    const { clock, fail, takeWoken } = setUp();
    fail('old');
    await clock.advance(600_000);
    expect(takeWoken()).toHaveLength(199);
    await clock.advance(600_000);
    expect(takeWoken()).toEqual([]);
    fail('new');
    await clock.advance(9_000);
    expect(takeWoken()).toEqual(['new', 'new', 'new']);
  });

  it('wakes an old one when a new one of its reason is mended', async () => {
    const { clock, fail, mended, takeWoken } = setUp();
    fail('old');
    await clock.advance(1_200_000);
    fail('new');
    mended.add('new');
    takeWoken();
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['new', 'old']);
  });

  it('forgets what is gone', async () => {
    const { clock, probes, fail, takeWoken } = setUp();
    for (const key of ['a', 'b']) fail(key);
    probes.forget('a');
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['b']);
    probes.forget('b');
    await clock.advance(60_000);
    expect(takeWoken()).toEqual([]);
  });

  it('follows an object that comes to read elsewhere', async () => {
    const { clock, probes, fail, takeWoken } = setUp();
    fail('a', { origin: 'before' });
    fail('a', { origin: 'after' });
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a']);
    probes.stop();
    await clock.advance(60_000);
    expect(takeWoken()).toEqual([]);
  });
});
