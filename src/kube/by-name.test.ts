import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { answer, scriptedApiServer, status, until } from '../../test/support/scripted-api-server.ts';
import { OperatorError } from '../base/operator-error.ts';
import { ObjectWatcher } from './by-name.ts';
import { createTransport } from './transport.ts';
import type { Resource, Secret } from './types.ts';

const secrets: Resource = { group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true };
const login = { namespace: 'ns', name: 'login' };
const never = new AbortController().signal;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const end =
  '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5","annotations":{"k8s.io/initial-events-end":"true"}}}}\n';

function event(type: string, version: number, data: string): string {
  const metadata = { ...login, resourceVersion: String(version), managedFields: [{ manager: 'm' }] };
  return `${JSON.stringify({ type, object: { metadata, data: { key: data } } })}\n`;
}

/** A server with one Secret, "login", and the watches that are open on names. */
async function setUp(first: (response: ServerResponse) => void) {
  const open = new Map<string, ServerResponse>();
  const server = await scriptedApiServer((request, response) => {
    const selector = request.url.searchParams.get('fieldSelector') ?? '';
    open.set(selector, response);
    response.on('close', () => open.delete(selector));
    first(response);
  });
  const clock = new FakeClock();
  const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
  const watcher = new ObjectWatcher({ transport, clock, log: silent, random: () => 0 });
  cleanUps.push(
    () => watcher.close(),
    () => transport.close(),
    () => server.close(),
  );
  return { server, watcher, clock, open };
}

const present = (response: ServerResponse) => void response.write(event('ADDED', 3, 'b2xk') + end);
const absent = (response: ServerResponse) => void response.write(end);

describe('ObjectWatcher', () => {
  it('reads an object once it is known, and knows it from then on', async () => {
    const { server, watcher } = await setUp(present);
    watcher.hold(secrets, login, 'store');
    expect(watcher.get(secrets, login)).toBe('unknown');
    const read = await watcher.read<Secret>(secrets, login, never);
    expect(read?.data).toEqual({ key: 'b2xk' });
    expect(read?.metadata.managedFields).toBeUndefined();
    expect(await watcher.read<Secret>(secrets, login, never)).toBe(read);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.url.pathname).toBe('/api/v1/namespaces/ns/secrets');
    expect(server.requests[0]?.url.searchParams.get('fieldSelector')).toBe('metadata.name=login');
  });

  it('tells an object that is absent from one that is not known yet', async () => {
    const { watcher } = await setUp(absent);
    watcher.hold(secrets, login, 'store');
    expect(await watcher.read(secrets, login, never)).toBeUndefined();
    expect(watcher.get(secrets, login)).toBeUndefined();
  });

  it('refuses an object with more in it than is read, until it has less', async () => {
    const { watcher, open } = await setUp(present);
    watcher.hold(secrets, login, 'store');
    await watcher.read(secrets, login, never);
    const data = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`k${at}`, '']));
    const metadata = { ...login, resourceVersion: '6' };
    const response = open.get('metadata.name=login');
    response?.write(`${JSON.stringify({ type: 'MODIFIED', object: { metadata, data } })}\n`);
    await until(() => watcher.get(secrets, login) === 'unknown');
    await expect(watcher.read(secrets, login, never)).rejects.toMatchObject({
      reason: 'AnswerTooLarge',
      message: 'Secret "ns/login": its data has too many entries to be read (20000 at most)',
    });
    response?.write(event('MODIFIED', 7, 'Yg=='));
    await until(() => watcher.get(secrets, login) !== 'unknown');
    expect(await watcher.read<Secret>(secrets, login, never)).toMatchObject({ data: { key: 'Yg==' } });
  });

  it('tells listeners when an object that is held appears, changes and goes', async () => {
    const { watcher, open } = await setUp(absent);
    const seen: (string | undefined)[] = [];
    watcher.subscribe((resource, name) => {
      const object = watcher.get<Secret>(resource, name);
      seen.push(object === 'unknown' ? 'unknown' : object?.data?.['key']);
    });
    watcher.hold(secrets, login, 'store');
    await watcher.read(secrets, login, never);
    const response = open.get('metadata.name=login');
    response?.write(event('ADDED', 6, 'YQ==') + event('MODIFIED', 7, 'Yg==') + event('DELETED', 8, 'Yg=='));
    await until(() => seen.length === 3);
    expect(seen).toEqual(['YQ==', 'Yg==', undefined]);
  });

  it('shares one watch among holders and ends it some time after the last one left', async () => {
    const { watcher, clock, open, server } = await setUp(present);
    watcher.hold(secrets, login, 'a');
    watcher.hold(secrets, login, 'b');
    await watcher.read(secrets, login, never);
    watcher.release('a');
    await clock.advance(60_000);
    expect(watcher.size).toBe(1);
    watcher.release('b');
    watcher.hold(secrets, login, 'c'); // taken up again: the watch goes on
    await clock.advance(60_000);
    expect([watcher.size, server.requests.length]).toEqual([1, 1]);
    watcher.release('c');
    await clock.advance(31_000);
    expect(watcher.size).toBe(0);
    await until(() => open.size === 0);
  });

  it('follows for a while what is read but not held', async () => {
    const { watcher, clock } = await setUp(present);
    expect(await watcher.read(secrets, login, never)).toBeDefined();
    expect(watcher.size).toBe(1);
    await clock.advance(31_000);
    expect(watcher.size).toBe(0);
  });

  it('tells readers at once that it may not watch, and answers when it may', async () => {
    let isAllowed = false;
    const { watcher, clock } = await setUp((response) =>
      isAllowed ? present(response) : answer(response, 403, status(403, 'Forbidden')),
    );
    watcher.hold(secrets, login, 'store');
    const denied = await watcher.read(secrets, login, never).catch((thrown: unknown) => thrown);
    expect(denied).toBeInstanceOf(OperatorError);
    expect(denied).toMatchObject({ reason: 'ApiDenied' });
    isAllowed = true;
    const seen = Promise.withResolvers<void>();
    watcher.subscribe(() => seen.resolve());
    for (let i = 0; i < 10; i++) await clock.advance(100);
    await seen.promise;
    expect(await watcher.read(secrets, login, never)).toBeDefined();
  });

  it('does not let a reader wait for ever for a server that is silent', async () => {
    const { watcher, clock, server } = await setUp(() => {});
    const failed = watcher.read(secrets, login, never).catch((thrown: unknown) => thrown);
    await until(() => server.requests.length === 1);
    await clock.advance(10_000);
    expect(await failed).toMatchObject({ reason: 'ApiUnavailable' });
  });

  it('lets a reader go when its signal fires', async () => {
    const { watcher } = await setUp(() => {});
    expect(await watcher.read(secrets, login, AbortSignal.abort()).catch((t: unknown) => t)).toMatchObject({
      reason: 'Aborted',
    });
  });
});
