// Logins of which one way is to be set: a check tells what opening would refuse, before anything is opened.
import { describe, expect, it } from 'vitest';
import { Sessions } from '../../../auth/session.ts';
import { systemClock } from '../../../base/clock.ts';
import type { ToldDiagnostic } from '../../../core/environment-check.ts';
import { inlineDesk } from '../../../core/jobs.ts';
import { checkEnvironment } from '../check.ts';
import { clusterOf } from '../esc.fixture.ts';
import { doorTo, noOthers, opened } from './opening.fixture.ts';
import { escProviders } from './table.ts';

const role = { roleArn: 'arn:aws:iam::111122223333:role/reader', sessionName: 'shop' };
const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'b' };
const pool = { workloadPoolId: 'p', providerId: 'p', serviceAccount: 'a@b' };
const who = { clientId: 'a', tenantId: 'b' };
const token = { accessToken: 't' };

interface Login {
  readonly provider: string;
  /** What is there besides the ways to log in. */
  readonly rest: object;
  /** Two ways of which one is set. */
  readonly ways: readonly [Readonly<Record<string, object>>, Readonly<Record<string, object>>];
  /** What is told of none. */
  readonly says: string;
}

const logins: readonly Login[] = [
  {
    provider: 'aws-login',
    rest: { region: 'eu-west-1' },
    ways: [{ oidc: role }, { static: keys }],
    says: 'set exactly one of oidc, ambient, static',
  },
  {
    provider: 'gcp-login',
    rest: { project: 1 },
    ways: [{ oidc: pool }, { accessToken: token }],
    says: 'set exactly one of oidc, accessToken',
  },
  {
    provider: 'infisical-login',
    rest: {},
    ways: [{ oidc: { identityId: 'i' } }, { static: { clientId: 'a', clientSecret: 'b' } }],
    says: 'set exactly one of oidc, static, aws, azure, gcpIam, gcpIdToken, jwt, kubernetes, ldap, oci, token',
  },
  {
    provider: 'pulumi-environment',
    rest: { environment: 'a/b/c' },
    ways: [{ oidc: {} }, { static: token }],
    says: 'set exactly one of oidc, static',
  },
  {
    provider: 'vault-login',
    rest: { address: 'https://vault.test' },
    ways: [{ jwt: { role: 'r' } }, { token: { token: 't' } }],
    says: 'set exactly one of jwt, kubernetes, appRole, token',
  },
];

const { signal } = new AbortController();

async function check(
  provider: string,
  inputs: unknown,
  values: object = {},
  base: object = {},
): Promise<readonly ToldDiagnostic[]> {
  const clock = systemClock;
  const providers = escProviders({ ...noOthers, clock, sessions: new Sessions({ clock }), door: doorTo() });
  const spec = { imports: ['base'], values: { ...values, login: { [`fn::open::${provider}`]: inputs } } };
  const cluster = clusterOf({ environments: { 'shop/app': spec, 'shop/base': { values: base } } });
  return (await checkEnvironment('shop/app', { cluster, providers, desk: inlineDesk() }, signal)).diagnostics;
}

const open = (provider: string, inputs: object) =>
  opened({ login: { [`fn::open::${provider}`]: inputs } }, { ports: { door: doorTo() } });

/** What is known only once it is opened. */
const other = { other: { 'fn::open::kubernetes-secrets': { get: { a: { name: 'a' } } } } };

function errorAt(provider: string, message: string) {
  return { severity: 'error', path: `values.login["fn::open::${provider}"]`, message };
}

describe.each(logins)('$provider', ({ provider, rest, ways: [one, two], says }) => {
  it('is told by a check to have no way to log in', async () => {
    expect(await check(provider, rest)).toEqual([errorAt(provider, says)]);
  });

  it('is told by a check to have two, and by name', async () => {
    const names = [...Object.keys(one), ...Object.keys(two)].join(' and ');
    const message = `${says}, and not ${names} together`;
    expect(await check(provider, { ...rest, ...one, ...two })).toEqual([errorAt(provider, message)]);
  });

  it('is opened by neither', async () => {
    for (const inputs of [rest, { ...rest, ...one, ...two }]) {
      const message = expect.stringContaining(`values.login["fn::open::${provider}"]: ${says}`);
      expect(await open(provider, inputs)).toMatchObject({ reason: 'InvalidSpec', message });
    }
  });

  it('passes a check with each of them', async () => {
    for (const way of [one, two]) expect(await check(provider, { ...rest, ...way })).toEqual([]);
  });

  it('passes a check while the way, what it holds or all inputs are not known yet', async () => {
    const [name = ''] = Object.keys(one);
    expect(await check(provider, { ...rest, [name]: '${other.a}' }, other)).toEqual([]);
    expect(await check(provider, '${other.a}', other)).toEqual([]);
  });

  it('passes a check when an import may set the way, and not when two are set above it', async () => {
    const base = { inputs: other.other };
    expect(await check(provider, '${inputs}', { inputs: rest }, base)).toEqual([]);
    const both = { inputs: { ...rest, ...one, ...two } };
    expect(await check(provider, '${inputs}', both, base)).toMatchObject([{ message: expect.stringContaining(says) }]);
  });

  it('is told to have a second beside one that is not known yet', async () => {
    const [name = ''] = Object.keys(one);
    const diagnostics = await check(provider, { ...rest, ...two, [name]: '${other.a}' }, other);
    expect(diagnostics).toEqual([expect.objectContaining({ message: expect.stringContaining(says) })]);
  });
});

describe('azure-login', () => {
  const says = 'set at least one of oidc, clientSecret; false sets nothing';
  const azure = (inputs: object) => check('azure-login', { ...who, ...inputs }, other);

  it.each<[why: string, inputs: object]>([
    ['no way to log in', {}],
    ['none that is switched on', { oidc: false }],
  ])('is told by a check to have %s, and is not opened', async (_, inputs) => {
    expect(await azure(inputs)).toEqual([errorAt('azure-login', says)]);
    const failed = await open('azure-login', { ...who, ...inputs });
    expect(failed).toMatchObject({ reason: 'InvalidSpec', message: expect.stringContaining(says) });
  });

  it.each<[why: string, inputs: object]>([
    ['a token', { oidc: true }],
    ['a client secret', { oidc: false, clientSecret: 'c' }],
    ['both', { oidc: true, clientSecret: 'c' }],
    ['what is not known yet', { oidc: '${other.a}' }],
  ])('passes a check with %s', async (_, inputs) => {
    expect(await azure(inputs)).toEqual([]);
  });

  it('gives azure-secrets what passes there, where a login without a credential does not', async () => {
    const get = { a: { name: 'a' } };
    const logged = { logged: { 'fn::open::azure-login': { ...who, oidc: true } } };
    expect(await check('azure-secrets', { vault: 'v', get, login: '${logged}' }, logged)).toEqual([]);
    expect(await check('azure-secrets', { vault: 'v', get, login: who })).toEqual([
      { severity: 'error', path: 'values.login["fn::open::azure-secrets"].login', message: says },
    ]);
  });
});
