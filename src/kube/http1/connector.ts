// Opens connections to one API server: plain or by TLS, straight or through a proxy. Certificates are parsed once, and a
// handshake resumes the session of the last where the server allows it.
import { isIP, connect as netConnect, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import type { ClusterAccess, TlsMaterial } from '../access.ts';
import { ConnectionLost } from './connection.ts';
import { openTunnel } from './proxy-tunnel.ts';

/** TCP keep-alive probes begin after this silence and find dead peers that no FIN told of. */
const tcpKeepAliveMs = 30_000;
/** A record of TLS is 16 KiB at most; plain connections may bring more at once. */
const readBufferBytes = 64 * 2 ** 10;

/** Hears the bytes of one connection; they are good for the time of the call only. */
export type OnBytes = (bytes: Buffer) => void;

export interface Connector {
  /** Whether another handshake could resume an earlier one; always true without TLS. */
  canResume(): boolean;
  /** Resolves when the server is known to be the right one. Rejects with the error of the socket or the proxy, or the signal's. */
  connect(onBytes: OnBytes, signal: AbortSignal): Promise<Socket>;
}

export function createConnector(access: ClusterAccess): Connector {
  // One for all connections: bytes are handed on before the next are read.
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes);
  const readInto = (onBytes: OnBytes): OnReadOpts => ({
    buffer,
    callback: (count) => {
      onBytes(buffer.subarray(0, count));
      return true;
    },
  });
  const way = { address: addressOf(access), readInto };
  return access.server.protocol === 'https:' ? new TlsConnector(access, way) : new PlainConnector(access, way);
}

interface Way {
  readonly address: TcpNetConnectOpts;
  readonly readInto: (onBytes: OnBytes) => OnReadOpts;
}

class PlainConnector implements Connector {
  readonly #access: ClusterAccess;
  readonly #way: Way;

  constructor(access: ClusterAccess, way: Way) {
    this.#access = access;
    this.#way = way;
  }

  canResume(): boolean {
    return true;
  }

  async connect(onBytes: OnBytes, signal: AbortSignal): Promise<Socket> {
    const { server, proxyUrl } = this.#access;
    if (proxyUrl !== undefined) {
      const socket = await openTunnel(proxyUrl, hostOf(server), portOf(server), signal);
      return socket.on('data', onBytes);
    }
    const socket = netConnect({ ...this.#way.address, onread: this.#way.readInto(onBytes) });
    return await ready(socket, 'connect', signal);
  }
}

class TlsConnector implements Connector {
  readonly #access: ClusterAccess;
  readonly #way: Way;
  #context: { readonly material: TlsMaterial; readonly secure: SecureContext } | undefined;
  /** The last session ticket: a resumed handshake costs both sides half a ms instead of one and a half. */
  #session: Buffer | undefined;

  constructor(access: ClusterAccess, way: Way) {
    this.#access = access;
    this.#way = way;
  }

  canResume(): boolean {
    return this.#session !== undefined;
  }

  async connect(onBytes: OnBytes, signal: AbortSignal): Promise<Socket> {
    const { server, proxyUrl } = this.#access;
    const tunnel = proxyUrl && (await openTunnel(proxyUrl, hostOf(server), portOf(server), signal));
    const options = this.#options();
    let socket: TLSSocket;
    if (tunnel === undefined) {
      const reading: object = { onread: this.#way.readInto(onBytes) }; // which Node's types know for net only
      socket = tlsConnect({ ...this.#way.address, ...options, ...reading });
    } else socket = tlsConnect({ ...options, socket: tunnel }).on('data', onBytes);
    socket.on('session', (session) => {
      if (options.secureContext === this.#context?.secure) this.#session = session;
    });
    socket.once('error', () => {
      this.#session = undefined; // perhaps the ticket was the reason, or a CA that was replaced
      this.#access.refreshTls?.();
    });
    return await ready(socket, 'secureConnect', signal);
  }

  #options(): ConnectionOptions {
    const material = this.#access.tls();
    const host = hostOf(this.#access.server);
    const name = material.serverName ?? host;
    const secureContext = this.#secureContext(material);
    return {
      secureContext,
      ...(this.#session === undefined ? {} : { session: this.#session }),
      host,
      ...(isIP(name) === 0 ? { servername: name } : {}), // SNI does not take addresses
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      rejectUnauthorized: material.isUnverified !== true,
      ALPNProtocols: ['http/1.1'],
    };
  }

  /** Parsing certificates takes about a ms: done once per material, not per connection. */
  #secureContext(material: TlsMaterial): SecureContext {
    const known = this.#context;
    if (known !== undefined && sameMaterial(known.material, material)) return known.secure;
    const { caPem: ca, certPem: cert, keyPem: key } = material;
    const secure = createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    this.#context = { material, secure };
    this.#session = undefined; // it vouches for what the old material vouched for
    return secure;
  }
}

/** Nothing is written before: a server that is not the right one sees no request. */
function ready<T extends Socket>(socket: T, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, () => {
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    // Both stay: an error may come before the next owner listens, and rejecting twice does nothing.
    socket.on('error', reject);
    socket.once('close', () => reject(new ConnectionLost('closed')));
    if (signal.aborted) onAbort();
  });
}

function addressOf({ server }: ClusterAccess): TcpNetConnectOpts {
  const keep = { keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs, noDelay: true };
  return { host: hostOf(server), port: portOf(server), ...keep };
}

function hostOf(server: URL): string {
  return server.hostname.replace(/^\[|\]$/g, '');
}

function portOf(server: URL): number {
  if (server.port !== '') return Number(server.port);
  return server.protocol === 'https:' ? 443 : 80;
}

function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  if (a === b) return true;
  if (a.serverName !== b.serverName || a.isUnverified !== b.isUnverified) return false; // a resumed handshake checks neither
  return a.caPem === b.caPem && a.certPem === b.certPem && a.keyPem === b.keyPem;
}
