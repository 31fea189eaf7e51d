import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { failureFields, isHeartbeatDue, missingMessage, shadowedMessage } from './report.ts';

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
