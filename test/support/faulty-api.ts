// A proxy before the API server that fails single calls the ways servers and networks do: it refuses them, delays them, cuts
// the connection before they arrive, or loses the answer to what was done. Watches lag, keep their order, and are cut.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as send } from 'node:https';
import type { ApiAccess } from './kube-api.ts';
import { createCa, issue } from './tls.ts';
import { pause } from './wait.ts';

type Fate = 'pass' | 'refuse' | 'delay' | 'cut' | 'lose';

export interface FaultyApi {
  /** `https://127.0.0.1:port`, in place of the API server's. */
  readonly server: string;
  /** What to trust when talking to it. */
  readonly caPem: string;
  /** From now on calls fail. */
  storm(): void;
  /** From now on they do not; what was delayed still is. */
  calm(): void;
  /** What became of the calls made in storms. */
  counts(): Readonly<Record<Fate, number>>;
  close(): Promise<void>;
}

/** A draw of 100 below the number, and not below the one before, means this; the rest pass. */
const shares: readonly (readonly [Fate, number])[] = [
  ['refuse', 10],
  ['delay', 25],
  ['cut', 31],
  ['lose', 39],
];
/** What reads are refused with; writes also with a conflict. */
const refusals = [500, 503, 429] as const;
const longestDelayMs = 1_200;
const longestLagMs = 250;
const [shortestWatchMs, longestWatchMs] = [1_000, 5_000];

/** `random` gives numbers in [0, 1): the same ones make the same faults of the same calls. */
export async function startFaultyApi(
  target: Pick<ApiAccess, 'server' | 'caPem'>,
  random: () => number,
): Promise<FaultyApi> {
  const ca = createCa('faulty API server');
  const { certPem: cert, keyPem: key } = issue(ca, { names: ['127.0.0.1'] });
  const agent = new Agent({ keepAlive: true, ca: target.caPem });
  const counts: Record<Fate, number> = { pass: 0, refuse: 0, delay: 0, cut: 0, lose: 0 };
  let isStorm = false;

  function fateOf(): Fate {
    if (!isStorm) return 'pass';
    const draw = random() * 100;
    const fate = shares.find(([, upTo]) => draw < upTo)?.[0] ?? 'pass';
    counts[fate]++;
    return fate;
  }

  async function serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const fate = fateOf();
    if (fate === 'cut') return void asked.socket.destroy();
    if (fate === 'refuse') return refuse(asked, answer, random());
    if (fate === 'delay') await pause(between(0, longestDelayMs));
    const { method, headers, url = '' } = asked;
    const passed = send(`${target.server}${url}`, { method, headers, agent });
    passed.on('error', () => asked.socket.destroy());
    answer.on('close', () => passed.destroy());
    asked.pipe(passed);
    const [given] = (await once(passed, 'response')) as [IncomingMessage]; // what the event carries
    given.on('error', () => asked.socket.destroy());
    const isWatch = url.includes('watch=');
    if (fate === 'lose' && isWatch) return void asked.socket.destroy();
    if (fate === 'lose') return void given.resume().on('end', () => asked.socket.destroy());
    answer.writeHead(given.statusCode ?? 502, given.headers);
    if (isWatch) handOnSlowly(given, answer);
    else given.pipe(answer);
  }

  /** Late, but in order; in a storm not for long. */
  function handOnSlowly(given: IncomingMessage, answer: ServerResponse): void {
    answer.flushHeaders();
    if (isStorm) setTimeout(() => answer.destroy(), between(shortestWatchMs, longestWatchMs)).unref();
    let lastAtMs = 0;
    const soon = (work: () => void) => {
      const nowMs = performance.now();
      lastAtMs = Math.max(lastAtMs, nowMs + (isStorm ? between(0, longestLagMs) : 0));
      setTimeout(work, lastAtMs - nowMs);
    };
    given.on('data', (bytes: Buffer) => soon(() => answer.write(bytes)));
    given.on('end', () => soon(() => answer.end()));
  }

  function between(leastMs: number, mostMs: number): number {
    return leastMs + random() * (mostMs - leastMs);
  }

  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (asked, answer) => {
    serve(asked, answer).catch(() => asked.socket.destroy()); // either side went away in the middle
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    server: `https://127.0.0.1:${address === null || typeof address === 'string' ? 0 : address.port}`,
    caPem: ca.certPem,
    storm() {
      isStorm = true;
    },
    calm() {
      isStorm = false;
    },
    counts: () => counts,
    async close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

/** As the API server words it, without having done anything. */
function refuse(asked: IncomingMessage, answer: ServerResponse, draw: number): void {
  asked.resume();
  const codes = asked.method === 'GET' ? refusals : [...refusals, 409];
  const code = codes[Math.floor(draw * codes.length)] ?? 500;
  const reason = code === 409 ? { reason: 'Conflict' } : {};
  const body = JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    message: 'chaos',
    ...reason,
  });
  answer.writeHead(code, { 'content-type': 'application/json', ...(code === 429 ? { 'retry-after': '1' } : {}) });
  answer.end(body);
}
