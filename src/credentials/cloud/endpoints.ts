// Where the clouds' metadata services are, and which other addresses the environment names. From these follow two egress
// policies: one that knows nothing but metadata services, and one for the clouds' public APIs.
import { isIP } from 'node:net';
import { OperatorError } from '../../base/operator-error.ts';
import { normalizeHost } from '../../core/host-entry.ts';
import { createEgressPolicy, type EgressPolicy, portOf } from '../../http/egress.ts';
import type { CloudEnvironment, CloudVariable } from './environment.ts';

const linkLocal = 'http://169.254.169.254';
const awsIpv6 = 'http://[fd00:ec2::254]';
const googleName = 'metadata.google.internal';
/** What Google's name resolves to, wherever it is served. */
const googleAddresses: readonly string[] = ['169.254.169.254', 'fd20:ce::254'];
const ecsRoot = 'http://169.254.170.2';
/** Hosts that may be asked for container credentials by plain http: ECS, EKS Pod Identity (both families), loopback. */
const containerHosts = new Set(['169.254.170.2', '169.254.170.23', 'fd00:ec2::23', 'localhost', '::1']);

/** Root of the EC2 metadata service, with a slash at the end. Throws InvalidCredential for a malformed variable. */
export function ec2Metadata(environment: CloudEnvironment): URL {
  const named = namedUrl(environment, 'AWS_EC2_METADATA_SERVICE_ENDPOINT');
  if (named !== undefined) return named;
  const isIpv6 = environment.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase() === 'ipv6';
  return new URL(isIpv6 ? awsIpv6 : linkLocal);
}

/**
 * Where container credentials are fetched: undefined when no variable names it. Throws InvalidCredential for a malformed
 * one, and for plain http to a host that is none of the known ones: the request carries a token.
 */
export function containerCredentials(environment: CloudEnvironment): URL | undefined {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative } = environment;
  if (relative) {
    if (relative.startsWith('/')) return new URL(`${ecsRoot}${relative}`);
    throw malformed('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'is not a path: it begins with "/"');
  }
  const variable = 'AWS_CONTAINER_CREDENTIALS_FULL_URI';
  if (!environment[variable]) return undefined;
  const url = URL.parse(environment[variable]);
  if (url === null) throw malformed(variable, 'is not a URL');
  const host = normalizeHost(url.hostname);
  const isKnown = containerHosts.has(host) || (isIP(host) === 4 && host.startsWith('127.'));
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isKnown)) return url;
  throw malformed(
    variable,
    `names "${host}" by plain http: only https, loopback and the addresses of ECS and EKS are allowed`,
  );
}

/** Root of Azure's metadata service. Throws InvalidCredential for a malformed variable. */
export function azureMetadata(environment: CloudEnvironment): URL {
  return namedUrl(environment, 'AZURE_POD_IDENTITY_AUTHORITY_HOST') ?? new URL(linkLocal);
}

/** Root of Google's metadata server; the variable holds `host` or `host:port`. Throws InvalidCredential when malformed. */
export function googleMetadata(environment: CloudEnvironment): URL {
  const { GCE_METADATA_HOST: named } = environment;
  if (!named) return new URL(`http://${googleName}`);
  const url = URL.parse(`http://${named}`);
  if (url !== null && url.pathname === '/' && url.username === '') return url;
  throw malformed('GCE_METADATA_HOST', 'is neither a host nor host:port');
}

/** The URL in a variable, with a slash at its end. Throws InvalidCredential when it is no http(s) URL. */
export function namedUrl(environment: CloudEnvironment, variable: CloudVariable): URL | undefined {
  const text = environment[variable];
  if (!text) return undefined;
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  const isPlain =
    url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === '';
  if (isPlain) return url;
  throw malformed(variable, 'is not an http or https URL');
}

/** Allows the metadata services and nothing else; an address that a variable names is allowed wherever it is. */
export function metadataPolicy(environment: CloudEnvironment): EgressPolicy {
  const roots = [ec2Metadata, containerCredentials, azureMetadata, googleMetadata].flatMap((root) =>
    ifWellFormed(() => root(environment)),
  );
  const allowed = new Set([ecsRoot, ...roots].map((root) => placeOf(new URL(root))));
  const check = (host: string, port: number) => {
    if (allowed.has(`${host}:${port}`)) return;
    throw new OperatorError('HostDenied', `host "${host}" is not a metadata service of the operator's own cloud`);
  };
  return {
    checkUrl: (url) => check(normalizeHost(url.hostname), portOf(url)),
    checkAddress(host, port, address) {
      const name = normalizeHost(host);
      check(name, port);
      if (name !== googleName || googleAddresses.includes(address)) return;
      throw new OperatorError(
        'HostDenied',
        `host "${name}" resolves to an address that is not Google's metadata server`,
      );
    },
  };
}

const publicApiVariables = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_STS',
  'AZURE_AUTHORITY_HOST',
  'CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS',
] as const satisfies readonly CloudVariable[];

/** The usual policy; what a variable names may be reached by plain http and on loopback too. */
export function cloudApiPolicy(environment: CloudEnvironment): EgressPolicy {
  const named = publicApiVariables.flatMap((variable) => ifWellFormed(() => namedUrl(environment, variable)));
  return createEgressPolicy({ insecureHosts: named.map((url) => url.host) });
}

/** A malformed variable is told by whoever needs it; a policy leaves it out. */
function ifWellFormed(read: () => URL | undefined): URL[] {
  try {
    const url = read();
    return url === undefined ? [] : [url];
  } catch {
    return [];
  }
}

function placeOf(url: URL): string {
  return `${normalizeHost(url.hostname)}:${portOf(url)}`;
}

function malformed(variable: CloudVariable, problem: string): OperatorError {
  return new OperatorError('InvalidCredential', `${variable} ${problem}`);
}
