import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../../test/support/fake-clock.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { Shares } from '../../base/shares.ts';
import { MemoryAccount } from '../../runtime/memory-account.ts';
import { type Fetched, Snapshots } from './snapshots.ts';

const neverAborted = new AbortController().signal;

/** An upstream whose answers are the times at which they were asked for; each takes `tookMs`. */
function setUp(tookMs = 0) {
  const clock = new FakeClock(1_000_000);
  const reads: string[] = [];
  const snapshots = new Snapshots<number>({ clock, shares: undefined, observeRead: (result) => reads.push(result) });
  const seen = { fetches: 0, parallel: 0, mostParallel: 0, aborted: 0, etags: [] as (string | undefined)[] };
  const fetch = async (kept: Fetched<number> | undefined, signal: AbortSignal): Promise<Fetched<number>> => {
    const startedAtMs = clock.nowMs();
    seen.fetches++;
    seen.etags.push(kept?.etag);
    seen.parallel++;
    seen.mostParallel = Math.max(seen.mostParallel, seen.parallel);
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(tookMs, resolve);
        signal.addEventListener('abort', () => {
          seen.aborted++;
          timer.cancel();
          reject(signal.reason);
        });
      });
    } finally {
      seen.parallel--;
    }
    return { value: startedAtMs, etag: `"${startedAtMs}"` };
  };
  const get = (options: { key?: string; notBeforeMs?: number; signal?: AbortSignal } = {}) =>
    snapshots.get(
      {
        key: options.key ?? 'scope',
        origin: 'https://host',
        holder: 'ns',
        notBeforeMs: options.notBeforeMs ?? clock.nowMs(),
        fetch,
      },
      options.signal ?? neverAborted,
    );
  return { clock, snapshots, seen, reads, get };
}

describe('a holder with its share', () => {
  function shared(most: number) {
    const clock = new FakeClock(1_000_000);
    const shares = new Shares(most);
    const snapshots = new Snapshots<string>({ clock, shares, keepMs: 300_000 });
    const get = async (key: string, holder: string) => {
      const fetch = async () => ({ value: key });
      const asked = snapshots.get({ key, holder, origin: '', notBeforeMs: 0, fetch }, neverAborted);
      const settled = asked.catch((thrown: unknown) => asOperatorError(thrown).reason);
      await clock.advance(50);
      return await settled;
    };
    return { clock, shares, get };
  }

  it('gets no more, while others do and what it has is still given', async () => {
    const { get, shares } = shared(2);
    expect([await get('a', 'greedy'), await get('b', 'greedy')]).toEqual(['a', 'b']);
    expect(await get('c', 'greedy')).toBe('QuotaExceeded');
    expect([await get('a', 'greedy'), await get('c', 'other')]).toEqual(['a', 'c']);
    expect(shares.counts).toEqual({ all: 3, greatest: 2, bound: 2 });
  });

  it('gives up what it has not asked for in a minute', async () => {
    const { clock, get } = shared(2);
    await get('a', 'ns');
    await clock.advance(30_000);
    await get('b', 'ns');
    await clock.advance(30_000);
    expect([await get('c', 'ns'), await get('d', 'ns')]).toEqual(['c', 'QuotaExceeded']);
  });

  it('has none of it any more once it is swept', async () => {
    const { clock, get, shares } = shared(2);
    await get('a', 'ns');
    await clock.advance(600_000);
    expect(shares.counts.all).toBe(0);
  });
});

describe('snapshots', () => {
  it('share one fetch among all who ask within the collection time', async () => {
    const { clock, get, seen } = setUp();
    const first = Array.from({ length: 500 }, () => get());
    await clock.advance(49);
    const late = Array.from({ length: 500 }, () => get());
    expect(seen.fetches).toBe(0);
    await clock.advance(1);
    await Promise.all([...first, ...late]);
    expect(seen.fetches).toBe(1);
  });

  it('serve who does not need anything younger from what is kept', async () => {
    const { clock, get, seen } = setUp();
    const dueMs = clock.nowMs();
    const first = get();
    await clock.advance(50);
    await first;
    await clock.advance(10_000);
    expect(await get({ notBeforeMs: dueMs })).toBe(dueMs + 50);
    expect(seen.fetches).toBe(1);
  });

  it('tell what served each read', async () => {
    const { clock, get, reads } = setUp(20);
    const dueMs = clock.monotonicMs();
    const first = [get(), get()];
    await clock.advance(55);
    const joined = get({ notBeforeMs: dueMs });
    await clock.advance(20);
    await Promise.all([...first, joined]);
    await get({ notBeforeMs: dueMs });
    expect(reads).toEqual(['miss', 'joined', 'joined', 'hit']);
    await clock.advance(1_000);
    const younger = get();
    await clock.advance(70);
    await younger;
    expect(reads.at(-1)).toBe('miss');
  });

  it('never give an answer whose fetch started before it was needed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ waitMs: fc.nat(120), ageMs: fc.nat(300) }), { minLength: 1, maxLength: 25 }),
        fc.nat(200),
        async (asks, tookMs) => {
          const { clock, get, seen } = setUp(tookMs);
          const answers: Promise<void>[] = [];
          for (const { waitMs, ageMs } of asks) {
            await clock.advance(waitMs);
            const notBeforeMs = clock.nowMs() - ageMs;
            answers.push(
              get({ notBeforeMs }).then((startedAtMs) => expect(startedAtMs).toBeGreaterThanOrEqual(notBeforeMs)),
            );
          }
          await clock.advance(1_000);
          await Promise.all(answers);
          expect(seen.mostParallel).toBe(1);
          expect(seen.fetches).toBeLessThanOrEqual(asks.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('start a fresh fetch for who comes while an older one is under way', async () => {
    const { clock, get, seen } = setUp(100);
    const first = get();
    await clock.advance(60);
    const second = get();
    await clock.advance(300);
    expect(await second).toBeGreaterThan(await first);
    expect(seen.fetches).toBe(2);
  });

  it('offer the validator of the kept answer to the next fetch', async () => {
    const { clock, get, seen } = setUp();
    const first = get();
    await clock.advance(50);
    const etag = `"${await first}"`;
    await clock.advance(1);
    const second = get();
    await clock.advance(50);
    await second;
    expect(seen.etags).toEqual([undefined, etag]);
  });

  it('bound the fetches of one origin', async () => {
    const { clock, get, seen } = setUp(100);
    const all = Array.from({ length: 40 }, (_, i) => get({ key: `scope-${i}` }));
    await clock.advance(5_000);
    await Promise.all(all);
    expect(seen.mostParallel).toBe(8);
    expect(seen.fetches).toBe(40);
  });

  it('let one caller leave without harm to the others', async () => {
    const { clock, get, seen } = setUp(100);
    const leaver = new AbortController();
    const left = get({ signal: leaver.signal });
    const stayed = get();
    await clock.advance(60);
    leaver.abort();
    await expect(left).rejects.toMatchObject({ reason: 'Aborted' });
    await clock.advance(100);
    expect(await stayed).toBeGreaterThan(0);
    expect(seen.aborted).toBe(0);
  });

  it('stop a fetch that nobody waits for, and start another for who comes then', async () => {
    const { clock, get, seen } = setUp(100);
    const leaver = new AbortController();
    const left = get({ signal: leaver.signal });
    await clock.advance(60);
    leaver.abort();
    await expect(left).rejects.toThrow(OperatorError);
    const next = get();
    await clock.advance(300);
    expect(await next).toBeGreaterThan(0);
    expect(seen).toMatchObject({ fetches: 2, aborted: 1 });
  });

  it('never start a fetch whose callers left while it was collected', async () => {
    const { clock, get, seen } = setUp();
    const leaver = new AbortController();
    const left = get({ signal: leaver.signal });
    leaver.abort();
    await expect(left).rejects.toThrow(OperatorError);
    await clock.advance(100);
    expect(seen.fetches).toBe(0);
  });

  it('give back the slot of a fetch that fails, and keep no failure', async () => {
    const clock = new FakeClock();
    const snapshots = new Snapshots<string>({ clock, shares: undefined });
    let fails = true;
    const ask = (key: string) =>
      snapshots.get(
        {
          key,
          origin: 'o',
          holder: 'ns',
          notBeforeMs: 0,
          fetch: async () => {
            if (fails) throw new OperatorError('UpstreamUnavailable', 'down');
            return { value: 'up' };
          },
        },
        neverAborted,
      );
    const failed = Array.from({ length: 30 }, (_, i) => ask(`k${i}`).catch((error: OperatorError) => error.reason));
    await clock.advance(50);
    expect(new Set(await Promise.all(failed))).toEqual(new Set(['UpstreamUnavailable']));
    fails = false;
    const again = ask('k0');
    await clock.advance(50);
    expect(await again).toBe('up');
  });

  it('drop what nobody has asked for in five minutes', async () => {
    const { clock, get, snapshots } = setUp();
    const first = get();
    await clock.advance(50);
    await first;
    expect(snapshots.size).toBe(1);
    await clock.advance(240_000);
    expect(snapshots.size).toBe(1);
    await clock.advance(120_000);
    expect(snapshots.size).toBe(0);
    await settle();
  });

  it('are kept for as long as a provider says', async () => {
    const clock = new FakeClock(1_000_000);
    const snapshots = new Snapshots<number>({ clock, shares: undefined, keepMs: 3_600_000 });
    const fetch = async () => ({ value: 1 });
    const first = snapshots.get(
      { key: 'k', origin: 'o', holder: 'ns', notBeforeMs: clock.nowMs(), fetch },
      neverAborted,
    );
    await clock.advance(50);
    await first;
    await clock.advance(3_500_000);
    expect(snapshots.size).toBe(1);
    await clock.advance(200_000);
    expect(snapshots.size).toBe(0);
    await settle();
  });

  it.each([-3_600_000, 3_600_000])('are as fresh as ever when the wall clock is set by %i ms', async (byMs) => {
    const { clock, get, seen } = setUp();
    const first = get({ notBeforeMs: clock.monotonicMs() });
    await clock.advance(50);
    await first;
    clock.setWall(byMs);
    await get({ notBeforeMs: clock.monotonicMs() - 50 });
    expect(seen.fetches).toBe(1);
    await clock.advance(1);
    const second = get({ notBeforeMs: clock.monotonicMs() });
    await clock.advance(50);
    await second;
    expect(seen.fetches).toBe(2);
  });

  it('take a due time in the future for "from now"', async () => {
    const { clock, get, seen } = setUp();
    const future = get({ notBeforeMs: clock.nowMs() + 3_600_000 });
    await clock.advance(50);
    expect(await future).toBe(clock.nowMs());
    expect(seen.fetches).toBe(1);
  });
});

describe('what is kept', () => {
  function bounded(mostBytes: number) {
    const clock = new FakeClock(1_000_000);
    const account = new MemoryAccount({ clock, mostBytes });
    const snapshots = new Snapshots<number>({
      clock,
      shares: undefined,
      memory: { account, sizeOf: (value) => value },
    });
    const fetched: string[] = [];
    const get = async (key: string, bytes: number) => {
      const fetch = async (kept: Fetched<number> | undefined) => {
        fetched.push(kept === undefined ? key : `${key} again`);
        return { value: bytes };
      };
      const answer = snapshots.get({ key, origin: 'o', holder: 'ns', notBeforeMs: 0, fetch }, neverAborted);
      await clock.advance(100);
      return answer;
    };
    return { clock, account, fetched, get };
  }

  it('is let go for others, large first, and fetched again when it is asked for', async () => {
    const { account, fetched, get } = bounded(1_000);
    await get('small', 200);
    await get('large', 700);
    await get('other', 300);
    expect(account.heldBytes).toBe(500);
    expect([await get('small', 200), await get('other', 300), await get('large', 400)]).toEqual([200, 300, 400]);
    expect(fetched).toEqual(['small', 'large', 'other', 'large']);
  });

  it('is counted once for a scope that is fetched anew, and not at all once nobody asks', async () => {
    const { clock, account, get } = bounded(10_000);
    await get('a', 200);
    await get('b', 300);
    expect(account.heldBytes).toBe(500);
    await clock.advance(600_000);
    expect(account.heldBytes).toBe(0);
  });

  it('answers even what is larger than all that may be kept', async () => {
    const { account, fetched, get } = bounded(1_000);
    expect([await get('a', 5_000), await get('a', 5_000)]).toEqual([5_000, 5_000]);
    expect(fetched).toEqual(['a', 'a']);
    expect(account.heldBytes).toBe(0);
  });
});
