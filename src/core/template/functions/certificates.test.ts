import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TemplateError } from '../errors.ts';
import { parseIp } from '../ip.ts';
import { issueCertificate } from '../issue.ts';
import { Budget, defaultLimits } from '../limits.ts';
import { compileTemplate } from '../template.ts';
import { parseCertificate } from '../x509.ts';

const nowMs = Date.UTC(2026, 0, 1);

function renderBytes(text: string, data: Readonly<Record<string, string | Uint8Array>> = {}): Buffer {
  return compileTemplate(text, { name: 'key' }).execute(data, { nowMs, randomBytes });
}

function render(text: string, data: Readonly<Record<string, string | Uint8Array>> = {}): string {
  return renderBytes(text, data).toString();
}

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const parts = render(
  `{{ $ca := genCAWithKey "root" 10 .key }}{{ $leaf := genSignedCertWithKey "leaf" nil nil 5 $ca .key -}}
   {{ $ca.Cert }}|{{ $leaf.Cert }}`,
  { key },
).split('|');
const [root = '', leaf = ''] = parts;

describe('new certificates', () => {
  it('are noted with the shortest life among them, and only they are', () => {
    const template = compileTemplate(
      '{{ (genCAWithKey "root" 10 .key).Cert }}{{ (genSelfSignedCertWithKey "leaf" nil nil 3 .key).Cert }}',
      { name: 'key' },
    );
    const account = new Budget(defaultLimits);
    template.execute({ key }, { account, nowMs, randomBytes });
    expect(template.makesCertificates).toBe(true);
    expect(account.certificateLifeMs).toBe(3 * 86_400_000);
    expect(compileTemplate('{{ uuidv4 }}', { name: 'key' }).makesCertificates).toBe(false);
  });

  it('are what OpenSSL takes for a chain', () => {
    const authority = new X509Certificate(root);
    const certificate = new X509Certificate(leaf);
    expect(authority.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.validToDate).toEqual(new Date(nowMs + 5 * 86_400_000));
    expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  it('have a key of their own', () => {
    const [certificate = '', own = ''] = render(
      '{{ $c := genSelfSignedCert "a.test" nil nil 1 }}{{ $c.Cert }}|{{ $c.Key }}',
    ).split('|');
    const read = new X509Certificate(certificate);
    expect(own).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(read.checkPrivateKey(createPrivateKey(own))).toBe(true);
    expect(read.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['::', '::'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
  ])('have the address %s', (given, shown) => {
    const request = { commonName: 'a', dns: [], isAuthority: false, notBeforeMs: 0, notAfterMs: nowMs };
    const ips = [parseIp(given) ?? Buffer.alloc(0)];
    const own = createPrivateKey(key);
    const der = issueCertificate({ ...request, ips, serial: randomBytes(16) }, own, {
      certificate: undefined,
      key: own,
    });
    expect(parseCertificate(der).alternativeNames.ips).toEqual([shown]);
  });

  it.each(['1.2.3', '01.2.3.4', '1::2::3', '1:2:3:4:5:6:7:8::', 'fe80::1%eth0', 'x', ':1'])(
    'are not for %s, which is no address',
    (given) => {
      expect(parseIp(given)).toBeUndefined();
    },
  );

  it('refuse a key that is none, without showing it', () => {
    expect(() => render('{{ genCAWithKey "a" 1 "s3cret" }}')).toThrow(/no PEM data in input/);
    expect(() => render('{{ genCA "a" 99999999999 }}')).toThrow(TemplateError);
  });
});

describe('chains', () => {
  it('find the leaf and the root in any order', () => {
    for (const chain of [root + leaf, leaf + root]) {
      expect(render('{{ filterCertChain "leaf" .c }}', { c: chain })).toBe(leaf);
      expect(render('{{ filterCertChain "root" .c }}', { c: chain })).toBe(root);
      expect(render('{{ filterCertChain "intermediate" .c }}', { c: chain })).toBe('');
    }
    expect(render('{{ filterCertChain "leaf" .c }}', { c: root })).toBe('');
    expect(() => render('{{ filterCertChain "leaf" "" }}')).toThrow(/no leaf certificate found/);
  });

  it('ends when a template reads certificates without end', () => {
    const many = leaf.repeat(3000);
    expect(() => render('{{ filterCertChain "leaf" .c }}', { c: many })).toThrow(/takes more than/);
  });
});

describe('filterPEM', () => {
  it('keeps the blocks of a type, and refuses text without any', () => {
    const text = `junk\n${key}${root}\ntail`;
    expect(render('{{ filterPEM "certificate" .t }}', { t: text })).toBe(root);
    expect(render('{{ filterPEM "PRIVATE KEY" .t }}', { t: text })).toBe(key);
    expect(render('{{ filterPEM "CERTIFICATE" .t }}', { t: key })).toBe('');
    expect(() => render('{{ filterPEM "CERTIFICATE" .t }}', { t: 'words' })).toThrow(/found junk/);
  });
});

describe('key stores', () => {
  const opened = (file: Buffer, password: string) => ({
    key: render('{{ pkcs12keyPass .p .f }}', { p: password, f: file }),
    certificates: render('{{ pkcs12certPass .p .f }}', { p: password, f: file }),
  });

  it('give back what was put in, under any password', () => {
    const password = fc.string({ unit: fc.integer({ min: 1, max: 0xd7ff }).map((code) => String.fromCodePoint(code)) });
    fc.assert(
      fc.property(password, (p) => {
        const file = Buffer.from(render('{{ fullPemToPkcs12Pass .c .k .p }}', { c: leaf + root, k: key, p }), 'base64');
        expect(opened(file, p)).toEqual({ key, certificates: leaf + root });
      }),
      { numRuns: 20 },
    );
  });

  it('stay shut to another password, to another kind of store and to other bytes', () => {
    const file = Buffer.from(render('{{ pemToPkcs12Pass .c .k "pw" }}', { c: leaf, k: key }), 'base64');
    expect(() => opened(file, 'other')).toThrow(/unable to decode pkcs12.*password incorrect/);
    const trusted = Buffer.from(render('{{ pemTruststoreToPKCS12Pass .c "pw" }}', { c: root }), 'base64');
    expect(() => opened(trusted, 'pw')).toThrow(/private key missing/);
    expect(() => render('{{ pkcs12key "" }}')).toThrow(/unable to decode pkcs12/);
  });

  it('refuse damaged files with an error of the template', () => {
    const file = Buffer.from(render('{{ pemToPkcs12 .c .k }}', { c: leaf, k: key }), 'base64');
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(file);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          render('{{ pkcs12key .f }}', { f: damaged });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TemplateError);
        }
      }),
    );
  });
});

describe('JWK', () => {
  it.each(['rsa', 'ec', 'ed25519'])('turns keys of %s into PEM', (type) => {
    const pair =
      type === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : type === 'ec'
          ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
          : generateKeyPairSync('ed25519');
    const j = JSON.stringify(pair.privateKey.export({ format: 'jwk' }));
    const spki = pair.publicKey.export({ type: 'spki', format: 'pem' });
    expect(render('{{ jwkPublicKeyPem .j }}', { j })).toBe(spki);
    expect(createPublicKey(render('{{ jwkPrivateKeyPem .j }}', { j })).export({ type: 'spki', format: 'pem' })).toBe(
      spki,
    );
  });

  it('refuses what is no key, without showing it', () => {
    expect(() => render('{{ jwkPrivateKeyPem "s3cret" }}')).toThrow(/no JSON/);
    expect(() => render('{{ jwkPrivateKeyPem .j }}', { j: '{"kty":"oct","k":"czNjcmV0"}' })).toThrow(TemplateError);
  });
});

interface RecordedKeys {
  readonly stores: readonly {
    readonly name: string;
    readonly file: string;
    readonly password: string;
    readonly key: string;
    readonly certificates: string;
  }[];
  readonly trustStore: string;
  readonly certificate: string;
  readonly sans: readonly string[];
  readonly ciphertext: string;
  readonly rsaKey: string;
}

describe('what Go recorded', () => {
  const url = new URL('../testdata/keys.json', import.meta.url);
  const recorded = JSON.parse(readFileSync(url, 'utf8')) as RecordedKeys;

  it.each(recorded.stores)(
    'opens a store of $name with password "$password"',
    ({ file, password, key, certificates }) => {
      const data = { f: Buffer.from(file, 'base64'), p: password };
      expect(render('{{ pkcs12keyPass .p .f }}', data)).toBe(key);
      expect(render('{{ pkcs12certPass .p .f }}', data)).toBe(certificates);
      if (password === '') expect(render('{{ pkcs12key .f }}{{ pkcs12cert .f }}', data)).toBe(key + certificates);
      else expect(() => render('{{ pkcs12key .f }}', data)).toThrow(/unable to decode pkcs12/);
    },
  );

  it('refuses a trust store as a key store', () => {
    const data = { f: Buffer.from(recorded.trustStore, 'base64') };
    expect(() => render('{{ pkcs12certPass "pw" .f }}', data)).toThrow(/private key missing/);
  });

  it('lists the alternative names of a certificate', () => {
    const { certificate, sans } = recorded;
    expect(render('{{ range certSANs .c }}{{ . }},{{ end }}', { c: certificate })).toBe(`${sans.join()},`);
  });

  it('decrypts what Go encrypted for an RSA key', () => {
    const data = { t: Buffer.from(recorded.ciphertext, 'base64'), k: recorded.rsaKey };
    expect(render('{{ rsaDecrypt "RSA-OAEP" "SHA256" .t .k }}', data)).toBe('plain text');
    expect(() => render('{{ rsaDecrypt "RSA-OAEP" "SHA1" .t .k }}', data)).toThrow(/error decrypting data with RSA/);
    expect(render('{{ rsaDecrypt "None" "SHA1" "as it is" "" }}')).toBe('as it is');
    expect(() => render('{{ rsaDecrypt "RSA" "SHA1" "x" "" }}')).toThrow(/decryption scheme RSA is not supported/);
  });
});
