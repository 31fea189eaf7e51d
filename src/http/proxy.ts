// Which requests go through which proxy: the usual variables, read as Go reads them (golang.org/x/net/http/httpproxy), since
// clusters set them for programs in Go. Pure; agents.ts makes the connections.
import { BlockList, isIP } from 'node:net';
import { OperatorError } from '../base/operator-error.ts';
import { normalizeHost } from '../core/host-entry.ts';
import { classifyAddress } from './addresses.ts';
import { portOf } from './egress.ts';

/** The values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or their lower-case names). */
export interface ProxySettings {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface ProxyServer {
  readonly protocol: 'http:' | 'https:';
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of Proxy-Authorization. A secret: it leaves in requests to the proxy only. */
  readonly authorization: string | undefined;
}

/** The proxy for a URL, or undefined for the direct way. */
export type ProxyRules = (url: URL) => ProxyServer | undefined;

/** Throws `InvalidSpec` for a proxy URL or scheme that cannot be used; the value is not quoted, it may hold a password. */
export function createProxyRules(settings: ProxySettings): ProxyRules {
  const forHttp = parseProxy(settings.httpProxy, 'HTTP_PROXY');
  const forHttps = parseProxy(settings.httpsProxy, 'HTTPS_PROXY');
  if (forHttp === undefined && forHttps === undefined) return () => undefined;
  const exceptions = (settings.noProxy ?? '')
    .split(/[,\s]+/)
    .filter((entry) => entry !== '')
    .map(parseException);
  return (url) => {
    const host = normalizeHost(url.hostname);
    const isLocal = host === 'localhost' || (isIP(host) !== 0 && classifyAddress(host) === 'loopback');
    if (isLocal || exceptions.some((matches) => matches(host, portOf(url)))) return undefined;
    return url.protocol === 'https:' ? forHttps : forHttp;
  };
}

/** `host:port` for messages. */
export function proxyName(proxy: ProxyServer): string {
  return isIP(proxy.host) === 6 ? `[${proxy.host}]:${proxy.port}` : `${proxy.host}:${proxy.port}`;
}

function parseProxy(text: string | undefined, variable: string): ProxyServer | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OperatorError(
      'InvalidSpec',
      `${variable}: not the URL of an http or https proxy, such as "http://proxy:3128"`,
    );
  }
  const hasUser = url.username !== '' || url.password !== '';
  return {
    protocol: url.protocol,
    host: normalizeHost(url.hostname),
    port: portOf(url),
    authorization: hasUser ? basicAuthorization(url, variable) : undefined,
  };
}

function basicAuthorization(url: URL, variable: string): string {
  try {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  } catch {
    throw new OperatorError('InvalidSpec', `${variable}: the user name or password is not valid percent-encoding`);
  }
}

type Exception = (host: string, port: number) => boolean;

/** `*`, `10.0.0.0/8`, an address, `example.com` (and below), `.example.com` or `*.example.com` (below only); `:port` may follow. */
function parseException(entry: string): Exception {
  if (entry === '*') return () => true;
  const range = entry.includes('/') ? parseRange(entry) : undefined;
  if (range !== undefined) return (host) => isIP(host) !== 0 && range.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
  const [, name = '', portText] = isIP(entry) === 6 ? [entry, entry] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  const isRightPort = (port: number) => portText === undefined || Number(portText) === port;
  const pattern = normalizeHost(name.replace(/^\*(?=\.)/, ''));
  if (pattern.startsWith('.')) return (host, port) => isRightPort(port) && host.endsWith(pattern);
  return (host, port) =>
    isRightPort(port) && (sameHost(host, pattern) || (isIP(pattern) === 0 && host.endsWith(`.${pattern}`)));
}

function sameHost(host: string, pattern: string): boolean {
  if (isIP(pattern) !== 6) return host === pattern;
  return host === normalizeHost(new URL(`http://[${pattern}]`).hostname);
}

/** Undefined for what is not a range: such an entry then matches nothing, as in Go. */
function parseRange(entry: string): BlockList | undefined {
  const [network = '', bits = ''] = entry.split('/');
  const version = isIP(network);
  if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 6 ? 128 : 32)) return undefined;
  const range = new BlockList();
  range.addSubnet(network, Number(bits), version === 6 ? 'ipv6' : 'ipv4');
  return range;
}
