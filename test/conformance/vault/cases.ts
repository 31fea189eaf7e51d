// What a Vault makes of what the operator asks of it, the same for a real server and for the double: each case opens an
// Environment through the operator's own client and looks at the outcome.
import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { readerJwt, type VaultDesk, type VaultWanted } from '../../../src/providers/esc/open/vault.fixture.ts';
import type { VaultAdmin } from './world.ts';

export interface VaultCase {
  readonly name: string;
  /** It waits for lives to run, which the double does not have. */
  readonly takesTime?: true;
  /** Throws where the outcome is another one. */
  run(desk: VaultDesk, admin: VaultAdmin): Promise<void>;
}

const creds = (role: string): VaultWanted => ({ read: { db: { path: `database/creds/${role}`, field: 'username' } } });

function refused(name: string, wanted: VaultWanted, reason: string, says: RegExp): VaultCase {
  return {
    name: `tells ${name}`,
    async run({ fails }) {
      const failure = await fails(wanted);
      strictEqual(failure.reason, reason, failure.message);
      match(failure.message, says);
    },
  };
}

const byJwt = (changes: object): VaultWanted => ({ login: { jwt: { ...readerJwt, ...changes } } });
const byPath = (path: string, more: object = {}): VaultWanted => ({ read: { app: { path, ...more } } });

export const vaultCases: readonly VaultCase[] = [
  {
    name: 'gives a secret of KV 1 whole to a token of a ServiceAccount',
    async run({ open }) {
      deepStrictEqual(await open(), { app: { password: 'of-kv-one', port: 5432, user: 'app' } });
    },
  },
  {
    name: 'gives a secret of KV 2 by its full and its short path, and a field of it',
    async run({ values }) {
      const read = { full: { path: 'secret/data/app' }, short: { path: 'secret/app', field: 'nested' } };
      const { vault } = await values({ read });
      deepStrictEqual(vault['short'], { deep: [1, null] });
      deepStrictEqual(Object(vault['full']).data, { password: 'of-kv-two', nested: { deep: [1, null] } });
    },
  },
  {
    name: 'takes an AppRole',
    async run({ open }) {
      const appRole = { roleId: 'robots', secretId: 'id-of-secret-1234' };
      deepStrictEqual(await open({ login: { appRole }, ...byPath('kv/app', { field: 'port' }) }), { app: 5432 });
    },
  },
  {
    name: 'makes a token below another, with policies and a life of its own',
    async run({ values }, { ask }) {
      const parent = await ask('POST', 'auth/token/create', { policies: ['read', 'parent'] });
      const { client_token: token } = Object(parent.json).auth;
      const { login, vault } = await values({
        login: { token: { token, policies: ['read'], maxTtl: '30m', displayName: 'shop', metadata: { team: 'a' } } },
        ...byPath('kv/app', { field: 'port' }),
      });
      strictEqual(vault['app'], 5432);
      const { json } = await ask('POST', 'auth/token/lookup', { token: login.token });
      const { policies, explicit_max_ttl: mostSeconds, meta } = Object(json).data;
      deepStrictEqual([policies, mostSeconds, meta], [['default', 'read'], 1_800, { team: 'a' }]);
    },
  },
  {
    name: 'revokes a token that it gave, and what was leased with it, only when all that was given is to end',
    async run({ values, sessions }, { ask }) {
      const { login, vault } = await values({ ...byJwt({ role: 'reader' }), ...creds('app') });
      sessions.release('store');
      const look = () => ask('POST', 'auth/token/lookup', { token: login.token }, [200, 403]);
      strictEqual((await look()).status, 200);
      deepStrictEqual((await values(creds('app'))).vault, vault);
      await sessions.close(AbortSignal.timeout(5_000), { given: true });
      strictEqual((await look()).status, 403);
    },
  },
  {
    name: 'lets a token that was ended early be followed by another, at once',
    async run({ values }, { ask }) {
      const { login } = await values();
      await ask('POST', 'auth/token/revoke', { token: login.token });
      const { login: next, vault } = await values();
      notStrictEqual(next.token, login.token);
      ok('app' in vault);
    },
  },
  {
    name: 'renews a lease in place of making another credential, and says how long it is good for',
    async run({ values, opened }) {
      const { vault } = await values(creds('app'));
      deepStrictEqual((await values(creds('app'))).vault, vault);
      const { lifetimeMs = 0 } = await opened(creds('app'));
      ok(lifetimeMs > 590_000 && lifetimeMs <= 600_000, `good for ${lifetimeMs} ms`);
    },
  },
  {
    name: 'goes on with token and credential of the process before',
    async run({ values, next }) {
      const first = await values(creds('app'));
      deepStrictEqual(await next().values(creds('app')), first);
    },
  },
  {
    name: 'makes another credential when the token of the process before was ended',
    async run({ values, next }, { ask }) {
      const first = await values(creds('app'));
      await ask('POST', 'auth/token/revoke', { token: first.login.token });
      const second = await next().values(creds('app'));
      notStrictEqual(second.login.token, first.login.token);
      notStrictEqual(second.vault['db'], first.vault['db']);
    },
  },
  {
    name: 'makes another credential when the lease was ended there',
    async run({ values }, { ask }) {
      const first = await values(creds('app'));
      await ask('POST', 'sys/leases/revoke-prefix/database/creds/app');
      const next = await values(creds('app'));
      notStrictEqual(next.vault['db'], first.vault['db']);
      strictEqual(next.login.token, first.login.token);
    },
  },
  {
    name: 'makes another credential when renewing gives little more time',
    takesTime: true,
    async run({ values }) {
      const { vault } = await values(creds('short'));
      await sleep(2_500);
      deepStrictEqual((await values(creds('short'))).vault, vault);
      await sleep(2_500);
      notStrictEqual((await values(creds('short'))).vault['db'], vault['db']);
    },
  },
  {
    name: 'lets the token of a login live on beyond its first life',
    takesTime: true,
    async run({ values }) {
      const wanted = { ...byJwt({ role: 'brief' }), ...creds('app') };
      const first = await values(wanted);
      // It lives 5 s, and is renewed by whoever uses it in the last of them.
      for (const end = Date.now() + 7_000; Date.now() < end; await sleep(100)) await values(wanted);
      deepStrictEqual(await values(wanted), first);
    },
  },
  refused('a role that is not there', byJwt({ role: 'nobody' }), 'LoginRejected', /could not be found/),
  refused('another audience', byJwt({ audience: 'other' }), 'LoginRejected', /audience/),
  refused(
    'another ServiceAccount',
    byJwt({ serviceAccount: 'other' }),
    'LoginRejected',
    /ServiceAccount "shop\/other"/,
  ),
  refused(
    'a login method that is not there',
    byJwt({ mount: 'none' }),
    'LoginRejected',
    /permission denied|no handler/,
  ),
  refused(
    'a wrong id of a secret',
    { login: { appRole: { roleId: 'robots', secretId: 'id-of-secret-9999' } } },
    'LoginRejected',
    /invalid (?:role or )?secret[ _][iI][dD]/i,
  ),
  refused('a token that is none', { login: { token: { token: 'hvs.nobody' } } }, 'LoginRejected', /refused/),
  refused('a secret of KV 1 that is not there', byPath('kv/none'), 'InvalidValue', /there is no such secret/),
  refused('a secret of KV 2 that is not there', byPath('secret/data/none'), 'InvalidValue', /there is no such secret/),
  refused('one whose latest version was deleted', byPath('secret/data/gone'), 'InvalidValue', /was deleted/),
  refused('a field that is not there', byPath('kv/app', { field: 'x' }), 'InvalidValue', /has password, port, user/),
  refused('a right that is missing', byPath('sys/policy'), 'AccessDenied', /has no right to read there/),
  refused('a path where nothing is mounted', byPath('nowhere/x'), 'ScopeNotFound', /nothing is mounted/),
  refused('a role that the engine does not know', byPath('database/creds/none'), 'UpstreamRejected', /unknown role/),
];
