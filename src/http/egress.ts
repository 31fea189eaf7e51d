// Where upstream requests may go: the egress guard as a pure policy. It judges URLs and the addresses that their names
// resolve to; agents.ts asks it at every connection, so that a name which changes its address gains nothing.
import { isIP } from 'node:net';
import { OperatorError } from '../base/operator-error.ts';
import { normalizeHost, normalizeHostEntry } from '../core/host-entry.ts';
import { classifyAddress } from './addresses.ts';

/** Both throw `HostDenied`. */
export interface EgressPolicy {
  /** Judges what the URL itself says: scheme, user name, a literal address, a name with a known meaning. */
  checkUrl(url: URL): void;
  /** Judges an address that `host` (as in the URL, any case) resolved to. */
  checkAddress(host: string, port: number, address: string): void;
}

/** Which hosts the administrator lists: see `createEgressPolicy`. */
export interface HostRules {
  readonly insecureHosts: readonly string[];
  readonly onlyHosts?: readonly string[];
}

const howToList = 'list it in --insecure-upstream-hosts (Helm value insecureUpstreamHosts)';
const neverReached = 'link-local, unspecified and metadata addresses are never reached';

/** Names of metadata services; a proxy would resolve them where no address can be checked. */
const metadataNames = new Set(['metadata.google.internal', 'metadata.goog', 'instance-data.ec2.internal']);

/**
 * https anywhere, plain http to in-cluster services only. `insecureHosts` (entries `host` or `host:port`) may be reached by
 * plain http and may be loopback. Private ranges are allowed: self-hosted upstreams live there. `onlyHosts`, with entries of
 * the same form, leaves no other host; an empty list allows all. Throws `InvalidSpec` for an entry that is neither.
 */
export function createEgressPolicy(options: HostRules): EgressPolicy {
  const only = new Set(options.onlyHosts?.map((entry) => normalizeHostEntry(entry, 'upstream-hosts')));
  const listed = new Set(options.insecureHosts.map((entry) => normalizeHostEntry(entry, 'insecure-upstream-hosts')));
  const isListed = (host: string, port: number) => listed.has(host) || listed.has(`${host}:${port}`);
  return {
    checkUrl(url) {
      const host = normalizeHost(url.hostname);
      const port = portOf(url);
      if (url.protocol !== 'https:' && url.protocol !== 'http:') {
        throw denied(host, `may not be reached by ${url.protocol.slice(0, -1)}: use https`);
      }
      if (url.username !== '' || url.password !== '')
        throw denied(host, 'may not be given with a user name or password in the URL: take them out');
      if (only.size > 0 && !only.has(host) && !only.has(`${host}:${port}`)) {
        throw denied(host, 'is not one that may be named: list it in --upstream-hosts (Helm value upstreamHosts)');
      }
      checkClass(host, classifyHost(host), isListed(host, port), 'is');
      if (url.protocol === 'http:' && !isInClusterService(host) && !isListed(host, port)) {
        throw denied(host, `may not be reached by plain http: use https, or ${howToList}`);
      }
    },
    checkAddress(host, port, address) {
      const name = normalizeHost(host);
      checkClass(name, classifyAddress(address), isListed(name, port), 'resolves to');
    },
  };
}

/**
 * The base URL that a manifest gives in `field`. Throws `InvalidSpec` when it is not a URL or carries a user name, query or
 * fragment. The policy judges the rest when a request is sent.
 */
export function parseBaseUrl(text: string, field: string): URL {
  const url = URL.parse(text.trim());
  if (url === null) throw new OperatorError('InvalidSpec', `${field}: not a URL, such as "https://host"`);
  // Only the offending part's kind is named: a password may stand in the URL.
  const extra = url.username !== '' || url.password !== '' ? 'a user name or password' : extraPart(url);
  if (extra !== undefined) throw new OperatorError('InvalidSpec', `${field}: the URL may not carry ${extra}`);
  return url;
}

/** Port of a URL, the scheme's own when none is written. */
export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'http:' ? 80 : 443;
}

function extraPart(url: URL): string | undefined {
  // `https://host/?` has an empty search, yet appending a path to it would land in the query.
  if (url.href.includes('?')) return 'a query';
  return url.href.includes('#') ? 'a fragment' : undefined;
}

function classifyHost(host: string): ReturnType<typeof classifyAddress> {
  if (isIP(host) !== 0) return classifyAddress(host);
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return host === '' || metadataNames.has(host) ? 'forbidden' : 'ordinary';
}

function checkClass(host: string, found: ReturnType<typeof classifyAddress>, listed: boolean, verb: string): void {
  if (found === 'forbidden')
    throw denied(host, `${verb} an address that is not allowed: ${neverReached}, use another host`);
  if (found === 'loopback' && !listed)
    throw denied(host, `${verb} a loopback address: use another host, or ${howToList}`);
}

/** `<service>.<namespace>.svc`, with or without the usual cluster domain. */
function isInClusterService(host: string): boolean {
  return /^([^.]+\.){2,}svc(\.cluster\.local)?$/.test(host);
}

function denied(host: string, rule: string): OperatorError {
  return new OperatorError('HostDenied', `host "${host}" ${rule}`, { hint: '' }); // the rule says what to do
}
