import { describe, expect, it, onTestFinished } from 'vitest';
import { Collection } from '../../../test/support/collection.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { inlineDesk, inlineWorkplaces, type Workplaces } from '../../core/jobs.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Registry } from '../../telemetry/metrics.ts';
import { operatorMetrics } from '../../telemetry/operator-metrics.ts';
import { kinds } from '../kinds.ts';
import { type Cause, lanes } from '../lanes.ts';
import { type ExternalSecretRecord, externalSecretRecord } from '../records.ts';
import { Recovery } from '../recovery.ts';
import { seriesOf } from './kind.ts';
import { type Ended, type Memory, newMemory, ObjectController, type Run, type Signals } from './object-controller.ts';

type Play = (record: ExternalSecretRecord, memory: Memory, run: Run, signals: Signals) => Ended | Promise<Ended>;

const key = 'team/app';
const synced: Ended = { kind: 'synced', next: undefined };
const failed = (reason: Reason, origin = '', retryAfterMs?: number): Ended => {
  const more = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { kind: 'failed', error: new OperatorError(reason, 'it went wrong', more), origin };
};
const changed = { lane: lanes.spec, cause: 'changed' as Cause };
const drift = { lane: lanes.drift, cause: 'drift' as Cause };

/** A controller whose story is `play`, with one object `team/app`; each run is noted with its time. */
function setUp(
  play: Play,
  {
    isOurs = true,
    workplaces = inlineWorkplaces,
  }: { readonly isOurs?: boolean; readonly workplaces?: Workplaces } = {},
) {
  const clock = new FakeClock(0);
  const objects = new Collection(externalSecretRecord);
  const lines: string[] = [];
  const told = (level: string) => (fields: { readonly reason?: string }, message: string) =>
    void lines.push([level, message, fields.reason].filter((part) => part !== undefined).join(' '));
  const log: Logger = { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') };
  const registry = new Registry();
  const metrics = operatorMetrics(registry, {
    startedAtMs: 0,
    version: '1',
    extendedLabels: false,
    monotonicMs: () => clock.monotonicMs(),
    kinds: [seriesOf(kinds.ExternalSecret)],
  });
  const recovery = new Recovery(clock, log);
  const runs: { readonly atMs: number; readonly causes: readonly string[]; readonly notBeforeMs: number }[] = [];
  const kit = new ObjectController<ExternalSecretRecord, Memory>(
    {
      kinds: [kinds.ExternalSecret],
      kindOf: () => 'ExternalSecret',
      find: (one) => objects.view.get(one),
      isOurs: () => isOurs,
      async run(record, memory, run, signals) {
        runs.push({ atMs: clock.monotonicMs(), causes: run.causes, notBeforeMs: run.notBeforeMs });
        return await play(record, memory, run, signals);
      },
      tell: async (_, { reason }) => void lines.push(`told ${reason}`),
      intervalMs: () => 60_000,
      groupOf: (one) => one,
      retryLane: lanes.periodic,
      failureMessage: 'sync failed',
    },
    { clock, log, metrics, recovery, workplaces, random: () => 1 },
  );
  objects.put(key, { spec: { refreshInterval: '1m', secretStoreRef: { name: 's' } } });
  const memory = newMemory(clock);
  kit.remember(key, memory);
  kit.start();
  onTestFinished(() => kit.stop(0));
  const series = (name: string) =>
    registry
      .render()
      .split('\n')
      .filter((line) => line.startsWith(name));
  return { kit, clock, objects, lines, runs, memory, recovery, series, times: () => runs.map(({ atMs }) => atMs) };
}

describe('a controller', () => {
  it('runs what is asked for, and nothing else', async () => {
    const { kit, clock, runs } = setUp(() => synced);
    await clock.advance(10_000);
    expect(runs).toEqual([]);
    kit.wake(key, changed);
    kit.wake('team/unknown', changed);
    await clock.advance(10);
    expect(runs).toHaveLength(1);
  });

  it('runs once for what is asked for many times before it begins', async () => {
    const { kit, clock, runs } = setUp(() => synced);
    for (const ask of [drift, changed, drift]) kit.wake(key, ask);
    await clock.advance(10);
    expect(runs.map(({ causes }) => [...causes].sort())).toEqual([['changed', 'drift']]);
  });

  it('leaves alone what is another’s, and what is gone', async () => {
    const other = setUp(() => synced, { isOurs: false });
    other.kit.wake(key, changed);
    await other.clock.advance(10);
    expect(other.runs).toEqual([]);
    const { kit, clock, objects, runs } = setUp(() => synced);
    kit.wake(key, changed);
    objects.remove(key);
    await clock.advance(10);
    expect(runs).toEqual([]);
  });

  it('comes back when the story says so', async () => {
    const next = { afterMs: 5_000, lane: lanes.periodic, cause: 'periodic' };
    const { kit, clock, times } = setUp(() => ({ kind: 'synced', next }));
    kit.wake(key, changed);
    await clock.advance(11_000);
    expect(times()).toEqual([0, 5_000, 10_000]);
  });

  it('looks again after a grace, with nothing said', async () => {
    let left = 1_000;
    const { kit, clock, lines, times } = setUp(() => {
      const leftMs = left;
      left = 0;
      return leftMs > 0 ? { kind: 'grace', leftMs } : synced;
    });
    kit.wake(key, changed);
    await clock.advance(5_000);
    expect([times(), lines]).toEqual([[0, 1_000], []]);
  });
});

describe('a run that is overtaken', () => {
  it('has its wait ended, not its writing, and is followed by another', async () => {
    const ends: string[] = [];
    const { kit, clock, runs } = setUp(async (_record, _memory, run, { wait, write }) => {
      if (run.causes.includes('drift')) {
        await new Promise<void>((resolve) => wait.addEventListener('abort', () => resolve(), { once: true }));
        ends.push(`wait ${wait.aborted}, write ${write.aborted}`);
        return failed('Aborted');
      }
      return synced;
    });
    kit.wake(key, drift);
    await clock.advance(100);
    kit.wake(key, changed);
    await clock.advance(1_000);
    expect(ends).toEqual(['wait true, write false']);
    expect(runs.at(-1)?.causes).toContain('changed');
  });

  it('goes on when it is asked gently, or by a cause that overtakes nobody', async () => {
    let isEnded = false;
    const { kit, clock, runs } = setUp(async (_record, _memory, _run, { wait }) => {
      wait.addEventListener('abort', () => {
        isEnded = true;
      });
      if (runs.length === 1) await new Promise<void>((resolve) => void clock.after(2_000, resolve));
      return synced;
    });
    kit.wake(key, drift);
    await clock.advance(100);
    kit.wake(key, changed, { gently: true });
    kit.wake(key, drift);
    await clock.advance(5_000);
    expect([isEnded, runs.length]).toEqual([false, 2]);
  });

  it('says nothing of an object that was made anew meanwhile', async () => {
    const { kit, clock, lines, runs } = setUp(async () => {
      if (runs.length === 1) await new Promise<void>((resolve) => void clock.after(1_000, resolve));
      return runs.length === 1 ? failed('InvalidSpec') : synced;
    });
    kit.wake(key, changed);
    await clock.advance(100);
    kit.forget(key);
    kit.remember(key, newMemory(clock));
    kit.wake(key, changed);
    await clock.advance(5_000);
    expect(lines).toEqual([]);
    expect(runs).toHaveLength(2);
  });
});

describe('a failure', () => {
  it('is said aloud once, tried ever more slowly, and its end is told', async () => {
    let isBroken = true;
    const { kit, clock, lines, times } = setUp(() => (isBroken ? failed('AccessDenied') : synced));
    kit.wake(key, changed);
    await clock.advance(300_000);
    const waits = times().map((atMs, i, all) => atMs - (all[i - 1] ?? 0));
    expect(waits.slice(1)).toEqual(waits.slice(1).toSorted((a, b) => a - b));
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual(['warn sync failed AccessDenied']);
    isBroken = false;
    await clock.advance(600_000);
    expect(lines.at(-1)).toBe('info works again');
  });

  it('that nothing but a change helps is looked at seldom', async () => {
    const { kit, clock, times } = setUp(() => failed('InvalidSpec'));
    kit.wake(key, changed);
    await clock.advance(1_300_000);
    expect(times()).toEqual([0, 600_000, 1_200_000]);
  });

  it('waits as long as who failed it asks', async () => {
    const { kit, clock, times } = setUp(() => failed('UpstreamThrottled', 'https://a.test', 42_000));
    kit.wake(key, changed);
    await clock.advance(50_000);
    expect(times()).toEqual([0, 42_000]);
  });

  it('of an upstream waits for its recovery, which wakes all that wait', async () => {
    let isDown = true;
    const { kit, clock, runs, recovery, lines } = setUp(() =>
      isDown ? failed('UpstreamUnavailable', 'https://a.test') : synced,
    );
    kit.wake(key, changed);
    await clock.advance(10);
    expect(recovery.isSick('https://a.test')).toBe(true);
    isDown = false;
    await clock.advance(10_000);
    expect(runs.at(-1)?.causes).toEqual(['recovered']);
    expect(recovery.isSick('https://a.test')).toBe(false);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('that is thrown is a fault of ours: told, counted, and tried again later', async () => {
    const { kit, clock, lines, series, times } = setUp(() => {
      throw new Error('oops');
    });
    kit.wake(key, changed);
    await clock.advance(20_000);
    expect(lines[0]).toBe('error reconcile crashed');
    expect(times().length).toBeGreaterThan(1);
    expect(times().length).toBeLessThan(6);
    expect(series('escapement_reconcile_failures_total').join()).toContain('reason="Internal"');
  });
});

describe('a conflict', () => {
  it('is quiet, tried soon with what was read, and then ever more slowly', async () => {
    let conflicts = 4;
    const { kit, clock, lines, runs, times } = setUp(() => (conflicts-- > 0 ? failed('Conflict') : synced));
    await clock.advance(1_000);
    kit.wake(key, changed);
    await clock.advance(20_000);
    expect(lines).toEqual([]);
    expect(runs).toHaveLength(5);
    expect(new Set(runs.map(({ notBeforeMs }) => notBeforeMs))).toEqual(new Set([1_000]));
    const waits = times()
      .slice(1)
      .map((atMs, i) => atMs - (times()[i] ?? 0));
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
  });

  it('is not hurried by events that change nothing of the object, but by an edit of it', async () => {
    const { kit, clock, objects, runs } = setUp(() => (runs.length < 8 ? failed('Conflict') : synced));
    kit.wake(key, changed);
    await clock.advance(2_500);
    const before = runs.length;
    for (let i = 0; i < 50; i++) kit.wake(key, drift);
    await clock.advance(20);
    expect(runs).toHaveLength(before);
    objects.put(key, { spec: { refreshInterval: '2m', secretStoreRef: { name: 's' } } });
    kit.wake(key, changed);
    await clock.advance(20);
    expect(runs).toHaveLength(before + 1);
  });
});

describe('what is owed', () => {
  it('stays owed through an end that was no answer, and younger causes raise it', async () => {
    const { kit, clock, runs } = setUp(() => (runs.length < 3 ? failed('Aborted') : synced));
    await clock.advance(1_000);
    kit.wake(key, changed);
    await clock.advance(5);
    kit.wake(key, { lane: lanes.periodic, cause: 'periodic', dueAtMs: 1_004 });
    await clock.advance(10_000);
    expect(runs.map(({ notBeforeMs }) => notBeforeMs)).toEqual([1_000, 1_004, 1_004]);
  });

  it('ends with success: the next run reads anew', async () => {
    const { kit, clock, runs } = setUp(() => synced);
    kit.wake(key, changed);
    await clock.advance(5_000);
    kit.wake(key, drift);
    await clock.advance(10);
    expect(runs.map(({ notBeforeMs }) => notBeforeMs)).toEqual([0, 5_000]);
  });
});

describe('the series of an object', () => {
  it('come with its runs and go with it', async () => {
    const { kit, clock, series } = setUp(() => synced);
    kit.wake(key, changed);
    await clock.advance(10);
    expect(series('externalsecret_sync_calls_total{')).toEqual([
      'externalsecret_sync_calls_total{name="app",namespace="team"} 1',
    ]);
    kit.forget(key);
    expect(series('externalsecret_sync_calls_total{')).toEqual([]);
  });

  it('end with the term, whatever runs', async () => {
    const { kit, clock, series } = setUp(() => synced);
    kit.wake(key, changed);
    await clock.advance(10);
    await kit.stop(0);
    expect(series('externalsecret_reconcile_duration{')).toEqual([]);
  });
});

describe('a stop', () => {
  it('ends waits at once, lets writes come to their end, and begins nothing more', async () => {
    const told: string[] = [];
    const { kit, clock, runs } = setUp(async (_record, _memory, _run, { wait, write }) => {
      wait.addEventListener('abort', () => told.push('wait ended'));
      await new Promise<void>((resolve) => void clock.after(1_000, resolve));
      told.push(write.aborted ? 'write cut' : 'write done');
      return synced;
    });
    kit.wake(key, changed);
    await clock.advance(10);
    const stopped = kit.stop(3_000);
    kit.wake(key, changed);
    await clock.advance(5_000);
    await stopped;
    expect([told, runs.length]).toEqual([['wait ended', 'write done'], 1]);
  });
});

describe('an object that the process died of twice', () => {
  /** Places for generations from 2 on; what was begun and ended is counted. */
  function guarded(retryAfterMs = 60_000) {
    const counts = { begun: 0, ended: 0 };
    const keys: string[] = [];
    const workplaces: Workplaces = {
      begin({ tenant, object: { key: named, generation } }) {
        keys.push(`${tenant} ${named}`);
        if (generation < 2) throw new OperatorError('Quarantined', 'it waits', { retryAfterMs });
        counts.begun++;
        return { desk: () => inlineDesk(), reads: () => () => {}, end: () => void counts.ended++ };
      },
    };
    return { workplaces, counts, keys };
  }

  it('is told so and not run, until the wait is over', async () => {
    const { workplaces, keys } = guarded();
    const { kit, clock, lines, runs } = setUp(() => synced, { workplaces });
    kit.wake(key, changed);
    await clock.advance(59_000);
    expect(runs).toEqual([]);
    expect(lines).toEqual(['told Quarantined', 'warn sync failed Quarantined']);
    await clock.advance(2_000);
    expect(keys).toEqual(['team ExternalSecret/team/app', 'team ExternalSecret/team/app']);
  });

  it('runs at once when its spec is edited, at a place that ends with the run', async () => {
    const { workplaces, counts } = guarded();
    const { kit, clock, objects, runs } = setUp(() => synced, { workplaces });
    kit.wake(key, changed);
    await clock.advance(1_000);
    objects.put(key, { spec: { refreshInterval: '2m', secretStoreRef: { name: 's' } } });
    kit.wake(key, changed);
    await clock.advance(10);
    expect([runs.length, counts]).toEqual([1, { begun: 1, ended: 1 }]);
  });

  it('is let go when it is deleted', async () => {
    const { workplaces } = guarded();
    const { kit, clock, objects, runs } = setUp(() => synced, { workplaces });
    const metadata = { finalizers: ['f'], deletionTimestamp: '2026-01-01T00:00:00Z' };
    objects.put(key, { metadata, spec: { refreshInterval: '1m', secretStoreRef: { name: 's' } } });
    kit.wake(key, { lane: lanes.deletion, cause: 'deleted' });
    await clock.advance(10);
    expect(runs).toHaveLength(1);
  });

  it('leaves its place when the run crashes', async () => {
    const { workplaces, counts } = guarded();
    const crash = () => {
      throw new Error('a fault of ours');
    };
    const { kit, clock, objects } = setUp(crash, { workplaces });
    objects.put(key, { spec: { refreshInterval: '2m', secretStoreRef: { name: 's' } } });
    kit.wake(key, changed);
    await clock.advance(10);
    expect(counts).toEqual({ begun: 1, ended: 1 });
  });
});
