import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type RawCall,
  type RawOptions,
  type RawServer,
  rawAnswer,
  rawServer,
} from '../../../test/support/raw-server.ts';
import { until } from '../../../test/support/scripted-api-server.ts';
import { createCa, issue } from '../../../test/support/tls.ts';
import { rawBench, reasonIn } from '../transport.fixture.ts';
import type { ApiRequest, Transport } from '../transport.ts';
import { Connection } from './connection.ts';

const never = new AbortController().signal;
const ca = createCa('cluster');
const tls = issue(ca, { names: ['127.0.0.1'] });
const ways: readonly [way: string, options: RawOptions][] = [
  ['plain', {}],
  ['TLS', { tls, caPem: ca.certPem }],
];
const get: ApiRequest = { method: 'GET', mayReplay: true, path: '/api' };
const put: ApiRequest = { method: 'PUT', mayReplay: true, path: '/api', body: '{"put":1}' };
/** Without a precondition. */
const blindPut: ApiRequest = { ...put, mayReplay: false };
const post: ApiRequest = { method: 'POST', mayReplay: false, path: '/api', body: '{"post":1}' };

describe.each(ways)('a kept connection, %s', (_way, options) => {
  it('is given up when the server sends what nobody asked for', async () => {
    const { server, transport } = await rawBench(good, options);
    await transport.send(get, never);
    for (const socket of server.sockets) socket.write('!');
    await until(() => transport.socketCount().calls === 0);
    expect(await said(transport, post)).toBe('200 1');
    expect(server.accepted()).toBe(2);
  });

  it('is given up when the server closes it between calls', async () => {
    const { server, transport } = await rawBench(good, options);
    await transport.send(get, never);
    for (const socket of server.sockets) socket.end();
    await until(() => transport.socketCount().calls === 0);
    expect(await said(transport, post)).toBe('200 1');
    expect(server.accepted()).toBe(2);
  });

  it('that is closed instead of an answer, its first: no call is sent again', async () => {
    const { server, transport } = await rawBench(({ socket }) => socket.end(), options);
    expect(await said(transport, put)).toBe('ApiUnavailable');
    expect(await said(transport, post)).toBe('ApiUnavailable');
    expect(seenBy(server)).toEqual(['PUT', 'POST']);
  });

  it('that is closed instead of a later answer: a call that may be replayed is sent again, once', async () => {
    const { server, transport } = await rawBench((call) => (call.nth === 1 ? good(call) : call.socket.end()), options);
    expect(await said(transport, get)).toBe('200 1');
    expect(await said(transport, put)).toBe('200 1');
    expect(seenBy(server)).toEqual(['GET', 'PUT', 'PUT']);
    expect(await said(transport, post)).toBe('ApiUnavailable');
    expect(seenBy(server)).toEqual(['GET', 'PUT', 'PUT', 'POST']);
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'POST'] as const)(
    'that is closed instead of a later answer: a %s is sent again where its caller says so, and only there',
    async (method) => {
      const script = (call: RawCall) => (call.nth === 1 ? good(call) : call.socket.end());
      const { server, transport } = await rawBench(script, options);
      expect(await said(transport, get)).toBe('200 1');
      expect(await said(transport, { ...blindPut, method })).toBe('ApiUnavailable');
      expect(seenBy(server)).toEqual(['GET', method]); // the server may have acted on it
      expect(await said(transport, get)).toBe('200 1');
      expect(await said(transport, { ...blindPut, method, mayReplay: true })).toBe('200 1');
      expect(seenBy(server).slice(3)).toEqual([method, method]);
    },
  );

  it('that is closed again after the call was sent again: the call fails', async () => {
    const { server, transport } = await rawBench(
      (call) => (seenBy(server).length === 1 ? good(call) : call.socket.end()),
      options,
    );
    await transport.send(get, never);
    expect(await said(transport, put)).toBe('ApiUnavailable');
    expect(seenBy(server)).toEqual(['GET', 'PUT', 'PUT']);
  });

  it('that is closed like all others that were kept: a call that may be replayed is sent again on a new one', async () => {
    const { server, transport } = await rawBench((call) => {
      if (server.calls.length === 4) server.calls.forEach(good);
      else if (call.nth > 1) call.socket.end();
      else if (call.connection > 4) good(call);
    }, options);
    await Promise.all(Array.from({ length: 4 }, () => transport.send(get, never)));
    expect(await said(transport, put)).toBe('200 1');
    expect(server.accepted()).toBe(5);
  });

  it.each([
    ['a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a":'],
    ['a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a":'],
    ['chunks that lack the last', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
    ['a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ])('that is closed inside %s: the call fails, and is not sent again', async (_what, sent) => {
    const { server, transport } = await rawBench(
      (call) => (seenBy(server).length === 2 ? call.socket.end(sent) : good(call)),
      options,
    );
    await transport.send(get, never);
    expect(await said(transport, put)).toBe('ApiUnavailable');
    expect(seenBy(server)).toEqual(['GET', 'PUT']);
    expect(await said(transport, post)).toBe('200 1');
  });

  it('ends a body without a length by its own end', async () => {
    const { server, transport } = await rawBench(
      ({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it'),
      options,
    );
    expect(await said(transport, get)).toBe('200 all of it');
    expect(await said(transport, get)).toBe('200 all of it');
    expect(server.accepted()).toBe(2);
  });

  it('is not used again when the server says so, though it leaves it open', async () => {
    const script = ({ socket }: RawCall) => void socket.write(rawAnswer('1', '200 OK', 'Connection: close'));
    const { server, transport } = await rawBench(script, options);
    expect(await said(transport, get)).toBe('200 1');
    expect(await said(transport, post)).toBe('200 1');
    expect(server.accepted()).toBe(2);
  });

  it('is not used again after an answer with something behind it', async () => {
    const { server, transport } = await rawBench(
      (call) => (call.connection === 1 ? call.socket.write(`${rawAnswer('1')}${rawAnswer('2')}`) : good(call)),
      options,
    );
    expect(await said(transport, get)).toBe('ApiUnavailable');
    expect(await said(transport, get)).toBe('200 1');
    expect(server.accepted()).toBe(2);
  });

  it('reads an answer that comes byte by byte', async () => {
    const bytes = Buffer.from(rawAnswer('{"é":"€ 😀"}', '429 Slow', 'Retry-After: 99'));
    const script = async ({ socket }: RawCall) => {
      for (const byte of bytes) await new Promise((sent) => socket.write(Buffer.of(byte), sent));
    };
    const { transport } = await rawBench(script, options);
    expect(await transport.send(get, never)).toEqual({ status: 429, body: '{"é":"€ 😀"}', retryAfterMs: 99_000 });
  });

  it('reads pages of several MB, and several at once, as they were sent', async () => {
    const page = (path: string) => `${path} ${'ab€'.repeat(800_000)}`; // 4 MB, with characters over the edges of reads
    const chunks = (text: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(text)}0\r\n\r\n`;
    const script = ({ text, socket }: RawCall) => {
      const path = text.split(' ')[1] ?? '';
      socket.write(path === '/1' ? chunks(page(path)) : rawAnswer(page(path)));
    };
    const { transport } = await rawBench(script, options);
    const paths = ['/1', '/2', '/3'];
    const bodies = await Promise.all(paths.map(async (path) => transport.send({ ...get, path }, never)));
    expect(bodies.map(({ body }, at) => body === page(paths[at] ?? ''))).toEqual([true, true, true]);
  });

  it('is not to be had from a transport that was closed', async () => {
    const { transport } = await rawBench(good, options);
    await transport.send(get, never);
    transport.close();
    expect(await said(transport, get)).toBe('ApiUnavailable');
    await until(() => transport.socketCount().calls === 0);
  });

  it('ends with an answer that is too large, and the next call has another', async () => {
    const { server, transport } = await rawBench(({ socket }) => socket.write(rawAnswer('x'.repeat(1_000))), options);
    expect(await said(transport, { ...get, maxBytes: 999 })).toBe('AnswerTooLarge');
    expect(await said(transport, { ...get, maxBytes: 1_000 })).toContain('200 x');
    expect(server.accepted()).toBe(2);
  });
});

describe('Connection', () => {
  it.each([
    ['bytes that nobody asked for', (connection: Connection) => connection.onBytes(Buffer.from('!'))],
    ['an end', (_connection: Connection, socket: Socket) => socket.emit('end')],
    ['an error', (_connection: Connection, socket: Socket) => socket.emit('error', new Error('reset'))],
  ])('tells of %s before its socket has closed, so that nobody is given it meanwhile', async (_what, happen) => {
    const { connection, socket, told } = await opened();
    happen(connection, socket);
    expect(told).toEqual(['closed']);
  });

  it('fails the first request when the server spoke before it', async () => {
    const { connection, socket, told } = await opened((early) => early.onBytes(Buffer.from('220 smtp\r\n')));
    const failed = Promise.withResolvers<Error>();
    const listener = { head: () => {}, piece: () => {}, done: () => told.push('done'), failed: failed.resolve };
    connection.send('GET / HTTP/1.1\r\n\r\n', listener);
    expect(await failed.promise).toMatchObject({ code: 'ECONNRESET' });
    expect([told.includes('done'), socket.bytesWritten]).toEqual([false, 0]);
  });
});

/** Answers with how many calls the connection has seen. */
function good({ socket, nth }: RawCall): void {
  socket.write(rawAnswer(String(nth)));
}

/** Status and body, or the reason why there are none. */
async function said(transport: Transport, request: ApiRequest): Promise<string> {
  return transport.send(request, never).then(({ status, body }) => `${status} ${body}`, reasonIn);
}

function seenBy(server: RawServer): string[] {
  return server.calls.map(({ text }) => text.split(' ')[0] ?? '');
}

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** A connection that is ready for its first request, and what it has told. `before` comes before it has its socket. */
async function opened(before: (connection: Connection) => void = () => {}) {
  const server = await rawServer(good);
  onTestFinished(() => server.close());
  const told: string[] = [];
  const connection = new Connection({ idle: () => told.push('idle'), closed: () => told.push('closed') });
  const socket = connect(Number(server.access.server.port), '127.0.0.1');
  await once(socket, 'connect');
  before(connection);
  told.length = 0;
  connection.use(socket);
  return { connection, socket, told };
}
