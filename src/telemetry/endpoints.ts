// The two HTTP listeners: /healthz and /readyz on one, /metrics on the other.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
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

/** Starts the listeners; rejects when an address cannot be taken. The result closes them. */
export async function startEndpoints(options: EndpointOptions): Promise<{ close(): void }> {
  const servers: Server[] = [];
  if (options.health !== undefined) servers.push(await listen(createServer(healthRoutes(options)), options.health));
  if (options.metrics !== undefined) {
    const routes = metricsRoutes(options.registry);
    const server =
      options.metricsTls === undefined
        ? createServer(routes)
        : createTlsServer({ cert: readFileSync(options.metricsTls.certPath), key: readFileSync(options.metricsTls.keyPath) }, routes);
    servers.push(await listen(server, options.metrics));
  }
  return {
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
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
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(registry.render());
  };
}

function listen<S extends Server>(server: S, address: Address): Promise<S> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, () => resolve(server));
    server.unref();
  });
}
