// An API server on loopback that answers as a test tells it to, byte by byte where need be: for faults that a real one
// does not show on demand.
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ClusterAccess } from '../../src/kube/access.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Script = (request: SeenRequest, response: ServerResponse) => void;

export interface ScriptedApiServer {
  readonly access: ClusterAccess;
  /** Every request so far. */
  readonly requests: readonly SeenRequest[];
  /** Connections accepted so far. */
  connections(): number;
  /** Resets every open connection. */
  reset(): void;
  close(): Promise<void>;
}

export interface ScriptedOptions {
  /** Certificate and key in PEM: serves https with them. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly credentials?: ClusterAccess['credentials'];
}

export async function scriptedApiServer(script: Script, options: ScriptedOptions = {}): Promise<ScriptedApiServer> {
  const { tls, credentials = { authorization: () => 'Bearer t', refused: () => {} } } = options;
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://server');
      const body = Buffer.concat(chunks).toString('utf8');
      const seen: SeenRequest = { method: incoming.method ?? '', url, headers: incoming.headers, body };
      requests.push(seen);
      script(seen, response);
    });
  };
  const server = tls === undefined ? createHttp(onRequest) : createHttps(tls, onRequest);
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // resets are what some tests are about
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP, so not a path
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    access: {
      server: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`),
      tls: () => (tls === undefined ? {} : { caPem: tls.cert }),
      namespace: 'default',
      credentials,
    },
    requests,
    connections: () => accepted,
    reset: resetAll,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        resetAll();
      }),
  };
}

/** Answers with JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A meta/v1 Status, as the API server refuses with. */
export function status(code: number, reason: string, message = 'refused', details?: unknown): unknown {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message,
    reason,
    code,
    ...(details ? { details } : {}),
  };
}

/** Resolves when the condition holds; rejects after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > giveUpMs) throw new Error(`never came true: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
