// One TLS connection to a host through a proxy's CONNECT (RFC 9110 §9.3.6). Node's agents can do this themselves
// (`proxyEnv`, since 24.5), but an older Node would silently go the direct way, and a hung tunnel would outlive its request.
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import tls, { type SecureContext, type TLSSocket } from 'node:tls';
import type { DoorClock } from './contract.ts';
import { ProxyRefusal, TunnelTimeout } from './errors.ts';
import type { ProxyServer } from './proxy.ts';

/** How tunnels of one pool are made. `trust` is for the host; to an https proxy the system's roots apply. */
export interface TunnelWay {
  readonly proxy: ProxyServer;
  readonly trust: SecureContext;
  readonly clock: DoorClock;
  /** For the whole way, TLS to the host included. */
  readonly connectMs: number;
}

/**
 * Resolves with a socket that has passed the handshake with `target.host`; rejects with `ProxyRefusal`, `TunnelTimeout` or
 * the socket's own error. The name is resolved by the proxy.
 */
export function openTunnel(way: TunnelWay, target: https.RequestOptions): Promise<TLSSocket> {
  const { proxy, trust, clock, connectMs } = way;
  return new Promise((resolve, reject) => {
    const request = connectRequest(proxy, authorityOf(target));
    let secured: TLSSocket | undefined;
    const fail = (error: Error) => {
      timer.cancel();
      secured?.destroy();
      request.destroy();
      reject(error);
    };
    const timer = clock.after(connectMs, () => fail(new TunnelTimeout('no tunnel in time')));
    request.on('error', fail);
    // Node emits `connect` for an answer of any status.
    request.once('connect', (answer, socket) => {
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299) {
        socket.destroy();
        return fail(new ProxyRefusal(status));
      }
      const host = target.host ?? '';
      const handshake = tls.connect({
        socket,
        host,
        servername: isIP(host) === 0 ? host : '',
        secureContext: trust,
        rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
        timeout: target.timeout ?? 0,
      });
      secured = handshake;
      handshake.on('error', fail);
      handshake.once('secureConnect', () => {
        timer.cancel();
        handshake.off('error', fail);
        resolve(handshake);
      });
    });
    request.end();
  });
}

function connectRequest(proxy: ProxyServer, authority: string): http.ClientRequest {
  const headers: Record<string, string> = { host: authority };
  if (proxy.authorization !== undefined) headers['proxy-authorization'] = proxy.authorization;
  const transport = proxy.protocol === 'https:' ? https : http;
  return transport.request({
    host: proxy.host,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    headers,
    agent: false,
    rejectUnauthorized: true,
  });
}

function authorityOf(target: https.RequestOptions): string {
  const host = target.host ?? '';
  return isIP(host) === 6 ? `[${host}]:${target.port}` : `${host}:${target.port}`;
}
