// Real servers and a door to them, for this room's tests. Deadlines run on a fake clock; sockets are real.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { onTestFinished } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { BodyAccount, Upstream, UpstreamAnswer, UpstreamDoor, UpstreamRequest } from './contract.ts';
import { createEgressPolicy, type EgressPolicy } from './egress.ts';
import type { LargeAnswerTurns } from './large-answers.ts';
import { createProxyRules, type ProxySettings } from './proxy.ts';
import type { TenantBounds } from './tenant-bounds.ts';
import { createUpstreamDoor, type DoorLimits, type RequestObservation } from './upstream.ts';

export interface TestServer {
  readonly port: number;
  /** Connections accepted so far, and those still open. */
  readonly connections: { accepted: number; open: number };
}

async function listen(server: net.Server): Promise<TestServer> {
  const connections = { accepted: 0, open: 0 };
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    connections.accepted += 1;
    connections.open += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, connections };
}

export function startHttp(handler: http.RequestListener): Promise<TestServer> {
  return listen(http.createServer(handler));
}

export function startHttps(tls: { readonly keyPem: string; readonly certPem: string }, handler: http.RequestListener) {
  const server = https.createServer({ key: tls.keyPem, cert: tls.certPem }, handler);
  server.on('tlsClientError', () => {});
  return listen(server);
}

/** A server that speaks whatever `onConnection` writes. It reads what it is sent, or it would not see the end. */
export function startTcp(onConnection: (socket: net.Socket) => void): Promise<TestServer> {
  return listen(net.createServer((socket) => onConnection(socket.resume())));
}

/** A forward proxy: tunnels CONNECT, forwards absolute URLs, resolves `*.test` to loopback, and notes what it was asked. */
export async function startProxy(
  options: { readonly authorization?: string } = {},
): Promise<TestServer & { asked: string[] }> {
  const asked: string[] = [];
  const isAllowed = (request: http.IncomingMessage) =>
    options.authorization === undefined || request.headers['proxy-authorization'] === options.authorization;
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!isAllowed(request)) return void response.writeHead(407).end();
    const { port, pathname, search } = new URL(request.url ?? '');
    const onward = http.request({ host: '127.0.0.1', port, path: pathname + search, headers: request.headers });
    onward.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers)));
    onward.on('error', () => response.writeHead(502).end());
    onward.end();
  });
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!isAllowed(request)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = net.connect(Number(request.url?.split(':').at(-1)), '127.0.0.1');
    onward.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  return Object.assign(await listen(server), { asked });
}

export interface TestDoor {
  readonly door: UpstreamDoor;
  readonly clock: FakeClock;
  readonly observed: RequestObservation[];
  readonly hostChanges: { readonly origin: string; readonly isUp: boolean }[];
}

export function openDoor(
  options: {
    readonly insecureHosts?: readonly string[];
    readonly policy?: EgressPolicy;
    readonly proxy?: Partial<ProxySettings>;
    readonly limits?: Partial<DoorLimits>;
    readonly bodies?: BodyAccount;
    readonly largeAnswers?: LargeAnswerTurns;
    readonly tenants?: TenantBounds;
  } = {},
): TestDoor {
  const clock = new FakeClock();
  const observed: RequestObservation[] = [];
  const hostChanges: { readonly origin: string; readonly isUp: boolean }[] = [];
  const door = createUpstreamDoor({
    policy:
      options.policy ?? createEgressPolicy({ insecureHosts: options.insecureHosts ?? ['127.0.0.1', 'localhost'] }),
    proxy: createProxyRules({ httpProxy: undefined, httpsProxy: undefined, noProxy: undefined, ...options.proxy }),
    userAgent: 'escapement/test',
    clock,
    observe: (request) => observed.push(request),
    onHostChange: (change) => hostChanges.push(change),
    ...(options.bodies === undefined ? {} : { bodies: options.bodies }),
    ...(options.tenants === undefined ? {} : { tenants: options.tenants }),
    ...(options.largeAnswers === undefined ? {} : { largeAnswers: options.largeAnswers }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  onTestFinished(() => door.close());
  return { door, clock, observed, hostChanges };
}

/** One GET, unless `more` says otherwise. */
export function send(
  upstream: Upstream,
  url: string,
  more: Partial<UpstreamRequest> & { readonly signal?: AbortSignal } = {},
): Promise<UpstreamAnswer> {
  const { signal = new AbortController().signal, ...request } = more;
  return upstream.send({ method: 'GET', url: new URL(url), ...request }, signal);
}

/** The OperatorError that a request ends with. */
export async function failureOf(sent: Promise<UpstreamAnswer>): Promise<OperatorError> {
  const result = await sent.then(
    () => new Error('the request was answered'),
    (error: unknown) => error,
  );
  if (result instanceof OperatorError) return result;
  throw result;
}

/** Lets sockets work until `isTrue`; the test's own timeout bounds it. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
