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

  /** With a login that is good, only what reads is asked; one that gives nothing but its login is not asked at all. */
  const states =
    each.again > 0 ? ['before it has logged in', 'with a login that is good'] : ['before it has logged in'];
  const sceneOf = async (state: string, limits: Parameters<typeof cloudsScene>[0] = {}) => {
    const scene = await cloudsScene(limits);
    if (state !== states[0]) expect((await openWith(scene, each)).value).toMatchObject(holds);
    return scene;
  };

  it.each(states)('is left alone for as long as it asks, and read right after, %s', async (state) => {
    const scene = await sceneOf(state);
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

  it.each(states)('is given up when it does not answer, and read when it does, %s', async (state) => {
    const scene = await sceneOf(state, { wholeMs: 600 });
    const silence = (isSilent: boolean) => {
      for (const host of faults.hosts) scene.clouds.hosts.silence(host, isSilent);
    };
    silence(true);
    const { error } = await openWith(scene, each);
    expect(error?.reason).toBe('UpstreamUnavailable');
    expect(error?.message).toMatch(answers);
    expect(error?.message).toContain('in time');
    silence(false);
    scene.clock.jump(10_000); // a login that failed is not tried again at once
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });

  if (each.ends) {
    it('gives what would be known for a credential wherever it were told', async () => {
      const { value } = await openWith(await cloudsScene(), each);
      expect(JSON.stringify(value)).toMatch(credential);
    });
  }

  const { end } = faults;
  if (end === undefined) return;
  it('is logged in to anew, at once, when what a login gave has ended early', async () => {
    const scene = await cloudsScene();
    expect((await openWith(scene, each)).value).toMatchObject(holds);
    end(scene.clouds);
    expect((await openWith(scene, each)).value).toMatchObject(holds);
  });
});
