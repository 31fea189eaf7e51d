import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { Pauses } from './pauses.ts';

describe('a pause', () => {
  it('holds for one identity until its time is over, and the longer of two counts', async () => {
    const clock = new FakeClock();
    const pauses = new Pauses({ clock });
    pauses.note('a', new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 10_000 }));
    pauses.note('a', new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 5_000 }));
    pauses.note('b', new OperatorError('UpstreamUnavailable', 'down', { retryAfterMs: 10_000 }));
    pauses.check('b');
    clock.setWall(3_600_000);
    pauses.check('b');
    clock.setWall(-7_200_000);
    await clock.advance(9_000);
    expect(() => pauses.check('a')).toThrow(
      expect.objectContaining({ reason: 'UpstreamThrottled', retryAfterMs: 1_000 }),
    );
    await clock.advance(1_000);
    expect(() => pauses.check('a')).not.toThrow();
  });
});
