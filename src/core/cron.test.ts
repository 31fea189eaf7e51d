import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextFiringMs, parseCron } from './cron.ts';

/** The next firing after an instant, both as text. */
function next(text: string, after: string): string | undefined {
  const schedule = parseCron(text);
  if (schedule === undefined) throw new Error(`${text} is no schedule`);
  const ms = nextFiringMs(schedule, Date.parse(after));
  return ms === undefined ? undefined : new Date(ms).toISOString().slice(0, 16);
}

describe('nextFiringMs', () => {
  it.each([
    ['* * * * *', '2026-05-01T12:00:00Z', '2026-05-01T12:01'],
    ['* * * * *', '2026-05-01T11:59:59.999Z', '2026-05-01T12:00'],
    ['30 4 * * *', '2026-05-01T04:30:00Z', '2026-05-02T04:30'],
    ['*/20 * * * *', '2026-05-01T12:41:00Z', '2026-05-01T13:00'],
    ['7/20 * * * *', '2026-05-01T12:27:00Z', '2026-05-01T12:47'],
    ['0 9-17/4 * * MON-FRI', '2026-05-01T17:30:00Z', '2026-05-04T09:00'],
    ['0 0 13 * FRI', '2026-05-01T00:00:00Z', '2026-05-08T00:00'],
    ['0 0 13 * *', '2026-05-01T00:00:00Z', '2026-05-13T00:00'],
    ['0 0 */2 * FRI', '2026-05-01T00:00:00Z', '2026-05-03T00:00'],
    ['0 0 29 feb ?', '2026-05-01T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 31 12 *', '2026-12-31T00:00:00Z', '2027-12-31T00:00'],
    ['@hourly', '2026-05-01T12:00:00Z', '2026-05-01T13:00'],
    ['@daily', '2026-05-01T12:00:00Z', '2026-05-02T00:00'],
    ['@weekly', '2026-05-01T12:00:00Z', '2026-05-03T00:00'],
    ['@monthly', '2026-05-01T12:00:00Z', '2026-06-01T00:00'],
    ['@yearly', '2026-05-01T12:00:00Z', '2027-01-01T00:00'],
    ['0 0 30 2 *', '2026-05-01T12:00:00Z', undefined],
  ])('%s after %s is %s', (text, after, expected) => {
    expect(next(text, after)).toBe(expected);
  });

  it('lies after the instant, on the minute, at most a day away for a daily schedule', () => {
    const time = fc.record({ minute: fc.nat(59), hour: fc.nat(23) });
    fc.assert(
      fc.property(time, fc.integer({ min: 0, max: 4_000_000_000_000 }), ({ minute, hour }, afterMs) => {
        const schedule = parseCron(`${minute} ${hour} * * *`);
        const firing = (schedule && nextFiringMs(schedule, afterMs)) ?? 0;
        expect(firing).toBeGreaterThan(afterMs);
        expect(firing - afterMs).toBeLessThanOrEqual(86_400_000);
        expect([new Date(firing).getUTCHours(), new Date(firing).getUTCMinutes()]).toEqual([hour, minute]);
      }),
    );
  });
});

describe('parseCron', () => {
  it.each(['', '* * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 7', '5-1 * * * *'])(
    'reads %j as no schedule',
    (text) => {
      expect(parseCron(text)).toBeUndefined();
    },
  );
  it.each(['*/0 * * * *', '1/2/3 * * * *', '1-2-3 * * * *', 'x * * * *', '-1 * * * *', '1, * * * *', '@sometimes'])(
    'nor %j',
    (text) => {
      expect(parseCron(text)).toBeUndefined();
    },
  );
});
