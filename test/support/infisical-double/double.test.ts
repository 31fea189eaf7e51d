import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../fake-clock.ts';
import type { Access } from './access.ts';
import type { Generation } from './api-error.ts';
import { type DoubleOptions, type InfisicalDouble, startInfisicalDouble } from './double.ts';
import { selfHostedLimits } from './rate-limiter.ts';
import { type Answered, ask } from './test-client.ts';
import { kubernetesVerifier } from './verifiers.ts';

const running: InfisicalDouble[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((double) => double.stop()));
});

const list = '/api/v3/secrets/raw?workspaceSlug=shop&environment=dev';
const one = (key: string, more = '') => `/api/v3/secrets/raw/${key}?workspaceSlug=shop&environment=dev${more}`;
const reference = (target: string) => `\${${target}}`;

async function start(options: DoubleOptions = {}): Promise<InfisicalDouble> {
  const double = await startInfisicalDouble(options);
  running.push(double);
  double.projects.add({ slug: 'shop' });
  double.secrets.set({ environment: 'dev', key: 'A', value: 'one' });
  double.secrets.set({ environment: 'dev', path: '/app', key: 'B', value: 'two' });
  double.secrets.set({ environment: 'dev', path: '/app-2', key: 'C', value: 'three' });
  double.secrets.set({ environment: 'dev', path: '/app/deep', key: 'D', value: 'four' });
  return double;
}

function tokenOf(double: InfisicalDouble, access: Access = { role: 'admin' }): string {
  double.identities.add({ name: access.role, access: { shop: access } });
  return double.identities.issueToken(access.role);
}

const keysOf = ({ json }: Answered) => json.secrets.map(({ secretKey }) => secretKey).toSorted();

describe('listing', () => {
  const paths: readonly [string, number, readonly string[] | string][] = [
    ['', 200, ['A']],
    ['&secretPath=/app', 200, ['B']],
    ['&secretPath=/app/', 200, ['B']],
    ['&secretPath=app', 200, []],
    ['&secretPath=', 200, []],
    ['&secretPath=//app', 200, []],
    ['&secretPath=/nope', 200, []],
    ['&secretPath=/App', 200, []],
    ['&secretPath=/a.b', 500, 'Find by secret path'],
    ['&secretPath=/app&recursive=true', 200, ['B', 'C', 'D']],
    ['&secretPath=/ap&recursive=true', 200, ['B', 'C', 'D']],
    ['&secretPath=/app/deep&recursive=true', 200, ['D']],
    ['&recursive=1', 401, 'ValidationFailure'],
  ];
  it.each(paths)('answers as a server of October 2024: %s', async (query, status, outcome) => {
    const double = await start();
    const answer = await ask(double.url, list + query, { token: tokenOf(double) });
    expect(answer.status).toBe(status);
    expect(typeof outcome === 'string' ? answer.json.error : keysOf(answer)).toEqual(outcome);
  });

  const newestPaths: readonly [string, number, readonly string[] | string][] = [
    ['&secretPath=/nope', 404, 'SecretPathNotFound'],
    ['&secretPath=/app&recursive=true', 200, ['B', 'D']],
    ['&secretPath=/ap&recursive=true', 404, 'SecretPathNotFound'],
    ['&recursive=1', 422, 'ValidationFailure'],
  ];
  it.each(newestPaths)('answers as a current server: %s', async (query, status, outcome) => {
    const double = await start({ generation: 'newest' });
    const answer = await ask(double.url, list + query, { token: tokenOf(double) });
    expect(answer.status).toBe(status);
    expect(typeof outcome === 'string' ? answer.json.error : keysOf(answer)).toEqual(outcome);
    expect(status === 200 || typeof answer.json.reqId === 'string').toBe(true);
  });

  it('leaves out silently what may not be read below, but refuses it when asked for alone', async () => {
    const double = await start();
    const token = tokenOf(double, { role: 'no-access', rights: [{ environment: 'dev', path: '/app/**' }] });
    expect(keysOf(await ask(double.url, `${list}&recursive=true`, { token }))).toEqual(['B', 'D']);
    expect(await ask(double.url, list, { token })).toMatchObject({ status: 403, json: { error: 'PermissionDenied' } });
  });

  it('reads the same project by v4 in current servers only', async () => {
    const double = await start({ generation: 'newest' });
    const query = `projectId=${double.projects.named('shop').id}&environment=dev`;
    const token = tokenOf(double);
    expect(keysOf(await ask(double.url, `/api/v4/secrets?${query}`, { token }))).toEqual(['A']);
    const single = await ask(double.url, `/api/v4/secrets/A?${query}`, { token });
    expect(single.json.secret).toMatchObject({ secretValue: 'one', secretPath: '/', secretValueHidden: false });
    const older = await start();
    expect(await ask(older.url, `/api/v4/secrets?${query}`)).toMatchObject({
      status: 404,
      json: { error: 'Not Found' },
    });
  });

  it('masks a hidden value in current servers', async () => {
    const double = await start({ generation: 'newest' });
    double.secrets.set({ environment: 'dev', key: 'A', value: 'one', hidden: true });
    const { secret } = (await ask(double.url, one('A'), { token: tokenOf(double) })).json;
    expect(secret.secretValueHidden).toBe(true);
    expect(secret.secretValue).not.toBe('one');
  });
});

describe('imports and references', () => {
  async function withImports(): Promise<InfisicalDouble> {
    const double = await start();
    double.secrets.set({ environment: 'prod', path: '/base', key: 'A', value: 'base' });
    double.secrets.set({ environment: 'prod', path: '/top', key: 'A', value: reference('X') });
    double.secrets.set({ environment: 'prod', path: '/top', key: 'X', value: 'top' });
    const sources = ['/base', '/top'].map((path) => ({ environment: 'prod', path }));
    double.projects.setImports({ environment: 'dev', path: '/app' }, sources);
    return double;
  }

  it('gives the last import the last word, expanded where it lives though nobody asked', async () => {
    const double = await withImports();
    const token = tokenOf(double);
    const { json } = await ask(double.url, `${list}&secretPath=/app&include_imports=true`, { token });
    expect(json.imports.map(({ secretPath }) => secretPath)).toEqual(['/base', '/top']);
    expect(json.imports[1]?.secrets.find(({ secretKey }) => secretKey === 'A')?.secretValue).toBe('top');
    const single = await ask(double.url, one('A', '&secretPath=/app&include_imports=true'), { token });
    expect(single.json.secret).toMatchObject({ secretValue: 'top', environment: 'prod' });
  });

  it('shifts the entries behind a source that was deleted', async () => {
    const double = await withImports();
    double.projects.removeFolder({ environment: 'prod', path: '/base' });
    const path = `${list}&secretPath=/app&include_imports=true`;
    const { imports } = (await ask(double.url, path, { token: tokenOf(double) })).json;
    expect(imports[0]).toMatchObject({ secretPath: '/base', secrets: [{}, {}] });
    expect(imports[1]).toEqual({ secretPath: '/top', environment: 'prod', secrets: [] });
  });

  it('leaves no `imports` in the answer when they were not asked for', async () => {
    const double = await withImports();
    const { json } = await ask(double.url, `${list}&secretPath=/app`, { token: tokenOf(double) });
    expect(Object.keys(json)).toEqual(['secrets']);
  });

  const values: readonly [string, Readonly<Record<string, string>>, string][] = [
    ['a chain', { R: reference('S'), S: `s-${reference('A')}` }, 's-one'],
    ['another folder', { R: reference('dev.app.deep.D') }, 'four'],
    ['a missing key', { R: reference('NOPE') }, reference('NOPE')],
    ['a missing folder', { R: reference('dev.nope.X') }, reference('dev.nope.X')],
    ['shell syntax', { R: '$HOME $(x)' }, '$HOME $(x)'],
    ['a dollar in the target', { R: reference('S'), S: "a$&b$$c$'" }, "a$&b$$c$'"],
    ['a target that is empty', { R: reference('E'), E: '' }, reference('E')],
    // The second of two references whose targets hold references is not followed.
    [
      'two chains',
      { R: reference('S') + reference('T'), S: reference('A'), T: reference('U'), U: 'u' },
      `one${reference('U')}`,
    ],
  ];
  it.each(values)('expands %s', async (_, secrets, expanded) => {
    const double = await start();
    for (const [key, value] of Object.entries(secrets)) double.secrets.set({ environment: 'dev', key, value });
    const { json } = await ask(double.url, `${list}&expandSecretReferences=true`, { token: tokenOf(double) });
    const found = json.secrets.find(({ secretKey }) => secretKey === 'R');
    expect(found?.secretValue).toBe(expanded);
  });

  it('follows every reference in current servers', async () => {
    const double = await start({ generation: 'newest' });
    for (const key of ['S', 'T']) double.secrets.set({ environment: 'dev', key, value: reference('A') });
    double.secrets.set({ environment: 'dev', key: 'R', value: `${reference('S')} ${reference('T')}` });
    const answer = await ask(double.url, one('R', '&expandSecretReferences=true'), { token: tokenOf(double) });
    expect(answer.json.secret.secretValue).toBe('one one');
  });

  it.each<[Generation, number]>([
    ['2024-10', 200],
    ['newest', 403],
  ])('answers a list with a forbidden reference in %s with %i', async (generation, status) => {
    const double = await start({ generation });
    double.secrets.set({ environment: 'dev', path: '/app', key: 'R', value: reference('dev.A') });
    const token = tokenOf(double, { role: 'no-access', rights: [{ environment: 'dev', path: '/app/**' }] });
    const answer = await ask(double.url, `${list}&secretPath=/app&expandSecretReferences=true`, { token });
    expect(answer.status).toBe(status);
    const single = await ask(double.url, one('R', '&secretPath=/app&expandSecretReferences=true'), { token });
    expect(single).toMatchObject({ status: 403, json: { error: 'ForbiddenError' } });
  });
});

describe('logins and tokens', () => {
  const login = '/api/v1/auth/universal-auth/login';

  it('tells an expired client secret once, then calls it wrong', async () => {
    const clock = new FakeClock();
    const double = await start({ clock });
    const { clientId, clientSecret } = double.identities.add({
      name: 'u',
      universal: { clientSecrets: [{ ttlSeconds: 1 }] },
    });
    const body = { clientId, clientSecret };
    expect((await ask(double.url, login, { method: 'POST', body })).status).toBe(200);
    await clock.advance(1001);
    const refusals = [
      await ask(double.url, login, { method: 'POST', body }),
      await ask(double.url, login, { method: 'POST', body }),
    ];
    expect(refusals.map(({ status, json }) => [status, json.message])).toEqual([
      [401, 'Access denied due to expired client secret'],
      [401, 'Invalid credentials'],
    ]);
  });

  it('locks out after three refusals in current servers, the right secret too, for five minutes', async () => {
    const clock = new FakeClock();
    const double = await start({ clock, generation: 'newest' });
    const { clientId, clientSecret } = double.identities.add({ name: 'u', universal: {} });
    const attempt = async (secret: string) =>
      (await ask(double.url, login, { method: 'POST', body: { clientId, clientSecret: secret } })).status;
    for (let count = 0; count < 3; count++) expect(await attempt('wrong')).toBe(401);
    expect(await attempt(clientSecret)).toBe(401);
    await clock.advance(300_000);
    expect(await attempt(clientSecret)).toBe(200);
  });

  it('ends a token by its time, its uses, a refused renewal, or by hand', async () => {
    const clock = new FakeClock();
    const double = await start({ clock });
    tokenOf(double);
    const use = async (token: string) => {
      const { status, json } = await ask(double.url, one('A'), { token });
      return [status, json.error].join(' ').trim();
    };
    const short = double.identities.issueToken('admin', { ttlSeconds: 10, maxTtlSeconds: 20 });
    const few = double.identities.issueToken('admin', { usesLimit: 1 });
    const whole = double.identities.issueToken('admin');
    expect(await use(few)).toBe('200');
    expect(await use(few)).toBe('401 UnauthorizedError');
    const renewal = { method: 'POST', body: { accessToken: whole } };
    expect((await ask(double.url, '/api/v1/auth/token/renew', renewal)).status).toBe(401);
    expect(await use(whole)).toBe('401 UnauthorizedError');
    await clock.advance(10_000);
    expect(await use(short)).toBe('401 UnauthorizedError');
    const past = double.identities.issueToken('admin', { ttlSeconds: 10, maxTtlSeconds: 20 });
    await clock.advance(20_000);
    expect(await use(past)).toBe('403 TokenError');
    const revoked = double.identities.issueToken('admin');
    double.identities.endTokens('admin');
    expect(await use(revoked)).toBe('401 UnauthorizedError');
    expect(await use('garbage')).toBe('403 TokenError');
  });

  it('gives a new token string on renewal in current servers, shortened to what is left', async () => {
    const clock = new FakeClock();
    const double = await start({ clock, generation: 'newest' });
    tokenOf(double);
    const token = double.identities.issueToken('admin', { ttlSeconds: 60, maxTtlSeconds: 80 });
    await clock.advance(50_000);
    const { status, json } = await ask(double.url, '/api/v1/auth/token/renew', {
      method: 'POST',
      body: { accessToken: token },
    });
    expect([status, json.expiresIn]).toEqual([200, 30]);
    expect(json.accessToken).not.toBe(token);
    expect((await ask(double.url, one('A'), { token: json.accessToken })).status).toBe(200);
  });

  it('hands a login by proof to the identity’s verifier', async () => {
    const double = await start();
    const verify = kubernetesVerifier({
      review: (jwt) => (jwt === 'good' ? { username: 'system:serviceaccount:ops:reader' } : { refused: 'no' }),
      namespaces: ['ops'],
    });
    const { id } = double.identities.add({ name: 'k', methods: { kubernetes: verify } });
    const attempt = async (method: string, body: unknown) => {
      const { status, json } = await ask(double.url, `/api/v1/auth/${method}-auth/login`, { method: 'POST', body });
      return [status, json.error].join(' ').trim();
    };
    expect(await attempt('kubernetes', { identityId: id, jwt: 'good\n' })).toBe('200');
    expect(await attempt('kubernetes', { identityId: id, jwt: 'bad' })).toBe('401 KubernetesTokenReviewError');
    expect(await attempt('oidc', { identityId: id, jwt: 'good' })).toBe('404 NotFound');
    expect(await attempt('kubernetes', { identityId: 'x', jwt: 'good' })).toBe('500 Find one');
  });
});

describe('the rate limit', () => {
  const codes: readonly [Generation, number][] = [
    ['2024-10', 500],
    ['newest', 429],
  ];
  it.each(codes)(
    'of a server of %s refuses the 41st list of a minute with %i and retry-after',
    async (generation, status) => {
      const clock = new FakeClock();
      const double = await start({ clock, generation, limits: selfHostedLimits });
      const token = tokenOf(double);
      for (let count = 0; count < 40; count++) await ask(double.url, list, { token });
      await clock.advance(20_000);
      const refused = await ask(double.url, list, { token });
      expect([refused.status, refused.headers['retry-after']]).toEqual([status, '40']);
      expect((await ask(double.url, one('A'), { token })).status).toBe(200);
      await clock.advance(40_000);
      expect((await ask(double.url, list, { token })).status).toBe(200);
    },
  );
});

describe('ETags', () => {
  it('turn an unchanged answer into 304, an error as well, and change with the version', async () => {
    const double = await start();
    const token = tokenOf(double);
    const first = await ask(double.url, list, { token });
    const again = { token, headers: { 'if-none-match': String(first.headers['etag']) } };
    expect(await ask(double.url, list, again)).toMatchObject({ status: 304, body: '' });
    double.secrets.set({ environment: 'dev', key: 'A', value: 'one' });
    expect((await ask(double.url, list, again)).status).toBe(200);
    const missing = await ask(double.url, one('NOPE'), { token });
    const repeated = { token, headers: { 'if-none-match': String(missing.headers['etag']) } };
    expect([missing.status, (await ask(double.url, one('NOPE'), repeated)).status]).toEqual([404, 304]);
  });
});

describe('writing', () => {
  it('trims values, counts versions, and starts again after a delete', async () => {
    const double = await start();
    const token = tokenOf(double);
    const body = { workspaceId: double.projects.named('shop').id, environment: 'dev' };
    const write = async (method: string, more: object = {}) =>
      (await ask(double.url, '/api/v3/secrets/raw/N', { method, token, body: { ...body, ...more } })).json;
    expect((await write('POST', { secretValue: '  x \n\n' })).secret).toMatchObject({ secretValue: 'x\n', version: 1 });
    expect(await write('POST', { secretValue: 'y' })).toMatchObject({ statusCode: 400 });
    expect((await write('PATCH', { secretValue: 'x\n' })).secret).toMatchObject({ version: 2 });
    expect((await write('DELETE')).secret).toMatchObject({ version: 2 });
    expect((await write('POST', { secretValue: 'z' })).secret).toMatchObject({ version: 1 });
  });

  it('stores all of a batch or nothing', async () => {
    const double = await start();
    const body = {
      workspaceId: double.projects.named('shop').id,
      environment: 'dev',
      secrets: [
        { secretKey: 'NEW', secretValue: '1' },
        { secretKey: 'A', secretValue: '2' },
      ],
    };
    const answer = await ask(double.url, '/api/v3/secrets/batch/raw', { method: 'POST', token: tokenOf(double), body });
    expect(answer.status).toBe(400);
    expect(double.secrets.find({ environment: 'dev', key: 'NEW' })).toBeUndefined();
  });
});
