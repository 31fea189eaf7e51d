import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answer, type ScriptedApiServer, scriptedApiServer } from '../../test/support/scripted-api-server.ts';
import { createCa, issue } from '../../test/support/tls.ts';
import { systemClock } from '../runtime/clock.ts';
import type { ClusterAccess } from './access.ts';
import { createTransport } from './transport.ts';

const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];
const ca = createCa('cluster');
const rightName = issue(ca, { names: ['127.0.0.1'] });
const otherName = issue(ca, { names: ['api.internal'] });

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(certificate: { certPem: string; keyPem: string }): Promise<ScriptedApiServer> {
  const tls = { cert: certificate.certPem, key: certificate.keyPem };
  const server = await scriptedApiServer((_request, response) => answer(response, 200, {}), { tls });
  cleanUps.push(() => server.close());
  return server;
}

async function ask(access: ClusterAccess): Promise<number | string> {
  const transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
  cleanUps.unshift(() => transport.close());
  return transport.send({ method: 'GET', path: '/' }, never).then(
    ({ status }) => status,
    (thrown: unknown) => String(thrown),
  );
}

describe('connections to the API server', () => {
  it('trusts the CA of the access and nobody else', async () => {
    const server = await serve(rightName);
    expect(await ask({ ...server.access, tls: () => ({ caPem: ca.certPem }) })).toBe(200);
    expect(await ask({ ...server.access, tls: () => ({ caPem: createCa('other').certPem }) })).not.toBe(200);
    expect(await ask({ ...server.access, tls: () => ({}) })).not.toBe(200);
  });

  it('checks the name that the access gives instead of the host', async () => {
    const server = await serve(otherName);
    const material = { caPem: ca.certPem };
    expect(await ask({ ...server.access, tls: () => material })).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await ask({ ...server.access, tls: () => ({ ...material, serverName: 'api.internal' }) })).toBe(200);
  });

  it('leaves the certificate unchecked only where the kubeconfig says so', async () => {
    const server = await serve(otherName);
    expect(await ask({ ...server.access, tls: () => ({ isUnverified: true }) })).toBe(200);
  });

  it('takes in a rotated CA at the next connection', async () => {
    const server = await serve(rightName);
    let caPem = createCa('old').certPem;
    const transport = createTransport({
      access: { ...server.access, tls: () => ({ caPem }) },
      clock: systemClock,
      userAgent: 'escapement/test',
    });
    cleanUps.unshift(() => transport.close());
    await expect(transport.send({ method: 'GET', path: '/' }, never)).rejects.toMatchObject({
      reason: 'ApiUnavailable',
    });
    caPem = ca.certPem;
    expect((await transport.send({ method: 'GET', path: '/' }, never)).status).toBe(200);
  });

  it('asks for another look at the CA when a server is not trusted', async () => {
    const server = await serve(rightName);
    let caPem = createCa('old').certPem;
    const access = {
      ...server.access,
      tls: () => ({ caPem }),
      refreshTls: () => {
        caPem = ca.certPem;
      },
    };
    const transport = createTransport({ access, clock: systemClock, userAgent: 'escapement/test' });
    cleanUps.unshift(() => transport.close());
    await expect(transport.send({ method: 'GET', path: '/' }, never)).rejects.toMatchObject({
      reason: 'ApiUnavailable',
    });
    expect((await transport.send({ method: 'GET', path: '/' }, never)).status).toBe(200);
  });

  it('goes through the proxy of the kubeconfig, with its password', async () => {
    const server = await serve(rightName);
    const { proxy, seen } = await connectProxy();
    const proxyUrl = new URL(`http://user:pa%40ss@127.0.0.1:${portOf(proxy)}`);
    expect(await ask({ ...server.access, tls: () => ({ caPem: ca.certPem }), proxyUrl })).toBe(200);
    expect(seen).toEqual([`${server.access.server.host} Basic ${Buffer.from('user:pa@ss').toString('base64')}`]);
  });

  it('reports a proxy that refuses', async () => {
    const server = await serve(rightName);
    const { proxy } = await connectProxy(407);
    const proxyUrl = new URL(`http://127.0.0.1:${portOf(proxy)}`);
    expect(await ask({ ...server.access, tls: () => ({ caPem: ca.certPem }), proxyUrl })).toContain('407');
  });
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port; // listening on TCP, so not a path
}

async function connectProxy(refuseWith?: number): Promise<{ proxy: Server; seen: string[] }> {
  const seen: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, client) => {
    seen.push(`${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`);
    if (refuseWith !== undefined) return client.end(`HTTP/1.1 ${refuseWith} No\r\ncontent-length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`http://${request.url ?? ''}`);
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  cleanUps.push(
    () => proxy.closeAllConnections(),
    () => proxy.close(),
  );
  return { proxy, seen };
}
