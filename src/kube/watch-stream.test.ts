import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { type RawCall, type RawServer, rawAnswer, rawServer } from '../../test/support/raw-server.ts';
import { until } from '../../test/support/scripted-api-server.ts';
import { OperatorError } from '../base/operator-error.ts';
import { reasonOf } from './transport.fixture.ts';
import { createTransport, type Transport } from './transport.ts';
import { followWatch, type WatchEvent, type WatchRequest } from './watch-stream.ts';

const never = new AbortController().signal;
const things = { group: '', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const request: WatchRequest = {
  selection: { resource: things },
  resourceVersion: '7',
  timeoutSeconds: 300,
  silenceMs: () => 90_000,
};
const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const end = '0\r\n\r\n';

let server: RawServer;
let transport: Transport;
let clock: FakeClock;
let script: (call: RawCall) => unknown;

beforeAll(async () => {
  server = await rawServer((call) => script(call));
});
beforeEach(() => {
  clock = new FakeClock();
  transport = createTransport({ access: server.access, clock, userAgent: 'escapement/test' });
});
afterEach(() => transport.close());
afterAll(() => server.close());

describe('followWatch', () => {
  it('hears the same events however the stream is cut, inside lines, characters and chunks', async () => {
    const names = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 6 });
    const cuts = fc.array(fc.record({ length: fc.integer({ min: 1, max: 90 }), isRead: fc.boolean() }), {
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(names, cuts, async (sent, pieces) => {
        script = ({ socket }) => playInPieces(socket, Buffer.from(sent.map(lineOf).join('')), pieces);
        expect((await follow()).map(nameOf)).toEqual(sent);
      }),
      { numRuns: 60 },
    );
  });

  it('hears of a line in single bytes, each in a read of its own', async () => {
    const sent = ['é€😀', 'ü'];
    script = ({ socket }) =>
      playInPieces(socket, Buffer.from(sent.map(lineOf).join('')), [{ length: 1, isRead: true }]);
    expect((await follow()).map(nameOf)).toEqual(sent);
  });

  it('hears of events of several MB, and of more of them than one may be large', async () => {
    const sent = Array.from({ length: 6 }, (_one, at) => `${at}${'€'.repeat(1_000_000)}`);
    const lines = Buffer.from(sent.map(lineOf).join(''));
    script = ({ socket }) => playInPieces(socket, lines, [{ length: 1_000_000, isRead: false }]);
    const heard = await follow();
    expect(heard.map((event, at) => nameOf(event) === sent[at])).toEqual(sent.map(() => true));
  });

  it('passes over empty lines, and over a line that was begun when the server ended', async () => {
    script = ({ socket }) => socket.write(`${head}${chunk(Buffer.from(`\n${lineOf('a')}\n\n{"type":`))}${end}`);
    expect((await follow()).map(nameOf)).toEqual(['a']);
  });

  it('hears every event before the cut, then fails', async () => {
    script = ({ socket }) => socket.end(`${head}${chunk(Buffer.from(`${lineOf('a')}${lineOf('b').slice(0, 9)}`))}`);
    const heard: WatchEvent[] = [];
    expect(await reasonOf(follow((event) => heard.push(event)))).toBe('ApiUnavailable');
    expect(heard.map(nameOf)).toEqual(['a']);
  });

  it.each([
    ['a line that is no event', 'ApiUnavailable', `${head}${chunk(Buffer.from('{"type":"ADDED"}\n'))}`],
    ['an event that does not end', 'AnswerTooLarge', `${head}${chunk(Buffer.alloc(17 * 2 ** 20, 'x'))}`],
    ['a refusal', 'ApiDenied', rawAnswer('{"kind":"Status","code":403}', '403 Forbidden')],
  ])('fails at %s with %s', async (_what, reason, sent) => {
    script = ({ socket }) => socket.write(sent);
    expect(await reasonOf(follow())).toBe(reason);
  });

  it.each([
    ['a refusal', rawAnswer('{"kind":"Status","code":410,"reason":"Expired"}', '410 Gone')],
    ['an event', `${head}${chunk(Buffer.from('{"type":"ERROR","object":{"kind":"Status","code":410}}\n'))}`],
  ])('knows from %s that it must begin with a list', async (_what, sent) => {
    script = ({ socket }) => socket.write(sent);
    await expect(follow()).rejects.toMatchObject({ status: 410 });
  });

  it('ends with what its listener throws, in the middle of a piece', async () => {
    script = ({ socket }) => socket.write(`${head}${chunk(Buffer.from(`${lineOf('a')}${lineOf('b')}`))}`);
    const heard: string[] = [];
    const refused = new OperatorError('Internal', 'not this one');
    const onEvent = (event: WatchEvent) => {
      heard.push(nameOf(event));
      throw refused;
    };
    await expect(follow(onEvent)).rejects.toBe(refused);
    expect(heard).toEqual(['a']);
  });

  it('gives up on a stream that fell silent, and not while it speaks', async () => {
    let socket: RawCall['socket'] | undefined;
    script = (call) => {
      ({ socket } = call);
      socket.write(head);
    };
    const heard: WatchEvent[] = [];
    const reason = reasonOf(follow((event) => heard.push(event)));
    await until(() => socket !== undefined);
    for (const name of ['a', 'b', 'c']) {
      await clock.advance(60_000);
      socket?.write(chunk(Buffer.from(lineOf(name))));
      await until(() => heard.at(-1)?.object.metadata.name === name);
    }
    await clock.advance(90_000);
    expect(await reason).toBe('ApiUnavailable');
  });
});

/** All events until the server ends the stream. */
async function follow(onEvent?: (event: WatchEvent) => void): Promise<WatchEvent[]> {
  const heard: WatchEvent[] = [];
  const keep = (event: WatchEvent) => void heard.push(event);
  await followWatch(transport, request, { onEvent: onEvent ?? keep, clock, signal: never });
  return heard;
}

function lineOf(name: string): string {
  return `${JSON.stringify({ type: 'MODIFIED', object: { metadata: { name } } })}\n`;
}

function nameOf({ object }: WatchEvent): string {
  return object.metadata.name;
}

function chunk(bytes: Buffer): string {
  return `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`;
}

/** A chunk for each piece, its lengths taken in turn; after some the other side has time to read before more is sent. */
async function playInPieces(
  socket: RawCall['socket'],
  bytes: Buffer,
  cuts: readonly { readonly length: number; readonly isRead: boolean }[],
): Promise<void> {
  socket.write(head);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const { length = 1, isRead = false } = cuts[turn % cuts.length] ?? {};
    socket.write(chunk(bytes.subarray(at, at + length)), 'latin1');
    at += length;
    if (isRead) for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.write(end);
}
