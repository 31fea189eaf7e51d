import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type ScriptedApiServer, scriptedApiServer, until } from '../../test/support/scripted-api-server.ts';
import { systemClock } from '../base/clock.ts';
import type { InformerDeps } from './informer.ts';
import { startScopedInformer } from './scoped-informer.ts';
import { createTransport } from './transport.ts';
import type { Resource } from './types.ts';

const things: Resource = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
const bookmark = (version: number, isInitialEnd = false) =>
  line('BOOKMARK', {
    metadata: {
      resourceVersion: String(version),
      ...(isInitialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  });
const added = (namespace: string, name: string, version: number) =>
  line('ADDED', { metadata: { namespace, name, resourceVersion: String(version) } });

/** Watches that are held open, by namespace (`` for all). */
async function scene(namespaces: readonly string[], resource = things) {
  const streams = new Map<string, ServerResponse>();
  const server: ScriptedApiServer = await scriptedApiServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    streams.set(/\/namespaces\/([^/]+)\//.exec(request.url.pathname)?.[1] ?? '', response);
  });
  const transport = createTransport({ access: server.access, clock: systemClock, userAgent: 'test' });
  const quiet = () => {};
  const log: InformerDeps['log'] = { info: quiet, warn: quiet, error: quiet };
  let reached = 0;
  const informer = startScopedInformer<string>(
    { resource, namespaces, trim: ({ metadata }) => metadata.name, onReached: () => reached++ },
    { transport, clock: systemClock, log },
  );
  cleanUps.push(async () => {
    informer.stop();
    transport.close();
    await server.close();
  });
  const write = async (namespace: string, ...lines: readonly string[]) => {
    await until(() => streams.has(namespace));
    streams.get(namespace)?.write(lines.join(''));
  };
  return { informer, streams, write, reached: () => reached };
}

describe('an informer of some namespaces', () => {
  it('follows each by itself, and shows all of them as one', async () => {
    const { informer, write, streams } = await scene(['a', 'b']);
    const seen: string[] = [];
    const unsubscribe = informer.subscribe(({ key, after }) => seen.push(`${key}=${after}`));
    await write('a', added('a', 'one', 1), bookmark(5, true));
    await until(() => seen.length === 1);
    expect(informer.hasSynced()).toBe(false);
    await write('b', added('b', 'two', 2), bookmark(6, true));
    await informer.whenSynced(AbortSignal.timeout(5_000));
    expect([...streams.keys()].sort()).toEqual(['a', 'b']);
    expect(informer.hasSynced()).toBe(true);
    expect([informer.get('a/one'), informer.get('b/two'), informer.get('c/three')]).toEqual(['one', 'two', undefined]);
    expect([...informer.values()].sort()).toEqual(['one', 'two']);
    expect([...informer.entries()]).toEqual([
      ['a/one', 'one'],
      ['b/two', 'two'],
    ]);
    await write('b', added('b', 'late', 7));
    await until(() => seen.includes('b/late=late'));
    unsubscribe();
    await write('a', added('a', 'unheard', 8));
    await until(() => informer.get('a/unheard') !== undefined);
    expect(seen).not.toContain('a/unheard=unheard');
  });

  it('has told no more than the namespace that is furthest behind', async () => {
    const { informer, write, reached } = await scene(['a', 'b']);
    await write('a', bookmark(90, true));
    await until(() => reached() >= 1);
    expect(informer.shownVersion()).toBe('');
    await write('b', bookmark(100, true));
    await until(() => informer.shownVersion() === '90');
    await write('a', bookmark(120));
    await until(() => informer.shownVersion() === '100');
  });

  it('follows what is of no namespace once', async () => {
    const { informer, write, streams } = await scene(['a', 'b'], { ...things, namespaced: false });
    await write('', bookmark(1, true));
    await informer.whenSynced(AbortSignal.timeout(5_000));
    expect([...streams.keys()]).toEqual(['']);
  });
});
