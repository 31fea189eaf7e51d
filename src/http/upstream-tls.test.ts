import type http from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CertificateAuthority, createCa, issue } from '../../test/support/tls.ts';
import type { OperatorError } from '../base/operator-error.ts';
import { failureOf, openDoor, send, startHttp, startHttps, startProxy, startTcp, until } from './door.fixture.ts';

let ca: CertificateAuthority;
let otherCa: CertificateAuthority;
beforeAll(() => {
  ca = createCa('Private CA');
  otherCa = createCa('Other CA');
});

const ok = (_: unknown, response: { end(text: string): void }) => response.end('ok');
const startPrivate = () => startHttps(issue(ca, { names: ['localhost', '127.0.0.1', 'private.test'] }), ok);

describe('a private CA', () => {
  it.each([
    ['as PEM', (pem: string) => pem],
    ['as base64', (pem: string) => Buffer.from(pem).toString('base64')],
    ['encoded twice', (pem: string) => Buffer.from(Buffer.from(pem).toString('base64')).toString('base64')],
    ['among others', (pem: string) => `# a comment\n${otherCa.certPem}\n${pem}`],
  ])('is trusted when given %s', async (_, encode) => {
    const server = await startPrivate();
    const upstream = openDoor().door.open({ caPem: encode(ca.certPem) });
    expect((await send(upstream, `https://localhost:${server.port}/`)).status).toBe(200);
    expect((await send(upstream, `https://127.0.0.1:${server.port}/`)).status).toBe(200);
  });

  it('is trusted by those only who were given it', async () => {
    const server = await startPrivate();
    const { door } = openDoor();
    const target = `https://localhost:${server.port}/`;
    expect((await send(door.open({ caPem: ca.certPem }), target)).status).toBe(200);
    const errors = [
      await failureOf(send(door.open({}), target)),
      await failureOf(send(door.open({ caPem: otherCa.certPem }), target)),
      await failureOf(send(openDoor().door.open({}), target)),
    ];
    expect(errors.map((error) => error.reason)).toEqual(Array(3).fill('UpstreamUnavailable'));
    for (const error of errors) expect(error.message).toContain('caBundle');
    // A store with the wrong CA holds nobody else back.
    expect((await send(door.open({ caPem: ca.certPem }), target)).status).toBe(200);
  });

  it('shares connections between equal sets of certificates', async () => {
    const server = await startPrivate();
    const { door } = openDoor();
    const texts = [`${ca.certPem}${otherCa.certPem}`, `${otherCa.certPem}\n\n${ca.certPem}${ca.certPem}`];
    const [first, second] = texts.map((caPem) => door.open({ caPem }));
    expect(first).toBe(second);
    for (const caPem of texts) await send(door.open({ caPem }), `https://localhost:${server.port}/`);
    expect(server.connections.accepted).toBe(1);
  });

  it.each(['', 'not a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', 'canary-value'])(
    'is refused, unquoted, when it is "%s"',
    (caPem) => {
      const open = () => openDoor().door.open({ caPem });
      expect(open).toThrow(expect.objectContaining({ reason: 'InvalidCredential' }));
      expect(open).toThrow(/^(?!.*canary)/);
    },
  );

  it('may hold a private key by mistake, which goes nowhere', async () => {
    const server = await startPrivate();
    const upstream = openDoor().door.open({ caPem: `${ca.keyPem}${ca.certPem}` });
    expect((await send(upstream, `https://localhost:${server.port}/`)).status).toBe(200);
  });
});

describe('a certificate', () => {
  const hour = 3_600_000;
  async function fail(certificate: Parameters<typeof startHttps>[0], host = 'localhost'): Promise<OperatorError> {
    const server = await startHttps(certificate, ok);
    const { door } = openDoor();
    return failureOf(send(door.open({ caPem: ca.certPem }), `https://${host}:${server.port}/`));
  }

  it.each([
    ['for another name', () => issue(ca, { names: ['other.test'] }), /other names/],
    ['that has expired', () => issue(ca, { names: ['localhost'], validToMs: Date.now() - hour }), /expired/],
    [
      'that is not valid yet',
      () => issue(ca, { names: ['localhost'], validFromMs: Date.now() + hour }),
      /not valid yet/,
    ],
    ['of another CA', () => issue(otherCa, { names: ['localhost'] }), /CA/],
    ['that is a CA itself', () => createCa('localhost'), /certificate/],
  ])('%s is refused', async (_, certificate, cause) => {
    const error = await fail(certificate());
    expect(error.reason).toBe('UpstreamUnavailable');
    expect(error.message).toMatch(cause);
  });

  it('for a name does not serve an address', async () => {
    expect((await fail(issue(ca, { names: ['localhost'] }), '127.0.0.1')).reason).toBe('UpstreamUnavailable');
  });
});

describe('a handshake', () => {
  it('has 5 s, together with the connection', async () => {
    const server = await startTcp(() => {});
    const { door, clock, hostChanges } = openDoor();
    const failure = failureOf(send(door.open({}), `https://localhost:${server.port}/`));
    await until(() => server.connections.accepted === 1);
    await clock.advance(5_000);
    expect((await failure).reason).toBe('UpstreamUnavailable');
    expect(hostChanges).toHaveLength(1);
    await until(() => server.connections.open === 0);
  });

  it('with a port that speaks plain http fails with the cause', async () => {
    const server = await startHttp(ok);
    const error = await failureOf(send(openDoor().door.open({}), `https://localhost:${server.port}/`));
    expect(error.reason).toBe('UpstreamUnavailable');
    expect(error.message).toContain('does not speak TLS');
  });
});

describe('a proxy', () => {
  it('tunnels https, resolves the name itself, and its tunnels are reused', async () => {
    const [server, proxy] = [await startPrivate(), await startProxy()];
    const { door } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` }, insecureHosts: [] });
    const upstream = door.open({ caPem: ca.certPem });
    for (let i = 0; i < 3; i++)
      expect((await send(upstream, `https://private.test:${server.port}/${i}`)).status).toBe(200);
    expect(proxy.asked).toEqual([`CONNECT private.test:${server.port}`]);
    expect(server.connections.accepted).toBe(1);
  });

  it('does not make an unknown CA trusted', async () => {
    const [server, proxy] = [await startPrivate(), await startProxy()];
    const { door } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    const error = await failureOf(send(door.open({}), `https://private.test:${server.port}/`));
    expect(error.reason).toBe('UpstreamUnavailable');
    expect(error.message).toContain('caBundle');
    await until(() => server.connections.open === 0);
  });

  it('verifies the name inside the tunnel', async () => {
    const server = await startHttps(issue(ca, { names: ['other.test'] }), ok);
    const proxy = await startProxy();
    const { door } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    const error = await failureOf(send(door.open({ caPem: ca.certPem }), `https://private.test:${server.port}/`));
    expect(error.message).toContain('other names');
  });

  it('forwards plain http as a whole URL', async () => {
    let host: string | undefined;
    const server = await startHttp((request, response) => {
      host = request.headers.host;
      response.end(request.url);
    });
    const proxy = await startProxy();
    const { door } = openDoor({
      proxy: { httpProxy: `http://127.0.0.1:${proxy.port}` },
      insecureHosts: ['plain.test'],
    });
    const target = `http://plain.test:${server.port}/path?x=y`;
    const answer = await send(door.open({}), target);
    expect(answer.body.toString()).toBe('/path?x=y');
    expect(proxy.asked).toEqual([`GET ${target}`]);
    expect(host).toBe(`plain.test:${server.port}`);
  });

  it('is passed by where NO_PROXY says so', async () => {
    const server = await startHttp(ok);
    const proxy = await startProxy();
    const all = `http://127.0.0.1:${proxy.port}`;
    // Loopback is never proxied, so the exception is proven by a name that only the proxy could resolve.
    const settings = { httpProxy: all, httpsProxy: all, noProxy: '.test' };
    const { door } = openDoor({ proxy: settings, insecureHosts: ['plain.test', '127.0.0.1'] });
    expect((await failureOf(send(door.open({}), `http://plain.test:${server.port}/`))).reason).toBe(
      'UpstreamUnavailable',
    );
    expect((await send(door.open({}), `http://127.0.0.1:${server.port}/`)).status).toBe(200);
    expect(proxy.asked).toEqual([]);
  });

  const authorization = `Basic ${Buffer.from('me:canary').toString('base64')}`;
  it.each(['http', 'https'] as const)('is given user name and password, and nobody else is, for %s', async (scheme) => {
    const seen: unknown[] = [];
    const handler: http.RequestListener = (request, response) => {
      seen.push(request.headers['proxy-authorization']);
      response.end('ok');
    };
    const server =
      scheme === 'http' ? await startHttp(handler) : await startHttps(issue(ca, { names: ['private.test'] }), handler);
    const proxy = await startProxy({ authorization });
    const settings = { [`${scheme}Proxy`]: `http://me:canary@127.0.0.1:${proxy.port}` };
    const { door } = openDoor({ proxy: settings, insecureHosts: ['private.test'] });
    const answer = await send(door.open({ caPem: ca.certPem }), `${scheme}://private.test:${server.port}/`);
    expect(answer.status).toBe(200);
    // The proxy in this test forwards all headers of plain http; into a tunnel none of them goes.
    expect(seen).toEqual([scheme === 'http' ? authorization : undefined]);
  });

  it.each(['http', 'https'] as const)('that wants credentials is named, for %s', async (scheme) => {
    const proxy = await startProxy({ authorization });
    const settings = { [`${scheme}Proxy`]: `http://me:wrong-canary@127.0.0.1:${proxy.port}` };
    const { door } = openDoor({ proxy: settings, insecureHosts: ['private.test'] });
    const error = await failureOf(send(door.open({}), `${scheme}://private.test/`));
    expect(error.reason).toBe('UpstreamUnavailable');
    expect(error.message).toContain('407');
    expect(error.message).toContain(`127.0.0.1:${proxy.port}`);
    expect(error.message).not.toContain('canary');
  });

  it('that does not answer CONNECT has 5 s, and its connection is closed', async () => {
    const proxy = await startTcp(() => {});
    const { door, clock } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    const failure = failureOf(send(door.open({}), 'https://private.test/'));
    await until(() => proxy.connections.accepted === 1);
    await clock.advance(5_000);
    expect((await failure).reason).toBe('UpstreamUnavailable');
    await until(() => proxy.connections.open === 0);
  });

  it.each([
    ['hangs up', ''],
    ['refuses the tunnel', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'],
    ['answers nonsense', 'nonsense\r\n\r\n'],
  ])('that %s is an unavailable upstream', async (_, bytes) => {
    const proxy = await startTcp((socket) => socket.once('data', () => socket.end(bytes)));
    const { door } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    const error = await failureOf(send(door.open({}), 'https://private.test/', { method: 'POST' }));
    expect(error.reason).toBe('UpstreamUnavailable');
  });

  it('does not open the way to forbidden literals', async () => {
    const proxy = await startProxy();
    const { door } = openDoor({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    expect((await failureOf(send(door.open({}), 'https://169.254.169.254/'))).reason).toBe('HostDenied');
    expect(proxy.asked).toEqual([]);
  });
});
