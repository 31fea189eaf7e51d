// Sprig's URLs: what Go's net/url takes apart, checks and puts together again.
import { hidden } from '../errors.ts';
import { quote } from '../quote.ts';
import type { Bytes } from '../text.ts';
import { Dict, kindName } from '../values.ts';
import { define, fault, type TemplateFunction } from './define.ts';

export const urlFunctions: readonly TemplateFunction[] = [
  define(
    'urlParse',
    ['string'],
    'a dictionary: scheme, host, hostname, path, query, opaque, fragment, userinfo',
    ([text], { budget }) => {
      budget.step(Math.ceil(text.length / 4));
      const { user, ...parts } = parsedOr(text, 'unable to parse url');
      const entries = {
        ...parts,
        hostname: hostnameOf(parts.host),
        userinfo: user === undefined ? '' : userText(user),
      };
      return new Dict(new Map(Object.entries(entries)));
    },
  ),
  define('urlJoin', ['dict'], 'the URL of such a dictionary', ([dict]) => join(dict)),
];

interface User {
  readonly name: Bytes;
  readonly password: Bytes | undefined;
}

interface Url {
  readonly scheme: Bytes;
  readonly opaque: Bytes;
  readonly user: User | undefined;
  readonly host: Bytes;
  readonly path: Bytes;
  readonly query: Bytes;
  readonly fragment: Bytes;
}

/** Why a text is no URL, in Go's words. */
class UrlFault extends Error {}

function parsedOr(text: Bytes, what: string): Url {
  const at = text.indexOf('#');
  const front = at < 0 ? text : text.slice(0, at);
  let failing = front;
  try {
    const url = parse(front);
    failing = text;
    return { ...url, fragment: at < 0 ? '' : decodePart(text.slice(at + 1), 'fragment') };
  } catch (thrown) {
    if (!(thrown instanceof UrlFault)) throw thrown;
    throw fault(`${what}: parse ${hidden(quote(failing))}: ${thrown.message}`);
  }
}

const blank: Url = { scheme: '', opaque: '', user: undefined, host: '', path: '', query: '', fragment: '' };

function parse(text: Bytes): Url {
  if (/[^ -~\u0080-\u00ff]/.test(text)) throw new UrlFault('net/url: invalid control character in URL');
  if (text === '*') return { ...blank, path: '*' };
  const schemed = /^([A-Za-z][A-Za-z0-9+.-]*)?:(.*)$/s.exec(text);
  if (schemed !== null && schemed[1] === undefined) throw new UrlFault('missing protocol scheme');
  const scheme = (schemed?.[1] ?? '').toLowerCase();
  const full = schemed?.[2] ?? text;
  const mark = full.indexOf('?');
  const query = mark < 0 ? '' : full.slice(mark + 1);
  const rest = mark < 0 ? full : full.slice(0, mark);
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...blank, scheme, query, opaque: rest };
    if (/^[^/]*:/.test(rest)) throw new UrlFault('first path segment in URL cannot contain colon');
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'));
  const [, authority = '', path = ''] = (hasAuthority ? /^\/\/([^/]*)(.*)$/s.exec(rest) : null) ?? ['', '', rest];
  const { user, host } = parseAuthority(scheme, authority);
  return { ...blank, scheme, query, user, host, path: decodePart(path, 'path') };
}

function parseAuthority(scheme: Bytes, authority: Bytes): Pick<Url, 'user' | 'host'> {
  const at = authority.lastIndexOf('@');
  const host = parseHost(scheme, authority.slice(at + 1));
  if (at < 0) return { user: undefined, host };
  const info = authority.slice(0, at);
  if (/[^A-Za-z0-9\-._:~!$&'()*+,;=%@]/.test(info)) throw new UrlFault('net/url: invalid userinfo');
  const colon = info.indexOf(':');
  const name = decodePart(colon < 0 ? info : info.slice(0, colon), 'user');
  return { user: { name, password: colon < 0 ? undefined : decodePart(info.slice(colon + 1), 'user') }, host };
}

function parseHost(scheme: Bytes, host: Bytes): Bytes {
  const open = host.lastIndexOf('[');
  if (open > 0) throw new UrlFault('invalid IP-literal');
  if (open === 0) return parseLiteral(host);
  const isStrict = scheme === 'http' || scheme === 'https';
  const colon = isStrict ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0) checkPort(host.slice(colon));
  return decodePart(host, 'host');
}

function parseLiteral(host: Bytes): Bytes {
  const close = host.lastIndexOf(']');
  if (close < 0) throw new UrlFault("missing ']' in host");
  const port = host.slice(close + 1);
  checkPort(port);
  const name = host.slice(1, close);
  const zone = name.indexOf('%25');
  const address =
    zone < 0
      ? decodePart(name, 'host')
      : decodePart(name.slice(0, zone), 'host') + decodePart(name.slice(zone), 'zone');
  if (/^[0-9]+\.[0-9.]+$/.test(address)) throw new UrlFault('invalid IP-literal');
  if (!isIpv6(address)) throw new UrlFault(`invalid host: ParseAddr(${hidden(quote(address))}): unable to parse IP`);
  return `[${address}]${port}`;
}

/** Eight groups, `::` for some of them, an IPv4 address at the end, a zone behind `%`. */
function isIpv6(text: Bytes): boolean {
  const [address = '', ...zone] = text.split('%');
  if (zone.length > 0 && zone.join('%') === '') return false;
  const dotted = /^(.*:)([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/.exec(address);
  if (dotted?.slice(2).some((part) => Number(part) > 255 || /^0[0-9]/.test(part))) return false;
  const halves = (dotted === null ? address : `${dotted[1]}0:0`).split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length < 8 : groups.length === 8;
}

function checkPort(port: Bytes): void {
  if (!/^(?::[0-9]*)?$/.test(port)) throw new UrlFault(`invalid port ${hidden(quote(port))} after host`);
}

function hostnameOf(host: Bytes): Bytes {
  const name = host.replace(/:[0-9]*$/, '');
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}

type Part = 'fragment' | 'host' | 'path' | 'user' | 'zone';

/** Bytes that stand as they are in each part. */
const plain: Readonly<Record<Part, RegExp>> = {
  fragment: /[A-Za-z0-9\-_.~$&+,/:;=?@!()*]/,
  host: /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/,
  path: /[A-Za-z0-9\-_.~$&+,/:;=@]/,
  user: /[A-Za-z0-9\-_.~$&+,;=]/,
  zone: /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/,
};

function decodePart(text: Bytes, part: Part): Bytes {
  const isHost = part === 'host' || part === 'zone';
  return text.replace(/%.{0,2}|[^%]/gs, (piece) => {
    if (!piece.startsWith('%')) {
      if (isHost && piece < '\u0080' && !plain[part].test(piece)) {
        throw new UrlFault(`invalid character ${hidden(quote(piece))} in host name`);
      }
      return piece;
    }
    const refuse = () => new UrlFault(`invalid URL escape ${hidden(quote(piece))}`);
    if (!/^%[0-9a-fA-F]{2}$/.test(piece)) throw refuse();
    const code = Number.parseInt(piece.slice(1), 16);
    const byte = String.fromCharCode(code);
    if (part === 'host' && code < 0x80 && piece !== '%25') throw refuse();
    if (part === 'zone' && piece !== '%25' && byte !== ' ' && !plain.host.test(byte)) throw refuse();
    return byte;
  });
}

function encodePart(text: Bytes, part: Part): Bytes {
  return Array.from(text, (byte) =>
    plain[part].test(byte) ? byte : `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

function userText({ name, password }: User): Bytes {
  return encodePart(name, 'user') + (password === undefined ? '' : `:${encodePart(password, 'user')}`);
}

function join(dict: Dict): Bytes {
  const part = (key: string): Bytes => {
    const value = dict.entries.get(key);
    if (value === undefined) return '';
    if (value === null) throw fault('runtime error: invalid memory address or nil pointer dereference');
    if (typeof value === 'string') return value;
    throw fault(`unable to parse ${key} key, must be of type string, but ${kindName(value)} found`);
  };
  const [scheme = '', host = '', path = '', query = '', opaque = '', fragment = ''] = [
    'scheme',
    'host',
    'path',
    'query',
    'opaque',
    'fragment',
  ].map(part);
  const info = part('userinfo');
  const user = info === '' ? undefined : parsedOr(`proto://${info}@host`, 'unable to parse userinfo in dict').user;
  const lead = scheme === '' ? '' : `${scheme}:`;
  const tail = (query === '' ? '' : `?${query}`) + (fragment === '' ? '' : `#${encodePart(fragment, 'fragment')}`);
  return lead + (opaque === '' ? hierarchy({ ...blank, scheme, host, path, user }) : opaque) + tail;
}

function hierarchy({ scheme, host, path, user }: Url): Bytes {
  const hasAuthority = host !== '' || user !== undefined || (scheme !== '' && path !== '');
  const authority = hasAuthority
    ? `//${user === undefined ? '' : `${userText(user)}@`}${encodePart(host, 'host')}`
    : '';
  const escaped = path === '*' ? path : encodePart(path, 'path');
  const slash = escaped !== '' && !escaped.startsWith('/') && host !== '' ? '/' : '';
  const needsDot = scheme === '' && authority === '' && /^[^/]*:/.test(escaped);
  return authority + slash + (needsDot ? './' : '') + escaped;
}
