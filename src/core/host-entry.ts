// Hosts as the administrator lists them in flags, and as URLs name them: one spelling for both.
import { OperatorError } from '../base/operator-error.ts';

/** Host in lower case, without brackets or trailing dots. */
export function normalizeHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.+$/, '');
}

/**
 * An entry of a list of hosts (`host`, `host:port`, `[v6]:port` or a bare IPv6 address), as `host` or `host:port` without
 * brackets, written as the URL parser writes the same host in a request. Throws InvalidSpec that names the flag for
 * anything else.
 */
export function normalizeHostEntry(entry: string, flag: string): string {
  const text = entry.trim();
  const bare = text.includes(':') && URL.canParse(`http://[${text}]`) ? `[${text}]` : text;
  const [, host, port] = /^(\[[^\]]+\]|[^:/?#@*\s[\]]+)(?::(\d{1,5}))?$/.exec(bare) ?? [];
  const url = host === undefined ? null : URL.parse(`http://${host}`);
  if (url === null) throw new OperatorError('InvalidSpec', `--${flag}: "${text}" is neither a host nor host:port`);
  const normal = normalizeHost(url.hostname);
  return port === undefined ? normal : `${normal}:${Number(port)}`;
}
