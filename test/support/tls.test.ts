import { X509Certificate } from 'node:crypto';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type CertificateAuthority, createCa, type IssuedCertificate, issue } from './tls.ts';

/** Serves one request with `certificate` and says how a client that trusts `caPem` fared: 'ok' or the error code. */
async function visit(certificate: IssuedCertificate, caPem: string): Promise<string> {
  const server = createServer({ key: certificate.keyPem, cert: certificate.certPem }, (_, response) =>
    response.end('ok'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a listening TCP server has a port
  try {
    return await new Promise<string>((resolve) => {
      request({ host: '127.0.0.1', port, ca: caPem, agent: false }, (response) => {
        response.resume().on('end', () => resolve('ok'));
      })
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
        .end();
    });
  } finally {
    server.close();
  }
}

describe('test certificates', () => {
  const ca: CertificateAuthority = createCa('Test CA');

  it('are accepted by a client that trusts the authority', async () => {
    expect(await visit(issue(ca, { names: ['localhost', '127.0.0.1'] }), ca.certPem)).toBe('ok');
  });

  it('are refused by a client that trusts another authority of the same name', async () => {
    expect(await visit(issue(ca, { names: ['127.0.0.1'] }), createCa('Test CA').certPem)).not.toBe('ok');
  });

  it('are refused when no name fits', async () => {
    const outcome = await visit(issue(ca, { names: ['elsewhere.example'] }), ca.certPem);
    expect(outcome).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('are refused when they have expired', async () => {
    const validToMs = Date.UTC(2020, 1, 1);
    const expired = issue(ca, { names: ['127.0.0.1'], validFromMs: Date.UTC(2019, 1, 1), validToMs });
    expect(await visit(expired, ca.certPem)).toBe('CERT_HAS_EXPIRED');
  });

  it.each(['host.example', '10.1.2.3', '::1', 'fd00::12:3'])('carry the name %s', (name) => {
    const certificate = new X509Certificate(issue(ca, { names: [name] }).certPem);
    const found = name.includes('example') ? certificate.checkHost(name) : certificate.checkIP(name);
    expect(found).toBe(name);
    expect(certificate.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
  });

  it('may live past the year 2050', () => {
    const certificate = new X509Certificate(
      issue(ca, { names: ['a.example'], validToMs: Date.UTC(2060, 0, 1) }).certPem,
    );
    expect(certificate.validToDate.getUTCFullYear()).toBe(2060);
  });
});
