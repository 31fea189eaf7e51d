// Opens a way through a http(s) proxy by CONNECT, for kubeconfigs with a proxy-url.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { OperatorError } from '../../base/operator-error.ts';

/**
 * Resolves with a raw connection to `host:port`. Throws `ApiUnavailable` when the proxy refuses; socket errors and the
 * signal's as they come.
 */
export function openTunnel(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const request = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const connect = request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      agent: false,
      signal,
    });
    // Of the signal Node's error tells only that it fired, not why.
    connect.once('error', (error) => reject(signal.aborted && signal.reason instanceof Error ? signal.reason : error));
    connect.once('connect', (answer, socket) => {
      if (answer.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(
        new OperatorError(
          'ApiUnavailable',
          `proxy ${proxy.host} refused the connection: HTTP ${answer.statusCode ?? 0}`,
        ),
      );
    });
    // A proxy that answers CONNECT with a body instead of a tunnel.
    connect.once('response', (answer) => {
      answer.destroy();
      reject(
        new OperatorError(
          'ApiUnavailable',
          `proxy ${proxy.host} refused the connection: HTTP ${answer.statusCode ?? 0}`,
        ),
      );
    });
    connect.end();
  });
}

function proxyAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}
