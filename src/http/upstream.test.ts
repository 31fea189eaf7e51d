import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { failureOf, openDoor, send, startHttp, startTcp, until } from './door.fixture.ts';
import { createEgressPolicy } from './egress.ts';

const url = (server: { readonly port: number }, path = '/') => `http://127.0.0.1:${server.port}${path}`;

/** A server whose answer has begun with one byte, and a door that counts what arrives. */
async function beginAnswer() {
  let answer: ServerResponse | undefined;
  let arrived = 0;
  const server = await startHttp((_, response) => {
    answer = response;
    response.writeHead(200).write('.');
  });
  const fly = (bytes: number) => {
    arrived += Math.max(0, bytes);
    return true;
  };
  const opened = openDoor({ bodies: { fly } });
  return { ...opened, server, arrived: () => arrived, answer: () => answer ?? expect.fail('not asked yet') };
}

describe('an answer', () => {
  it('carries status, headers and body, and the request says who asks', async () => {
    let asked: Record<string, unknown> = {};
    const server = await startHttp((request, response) => {
      const { method, url: path, headers } = request;
      asked = { method, path, headers };
      response.writeHead(404, { 'X-One': 'a', 'Set-Cookie': ['b=1', 'c=2'] }).end('absent');
    });
    const answer = await send(openDoor().door.open({}), url(server, '/x?y=z'), {
      headers: { authorization: 'Bearer t' },
    });
    expect(answer).toMatchObject({ status: 404, headers: { 'x-one': 'a', 'set-cookie': 'b=1, c=2' } });
    expect(answer.body.toString()).toBe('absent');
    expect(asked).toMatchObject({
      method: 'GET',
      path: '/x?y=z',
      headers: { authorization: 'Bearer t', 'user-agent': 'escapement/test' },
    });
    expect(Object.keys(asked['headers'] ?? {}).filter((name) => name.includes('forward'))).toEqual([]);
  });

  it.each([
    [401, 'plain', (text: string) => ({ headers: {}, bytes: Buffer.from(text) })],
    [302, 'compressed', (text: string) => ({ headers: { 'content-encoding': 'gzip' }, bytes: gzipSync(text) })],
  ])('of status %i is read to 64 KiB and no further (%s)', async (status, _how, write) => {
    const { headers, bytes } = write('ip '.repeat(4 << 20));
    const server = await startHttp((_, response) => void response.writeHead(status, headers).end(bytes));
    const answer = await send(openDoor().door.open({}), url(server));
    expect([answer.status, answer.body.length]).toEqual([status, 64 * 1024]);
    await until(() => server.connections.open === 0);
  });

  it('of an error that never ends is not waited for', async () => {
    const server = await startHttp((_, response) => {
      const more = () => {
        while (response.writable && response.write('x'.repeat(1_000)));
      };
      response.writeHead(500).on('drain', more);
      more();
    });
    const answer = await send(openDoor().door.open({}), url(server), { method: 'POST' });
    expect([answer.status, answer.body.length]).toEqual([500, 64 * 1024]);
    await until(() => server.connections.open === 0);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)('to %s follows a body sent whole', async (method) => {
    const received: string[] = [];
    const server = await startHttp((request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => received.push(chunk));
      request.on('end', () => response.end(request.method));
    });
    const body = JSON.stringify({ value: 'ü'.repeat(100_000) });
    const answer = await send(openDoor().door.open({}), url(server), { method, body });
    expect(answer.body.toString()).toBe(method);
    expect(received.join('')).toBe(body);
  });

  it('may be empty', async () => {
    const server = await startHttp((_, response) => response.writeHead(304, { etag: 'W/"1"' }).end());
    const answer = await send(openDoor().door.open({}), url(server));
    expect([answer.status, answer.body.length]).toEqual([304, 0]);
  });

  it('is decompressed', async () => {
    const server = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('hello'));
    });
    expect((await send(openDoor().door.open({}), url(server))).body.toString()).toBe('hello');
  });

  it('may be a redirect, which is not followed', async () => {
    const paths: unknown[] = [];
    const server = await startHttp((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const answer = await send(openDoor().door.open({}), url(server, '/here'));
    expect([answer.status, answer.headers['location'], paths]).toEqual([302, '/elsewhere', ['/here']]);
  });
});

describe('a host that misbehaves', () => {
  it('has 10 s to the first byte', async () => {
    const server = await startHttp(() => {});
    const { door, clock } = openDoor();
    const failure = failureOf(send(door.open({}), url(server)));
    let isOver = false;
    void failure.then(() => (isOver = true));
    await until(() => server.connections.accepted === 1);
    await clock.advance(9_999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    expect((await failure).reason).toBe('UpstreamUnavailable');
    await until(() => server.connections.open === 0);
  });

  it.each([
    ['stands still', 0],
    ['trickles', 1],
  ])('is given up within 3 s when it %s', async (_, bytes) => {
    const { door, clock, arrived, answer, server } = await beginAnswer();
    const failure = failureOf(send(door.open({}), url(server)));
    await until(() => arrived() === 1);
    for (let i = 1; i <= 3; i++) {
      if (bytes > 0) answer().write('.');
      await until(() => arrived() === 1 + i * bytes);
      await clock.advance(1_000);
    }
    expect((await failure).message).toMatch(/does not go on/);
    await until(() => server.connections.open === 0);
  });

  it('has 30 s as a whole, however steadily it comes', async () => {
    const { door, clock, observed, arrived, answer, server } = await beginAnswer();
    const failure = failureOf(send(door.open({}), url(server)));
    await until(() => arrived() === 1);
    for (let i = 1; i <= 29; i++) {
      answer().write('x'.repeat(500));
      await until(() => arrived() === 1 + i * 500);
      await clock.advance(1_000);
    }
    expect(observed).toEqual([]);
    await clock.advance(1_000);
    expect((await failure).reason).toBe('UpstreamUnavailable');
  });

  it.each([
    ['cuts a body short of its length', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
    ['cuts a chunked body', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['hangs up without an answer', ''],
    ['hangs up inside the head', 'HTTP/1.1 200 OK\r\ncontent-'],
  ])('gives no answer to POST when it %s', async (_, bytes) => {
    const server = await startTcp((socket) => socket.once('data', () => socket.end(bytes)));
    const error = await failureOf(send(openDoor().door.open({}), url(server), { method: 'POST', body: '{}' }));
    expect(error.reason).toBe('UpstreamUnavailable');
    expect(server.connections.accepted).toBe(1);
  });

  it('gives no answer when it resets inside the body', async () => {
    const server = await startTcp((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', () => socket.resetAndDestroy());
      }),
    );
    const error = await failureOf(send(openDoor().door.open({}), url(server), { method: 'POST' }));
    expect(error.reason).toBe('UpstreamUnavailable');
  });

  it('gives no answer when its compressed body is damaged', async () => {
    const server = await startHttp((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(5_000)).subarray(0, 20));
    });
    expect((await failureOf(send(openDoor().door.open({}), url(server)))).reason).toBe('UpstreamUnavailable');
  });

  it('gives no answer when it does not speak HTTP', async () => {
    const server = await startTcp((socket) => socket.end('220 mail.example ESMTP\r\n'));
    expect((await failureOf(send(openDoor().door.open({}), url(server)))).reason).toBe('UpstreamUnavailable');
  });

  it.each([
    [
      'says a length over the bound',
      (response: ServerResponse) => response.writeHead(200, { 'content-length': 2_000 }).write('x'),
    ],
    ['sends more than the bound', (response: ServerResponse) => response.writeHead(200).end('x'.repeat(2_000))],
    [
      'sends a small body that grows when decompressed',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(2_000))),
    ],
  ])('is cut off when it %s', async (_, respond) => {
    const server = await startHttp((_request, response) => void respond(response));
    const error = await failureOf(send(openDoor().door.open({}), url(server), { maxBytes: 1_000 }));
    expect(error.reason).toBe('AnswerTooLarge');
  });

  it('loses its connection when it sends too much', async () => {
    const server = await startHttp((_, response) => response.writeHead(200, { 'content-length': 2_000 }).write('x'));
    await failureOf(send(openDoor().door.open({}), url(server), { maxBytes: 1_000 }));
    await until(() => server.connections.open === 0);
  });

  it('is counted while it is received, and refused where others leave no room', async () => {
    const counted: number[] = [];
    let heldBytes = 0;
    const bodies = {
      fly(bytes: number) {
        if (bytes > 0 && heldBytes + bytes > 1_500) return false;
        heldBytes += bytes;
        counted.push(heldBytes);
        return true;
      },
    };
    const server = await startHttp((request, response) =>
      response.end('x'.repeat(request.url === '/large' ? 2_000 : 1_000)),
    );
    const upstream = openDoor({ bodies }).door.open({});
    expect((await send(upstream, url(server, '/small'))).body).toHaveLength(1_000);
    expect([Math.max(...counted), heldBytes]).toEqual([1_000, 0]);
    expect((await failureOf(send(upstream, url(server, '/large')))).reason).toBe('TooMuchWork');
    expect(heldBytes).toBe(0);
    expect((await send(upstream, url(server, '/small'))).status).toBe(200);
  });

  it('cannot fill the memory with a gzip bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(400 * 1024 * 1024));
    const server = await startHttp((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb));
    const upstream = openDoor().door.open({});
    const beforeBytes = process.memoryUsage.rss();
    expect((await failureOf(send(upstream, url(server)))).reason).toBe('AnswerTooLarge');
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(150 * 1024 * 1024);
  });

  it('takes an answer exactly as large as the bound', async () => {
    const server = await startHttp((_, response) => response.end('x'.repeat(1_000)));
    expect((await send(openDoor().door.open({}), url(server), { maxBytes: 1_000 })).body.length).toBe(1_000);
  });
});

describe('a lost connection', () => {
  async function flaky(answers: readonly ('reset' | number | 'throttled')[]) {
    let count = 0;
    const server = await startHttp((request, response) => {
      const next = answers[count++] ?? 200;
      if (next === 'reset') request.socket.destroy();
      else if (next === 'throttled') response.writeHead(503, { 'retry-after': '5' }).end();
      else response.writeHead(next).end();
    });
    return { server, count: () => count };
  }

  it.each([
    ['a reset', ['reset'], 200, 2],
    ['two resets', ['reset', 'reset'], 200, 3],
    ['503', [503], 200, 2],
    ['502 and 504', [502, 504], 200, 3],
    ['503 three times', [503, 503, 503], 503, 3],
    ['a lone 500', [500], 200, 2],
    ['500 twice', [500, 500], 500, 2],
    ['500 behind 503', [503, 500], 500, 2],
    ['501', [501], 501, 1],
    ['503 with retry-after', ['throttled'], 503, 1],
    ['429', [429], 429, 1],
  ] as const)('is mended for GET after %s', async (_, answers, status, requests) => {
    const { server, count } = await flaky(answers);
    const { door, clock, observed } = openDoor();
    const sent = send(door.open({}), url(server));
    for (let i = 1; i <= requests; i++) {
      await until(() => observed.length >= i); // two tries may fall into one step of the clock
      await clock.advance(500);
    }
    expect((await sent).status).toBe(status);
    expect(count()).toBe(requests);
  });

  it('waits at least 100 ms before another try', async () => {
    const { server, count } = await flaky(['reset']);
    const { door, clock, observed } = openDoor();
    const sent = send(door.open({}), url(server));
    await until(() => observed.length === 1);
    await clock.advance(99);
    expect(count()).toBe(1);
    await clock.advance(401);
    expect((await sent).status).toBe(200);
  });

  it.each(['reset', 503] as const)('is left to the caller for POST after %s', async (first) => {
    const { server, count } = await flaky([first]);
    await send(openDoor().door.open({}), url(server), { method: 'POST' }).catch(() => {});
    expect(count()).toBe(1);
  });

  it('ends in an error after three resets', async () => {
    const { server, count } = await flaky(['reset', 'reset', 'reset']);
    const { door, clock, observed } = openDoor();
    const failure = failureOf(send(door.open({}), url(server)));
    for (let i = 1; i <= 3; i++) {
      await until(() => observed.length >= i); // two tries may fall into one step of the clock
      await clock.advance(500);
    }
    expect((await failure).reason).toBe('UpstreamUnavailable');
    expect(count()).toBe(3);
  });
});

describe('connections', () => {
  it('are reused', async () => {
    const server = await startHttp((_, response) => response.end('ok'));
    const { door } = openDoor();
    for (let i = 0; i < 5; i++) await send(door.open({}), url(server, `/${i}`));
    expect(server.connections.accepted).toBe(1);
  });

  it('are at most 16 to an origin; the rest wait without losing time', async () => {
    const waiting: ServerResponse[] = [];
    const server = await startHttp((_, response) => void waiting.push(response));
    const { door, clock } = openDoor();
    const sent = Array.from({ length: 40 }, (_, i) => send(door.open({}), url(server, `/${i}`)));
    let answered = 0;
    while (answered < 40) {
      await until(() => waiting.length === Math.min(16, 40 - answered));
      await clock.advance(9_000); // three waves take 27 s; each request is within its own 10 s
      for (const response of waiting.splice(0)) {
        response.end();
        answered += 1;
      }
    }
    expect((await Promise.all(sent)).every((answer) => answer.status === 200)).toBe(true);
    expect(server.connections.accepted).toBe(16);
  });

  it('are closed when idle', async () => {
    const server = await startHttp((_, response) => response.end('ok'));
    const { door } = openDoor({ limits: { idleMs: 20 } });
    await send(door.open({}), url(server));
    await until(() => server.connections.open === 0);
  });

  it('are given up when the caller stops, also in the queue', async () => {
    const server = await startHttp(() => {});
    const { door } = openDoor({ limits: { slotsPerOrigin: 1 } });
    const stop = new AbortController();
    const failures = [1, 2, 3].map(() => failureOf(send(door.open({}), url(server), { signal: stop.signal })));
    await until(() => server.connections.accepted === 1);
    stop.abort();
    expect((await Promise.all(failures)).map((error) => error.reason)).toEqual(['Aborted', 'Aborted', 'Aborted']);
    await until(() => server.connections.open === 0);
  });

  it('end when the door closes', async () => {
    const server = await startHttp(() => {});
    const { door } = openDoor();
    const upstream = door.open({});
    const failure = failureOf(send(upstream, url(server)));
    await until(() => server.connections.accepted === 1);
    door.close();
    expect((await failure).reason).toBe('Aborted');
    expect((await failureOf(send(upstream, url(server)))).reason).toBe('Aborted');
    await until(() => server.connections.open === 0);
  });
});

describe('a host that is down', () => {
  it('is one that refuses the connection', async () => {
    const { door, hostChanges } = openDoor();
    expect((await failureOf(send(door.open({}), 'http://127.0.0.1:1/'))).reason).toBe('UpstreamUnavailable');
    expect(hostChanges).toEqual([{ origin: 'http://127.0.0.1:1', isUp: false }]);
  });

  it('is one whose name does not resolve', async () => {
    const { door, clock, observed, hostChanges } = openDoor();
    const failure = failureOf(send(door.open({}), 'https://host.invalid/'));
    // Some machines' resolvers take long to say so; then the deadline ends it, with the same outcome.
    const startedMs = performance.now();
    await until(() => observed.length === 1 || performance.now() - startedMs > 3_000);
    await clock.advance(5_000);
    expect((await failure).reason).toBe('UpstreamUnavailable');
    expect(hostChanges).toEqual([{ origin: 'https://host.invalid', isUp: false }]);
  });

  it('fails at once after a refused connection, until a probe succeeds', async () => {
    const server = await startTcp((socket) => socket.destroy());
    const { door, clock, observed, hostChanges } = openDoor();
    const upstream = door.open({});
    const post = () => send(upstream, url(server), { method: 'POST' });
    const first = await failureOf(post());
    const second = await failureOf(post());
    expect(second).toMatchObject({ reason: 'UpstreamUnavailable', message: first.message, retryAfterMs: 3_000 });
    expect([server.connections.accepted, observed.length]).toEqual([1, 1]);
    await clock.advance(3_000);
    expect((await failureOf(post())).reason).toBe('UpstreamUnavailable');
    expect(server.connections.accepted).toBe(2);
    expect(hostChanges).toEqual([{ origin: `http://127.0.0.1:${server.port}`, isUp: false }]);
  });

  it('frees those who wait for a slot as soon as it is known', async () => {
    const server = await startHttp(() => {});
    const { door, clock } = openDoor({ limits: { slotsPerOrigin: 2 } });
    const failures = Array.from({ length: 50 }, (_, i) => failureOf(send(door.open({}), url(server, `/${i}`))));
    await until(() => server.connections.accepted === 2);
    await clock.advance(10_000);
    // One more leaves between the first silence and the second, which closes the gate; it is sent again beside itself.
    await until(() => server.connections.accepted === 3);
    for (let tries = 4; tries <= 6; tries++) {
      await clock.advance(3_000);
      await until(() => server.connections.accepted === Math.min(tries, 5));
    }
    await clock.advance(10_000);
    expect((await Promise.all(failures)).every((error) => error.reason === 'UpstreamUnavailable')).toBe(true);
    expect(server.connections.accepted).toBe(5);
  });

  it('is asked once for what lasts, and heard to the end though nobody waits', async () => {
    const answers: ServerResponse[] = [];
    const server = await startHttp((_, response) => void answers.push(response));
    const { door, clock, observed } = openDoor();
    const upstream = door.open({});
    const lost = failureOf(send(upstream, url(server, '/a')));
    await until(() => answers.length === 1);
    await clock.advance(10_000);
    await lost;
    const leaving = new AbortController();
    const made = send(upstream, url(server, '/b'), { makes: true, signal: leaving.signal });
    await until(() => answers.length === 2);
    await clock.advance(6_000); // another GET would have been sent again beside itself
    leaving.abort();
    answers[1]?.end('made');
    expect((await made).body.toString()).toBe('made');
    expect(answers).toHaveLength(2);
    expect(observed.map(({ outcome }) => outcome)).toEqual(['UpstreamUnavailable', 200]);
    const closed = failureOf(send(upstream, url(server, '/c'), { makes: true }));
    await until(() => answers.length === 3);
    door.close();
    expect((await closed).reason).toBe('Aborted');
  });

  it('is heard again in three seconds, although a request that it lost is waited for with patience', async () => {
    let isSilent = true;
    let requests = 0;
    const server = await startHttp((_, response) => {
      requests++;
      if (!isSilent) response.end('ok');
    });
    const { door, clock, observed } = openDoor();
    const upstream = door.open({});
    const first = failureOf(send(upstream, url(server, '/a')));
    await until(() => requests === 1);
    await clock.advance(10_000);
    expect((await first).reason).toBe('UpstreamUnavailable');
    const second = send(upstream, url(server, '/b'));
    await until(() => requests === 2);
    isSilent = false;
    await clock.advance(3_000);
    expect((await second).status).toBe(200);
    expect(observed.map(({ outcome }) => outcome)).toEqual(['UpstreamUnavailable', 200, 'Aborted']);
    await until(() => server.connections.open <= 1);
  });

  it('holds nobody back from another host', async () => {
    const down = await startTcp((socket) => socket.destroy());
    const healthy = await startHttp((_, response) => response.end('ok'));
    const upstream = openDoor().door.open({});
    await failureOf(send(upstream, url(down), { method: 'POST' }));
    expect((await send(upstream, url(healthy))).status).toBe(200);
  });

  it('is not assumed when one path is slow', async () => {
    const server = await startHttp((request, response) => {
      if (request.url !== '/slow') response.end('ok');
    });
    const { door, clock } = openDoor();
    const upstream = door.open({});
    const failure = failureOf(send(upstream, url(server, '/slow')));
    await until(() => server.connections.accepted === 1);
    await clock.advance(10_000);
    expect((await failure).reason).toBe('UpstreamUnavailable');
    expect((await send(upstream, url(server, '/quick'))).status).toBe(200);
  });
});

describe('egress', () => {
  it.each(['http://127.0.0.1:9/', 'https://169.254.169.254/'])('refuses %s before anything leaves', async (target) => {
    const { door, observed } = openDoor({ insecureHosts: [] });
    expect((await failureOf(send(door.open({}), target))).reason).toBe('HostDenied');
    expect(observed).toEqual([]);
  });

  it.each(['localhost', '127.0.0.1'])('judges the address of %s when it connects', async (host) => {
    const server = await startHttp((_, response) => response.end('ok'));
    // The URL is let through, as that of a name with an innocent look would be.
    const policy = { ...createEgressPolicy({ insecureHosts: [] }), checkUrl: () => {} };
    const { door, hostChanges } = openDoor({ policy });
    const upstream = door.open({});
    expect((await failureOf(send(upstream, `http://${host}:${server.port}/`))).reason).toBe('HostDenied');
    expect(server.connections.accepted).toBe(0);
    expect(hostChanges).toEqual([]);
  });

  it('lets a listed name resolve to loopback', async () => {
    const server = await startHttp((_, response) => response.end('ok'));
    const { door } = openDoor({ insecureHosts: ['localhost'] });
    expect((await send(door.open({}), `http://localhost:${server.port}/`)).status).toBe(200);
  });
});

describe('a request', () => {
  it('with a header that HTTP cannot carry is refused without quoting it', async () => {
    const headers = { authorization: 'Bearer canary-value\n' };
    const error = await failureOf(send(openDoor().door.open({}), 'http://127.0.0.1:9/', { headers }));
    expect(error.reason).toBe('InvalidCredential');
    expect(error.message).not.toContain('canary');
  });

  it('is observed once per try, with origin and outcome only', async () => {
    const server = await startHttp((_, response) => response.writeHead(201).end());
    const { door, observed } = openDoor();
    await send(door.open({}), url(server, '/path?secret=1'), { method: 'POST' });
    const origin = `http://127.0.0.1:${server.port}`;
    expect(observed).toEqual([{ origin, method: 'POST', outcome: 201, durationMs: 0 }]);
  });
});
