import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { type RawCall, type RawOptions, rawAnswer, rawServer } from '../../../test/support/raw-server.ts';
import { until } from '../../../test/support/scripted-api-server.ts';
import { createCa, issue } from '../../../test/support/tls.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { type RawBench, rawBench, reasonOf } from '../transport.fixture.ts';
import { type ApiRequest, createTransport, type Transport } from '../transport.ts';

const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];
const ca = createCa('cluster');
const tls = issue(ca, { names: ['127.0.0.1'] });
const secure: RawOptions = { tls, caPem: ca.certPem };
const get: ApiRequest = { method: 'GET', mayReplay: true, path: '/api' };
const openHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

describe('a call', () => {
  it('stops while its token is fetched', async () => {
    const token = Promise.withResolvers<string>();
    const credentials = { authorization: () => token.promise, refused: () => {} };
    const server = await rawServer(good);
    const transport = createTransport({
      access: { ...server.access, credentials },
      clock: new FakeClock(),
      userAgent: 'x',
    });
    cleanUps.push(() => server.close());
    const stop = new AbortController();
    const reason = reasonOf(transport.send(get, stop.signal));
    stop.abort();
    token.resolve('Bearer t');
    expect(await reason).toBe('Aborted');
    expect(server.accepted()).toBe(0);
  });

  it('stops while it waits for a connection, and leaves the one in use alone', async () => {
    const { server, transport } = await bench(() => {}, { maxSockets: 1 });
    const first = reasonOf(transport.send(get, never));
    await until(() => server.calls.length === 1);
    const stop = new AbortController();
    const second = reasonOf(transport.send({ ...get, method: 'DELETE' }, stop.signal));
    stop.abort();
    expect(await second).toBe('Aborted');
    await servesOn({ server, transport }, first);
  });

  it('stops while it connects', async () => {
    const { server, transport } = await bench(good, { ...secure, isSilent: () => true });
    const stop = new AbortController();
    const reason = reasonOf(transport.send(get, stop.signal));
    await until(() => server.accepted() === 1);
    stop.abort();
    expect(await reason).toBe('Aborted');
  });

  it('stops while the body comes, and ends the connection', async () => {
    const { server, transport } = await bench(({ socket }) => socket.write(`${openHead}5\r\nhello`), secure);
    const stop = new AbortController();
    const reason = reasonOf(transport.send(get, stop.signal));
    await until(() => server.calls.length === 1);
    stop.abort();
    expect(await reason).toBe('Aborted');
    await until(() => transport.socketCount().calls === 0 && server.sockets.size === 0);
  });

  it('ends at its deadline while it waits for a connection of a full pool', async () => {
    const { server, transport, clock } = await bench(() => {}, { maxSockets: 1 });
    const first = reasonOf(transport.send(get, never));
    await until(() => server.calls.length === 1);
    const second = reasonOf(transport.send({ ...get, method: 'DELETE', timeoutMs: 2_000 }, never));
    await clock.advance(1_999);
    expect(await settled(second)).toBe(false);
    await clock.advance(1);
    expect(await second).toBe('ApiUnavailable');
    await servesOn({ server, transport }, first);
  });

  it('ends at its deadline while the body comes, however often a piece does', async () => {
    const { server, transport, clock } = await bench(({ socket }) => socket.write(openHead), {});
    const reason = reasonOf(transport.send({ ...get, timeoutMs: 3_000 }, never));
    await until(() => server.calls.length === 1);
    for (let second = 0; second < 3; second++) {
      expect(await settled(reason)).toBe(false);
      server.calls[0]?.socket.write('1\r\nx\r\n');
      await clock.advance(1_000);
    }
    expect(await reason).toBe('ApiUnavailable');
  });

  it('gives up on a server that accepts and says nothing, and works once the server does', async () => {
    let isSilent = true;
    const { server, transport, clock } = await bench(good, { ...secure, isSilent: () => isSilent });
    const reason = reasonOf(transport.send(get, never));
    await until(() => server.accepted() === 1);
    await clock.advance(9_999);
    expect(await settled(reason)).toBe(false);
    await clock.advance(1);
    expect(await reason).toBe('ApiUnavailable');
    isSilent = false;
    expect((await transport.send(get, never)).status).toBe(200);
    expect(server.accepted()).toBe(2);
  });

  it('closes what had nothing to do for 55 s, and only that', async () => {
    const { server, transport, clock } = await bench(() => {}, {});
    const both = [transport.send(get, never), transport.send(get, never)];
    await until(() => server.calls.length === 2);
    for (const call of server.calls) good(call);
    await Promise.all(both);
    await clock.advance(30_000);
    const third = transport.send(get, never);
    await until(() => server.calls.length === 3);
    good(server.calls[2]);
    await third;
    await clock.advance(24_999);
    expect(transport.socketCount().calls).toBe(2);
    await clock.advance(1);
    await until(() => transport.socketCount().calls === 1);
    await clock.advance(29_999);
    expect(transport.socketCount().calls).toBe(1);
    await clock.advance(1);
    await until(() => transport.socketCount().calls === 0 && server.sockets.size === 0);
    expect(server.accepted()).toBe(2);
  });
});

describe('a stream', () => {
  it('ends with nothing to say when the server ends it cleanly, and leaves its connection to the next', async () => {
    const { server, transport } = await bench(({ socket }) => socket.write(`${openHead}3\r\none\r\n0\r\n\r\n`), secure);
    expect(await streamed(transport)).toEqual(['one', undefined]);
    expect(await streamed(transport)).toEqual(['one', undefined]);
    expect([server.accepted(), transport.socketCount()]).toEqual([1, { calls: 0, watches: 1 }]);
  });

  it('fails when it is cut', async () => {
    const { transport } = await bench(({ socket }) => socket.end(`${openHead}3\r\none\r\n`), secure);
    expect(await streamed(transport)).toEqual(['one', 'ApiUnavailable']);
  });

  it('hands over a refusal as an answer, and none of it as a part of the stream', async () => {
    const refusal = rawAnswer('{"code":429}', '429 Too Many Requests', 'Retry-After: 5');
    const { transport } = await bench(({ socket }) => socket.write(refusal), secure);
    expect(await streamed(transport)).toEqual(['', { status: 429, body: '{"code":429}', retryAfterMs: 5_000 }]);
  });

  it('ends with what its listener throws, and so does its connection', async () => {
    const { server, transport } = await bench(({ socket }) => socket.write(`${openHead}3\r\none\r\n`), secure);
    const tooMuch = new OperatorError('AnswerTooLarge', 'too much');
    const refuse = () => {
      throw tooMuch;
    };
    await expect(transport.stream({ path: '/api' }, refuse, never)).rejects.toBe(tooMuch);
    await until(() => transport.socketCount().watches === 0 && server.sockets.size === 0);
  });

  it('tells a fault of its listener from one of the server', async () => {
    const { transport } = await bench(({ socket }) => socket.write(`${openHead}3\r\none\r\n`), secure);
    const fault = () => {
      throw new TypeError('of ours');
    };
    expect(await reasonOf(transport.stream({ path: '/api' }, fault, never))).toBe('Internal');
  });

  it('begins on a new connection when the kept one turns out to be closed', async () => {
    const script = ({ socket, nth }: RawCall) => (nth === 1 ? socket.write(`${openHead}0\r\n\r\n`) : socket.end());
    const { server, transport } = await bench(script, secure);
    expect(await streamed(transport)).toEqual(['', undefined]);
    expect(await streamed(transport)).toEqual(['', undefined]);
    expect(server.accepted()).toBe(2);
  });

  it('has no deadline once it has begun, and one until then', async () => {
    const { server, transport, clock } = await bench(() => {}, {});
    const begun = streamed(transport);
    await until(() => server.calls.length === 1);
    server.calls[0]?.socket.write(`${openHead}3\r\none\r\n`);
    await until(() => heardOf.get(transport) === 'one');
    const waiting = reasonOf(transport.stream({ path: '/api' }, () => {}, never));
    await until(() => server.calls.length === 2);
    await clock.advance(30_000);
    expect(await waiting).toBe('ApiUnavailable');
    server.calls[0]?.socket.write('3\r\ntwo\r\n0\r\n\r\n');
    expect(await begun).toEqual(['onetwo', undefined]);
  });

  it('stops when its signal fires', async () => {
    const { server, transport } = await bench(({ socket }) => socket.write(openHead), secure);
    const stop = new AbortController();
    const reason = reasonOf(transport.stream({ path: '/api' }, () => {}, stop.signal));
    await until(() => server.calls.length === 1);
    stop.abort();
    expect(await reason).toBe('Aborted');
    await until(() => transport.socketCount().watches === 0 && server.sockets.size === 0);
  });

  it.each([
    ['plain', {}],
    ['with TLS', secure],
  ])('hands on no more in one turn of the loop than a share, however much has come: %s', async (_, options) => {
    const body = Buffer.alloc(12_000_000, 'body');
    const { transport } = await bench(({ socket }) => {
      socket.write(`${openHead}${body.length.toString(16)}\r\n`);
      socket.write(body);
      socket.write('\r\n0\r\n\r\n');
    }, options);
    const perTurn: number[] = [0];
    let isOver = false;
    const turn = () => {
      perTurn.push(0);
      if (!isOver) setImmediate(turn);
    };
    turn();
    const hash = createHash('sha256');
    const onBytes = (bytes: Buffer) => {
      hash.update(bytes);
      perTurn.push((perTurn.pop() ?? 0) + bytes.length);
    };
    expect(await transport.stream({ path: '/api' }, onBytes, never)).toBeUndefined();
    isOver = true;
    expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
    // A share of 256 KiB, and what was read of the socket when that was passed.
    expect(Math.max(...perTurn)).toBeLessThan(2 * 262_144);
  });
});

async function bench(script: (call: RawCall) => unknown, options: RawOptions & { maxSockets?: number }) {
  const clock = new FakeClock();
  return { ...(await rawBench(script, { clock, ...options })), clock };
}

/** The one connection of the pool answers its request and serves the next: what gave up in between was never sent. */
async function servesOn({ server, transport }: RawBench, first: Promise<string>): Promise<void> {
  good(server.calls[0]);
  expect(await first).toBe('no failure');
  const third = transport.send({ ...get, method: 'PUT', body: '{}' }, never);
  await until(() => server.calls.length === 2);
  good(server.calls[1]);
  await third;
  expect([server.calls.map(methodOf), server.accepted()]).toEqual([['GET', 'PUT'], 1]);
}

function good(call: RawCall | undefined): void {
  call?.socket.write(rawAnswer('{}'));
}

function methodOf({ text }: RawCall): string | undefined {
  return text.split(' ')[0];
}

/** Whether it is, after a turn of the event loop. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([promise.then(() => true), turn]);
}

const heardOf = new WeakMap<Transport, string>();

/** What the stream brought, and how it ended: an answer, undefined or a reason. */
async function streamed(transport: Transport): Promise<[heard: string, end: unknown]> {
  heardOf.set(transport, '');
  const onBytes = (bytes: Buffer) => heardOf.set(transport, `${heardOf.get(transport)}${bytes.toString('latin1')}`);
  const end = await transport
    .stream({ path: '/api' }, onBytes, never)
    .catch((thrown: unknown) => (thrown instanceof OperatorError ? thrown.reason : thrown));
  return [heardOf.get(transport) ?? '', end];
}
