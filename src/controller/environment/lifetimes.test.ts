// Values that run out, published: renewed in time whatever the provider does, as far as it can be reached.
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnvironmentCluster } from '../../../test/support/environment-cluster.ts';
import { endingProvider, expectNeverOver, faultsOf } from '../lifetimes.fixture.ts';

const minuteMs = 60_000;
const stepMs = 1_000;

/** Publishes a credential of `lifeMs`; the provider is down while `isDown` says so. */
async function publishing(lifeMs: number, isDown: (atMs: number) => boolean) {
  const cluster = new EnvironmentCluster();
  const startMs = cluster.clock.monotonicMs();
  const atMs = () => cluster.clock.monotonicMs() - startMs;
  const { provider, opened } = endingProvider(lifeMs, atMs, isDown);
  cluster.providers['it'] = provider;
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
  return { cluster, atMs, endsAtMs, opened };
}

describe('a credential that lives for a minute', () => {
  it.each([1, 2, 3])('never runs out in ten minutes of faults, unless no try could succeed (%i)', async (seed) => {
    const isDown = faultsOf(seed);
    const { cluster, atMs, endsAtMs, opened } = await publishing(minuteMs, isDown);
    await expectNeverOver(cluster.clock, { atMs, endsAtMs, isDown });
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
