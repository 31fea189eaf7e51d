import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import {
  answer,
  type Script,
  type ScriptedApiServer,
  type ScriptedOptions,
  scriptedApiServer,
  status,
  until,
} from '../../test/support/scripted-api-server.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { reasonOf } from './transport.fixture.ts';
import { createTransport, type Transport } from './transport.ts';

const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

interface Bench {
  readonly server: ScriptedApiServer;
  readonly transport: Transport;
}

async function bench(
  script: Script,
  options: ScriptedOptions & { clock?: Clock; maxSockets?: number } = {},
): Promise<Bench> {
  const { clock = systemClock, maxSockets } = options;
  const server = await scriptedApiServer(script, options);
  const base = { access: server.access, clock, userAgent: 'escapement/test' };
  const transport = createTransport(maxSockets === undefined ? base : { ...base, maxSockets });
  cleanUps.push(
    () => transport.close(),
    () => server.close(),
  );
  return { server, transport };
}

const get = { method: 'GET', mayReplay: true, path: '/api/v1/things' } as const;

describe('transport', () => {
  it('uses one connection for calls one after the other', async () => {
    const { server, transport } = await bench((_request, response) => answer(response, 200, {}));
    for (let i = 0; i < 100; i++) await transport.send(get, never);
    expect(server.requests).toHaveLength(100);
    expect(server.connections()).toBe(1);
  });

  it('opens no more connections than it may, and serves what waits', async () => {
    const { server, transport } = await bench((_request, response) => setImmediate(() => answer(response, 200, {})), {
      maxSockets: 4,
    });
    await Promise.all(Array.from({ length: 50 }, () => transport.send(get, never)));
    expect(server.requests).toHaveLength(50);
    expect(server.connections()).toBe(4);
  });

  it('says who is asking and sends JSON with its length', async () => {
    const { server, transport } = await bench((_request, response) => answer(response, 200, {}));
    await transport.send({ method: 'POST', mayReplay: false, path: '/x', body: '{"ä":1}' }, never);
    const [seen] = server.requests;
    expect(seen?.headers['user-agent']).toBe('escapement/test');
    expect(seen?.headers['authorization']).toBe('Bearer t');
    expect(seen?.headers['content-length']).toBe('8');
    expect(seen?.body).toBe('{"ä":1}');
  });

  it('waits out a 429 for as long as the server asks, then asks again', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const script: Script = (_request, response) =>
      calls++ === 0
        ? answer(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '3' })
        : answer(response, 200, {});
    const { server, transport } = await bench(script, { clock });
    const sent = transport.send({ ...get, method: 'POST', body: '{}' }, never);
    const reply = sent.then((got) => got.status);
    await until(() => transport.socketCount().calls === 1 && server.requests.length === 1);
    for (let i = 0; i < 50; i++) await clock.advance(50); // 2.5 s
    expect(server.requests).toHaveLength(1);
    for (let i = 0; i < 20; i++) await clock.advance(50);
    expect(await reply).toBe(200);
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    { header: '60', timeoutMs: 5_000, retryAfterMs: 60_000 },
    { header: '', timeoutMs: 500, retryAfterMs: undefined }, // names no time: a second is waited
    { header: 'soon', timeoutMs: 500, retryAfterMs: undefined },
  ])(
    'answers with the 429 when waiting would pass the deadline: "$header"',
    async ({ header, timeoutMs, retryAfterMs }) => {
      const { server, transport } = await bench((_request, response) =>
        answer(response, 429, status(429, 'TooManyRequests'), { 'retry-after': header }),
      );
      const reply = await transport.send({ ...get, timeoutMs }, never);
      expect([reply.status, reply.retryAfterMs, server.requests.length]).toEqual([429, retryAfterMs, 1]);
    },
  );

  it('gives up on an answer that does not come in time', async () => {
    const clock = new FakeClock();
    const { server, transport } = await bench(() => {}, { clock });
    const reason = reasonOf(transport.send({ ...get, timeoutMs: 2_000 }, never));
    await until(() => server.requests.length === 1);
    await clock.advance(2_000);
    expect(await reason).toBe('ApiUnavailable');
    await until(() => transport.socketCount().calls === 0);
  });

  it('takes no kept connection after an answer that did not come: the others may have been lost with it', async () => {
    const clock = new FakeClock();
    const held: (() => void)[] = [];
    let isSilent = false;
    const { server, transport } = await bench(
      (_request, response) => {
        if (!isSilent) held.push(() => answer(response, 200, {}));
      },
      { clock },
    );
    const together = Array.from({ length: 4 }, () => transport.send(get, never));
    await until(() => held.length === 4);
    for (const reply of held) reply();
    await Promise.all(together);
    expect(transport.socketCount().calls).toBe(4);
    isSilent = true;
    const reason = reasonOf(transport.send({ ...get, timeoutMs: 2_000 }, never));
    await until(() => server.requests.length === 5);
    expect(server.connections()).toBe(4);
    await clock.advance(2_000);
    expect(await reason).toBe('ApiUnavailable');
    await until(() => transport.socketCount().calls === 0);
  });

  it('sends a call that may be replayed again when its kept connection turns out to be closed', async () => {
    const script: Script = (_request, response) => {
      // The second request on a connection finds it reset, as when an idle time-out of the server crosses it.
      const socket = response.socket;
      if (socket !== null && usedBefore.has(socket)) return void socket.resetAndDestroy();
      if (socket !== null) usedBefore.add(socket);
      return answer(response, 200, {});
    };
    const usedBefore = new Set<unknown>();
    const { server, transport } = await bench(script);
    await transport.send(get, never);
    expect((await transport.send({ method: 'PUT', mayReplay: true, path: '/x', body: '{}' }, never)).status).toBe(200);
    expect(server.connections()).toBe(2);
    expect(await reasonOf(transport.send({ method: 'POST', mayReplay: false, path: '/x', body: '{}' }, never))).toBe(
      'ApiUnavailable',
    );
  });

  it('reports an answer that is cut off', async () => {
    const { transport } = await bench((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"a":');
      setImmediate(() => response.socket?.resetAndDestroy());
    });
    expect(await reasonOf(transport.send(get, never))).toBe('ApiUnavailable');
  });

  it('reads no more of an answer than it may', async () => {
    const { transport } = await bench((_request, response) => answer(response, 200, { big: 'x'.repeat(100_000) }));
    expect(await reasonOf(transport.send({ ...get, maxBytes: 10_000 }, never))).toBe('AnswerTooLarge');
  });

  it('stops when its signal fires, before and during the call', async () => {
    const { server, transport } = await bench(() => {});
    expect(await reasonOf(transport.send(get, AbortSignal.abort()))).toBe('Aborted');
    const controller = new AbortController();
    const reason = reasonOf(transport.send(get, controller.signal));
    await until(() => server.requests.length === 1);
    controller.abort();
    expect(await reason).toBe('Aborted');
  });

  it('fetches credentials anew once when the server refuses them', async () => {
    let token = 'old';
    const credentials = {
      authorization: () => `Bearer ${token}`,
      refused: () => {
        token = 'new';
      },
    };
    const script: Script = (request, response) =>
      request.headers.authorization === 'Bearer new' ? answer(response, 200, {}) : answer(response, 401, {});
    const { server, transport } = await bench(script, { credentials });
    expect((await transport.send(get, never)).status).toBe(200);
    expect(server.requests).toHaveLength(2);
  });

  it('hands a refusal over after one more try with new credentials', async () => {
    const { server, transport } = await bench((_request, response) => answer(response, 401, {}));
    expect((await transport.send(get, never)).status).toBe(401);
    expect(server.requests).toHaveLength(2);
  });

  it.each(['\r\nx-more: 1', '\n', '\r', '\0', '\x7f', '\u20ac'])(
    'sends no token that holds %j, and does not quote it',
    async (odd) => {
      const credentials = { authorization: () => `Bearer canary${odd}`, refused: () => {} };
      const { server, transport } = await bench((_request, response) => answer(response, 200, {}), { credentials });
      for (const call of [transport.send(get, never), transport.stream({ path: '/x' }, () => {}, never)]) {
        const thrown = await call.catch((error: unknown) => error);
        expect(thrown).toMatchObject({ reason: 'ApiUnavailable', message: expect.not.stringContaining('canary') });
      }
      expect(server.connections()).toBe(0);
    },
  );

  it.each([' HTTP/1.1', '\r\nx-more: 1', '\n', '\t', '\0', '\u00e4'])('sends no path that holds %j', async (odd) => {
    const { server, transport } = await bench((_request, response) => answer(response, 200, {}));
    for (const method of ['GET', 'POST'] as const) {
      expect(await reasonOf(transport.send({ method, mayReplay: false, path: `/x${odd}` }, never))).toBe('Internal');
    }
    expect(await reasonOf(transport.stream({ path: `/x${odd}` }, () => {}, never))).toBe('Internal');
    expect(server.connections()).toBe(0);
  });

  it('names host and system code when nobody listens, and nothing of the request', async () => {
    const { server, transport } = await bench(() => {});
    await server.close();
    const thrown = await transport
      .send({ ...get, body: 'canary', method: 'PUT' }, never)
      .catch((error: unknown) => error);
    expect(thrown).toMatchObject({ reason: 'ApiUnavailable', message: expect.stringContaining('ECONNREFUSED') });
    expect(String(thrown)).not.toContain('canary');
  });

  it('keeps connections of watches apart from those of calls', async () => {
    const { server, transport } = await bench(
      (request, response) => {
        if (!request.url.searchParams.has('watch')) return answer(response, 200, {});
        response.writeHead(200);
        return response.flushHeaders();
      },
      { maxSockets: 1 },
    );
    const stop = new AbortController();
    for (let i = 0; i < 3; i++)
      void reasonOf(transport.stream({ path: '/api/v1/things?watch=1' }, () => {}, stop.signal));
    await until(() => server.requests.length === 3);
    expect((await transport.send(get, never)).status).toBe(200);
    expect(transport.socketCount()).toEqual({ calls: 1, watches: 3 });
    expect(server.connections()).toBe(4);
  });
});
