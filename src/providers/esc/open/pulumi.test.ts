import { describe, expect, it } from 'vitest';
import { digits, secret } from '../../../../test/support/pulumi-double/values.ts';
import type { Credentials } from '../../../auth/contract.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../../../auth/pulumi/table.ts';
import { systemClock } from '../../../base/clock.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { createPulumiEnvironments } from '../../pulumi/access.ts';
import { bench } from '../../pulumi/provider.fixture.ts';
import { doorTo, opened, openValues } from './opening.fixture.ts';

async function scene() {
  const made = await bench();
  const { double, issuer, sessions } = made;
  double.environments.set('acme/shop/prod', {
    host: 'db',
    password: secret('p4ssw0rd'),
    nested: { list: [digits('12345678901'), true, null], key: secret('k3y-of-nested') },
    environmentVariables: { TOKEN: secret('t0ken') },
  });
  const door = doorTo(double.apiUrl);
  const pulumi = createPulumiEnvironments({
    door,
    sessions,
    clock: systemClock,
    gatherPrincipal: gatherPulumiPrincipal,
    loginOf: pulumiLogin,
  });
  const accounts: string[] = [];
  const credentials: Credentials = {
    secretKey: () => Promise.reject(new OperatorError('ReferenceDenied', 'an Environment names no Secrets here')),
    async serviceAccount({ name, audiences = [] }) {
      accounts.push(name);
      const claims = { sub: `system:serviceaccount:shop:${name}`, aud: audiences };
      return { name: `shop/${name}`, audiences, mint: async () => new SecretValue(await issuer.sign(claims)) };
    },
    ambient() {
      throw new OperatorError('IdentityDenied', 'none here');
    },
  };
  const opening = { ports: { door, pulumi }, credentials };
  const token = double.addToken(['acme']);
  const valuesWith = (change: object) => ({
    cloud: {
      'fn::open::pulumi-environment': {
        environment: 'acme/shop/prod',
        apiUrl: double.apiUrl,
        static: { accessToken: { 'fn::secret': token } },
        ...change,
      },
    },
    environmentVariables: '${cloud.environmentVariables}',
  });
  const open = (change: object = {}) => opened(valuesWith(change), opening);
  return { ...made, accounts, opening, token, valuesWith, open };
}

describe('pulumi-environment', () => {
  it('gives the values of the environment with their types, secret where they are so there', async () => {
    const { opening, valuesWith, double, accounts } = await scene();
    const { value, lifetimeMs } = await openValues(valuesWith({}), opening);
    expect(plainJson(value, { redact: true })).toEqual({
      cloud: {
        host: 'db',
        password: '[secret]',
        nested: { list: [12_345_678_901, true, null], key: '[secret]' },
        environmentVariables: { TOKEN: '[secret]' },
      },
      environmentVariables: { TOKEN: '[secret]' },
    });
    const open = plainJson(value, { redact: false });
    expect(open).toMatchObject({ cloud: { password: 'p4ssw0rd' }, environmentVariables: { TOKEN: 't0ken' } });
    expect([lifetimeMs, double.counts.open, double.counts.read, accounts]).toEqual([undefined, 1, 1, []]);
  });

  it('reads a revision by number or tag', async () => {
    const { double, open } = await scene();
    double.environments.tag('acme/shop/prod', 'stable', 1);
    double.environments.set('acme/shop/prod', { host: 'new', environmentVariables: {} });
    expect(await open({ environment: 'acme/shop/prod@stable' })).toMatchObject({ cloud: { host: 'db' } });
    expect(await open({ environment: 'acme/shop/prod@2' })).toMatchObject({ cloud: { host: 'new' } });
  });

  it('logs in by a ServiceAccount of its namespace, once for several openings', async () => {
    const { accounts, double, issuer, open, sessions } = await scene();
    double.trust('acme', {
      keys: issuer.keys,
      issuer: issuer.issuer,
      audience: double.baseUrl,
      subject: 'system:serviceaccount:shop:reader',
    });
    const login = { static: undefined, oidc: { serviceAccount: 'reader' } };
    expect(await open(login)).toMatchObject({ cloud: { host: 'db' } });
    expect(await open(login)).toMatchObject({ cloud: { host: 'db' } });
    expect(double.exchanges).toMatchObject([{ audience: 'urn:pulumi:org:acme', expiration: 600 }]);
    expect([new Set(accounts), sessions.size]).toEqual([new Set(['reader']), 1]);
    sessions.release('store');
    expect(sessions.size).toBe(0);
  });

  const cases: readonly [why: string, change: object, reason: string, says: string][] = [
    ['an environment that is not there', { environment: 'acme/shop/nope' }, 'ScopeNotFound', 'no such environment'],
    ['a version that is not there', { environment: 'acme/shop/prod@9' }, 'ScopeNotFound', 'no such environment'],
    ['a name that is none', { environment: 'shop/prod' }, 'InvalidSpec', 'organization/project/environment'],
    ['a name that leads elsewhere', { environment: 'acme/../prod' }, 'InvalidSpec', 'is no name'],
    ['a version that leads elsewhere', { environment: 'acme/shop/prod@..' }, 'InvalidSpec', '@version'],
    ['a token that is refused', { static: { accessToken: 'pul-none' } }, 'LoginRejected', 'access token is refused'],
    ['what is no token', { static: { accessToken: 'a b' } }, 'InvalidCredential', 'is no token'],
    ['a ServiceAccount that nobody trusts', { static: undefined, oidc: {} }, 'LoginRejected', 'exchange'],
  ];

  it.each(cases)('tells %s', async (_, change, reason, says) => {
    const { open, token } = await scene();
    const failed = await open(change);
    expect(failed).toMatchObject({ reason, message: expect.stringContaining(says) });
    expect(failed).toMatchObject({ message: expect.stringContaining('environment "shop/app": values.cloud: ') });
    expect(JSON.stringify(failed)).not.toContain(token);
  });

  it('tells an evaluation that failed, and where', async () => {
    const { double, open } = await scene();
    const diagnostics = [{ summary: 'AWS said no', path: 'aws.login' }];
    double.environments.set('acme/shop/prod', {}, { diagnostics });
    const failed = await open();
    expect(failed).toMatchObject({ reason: 'UpstreamRejected', message: expect.stringContaining('aws.login: AWS') });
  });

  it('waits when it is throttled', async () => {
    const { double, open } = await scene();
    double.fail('open', { status: 429, body: 'slow down', headers: { 'retry-after': '9' } });
    expect(await open()).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 9_000 });
  });

  it('gives up what hangs', async () => {
    const { double, open } = await scene();
    double.fail('open', 'hang');
    expect(await open()).toMatchObject({ reason: 'UpstreamUnavailable' });
  });
});
