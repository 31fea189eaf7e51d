// Keep-alive connections to one API server. All of them are alike, so the pool has one constant name: node's own name
// of a pool is built from CA and certificates anew for each request, which was a tenth of a call's CPU.
// HTTP/1.1 on purpose: one HTTP/2 session cost the same client CPU, more on the server, and 50 MB more memory.
import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type AgentOptions as HttpsAgentOptions } from 'node:https';
import { isIP, type NetConnectOpts, connect as netConnect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
  connect as tlsConnect,
} from 'node:tls';
import type { ClusterAccess, TlsMaterial } from './access.ts';
import { openTunnel } from './proxy-tunnel.ts';

/** kube-apiserver closes idle connections after 90 s; going first avoids writing into a closing socket. */
const idleSocketMs = 55_000;
/** TCP keep-alive probes begin after this silence and find dead peers that no FIN told of. */
const tcpKeepAliveMs = 30_000;

const poolName = 'kube';

type Connected = (error: Error | null, socket: Duplex) => void;

/** A pool of at most `maxSockets` connections; the most recently used goes first, so that few stay open when little happens. */
export function createPool(access: ClusterAccess, maxSockets: number): HttpAgent {
  const options: AgentOptions = {
    keepAlive: true,
    keepAliveMsecs: tcpKeepAliveMs,
    maxSockets,
    maxFreeSockets: maxSockets,
    scheduling: 'lifo',
    timeout: idleSocketMs,
  };
  // With a name given, node does not derive one from the headers of each request; connections are opened below.
  return access.server.protocol === 'https:'
    ? new TlsPool(access, { ...options, servername: '' })
    : new PlainPool(access, options);
}

class PlainPool extends HttpAgent {
  readonly #access: ClusterAccess;

  constructor(access: ClusterAccess, options: AgentOptions) {
    super(options);
    this.#access = access;
  }

  override getName(): string {
    return poolName;
  }

  override createConnection(_options: ClientRequestArgs, connected?: Connected): Duplex | null | undefined {
    const { proxyUrl } = this.#access;
    if (proxyUrl === undefined) return netConnect(addressOf(this.#access));
    void tunnelled(this.#access, proxyUrl, (socket) => socket, connected);
    return undefined;
  }
}

class TlsPool extends HttpsAgent {
  readonly #access: ClusterAccess;
  #context: { readonly material: TlsMaterial; readonly secure: SecureContext } | undefined;
  /** The last session ticket: a resumed handshake costs both sides half a ms instead of one and a half. */
  #session: Buffer | undefined;

  constructor(access: ClusterAccess, options: HttpsAgentOptions) {
    super(options);
    this.#access = access;
  }

  override getName(): string {
    return poolName;
  }

  override createConnection(_options: ClientRequestArgs, connected?: Connected): Duplex | null | undefined {
    const { proxyUrl } = this.#access;
    const options = this.#tlsOptions();
    if (proxyUrl === undefined) return this.#keepSession(tlsConnect({ ...addressOf(this.#access), ...options }));
    const wrap = (socket: Socket) => this.#keepSession(tlsConnect({ ...options, socket }));
    void tunnelled(this.#access, proxyUrl, wrap, connected);
    return undefined;
  }

  #keepSession(socket: TLSSocket): TLSSocket {
    socket.on('session', (session) => {
      this.#session = session;
    });
    socket.once('error', () => {
      this.#session = undefined; // perhaps the ticket was the reason, or a CA that was replaced
      this.#access.refreshTls?.();
    });
    return socket;
  }

  #tlsOptions(): ConnectionOptions {
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

async function tunnelled(
  { server }: ClusterAccess,
  proxyUrl: URL,
  wrap: (socket: Socket) => Duplex,
  connected: Connected | undefined,
): Promise<void> {
  try {
    connected?.(null, wrap(await openTunnel(proxyUrl, hostOf(server), portOf(server))));
  } catch (thrown) {
    // The type wants a stream beside the error; the pool does not look at it.
    connected?.(thrown instanceof Error ? thrown : new Error('proxy tunnel failed'), new Duplex());
  }
}

function addressOf({ server }: ClusterAccess): NetConnectOpts {
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
  return a === b || (a.caPem === b.caPem && a.certPem === b.certPem && a.keyPem === b.keyPem);
}
