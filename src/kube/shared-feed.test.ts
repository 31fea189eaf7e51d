// Names beyond those that have watches of their own, on real sockets.
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import {
  answer,
  type ScriptedApiServer,
  type SeenRequest,
  scriptedApiServer,
  status,
  until,
} from '../../test/support/scripted-api-server.ts';
import { ObjectWatcher, type ObjectWatcherOptions } from './by-name.ts';
import { reasonIn, reasonOf } from './transport.fixture.ts';
import { createTransport } from './transport.ts';
import { keyOf, type ObjectName, type Resource, type Secret } from './types.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const cleanUps: (() => unknown)[] = [];
/** Names that get watches of their own. */
const own = 16;

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Secrets, and the watches on them: as much of an API server as following names needs. */
class Secrets {
  readonly #objects = new Map<string, Secret>();
  readonly #watches = new Set<{ readonly request: SeenRequest; readonly response: ServerResponse }>();
  #version = 100;
  /** Whether a request gets 403 instead. */
  denies: (request: SeenRequest) => boolean = () => false;
  /** What each watch of many names was sent. */
  readonly sentToMany: string[] = [];
  mostConnections = 0;

  readonly script = (request: SeenRequest, response: ServerResponse): void => {
    if (this.denies(request)) answer(response, 403, status(403, 'Forbidden'));
    else if (request.url.searchParams.has('watch')) this.#watch(request, response);
    else {
      const items = this.#selected(request);
      answer(response, 200, { metadata: { resourceVersion: String(this.#version) }, items });
    }
  };

  #watch(request: SeenRequest, response: ServerResponse): void {
    const watch = { request, response };
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    response.writeHead(200);
    response.flushHeaders();
    if (request.url.searchParams.get('sendInitialEvents') !== 'true') return;
    for (const object of this.#selected(request)) this.#send(watch, 'ADDED', object);
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const metadata = { resourceVersion: String(this.#version), annotations };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
  }

  put(name: ObjectName, value: string): void {
    const key = keyOf(name);
    const type = this.#objects.has(key) ? 'MODIFIED' : 'ADDED';
    const resourceVersion = String(++this.#version);
    const metadata = { name: name.name, namespace: name.namespace ?? '', uid: `uid of ${key}`, resourceVersion };
    const object: Secret = { kind: 'Secret', apiVersion: 'v1', metadata, data: { value } };
    this.#objects.set(key, object);
    this.#tell(type, object);
  }

  remove(name: ObjectName): void {
    const gone = this.#objects.get(keyOf(name));
    this.#objects.delete(keyOf(name));
    if (gone === undefined) return;
    this.#tell('DELETED', { ...gone, metadata: { ...gone.metadata, resourceVersion: String(++this.#version) } });
  }

  /** Ends the watches of many names; they resume, or must list anew when `isExpired`. */
  endShared({ isExpired = false } = {}): void {
    for (const { request, response } of this.#watches) {
      if (request.url.searchParams.has('fieldSelector')) continue;
      if (isExpired) response.write(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`);
      response.end();
    }
  }

  #tell(type: string, object: Secret): void {
    for (const watch of this.#watches) if (isSelected(watch.request, object)) this.#send(watch, type, object);
  }

  #selected(request: SeenRequest): Secret[] {
    return [...this.#objects.values()].filter((object) => isSelected(request, object));
  }

  #send({ request, response }: { request: SeenRequest; response: ServerResponse }, type: string, object: Secret): void {
    const isPartial = String(request.headers.accept).includes('as=PartialObjectMetadata;');
    const { metadata } = object;
    const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
    const line = JSON.stringify({ type, object: isPartial ? partial : object });
    if (!request.url.searchParams.has('fieldSelector')) this.sentToMany.push(line);
    response.write(`${line}\n`);
  }
}

function isSelected({ url }: SeenRequest, { metadata }: Secret): boolean {
  const namespace = /\/namespaces\/([^/]+)\//.exec(url.pathname)?.[1];
  const name = url.searchParams.get('fieldSelector')?.replace('metadata.name=', '');
  return (namespace ?? metadata.namespace) === metadata.namespace && (name ?? metadata.name) === metadata.name;
}

async function setUp(options: ObjectWatcherOptions = {}) {
  const api = new Secrets();
  const server: ScriptedApiServer = await scriptedApiServer((request, response) => {
    const { calls, watches } = transport.socketCount();
    api.mostConnections = Math.max(api.mostConnections, calls + watches);
    api.script(request, response);
  });
  const clock = new FakeClock();
  const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
  const watcher = new ObjectWatcher({ transport, clock, log: silent, random: () => 0 }, options);
  cleanUps.push(
    () => watcher.close(),
    () => transport.close(),
    () => server.close(),
  );
  const told: string[] = [];
  watcher.subscribe((_resource, name) => told.push(keyOf(name)));
  const valueAt = async (name: ObjectName) => (await watcher.read<Secret>(secrets, name, never))?.data?.['value'];
  const watchesOfMany = () =>
    server.requests.filter(({ url }) => url.searchParams.has('watch') && !url.searchParams.has('fieldSelector'));
  /** Holds so many other names that the next ones share a watch. */
  const fill = async (namespace = 'full') => {
    for (let i = 0; i < own; i++) watcher.hold(secrets, { namespace, name: `own-${i}` }, 'filler');
    await Promise.all(
      Array.from({ length: own }, (_, i) => watcher.read(secrets, { namespace, name: `own-${i}` }, never)),
    );
  };
  return { api, server, clock, transport, watcher, told, valueAt, watchesOfMany, fill };
}

/** Until the condition holds, by small steps of the clock. */
async function stepUntil(clock: FakeClock, condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await clock.advance(100);
  expect(condition()).toBe(true);
}

const login = { namespace: 'ns', name: 'login' };

describe('names that share a watch', () => {
  it('follows 2,000 names in 100 namespaces by 50 connections at most, and tells each change once', async () => {
    const { api, watcher, told, valueAt, transport } = await setUp();
    const names = Array.from({ length: 2_000 }, (_, i) => ({ namespace: `ns-${i % 100}`, name: `login-${i}` }));
    for (const name of names) api.put(name, 'b2xk');
    for (const [i, name] of names.entries()) watcher.hold(secrets, name, `store-${i % 300}`);
    expect(new Set(await Promise.all(names.map(valueAt)))).toEqual(new Set(['b2xk']));
    for (const name of names) api.put(name, 'bmV3');
    await until(() => told.length >= names.length);
    expect(new Set(await Promise.all(names.map(valueAt)))).toEqual(new Set(['bmV3']));
    expect(told.toSorted()).toEqual(names.map(keyOf).toSorted());
    const { calls, watches } = transport.socketCount();
    expect(Math.max(api.mostConnections, calls + watches)).toBeLessThanOrEqual(50);
  }, 20_000);

  it('asks for metadata alone, so that values of other objects never travel', async () => {
    const { api, watcher, valueAt, watchesOfMany, fill } = await setUp();
    api.put({ namespace: 'ns', name: 'somebody-elses' }, 'Y2FuYXJ5');
    api.put(login, 'b2xk');
    await fill();
    watcher.hold(secrets, login, 'store');
    expect(await valueAt(login)).toBe('b2xk');
    await until(() => api.sentToMany.length === 2);
    api.put({ namespace: 'ns', name: 'somebody-elses' }, 'Y2FuYXJ5');
    await until(() => api.sentToMany.length === 3);
    expect(api.sentToMany.join()).not.toContain('Y2FuYXJ5');
    expect(watchesOfMany().map(({ url }) => url.pathname)).toEqual(['/api/v1/namespaces/ns/secrets']);
  });

  it('tells when an object appears, changes and goes, and is silent about others', async () => {
    const { api, watcher, told, valueAt, fill } = await setUp();
    await fill();
    watcher.hold(secrets, login, 'store');
    expect(watcher.get(secrets, login)).toBe('unknown');
    expect(await valueAt(login)).toBeUndefined();
    api.put({ namespace: 'ns', name: 'other' }, 'YQ==');
    api.put({ namespace: 'elsewhere', name: 'login' }, 'YQ==');
    for (const value of ['Yg==', 'Yw==', undefined, 'ZA==']) {
      const before = told.length;
      if (value === undefined) api.remove(login);
      else api.put(login, value);
      await until(() => told.length > before);
      expect(await valueAt(login)).toBe(value);
    }
    expect(told).toEqual(Array.from({ length: 4 }, () => 'ns/login'));
  });

  it('hears of what happened while its watch was away', async () => {
    const { api, clock, watcher, told, valueAt, watchesOfMany, fill } = await setUp();
    const second = { namespace: 'ns', name: 'second' };
    api.put(login, 'b2xk');
    api.put(second, 'b2xk');
    await fill();
    for (const name of [login, second]) watcher.hold(secrets, name, 'store');
    for (const name of [login, second]) await valueAt(name);
    await until(() => api.sentToMany.length >= 2);
    api.denies = ({ url }) => url.searchParams.has('watch');
    api.endShared({ isExpired: true });
    await stepUntil(clock, () => watchesOfMany().length >= 2);
    api.put(login, 'bmV3');
    api.remove(second);
    api.denies = () => false;
    await stepUntil(clock, () => told.length >= 2);
    expect(told.toSorted()).toEqual(['ns/login', 'ns/second']);
    expect([await valueAt(login), await valueAt(second)]).toEqual(['bmV3', undefined]);
  });

  it('asks for each name in turn while the watch of its namespace is denied, and stops when it may watch', async () => {
    const { api, server, clock, watcher, told, valueAt, fill } = await setUp();
    const names = Array.from({ length: 50 }, (_, i) => ({ namespace: 'ns', name: `login-${i}` }));
    for (const name of names) api.put(name, 'b2xk');
    await fill();
    api.denies = ({ url }) => !url.searchParams.has('fieldSelector');
    for (const name of names) watcher.hold(secrets, name, 'store');
    for (const name of names) expect(await valueAt(name)).toBe('b2xk');
    await stepUntil(clock, () => server.requests.some((request) => api.denies(request)));
    const before = server.requests.length;
    api.put(names[7] ?? login, 'bmV3');
    await stepUntil(clock, () => told.length > 0);
    expect(told).toEqual(['ns/login-7']);
    expect(server.requests.length - before).toBeLessThanOrEqual(2 * names.length + 20);
    api.denies = () => false;
    const watching = () => api.sentToMany.length >= names.length;
    await stepUntil(clock, watching);
    const asked = server.requests.length;
    api.put(names[8] ?? login, 'bmV3');
    await until(() => told.length > 1);
    for (let i = 0; i < 100; i++) await clock.advance(1_000);
    expect(server.requests.length - asked).toBeLessThanOrEqual(2);
  });

  it('tells readers at once that a name may not be read, and whoever was refused when it may', async () => {
    const { api, clock, watcher, told, valueAt, fill } = await setUp();
    api.put(login, 'b2xk');
    await fill();
    api.denies = () => true;
    watcher.hold(secrets, login, 'store');
    expect(await reasonOf(watcher.read(secrets, login, never))).toBe('ApiDenied');
    api.denies = () => false;
    await stepUntil(clock, () => told.length > 0);
    expect(await valueAt(login)).toBe('b2xk');
  });

  it('keeps as much of what it read as it may, and reads the rest again', async () => {
    const { api, watcher, server, valueAt, fill } = await setUp({ keptMax: 1_000 });
    const names = Array.from({ length: 10 }, (_, i) => ({ namespace: 'ns', name: `login-${i}` }));
    for (const name of names) api.put(name, 'x'.repeat(400));
    await fill();
    for (const name of names) watcher.hold(secrets, name, 'store');
    for (const name of names) await valueAt(name);
    const known = names.filter((name) => watcher.get(secrets, name) !== 'unknown');
    expect(known.length).toBeLessThanOrEqual(2);
    const asked = server.requests.length;
    for (const name of names) expect(await valueAt(name)).toBe('x'.repeat(400));
    expect(server.requests.length).toBeGreaterThan(asked);
  });

  it('ends its watch when the last of its names is let go', async () => {
    const { api, clock, transport, watcher, valueAt, fill } = await setUp();
    api.put(login, 'b2xk');
    await fill();
    watcher.hold(secrets, login, 'store');
    await valueAt(login);
    await until(() => transport.socketCount().watches === own + 1);
    watcher.release('store');
    await clock.advance(31_000);
    await until(() => transport.socketCount().watches === own);
    expect(watcher.size).toBe(own);
  });
});

describe('the bound of names in a namespace', () => {
  it('refuses one more, and leaves other namespaces alone', async () => {
    const { watcher, clock } = await setUp({ namesPerNamespaceMax: 2 });
    for (const name of ['a', 'b']) watcher.hold(secrets, { namespace: 'ns', name }, 'store');
    expect(refusal(() => watcher.hold(secrets, { namespace: 'ns', name: 'c' }, 'other'))).toBe('TooManyReferences');
    expect(await reasonOf(watcher.read(secrets, { namespace: 'ns', name: 'c' }, never))).toBe('TooManyReferences');
    watcher.hold(secrets, { namespace: 'ns', name: 'a' }, 'other');
    watcher.hold(secrets, { namespace: 'ns-2', name: 'c' }, 'other');
    expect([watcher.size, watcher.greatestShare]).toEqual([3, 2]);
    watcher.release('store');
    watcher.hold(secrets, { namespace: 'ns', name: 'b' }, 'store');
    watcher.release('other');
    watcher.hold(secrets, { namespace: 'ns', name: 'c' }, 'third'); // what only lingered made room
    expect(refusal(() => watcher.hold(secrets, { namespace: 'ns', name: 'd' }, 'third'))).toBe('TooManyReferences');
    await clock.advance(31_000);
    expect(watcher.size).toBe(2);
  });
});

describe('a name that no object can have', () => {
  it.each(['', 'a,metadata.namespace!=x', 'a b', 'a='])('is refused before anything is asked: %j', async (name) => {
    const { watcher, server } = await setUp();
    expect(refusal(() => watcher.hold(secrets, { namespace: 'ns', name }, 'store'))).toBe('ReferenceNotFound');
    expect([server.requests.length, watcher.size]).toEqual([0, 0]);
  });
});

function refusal(work: () => void): string {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return reasonIn(thrown);
  }
}
