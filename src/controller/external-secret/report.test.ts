import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { mostKeySources } from '../../core/selection.ts';
import type { ExternalSecretRecord } from '../records.ts';
import type { Rooms } from './context.ts';
import {
  failureFields,
  isHeartbeatDue,
  isUnobserved,
  keyFields,
  missingMessage,
  reportWarnings,
  shadowedMessage,
} from './report.ts';

describe('failureFields', () => {
  const es = { targetName: 'shop-db' };

  it('binds a target that is there but may not be updated', () => {
    expect(failureFields(es, new OperatorError('TargetConflict', 'x'))).toEqual({ binding: { name: 'shop-db' } });
  });

  it.each(['SecretNotFound', 'StoreNotFound', 'UpstreamUnavailable', 'TargetRejected'] as const)(
    'leaves the binding as it is after %s',
    (reason) => {
      expect(failureFields(es, new OperatorError(reason, 'x'))).toEqual({});
    },
  );
});

describe('isUnobserved', () => {
  const rooms = (isExtended: boolean) => ({ reporter: { isExtended } }) as Rooms; // all that is asked for
  const record = (refreshPolicy: string, status: object) =>
    ({ generation: 2, status, spec: { ok: { refreshPolicy } } }) as unknown as ExternalSecretRecord; // as above

  it.each<[why: string, policy: string, status: object, is: boolean]>([
    ['ESO synced this generation and OnChange asks for no more', 'OnChange', { syncedResourceVersion: '2-x' }, true],
    ['it says so already', 'OnChange', { syncedResourceVersion: '2-x', observedGeneration: 2 }, false],
    ['this generation is still to be synced', 'OnChange', { syncedResourceVersion: '1-x' }, false],
    [
      'it was synced once, which is enough',
      'CreatedOnce',
      { syncedResourceVersion: '1-x', observedGeneration: 1 },
      true,
    ],
    ['it was never synced', 'CreatedOnce', {}, false],
  ])('when %s', (_, policy, status, is) => {
    expect(isUnobserved(record(policy, status), rooms(true))).toBe(is);
    expect(isUnobserved(record(policy, status), rooms(false))).toBe(false);
  });
});

describe('keyFields', () => {
  it('tells of each key where it is from, as far as that is known', () => {
    const sinceMs = Date.parse('2026-05-01T12:00:00.500Z');
    const sources = [
      { key: 'A', source: 'SecretStore/main', folder: '/app', version: '3', sinceMs },
      { key: 'B', source: 'Password/one' },
    ];
    expect(keyFields({ sources, keyCount: 2 })).toEqual({
      keys: [
        { key: 'A', source: 'SecretStore/main', folder: '/app', version: '3', since: '2026-05-01T12:00:00Z' },
        { key: 'B', source: 'Password/one' },
      ],
      keyCount: 2,
    });
  });

  it('stays small whatever a provider says', () => {
    const long = '/x'.repeat(100_000);
    const sources = Array.from({ length: mostKeySources }, (_, i) => ({
      key: `${i}`.padEnd(253, 'k'),
      source: `ClusterSecretStore/${'s'.repeat(253)}`,
      folder: long,
      version: long,
    }));
    expect(JSON.stringify(keyFields({ sources, keyCount: 100_000 })).length).toBeLessThan(32 * 1024);
  });
});

describe('isHeartbeatDue', () => {
  const clock = new FakeClock(Date.parse('2026-05-01T12:00:00Z'));
  const rooms = { clock, heartbeatMs: 3_600_000 };
  const cases = [
    { why: 'it was never told', refreshTime: undefined, expected: true },
    { why: 'it was told a moment ago', refreshTime: '2026-05-01T11:59:00Z', expected: false },
    { why: 'the heartbeat is over', refreshTime: '2026-05-01T11:00:00Z', expected: true },
    { why: 'another clock was somewhat ahead', refreshTime: '2026-05-01T12:05:00Z', expected: false },
    { why: 'the clock was set back by far', refreshTime: '2026-05-01T13:00:00Z', expected: true },
  ];
  it.each(cases)('is $expected when $why', ({ refreshTime, expected }) => {
    expect(isHeartbeatDue({ status: refreshTime === undefined ? {} : { refreshTime } }, rooms)).toBe(expected);
  });
});

describe('shadowedMessage', () => {
  it('is none when nothing is hidden', () => {
    expect(shadowedMessage([])).toBeUndefined();
  });

  it('names what is hidden, up to five', () => {
    expect(shadowedMessage(['/a/K', '/b/K'])).toContain('"/a/K", "/b/K";');
    const many = shadowedMessage(Array.from({ length: 7 }, (_, i) => `/f${i}/K`));
    expect(many).toContain('"/f4/K" and 2 more');
    expect(many).not.toContain('/f5/');
  });
});

describe('missingMessage', () => {
  it('names the places whose secret is gone, up to five', () => {
    expect(missingMessage([])).toBeUndefined();
    expect(missingMessage(['spec.data[1] (key: b)'])).toBe(
      'secret does not exist at provider using spec.data[1] (key: b)',
    );
    expect(missingMessage(Array.from({ length: 7 }, (_, i) => `spec.data[${i}]`))).toContain('spec.data[4] and 2 more');
  });
});

describe('reportWarnings', () => {
  /** The events of runs with these warnings, one after another. */
  function eventsOf(...runs: readonly { wrote: 'updated' | 'nothing'; warnings: readonly string[] }[]): string[] {
    const events: string[] = [];
    const reporter = { event: (_object: unknown, _type: string, _reason: string, text: string) => events.push(text) };
    const memory = {};
    const rooms = { reporter } as unknown as Pick<Rooms, 'reporter'>; // events are all that is asked of it
    for (const run of runs) reportWarnings({} as ExternalSecretRecord, run, memory, rooms);
    return events;
  }
  const [writes, rests] = ['updated', 'nothing'] as const;

  it('asks for one event, however many runs warn of the same', () => {
    const run = { wrote: writes, warnings: ['old syntax'] };
    expect(eventsOf(run, run, { ...run, wrote: rests }, run)).toEqual(['the source warns: old syntax']);
  });

  it('asks for another when the warnings are others, or have come back', () => {
    const runs = [['a'], ['a', 'b'], [], ['a']].map((warnings) => ({ wrote: rests, warnings }));
    expect(eventsOf({ wrote: writes, warnings: [] }, ...runs)).toEqual([
      'the source warns: a',
      'the source warns: a; b',
      'the source warns: a',
    ]);
  });

  it('writes nothing in the first run of a process that changes nothing', () => {
    expect(eventsOf({ wrote: rests, warnings: ['a'] }, { wrote: writes, warnings: ['a'] })).toEqual([]);
  });

  it('names three, and counts the rest', () => {
    const warnings = ['a', 'b', 'c', 'd', 'e'];
    expect(eventsOf({ wrote: writes, warnings })).toEqual(['the source warns: a; b; c and of 2 more']);
  });
});
