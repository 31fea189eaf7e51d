// The hosts of clouds by their own names, on loopback: a proxy through which a client reaches them, TLS that ends there by a
// certificate for those names, and doubles behind it. Names that nobody leads anywhere are not reached.
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { createCa, issue } from '../tls.ts';
import type { Routes } from './routed-door.ts';

export interface CloudHosts {
  /** What clients trust, and the proxy that they reach the hosts by. */
  readonly caPem: string;
  readonly proxyUrl: string;
  /**
   * The host answers no more, nor does it refuse: what reaches it is lost, also on connections that are open. Those are cut
   * when it answers again.
   */
  silence(host: string, isSilent: boolean): void;
  stop(): Promise<void>;
}

/** `routes` are roots of doubles that speak http, by the host that each stands for. */
export async function startCloudHosts(routes: Routes): Promise<CloudHosts> {
  const ca = createCa('Clouds');
  const { keyPem, certPem } = issue(ca, { names: Object.keys(routes) });
  const sockets = new Set<Socket>();
  const silent = new Set<string>();
  const tunnels = new Set<Tunnel>();
  const noted = <T extends Socket>(socket: T): T => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const tls = createTlsServer({ key: keyPem, cert: certPem }, (socket: TLSSocket) => {
    const root = routeOf(routes, socket.servername || '');
    if (root === undefined) return void socket.destroy();
    const { hostname, port } = new URL(root);
    const onward = noted(connect(Number(port), hostname));
    noted(socket).pipe(onward).pipe(socket);
    const tunnel = { host: socket.servername || '', ends: [socket, onward] as const };
    tunnels.add(tunnel);
    onward.on('close', () => silent.has(tunnel.host) || socket.destroy());
    socket.on('close', () => {
      onward.destroy();
      tunnels.delete(tunnel);
    });
  });
  tls.on('tlsClientError', () => {});
  const proxy = createServer((_, response) => response.writeHead(403).end());
  proxy.on('connect', (request, socket: Socket) => {
    noted(socket);
    const [host = '', port] = (request.url ?? '').split(':');
    if (routeOf(routes, host) === undefined || port !== '443') {
      return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    }
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (!silent.has(host)) tls.emit('connection', socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo; // a listening TCP server has a port
  return {
    caPem: ca.certPem,
    proxyUrl: `http://127.0.0.1:${port}`,
    silence(host, isSilent) {
      const open = [...tunnels].filter((tunnel) => tunnel.host === host);
      if (isSilent) {
        silent.add(host);
        for (const { ends } of open) for (const end of ends) end.unpipe().resume();
        return;
      }
      if (silent.delete(host)) for (const { ends } of open) ends[0].destroy();
    },
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => resolve());
      }),
  };
}

/** A connection of a client, and the one to the double behind it. */
interface Tunnel {
  readonly host: string;
  readonly ends: readonly [Socket, Socket];
}

function routeOf(routes: Routes, host: string): string | undefined {
  return Object.hasOwn(routes, host) ? routes[host] : undefined;
}
