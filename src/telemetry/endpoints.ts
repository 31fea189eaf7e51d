// The two HTTP listeners: /healthz and /readyz on one, /metrics on the other.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import type { Registry } from './metrics.ts';

interface Address {
  readonly host: string | undefined;
  readonly port: number;
}

export interface EndpointOptions {
  readonly health: Address | undefined;
  readonly metrics: Address | undefined;
  readonly metricsTls: { readonly certPath: string; readonly keyPath: string } | undefined;
  readonly registry: Registry;
  /** What still stands in the way of readiness; empty when ready. */
  readonly notReady: () => readonly string[];
}

/** The listeners, and the ports that they took: of use where port 0 was asked for. */
export interface Endpoints {
  readonly healthPort: number | undefined;
  readonly metricsPort: number | undefined;
  close(): void;
}

/** Starts the listeners; rejects, and leaves none behind, when an address cannot be taken or a certificate not be read. */
export async function startEndpoints(options: EndpointOptions): Promise<Endpoints> {
  const servers: Server[] = [];
  const close = () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  const start = async (server: () => Server, address: Address | undefined) => {
    if (address === undefined) return undefined;
    const listening = await listen(server(), address);
    servers.push(listening);
    return portOf(listening);
  };
  try {
    const healthPort = await start(() => createServer(healthRoutes(options)), options.health);
    const metricsPort = await start(() => metricsServer(options), options.metrics);
    return { healthPort, metricsPort, close };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

function metricsServer({ metricsTls, registry }: EndpointOptions): Server {
  const routes = metricsRoutes(registry);
  if (metricsTls === undefined) return createServer(routes);
  return createTlsServer({ cert: readFileSync(metricsTls.certPath), key: readFileSync(metricsTls.keyPath) }, routes);
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
}

function healthRoutes({ notReady }: EndpointOptions): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return void response.writeHead(200).end('ok\n');
    if (path !== '/readyz') return void response.writeHead(404).end('not found\n');
    const waiting = notReady();
    if (waiting.length === 0) return void response.writeHead(200).end('ok\n');
    response.writeHead(503).end(`${waiting.join('\n')}\n`);
  };
}

function metricsRoutes(registry: Registry): RequestListener {
  return (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end('not found\n');
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    // A scraper that goes away mid-answer is its own affair.
    pipeline(Readable.from(registry.chunks()), response, () => {});
  };
}

function listen<S extends Server>(server: S, address: Address): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, () =>
      resolve(server),
    );
    server.unref();
  });
}
