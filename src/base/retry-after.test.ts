import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const nowMs = Date.parse('Sun, 29 Nov 2026 10:00:00 GMT');

describe('the delay that Retry-After names', () => {
  it.each([
    ['seconds', '120', 120_000],
    ['seconds in spaces', ' 3 ', 3_000],
    ['no time at all', '0', 0],
    ['a date to come', 'Sun, 29 Nov 2026 10:00:05 GMT', 5_000],
    ['a date that is past', 'Sun, 29 Nov 2026 09:59:00 GMT', 0],
    ['nothing', '', undefined],
    ['no header', undefined, undefined],
    ['words', 'soon', undefined],
    ['a negative number', '-1', undefined],
    ['more digits than any delay', '9'.repeat(400), undefined],
  ])('%s', (_why, header, delayMs) => {
    expect(retryAfterMs(header, nowMs)).toBe(delayMs);
  });

  it('is unknown for a date when nobody knows the time', () => {
    expect(retryAfterMs('Sun, 29 Nov 2026 10:00:05 GMT', Number.NaN)).toBeUndefined();
  });
});
