// Values that run out, in the Secrets of ExternalSecrets: read anew in time whatever the provider does, as far as it can be
// reached.
import { describe, expect, it, onTestFinished } from 'vitest';
import { OneOperator, textIn } from '../../../test/support/model/one-operator.ts';
import { endingProvider, expectNeverOver, faultsOf } from '../lifetimes.fixture.ts';

const minuteMs = 60_000;

/** Two ExternalSecrets of a store whose Environment opens a credential of a minute. */
async function holding(isDown: (atMs: number) => boolean) {
  const cluster = new OneOperator();
  const startMs = cluster.clock.monotonicMs();
  const atMs = () => cluster.clock.monotonicMs() - startMs;
  const { provider, opened } = endingProvider(minuteMs, atMs, isDown);
  cluster.openings.set('it', provider);
  cluster.apply('Environment', 'app', { spec: { values: { endsAt: { 'fn::open::it': {} } } } });
  cluster.apply('SecretStore', 's', { spec: { provider: { esc: { environment: 'app' } } } });
  for (const name of ['one', 'two']) {
    const data = [{ secretKey: 'endsAt', remoteRef: { key: 'endsAt' } }];
    cluster.apply('ExternalSecret', name, { spec: { secretStoreRef: { name: 's' }, refreshInterval: '1h', data } });
  }
  cluster.start();
  onTestFinished(async () => {
    await cluster.stop();
    expect(cluster.faults).toEqual([]);
  });
  await cluster.clock.advance(3_000);
  const endsAtMs = () =>
    Math.min(...['one', 'two'].map((name) => Number(textIn(cluster.get('Secret', name), 'endsAt'))));
  return { cluster, atMs, endsAtMs, opened };
}

describe('a credential that lives for a minute', () => {
  it.each([1, 2, 3])('never runs out in ten minutes of faults, unless no try could succeed (%i)', async (seed) => {
    const isDown = faultsOf(seed);
    const { cluster, atMs, endsAtMs, opened } = await holding(isDown);
    await expectNeverOver(cluster.clock, { atMs, endsAtMs, isDown });
    // For both at once, and not more often than what it lives for asks.
    expect(opened()).toBeGreaterThan(8);
    expect(opened()).toBeLessThan(60);
  });
});
