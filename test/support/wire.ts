// The network between an operator and its API server, as a proxy that can fail the ways networks do: fall silent, forget its
// connections, be cut. Bytes go through as they are; with a certificate of its own it ends TLS, so that what vouches for the
// server can be replaced.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, connect as tlsConnect } from 'node:tls';
import type { IssuedCertificate } from './tls.ts';

export interface WireOptions {
  /** `https://host:port` of the API server. */
  readonly server: string;
  /** Ends TLS with this certificate; `caPem` is what the API server's own is checked by. */
  readonly tls?: { readonly certificate: IssuedCertificate; readonly caPem: string };
}

export interface Wire {
  /** `https://127.0.0.1:port`, in place of the API server's. */
  readonly server: string;
  /** Nothing goes through any more, in either direction; connections stay open, and new ones are taken. */
  silence(): void;
  /** What waited goes through, and all that follows. */
  resume(): void;
  /** The connections that there are never carry a byte again, and are not closed; new ones work. */
  strand(): void;
  /** Resets every connection; new ones are taken. */
  reset(): void;
  /** Resets every connection, and refuses new ones. */
  cut(): Promise<void>;
  /** Takes connections again, at the same address. */
  mend(): Promise<void>;
  /** Shows this certificate from the next connection on. */
  certify(certificate: IssuedCertificate): void;
  connections(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export async function startWire(options: WireOptions): Promise<Wire> {
  const wire = new ProxyWire(options);
  await wire.mend();
  return wire;
}

class ProxyWire implements Wire {
  readonly #options: WireOptions;
  #listener: Server | TlsServer | undefined;
  #certificate: IssuedCertificate | undefined;
  #port = 0;
  #isSilent = false;
  readonly #pairs = new Set<Pair>();
  readonly #stranded = new Set<Pair>();

  constructor(options: WireOptions) {
    this.#options = options;
    this.#certificate = options.tls?.certificate;
  }

  get server(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  silence(): void {
    this.#isSilent = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  resume(): void {
    this.#isSilent = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  strand(): void {
    for (const pair of this.#pairs) {
      pair.near.pause();
      pair.far.pause();
      this.#stranded.add(pair);
    }
    this.#pairs.clear();
  }

  reset(): void {
    for (const pair of this.#pairs) this.#end(pair);
  }

  connections(): number {
    return this.#pairs.size;
  }

  async cut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const closed = new Promise<void>((resolve) =>
      listener === undefined ? resolve() : listener.close(() => resolve()),
    );
    for (const pair of [...this.#pairs, ...this.#stranded]) this.#end(pair);
    await closed;
  }

  async mend(): Promise<void> {
    const listener = this.#listen();
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#listener = listener;
    const address = listener.address();
    if (address !== null && typeof address !== 'string') this.#port = address.port;
  }

  certify(certificate: IssuedCertificate): void {
    this.#certificate = certificate;
    if (this.#listener !== undefined && 'setSecureContext' in this.#listener) {
      this.#listener.setSecureContext({ cert: certificate.certPem, key: certificate.keyPem });
    }
  }

  async close(): Promise<void> {
    await this.cut();
  }

  #listen(): Server | TlsServer {
    const certificate = this.#certificate;
    if (certificate === undefined) return createServer((near) => this.#join(near));
    const { certPem: cert, keyPem: key } = certificate;
    const listener = createTlsServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (near) => this.#join(near));
    listener.on('tlsClientError', () => {}); // a client that does not trust us goes away
    return listener;
  }

  #join(near: Socket): void {
    const { hostname: host, port } = new URL(this.#options.server);
    const { tls } = this.#options;
    const address = { host, port: Number(port) };
    const far =
      tls === undefined ? connect(address) : tlsConnect({ ...address, ca: tls.caPem, ALPNProtocols: ['http/1.1'] });
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk: Buffer) => void to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => this.#end(pair));
      from.on('close', () => this.#end(pair));
    }
    if (!this.#isSilent) return;
    near.pause();
    far.pause();
  }

  #end(pair: Pair): void {
    if (!this.#pairs.delete(pair) && !this.#stranded.delete(pair)) return;
    for (const socket of [pair.near, pair.far]) {
      // Of a TLS socket only the connection below it can be reset.
      if ('encrypted' in socket) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
