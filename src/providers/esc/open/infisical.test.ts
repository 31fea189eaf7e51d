import { describe, expect, it } from 'vitest';
import { asOperatorError } from '../../../base/operator-error.ts';
import { plainJson } from '../../../core/esc/export.ts';
import { type Bench, bench, signal } from '../../infisical/provider.fixture.ts';
import { clusterOf } from '../esc.fixture.ts';
import { openEnvironment } from '../evaluation.ts';
import { noOthers } from './opening.fixture.ts';
import { escProviders } from './table.ts';

async function open(
  made: Bench,
  { login = {}, get = {}, notBeforeMs = 0 }: { login?: object; get?: object; notBeforeMs?: number },
) {
  const { double, material } = made;
  const clientSecret = { 'fn::secret': material.get('login/secret') };
  const values = {
    login: {
      'fn::open::infisical-login': {
        siteUrl: double.url,
        static: { clientId: material.get('login/id'), clientSecret },
        ...login,
      },
    },
    read: { 'fn::open::infisical-secrets': { login: '${login}', get } },
  };
  const ports = {
    cluster: clusterOf({ environments: { 'shop/app': { values } } }),
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
    const opened = await openEnvironment(order, ports, signal);
    return plainJson(opened.value, { redact: false });
  } catch (thrown) {
    return asOperatorError(thrown);
  }
}

async function scene() {
  const made = await bench();
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

  it('share the session with stores, and end it with the holder', async () => {
    const { made, entry } = await scene();
    await open(made, { get: { a: entry } });
    expect(made.sessions.size).toBe(1);
    made.release('store');
    expect(made.sessions.size).toBe(0);
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

  it('refuse two ways to log in', async () => {
    const { made, entry } = await scene();
    const oidc = { identityId: '8ad070b4-fa87-4f99-b217-e4668ba01f6a' };
    expect(await open(made, { login: { oidc }, get: { a: entry } })).toMatchObject({ reason: 'InvalidSpec' });
  });
});
