// What may fail at any cloud fails alike: told with Environment, path and provider, in the cloud's words, and never for long
// where the cloud would serve again.
import { describe, expect, it } from 'vitest';
import type { CloudCase } from '../../../../test/support/cloud/cases.ts';
import {
  credential,
  faultyCases,
  tellers,
  throttledSeconds,
  toldFaults,
} from '../../../../test/support/cloud/faults.ts';
import { type CloudsScene, cloudsScene } from './clouds.fixture.ts';

const throttledMs = throttledSeconds * 1_000;

function openWith({ bench, clock, clouds }: CloudsScene, each: CloudCase, change = (values: object) => values) {
  const environments = { 'shop/app': { values: change(each.values(clouds)) } };
  return bench.open(environments, { notBeforeMs: clock.monotonicMs() });
}

describe.each(faultyCases)('$provider', (each) => {
  const { faults, provider, holds } = each;
  const answers = tellers(provider);

  it.each(toldFaults(faults))('tells what is %s', async (_, { change, reason, says }) => {
    const scene = await cloudsScene();
    const { error } = await openWith(scene, each, change);
    expect(error).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(error?.message).toMatch(/^environment "shop\/app": values\.(?:login|read): /);
    expect(error?.message).toMatch(answers);
    expect(error?.message).not.toMatch(credential);
    expect((await openWith(scene, each, change)).error?.message).toBe(error?.message);
  });

  it('tells what is missing from what is forbidden', () => {
    expect(faults.missing.reason).not.toBe(faults.forbidden.reason);
  });

  it('is left alone for as long as it asks, and read right after', async () => {
    const scene = await cloudsScene();
    const { clock, clouds } = scene;
    faults.throttle(clouds, true);
    const { error } = await openWith(scene, each);
    expect(error).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: throttledMs });
    expect(error?.message).toMatch(answers);
    faults.throttle(clouds, false);
    const asked = each.asked(clouds);
    expect((await openWith(scene, each)).error).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(each.asked(clouds)).toBe(asked);
    clock.jump(throttledMs);
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });

  it('is given up when it does not answer, and read when it does', async () => {
    const scene = await cloudsScene({ wholeMs: 600 });
    const { hosts } = scene.clouds;
    hosts.silence(faults.host, true);
    const { error } = await openWith(scene, each);
    expect(error?.reason).toBe('UpstreamUnavailable');
    expect(error?.message).toMatch(answers);
    expect(error?.message).toContain('in time');
    hosts.silence(faults.host, false);
    scene.clock.jump(10_000); // a login that failed is not tried again at once
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });

  const { end } = faults;
  if (end === undefined) return;
  it('is logged in to anew, at once, when what a login gave has ended early', async () => {
    const scene = await cloudsScene();
    expect((await openWith(scene, each)).value).toMatchObject(holds);
    end(scene.clouds);
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });
});
