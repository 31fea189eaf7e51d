import { describe, expect, it } from 'vitest';
import { createProxyRules, type ProxySettings } from './proxy.ts';

const none: ProxySettings = { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined };

function isProxied(noProxy: string, url: string): boolean {
  const rules = createProxyRules({ httpProxy: 'http://p:1', httpsProxy: 'http://p:2', noProxy });
  return rules(new URL(url)) !== undefined;
}

describe('createProxyRules', () => {
  it('goes the direct way without settings', () => {
    expect(createProxyRules(none)(new URL('https://a.example'))).toBeUndefined();
  });

  it('takes the proxy of the scheme', () => {
    const rules = createProxyRules({ ...none, httpProxy: 'http://plain:3128', httpsProxy: 'https://secure' });
    expect(rules(new URL('http://a.example'))).toMatchObject({ protocol: 'http:', host: 'plain', port: 3128 });
    expect(rules(new URL('https://a.example'))).toMatchObject({ protocol: 'https:', host: 'secure', port: 443 });
    expect(createProxyRules({ ...none, httpProxy: 'http://plain:3128' })(new URL('https://a.example'))).toBeUndefined();
  });

  it('takes a bare host and port as an http proxy', () => {
    const rules = createProxyRules({ ...none, httpsProxy: '[fd00::1]:3128' });
    expect(rules(new URL('https://a.example'))).toMatchObject({ protocol: 'http:', host: 'fd00::1', port: 3128 });
  });

  it('decodes user name and password', () => {
    const rules = createProxyRules({ ...none, httpsProxy: 'http://me:p%40ss@proxy:3128' });
    const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(rules(new URL('https://a.example'))?.authorization).toBe(expected);
  });

  it.each(['socks5://me:hunter2@proxy:1080', 'http://me:hunter2@', 'http://me:hunter2%zz@proxy'])(
    'refuses %s without quoting it',
    (httpsProxy) => {
      expect(() => createProxyRules({ ...none, httpsProxy })).toThrow(/^HTTPS_PROXY(?!.*hunter2)/);
    },
  );
});

describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://a.example', false],
    ['a.example', 'https://a.example', false],
    ['a.example', 'https://A.Example./', false],
    ['a.example', 'https://sub.a.example', false],
    ['a.example', 'https://nota.example', true],
    ['.a.example', 'https://sub.a.example', false],
    ['.a.example', 'https://a.example', true],
    ['*.a.example', 'https://sub.a.example', false],
    ['*.a.example', 'https://a.example', true],
    ['.svc,.cluster.local', 'http://infisical.prod.svc', false],
    ['.svc,.cluster.local', 'http://infisical.prod.svc.cluster.local:8080', false],
    ['a.example:8443', 'https://a.example:8443', false],
    ['a.example:8443', 'https://a.example', true],
    ['a.example:443', 'https://a.example', false],
    ['10.0.0.0/8', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://11.1.2.3', true],
    ['10.0.0.0/8', 'https://ten.example', true],
    ['fd00::/8', 'https://[fd12::1]', false],
    ['10.0.0.0/8', 'https://[fd12::1]', true],
    ['10.0.0.0/33', 'https://10.1.2.3', true],
    ['192.168.1.1', 'https://192.168.1.1', false],
    ['192.168.1.1:8443', 'https://192.168.1.1', true],
    ['fd12:0::1', 'https://[fd12::1]', false],
    ['[fd12::1]:8443', 'https://[fd12::1]:8443', false],
    ['x.example, a.example', 'https://a.example', false],
    ['x.example a.example', 'https://a.example', false],
    ['', 'https://a.example', true],
    ['', 'http://localhost:3000', false],
    ['', 'https://127.0.0.1', false],
    ['', 'https://[::1]', false],
  ] as const)('"%s" and %s: proxied is %s', (noProxy, url, expected) => {
    expect(isProxied(noProxy, url)).toBe(expected);
  });
});
