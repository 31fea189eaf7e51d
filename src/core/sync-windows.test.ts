import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefreshPermitted, nextPermittedMs, type SyncWindows } from './sync-windows.ts';

const at = (time: string) => Date.parse(`2026-05-01T${time}Z`);
const windowsOf = (kind: 'allow' | 'deny', ...windows: [schedule: string, duration: string][]): SyncWindows => ({
  kind,
  windows: windows.map(([schedule, duration]) => ({ schedule, duration })),
});

describe('isRefreshPermitted', () => {
  const night: [string, string] = ['0 2 * * *', '1h30m'];
  it.each<[why: string, windows: SyncWindows, time: string, permitted: boolean]>([
    ['there are no windows', undefined, '12:00:00', true],
    ['before the window', windowsOf('allow', night), '01:59:59', false],
    ['at its opening', windowsOf('allow', night), '02:00:00', true],
    ['inside', windowsOf('allow', night), '03:00:00', true],
    ['at its end', windowsOf('allow', night), '03:30:00', true],
    ['after its end', windowsOf('allow', night), '03:30:01', false],
    ['inside a denied one', windowsOf('deny', night), '03:00:00', false],
    ['outside a denied one', windowsOf('deny', night), '04:00:00', true],
    ['between two openings', windowsOf('allow', ['0 2,10 * * *', '1h']), '05:00:00', false],
    ['on a later day, from the evening before', windowsOf('allow', ['0 23 * * *', '3h']), '01:30:00', true],
    ['the list is empty', windowsOf('allow'), '12:00:00', true],
    [
      'one cannot be read and another is open',
      windowsOf('allow', ['61 * * * *', '1h'], ['0 12 * * *', '10m']),
      '12:05:00',
      true,
    ],
    ['in the second of two', windowsOf('allow', night, ['0 12 * * *', '10m']), '12:05:00', true],
    ['the schedule cannot be read', windowsOf('allow', ['61 * * * *', '1h']), '12:00:00', false],
    ['a denied schedule cannot be read', windowsOf('deny', ['61 * * * *', '1h']), '12:00:00', true],
    ['the duration cannot be read', windowsOf('allow', ['* * * * *', 'soon']), '12:00:00', false],
    ['@every as long as the window', windowsOf('allow', ['@every 1h', '1h']), '12:00:00', true],
    ['@every longer than the window', windowsOf('allow', ['@every 1h', '59m']), '12:00:00', false],
  ])('decides when %s', (_, windows, time, permitted) => {
    expect(isRefreshPermitted(windows, at(time))).toBe(permitted);
  });
});

describe('nextPermittedMs', () => {
  it.each<[why: string, windows: SyncWindows, from: string, next: number | undefined]>([
    ['it may now', windowsOf('allow', ['0 12 * * *', '1h']), '12:30:00', at('12:30:00')],
    ['the window opens later', windowsOf('allow', ['0 12 * * *', '1h']), '10:00:00', at('12:00:00')],
    ['the denied one ends', windowsOf('deny', ['0 12 * * *', '1h']), '12:30:00', at('13:00:00') + 1],
    [
      'two denied ones follow each other',
      windowsOf('deny', ['0 12 * * *', '1h'], ['30 12 * * *', '1h']),
      '12:10:00',
      at('13:30:00') + 1,
    ],
    ['nothing ever opens', windowsOf('allow', ['0 0 30 2 *', '1h']), '12:00:00', undefined],
    ['it is denied for ever', windowsOf('deny', ['@every 1m', '1h']), '12:00:00', undefined],
  ])('answers when %s', (_, windows, from, next) => {
    expect(nextPermittedMs(windows, at(from))).toBe(next);
  });

  it('names an instant that is permitted, and none is before it', () => {
    const part = fc.record({ hour: fc.nat(23), minute: fc.nat(59), minutes: fc.integer({ min: 1, max: 300 }) });
    const kinds = fc.constantFrom('allow' as const, 'deny' as const);
    fc.assert(
      fc.property(kinds, fc.array(part, { minLength: 1, maxLength: 3 }), fc.nat(86_399), (kind, parts, second) => {
        const windows = windowsOf(
          kind,
          ...parts.map(({ hour, minute, minutes }): [string, string] => [`${minute} ${hour} * * *`, `${minutes}m`]),
        );
        const fromMs = at('00:00:00') + second * 1_000;
        const next = nextPermittedMs(windows, fromMs) ?? 0;
        expect(isRefreshPermitted(windows, next)).toBe(true);
        for (let ms = fromMs; ms < next; ms += 61_000) expect(isRefreshPermitted(windows, ms)).toBe(false);
      }),
    );
  });
});
