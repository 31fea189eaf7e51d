import { describe, expect, it, onTestFinished } from 'vitest';
import { startGithubDouble } from '../../../../test/support/cloud/github.ts';
import { signingKeys } from '../../../../test/support/cloud/signing-keys.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { JumpingClock } from './cloud.fixture.ts';
import { doorTo, opened, openValues } from './opening.fixture.ts';

async function scene() {
  const clock = new JumpingClock();
  const double = await startGithubDouble({
    clock,
    organizations: { acme: 11 },
    users: { alice: 12 },
    repositories: ['web'],
  });
  onTestFinished(() => double.stop());
  const opening = { ports: { door: doorTo(double.url), clock } };
  const valuesWith = (change: object) => ({
    gh: {
      'fn::open::gh-login': {
        appId: double.appId,
        privateKey: { 'fn::secret': double.keys.privatePem },
        owner: 'acme',
        ghe: { host: double.url },
        ...change,
      },
    },
  });
  return { clock, double, opening, valuesWith, open: (change: object = {}) => opened(valuesWith(change), opening) };
}

describe('gh-login', () => {
  it('gives a token of the installation, and says when it ends', async () => {
    const { double, opening, valuesWith } = await scene();
    const terms = { repositories: ['web'], permissions: { contents: 'read' } };
    const { value, lifetimeMs } = await openValues(valuesWith(terms), opening);
    const [{ token, terms: sent } = { token: '' }] = double.made;
    expect(sent).toEqual(terms);
    const expiry = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(plainJson(value, { redact: false })).toEqual({
      gh: { accessToken: token, appId: 4711, appSlug: 'deployer', installationId: 11, expiry, type: 'installation' },
    });
    expect(JSON.stringify(plainJson(value, { redact: true }))).not.toContain(token);
    expect(lifetimeMs).toBeGreaterThan(3_580_000);
    expect(lifetimeMs).toBeLessThanOrEqual(3_600_000);
  });

  it('gives one token to all who ask for the same, until two thirds of its life', async () => {
    const { clock, double, open } = await scene();
    const both = await Promise.all([open(), open()]);
    clock.jump(2_300_000);
    expect([both[1], await open()]).toEqual([both[0], both[0]]);
    expect(await open({ permissions: { contents: 'read' } })).not.toEqual(both[0]);
    expect(double.made).toHaveLength(2);
    clock.jump(200_000);
    expect(await open()).not.toEqual(both[0]);
  });

  it('is given no longer than GitHub lets it live, by a clock that is behind', async () => {
    const { double, opening, valuesWith } = await scene();
    const body = { token: 'ghs_x', expires_at: '2999-01-01T00:00:00Z' };
    double.answerWith({ status: 201, body }, '/access_tokens');
    expect((await openValues(valuesWith({}), opening)).lifetimeMs).toBeLessThanOrEqual(3_600_000);
  });

  it('finds the installation of a user, and asks for all rights where none are named', async () => {
    const { double, open } = await scene();
    expect(await open({ owner: 'alice' })).toMatchObject({ gh: { installationId: 12 } });
    expect(double.made.map(({ terms }) => terms)).toEqual([{}]);
  });

  const otherKey = { 'fn::secret': signingKeys('another-app').privatePem };
  const cases: readonly [why: string, change: object, reason: string, says: string][] = [
    ['a key that is not the app’s', { privateKey: otherKey }, 'LoginRejected', 'check appId and privateKey'],
    ['an app that is another', { appId: 1 }, 'LoginRejected', 'check appId and privateKey'],
    ['what is no key', { privateKey: { 'fn::secret': 'not-a-key' } }, 'InvalidCredential', 'privateKey: '],
    ['an owner where the app is not installed', { owner: 'nobody' }, 'ScopeNotFound', 'not installed'],
    ['an owner that would lead elsewhere', { owner: '..' }, 'InvalidSpec', 'owner'],
    ['a repository that the app may not see', { repositories: ['nope'] }, 'AccessDenied', 'repositories'],
  ];

  it.each(cases)('tells %s', async (_, change, reason, says) => {
    const { double, open } = await scene();
    const failed = await open(change);
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(failed).toMatchObject({ message: expect.stringContaining('environment "shop/app": values.gh: ') });
    expect(JSON.stringify(failed)).not.toContain(double.keys.privatePem.split('\n')[1]);
  });

  it('is told by the primary rate limit when to come back, and asks for nothing meanwhile', async () => {
    const { clock, double, open } = await scene();
    const nowSeconds = 1_700_000_000;
    const date = new Date(nowSeconds * 1_000).toUTCString();
    const headers = { date, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowSeconds + 90) };
    double.answerWith({ status: 403, headers, body: { message: 'API rate limit exceeded' } }, '/access_tokens');
    expect(await open()).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 90_000 });
    double.answerWith(undefined);
    const asked = double.requests.length;
    expect(await open()).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(double.requests).toHaveLength(asked);
    clock.jump(90_000);
    expect(await open()).toMatchObject({ gh: { installationId: 11 } });
  });

  it.each([
    ['suspended', { status: 403, body: { message: 'This installation has been suspended' } }, 'AccessDenied'],
    ['without a token in its answer', { status: 201, body: { expires_at: '2026-01-01T00:00:00Z' } }, 'UpstreamInvalid'],
    ['down', { status: 502, body: '<html>' }, 'UpstreamUnavailable'],
  ] as const)('tells an installation that is %s', async (_, answer, reason) => {
    const { double, open } = await scene();
    double.answerWith(answer, '/access_tokens');
    expect(await open()).toMatchObject({ reason });
  });

  it('gives a server up that does not answer', async () => {
    const { double, open } = await scene();
    await double.stop();
    expect(await open()).toMatchObject({ reason: 'UpstreamUnavailable' });
  });
});
