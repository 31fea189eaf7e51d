// A TCP server on loopback that sends exactly the bytes it is told, with or without TLS: for answers that node:http would
// not write, and for what a server does to a connection between and inside them.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ClusterAccess } from '../../src/kube/access.ts';

/** One request, read to its end, and the way to answer it. */
export interface RawCall {
  /** Head and body as they came. */
  readonly text: string;
  readonly socket: Socket;
  /** The connections count from 1, as do the calls on each. */
  readonly connection: number;
  readonly nth: number;
}

export interface RawServer {
  readonly access: ClusterAccess;
  readonly calls: readonly RawCall[];
  /** Connections that are open; with TLS those whose handshake is done. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections that TCP accepted, open or not. */
  accepted(): number;
  /** Bytes of requests, decrypted. */
  receivedBytes(): number;
  /** Handshakes of TLS that were done, in full or from a session before. */
  handshakes(): { readonly full: number; readonly resumed: number };
  close(): Promise<void>;
}

export interface RawOptions {
  readonly tls?: { readonly certPem: string; readonly keyPem: string };
  /** What the client trusts. */
  readonly caPem?: string;
  /** Accepts connections and does nothing with them while it says so. */
  readonly isSilent?: () => boolean;
  /** Called for each connection; nothing is read from it before `go`. */
  readonly hold?: (go: () => void) => void;
}

export async function rawServer(onCall: (call: RawCall) => void, options: RawOptions = {}): Promise<RawServer> {
  const { tls, caPem, isSilent = () => false, hold = (go) => go() } = options;
  const calls: RawCall[] = [];
  const accepted: Socket[] = [];
  const open = new Set<Socket>();
  const handshakes = { full: 0, resumed: 0 };
  let connections = 0;
  let bytes = 0;
  const serve = (socket: Socket) => {
    const connection = ++connections;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    let nth = 0;
    onRequests(socket, (text) => {
      const call = { text, socket, connection, nth: ++nth };
      calls.push(call);
      onCall(call);
    });
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
  };
  const secure = tls && createTlsServer({ cert: tls.certPem, key: tls.keyPem });
  secure?.on('tlsClientError', () => {}); // who does not trust us goes away
  secure?.on('secureConnection', (socket: TLSSocket) => {
    handshakes[socket.isSessionReused() ? 'resumed' : 'full']++;
    serve(socket);
  });
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {}); // resets are what some tests are about
    socket.setNoDelay(true);
    if (isSilent()) return;
    hold(() => (secure === undefined ? serve(socket) : secure.emit('connection', socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP, so not a path
  return {
    access: {
      server: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`),
      tls: () => (caPem === undefined ? {} : { caPem }),
      namespace: 'default',
      credentials: { authorization: () => 'Bearer t', refused: () => {} },
    },
    calls,
    sockets: open,
    accepted: () => accepted.length,
    receivedBytes: () => bytes,
    handshakes: () => ({ ...handshakes }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of accepted) socket.destroy();
      }),
  };
}

/** An answer of HTTP/1.1 with its length. */
export function rawAnswer(body: string, status = '200 OK', ...fields: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${Buffer.byteLength(body)}`];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Calls back with each request that has come in whole. */
function onRequests(socket: Socket, take: (text: string) => void): void {
  let held = '';
  socket.on('data', (chunk: Buffer) => {
    held += chunk.toString('latin1');
    for (;;) {
      const bodyAt = held.indexOf('\r\n\r\n') + 4;
      const length = Number(/^content-length: (\d+)\r$/im.exec(held.slice(0, bodyAt))?.[1] ?? 0);
      if (bodyAt < 4 || held.length < bodyAt + length) return;
      const text = Buffer.from(held.slice(0, bodyAt + length), 'latin1').toString('utf8');
      held = held.slice(bodyAt + length);
      take(text);
    }
  });
}
