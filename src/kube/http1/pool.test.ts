import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import {
  type RawCall,
  type RawOptions,
  type RawServer,
  rawAnswer,
  rawServer,
} from '../../../test/support/raw-server.ts';
import { answer, type ScriptedApiServer, scriptedApiServer, until } from '../../../test/support/scripted-api-server.ts';
import { createCa, issue } from '../../../test/support/tls.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import type { ClusterAccess } from '../access.ts';
import { type ApiRequest, createTransport, type Transport } from '../transport.ts';
import { createConnector } from './connector.ts';

const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];
const ca = createCa('cluster');
const rightName = issue(ca, { names: ['127.0.0.1'] });
const otherName = issue(ca, { names: ['api.internal'] });
const secure: RawOptions = { tls: rightName, caPem: ca.certPem };
const get: ApiRequest = { method: 'GET', mayReplay: true, path: '/' };
const post: ApiRequest = { method: 'POST', mayReplay: false, path: '/', body: '{"canary":1}' };

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
  return transport.send({ method: 'GET', mayReplay: true, path: '/' }, never).then(
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
    await expect(transport.send({ method: 'GET', mayReplay: true, path: '/' }, never)).rejects.toMatchObject({
      reason: 'ApiUnavailable',
    });
    caPem = ca.certPem;
    expect((await transport.send({ method: 'GET', mayReplay: true, path: '/' }, never)).status).toBe(200);
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
    await expect(transport.send({ method: 'GET', mayReplay: true, path: '/' }, never)).rejects.toMatchObject({
      reason: 'ApiUnavailable',
    });
    expect((await transport.send({ method: 'GET', mayReplay: true, path: '/' }, never)).status).toBe(200);
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

  it('does not wait for ever for a proxy that says nothing', async () => {
    const { access } = await raw({ ...secure, isSilent: () => true });
    const clock = new FakeClock();
    const seen = await raw({ isSilent: () => true });
    const transport = transportTo({ ...access, proxyUrl: seen.access.server }, clock);
    const failed = transport.send(get, never).catch((thrown: unknown) => String(thrown));
    await until(() => seen.accepted() === 1);
    await clock.advance(10_000);
    expect(await failed).toContain('ETIMEDOUT');
  });

  it('serves those who wait in their order, and refuses them when it is closed', async () => {
    const held: RawCall[] = [];
    const server = await raw({}, (call) => held.push(call));
    const transport = transportTo(server.access, systemClock, 1);
    const paths = ['/1', '/2', '/3', '/4'];
    const calls = paths.map((path) => transport.send({ ...get, path }, never).catch(() => 'refused'));
    for (const turn of [1, 2]) {
      await until(() => held.length === turn);
      held.at(-1)?.socket.write(rawAnswer('{}'));
    }
    await until(() => held.length === 3);
    transport.close();
    expect(await Promise.all(calls)).toMatchObject([{ status: 200 }, { status: 200 }, 'refused', 'refused']);
    expect(held.map(({ text }) => text.split(' ')[1])).toEqual(['/1', '/2', '/3']);
  });
});

describe('handshakes with the API server', () => {
  it.each([
    ['straight', false],
    ['through a proxy', true],
  ])('are resumed, but for the first, when many calls begin at once %s', async (_way, isProxied) => {
    const held: RawCall[] = [];
    const server = await raw(secure, (call) => held.push(call));
    const { proxy, seen } = await connectProxy();
    const proxyUrl = new URL(`http://127.0.0.1:${portOf(proxy)}`);
    const transport = transportTo(isProxied ? { ...server.access, proxyUrl } : server.access);
    const answers = Array.from({ length: 32 }, () => transport.send(get, never));
    await until(() => held.length === 32);
    for (const { socket } of held) socket.write(rawAnswer('{}'));
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    const { full, resumed } = server.handshakes();
    expect([full + resumed, seen.length]).toEqual([32, isProxied ? 32 : 0]);
    expect(full).toBeLessThanOrEqual(3);
  });

  it.each([
    ['whose CA is unknown', rightName, { caPem: createCa('other').certPem }],
    ['whose name is another', otherName, { caPem: ca.certPem }],
  ])('with a server %s are the last that it sees of us: no byte of a request', async (_whose, tls, material) => {
    const server = await raw({ tls });
    const transport = transportTo({ ...server.access, tls: () => material });
    for (const one of [post, get]) {
      await expect(transport.send(one, never)).rejects.toMatchObject({ reason: 'ApiUnavailable' });
    }
    await expect(transport.stream({ path: '/' }, () => {}, never)).rejects.toMatchObject({ reason: 'ApiUnavailable' });
    expect([server.accepted(), server.calls.length, server.receivedBytes()]).toEqual([3, 0, 0]);
  });

  it('are not resumed under another name: it would go unchecked', async () => {
    let serverName = '127.0.0.1';
    const server = await raw(secure, closing);
    const transport = transportTo({ ...server.access, tls: () => ({ caPem: ca.certPem, serverName }) });
    await transport.send(get, never);
    await transport.send(get, never);
    expect(server.handshakes()).toEqual({ full: 1, resumed: 1 });
    serverName = '127.0.0.2'; // an address, so that the server is not told
    await expect(transport.send(get, never)).rejects.toMatchObject({ reason: 'ApiUnavailable' });
    expect(server.calls).toHaveLength(2);
  });

  it('are not resumed when they began before the CA was replaced', async () => {
    let isHeld = true;
    let material = { caPem: ca.certPem };
    const late: (() => void)[] = [];
    const server = await raw({ ...secure, hold: (go) => (isHeld ? late.push(go) : go()) });
    const connector = createConnector({ ...server.access, tls: () => material });
    const first = connector.connect(() => {}, never);
    await until(() => late.length === 1);
    isHeld = false;
    material = { caPem: createCa('next').certPem };
    await expect(connector.connect(() => {}, never)).rejects.toThrow();
    late[0]?.();
    const socket = await first;
    await new Promise((resolve) => socket.once('session', resolve));
    await expect(connector.connect(() => {}, never)).rejects.toThrow();
    expect(connector.canResume()).toBe(false);
    socket.destroy();
  });
});

async function raw(options: RawOptions, onCall: (call: RawCall) => unknown = () => {}): Promise<RawServer> {
  const server = await rawServer(onCall, options);
  cleanUps.push(() => server.close());
  return server;
}

function closing({ socket }: RawCall): void {
  socket.end(rawAnswer('{}', '200 OK', 'Connection: close'));
}

function transportTo(access: ClusterAccess, clock: Clock = systemClock, maxSockets = 64): Transport {
  const transport = createTransport({ access, clock, userAgent: 'escapement/test', maxSockets });
  cleanUps.unshift(() => transport.close());
  return transport;
}

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
