import { describe, expect, it } from 'vitest';
import { clusterToken } from '../../../../test/support/cloud/cluster-tokens.ts';
import { signingKeys } from '../../../../test/support/cloud/signing-keys.ts';
import type { DoubleOptions } from '../../../../test/support/infisical-double/double.ts';
import type { LoginBody, ProofMethod } from '../../../../test/support/infisical-double/identities.ts';
import type { AmbientSources, Credentials } from '../../../auth/contract.ts';
import { systemClock } from '../../../base/clock.ts';
import { asOperatorError, OperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { type Bench, bench, signal } from '../../infisical/provider.fixture.ts';
import { clusterOf, openInline } from '../esc.fixture.ts';
import { noOthers } from './opening.fixture.ts';
import { escProviders } from './table.ts';

interface Order {
  readonly login?: object;
  readonly get?: object;
  readonly notBeforeMs?: number;
  /** The login, in place of `static`. */
  readonly only?: object;
  readonly credentials?: Credentials;
}

function staticOf({ material }: Bench) {
  return {
    static: { clientId: material.get('login/id'), clientSecret: { 'fn::secret': material.get('login/secret') } },
  };
}

async function open(made: Bench, { login = {}, get = {}, notBeforeMs = 0, only = staticOf(made), credentials }: Order) {
  const { double } = made;
  const values = {
    login: { 'fn::open::infisical-login': { siteUrl: double.url, ...only, ...login } },
    read: { 'fn::open::infisical-secrets': { login: '${login}', get } },
  };
  const contents = clusterOf({ environments: { 'shop/app': { values } } });
  const ports = {
    cluster: credentials === undefined ? contents : { ...contents, credentialsIn: () => credentials },
    providers: escProviders({
      ...noOthers,
      infisical: made.access,
      door: made.door,
      clock: made.clock,
      sessions: made.sessions,
    }),
  };
  try {
    const order = { name: 'shop/app', consumer: 'shop', holder: 'store', notBeforeMs };
    const opened = await openInline(order, ports, signal);
    return plainJson(opened.value, { redact: false });
  } catch (thrown) {
    return asOperatorError(thrown);
  }
}

async function scene(options: DoubleOptions = {}) {
  const made = await bench(options);
  const projectId = made.double.projects.named('shop').id;
  const set = (value: string) =>
    made.double.secrets.set({ project: 'shop', environment: 'dev', path: '/api/service', key: 'key', value });
  set('one');
  const entry = { projectId, environment: 'dev', secretKey: '/api/service/key' };
  return { made, set, entry };
}

describe('infisical-login and infisical-secrets', () => {
  it('read by path in the key and by secretPath, with one login and one list', async () => {
    const { made, entry } = await scene();
    const get = { a: entry, b: { ...entry, secretKey: 'key', secretPath: '/api/service' } };
    expect(await open(made, { get })).toMatchObject({ read: { a: 'one', b: 'one' } });
    expect(made.double.requests.counts().byKind).toMatchObject({ login: 1, list: 1 });
  });

  it('log in anew, at once, when the token has ended early', async () => {
    const { made, set, entry } = await scene();
    await open(made, { get: { a: entry } });
    made.double.identities.endTokens('reader');
    set('two');
    const notBeforeMs = Number.MAX_SAFE_INTEGER;
    expect(await open(made, { get: { a: entry }, notBeforeMs })).toMatchObject({ read: { a: 'two' } });
    expect(made.double.requests.counts().byKind.login).toBe(2);
  });

  it('share the session with stores, and leave the token that was given to its own end', async () => {
    const { made, entry } = await scene();
    await open(made, { get: { a: entry } });
    expect(made.sessions.size).toBe(1);
    made.release('store');
    await open(made, { get: { a: entry } });
    made.release('store');
    await made.sessions.close(new AbortController().signal);
    expect(made.double.requests.counts().byKind).toMatchObject({ login: 1 });
    expect(made.double.requests.counts().byKind.revoke ?? 0).toBe(0);
  });

  it.each<[why: string, change: object, reason: string]>([
    ['a secret that is not there, as a fault of the Environment', { secretKey: '/api/service/nope' }, 'InvalidValue'],
    ['an environment that is not there', { environment: 'nope' }, 'ScopeNotFound'],
    ['personal secrets', { type: 'personal' }, 'Unsupported'],
  ])('tell %s', async (_, change, reason) => {
    const { made, entry } = await scene();
    const failed = await open(made, { get: { a: { ...entry, ...change } } });
    expect(failed).toMatchObject({ reason, message: expect.stringContaining('environment "shop/app": values.read: ') });
  });

  it('trust a private CA where the login names it, which the reads take from there', async () => {
    const { made, entry } = await scene({ tls: true });
    const { caPem: caBundle = '' } = made.double;
    for (const written of [caBundle, Buffer.from(caBundle).toString('base64')]) {
      const login = { caBundle: written };
      expect(await open(made, { login, get: { a: entry } })).toMatchObject({ read: { a: 'one' } });
    }
    const reads = (login: object) => open(made, { login, get: { a: entry } });
    expect(await reads({})).toMatchObject({ message: expect.stringContaining('certificate') });
    expect(await reads({ caBundle: 'none' })).toMatchObject({ reason: 'InvalidCredential' });
  });
});

/** What the operator is, as far as the test lets it be. */
function operatorAs(sources: Partial<AmbientSources>): AmbientSources {
  const missing = () => Promise.reject(new OperatorError('InvalidCredential', 'not part of the test'));
  return {
    serviceAccountTokenFile: missing,
    file: missing,
    aws: missing,
    azureToken: missing,
    gcpIdToken: missing,
    gcpSignedJwt: missing,
    ...sources,
  };
}

/** Of namespace `shop`; the operator's identity is the administrator's to lend. */
function namespaceCredentials(ambient?: AmbientSources): Credentials {
  return {
    secretKey: () => Promise.reject(new OperatorError('Internal', 'inputs are values')),
    async serviceAccount({ name, audiences = [] }) {
      const account = `shop/${name}`;
      const mint = async () =>
        new SecretValue(await clusterToken(systemClock, { account, audiences, lifeSeconds: 600 }));
      return { name: account, audiences, mint };
    },
    ambient(_, field) {
      if (ambient === undefined) throw new OperatorError('IdentityDenied', `${field}: not listed`);
      return ambient;
    },
  };
}

const identityId = '8ad070b4-fa87-4f99-b217-e4668ba01f6a';
const claimsOf = ({ jwt = '' }: LoginBody) =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { sub?: string; aud?: unknown };
const jwtFor = (audience: string, subject = 'x') =>
  clusterToken(systemClock, { account: `${subject}/y`, audiences: [audience], lifeSeconds: 600 });
const signer = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: new SecretValue('k'),
  region: 'eu-central-1',
  principal: 'role "operator"',
};
const token = async (audience: string) => new SecretValue(await jwtFor(audience));

interface OtherLogin {
  readonly method: ProofMethod;
  readonly inputs: object;
  /** What arrives at Infisical, beside the identity's id. */
  readonly sends: (body: LoginBody) => unknown;
  readonly sent: (site: string) => unknown;
  /** The operator's own identity, where the method presents that. */
  readonly operator?: Partial<AmbientSources>;
}

const jwt = await jwtFor('somebody', 'ci');
const privateKey = signingKeys('oci-user-1').privatePem;
const ociUser = { userId: 'ocid1.user.a', tenancyId: 'ocid1.tenancy.a', region: 'eu-frankfurt-1' };
const others: Readonly<Record<string, OtherLogin>> = {
  oidc: {
    method: 'oidc',
    inputs: { oidc: { identityId } },
    sends: (body) => [claimsOf(body).sub, claimsOf(body).aud],
    sent: (site) => ['system:serviceaccount:shop:default', [site]],
  },
  'oidc with a token of its own': {
    method: 'oidc',
    inputs: { oidc: { identityId, jwt } },
    sends: (body) => body['jwt'],
    sent: () => jwt,
  },
  kubernetes: {
    method: 'kubernetes',
    inputs: { kubernetes: { identityId, serviceAccount: 'robot' } },
    sends: (body) => [claimsOf(body).sub, claimsOf(body).aud],
    sent: () => ['system:serviceaccount:shop:robot', []],
  },
  'kubernetes with a file': {
    method: 'kubernetes',
    inputs: { kubernetes: { identityId, serviceAccountTokenPath: '/var/run/secrets/t' } },
    operator: { serviceAccountTokenFile: (path) => token(`file ${path}`) },
    sends: (body) => claimsOf(body).aud,
    sent: () => ['file /var/run/secrets/t'],
  },
  jwt: { method: 'jwt', inputs: { jwt: { identityId, jwt } }, sends: (body) => body['jwt'], sent: () => jwt },
  ldap: {
    method: 'ldap',
    inputs: { ldap: { identityId, ldapUsername: 'u', ldapPassword: { 'fn::secret': 'p' } } },
    sends: ({ username, password }) => [username, password],
    sent: () => ['u', 'p'],
  },
  oci: {
    method: 'oci',
    inputs: { oci: { identityId, privateKey, fingerprint: Array(16).fill('ab').join(':'), ...ociUser } },
    sends: (body) => body['userOcid'],
    sent: () => ociUser.userId,
  },
  aws: {
    method: 'aws',
    inputs: { aws: { identityId } },
    operator: { aws: async () => signer },
    sends: (body) =>
      Buffer.from(body['iamRequestHeaders'] ?? '', 'base64')
        .toString()
        .includes(signer.accessKeyId),
    sent: () => true,
  },
  azure: {
    method: 'azure',
    inputs: { azure: { identityId, resource: 'api://infisical' } },
    operator: { azureToken: token },
    sends: (body) => claimsOf(body).aud,
    sent: () => ['api://infisical'],
  },
  gcpIdToken: {
    method: 'gcp',
    inputs: { gcpIdToken: { identityId } },
    operator: { gcpIdToken: token },
    sends: (body) => claimsOf(body).aud,
    sent: () => [identityId],
  },
  gcpIam: {
    method: 'gcp',
    inputs: { gcpIam: { identityId, serviceAccountKeyFilePath: '/var/run/secrets/key.json' } },
    operator: {
      file: async (path) => new SecretValue(path),
      gcpSignedJwt: (_, { audience }) => token(audience),
    },
    sends: (body) => claimsOf(body).aud,
    sent: () => [identityId],
  },
};

describe('infisical-login by another method', () => {
  it.each(Object.entries(others))(
    '%s sends what a store would send',
    async (_, { method, inputs, operator, ...other }) => {
      const { made, entry } = await scene({ generation: 'newest' });
      const seen: LoginBody[] = [];
      const methods = { [method]: (body: LoginBody) => void seen.push(body) };
      made.double.identities.add({ name: 'other', id: identityId, methods, access: { shop: { role: 'viewer' } } });
      const credentials = namespaceCredentials(operator && operatorAs(operator));
      const order = { only: inputs, get: { a: entry }, credentials };
      expect(await open(made, order)).toMatchObject({ read: { a: 'one' } });
      expect(seen.map((body) => [body.identityId, other.sends(body)])).toEqual([
        [identityId, other.sent(made.double.url)],
      ]);
      // Without the administrator's leave nothing of the operator is used, and nothing is sent.
      made.release('store');
      const refused = await open(made, { ...order, credentials: namespaceCredentials() });
      if (operator === undefined) expect(refused).toMatchObject({ read: { a: 'one' } });
      else
        expect(refused).toMatchObject({
          reason: 'IdentityDenied',
          message: expect.stringContaining('infisical-login: '),
        });
      expect(seen).toHaveLength(1);
    },
  );

  it('token is given on as it is', async () => {
    const { made, entry } = await scene();
    const first = (await open(made, { get: { a: entry } })) as { readonly login: { readonly accessToken: string } };
    const { accessToken } = first.login;
    expect(await open(made, { only: { token: { accessToken } }, get: { a: entry } })).toMatchObject({
      login: { accessToken },
      read: { a: 'one' },
    });
    expect(made.double.requests.counts().byKind.login).toBe(1);
  });
});
