import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  type GoogleFederation,
  googlePool,
  googleProject,
  googleReader,
  startGoogleFederation,
} from '../../../../test/support/cloud/google-federation.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { type CloudBench, cloudBench, ending, JumpingClock } from './cloud.fixture.ts';
import { gcpProviders } from './gcp.ts';

const oidc = { ...googlePool, serviceAccount: googleReader };
const federated = { project: Number(googleProject), oidc };

function document(access: object, login: object = federated) {
  return {
    values: {
      login: { 'fn::open::gcp-login': login },
      secrets: { 'fn::open::gcp-secrets': { login: '${login}', access } },
    },
  };
}

interface Scene {
  readonly google: GoogleFederation;
  readonly bench: CloudBench;
  readonly clock: JumpingClock;
}

async function scene(options: { readonly wholeMs?: number } = {}): Promise<Scene> {
  const clock = new JumpingClock();
  const google = ending(await startGoogleFederation({ clock }));
  google.secrets.set('db', ['one', 'two']);
  google.secrets.set('api', ['key']);
  return { google, clock, bench: cloudBench({ clock, routes: google.routes, providers: gcpProviders, ...options }) };
}

const numbersOf = ({ sts, iam, secretManager }: GoogleFederation) =>
  [sts, iam, secretManager].map(({ requests }) => requests.length);

describe('gcp-login and gcp-secrets', () => {
  it('log in with a token of a ServiceAccount and read the newest or a given version', async () => {
    const { bench, google } = await scene();
    const access = { db: { name: 'db' }, old: { name: 'db', version: 1 }, same: { name: 'db' } };
    const { value, lifetimeMs = 0 } = await bench.open({ 'shop/app': document(access) });
    expect(value).toEqual({
      login: {
        accessToken: expect.stringMatching(/^ya29\./),
        project: Number(googleProject),
        tokenType: 'Bearer',
        expiry: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      secrets: { db: 'two', old: 'one', same: 'two' },
    });
    expect(lifetimeMs).toBeGreaterThan(3_590_000);
    expect(lifetimeMs).toBeLessThanOrEqual(3_600_000);
    // Two entries that mean the same are one request.
    expect(numbersOf(google)).toEqual([1, 1, 2]);
  });

  it('are one request each for all Environments that open the same in a wave', async () => {
    const { bench, google } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }), 'shop/too': document({ b: { name: 'db' } }) };
    const opened = await Promise.all(
      ['shop/app', 'shop/too', 'shop/app'].map((name) => bench.open(environments, { name })),
    );
    expect(opened.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect(numbersOf(google)).toEqual([1, 1, 1]);
    expect(bench.minted).toHaveLength(1);
  });

  it('read anew in the next wave, with the login that is still good', async () => {
    const { bench, google } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    await bench.open(environments);
    google.secrets.set('db', ['three']);
    const next = await bench.open(environments, { notBeforeMs: Number.MAX_SAFE_INTEGER });
    expect(next.value).toMatchObject({ secrets: { a: 'three' } });
    expect(numbersOf(google)).toEqual([1, 1, 2]);
  });

  it('log in anew after two thirds of the life that was asked for', async () => {
    const { bench, clock, google } = await scene();
    const login = { ...federated, oidc: { ...oidc, tokenLifetime: '30m' } };
    const environments = { 'shop/app': document({ a: { name: 'db' } }, login) };
    await bench.open(environments);
    clock.jump(19 * 60_000);
    expect((await bench.open(environments)).lifetimeMs).toBeLessThanOrEqual(11 * 60_000);
    expect(google.iam.requests).toHaveLength(1);
    clock.jump(2 * 60_000);
    expect((await bench.open(environments)).lifetimeMs).toBeGreaterThan(29 * 60_000);
    expect(google.iam.requests).toHaveLength(2);
  });

  it('log in anew, at once, when the token has ended early', async () => {
    const { bench, google } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    await bench.open(environments);
    google.endTokens();
    const next = await bench.open(environments, { notBeforeMs: Number.MAX_SAFE_INTEGER });
    expect(next.value).toMatchObject({ secrets: { a: 'two' } });
    expect(google.iam.requests).toHaveLength(2);
  });

  it('use the ServiceAccount and the audience that are named', async () => {
    const { bench, google } = await scene();
    google.subject = 'system:serviceaccount:shop:reader';
    google.audience = 'gcp:shop';
    const login = { ...federated, oidc: { ...oidc, kubernetesServiceAccount: 'reader', audience: 'gcp:shop' } };
    expect(await bench.open({ 'shop/app': document({ a: { name: 'api' } }, login) })).toMatchObject({
      value: { secrets: { a: 'key' } },
    });
    expect(bench.minted).toEqual(['shop/reader']);
  });

  it('log in as the namespace of the document that holds the login', async () => {
    const { bench, google } = await scene();
    google.subject = 'system:serviceaccount:other:default';
    const shared = { sharedWith: { namespaces: ['shop'] }, values: { login: { 'fn::open::gcp-login': federated } } };
    const secrets = { 'fn::open::gcp-secrets': { login: '${login}', access: { a: { name: 'api' } } } };
    const importing = { imports: ['other/login'], values: { secrets } };
    const opened = await bench.open({ 'shop/app': importing, 'other/login': shared });
    expect(opened).toMatchObject({ value: { secrets: { a: 'key' } } });
    expect(bench.minted).toEqual(['other/default']);
  });

  it('take a token that is there, and impersonate with it where a service account is named', async () => {
    const { bench, google } = await scene();
    const first = await bench.open({ 'shop/app': { values: { login: { 'fn::open::gcp-login': federated } } } });
    const { login } = first.value as { readonly login: { readonly accessToken: string } };
    const accessToken = { 'fn::secret': login.accessToken };
    const plain = { project: Number(googleProject), accessToken: { accessToken } };
    const opened = await bench.open({ 'shop/app': document({ a: { name: 'api' } }, plain) });
    expect(opened).toMatchObject({ value: { secrets: { a: 'key' } }, lifetimeMs: undefined });
    const other = { ...plain, accessToken: { accessToken, serviceAccount: googleReader } };
    const refused = await bench.open({ 'shop/app': document({ a: { name: 'api' } }, other) });
    // The double impersonates for federated tokens only.
    expect(refused.error).toMatchObject({ reason: 'LoginRejected' });
    expect(google.iam.requests.at(-1)?.headers['authorization']).toBe(`Bearer ${login.accessToken}`);
  });

  it('open the manifest of the documentation', async () => {
    const { bench, google } = await scene();
    google.secrets.set('db-password', ['old', 'new']);
    google.subject = 'system:serviceaccount:my-app:secrets';
    bench.accounts.add('my-app/secrets');
    const text = readFileSync('docs/manifests/environment-gcp.yaml', 'utf8').replaceAll(/reader@\S+/g, googleReader);
    const [, manifest] = parseAllDocuments(text).map((each) => each.toJS() as { readonly spec: object });
    const { value } = await bench.open({ 'my-app/gcp': manifest?.spec ?? {} }, { name: 'my-app/gcp' });
    expect(value).toMatchObject({
      gcp: { secrets: { dbPassword: 'new', oldPassword: 'old' } },
      environmentVariables: { CLOUDSDK_AUTH_ACCESS_TOKEN: expect.stringMatching(/^ya29/), DB_PASSWORD: 'new' },
    });
  });

  it('ask for nothing more while Google wants to be left alone', async () => {
    const { bench, google } = await scene();
    const error = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded for quota metric.' };
    google.secretManager.answerWith({ status: 429, headers: { 'retry-after': '30' }, body: { error } });
    const environments = { 'shop/app': document({ a: { name: 'db' } }) };
    const first = await bench.open(environments);
    expect(first.error).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 30_000 });
    google.secretManager.answerWith(undefined);
    const second = await bench.open(environments, { notBeforeMs: Number.MAX_SAFE_INTEGER });
    expect(second.error).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(second.error?.retryAfterMs).toBeLessThanOrEqual(30_000);
    expect(google.secretManager.requests).toHaveLength(1);
  });

  it('know the pause that only the body names', async () => {
    const { bench, google } = await scene();
    const details = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17s' }];
    const error = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded.', details };
    google.iam.answerWith({ status: 429, body: { error } });
    const { error: told } = await bench.open({ 'shop/app': document({ a: { name: 'db' } }) });
    expect(told).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: 17_000 });
  });
});

it('ask no host that the namespace may not reach', async () => {
  const { google } = await scene();
  const checkSite = () => Promise.reject(new OperatorError('HostDenied', 'not from here'));
  const providers: typeof gcpProviders = (ports) => gcpProviders({ ...ports, checkSite });
  const bench = cloudBench({ clock: new JumpingClock(), routes: google.routes, providers });
  const opened = await bench.open({ 'shop/app': document({ a: { name: 'db' } }) });
  expect(opened.error).toMatchObject({ reason: 'HostDenied' });
  expect(numbersOf(google).every((each) => each === 0)).toBe(true);
});

describe('what fails at Google', () => {
  interface Failure {
    readonly why: string;
    readonly prepare?: (scene: Scene) => void;
    readonly login?: object;
    readonly access?: object;
    readonly reason: string;
    readonly says: readonly string[];
    readonly wholeMs?: number;
  }
  const failures: readonly Failure[] = [
    {
      why: 'a secret that is not there',
      access: { name: 'nope' },
      reason: 'InvalidValue',
      says: ['values.secrets', 'gcp-secrets', '"nope"', '404 (NOT_FOUND)', 'not found or has no versions'],
    },
    {
      why: 'a version that is not there',
      access: { name: 'db', version: 9 },
      reason: 'InvalidValue',
      says: ['versions/9'],
    },
    {
      why: 'a version that is switched off',
      prepare: ({ google }) => google.secrets.set('db', [null]),
      reason: 'InvalidValue',
      says: ['FAILED_PRECONDITION', 'DISABLED', 'enable the version'],
    },
    {
      why: 'a missing right',
      prepare: ({ google }) => google.forbidden.add('db'),
      reason: 'AccessDenied',
      says: ['403 (PERMISSION_DENIED', 'secretmanager.versions.access', 'roles/secretmanager.secretAccessor'],
    },
    {
      why: 'a name that would leave the project',
      access: { name: '../../other/secrets/db' },
      reason: 'InvalidSpec',
      says: ['is no name of a secret'],
    },
    {
      why: 'the API that is not enabled',
      prepare: ({ google }) => {
        const error = {
          code: 403,
          status: 'PERMISSION_DENIED',
          message: 'Secret Manager API has not been used.',
          details: [{ reason: 'SERVICE_DISABLED' }],
        };
        google.secretManager.answerWith({ status: 403, body: { error } });
      },
      reason: 'AccessDenied',
      says: ['SERVICE_DISABLED', 'enable the Secret Manager API'],
    },
    {
      why: 'the pool of another project',
      login: { ...federated, project: 999 },
      reason: 'LoginRejected',
      says: ['gcp-login: Google STS', '400 (invalid_target)', 'projects/999/'],
    },
    {
      why: 'a fraction for a project',
      login: { ...federated, project: 1.5 },
      reason: 'InvalidSpec',
      says: ['project'],
    },
    {
      why: 'another audience',
      prepare: ({ google }) => {
        google.audience = 'elsewhere';
      },
      reason: 'LoginRejected',
      says: ['invalid_grant', 'audience in ID Token does not match', 'https://iam.googleapis.com/projects/'],
    },
    {
      why: 'another issuer',
      prepare: ({ bench }) => {
        bench.issuer = 'https://other.example';
      },
      reason: 'LoginRejected',
      says: ['invalid_grant', 'issuer'],
    },
    {
      why: 'a subject that the condition does not let pass',
      login: { ...federated, oidc: { ...oidc, kubernetesServiceAccount: 'reader' } },
      reason: 'LoginRejected',
      says: ['unauthorized_client', 'system:serviceaccount:shop:reader'],
    },
    {
      why: 'a pool that may not impersonate',
      prepare: ({ google }) => {
        google.mayImpersonate = false;
      },
      reason: 'LoginRejected',
      says: ['403', 'roles/iam.workloadIdentityUser', 'subject/system:serviceaccount:shop:default'],
    },
    {
      why: 'a service account that is not there',
      login: { ...federated, oidc: { ...oidc, serviceAccount: 'nobody@demo.iam.gserviceaccount.com' } },
      reason: 'LoginRejected',
      says: ['404 (NOT_FOUND)', 'nobody@demo', 'there is no such service account'],
    },
    {
      why: 'a life that Google does not give',
      login: { ...federated, oidc: { ...oidc, tokenLifetime: '13h' } },
      reason: 'LoginRejected',
      says: ['INVALID_ARGUMENT', 'lifetime', 'check serviceAccount and tokenLifetime'],
    },
    {
      why: 'no life at all',
      login: { ...federated, oidc: { ...oidc, tokenLifetime: '0s' } },
      reason: 'InvalidSpec',
      says: ['tokenLifetime'],
    },
    {
      why: 'a ServiceAccount that is not there',
      login: { ...federated, oidc: { ...oidc, kubernetesServiceAccount: 'gone' } },
      reason: 'ReferenceNotFound',
      says: ['oidc.kubernetesServiceAccount', '"shop/gone"'],
    },
    {
      why: 'tokens that are refused however new they are',
      prepare: ({ google }) => {
        const error = { code: 401, status: 'UNAUTHENTICATED', message: 'Request had invalid credentials.' };
        google.secretManager.answerWith({ status: 401, body: { error } });
      },
      reason: 'AccessDenied',
      says: ['environment "shop/app"', 'values.secrets', '401 (UNAUTHENTICATED)'],
    },
    {
      why: 'a fault of the server',
      prepare: ({ google }) => google.sts.answerWith({ status: 503, body: 'upstream connect error' }),
      reason: 'UpstreamUnavailable',
      says: ['Google STS answered HTTP 503'],
    },
    {
      why: 'a host that is down',
      prepare: ({ google }) => void google.iam.stop(),
      reason: 'UpstreamUnavailable',
      says: ['gcp-login: Google IAM'],
    },
    {
      why: 'a host that never answers',
      prepare: ({ google }) => {
        google.isSilent = true;
      },
      reason: 'UpstreamUnavailable',
      says: ['gcp-secrets', 'in time'],
      wholeMs: 400,
    },
    {
      why: 'something else that answers',
      prepare: ({ google }) => google.secretManager.answerWith({ status: 200, body: '<html>' }),
      reason: 'UpstreamInvalid',
      says: ['Secret Manager', 'check what answers in its place'],
    },
    {
      why: 'a redirect',
      prepare: ({ google }) => google.iam.answerWith({ status: 302, headers: { location: 'https://x.example' } }),
      reason: 'UpstreamInvalid',
      says: ['Google IAM'],
    },
  ];

  it.each(failures)(
    'tells $why as $reason',
    async ({ prepare, login, access = { name: 'db' }, reason, says, wholeMs }) => {
      const made = await scene(wholeMs === undefined ? {} : { wholeMs });
      prepare?.(made);
      const { error } = await made.bench.open({ 'shop/app': document({ a: access }, login) });
      expect(error?.message).toContain('environment "shop/app": values.');
      for (const text of says) expect(error?.message).toContain(text);
      expect(error?.reason).toBe(reason);
      expect(error?.message).not.toMatch(/eyJ|ya29|federated-\d/);
    },
  );

  it('asks once for a wave that fails', async () => {
    const { bench, google } = await scene();
    const environments = { 'shop/app': document({ a: { name: 'nope' }, b: { name: 'nope' } }) };
    const opened = await Promise.all([bench.open(environments), bench.open(environments)]);
    expect(opened.map(({ error }) => error?.reason)).toEqual(['InvalidValue', 'InvalidValue']);
    expect(google.secretManager.requests).toHaveLength(1);
  });
});
