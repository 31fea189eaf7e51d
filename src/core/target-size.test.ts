import { describe, expect, it } from 'vitest';
import { SecretValue } from './secret-value.ts';
import { isLarge, mostKeys, refuseTooLarge, refuseUnread } from './target-size.ts';

const values = (count: number, bytes: number) =>
  Array.from({ length: count }, () => new SecretValue(Buffer.alloc(bytes, 'x')));

describe('what a target may hold', () => {
  it.each([
    ['nothing', values(0, 0)],
    ['as many bytes as may be', values(4, 262_144)],
    ['as many keys as may be', values(mostKeys, 0)],
  ])('is %s', (_, held) => {
    expect(() => refuseTooLarge('target Secret "a"', held)).not.toThrow();
  });

  it.each([
    [
      values(4, 262_145),
      'the data of target Secret "a" would be 1048580 bytes, more than the 1048576 that it can hold',
    ],
    [values(mostKeys + 1, 0), 'target Secret "a" would have 10001 keys, more than the 10000 that are written'],
  ])('is not more', (held, message) => {
    expect(() => refuseTooLarge('target Secret "a"', held)).toThrow(
      expect.objectContaining({ reason: 'TargetTooLarge', message }),
    );
  });

  it('is large by its bytes or by its keys', () => {
    expect([values(4, 65_536), values(5, 65_536), values(1_000, 1), values(1_001, 1)].map(isLarge)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('is known, or the target is left alone', () => {
    expect(() => refuseUnread('Secret "a"', undefined)).not.toThrow();
    expect(() => refuseUnread('Secret "a"', true)).toThrow(expect.objectContaining({ reason: 'TargetTooLarge' }));
  });
});
