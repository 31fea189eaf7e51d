// A socket that can go away and come back: stops listening, cuts every connection, and later listens on the same port.
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../tls.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly certificate?: IssuedCertificate;
  readonly serve: RequestListener;
  readonly onConnection?: () => void;
}

/** How long an idle connection is kept, as the real server keeps it. */
const keepAliveMs = 72_000;

export class Listener {
  readonly #options: ListenerOptions;
  #server: Server | TlsServer | undefined;
  #port: number;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Base URL without trailing slash; known once `up` has resolved. */
  get url(): string {
    const { certificate, host } = this.#options;
    return `${certificate ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
  }

  /** Listens, on the port it had before. Does nothing when it does already. */
  async up(): Promise<void> {
    if (this.#server) return;
    const { certificate, serve, host, onConnection } = this.#options;
    const server = certificate
      ? createTlsServer({ key: certificate.keyPem, cert: certificate.certPem }, serve)
      : createServer(serve);
    server.keepAliveTimeout = keepAliveMs;
    if (onConnection) server.on(certificate ? 'secureConnection' : 'connection', onConnection);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, host, resolve);
    });
    this.#port = (server.address() as AddressInfo).port; // a listening TCP server has a port
  }

  /** Stops listening and cuts what is connected. */
  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}
