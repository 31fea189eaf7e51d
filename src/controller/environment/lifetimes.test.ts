// Values that run out, published: renewed in time whatever the provider does, as far as it can be reached.
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnvironmentCluster } from '../../../test/support/environment-cluster.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { textValue } from '../../core/esc/value.ts';

const minuteMs = 60_000;
const stepMs = 1_000;

/** Publishes a credential of `lifeMs`; the provider is down while `isDown` says so. */
async function publishing(lifeMs: number, isDown: (atMs: number) => boolean) {
  const cluster = new EnvironmentCluster();
  const startMs = cluster.clock.monotonicMs();
  const atMs = () => cluster.clock.monotonicMs() - startMs;
  let opened = 0;
  cluster.providers['it'] = {
    inputs: true,
    outputs: true,
    secret: true,
    async open(_, { noteLifetime }) {
      if (isDown(atMs())) throw new OperatorError('UpstreamUnavailable', 'down');
      opened++;
      noteLifetime?.(lifeMs);
      return textValue(String(atMs() + lifeMs), { secret: true });
    },
  };
  cluster.environment('shop/app', {
    values: { environmentVariables: { ENDS_AT: { 'fn::open::it': {} } } },
    publish: { secretName: 'app', refreshInterval: '1h' },
  });
  cluster.start();
  onTestFinished(async () => {
    await cluster.stop();
    expect(cluster.faults).toEqual([]);
  });
  await cluster.settle();
  const endsAtMs = () => {
    const { ENDS_AT = '' } = Object(cluster.get('Secret', 'shop/app')?.data);
    return Number(Buffer.from(ENDS_AT, 'base64').toString());
  };
  return { cluster, atMs, endsAtMs, opened: () => opened };
}

/** Repeatable chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a credential that lives for a minute', () => {
  it.each([1, 2, 3])('never runs out in ten minutes of faults, unless no try could succeed (%i)', async (seed) => {
    const random = chance(seed);
    const faults: { readonly fromMs: number; readonly toMs: number }[] = [];
    for (let fromMs = 10_000; fromMs < 10 * minuteMs; fromMs += 20_000 + random() * 40_000) {
      faults.push({ fromMs, toMs: fromMs + random() * 45_000 });
    }
    const isDown = (at: number) => faults.some(({ fromMs, toMs }) => fromMs <= at && at < toMs);
    const { cluster, atMs, endsAtMs, opened } = await publishing(minuteMs, isDown);
    let reachableSinceMs = 0;
    while (atMs() < 10 * minuteMs) {
      await cluster.clock.advance(stepMs);
      if (isDown(atMs())) reachableSinceMs = Number.POSITIVE_INFINITY;
      else reachableSinceMs = Math.min(reachableSinceMs, atMs());
      const isReachableForLong = atMs() - reachableSinceMs >= minuteMs / 2 + stepMs;
      if (isReachableForLong) expect([atMs(), endsAtMs() > atMs()]).toEqual([atMs(), true]);
    }
    expect(opened()).toBeGreaterThan(8);
    expect(opened()).toBeLessThan(60);
  });

  it('outlives a fault that ends before it does, however late', async () => {
    const fault = { fromMs: 35_000, toMs: 57_000 };
    const { cluster, atMs, endsAtMs } = await publishing(minuteMs, (at) => at > fault.fromMs && at < fault.toMs);
    while (atMs() < 3 * minuteMs) {
      await cluster.clock.advance(stepMs);
      expect([atMs(), endsAtMs() > atMs()]).toEqual([atMs(), true]);
    }
    const reasons = cluster.events.map(({ reason, type }) => `${type} ${reason}`);
    expect(reasons).toContain('Warning PublishFailed');
    expect(cluster.ready('shop/app')).toMatchObject({ status: 'True' });
  });
});
