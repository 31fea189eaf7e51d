import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';
import { classifyAddress } from './addresses.ts';
import { createEgressPolicy, parseBaseUrl } from './egress.ts';

function reasonOf(run: () => unknown): Reason | 'allowed' {
  try {
    run();
    return 'allowed';
  } catch (error) {
    if (error instanceof OperatorError) return error.reason;
    throw error;
  }
}

const insecureHosts = [
  'plain.example',
  'port.example:8080',
  'localhost',
  '127.0.0.1:4000',
  '[::1]:4000',
  'Dotted.Example.',
];

describe('checkUrl', () => {
  const cases: readonly (readonly [url: string, expected: 'allowed' | 'HostDenied', why: string])[] = [
    ['https://app.infisical.com/api', 'allowed', 'https is allowed anywhere'],
    ['https://10.0.0.7/api', 'allowed', 'private ranges hold self-hosted upstreams'],
    ['https://[fd12:3456::1]/', 'allowed', 'unique local addresses too'],
    ['http://app.infisical.com/', 'HostDenied', 'plain http leaves the cluster'],
    ['http://10.0.0.7/', 'HostDenied', 'plain http to an address is not an in-cluster service'],
    ['http://infisical.prod.svc:8080/', 'allowed', 'in-cluster service'],
    ['http://infisical.prod.svc.cluster.local/', 'allowed', 'in-cluster service, long form'],
    ['http://infisical.prod.svc.cluster.local./', 'allowed', 'a trailing dot means the same name'],
    ['http://pod.infisical.prod.svc/', 'allowed', 'a pod of a headless service'],
    ['http://svc/', 'HostDenied', 'svc alone is no service'],
    ['http://prod.svc/', 'HostDenied', 'a namespace is no service'],
    ['http://infisical.prod.svc.example.com/', 'HostDenied', 'svc in the middle'],
    ['http://infisical.prod.notsvc/', 'HostDenied', 'the label must be svc'],
    ['http://plain.example:99/', 'allowed', 'listed, any port'],
    ['http://PLAIN.example/', 'allowed', 'case does not matter'],
    ['http://dotted.example/', 'allowed', 'entries are normalised'],
    ['http://sub.plain.example/', 'HostDenied', 'listing a host does not list what is below'],
    ['http://port.example:8080/', 'allowed', 'listed with this port'],
    ['http://port.example/', 'HostDenied', 'listed with another port'],
    ['ftp://plain.example/', 'HostDenied', 'only http and https'],
    ['file:///etc/passwd', 'HostDenied', 'only http and https'],
    ['https://user@app.infisical.com/', 'HostDenied', 'a user name'],
    ['https://:pw@app.infisical.com/', 'HostDenied', 'a password'],
    ['https://127.0.0.1:4000/', 'allowed', 'loopback, listed'],
    ['https://127.0.0.1:4001/', 'HostDenied', 'loopback, other port'],
    ['https://127.0.0.2:4000/', 'HostDenied', 'all of 127/8 is loopback'],
    ['http://[::1]:4000/', 'allowed', 'IPv6 loopback, listed'],
    ['https://[::1]/', 'HostDenied', 'IPv6 loopback'],
    ['http://localhost:3000/', 'allowed', 'listed by name'],
    ['https://api.localhost/', 'HostDenied', 'names below localhost are loopback'],
    ['https://[::ffff:127.0.0.1]/', 'HostDenied', 'IPv4-mapped loopback'],
    ['https://2130706434/', 'HostDenied', 'decimal 127.0.0.2'],
    ['https://169.254.169.254/', 'HostDenied', 'metadata'],
    ['https://2852039166/', 'HostDenied', 'decimal metadata'],
    ['https://0xa9fea9fe/', 'HostDenied', 'hexadecimal metadata'],
    ['https://0251.0376.0251.0376/', 'HostDenied', 'octal metadata'],
    ['https://169.254.43518/', 'HostDenied', 'short form of metadata'],
    ['https://[::ffff:a9fe:a9fe]/', 'HostDenied', 'IPv4-mapped metadata'],
    ['https://[::a9fe:a9fe]/', 'HostDenied', 'IPv4-compatible metadata'],
    ['https://[64:ff9b::a9fe:a9fe]/', 'HostDenied', 'metadata through NAT64'],
    ['https://[2002:a9fe:a9fe::1]/', 'HostDenied', 'metadata through 6to4'],
    ['https://[fe80::1]/', 'HostDenied', 'link-local'],
    ['https://[febf::1]/', 'HostDenied', 'end of the link-local range'],
    ['https://[fd00:ec2::254]/', 'HostDenied', 'AWS metadata over IPv6'],
    ['https://100.100.100.200/', 'HostDenied', 'Alibaba metadata'],
    ['https://metadata.google.internal/', 'HostDenied', 'metadata by name: a proxy would resolve it'],
    ['https://metadata.google.internal./', 'HostDenied', 'with a trailing dot'],
    ['https://0.0.0.0/', 'HostDenied', 'unspecified'],
    ['https://0/', 'HostDenied', 'unspecified, short'],
    ['https://[::]/', 'HostDenied', 'unspecified IPv6'],
    ['https://127。0。0。2/', 'HostDenied', 'full-width dots are normalised by the URL parser'],
  ];
  const policy = createEgressPolicy({ insecureHosts });
  it.each(cases)('%s is %s: %s', (url, expected) => {
    expect(reasonOf(() => policy.checkUrl(new URL(url)))).toBe(expected);
  });

  it('never lets a listed host be a metadata address', () => {
    const listing = createEgressPolicy({ insecureHosts: ['169.254.169.254', 'meta.example'] });
    expect(reasonOf(() => listing.checkUrl(new URL('http://169.254.169.254/')))).toBe('HostDenied');
    expect(reasonOf(() => listing.checkAddress('meta.example', 80, '169.254.169.254'))).toBe('HostDenied');
  });

  it.each([
    'ftp://plain.test/',
    'http://plain.test/',
    'https://u:p@plain.test/',
    'https://127.0.0.1/',
    'https://0.0.0.0/',
  ])('advises once, in the rule itself: %s', (url) => {
    const run = () => policy.checkUrl(new URL(url));
    expect(run).toThrow(expect.objectContaining({ reason: 'HostDenied', hint: '' }));
    expect(run).toThrow(/use https|use another host|take them out/);
  });

  it('tells how to allow a host', () => {
    const run = () => policy.checkUrl(new URL('http://plain.test/'));
    expect(run).toThrow(/"plain\.test".*--insecure-upstream-hosts.*insecureUpstreamHosts/);
  });
});

describe('checkAddress', () => {
  const policy = createEgressPolicy({ insecureHosts });
  it.each([
    ['app.example', 443, '203.0.113.9', 'allowed'],
    ['app.example', 443, '10.1.2.3', 'allowed'],
    ['app.example', 443, '127.0.0.1', 'HostDenied'],
    ['app.example', 443, '::ffff:127.0.0.1', 'HostDenied'],
    ['app.example', 443, '169.254.169.254', 'HostDenied'],
    ['app.example', 443, 'fe80::1%eth0', 'HostDenied'],
    ['app.example', 443, 'not an address', 'HostDenied'],
    ['svc.ns.svc', 80, '127.0.0.1', 'HostDenied'],
    ['localhost', 3000, '127.0.0.1', 'allowed'],
    ['LOCALHOST.', 3000, '::1', 'allowed'],
    ['port.example', 8080, '127.0.0.1', 'allowed'],
    ['port.example', 443, '127.0.0.1', 'HostDenied'],
  ] as const)('%s:%d at %s is %s', (host, port, address, expected) => {
    expect(reasonOf(() => policy.checkAddress(host, port, address))).toBe(expected);
  });
});

describe('classifyAddress', () => {
  it.each([
    ['192.168.0.1', 'ordinary'],
    ['2001:db8::1', 'ordinary'],
    ['64:ff9b::808:808', 'ordinary'],
    ['2002:808:808::1', 'ordinary'],
    ['::ffff:0:0', 'forbidden'],
    ['::ffff:0:169.254.169.254', 'forbidden'],
    ['::ffff:0:127.0.0.1', 'loopback'],
    ['::ffff:0:8.8.8.8', 'ordinary'],
    ['2001:db8::5efe:a9fe:a9fe', 'forbidden'],
    ['2001:db8::200:5efe:127.0.0.1', 'loopback'],
    ['fd00::5efe:10.1.2.3', 'ordinary'],
    ['2001:0:a9fe:a9fe::1', 'forbidden'],
    ['2001:0:4136:e378:8000:63bf:5601:5601', 'forbidden'], // the client's bits are turned
    ['2001:0:4136:e378:8000:63bf:80ff:fffe', 'loopback'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'ordinary'],
    ['1:2:3:4:5:6:7:8', 'ordinary'],
    ['::ffff:8.8.8.8', 'ordinary'],
    ['', 'forbidden'],
  ] as const)('%s is %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected);
  });
});

describe('a list of the only hosts', () => {
  const policy = createEgressPolicy({ insecureHosts: [], onlyHosts: ['App.Example', 'port.example:8443', 'fd00::1'] });

  it.each([
    ['https://app.example/', 'allowed'],
    ['https://app.example.:9443/', 'allowed'],
    ['https://port.example:8443/', 'allowed'],
    ['https://[fd00::1]/', 'allowed'],
    ['https://port.example/', 'HostDenied'],
    ['https://sub.app.example/', 'HostDenied'],
    ['https://evil.example/', 'HostDenied'],
    ['http://app.example/', 'HostDenied'],
    ['https://169.254.169.254/', 'HostDenied'],
  ] as const)('%s is %s', (target, expected) => {
    expect(reasonOf(() => policy.checkUrl(new URL(target)))).toBe(expected);
  });

  it('opens no metadata address that is put on it', () => {
    const open = createEgressPolicy({ insecureHosts: [], onlyHosts: ['169.254.169.254'] });
    expect(reasonOf(() => open.checkUrl(new URL('https://169.254.169.254/')))).toBe('HostDenied');
  });
});

describe('createEgressPolicy', () => {
  it.each(['http://host', 'host/path', 'user@host', '*.example.com', 'host:port', 'host:1:2', '', 'a b'])(
    'refuses the entry "%s"',
    (entry) => {
      expect(reasonOf(() => createEgressPolicy({ insecureHosts: [entry] }))).toBe('InvalidSpec');
    },
  );
});

describe('parseBaseUrl', () => {
  it.each([
    ['https://host/infisical', 'allowed'],
    ['https://[fd12::1]:8443/api', 'allowed'],
    ['host', 'InvalidSpec'],
    ['', 'InvalidSpec'],
    ['https://', 'InvalidSpec'],
    ['https://user:pw@host', 'InvalidSpec'],
    ['https://host/?a=b', 'InvalidSpec'],
    ['https://host/?', 'InvalidSpec'],
    ['https://host/#', 'InvalidSpec'],
  ] as const)('finds "%s" %s', (text, expected) => {
    expect(reasonOf(() => parseBaseUrl(text, 'hostAPI'))).toBe(expected);
  });

  it('does not quote a password', () => {
    expect(() => parseBaseUrl('https://user:hunter2@host', 'hostAPI')).toThrow(/^(?!.*hunter2)/);
  });
});
