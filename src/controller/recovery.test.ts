import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Recovery } from './recovery.ts';

const host = 'https://a.test:443';
const other = 'https://b.test:443';

/** A recovery with a list of who was woken, in order. */
function setUp() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const line = ({ detail, count }: { detail?: string; count?: number }, message: string) =>
    void lines.push([message, detail, count].filter((part) => part !== undefined).join(' '));
  const recovery = new Recovery(clock, { info: line, warn: line });
  const woken: string[] = [];
  const fail = (key: string, options: { origin?: string; group?: string; retryAfterMs?: number } = {}) =>
    recovery.noteFailure(key, options.origin ?? host, {
      group: options.group ?? 'store',
      wake: () => woken.push(key),
      retryAfterMs: options.retryAfterMs,
    });
  const takeWoken = () => woken.splice(0);
  return { clock, recovery, fail, takeWoken, lines };
}

describe('Recovery', () => {
  it('says once that an origin fails and once that it works again, with the number of objects', () => {
    const { recovery, fail, lines } = setUp();
    for (const key of ['a', 'b', 'c']) fail(key);
    fail('a');
    recovery.noteSuccess('b');
    recovery.noteSuccess('a');
    expect(lines).toEqual([`origin fails ${host}`, `origin works again ${host} 3`]);
  });

  it('lets one object through per beat of three seconds, each in its turn', async () => {
    const { clock, fail, takeWoken } = setUp();
    for (const key of ['a', 'b', 'c']) fail(key);
    await clock.advance(2_999);
    expect(takeWoken()).toEqual([]);
    await clock.advance(1);
    expect(takeWoken()).toEqual(['a']);
    await clock.advance(9_000);
    expect(takeWoken()).toEqual(['b', 'c', 'a']);
  });

  it('rotates over groups, so that one broken store does not take every turn', async () => {
    const { clock, fail, takeWoken } = setUp();
    fail('a1', { group: 'a' });
    fail('a2', { group: 'a' });
    fail('b1', { group: 'b' });
    await clock.advance(9_000);
    expect(takeWoken()).toEqual(['a1', 'b1', 'a2']);
  });

  it('keeps the pace for as long as few origins fail', async () => {
    const { clock, fail, takeWoken } = setUp();
    for (let i = 0; i < 40; i++) fail(`a${i}`, { origin: `https://${i}.test` });
    await clock.advance(3_600_000);
    takeWoken();
    await clock.advance(3_000);
    expect(takeWoken()).toHaveLength(40);
  });

  it('slows down after two minutes of steady failure where many origins fail', async () => {
    const { clock, fail, takeWoken } = setUp();
    for (let i = 0; i < 500; i++) fail(`a${i}`, { origin: `https://${i}.test` });
    await clock.advance(120_000);
    expect(takeWoken()).toHaveLength(40 * 500);
    await clock.advance(60_000);
    expect(takeWoken()).toHaveLength(4 * 500);
  });

  it('wakes all that wait for an origin when one of them succeeds, and then rests', async () => {
    const { clock, recovery, fail, takeWoken } = setUp();
    for (const key of ['a', 'b', 'c']) fail(key);
    fail('x', { origin: other });
    recovery.noteSuccess('b');
    expect(takeWoken()).toEqual(['a', 'c']);
    expect(['a', 'b', 'c', 'x'].map((key) => recovery.originOf(key) !== undefined)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['x']);
  });

  it('takes no notice of a success of what never failed', () => {
    const { recovery, fail, takeWoken } = setUp();
    fail('a');
    recovery.noteSuccess('z');
    expect([takeWoken(), recovery.originOf('a') !== undefined]).toEqual([[], true]);
  });

  it('may be told of a failure again while it wakes the others', () => {
    const { recovery, fail, takeWoken } = setUp();
    recovery.noteFailure('a', host, { group: 'g', wake: () => fail('a') });
    fail('b');
    recovery.noteSuccess('b');
    expect(recovery.originOf('a') !== undefined).toBe(true);
    recovery.noteSuccess('a');
    expect([takeWoken(), recovery.originOf('a') !== undefined]).toEqual([[], false]);
  });

  it('forgets what is gone, and stops when nobody waits', async () => {
    const { clock, recovery, fail, takeWoken } = setUp();
    fail('a');
    fail('b');
    recovery.forget('a');
    recovery.forget('never seen');
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['b']);
    recovery.forget('b');
    await clock.advance(60_000);
    expect(takeWoken()).toEqual([]);
  });

  it('waits for the newest origin alone', async () => {
    const { clock, recovery, fail, takeWoken } = setUp();
    fail('a');
    fail('a', { origin: other });
    fail('b');
    recovery.noteSuccess('b');
    expect([takeWoken(), recovery.originOf('a') !== undefined]).toEqual([[], true]);
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a']);
  });

  it('probes as soon as the host may be asked again, when that is before its own beat', async () => {
    const { clock, fail, takeWoken } = setUp();
    fail('a');
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a']);
    fail('a', { retryAfterMs: 1_000 });
    await clock.advance(1_000);
    expect(takeWoken()).toEqual([]);
    await clock.advance(100);
    expect(takeWoken()).toEqual(['a']);
  });

  it('keeps its beat when the host names a later time', async () => {
    const { clock, fail, takeWoken } = setUp();
    fail('a');
    fail('a', { retryAfterMs: 60_000 });
    await clock.advance(3_000);
    expect(takeWoken()).toEqual(['a']);
  });

  it('calls the newest wake of a key', async () => {
    const { clock, recovery, takeWoken } = setUp();
    const seen: string[] = [];
    recovery.noteFailure('a', host, { group: 'g', wake: () => seen.push('old') });
    recovery.noteFailure('a', host, { group: 'g', wake: () => seen.push('new') });
    await clock.advance(3_000);
    expect([seen, takeWoken()]).toEqual([['new'], []]);
  });

  it('is silent once it is stopped', async () => {
    const { clock, recovery, fail, takeWoken } = setUp();
    fail('a');
    fail('x', { origin: other });
    recovery.stop();
    await clock.advance(600_000);
    expect([takeWoken(), recovery.originOf('a') !== undefined]).toEqual([[], false]);
  });
});
