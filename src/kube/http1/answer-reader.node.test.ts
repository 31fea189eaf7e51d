// What the transport makes of answers, against what Node's own client makes of the same ones.

import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawServer, rawServer } from '../../../test/support/raw-server.ts';
import { systemClock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { createTransport, type Transport } from '../transport.ts';

/** Status, Retry-After and body; or `refused`. */
type Reading = string;

const never = new AbortController().signal;
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const hello = '200 undefined hello';
const fixed = `${ok}Content-Length: 5\r\n\r\nhello`;

/** Where both must read the same. Each is sent as it stands, then the connection ends. */
const alike: readonly [why: string, sent: string][] = [
  ['a length', fixed],
  ['chunks, extensions, trailers', `${chunked}3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX-Y: z\r\n\r\n`],
  ['neither: until the end', `${ok}\r\nhello`],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nhello'],
  ['answers that are not the last', `HTTP/1.1 102 Processing\r\n\r\n${fixed}`],
  ['HTTP/1.0 with chunks', `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  ['one of those with a length', `HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n${fixed}`],
  ['one of HTTP/1.0', `HTTP/1.0 103 Early Hints\r\n\r\n${fixed}`],
  ['one with chunks', `HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${fixed}`],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ['space around values', `${ok}Content-Length: \t5 \r\nRetry-After:  7 \r\n\r\nhello`],
  ['zeros before a length', `${ok}Content-Length: 005\r\n\r\nhello`],
  ['too few bytes', `${ok}Content-Length: 6\r\n\r\nhello`],
  ['chunks without the last', `${chunked}5\r\nhello\r\n`],
  ['a signed length', `${ok}Content-Length: +5\r\n\r\nhello`],
  ['a list of lengths', `${ok}Content-Length: 5, 5\r\n\r\nhello`],
  ['two lengths', `${ok}Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello`],
  ['a space before the colon', `${ok}Content-Length : 5\r\n\r\nhello`],
  ['a space in a name', `${ok}X Y: z\r\nContent-Length: 5\r\n\r\nhello`],
  ['a bare LF that hides a length', `${ok}X-Y: z\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello`],
  ['a bare CR in a value', `${ok}X-Y: a\rb\r\nContent-Length: 5\r\n\r\nhello`],
  ['a NUL in a value', `${ok}X-Y: a\0b\r\nContent-Length: 5\r\n\r\nhello`],
  ['a bare LF behind a chunk extension', `${chunked}5;a\nhello\r\n0\r\n\r\n`],
  ['a space behind a chunk size', `${chunked}5 \r\nhello\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `${chunked}4\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size with a prefix', `${chunked}0x5\r\nhello\r\n0\r\n\r\n`],
  ['a trailer without a colon', `${chunked}0\r\nhello\r\n\r\n`],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ['a status of two digits', `HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello`],
  ['HTML', '<!DOCTYPE html>\r\n\r\n'],
  ['an alert of TLS', '\x15\x03\x03\x00\x02\x02\x46'],
];

/** Where they part on purpose: what the transport reads, and what Node's client does. */
const apart: readonly [why: string, sent: string, ours: Reading, nodes: Reading][] = [
  [
    'the same length twice is a length (RFC 9112, 6.3)',
    `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    hello,
    'refused',
  ],
  [
    'chunks count more than a length, and end the connection (6.1)',
    `${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    hello,
    'refused',
  ],
  [
    'what is not the last answer cannot close',
    `HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${fixed}`,
    hello,
    'refused',
  ],
  ['proxies add to a head', `${ok}X-Pad: ${'p'.repeat(20_000)}\r\nContent-Length: 5\r\n\r\nhello`, hello, 'refused'],
  ['only HTTP/1.1 was asked for', `HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello`, 'refused', hello],
  [
    'no status beyond 599 means anything',
    `HTTP/1.1 600 Odd\r\nContent-Length: 5\r\n\r\nhello`,
    'refused',
    '600 undefined hello',
  ],
  ['nothing here decompresses', `${ok}Transfer-Encoding: gzip\r\n\r\nhello`, 'refused', hello],
  ['nor inside chunks', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'refused', hello],
  ['chunks are made once', `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, 'refused', hello],
  ['an answer begins with its status line', `\r\n${fixed}`, 'refused', hello],
  ['a status line is text', `HTTP/1.1 200 O\x01K\r\nContent-Length: 5\r\n\r\nhello`, 'refused', hello],
  ['no length has so many digits', `${ok}Content-Length: 00000000000000005\r\n\r\nhello`, 'refused', hello],
  ['no chunk has', `${chunked}00000000000000005\r\nhello\r\n0\r\n\r\n`, 'refused', hello],
  ['nobody sends such extensions', `${chunked}5;a="\\""\r\nhello\r\n0\r\n\r\n`, 'refused', hello],
];

let server: RawServer;
let sent = Buffer.alloc(0);

beforeAll(async () => {
  server = await rawServer(({ socket }) => socket.end(sent));
});
afterAll(() => server.close());

describe("the transport beside Node's client", () => {
  it.each(alike)('reads or refuses alike: %s', async (_why, text) => {
    const { ours, nodes } = await both(text);
    expect(ours).toBe(nodes);
  });

  it.each(apart)('parts from it on purpose: %s', async (_why, text, ours, nodes) => {
    expect(await both(text)).toEqual({ ours, nodes });
  });

  it('takes nothing that Node refuses or reads otherwise, whatever is done to an answer', async () => {
    await fc.assert(
      fc.asyncProperty(mangled, async (text) => {
        const { ours, nodes } = await both(text);
        expect([nodes, 'refused']).toContain(ours);
      }),
      { numRuns: 300 },
    );
  });

  it("reads whatever node:http's server writes, one answer after the other on one connection", async () => {
    await fc.assert(fc.asyncProperty(fc.array(scripted, { minLength: 1, maxLength: 8 }), readAlike), { numRuns: 60 });
  });
});

interface Scripted {
  readonly status: number;
  readonly pieces: readonly Uint8Array[];
  readonly isChunked: boolean;
  readonly retryAfter: string | undefined;
  readonly hasTrailers: boolean;
  readonly isHinted: boolean;
}

const scripted: fc.Arbitrary<Scripted> = fc.record({
  status: fc.constantFrom(200, 201, 204, 304, 400, 404, 409, 500, 503),
  pieces: fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
      fc.integer({ min: 1, max: 200_000 }).map((length) => Buffer.alloc(length, '€')),
    ),
    { maxLength: 6 },
  ),
  isChunked: fc.boolean(),
  retryAfter: fc.option(fc.constantFrom('3', '0'), { nil: undefined }),
  hasTrailers: fc.boolean(),
  isHinted: fc.boolean(),
});

async function readAlike(answers: readonly Scripted[]): Promise<void> {
  let connections = 0;
  const http = createServer((incoming, response) => play(answers[Number(incoming.url?.slice(1))], response));
  http.on('connection', () => connections++);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo; // listening on TCP, so not a path
  const transport = transportTo(new URL(`http://127.0.0.1:${port}`));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (const [at] of answers.entries()) {
      expect(await oursReads(transport, `/${at}`)).toBe(await nodeReads(port, { agent, path: `/${at}` }));
    }
    expect(connections).toBe(2); // each kept its own
  } finally {
    transport.close();
    agent.destroy();
    http.closeAllConnections();
    http.close();
  }
}

function play(answer: Scripted | undefined, response: ServerResponse): void {
  if (answer === undefined) return void response.destroy();
  const { status, pieces, isChunked, retryAfter, hasTrailers, isHinted } = answer;
  if (isHinted) response.writeEarlyHints({ link: '</x>; rel=preload' });
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  response.writeHead(status, isChunked || status === 204 ? {} : { 'Content-Length': length });
  for (const piece of pieces) response.write(piece);
  if (isChunked && hasTrailers) response.addTrailers({ 'X-Sum': '1' });
  response.end();
}

/** Answers with something in the wrong place; what the table above says of lengths given twice is left out. */
const odd = ['\r', '\n', '\r\n', ' ', '\t', ':', ';', ',', '\0', '\x7f', '\xa0', '0', '5', 'a', '-', '+', '\r\n\r\n'];
const mangled = fc
  .tuple(
    fc.constantFrom(...alike.slice(0, 8).map(([, text]) => text)),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.constantFrom('', ...odd)), { minLength: 1, maxLength: 3 }),
  )
  .map(([text, edits]) => edits.reduce(edit, text));

function edit(text: string, [place, cut, put]: readonly [number, number, string]): string {
  const at = place % text.length;
  return text.slice(0, at) + put + text.slice(at + cut);
}

async function both(text: string): Promise<{ ours: Reading; nodes: Reading }> {
  sent = Buffer.from(text, 'latin1');
  const transport = transportTo(server.access.server);
  const ours = await oursReads(transport, '/');
  transport.close();
  return { ours, nodes: await nodeReads(Number(server.access.server.port), { agent: false, path: '/' }) };
}

function transportTo(url: URL): Transport {
  const access = { ...server.access, server: url };
  return createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
}

async function oursReads(transport: Transport, path: string): Promise<Reading> {
  try {
    const { status, retryAfterMs, body } = await transport.send({ method: 'GET', mayReplay: true, path }, never);
    return reading(status, retryAfterMs, body);
  } catch (thrown) {
    if (thrown instanceof OperatorError && thrown.reason === 'ApiUnavailable') return 'refused';
    throw thrown;
  }
}

function nodeReads(port: number, options: { agent: Agent | false; path: string }): Promise<Reading> {
  return new Promise((resolve) => {
    const refuse = () => resolve('refused');
    const asked = request({ host: '127.0.0.1', port, ...options }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', refuse);
      answer.on('end', () => {
        const after = answer.headers['retry-after'];
        const body = Buffer.concat(pieces).toString('utf8');
        resolve(reading(answer.statusCode, after === undefined ? undefined : Number(after) * 1_000, body));
      });
    });
    asked.on('error', refuse);
    asked.on('upgrade', (_answer: IncomingMessage, socket) => {
      socket.destroy();
      refuse();
    });
    asked.end();
  });
}

function reading(status: number | undefined, retryAfterMs: number | undefined, body: string): Reading {
  return `${status} ${retryAfterMs} ${body}`;
}
