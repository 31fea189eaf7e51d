import { describe, expect, it } from 'vitest';
import { asOperatorError } from '../base/operator-error.ts';
import { checkNamespaceHost, type NamespaceHosts, readNamespaceHosts } from './namespace-hosts.ts';

const rules: NamespaceHosts = [
  { namespaces: { matchLabels: { team: 'a' } }, hosts: ['A.example.com', 'port.example.com:8443'] },
  { namespaces: { matchLabels: { tier: 'prod' } }, hosts: ['prod.example.com', '[fd00::1]:443'] },
  { namespaces: { matchExpressions: [{ key: 'closed', operator: 'Exists' }] }, hosts: [] },
];

function verdict(labels: Readonly<Record<string, string>>, hostname: string, port = 443): string {
  try {
    checkNamespaceHost(rules, { name: 'shop', labels }, { hostname, port });
    return 'allowed';
  } catch (thrown) {
    return asOperatorError(thrown).reason;
  }
}

describe('hosts that a namespace may name', () => {
  it.each([
    { why: 'no rule speaks of it', labels: {}, host: 'anything.example.com', is: 'allowed' },
    { why: 'another value of the label', labels: { team: 'b' }, host: 'anything.example.com', is: 'allowed' },
    { why: 'listed', labels: { team: 'a' }, host: 'a.example.com', is: 'allowed' },
    { why: 'listed, in capitals and with a dot', labels: { team: 'a' }, host: 'A.EXAMPLE.com.', is: 'allowed' },
    { why: 'not listed', labels: { team: 'a' }, host: 'b.example.com', is: 'HostDenied' },
    { why: 'below one that is listed', labels: { team: 'a' }, host: 'x.a.example.com', is: 'HostDenied' },
    { why: 'listed with its port', labels: { team: 'a' }, host: 'port.example.com', port: 8443, is: 'allowed' },
    { why: 'listed with another port', labels: { team: 'a' }, host: 'port.example.com', is: 'HostDenied' },
    { why: 'of another rule', labels: { team: 'a' }, host: 'prod.example.com', is: 'HostDenied' },
    { why: 'of either rule', labels: { team: 'a', tier: 'prod' }, host: 'prod.example.com', is: 'allowed' },
    { why: 'an IPv6 address', labels: { tier: 'prod' }, host: '[fd00::1]', is: 'allowed' },
    { why: 'a rule without hosts', labels: { closed: '' }, host: 'a.example.com', is: 'HostDenied' },
  ])('$is: $why', ({ labels, host, port, is }) => {
    expect(verdict(labels, host, port)).toBe(is);
  });

  it('are told with the flag that lists them', () => {
    const check = () =>
      checkNamespaceHost(rules, { name: 'shop', labels: { team: 'a' } }, { hostname: 'x.example.com', port: 443 });
    expect(check).toThrow(/"x\.example\.com".*"shop".*--upstream-hosts-for.*upstreamHostsFor/);
  });

  it('are refused as rules when they cannot be understood', () => {
    expect(readNamespaceHosts(JSON.stringify(rules))).toEqual(rules);
    expect(readNamespaceHosts(' ')).toEqual([]);
    const of = (namespaces: object, hosts: readonly string[]) => () =>
      readNamespaceHosts(JSON.stringify([{ namespaces, hosts }]));
    expect(of({}, ['https://a.example.com/'])).toThrow(/neither a host/);
    const odd = { matchExpressions: [{ key: 'a', operator: 'Like', values: ['b'] }] };
    expect(of(odd, [])).toThrow(/upstream-hosts-for.*Like/);
    expect(() => readNamespaceHosts('team=a:host')).toThrow(/expected JSON such as/);
  });
});
