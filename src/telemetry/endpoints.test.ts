import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCa, issue } from '../../test/support/tls.ts';
import { type EndpointOptions, type Endpoints, startEndpoints } from './endpoints.ts';
import { Registry } from './metrics.ts';

const loopback = { host: '127.0.0.1', port: 0 };
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function started(options: Partial<EndpointOptions> = {}): Promise<Endpoints> {
  const endpoints = await startEndpoints({
    health: loopback,
    metrics: loopback,
    metricsTls: undefined,
    registry: new Registry(),
    notReady: () => [],
    ...options,
  });
  cleanups.push(endpoints.close);
  return endpoints;
}

const get = (port: number | undefined, path: string) => fetch(`http://127.0.0.1:${port}${path}`);

/** A port that is taken until the test ends. */
async function takenPort(): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(loopback, resolve));
  cleanups.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('health', () => {
  it.each([
    ['/healthz', 200],
    ['/healthz?verbose', 200],
    ['/readyz', 200],
    ['/metrics', 404],
    ['/', 404],
    ['/healthz/x', 404],
  ])('answers %s', async (path, status) => {
    expect((await get((await started()).healthPort, path)).status).toBe(status);
  });

  it('is not ready while something stands in the way, and says what; it lives all the same', async () => {
    const waiting = ['cache of Secrets', 'leadership'];
    const { healthPort } = await started({ notReady: () => waiting });
    const answer = await get(healthPort, '/readyz');
    expect([answer.status, await answer.text()]).toEqual([503, 'cache of Secrets\nleadership\n']);
    expect((await get(healthPort, '/healthz')).status).toBe(200);
    waiting.length = 0;
    expect((await get(healthPort, '/readyz')).status).toBe(200);
  });
});

describe('metrics', () => {
  it('serves the registry in the text format, and nothing else', async () => {
    const registry = new Registry();
    registry.counter({ name: 'runs_total', help: 'Runs' }).add({}, 2);
    const { metricsPort } = await started({ registry });
    const answer = await get(metricsPort, '/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await answer.text()).toContain('runs_total 2\n');
    expect((await get(metricsPort, '/healthz')).status).toBe(404);
  });

  it('serves by TLS with the certificate of the directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'endpoints-'));
    cleanups.push(() => rmSync(directory, { recursive: true }));
    const ca = createCa('test');
    const { certPem, keyPem } = issue(ca, { names: ['localhost'] });
    const metricsTls = { certPath: join(directory, 'tls.crt'), keyPath: join(directory, 'tls.key') };
    writeFileSync(metricsTls.certPath, certPem);
    writeFileSync(metricsTls.keyPath, keyPem);
    const { metricsPort } = await started({ metricsTls });
    const status = await statusOf({
      host: '127.0.0.1',
      port: metricsPort,
      servername: 'localhost',
      path: '/metrics',
      ca: ca.certPem,
    });
    expect(status).toBe(200);
  });
});

describe('startEndpoints', () => {
  it('listens only where it is told to', async () => {
    const { healthPort, metricsPort } = await started({ health: undefined });
    expect([healthPort, typeof metricsPort]).toEqual([undefined, 'number']);
  });

  it('rejects when an address is taken, and leaves no listener behind', async () => {
    const health = { host: '127.0.0.1', port: await freedPort() };
    const metrics = { host: '127.0.0.1', port: await takenPort() };
    await expect(started({ health, metrics })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(get(health.port, '/healthz')).rejects.toThrow();
  });

  it('rejects when the certificate cannot be read', async () => {
    const metricsTls = { certPath: '/nowhere/tls.crt', keyPath: '/nowhere/tls.key' };
    await expect(started({ metricsTls })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('closes', async () => {
    const { healthPort, close } = await started();
    close();
    await expect(get(healthPort, '/healthz')).rejects.toThrow();
  });
});

/** A port that was free a moment ago. */
async function freedPort(): Promise<number> {
  const { healthPort, close } = await started({ metrics: undefined });
  close();
  if (healthPort === undefined) throw new Error('no port');
  return healthPort;
}

function statusOf(options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    sent.on('error', reject).end();
  });
}
