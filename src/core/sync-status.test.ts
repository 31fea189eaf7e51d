import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../crds/external-secret.ts';
import {
  nextConditions,
  renewedConditions,
  rfc3339,
  type StatusDialect,
  sameConditions,
  type Verdict,
} from './sync-status.ts';

const extended: StatusDialect = { extended: true };
const plain: StatusDialect = { extended: false };
const t0 = Date.parse('2026-05-01T12:00:00.750Z');
const t1 = t0 + 60_000;

const green: Verdict = { ready: 'True', reason: 'SecretSynced', message: 'secret synced' };
const red: Verdict = { ready: 'False', reason: 'SecretSyncedError', message: 'why' };
const stalled: Verdict = { ...red, besides: { type: 'Stalled', reason: 'InvalidSpec', message: 'why' } };
const working: Verdict = {
  ready: 'absent',
  reason: '',
  message: '',
  besides: { type: 'Reconciling', reason: 'SpecChanged', message: 'm' },
};

/** Through JSON and UTF-8, as the API server gives it back. */
const stored = (conditions: readonly Condition[]) =>
  JSON.parse(
    Buffer.from(JSON.stringify(conditions))
      .toString()
      .replaceAll(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD'),
  ) as Condition[];

describe('nextConditions', () => {
  it.each<[why: string, verdict: Verdict, dialect: StatusDialect, types: string[]]>([
    ['a sync', green, extended, ['Ready']],
    ['a failure that may pass', red, extended, ['Ready']],
    ['a failure that stays', stalled, extended, ['Stalled', 'Ready']],
    ['work on a changed spec', working, extended, ['Reconciling']],
    ['a failure that stays, where only Ready is allowed', stalled, plain, ['Ready']],
    ['work on a changed spec, where only Ready is allowed', working, plain, []],
  ])('lists for %s', (_, verdict, dialect, types) => {
    expect(nextConditions([], verdict, 3, t0, dialect).map(({ type }) => type)).toEqual(types);
  });

  it('drops Reconciling and Stalled when they are no longer true', () => {
    const before = nextConditions([], stalled, 3, t0, extended);
    expect(nextConditions(before, green, 4, t1, extended)).toEqual([
      {
        type: 'Ready',
        status: 'True',
        reason: 'SecretSynced',
        message: 'secret synced',
        lastTransitionTime: rfc3339(t1),
        observedGeneration: 4,
      },
    ]);
  });

  it('carries the generation where the CRD holds it, and only there', () => {
    expect(nextConditions([], green, 7, t0, extended)[0]?.observedGeneration).toBe(7);
    expect(nextConditions([], green, 7, t0, plain)[0]).not.toHaveProperty('observedGeneration');
  });

  it('moves lastTransitionTime only when the status flips', () => {
    const first = nextConditions([], red, 1, t0, extended);
    const reworded = nextConditions(first, { ...red, reason: 'Other', message: 'otherwise' }, 2, t1, extended);
    const flipped = nextConditions(reworded, green, 2, t1, extended);
    expect([first, reworded, flipped].map(([ready]) => ready?.lastTransitionTime)).toEqual([
      rfc3339(t0),
      rfc3339(t0),
      rfc3339(t1),
    ]);
  });

  it('gives a time to a condition that came without one', () => {
    const before: Condition[] = [{ type: 'Ready', status: 'True' }];
    expect(nextConditions(before, green, 1, t1, extended)[0]?.lastTransitionTime).toBe(rfc3339(t1));
  });

  const verdicts = fc.record({
    ready: fc.constantFrom('True' as const, 'False' as const, 'absent' as const),
    reason: fc.string(),
    message: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2_000, size: 'max' }),
      fc.constant(`${'x'.repeat(1_022)}😀 and more`),
    ),
    besides: fc.record({
      type: fc.constantFrom('Reconciling' as const, 'Stalled' as const),
      reason: fc.string(),
      message: fc.string(),
    }),
  });

  it('says the same when it is asked again after the API server stored it', () => {
    fc.assert(
      fc.property(verdicts, fc.boolean(), (verdict, isExtended) => {
        const dialect = { extended: isExtended };
        const first = stored(nextConditions([], verdict, 5, t0, dialect));
        expect(sameConditions(first, nextConditions(first, verdict, 5, t1, dialect))).toBe(true);
      }),
    );
  });

  it('bounds the message, and never cuts a character in two', () => {
    const [ready] = nextConditions([], { ...red, message: `${'x'.repeat(1_022)}😀 and more` }, 1, t0, extended);
    expect(ready?.message?.length).toBeLessThanOrEqual(1_024);
    expect(ready?.message?.isWellFormed()).toBe(true);
    expect(ready?.message?.endsWith('…')).toBe(true);
  });
});

describe('renewedConditions', () => {
  it('gives Ready the time of the refresh, and no other condition', () => {
    const before = nextConditions(
      [],
      { ...red, besides: { type: 'Stalled', reason: 'R', message: 'm' } },
      1,
      t0,
      extended,
    );
    expect(renewedConditions(before, t1).map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
      ['Stalled', rfc3339(t0)],
      ['Ready', rfc3339(t1)],
    ]);
  });
});

describe('sameConditions', () => {
  const ready: Condition = {
    type: 'Ready',
    status: 'True',
    reason: 'R',
    message: 'm',
    lastTransitionTime: rfc3339(t0),
    observedGeneration: 1,
  };

  it.each<[field: string, change: Partial<Condition>]>([
    ['type', { type: 'Stalled' }],
    ['status', { status: 'False' }],
    ['reason', { reason: 'S' }],
    ['message', { message: 'n' }],
    ['lastTransitionTime', { lastTransitionTime: rfc3339(t1) }],
    ['observedGeneration', { observedGeneration: 2 }],
  ])('sees a difference in %s', (_, change) => {
    expect(sameConditions([ready], [{ ...ready, ...change }])).toBe(false);
  });

  it('sees an additional condition, in either list', () => {
    expect([
      sameConditions([ready], [ready, ready]),
      sameConditions([ready, ready], [ready]),
      sameConditions([ready], [{ ...ready }]),
    ]).toEqual([false, false, true]);
  });
});

describe('rfc3339', () => {
  it('has whole seconds in UTC', () => {
    expect(rfc3339(t0)).toBe('2026-05-01T12:00:00Z');
  });
});
