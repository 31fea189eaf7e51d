// What is opened alike at the same time is asked for once, whatever the cloud.
import { describe, expect, it } from 'vitest';
import { cloudCases } from '../../../../test/support/cloud/cases.ts';
import { Shares } from '../../../base/shares.ts';
import { cloudsScene } from './clouds.fixture.ts';

const consumers = 20;

describe('twenty Environments that open the same in one wave', () => {
  it.each(cloudCases)('ask by $provider as often as one does, and hold the same', async (each) => {
    const { bench, clock, clouds, logins } = await cloudsScene();
    const document = { values: each.values(clouds) };
    const wave = async () => {
      const notBeforeMs = clock.monotonicMs();
      const names = Array.from({ length: consumers }, (_, at) => `shop/app-${at}`);
      const environments = Object.fromEntries(names.map((name) => [name, document]));
      return await Promise.all(names.map((name) => bench.open(environments, { name, notBeforeMs })));
    };
    const first = await wave();
    expect(first[0]?.error).toBeUndefined();
    for (const { value } of first) {
      expect(value).toMatchObject(each.holds);
      expect(value).toEqual(first[0]?.value);
    }
    expect(each.asked(clouds)).toBe(each.once);
    expect(logins).toEqual(each.logins);
    for (const { lifetimeMs } of first) expect(lifetimeMs !== undefined && lifetimeMs > 0).toBe(each.ends);
    // The next wave reads anew, with the login that is still good.
    const second = await wave();
    expect(second.map(({ value }) => value)).toEqual(first.map(({ value }) => value));
    expect(each.asked(clouds)).toBe(each.once + each.again);
    expect(logins).toEqual(each.logins);
  });
});

describe('what is kept of an opening', () => {
  it.each(cloudCases)('counts for the namespace of the document, by $provider', async (each) => {
    const shares = new Shares(10);
    const { bench, clouds } = await cloudsScene({ shares });
    const environments = { 'shop/app': { values: each.values(clouds) } };
    expect((await bench.open(environments)).error).toBeUndefined();
    const { all, greatest } = shares.counts;
    expect([greatest, greatest > 0]).toEqual([all, true]);
    expect([shares.isFull('shop'), shares.isFull('other')]).toEqual([false, false]);
  });

  it.each(cloudCases)('is refused beyond its share, and nothing is read by $provider', async (each) => {
    const shares = new Shares(1);
    shares.add('shop');
    const { bench, clouds } = await cloudsScene({ shares });
    const { error } = await bench.open({ 'shop/app': { values: each.values(clouds) } });
    expect(error).toMatchObject({
      reason: 'QuotaExceeded',
      message: expect.stringContaining('--snapshots-per-namespace'),
    });
    expect(each.asked(clouds)).toBe(each.unshared ?? 0);
  });
});
