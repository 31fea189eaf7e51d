import type { ServerResponse } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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
import { type Clock, systemClock } from '../base/clock.ts';
import type { InformerEvent, Known } from './contract.ts';
import { type StartedInformer, startInformer } from './informer.ts';
import { createTransport } from './transport.ts';
import type { KubeObject, Resource } from './types.ts';

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

const things: Resource = { group: 'test.dev', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Thing extends KubeObject {
  readonly spec?: { readonly colour: string };
}

function thing(name: string, version: number, colour = 'red'): Thing {
  return { metadata: { name, namespace: 'ns', resourceVersion: String(version) }, spec: { colour } };
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

const initialEnd = (version: number) =>
  line('BOOKMARK', {
    metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } },
  });

/** What the server does with the n-th list or watch; the last one serves all that follow. */
type Turn = (response: ServerResponse, request: SeenRequest) => void;

/** Starts a watch stream; the turn writes what it likes afterwards. */
function stream(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(text);
}

interface Setup {
  readonly server: ScriptedApiServer;
  readonly informer: StartedInformer<string>;
  readonly events: InformerEvent<string>[];
  readonly logged: string[];
  /** Requests so far as `list`, `list@token`, `watch@version`, `watchlist`. */
  asked(): string[];
  cached(): Record<string, string>;
}

async function follow(
  turns: readonly Turn[],
  options: {
    clock?: Clock;
    trim?: (o: KubeObject) => string | undefined;
    known?: (version: string) => Known<string> | undefined;
  } = {},
) {
  let turn = 0;
  const server = await scriptedApiServer((request, response) => {
    turns[Math.min(turn++, turns.length - 1)]?.(response, request);
  });
  const { clock = systemClock, trim = (object: Thing) => object.spec?.colour, known = () => undefined } = options;
  const transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
  const logged: string[] = [];
  const log = {
    info: (_fields: unknown, message: string) => void logged.push(message),
    warn: (_fields: unknown, message: string) => void logged.push(message),
    error: (_fields: unknown, message: string) => void logged.push(message),
  };
  const informer = startInformer<string>({ resource: things, trim, known }, { transport, clock, log, random: () => 0 });
  const events: InformerEvent<string>[] = [];
  informer.subscribe((event) => void events.push(event));
  cleanUps.push(
    () => informer.stop(),
    () => transport.close(),
    () => server.close(),
  );
  const setup: Setup = {
    server,
    informer,
    events,
    logged,
    asked: () => server.requests.map(({ url }) => nameOf(url)),
    cached: () =>
      Object.fromEntries(
        ['a', 'b', 'c'].flatMap((name) => {
          const value = informer.get(`ns/${name}`);
          return value === undefined ? [] : [[name, value]];
        }),
      ),
  };
  return setup;
}

function nameOf({ searchParams }: URL): string {
  if (!searchParams.has('watch')) return searchParams.has('continue') ? `list@${searchParams.get('continue')}` : 'list';
  return searchParams.has('sendInitialEvents') ? 'watchlist' : `watch@${searchParams.get('resourceVersion')}`;
}

const watchListOf =
  (version: number, ...objects: Thing[]): Turn =>
  (response) =>
    stream(response, objects.map((object) => line('ADDED', object)).join('') + initialEnd(version));

const refuseWatchList: Turn = (response) =>
  answer(response, 422, status(422, 'Invalid', 'sendInitialEvents is forbidden'));

const hang: Turn = (response) => stream(response, '');

describe('informer', () => {
  it('takes in the initial events and is synced at their closing bookmark', async () => {
    const gate = Promise.withResolvers<ServerResponse>();
    const { informer, cached, events } = await follow([
      (response) => {
        stream(response, line('ADDED', thing('a', 3)));
        gate.resolve(response);
      },
    ]);
    const response = await gate.promise;
    await until(() => events.length === 1);
    expect(informer.hasSynced()).toBe(false);
    response.write(initialEnd(7) + line('MODIFIED', thing('a', 8, 'blue')));
    await informer.whenSynced(new AbortController().signal);
    await until(() => events.length === 2);
    expect(cached()).toEqual({ a: 'blue' });
    expect(events.map(({ initial, before, after }) => [initial, before, after])).toEqual([
      [true, undefined, 'red'],
      [false, 'red', 'blue'],
    ]);
  });

  it('keeps what is known of just this version, and trims every other', async () => {
    const known = (version: string) => (version === '4' ? { key: 'ns/a', value: 'written by us' } : undefined);
    const { cached } = await follow(
      [
        (response) =>
          stream(
            response,
            line('ADDED', thing('a', 3)) +
              line('ADDED', thing('b', 5)) +
              initialEnd(7) +
              line('MODIFIED', thing('a', 4, 'blue')) +
              line('ADDED', thing('c', 9, 'green')),
          ),
      ],
      { known },
    );
    await until(() => cached()['c'] === 'green');
    expect(cached()).toEqual({ a: 'written by us', b: 'red', c: 'green' });
  });

  it('does not read what is known, and has come as far by it', async () => {
    const known = (version: string) =>
      version === '3' || version === '8' ? { key: 'ns/a', value: `ours at ${version}` } : undefined;
    const unread = (type: string, version: number) =>
      `{"type":"${type}","object":{"metadata":{"resourceVersion":"${version}"},"spec":NOT JSON}}\n`;
    const { cached, events, informer, asked } = await follow(
      [
        (response) => {
          stream(response, `${unread('ADDED', 3)}${initialEnd(7)}${unread('MODIFIED', 8)}`);
          response.end();
        },
        hang,
      ],
      { known },
    );
    await until(() => asked().length === 2);
    expect(cached()).toEqual({ a: 'ours at 8' });
    expect(events.map(({ before, after }) => [before, after])).toEqual([
      [undefined, 'ours at 3'],
      ['ours at 3', 'ours at 8'],
    ]);
    expect(informer.shownVersion()).toBe('8');
    expect(asked()).toEqual(['watchlist', 'watch@8']);
  });

  it('lists in pages where the server has no WatchList, then watches from the version of the list', async () => {
    const { informer, asked, cached } = await follow([
      refuseWatchList,
      (response) => answer(response, 200, { metadata: { continue: 'next' }, items: [thing('a', 1)] }),
      (response) => answer(response, 200, { metadata: { resourceVersion: '9' }, items: [thing('b', 2)] }),
      hang,
    ]);
    await informer.whenSynced(new AbortController().signal);
    await until(() => asked().length === 4);
    expect(asked()).toEqual(['watchlist', 'list', 'list@next', 'watch@9']);
    expect(cached()).toEqual({ a: 'red', b: 'red' });
  });

  it('lists when a server that ignores the parameters never closes the initial events', async () => {
    const clock = new FakeClock();
    const { informer, asked } = await follow(
      [hang, (response) => answer(response, 200, { metadata: { resourceVersion: '9' }, items: [thing('b', 2)] }), hang],
      { clock },
    );
    await until(() => asked().length === 1);
    for (let i = 0; i < 40; i++) {
      await new Promise((resolve) => setImmediate(resolve)); // the headers need the real event loop
      await clock.advance(1_000);
    }
    await until(() => informer.hasSynced());
    expect(asked().slice(0, 2)).toEqual(['watchlist', 'list']);
  });

  it('starts the list again when its continue token has expired, and drops what went away meanwhile', async () => {
    const { informer, asked, cached } = await follow([
      refuseWatchList,
      (response) => answer(response, 200, { metadata: { continue: 'old' }, items: [thing('a', 1)] }),
      (response) => answer(response, 410, status(410, 'Expired')),
      (response) => answer(response, 200, { metadata: { resourceVersion: '20' }, items: [thing('c', 15)] }),
      hang,
    ]);
    await informer.whenSynced(new AbortController().signal);
    expect(asked().slice(0, 4)).toEqual(['watchlist', 'list', 'list@old', 'list']);
    expect(cached()).toEqual({ c: 'red' });
  });

  for (const how of ['an ERROR event', 'a refused watch']) {
    it(`lists anew after 410 in ${how} and finds deletes and changes, but no news in what is unchanged`, async () => {
      const expire: Turn = (response) =>
        how === 'an ERROR event'
          ? stream(response, line('ERROR', status(410, 'Expired')))
          : answer(response, 410, status(410, 'Expired'));
      const { asked, cached, events } = await follow([
        (response) => {
          stream(response, line('ADDED', thing('a', 1)) + line('ADDED', thing('b', 2)) + line('ADDED', thing('c', 3)));
          response.end(initialEnd(5));
        },
        expire,
        watchListOf(30, thing('a', 1), thing('b', 25, 'blue')),
      ]);
      await until(() => asked().length === 3 && events.length === 5);
      expect(asked()).toEqual(['watchlist', 'watch@5', 'watchlist']);
      expect(cached()).toEqual({ a: 'red', b: 'blue' });
      expect(events.slice(3).map(({ key, after }) => [key, after])).toEqual([
        ['ns/b', 'blue'],
        ['ns/c', undefined],
      ]);
    });
  }

  it('resumes from the last version after a reset in the middle of a line', async () => {
    const cut = Promise.withResolvers<ServerResponse>();
    const { asked, cached, informer } = await follow([
      (response) => {
        stream(response, `${initialEnd(5)}${line('ADDED', thing('a', 6))}{"type":"ADDED","obj`);
        cut.resolve(response);
      },
      (response) => stream(response, line('ADDED', thing('b', 7))),
    ]);
    await until(() => informer.get('ns/a') !== undefined);
    (await cut.promise).socket?.resetAndDestroy();
    await until(() => informer.get('ns/b') !== undefined);
    expect(asked()).toEqual(['watchlist', 'watch@6']);
    expect(cached()).toEqual({ a: 'red', b: 'red' });
  });

  it('moves its resume point with bookmarks', async () => {
    const { asked } = await follow([
      (response) => {
        stream(response, initialEnd(5));
        response.end(line('BOOKMARK', { metadata: { resourceVersion: '400' } }));
      },
      hang,
    ]);
    await until(() => asked().length === 2);
    expect(asked()[1]).toBe('watch@400');
  });

  it('watches again at once after a stream that the server ended in its time', async () => {
    const clock = new FakeClock();
    const gate = Promise.withResolvers<ServerResponse>();
    const { informer, asked } = await follow(
      [
        (response) => {
          stream(response, initialEnd(5));
          gate.resolve(response);
        },
        hang,
      ],
      { clock },
    );
    await until(() => informer.hasSynced());
    await clock.advance(2_000);
    (await gate.promise).end();
    await until(() => asked().length === 2); // with no further time passing
    expect(asked()[1]).toBe('watch@5');
  });

  it('does not ask faster than once a second when the server ends every watch at once', async () => {
    const clock = new FakeClock();
    const { asked } = await follow(
      [
        (response) => {
          stream(response, initialEnd(5));
          response.end();
        },
        (response) => response.end(),
      ],
      { clock },
    );
    await until(() => asked().length === 1);
    for (let i = 0; i < 400; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      await clock.advance(10);
    }
    expect(asked().length).toBeGreaterThanOrEqual(2);
    expect(asked().length).toBeLessThanOrEqual(6); // 4 s
  });

  it('gives up a stream that is silent for longer than a healthy one can be', async () => {
    const clock = new FakeClock();
    const { informer, asked } = await follow([watchListOf(5), hang], { clock });
    await until(() => informer.hasSynced());
    const advance = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(1_000);
      }
    };
    await advance(170);
    expect(asked()).toEqual(['watchlist']);
    await advance(20); // three bookmarks are missing
    await until(() => asked().length === 2);
    expect(asked()[1]).toBe('watch@5');
    // None has ever come: from then on it is the end that the server was asked for, after 300 s.
    await advance(310);
    expect(asked()).toHaveLength(2);
    await advance(40);
    await until(() => asked().length === 3);
  });

  it('gives up a stream sooner where bookmarks come once a minute, and misses them', async () => {
    const clock = new FakeClock();
    const open = Promise.withResolvers<ServerResponse>();
    const bookmark = (version: number) => line('BOOKMARK', { metadata: { resourceVersion: String(version) } });
    const turn: Turn = (response) => {
      stream(response, initialEnd(5));
      open.resolve(response);
    };
    const { informer, asked } = await follow([turn, hang], { clock });
    await until(() => informer.hasSynced());
    const advance = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        for (let turns = 0; i % 10 === 0 && turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(1_000);
      }
    };
    await advance(60);
    (await open.promise).write(bookmark(6));
    await advance(170);
    expect(asked()).toEqual(['watchlist']);
    await advance(75); // the look is once a minute
    await until(() => asked().length === 2);
    expect(asked()[1]).toBe('watch@6');
  });

  it('retries for ever whatever the server answers, and keeps its cache meanwhile', async () => {
    const cut = Promise.withResolvers<ServerResponse>();
    const { asked, cached, informer } = await follow([
      (response) => {
        stream(response, line('ADDED', thing('a', 1)) + initialEnd(5));
        cut.resolve(response);
      },
      (response) => answer(response, 500, status(500, 'InternalError')),
      (response) => answer(response, 403, status(403, 'Forbidden')),
      (response) => answer(response, 200, { kind: 'nonsense' }),
      (response) => response.socket?.resetAndDestroy(),
      (response) => stream(response, 'not json\n'),
      (response) => stream(response, line('ADDED', thing('b', 9))),
    ]);
    await until(() => informer.hasSynced());
    (await cut.promise).socket?.resetAndDestroy();
    await until(() => asked().length === 2);
    expect(cached()).toEqual({ a: 'red' });
    await until(() => informer.get('ns/b') !== undefined);
    expect(asked().slice(1)).toEqual(Array.from({ length: 6 }, () => 'watch@5'));
  });

  it('waits as long as a 429 asks', async () => {
    const clock = new FakeClock();
    const { asked } = await follow(
      [(response) => answer(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '7' }), watchListOf(5)],
      { clock },
    );
    await until(() => asked().length === 1);
    const advance = async (ms: number) => {
      for (let i = 0; i < ms; i += 100) {
        await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(100);
      }
    };
    await advance(6_500);
    expect(asked()).toHaveLength(1);
    await advance(1_000);
    await until(() => asked().length === 2);
  });

  it('survives a listener and a trim that throw', async () => {
    const { informer, logged, cached } = await follow(
      [
        (response) =>
          stream(
            response,
            line('ADDED', thing('a', 1)) +
              line('ADDED', thing('b', 2, 'poison')) +
              initialEnd(5) +
              line('ADDED', thing('c', 6)),
          ),
      ],
      {
        trim: (object: Thing) => {
          if (object.spec?.colour === 'poison') throw new Error('cannot read it');
          return object.spec?.colour;
        },
      },
    );
    informer.subscribe(() => {
      throw new Error('listener fault');
    });
    await until(() => informer.get('ns/c') !== undefined);
    expect(cached()).toEqual({ a: 'red', c: 'red' });
    expect(new Set(logged)).toEqual(new Set(['listener failed', 'object left out: it cannot be read']));
  });

  it('takes an object out when trim leaves it out after a change', async () => {
    const { events } = await follow(
      [
        (response) =>
          stream(response, line('ADDED', thing('a', 1)) + initialEnd(5) + line('MODIFIED', thing('a', 6, 'hidden'))),
      ],
      { trim: (object: Thing) => (object.spec?.colour === 'hidden' ? undefined : object.spec?.colour) },
    );
    await until(() => events.length === 2);
    expect(events[1]).toMatchObject({ key: 'ns/a', before: 'red', after: undefined });
  });

  it('reads lines that arrive in any pieces, inside characters too', async () => {
    const text = line('ADDED', thing('a', 1, 'grün 🎉')) + line('ADDED', thing('b', 2, 'ü')) + initialEnd(5);
    const { informer, cached } = await follow([
      (response) => {
        stream(response, '');
        response.socket?.setNoDelay(true);
        const bytes = Buffer.from(text);
        let at = 0;
        const next = () => {
          if (at >= bytes.length) return;
          response.write(bytes.subarray(at, at + 3), () => setImmediate(next));
          at += 3;
        };
        next();
      },
    ]);
    await until(() => informer.hasSynced());
    expect(cached()).toEqual({ a: 'grün 🎉', b: 'ü' });
  });

  it('keeps of 10,000 objects no more than what trim returned', async () => {
    const collectGarbage = garbageCollector();
    const padding = 'p'.repeat(2_000); // what a real object carries in managedFields and annotations
    const { informer } = await follow([
      (response) => {
        stream(response, '');
        for (let i = 0; i < 10_000; i++) {
          const { metadata } = thing(`thing-${i}`, i);
          response.write(
            line('ADDED', { metadata: { ...metadata, annotations: { padding } }, spec: { colour: 'red' } }),
          );
        }
        response.write(initialEnd(20_000));
      },
    ]);
    collectGarbage();
    const beforeBytes = process.memoryUsage().heapUsed;
    await until(() => informer.hasSynced());
    collectGarbage();
    const perObjectBytes = (process.memoryUsage().heapUsed - beforeBytes) / 10_000;
    expect([...informer.values()]).toHaveLength(10_000);
    expect(perObjectBytes).toBeLessThan(500); // key, version and the record: far from the 2 kB that came
  });

  it('asks for nothing more after it was stopped', async () => {
    const { informer, server, asked } = await follow([watchListOf(5)]);
    await until(() => informer.hasSynced());
    informer.stop();
    server.reset();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(asked()).toHaveLength(1);
  });
});
