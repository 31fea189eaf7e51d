import { afterEach, describe, expect, it } from 'vitest';
import { createJwtIssuer, type JwtIssuer } from '../../../../test/support/jwt-issuer.ts';
import { startVaultDouble, type VaultDouble } from '../../../../test/support/vault-double.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { Shares } from '../../../base/shares.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { nullValue } from '../../../core/esc/value.ts';
import type { CheckSite } from './contract.ts';
import { lastingText, readerJwt, vaultDesk } from './vault.fixture.ts';

const { signal } = new AbortController();
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const cluster = 'https://cluster.example';
const subject = 'system:serviceaccount:shop:robot';

/** A Vault with role `reader`, whose tokens may read all secrets, and what opens Environments of namespace `shop`. */
async function scene(
  options: { readonly signer?: JwtIssuer; readonly checkSite?: CheckSite; readonly shares?: Shares } = {},
) {
  const issuer = await createJwtIssuer(cluster);
  const vault = await startVaultDouble(issuer);
  stops.push(() => vault.stop());
  vault.policies.set('read', ['kv/*', 'secret/data/*', 'database/creds/*', 'nowhere/*']);
  vault.roles.set('reader', { audience: 'vault', subject, policies: ['read'], ttlSeconds: 3_600 });
  vault.kv1.set('app', { password: 'of-kv-one', port: 5432, user: 'app' });
  vault.kv2.set('app', { password: 'of-kv-two', nested: { deep: [1, null] } });
  vault.leased.set('app', 600);
  const lasting = lastingText();
  const desk = vaultDesk({ url: vault.url, issuer: options.signer ?? issuer, ...options, lasting });
  stops.push(() => desk.stop());
  return { ...desk, vault, issuer, lasting, jwt: readerJwt };
}

describe('vault-login', () => {
  it('logs in with a token of a ServiceAccount of the namespace, and says how long that is good for', async () => {
    const { opened, vault, minted } = await scene();
    const { value, lifetimeMs } = await opened();
    expect(minted).toEqual(['shop/robot']);
    expect(lifetimeMs).toBeGreaterThan(3_500_000);
    expect(lifetimeMs).toBeLessThanOrEqual(3_600_000);
    const { login } = plainJson(value, { redact: false }) as { login: { token: string } };
    expect([...vault.tokens.keys()]).toContain(login.token);
    expect(plainJson(value, { redact: true })).toMatchObject({ login: { address: vault.url, token: '[secret]' } });
  });

  it('logs in once for all that open it, also when its holder is released and another opens it', async () => {
    const { open, vault, sessions } = await scene();
    await open();
    await open();
    sessions.release('store');
    await open();
    expect(vault.count(/\/login$/)).toBe(1);
  });

  it('leaves a token that it gave to its own end, unless all that was given is to end', async () => {
    const { open, vault, sessions } = await scene();
    await open();
    sessions.release('store');
    await sessions.close(signal);
    expect([vault.tokens.size, vault.count(/revoke-self$/)]).toEqual([2, 0]);
    const command = await scene();
    await command.open({ read: { db: { path: 'database/creds/app' } } });
    await command.sessions.close(signal, { given: true });
    expect([command.vault.tokens.size, command.vault.leases.size]).toEqual([1, 0]);
  });

  it('takes the audience from the address, and `default` for the ServiceAccount', async () => {
    const { open, vault, minted } = await scene();
    vault.roles.set('plain', {
      audience: vault.url,
      subject: 'system:serviceaccount:shop:default',
      policies: ['read'],
      ttlSeconds: 60,
    });
    expect(await open({ login: { jwt: { role: 'plain' } } })).toMatchObject({ app: { password: 'of-kv-one' } });
    expect(minted).toEqual(['shop/default']);
  });

  it('logs in at the mount that is named, such as that of the Kubernetes method', async () => {
    const { open, vault, jwt } = await scene();
    await open({ login: { jwt: { ...jwt, mount: 'kubernetes' } } });
    expect(vault.count(/^POST \/v1\/auth\/kubernetes\/login$/)).toBe(1);
  });

  it('logs in by the Kubernetes method at its own mount', async () => {
    const { open, vault, jwt } = await scene();
    expect(await open({ login: { kubernetes: jwt } })).toMatchObject({ app: { port: 5432 } });
    expect(vault.count(/^POST \/v1\/auth\/kubernetes\/login$/)).toBe(1);
  });

  it('logs in with an AppRole, and repeats no id of a secret', async () => {
    const { open, fails, vault } = await scene();
    vault.appRoles.set('robots', { secretId: 'id-of-secret-1234', policies: ['read'] });
    const appRole = { roleId: 'robots', secretId: { 'fn::secret': 'id-of-secret-1234' } };
    expect(await open({ login: { appRole } })).toMatchObject({ app: { port: 5432 } });
    const body = JSON.stringify({ errors: ['invalid secret id-of-secret-9999'] });
    vault.faults.push({ path: /approle\/login$/, status: 400, body });
    const failure = await fails({ login: { appRole: { ...appRole, secretId: 'id-of-secret-9999' } } });
    expect(failure).toMatchObject({ reason: 'LoginRejected' });
    expect(failure.message).toContain('log in with an AppRole at auth/approle');
    expect(failure.message).not.toContain('9999');
  });

  it('makes a token of its own below the one that is given', async () => {
    const { open, vault } = await scene();
    const token = {
      token: { 'fn::secret': vault.rootToken },
      policies: ['read'],
      metadata: { team: 'shop' },
      maxTtl: '30m',
    };
    expect(await open({ login: { token } })).toMatchObject({ app: { port: 5432 } });
    expect(vault.created).toEqual([
      { display_name: 'pulumi', meta: { team: 'shop' }, policies: ['read'], ttl: '30m', explicit_max_ttl: '30m' },
    ]);
  });

  it('is counted by its method, good or refused', async () => {
    const { open, logins, vault, jwt } = await scene();
    vault.appRoles.set('robots', { secretId: 'id', policies: ['read'] });
    const token = { 'fn::secret': vault.rootToken };
    const appRole = { roleId: 'robots', secretId: { 'fn::secret': 'id' } };
    for (const login of [{ jwt }, { kubernetes: jwt }, { appRole }, { token: { token } }]) await open({ login });
    await open({ login: { jwt: { ...jwt, role: 'nobody' } } });
    const counted = ['kubernetes success', 'appRole success', 'token success', 'jwt LoginRejected'];
    expect(logins).toEqual(['jwt success', ...counted].map((each) => `vault ${each}`));
  });

  it('says the namespace with each request, and passes it on', async () => {
    const { open, vault, jwt } = await scene();
    vault.namespace = 'team/one';
    expect(await open({ login: { namespace: 'team/one', jwt } })).toMatchObject({ app: { port: 5432 } });
    expect(await open({ login: { jwt } })).toMatchObject({ reason: 'LoginRejected' });
  });

  it('logs in anew, at once, when the token has ended early', async () => {
    const { open, vault } = await scene();
    await open();
    vault.endTokens();
    expect(await open()).toMatchObject({ app: { port: 5432 } });
    expect(vault.count(/\/login$/)).toBe(2);
  });

  it.each<[why: string, login: object, reason: string, says: string]>([
    ['a role that is not there', { jwt: { role: 'nobody' } }, 'LoginRejected', 'could not be found'],
    [
      'another audience',
      { jwt: { role: 'reader', serviceAccount: 'robot', audience: 'x' } },
      'LoginRejected',
      'audience',
    ],
    [
      'another ServiceAccount',
      { jwt: { role: 'reader', audience: 'vault' } },
      'LoginRejected',
      'ServiceAccount "shop/default"',
    ],
    ['a token that is none', { token: { token: 'hvs.nobody' } }, 'LoginRejected', 'invalid token'],
    ['a mount that leads elsewhere', { jwt: { role: 'r', mount: '../sys' } }, 'InvalidSpec', 'jwt.mount'],
    ['a life that cannot be read', { token: { token: 't', maxTtl: 'long' } }, 'InvalidSpec', 'maxTtl'],
  ])('tells %s', async (_, login, reason, says) => {
    const { fails } = await scene();
    const failure = await fails({ login });
    expect(failure).toMatchObject({ reason, message: expect.stringContaining('environment "shop/app": values.login') });
    expect(failure.message).toContain(says);
  });

  it('is refused by a server that knows other keys of the issuer', async () => {
    const { fails, vault } = await scene({ signer: await createJwtIssuer(cluster) });
    expect(await fails()).toMatchObject({
      reason: 'LoginRejected',
      message: expect.stringContaining('no known key successfully validated the token signature'),
    });
    expect(vault.tokens.size).toBe(1);
  });

  it('repeats no token that a server says back', async () => {
    const { fails, vault } = await scene();
    const token = 'hvs.CAESIGsecretsecretsecret';
    vault.faults.push({ path: /token\/create$/, status: 403, body: JSON.stringify({ errors: [`bad ${token} here`] }) });
    const { message } = await fails({ login: { token: { token } } });
    expect(message).toMatch(/"bad \[redacted\] here"/);
  });
});

describe('vault-secrets', () => {
  it('reads KV 1 and KV 2 whole as Vault answers, with all digits', async () => {
    const { opened, vault } = await scene();
    vault.faults.push({ path: /kv\/big$/, status: 200, body: '{"lease_id":"","data":{"id":12345678901234567890}}' });
    const read = { one: { path: 'kv/app' }, two: { path: 'secret/data/app' }, big: { path: 'kv/big', field: 'id' } };
    const all = (await opened({ read })).value.members.get('vault');
    expect(all?.secret).toBe(true);
    expect(all?.members.get('big')?.data).toEqual({ kind: 'number', text: '12345678901234567890' });
    expect(plainJson(all ?? nullValue, { redact: false })).toMatchObject({
      one: { password: 'of-kv-one', port: 5432 },
      two: { data: { password: 'of-kv-two', nested: { deep: [1, null] } }, metadata: { version: 1 } },
    });
  });

  it('reads a field, of KV 2 from the secret itself; the short path of KV 2 is found, and remembered', async () => {
    const { open, vault } = await scene();
    const read = {
      one: { path: 'kv/app', field: 'port' },
      two: { path: 'secret/data/app', field: 'password' },
      short: { path: 'secret/app', field: 'nested' },
    };
    expect(await open({ read })).toEqual({ one: 5432, two: 'of-kv-two', short: { deep: [1, null] } });
    expect(vault.count(/internal\/ui\/mounts/)).toBe(1);
    expect(await open({ read })).toMatchObject({ short: { deep: [1, null] } });
    expect(vault.count(/internal\/ui\/mounts/)).toBe(1);
  });

  it('finds the short path of KV 2 as well where rights for it are all there are', async () => {
    const { open, vault } = await scene();
    vault.policies.set('read', ['secret/*']);
    expect(await open({ read: { short: { path: 'secret/app', field: 'password' } } })).toEqual({ short: 'of-kv-two' });
    expect(vault.count(/lookup-self/)).toBe(0);
  });

  it('asks once for a path, however many entries and openings of a wave name it', async () => {
    const { open, vault } = await scene();
    const again = { 'fn::open::vault-secrets': { login: '${login}', read: { x: { path: '/kv/app/' } } } };
    const notBeforeMs = performance.now();
    const wanted = {
      read: { a: { path: 'kv/app', field: 'port' }, b: { path: 'kv/app' } },
      more: { again },
      notBeforeMs,
    };
    await Promise.all([open(wanted), open(wanted)]);
    await open(wanted);
    expect(vault.count(/kv\/app$/)).toBe(1);
    await open();
    expect(vault.count(/kv\/app$/)).toBe(2);
  });

  it('keeps what it reads in the share of the namespace, and no more than that has', async () => {
    const shares = new Shares(2);
    const { opened, vault } = await scene({ shares });
    const paths = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { path: name }]));
    await opened({ read: paths('kv/app', 'secret/app') });
    expect(shares.counts).toEqual({ all: 2, greatest: 2, bound: 2 });
    const asked = vault.count(/./);
    const third = opened({ read: paths('kv/app', 'database/creds/app') });
    await expect(third).rejects.toMatchObject({ reason: 'QuotaExceeded' });
    expect(vault.count(/creds/)).toBe(0);
    expect(vault.count(/./)).toBeGreaterThan(asked);
  });

  it('says how long a lease is good for', async () => {
    const { opened } = await scene();
    const { value, lifetimeMs } = await opened({ read: { db: { path: 'database/creds/app' } } });
    expect(plainJson(value, { redact: false })).toMatchObject({
      vault: { db: { username: expect.stringMatching(/^v-/) } },
    });
    expect(lifetimeMs).toBeGreaterThan(590_000);
    expect(lifetimeMs).toBeLessThanOrEqual(600_000);
  });

  it('renews a lease in place of making another credential, until that gives no more time', async () => {
    const { opened, vault } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app', field: 'username' } } };
    const userOf = async () => plainJson((await opened(wanted)).value, { redact: false }) as { vault: { db: string } };
    const first = (await userOf()).vault.db;
    expect((await userOf()).vault.db).toBe(first);
    expect(vault.count(/creds\/app$/)).toBe(1);
    vault.renewalSeconds = 550;
    const { value, lifetimeMs } = await opened(wanted);
    expect(plainJson(value, { redact: false })).toMatchObject({ vault: { db: first } });
    expect(lifetimeMs).toBeGreaterThan(540_000);
    expect(lifetimeMs).toBeLessThanOrEqual(550_000);
    vault.renewalSeconds = 200; // of 600: the most that it may live is near
    const second = (await userOf()).vault.db;
    expect(second).not.toBe(first);
    expect(vault.leases.size).toBe(2);
  });

  it('keeps a credential that was asked for by one who left meanwhile, for the next who asks', async () => {
    const { opened, values, vault } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app', field: 'username' } } };
    const isMade = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    vault.beforeAnswers = async (path) => {
      if (!path.includes('creds')) return;
      isMade.resolve();
      await mayAnswer.promise;
    };
    const leaving = new AbortController();
    const first = opened({ ...wanted, signal: leaving.signal });
    await isMade.promise;
    leaving.abort();
    await expect(first).rejects.toMatchObject({ reason: 'Aborted' });
    const second = values(wanted);
    mayAnswer.resolve();
    expect((await second).vault).toEqual({ db: expect.stringMatching(/^v-/) });
    expect([vault.leases.size, vault.count(/creds\/app$/)]).toEqual([1, 1]);
  });

  it('goes on with the credential of the process before, and with the token that it hangs on', async () => {
    const { values, vault, lasting, next } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app', field: 'username' } } };
    const first = await values(wanted);
    const after = next();
    expect(await after.values(wanted)).toEqual(first);
    expect([vault.count(/\/login$/), vault.count(/creds\/app$/), vault.count(/leases\/renew$/)]).toEqual([1, 1, 1]);
    expect(after.logins).toEqual([]);
    expect(lasting.saves).toBe(1);
  });

  it('saves nothing where no lease is kept', async () => {
    const { values, lasting, next, vault } = await scene();
    await values();
    await next().values();
    expect([lasting.saves, vault.count(/\/login$/)]).toEqual([0, 2]);
  });

  it.each(['', '{', '{"version":2,"leases":[]}', '{"version":1,"leases":[{}]}'])(
    'begins with nothing where the process before left %j',
    async (text) => {
      const { values, lasting, next } = await scene();
      const wanted = { read: { db: { path: 'database/creds/app' } } };
      const first = await values(wanted);
      lasting.text = text;
      expect(await next().values(wanted)).not.toEqual(first);
    },
  );

  it('waits for what the process before left: while that cannot be read, nothing is opened twice', async () => {
    const { values, vault, lasting, next } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app' } } };
    const first = await values(wanted);
    const { load } = lasting;
    lasting.load = () => Promise.reject(new OperatorError('ApiUnavailable', 'not now'));
    const after = next();
    expect(await after.fails(wanted)).toMatchObject({ reason: 'ApiUnavailable' });
    lasting.load = load;
    await after.sessions.close(signal);
    expect(await next().values(wanted)).toEqual(first);
    expect([vault.count(/\/login$/), vault.count(/creds\/app$/)]).toEqual([1, 1]);
  });

  it('logs in when the token of the process before has ended, and not while the server only fails', async () => {
    const { values, vault, next } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app' } } };
    const first = await values(wanted);
    vault.faults.push({ path: /lookup-self$/, status: 503, body: '{"errors":["Vault is sealed"]}' });
    expect(await next().fails(wanted)).toMatchObject({ reason: 'UpstreamUnavailable' });
    vault.faults.length = 0;
    vault.endTokens();
    expect(await next().values(wanted)).not.toEqual(first);
    expect(vault.count(/\/login$/)).toBe(2);
  });

  it('makes another credential when the lease was ended at the server, and none while that only fails', async () => {
    const { opened, fails, vault } = await scene();
    const wanted = { read: { db: { path: 'database/creds/app', field: 'username' } } };
    const userOf = async () => plainJson((await opened(wanted)).value, { redact: false });
    const first = await userOf();
    vault.faults.push({ path: /leases\/renew$/, status: 503, body: '{"errors":["Vault is sealed"]}' });
    const failure = await fails(wanted);
    expect(failure).toMatchObject({ reason: 'UpstreamUnavailable' });
    expect(failure.message).toContain('renew the lease of "database/creds/app"');
    vault.faults.length = 0;
    expect(await userOf()).toEqual(first);
    vault.renewalSeconds = 0;
    expect(await userOf()).not.toEqual(first);
    expect(vault.count(/creds\/app$/)).toBe(2);
  });

  it.each<[why: string, entry: object, reason: string, says: string]>([
    ['a secret that is not there', { path: 'secret/data/none' }, 'InvalidValue', 'read "secret/data/none" at '],
    ['one whose latest version was deleted', { path: 'secret/data/gone' }, 'InvalidValue', 'was deleted'],
    ['one of KV 1', { path: 'kv/none' }, 'InvalidValue', 'there is no such secret'],
    [
      'a right that is missing',
      { path: 'sys/policy' },
      'AccessDenied',
      'has no right to read there, "1 error occurred',
    ],
    ['a path where nothing is mounted', { path: 'nowhere/x' }, 'ScopeNotFound', 'nothing is mounted'],
    [
      'a field that is not there',
      { path: 'kv/app', field: 'pass' },
      'InvalidValue',
      'no field "pass"; it has password, port, user',
    ],
    ['a role of an engine', { path: 'database/creds/none' }, 'UpstreamRejected', 'HTTP 400, "unknown role: none"'],
    ['a path that leads elsewhere', { path: 'kv/../sys' }, 'InvalidSpec', 'is no path'],
    ['a path of slashes', { path: '//' }, 'InvalidSpec', 'is no path'],
  ])('tells %s', async (_, entry, reason, says) => {
    const { fails, vault } = await scene();
    vault.kv2.set('gone', null);
    const failure = await fails({ read: { app: entry } });
    expect(failure.reason).toBe(reason);
    expect(failure.message).toContain('environment "shop/app": values.vault: ');
    expect(failure.message).toContain(says);
  });

  it.each<[why: string, status: number, body: string, reason: string, headers?: Record<string, string>]>([
    ['a sealed server', 503, '{"errors":["Vault is sealed"]}', 'UpstreamUnavailable'],
    [
      'a fault of an engine',
      500,
      '{"errors":["1 error occurred: no connection to the database"]}',
      'UpstreamUnavailable',
    ],
    ['a server that is behind', 412, '{"errors":["required index state not present"]}', 'UpstreamUnavailable'],
    ['too many requests', 429, '{"errors":["rate limit quota exceeded"]}', 'UpstreamThrottled', { 'retry-after': '7' }],
    ['a gateway', 502, '<html>bad gateway</html>', 'UpstreamUnavailable'],
    ['a page in its place', 200, '<html>hello</html>', 'UpstreamInvalid'],
    ['a standby that redirects', 307, '', 'UpstreamInvalid', { location: 'http://other/' }],
    ['an answer without data', 200, '{"lease_id":"","data":null}', 'UpstreamInvalid'],
    ['a 404 of a proxy', 404, 'not found', 'UpstreamInvalid'],
  ])('tells %s', async (_, status, body, reason, headers = {}) => {
    const { fails, open, vault } = await scene();
    await open();
    // A 500 of an engine is tried again by the door; one fault stands for all tries.
    vault.faults.push({ path: /kv\/app$/, status, body, headers });
    expect(await fails()).toMatchObject({ reason });
  });

  it.each<[why: string, login: (vault: VaultDouble) => object, reason: string, says: string]>([
    [
      'a token that is refused',
      ({ url }) => ({ address: url, token: 'hvs.nobody' }),
      'AccessDenied',
      'the token is refused',
    ],
    ['an address that is none', () => ({ address: 'vault:8200', token: 't' }), 'InvalidSpec', 'address'],
    ['an address with a password', () => ({ address: 'https://a:b@vault', token: 't' }), 'InvalidSpec', 'password'],
    ['a host that may not be reached', () => ({ address: 'http://vault.example', token: 't' }), 'HostDenied', 'https'],
  ])('tells %s', async (_, login, reason, says) => {
    const { fails, vault } = await scene();
    const read = { 'fn::open::vault-secrets': { login: login(vault), read: { x: { path: 'kv/app' } } } };
    expect(await fails({ more: { read } })).toMatchObject({ reason, message: expect.stringContaining(says) });
  });

  it('asks before login and read whether the namespace may name the server', async () => {
    const asked: string[] = [];
    const allowed = await scene({
      checkSite: async (namespace, site) => void asked.push(`${namespace} ${site.origin}`),
    });
    await allowed.open();
    expect(asked).toEqual([`shop ${allowed.vault.url}`, `shop ${allowed.vault.url}`]);
    const { fails, vault } = await scene({
      checkSite: () => Promise.reject(new OperatorError('HostDenied', 'not from here')),
    });
    expect(await fails()).toMatchObject({ reason: 'HostDenied' });
    expect(vault.requests).toEqual([]);
  });

  it('takes a 403 for a missing right only of a token that may look itself up', async () => {
    const { fails, vault } = await scene();
    const denied = { status: 403, body: '{"errors":["permission denied"]}' };
    vault.faults.push({ path: /kv\/app$/, ...denied });
    expect((await fails()).message).toContain('has no right to read there');
    expect(vault.count(/\/login$/)).toBe(1);
    vault.faults.push({ path: /lookup-self$/, ...denied });
    expect((await fails()).message).toContain('the token is refused');
    expect(vault.count(/\/login$/)).toBe(2);
  });

  it('leaves a server alone for as long as it asks', async () => {
    const { fails, vault } = await scene();
    vault.faults.push({ path: /kv\/app$/, status: 429, headers: { 'retry-after': '60' } });
    expect((await fails()).retryAfterMs).toBe(60_000);
    const before = vault.count(/kv\/app$/);
    expect(await fails()).toMatchObject({ reason: 'UpstreamThrottled' });
    expect(vault.count(/kv\/app$/)).toBe(before);
  });

  it('repeats no token that a server says back', async () => {
    const { fails, opened, vault } = await scene();
    const { value } = await opened();
    const { login } = plainJson(value, { redact: false }) as { login: { token: string } };
    vault.faults.push({ path: /kv\/app$/, status: 400, body: JSON.stringify({ errors: [`bad ${login.token} here`] }) });
    const { reason, message } = await fails();
    expect(reason).toBe('UpstreamRejected');
    expect(message).not.toContain(login.token.slice(4, 20));
    expect(message).toMatch(/"bad .* here"/);
  });
});
