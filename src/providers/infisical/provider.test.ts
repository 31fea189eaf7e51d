import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Access } from '../../../test/support/infisical-double/access.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { ReadRequest } from '../contract.ts';
import {
  type Bench,
  bench,
  credentialsFrom,
  find,
  plain,
  readOne,
  reasonOf,
  signal,
  value,
} from './provider.fixture.ts';

const project = 'shop';
const environment = 'dev';

describe('reading', () => {
  it('serves many stores, readers and keys of one scope with one login and one list', async () => {
    const { connect, double } = await bench();
    for (const key of ['A', 'B', 'C'])
      double.secrets.set({ project, environment, path: '/', key, value: `value-${key}` });
    const readers = await Promise.all(Array.from({ length: 20 }, (_, i) => connect({}, { holder: `store-${i}` })));
    const notBeforeMs = performance.now();
    const requests = [value('A'), value('B'), find({ nameRegexp: '^C' })];
    const answers = await Promise.all(
      readers.flatMap((reader) => [
        reader.read(requests, { notBeforeMs }, signal),
        reader.validate({ notBeforeMs }, signal).then(() => undefined),
      ]),
    );
    for (const results of answers) {
      if (results === undefined) continue;
      expect(results.map(plain)).toEqual([
        { values: { A: 'value-A' } },
        { values: { B: 'value-B' } },
        { values: { C: 'value-C' } },
      ]);
    }
    expect(double.requests.counts().byKind).toMatchObject({ login: 1, list: 1, get: 0 });
  });

  it('sees a change that was made before the read was due', async () => {
    const { connect, double } = await bench();
    const reader = await connect();
    for (const text of ['one', 'two', 'three']) {
      double.secrets.set({ project, environment, path: '/', key: 'K', value: text });
      expect(await readOne(reader, value('K'))).toEqual({ values: { K: text } });
    }
  });

  it('asks conditionally and keeps what has not changed', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'v' });
    const reader = await connect();
    await readOne(reader, value('K'));
    expect(await readOne(reader, value('K'))).toEqual({ values: { K: 'v' } });
    expect(double.requests.counts().byStatus).toMatchObject({ 304: 1 });
  });

  it('addresses keys without, with leading and with inner slash, and names that need encoding', async () => {
    const { connect, double } = await bench();
    const at = (path: string, key: string) =>
      double.secrets.set({ project, environment, path, key, value: `${path}#${key}` });
    at('/app', 'K');
    at('/app/db', 'K');
    at('/other', 'K');
    at('/', 'with?mark');
    const reader = await connect({ secretsPath: '/app' });
    expect(await readOne(reader, value('K'))).toEqual({ values: { K: '/app#K' } });
    expect(await readOne(reader, value('db/K'))).toEqual({ values: { 'db/K': '/app/db#K' } });
    expect(await readOne(reader, value('../other/K'))).toEqual({ values: { '../other/K': '/other#K' } });
    expect(await readOne(reader, value('/with?mark'))).toEqual({ values: { '/with?mark': '/#with?mark' } });
    expect(await readOne(reader, value('folder/'))).toEqual({ reason: 'InvalidSpec' });
    expect(await readOne(reader, value(''))).toEqual({ reason: 'InvalidSpec' });
  });

  it('names what was probably meant: a key, a property, and a property with a dot in its name', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'API_KEY', value: '{"client.crt":"x","user":"y"}' });
    const reader = await connect();
    const requests = [value('API_KY'), value('API_KEY', 'usr'), value('API_KEY', 'client.crt'), value('OTHER')];
    const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
    const messages = results.map((result) => ('error' in result ? result.error.message : 'no error'));
    expect(messages[0]).toContain('did you mean "API_KEY"?');
    expect(messages[1]).toContain('did you mean "user"?');
    expect(messages[2]).toContain(String.raw`write client\.crt`);
    expect(messages[3]).not.toContain('did you mean');
  });

  it('names the slug or folder that was probably meant, of those that the identity has read', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/billing', key: 'K', value: 'v' });
    await readOne(await connect({ secretsPath: '/billing' }), value('K'));
    const messageOf = async (scope: Parameters<typeof connect>[0], key = 'K') => {
      const reader = await connect(scope);
      const [result] = await reader.read([value(key)], { notBeforeMs: performance.now() }, signal);
      return result !== undefined && 'error' in result ? result.error.message : 'no error';
    };
    expect(await messageOf({ secretsPath: '/biling' })).toContain('did you mean folder "/billing"?');
    expect(await messageOf({}, '/Billing/K')).toContain('did you mean folder "/billing"?');
    expect(await messageOf({ environmentSlug: 'Dev' })).toContain(`did you mean environmentSlug "${environment}"?`);
    expect(await messageOf({ projectSlug: `${project}s` })).toContain(`did you mean projectSlug "${project}"?`);
    expect(await messageOf({ projectSlug: 'else' })).not.toContain('did you mean');
  });

  it('takes properties and members as they are written', async () => {
    const { connect, double } = await bench();
    const json = '{"s":"x","n":1.50,"b":true,"z":null,"o":{"k":"v","n":5},"text":"{\\"i\\":1}"}';
    double.secrets.set({ project, environment, path: '/', key: 'J', value: json });
    double.secrets.set({ project, environment, path: '/', key: 'T', value: 'no json' });
    const reader = await connect();
    const map = (key: string, property?: string) => ({ ...value(key, property), kind: 'map' as const, key });
    const requests = [
      ...['s', 'n', 'b', 'z', 'o', 'absent'].map((property) => value('J', property)),
      value('T', 'x'),
      map('J', 'o'),
      map('J', 'text'),
      map('J', 's'),
      map('T'),
    ];
    const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
    expect(results.map(plain)).toEqual([
      { values: { J: 'x' } },
      { values: { J: '1.50' } },
      { values: { J: 'true' } },
      { values: { J: '' } },
      { values: { J: '{"k":"v","n":5}' } },
      { reason: 'PropertyNotFound' },
      { reason: 'InvalidValue' },
      { values: { k: 'v', n: '5' } },
      { values: { i: '1' } },
      { reason: 'InvalidValue' },
      { reason: 'InvalidValue' },
    ]);
  });

  it('prefers own secrets to imports and the last import to the others, alone and in a search', async () => {
    const { connect, double } = await bench();
    const set = (path: string, key: string) => double.secrets.set({ project, environment, path, key, value: path });
    for (const key of ['OWN', 'BOTH']) set('/first', key);
    for (const key of ['BOTH', 'LAST']) set('/second', key);
    set('/app', 'OWN');
    double.projects.setImports({ project, environment, path: '/app' }, [
      { environment, path: '/first' },
      { environment, path: '/second' },
    ]);
    const reader = await connect({ secretsPath: '/app' });
    const wanted = { OWN: '/app', BOTH: '/second', LAST: '/second' };
    expect(await readOne(reader, find())).toEqual({ values: wanted });
    for (const [key, from] of Object.entries(wanted)) {
      expect(await readOne(reader, value(key))).toEqual({ values: { [key]: from } });
    }
  });

  it('refuses a value that the server hides, for its key alone', async () => {
    const { connect, double } = await bench({ generation: 'newest' });
    double.secrets.set({ project, environment, path: '/', key: 'SEEN', value: 'v' });
    double.secrets.set({ project, environment, path: '/', key: 'HIDDEN', value: 'canary', hidden: true });
    const reader = await connect();
    const results = await reader.read(
      [value('SEEN'), value('HIDDEN'), find()],
      { notBeforeMs: performance.now() },
      signal,
    );
    expect(results.map(plain)).toEqual([
      { values: { SEEN: 'v' } },
      { reason: 'ValueHidden' },
      { reason: 'ValueHidden' },
    ]);
  });
});

describe('errors', () => {
  it('never hold a value or a credential', async () => {
    const { connect, double, material } = await bench({ generation: 'newest' });
    const canary = 'canary-4711';
    double.secrets.set({ project, environment, path: '/', key: 'TEXT', value: canary });
    double.secrets.set({ project, environment, path: '/', key: 'JSON', value: `{"a":"${canary}"}` });
    double.secrets.set({ project, environment, path: '/', key: 'HIDDEN', value: canary, hidden: true });
    const reader = await connect();
    const requests = [value('TEXT', 'x'), value('JSON', 'x'), value('HIDDEN'), { kind: 'map' as const, key: 'TEXT' }];
    const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
    material.set('login/secret', canary);
    const refused = await (await connect())
      .validate({ notBeforeMs: performance.now() }, signal)
      .catch((error: unknown) => error);
    const errors = [...results.map((result) => ('error' in result ? result.error : undefined)), refused];
    expect(errors).toHaveLength(5);
    for (const error of errors) {
      expect(error).toBeInstanceOf(OperatorError);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(canary);
    }
  });
});

describe('searching', () => {
  it('filters by name, by key prefix and by folder, and by both together', async () => {
    const { connect, double } = await bench();
    const set = (path: string, key: string) => double.secrets.set({ project, environment, path, key, value: path });
    for (const key of ['DB_HOST', 'DB_USER', 'API']) set('/app', key);
    set('/app/deep', 'DB_DEEP');
    set('/apple', 'DB_APPLE');
    const flat = await connect({ secretsPath: '/app' });
    expect(keysOf(await readOne(flat, find({ path: 'DB_' })))).toEqual(['DB_HOST', 'DB_USER']);
    expect(keysOf(await readOne(flat, find({ nameRegexp: 'S' })))).toEqual(['DB_HOST', 'DB_USER']);
    expect(keysOf(await readOne(flat, find({ path: 'DB_', nameRegexp: 'T$' })))).toEqual(['DB_HOST']);
    expect(keysOf(await readOne(flat, find({ path: '/app/deep/' })))).toEqual(['DB_DEEP']);
    expect(keysOf(await readOne(flat, find({ nameRegexp: 'NOTHING' })))).toEqual([]);
    expect(await readOne(flat, find({ nameRegexp: '(' }))).toEqual({ reason: 'InvalidSpec' });
    const deep = await connect({ recursive: true });
    expect(keysOf(await readOne(deep, find({ path: '/app' })))).toEqual(['API', 'DB_DEEP', 'DB_HOST', 'DB_USER']);
    expect(keysOf(await readOne(deep, find()))).toContain('DB_APPLE');
  });

  async function marked(generation: '2024-10' | 'newest') {
    const { connect, double } = await bench({ generation });
    const set = (path: string, key: string, traits: object) =>
      double.secrets.set({ project, environment, path, key, value: path, ...traits });
    const metadata = [
      { key: 'team', value: 'shop' },
      { key: 'hidden', value: 'x', isEncrypted: true },
    ];
    set('/', 'PLAIN', {});
    set('/', 'BOTH', { tagIds: ['pci', 'web'], metadata });
    set('/', 'PCI', { tagIds: ['pci'] });
    set('/', 'SAME', {});
    set('/deep', 'SAME', { tagIds: ['web'], metadata });
    set('/shared', 'IMPORTED', { tagIds: ['web'], metadata });
    double.projects.setImports({ project, environment, path: '/' }, [{ environment, path: '/shared' }]);
    return { double, flat: await connect(), deep: await connect({ recursive: true }) };
  }
  const keysOf = (result: Awaited<ReturnType<typeof readOne>>) =>
    'values' in result ? Object.keys(result.values) : result;

  it.each(['2024-10', 'newest'] as const)(
    'finds what carries every tag, from the one list (%s)',
    async (generation) => {
      const { double, flat, deep } = await marked(generation);
      const ask = async (reader: typeof flat, tags: Record<string, string>, more = {}) =>
        keysOf(await readOne(reader, find({ tags, ...more })));
      expect(await ask(flat, { pci: '' })).toEqual(['BOTH', 'PCI']);
      expect(await ask(flat, { pci: '', web: '' })).toEqual(['BOTH']);
      expect(await ask(flat, { pci: '' }, { nameRegexp: '^P' })).toEqual(['PCI']);
      expect(await ask(flat, { unknown: '' })).toEqual([]);
      expect(await ask(flat, {})).toEqual(['BOTH', 'IMPORTED', 'PCI', 'PLAIN', 'SAME']);
      // The one that carries the tag, although a shallower folder has the same key without it.
      expect(await readOne(deep, find({ tags: { web: '' }, nameRegexp: 'SAME' }))).toEqual({
        values: { SAME: '/deep' },
      });
      expect(double.requests.counts().byKind['get']).toBe(0);
    },
  );

  it('finds by metadata where the server has it, and refuses where it has none', async () => {
    const { flat } = await marked('newest');
    expect(keysOf(await readOne(flat, find({ tags: { team: 'shop' } })))).toEqual(['BOTH']);
    expect(keysOf(await readOne(flat, find({ tags: { team: 'shop', web: '' } })))).toEqual(['BOTH']);
    expect(keysOf(await readOne(flat, find({ tags: { team: 'other' } })))).toEqual([]);
    expect(keysOf(await readOne(flat, find({ tags: { hidden: 'x' } })))).toEqual([]);
    const { flat: older } = await marked('2024-10');
    expect(await readOne(older, find({ tags: { team: 'shop' } }))).toEqual({ reason: 'Unsupported' });
  });

  it('lets the shallowest folder win, then path order, and names the losers', async () => {
    const { connect, double } = await bench();
    for (const path of ['/b', '/a', '/a/deep'])
      double.secrets.set({ project, environment, path, key: 'K', value: path });
    const reader = await connect({ recursive: true });
    expect(await readOne(reader, find())).toEqual({ values: { K: '/a' }, shadowed: ['/b/K', '/a/deep/K'] });
  });

  it('drops neighbours whose path merely begins alike', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/my-app', key: 'MINE', value: 'x' });
    double.secrets.set({ project, environment, path: '/my-app-2', key: 'THEIRS', value: 'x' });
    const reader = await connect({ secretsPath: '/my-app', recursive: true });
    expect(await readOne(reader, find())).toEqual({ values: { MINE: 'x' } });
  });
});

describe('a recursive store', () => {
  it('answers keys from the one list that it searches', async () => {
    const { connect, double } = await bench();
    for (const path of ['/', '/a', '/a/b']) double.secrets.set({ project, environment, path, key: 'K', value: path });
    const reader = await connect({ recursive: true });
    const requests = [value('K'), value('a/K'), value('/a/b/K'), find()];
    const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
    expect(results.map(plain)).toMatchObject([
      { values: { K: '/' } },
      { values: { 'a/K': '/a' } },
      { values: { '/a/b/K': '/a/b' } },
      { values: { K: '/' } },
    ]);
    expect(double.requests.counts().byKind).toMatchObject({ list: 1, get: 0 });
  });

  it('looks into the folder itself for a key that may be imported there', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/shared', key: 'IMPORTED', value: 'x' });
    double.secrets.set({ project, environment, path: '/app', key: 'OWN', value: 'y' });
    double.projects.setImports({ project, environment, path: '/app' }, [{ environment, path: '/shared' }]);
    const reader = await connect({ recursive: true });
    expect(await readOne(reader, value('/app/IMPORTED'))).toEqual({ values: { '/app/IMPORTED': 'x' } });
    expect(await readOne(reader, value('/IMPORTED'))).toEqual({ reason: 'SecretNotFound' });
  });
});

describe('what is not there', () => {
  for (const generation of ['2024-10', 'newest'] as const) {
    for (const recursive of [false, true]) {
      it(`is told apart: secret, folder, environment, project (${generation}, recursive ${recursive})`, async () => {
        const { connect, double } = await bench({ generation });
        double.projects.addFolder({ project, environment, path: '/empty' });
        double.secrets.set({ project, environment, path: '/full', key: 'K', value: 'x' });
        const request = value('NOPE');
        const ask = async (scope: object, wanted: ReadRequest) =>
          readOne(await connect({ recursive, ...scope }), wanted);
        expect(await ask({ secretsPath: '/full' }, request)).toEqual({ reason: 'SecretNotFound' });
        expect(await ask({ secretsPath: '/empty' }, request)).toEqual({ reason: 'SecretNotFound' });
        expect(await ask({ secretsPath: '/empty' }, find())).toEqual({ values: {} });
        for (const scope of [{ secretsPath: '/gone' }, { environmentSlug: 'nope' }, { projectSlug: 'nope' }]) {
          expect(await ask(scope, request)).toEqual({ reason: 'ScopeNotFound' });
          expect(await ask(scope, find())).toEqual({ reason: 'ScopeNotFound' });
          const reader = await connect({ recursive, ...scope });
          expect(await reasonOf(reader.validate({ notBeforeMs: performance.now() }, signal))).toBe('ScopeNotFound');
        }
      });
    }
  }

  it('is noticed when a folder that was empty goes away, although its list is the same bytes', async () => {
    const { connect, double } = await bench();
    double.projects.addFolder({ project, environment, path: '/empty' });
    const reader = await connect({ secretsPath: '/empty' });
    expect(await readOne(reader, find())).toEqual({ values: {} });
    expect(await readOne(reader, find())).toEqual({ values: {} });
    double.projects.removeFolder({ project, environment, path: '/empty' });
    expect(await readOne(reader, find())).toEqual({ reason: 'ScopeNotFound' });
  });
});

describe('permissions', () => {
  it('read by name what may not be listed, and say so for a search', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    double.faults.add({
      kind: 'status',
      status: 403,
      body: { statusCode: 403, error: 'PermissionDenied', message: 'You are not allowed to read on secrets' },
      when: { routes: ['list'] },
    });
    const reader = await connect();
    const requests = [value('K'), value('NOPE'), value('x'.repeat(101)), find()];
    const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
    expect(results.map(plain)).toEqual([
      { values: { K: 'x' } },
      { reason: 'SecretNotFound' },
      { reason: 'AccessDenied' },
      { reason: 'AccessDenied' },
    ]);
    expect(await reasonOf(reader.validate({ notBeforeMs: performance.now() }, signal))).toBe('AccessDenied');
    expect(double.requests.counts().byKind.login).toBe(1);
  });

  it('never take a recursive list that looks away for an empty folder', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    double.identities.setAccess('reader', 'shop', { role: 'no-access' });
    expect(await readOne(await connect({ recursive: true }), find())).toEqual({ reason: 'AccessDenied' });
    expect(double.requests.counts().byKind.login).toBe(1);
  });
});

describe('a recursive list that no longer brings a folder', () => {
  const planted = async (access: Access) => {
    const { connect, double } = await bench();
    for (const path of ['/', '/a', '/b'])
      double.secrets.set({ project, environment, path, key: `K${path.slice(1)}`, value: 'x' });
    double.identities.setAccess('reader', 'shop', access);
    const reader = await connect({ recursive: true });
    expect(await readOne(reader, find())).toEqual({ values: { K: 'x', Ka: 'x', Kb: 'x' } });
    return { double, reader };
  };
  const only = (...paths: readonly string[]): Access => ({
    role: 'no-access',
    rights: paths.map((path) => ({ environment, path })),
  });

  it('which may not be read any more is refused, at each refresh, until it may be read again', async () => {
    const { double, reader } = await planted({ role: 'viewer' });
    double.identities.setAccess('reader', 'shop', only('/', '/b'));
    for (let refresh = 0; refresh < 3; refresh++)
      expect(await readOne(reader, find())).toEqual({ reason: 'AccessDenied' });
    double.identities.setAccess('reader', 'shop', { role: 'viewer' });
    expect(await readOne(reader, find())).toEqual({ values: { K: 'x', Ka: 'x', Kb: 'x' } });
  });

  it('which is gone, or has no secrets any more, is left out', async () => {
    const { double, reader } = await planted({ role: 'viewer' });
    double.projects.removeFolder({ project, environment, path: '/a' });
    expect(await readOne(reader, find())).toEqual({ values: { K: 'x', Kb: 'x' } });
    double.secrets.delete({ project, environment, path: '/b', key: 'Kb' });
    expect(await readOne(reader, find())).toEqual({ values: { K: 'x' } });
    double.requests.reset();
    expect(await readOne(reader, find())).toEqual({ values: { K: 'x' } });
    expect(double.requests.counts().byKind).toMatchObject({ list: 1, get: 0 });
  });
});

describe('answers that are none', () => {
  it.each([
    ['a web page', { kind: 'html' }, 'UpstreamInvalid'],
    ['an empty object', { kind: 'empty-object' }, 'UpstreamInvalid'],
    ['a redirect', { kind: 'redirect', location: 'https://elsewhere.example' }, 'UpstreamInvalid'],
    ['a failure', { kind: 'status', status: 500 }, 'UpstreamUnavailable'],
    ['a page of a proxy', { kind: 'status', status: 404, body: '<html></html>' }, 'UpstreamInvalid'],
  ] as const)('%s is an error, for reads and for logins, never "no secrets"', async (_name, fault, reason) => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const id = double.faults.add({ ...fault, when: { routes: ['list', 'get'] } });
    expect(
      await reasonOf((await connect()).read([value('K'), find()], { notBeforeMs: performance.now() }, signal)),
    ).toBe(reason);
    double.faults.remove(id);
    expect(await readOne(await connect(), value('K'))).toEqual({ values: { K: 'x' } });
    double.faults.add({ ...fault, when: { routes: ['login'] } });
    const other = await connect({ organizationSlug: 'other' });
    expect(await reasonOf(other.read([value('K')], { notBeforeMs: performance.now() }, signal))).toBe(reason);
  });

  it('names hostAPI when the address has no such API', async () => {
    const { connect, double } = await bench();
    const reader = await connect({}, { spec: { hostAPI: `${double.url}/wrong/api` } });
    expect(await reasonOf(reader.read([value('K')], { notBeforeMs: performance.now() }, signal))).toBe(
      'UpstreamInvalid',
    );
  });
});

describe('throttling', () => {
  it('stops the identity at that host, in time for nobody to be asked again', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const reader = await connect();
    await readOne(reader, value('K'));
    double.limits.set({ secrets: 1, read: 1, write: 100 });
    double.limits.reset();
    await readOne(reader, value('K'));
    const failure = await reader
      .read([value('K')], { notBeforeMs: performance.now() }, signal)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: 'UpstreamThrottled' });
    const asked = double.requests.counts().total;
    const again = await reader
      .read([value('K')], { notBeforeMs: performance.now() }, signal)
      .catch((error: unknown) => error);
    expect(again).toBeInstanceOf(OperatorError);
    expect(again).toMatchObject({ reason: 'UpstreamThrottled', retryAfterMs: expect.any(Number) });
    expect(double.requests.counts().total).toBe(asked);
    double.limits.set(undefined);
    expect(await readOne(await connectWithToken({ connect, double }), value('K'))).toEqual({ values: { K: 'x' } });
  });
});

describe('sessions', () => {
  it('log in once more when a token ends, whatever the number of scopes that notice', async () => {
    const { connect, double } = await bench();
    for (const path of ['/a', '/b', '/c', '/d'])
      double.secrets.set({ project, environment, path, key: 'K', value: path });
    const reader = await connect();
    const all = ['/a/K', '/b/K', '/c/K', '/d/K'].map((key) => value(key));
    await reader.read(all, { notBeforeMs: performance.now() }, signal);
    double.identities.endTokens('reader');
    const results = await reader.read(all, { notBeforeMs: performance.now() }, signal);
    expect(results.map((result) => 'values' in result)).toEqual([true, true, true, true]);
    expect(double.requests.counts().byKind.login).toBe(2);
  });

  it('fail fast after a refused login, and recover at once with other credentials', async () => {
    const { connect, double, material } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const good = material.get('login/secret') ?? '';
    material.set('login/secret', 'wrong');
    const reader = await connect();
    for (let i = 0; i < 5; i++) {
      expect(await reasonOf(reader.read([value('K')], { notBeforeMs: performance.now() }, signal))).toBe(
        'LoginRejected',
      );
    }
    expect(double.requests.counts().byKind.login).toBe(1);
    material.set('login/secret', `${good}\n`);
    expect(await readOne(await connect(), value('K'))).toEqual({ values: { K: 'x' } });
  });

  it('name block, Secret and keys in a refusal, each store its own, though the refusal is shared', async () => {
    const { connect, material } = await bench();
    material.set('login/secret', 'wrong');
    for (const [name, text] of Array.from(material)) material.set(name.replace('login/', 'second/'), text);
    const second = { name: 'second', key: 'id' };
    const auth = { universalAuthCredentials: { clientId: second, clientSecret: { ...second, key: 'secret' } } };
    const stores = [
      await connect({}, { context: { storeNamespace: 'shop' } }),
      await connect({}, { context: { storeNamespace: 'other' }, spec: { auth } }),
    ];
    const texts = stores.map(async (reader) => {
      const failing = reader.read([value('K')], { notBeforeMs: performance.now() }, signal);
      const refusal = await failing.catch((error: unknown) => error);
      return refusal instanceof OperatorError ? refusal.message : 'none';
    });
    const [one, other] = await Promise.all(texts);
    expect(one).toContain(
      'infisical.auth.universalAuthCredentials, from Secret "shop/login" (id, secret): log in with',
    );
    expect(other).toContain('Secret "other/second" (id, secret): log in with');
    expect(other).not.toContain('shop/login');
  });

  it('revoke the token of the last store that goes, and never a token that was given', async () => {
    const { connect, double, release } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const [one, two] = [await connect({}, { holder: 'one' }), await connect({}, { holder: 'two' })];
    await Promise.all([readOne(one, value('K')), readOne(two, value('K'))]);
    const withToken = await connectWithToken({ connect, double }, 'given');
    await readOne(withToken, value('K'));
    release('given');
    release('one');
    expect(await readOne(two, value('K'))).toEqual({ values: { K: 'x' } });
    expect(double.requests.counts().byKind.revoke).toBe(0);
    release('two');
    await expect.poll(() => double.requests.counts().byKind.revoke).toBe(1);
    expect(await readOne(withToken, value('K'))).toEqual({ values: { K: 'x' } });
  });

  it('are not shared between credentials, hosts spelled alike or organisations', async () => {
    const { connect, double } = await bench();
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const readers = [
      await connect(),
      await connect({}, { spec: { hostAPI: `${double.url}/api/` } }),
      await connect({ organizationSlug: 'sub' }),
      await connectWithToken({ connect, double }),
    ];
    for (const reader of readers) expect(await readOne(reader, value('K'))).toEqual({ values: { K: 'x' } });
    expect(new Set(readers.map(({ phaseKey }) => phaseKey)).size).toBe(3);
    expect(double.requests.counts().byKind.login).toBe(2);
  });
});

describe('connecting', () => {
  it.each([
    ['an empty project slug', { projectSlug: ' ' }, {}],
    ['an empty environment slug', { environmentSlug: '' }, {}],
    ['a folder without leading slash', { secretsPath: 'app' }, {}],
    ['a folder with a character that servers do not take', { secretsPath: '/my app' }, {}],
    ['a host that is no URL', {}, { hostAPI: 'app.infisical.com' }],
    ['no login block', {}, { auth: {} }],
    [
      'two login blocks',
      {},
      { auth: { tokenAuthCredentials: { accessToken: {} }, awsAuthCredentials: { identityId: {} } } },
    ],
  ])('refuses %s', async (_name, scope, spec) => {
    const { connect } = await bench();
    expect(await reasonOf(connect(scope, { spec }))).toBe('InvalidSpec');
  });

  it('refuses an identity that is not the store’s to use, a blank credential and a bundle without certificate', async () => {
    const { connect, material } = await bench();
    const method = { auth: { awsAuthCredentials: { identityId: {} } } };
    expect(await reasonOf(connect({}, { spec: method }))).toBe('IdentityDenied');
    expect(await reasonOf(connect({}, { spec: { caBundle: 'bm90IGEgY2VydA==' } }))).toBe('InvalidCredential');
    material.set('login/secret', ' \n');
    expect(await reasonOf(connect())).toBe('InvalidCredential');
  });

  it('trusts the authority of a bundle in base64, once or twice encoded, and of a provider', async () => {
    const { connect, double } = await bench({ tls: true });
    double.secrets.set({ project, environment, path: '/', key: 'K', value: 'x' });
    const pem = double.caPem ?? '';
    const once = Buffer.from(pem).toString('base64');
    const twice = Buffer.from(once).toString('base64');
    for (const caBundle of [pem, once, twice]) {
      expect(await readOne(await connect({}, { spec: { caBundle } }), value('K'))).toEqual({ values: { K: 'x' } });
    }
    const caProvider = { type: 'ConfigMap' as const, name: 'ca', key: 'pem' };
    const byProvider = await connect({}, { spec: { caProvider }, context: { caText: async () => pem } });
    expect(await readOne(byProvider, value('K'))).toEqual({ values: { K: 'x' } });
    const unverified = (await connect()).read([value('K')], { notBeforeMs: performance.now() }, signal);
    expect(await reasonOf(unverified)).toBe('UpstreamUnavailable');
  });
});

/** A store of the identity `other`, which logs in nowhere. */
async function connectWithToken({ connect, double }: Pick<Bench, 'connect' | 'double'>, holder = 'token-store') {
  double.identities.add({ name: 'other', universal: {}, access: { shop: { role: 'viewer' } } });
  const credentials = credentialsFrom(new Map([['token/value', `${double.identities.issueToken('other')}\n`]]));
  const spec = { auth: { tokenAuthCredentials: { accessToken: { name: 'token', key: 'value' } } } };
  return connect({}, { holder, spec, context: { credentials } });
}
