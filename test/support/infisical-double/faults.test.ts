import { get } from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type InfisicalDouble, startInfisicalDouble } from './double.ts';
import type { Fault } from './faults.ts';
import { sampleSeed } from './seed.ts';
import { ask } from './test-client.ts';

const list = '/api/v3/secrets/raw?workspaceSlug=my-project&environment=dev&secretPath=/';
let double: InfisicalDouble;
let token: string;

beforeEach(async () => {
  double = await startInfisicalDouble({ seed: sampleSeed(), admin: {} });
  token = double.identities.issueToken('operator');
});
afterEach(() => double.stop());

/** What a client gets, or the code of the error it ends with. */
function outcome(path = list): Promise<string> {
  return ask(double.url, path, { token }).then(
    ({ status, headers, body }) =>
      `${status} ${headers['content-type'] ?? 'no type'} ${body === '' ? 'empty' : 'body'}`,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

describe('faults', () => {
  const usual = '200 application/json; charset=utf-8 body';
  const outcomes: readonly [Fault, string][] = [
    [{ kind: 'status', status: 503 }, '503 application/json; charset=utf-8 body'],
    [{ kind: 'status', status: 502, body: null }, '502 no type empty'],
    [{ kind: 'status', status: 504, body: 'gateway' }, '504 text/plain body'],
    [{ kind: 'html' }, '200 text/html; charset=utf-8 body'],
    [{ kind: 'empty-object' }, usual],
    [{ kind: 'reset' }, 'ECONNRESET'],
    [{ kind: 'truncated' }, 'ECONNRESET'],
    [{ kind: 'redirect', location: 'http://elsewhere.example/' }, '302 no type empty'],
    [{ kind: 'latency', delayMs: 5 }, usual],
  ];
  it.each(outcomes)('make a list end in what they say: %o', async (fault, expected) => {
    double.faults.add(fault);
    expect(await outcome()).toBe(expected);
    double.faults.clear();
    expect(await outcome()).toBe(usual);
  });

  it('let an answer trickle, whole in the end', async () => {
    double.faults.add({ kind: 'trickle', intervalMs: 0, when: { routes: ['status'] } });
    expect((await ask(double.url, '/api/status')).json.message).toBe('Ok');
  });

  it('hang a request until the server is stopped', async () => {
    double.faults.add({ kind: 'hang' });
    const pending = outcome();
    while (double.requests.counts().inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    await double.down();
    expect(await pending).toBe('ECONNRESET');
    expect(double.requests.counts().inFlight).toBe(0);
  });

  it('touch only what their scope names, and only as often as it says', async () => {
    double.faults.add({ kind: 'status', status: 500, times: 1, when: { routes: ['list'], path: '/my-app' } });
    expect(await outcome()).toBe(usual);
    expect(await outcome(list.replace('secretPath=/', 'secretPath=/my-app'))).toMatch(/^500/);
    expect(await outcome(list.replace('secretPath=/', 'secretPath=/my-app'))).toBe(usual);
  });

  it('let the server go away and come back on its port', async () => {
    await double.down();
    expect(await outcome()).toBe('ECONNREFUSED');
    await double.up();
    expect(await outcome()).toBe(usual);
  });
});

describe('TLS', () => {
  it('is served with a certificate of its own authority', async () => {
    const secure = await startInfisicalDouble({ tls: true });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      get(`${secure.url}/api/status`, { ca: secure.caPem, agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
    expect(status).toBe(200);
    await secure.stop();
  });
});

describe('the admin API', () => {
  const admin = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await ask(String(double.adminUrl), path, { method, body });
    return { status, json };
  };

  it('changes secrets, and tells versions but no value', async () => {
    const address = { environment: 'dev', key: 'API_KEY' };
    await admin('PUT', '/secrets', { ...address, value: 'canary' });
    const found = await admin('GET', '/secrets?environment=dev&key=API_KEY');
    expect(found.json.version).toBe(2);
    expect(JSON.stringify(found)).not.toContain('canary');
    await admin('DELETE', '/secrets', address);
    expect((await admin('GET', '/secrets?environment=dev&key=API_KEY')).status).toBe(404);
  });

  it('makes projects, folders, imports and identities', async () => {
    await admin('PUT', '/projects', { slug: 'second', secrets: { dev: { '/x': { K: 'v' } } } });
    await admin('PUT', '/imports', {
      project: 'second',
      environment: 'dev',
      path: '/y',
      from: [{ environment: 'dev', path: '/x' }],
    });
    const made = await admin('PUT', '/identities', {
      name: 'i',
      universal: {},
      access: { second: { role: 'viewer' } },
    });
    expect(made.json.clientSecret).toMatch(/^[0-9a-f]{64}$/);
    expect((await admin('POST', '/identities/token', { name: 'i' })).json.accessToken).toContain('.');
    expect(double.secrets.find({ project: 'second', environment: 'dev', path: '/x', key: 'K' })?.value).toBe('v');
  });

  it('adds and removes faults, counts requests, and takes the server away for a while', async () => {
    const { json } = await admin('POST', '/faults', { kind: 'status', status: 503, when: { routes: ['list'] } });
    expect((await admin('GET', '/faults')).json.faults).toHaveLength(1);
    expect((await admin('DELETE', '/faults', { id: json.id })).status).toBe(200);
    expect((await admin('DELETE', '/faults', { id: json.id })).status).toBe(404);
    expect((await admin('GET', '/requests')).json).toMatchObject({ total: 0, byKind: { list: 0 } });
    await admin('POST', '/down', { forMs: 1 });
    while ((await outcome()) === 'ECONNREFUSED')
      await new Promise((resolve) => systemClock.after(1, () => resolve(null)));
  });

  const wrong: readonly [string, string, unknown][] = [
    ['PUT', '/secrets', { environment: 'dev' }],
    ['PUT', '/secrets', { environment: 'nowhere', key: 'K', value: 'v' }],
    ['POST', '/faults', { kind: 'earthquake' }],
    ['POST', '/faults', { kind: 'status', status: 500, when: { route: 'list' } }],
    ['PUT', '/identities', { name: 'x', universal: { secret: '1' } }],
  ];
  it.each(wrong)('refuses %s %s %o with a line that says why', async (method, path, body) => {
    const answer = await admin(method, path, body);
    expect(answer.status).toBe(400);
    expect(answer.json.error).not.toContain('\n');
  });
});

describe('the request log', () => {
  it('counts by kind, scope and status, and keeps names but no token', async () => {
    await ask(double.url, list, { token, headers: { 'user-agent': 'tester' } });
    await ask(double.url, list, { token });
    await ask(double.url, '/api/nope', { token });
    const counts = double.requests.counts();
    expect(counts).toMatchObject({
      total: 3,
      byKind: { list: 2, other: 1 },
      byScope: { 'my-project dev /': { list: 2, get: 0 } },
    });
    const recent = double.requests.recent();
    expect(recent[0]).toMatchObject({ kind: 'list', status: 200, identity: 'operator', userAgent: 'tester' });
    expect(JSON.stringify(recent)).not.toContain(token);
    double.requests.reset();
    expect(double.requests.counts().total).toBe(0);
  });
});
