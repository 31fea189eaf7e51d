// What went wrong on the wire, in words: errors of got, Node's sockets, TLS and zlib become OperatorErrors that hold a code
// and the host. Headers, bodies and URLs stay behind; so do addresses, which would make the message change between tries.
import { OperatorError } from '../base/operator-error.ts';
import type { Verdict } from './host-gate.ts';
import { type ProxyServer, proxyName } from './proxy.ts';

/** How far a request had come. */
export type Phase = 'connecting' | 'waiting' | 'reading';

export interface Failure {
  readonly error: OperatorError;
  readonly verdict: Verdict['kind'];
  /** The connection was lost, which another try may mend at once. */
  readonly isRetryable: boolean;
}

export interface Where {
  /** Host as in the URL, with a port that is not the scheme's own. */
  readonly host: string;
  readonly proxy: ProxyServer | undefined;
  readonly phase: Phase;
  /** The connection had served earlier requests: the host may have closed it just then, which says nothing about the host. */
  readonly isReused: boolean;
}

/** A proxy that answered CONNECT with something else than success. */
export class ProxyRefusal extends Error {
  readonly status: number;

  constructor(status: number) {
    super('the proxy refused the tunnel');
    this.status = status;
  }
}

/** No tunnel within the time for a connection. */
export class TunnelTimeout extends Error {}

const trustCa = 'if it is right, give its CA in caBundle or caProvider';

/** Codes of Node's net, dns and tls (nodejs.org/api/errors.html and tls.html#x509-certificate-error-codes) in plain words. */
const causes: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  EAI_FAIL: 'the name server fails',
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was closed before the answer was complete',
  ECONNABORTED: 'the connection was closed before the answer was complete',
  EPIPE: 'the connection was closed before the answer was complete',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EADDRNOTAVAIL: 'no local address or port is free',
  EMFILE: 'the operator has too many open files',
  DEPTH_ZERO_SELF_SIGNED_CERT: `its certificate is self-signed: ${trustCa}`,
  SELF_SIGNED_CERT_IN_CHAIN: `its certificate comes from an unknown CA: ${trustCa}`,
  UNABLE_TO_GET_ISSUER_CERT: `the CA of its certificate is unknown: ${trustCa}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `the CA of its certificate is unknown: ${trustCa}`,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `the CA of its certificate is unknown: ${trustCa}`,
  CERT_SIGNATURE_FAILURE: `its certificate is not signed by the CA that it names: ${trustCa}`,
  CERT_UNTRUSTED: `its certificate is not trusted: ${trustCa}`,
  INVALID_CA: 'an issuer of its certificate is not a CA',
  INVALID_PURPOSE: 'its certificate is not meant for servers',
  CERT_HAS_EXPIRED:
    'its certificate, or the CA that signed it, has expired: renew it on the server, or give the new CA in caBundle or caProvider',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clocks',
  CERT_REVOKED: 'its certificate is revoked',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for other names: use a name that it carries, or renew it with this one',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port',
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: 'the answer is shorter or longer than it says',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was closed before the answer was complete',
};

/** Codes that got puts over the code of the actual cause. */
const wrapperCodes = new Set(['ERR_GOT_REQUEST_ERROR', 'ERR_READING_RESPONSE_STREAM', 'ERR_UPLOAD']);
const lostConnection = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Translates whatever ended a request without a full answer. Our own refusals inside the chain of causes win. */
export function translateFailure(thrown: unknown, where: Where): Failure {
  const chain = [...causeChain(thrown)];
  const ours = chain.find((error) => error instanceof OperatorError);
  if (ours !== undefined) return { error: ours, verdict: 'none', isRetryable: false };
  const refusal = chain.find((error) => error instanceof ProxyRefusal);
  if (refusal !== undefined && where.proxy !== undefined) return proxyRefused(where.proxy, refusal.status, where.host);
  if (chain.some((error) => error instanceof TunnelTimeout)) return timedOut('connect', where);
  return byCode(
    chain.map(codeOf).find((code) => code !== undefined && !wrapperCodes.has(code)),
    chain[0],
    where,
  );
}

const deadlines = {
  connect: {
    verdict: 'unreachable',
    what: 'no connection in time: it does not answer, or a firewall drops the packets',
  },
  'first byte': { verdict: 'silent', what: 'it took the request but sent no answer in time' },
  pace: { verdict: 'none', what: 'it began an answer that does not go on: it did not finish it in time' },
  whole: { verdict: 'none', what: 'it did not finish its answer in time' },
} as const;

/** Our own deadlines. The message holds no number that differs between tries, so that conditions do not flap. */
export function timedOut(deadline: keyof typeof deadlines, where: Where): Failure {
  const { verdict, what } = deadlines[deadline];
  return { error: unavailable(where, what), verdict, isRetryable: false };
}

/** A proxy's refusal, on CONNECT or as an answer of its own (407). */
export function proxyRefused(proxy: ProxyServer, status: number, host: string): Failure {
  const name = proxyName(proxy);
  const why =
    status === 407 ? 'asks for a user name and password (407): check HTTPS_PROXY or HTTP_PROXY' : `answered ${status}`;
  const error = new OperatorError('UpstreamUnavailable', `host "${host}": the proxy "${name}" ${why}`);
  return { error, verdict: 'unreachable', isRetryable: false };
}

function byCode(code: string | undefined, thrown: Error | undefined, where: Where): Failure {
  if (code === undefined) {
    const error = new OperatorError('Internal', `host "${where.host}": unexpected ${thrown?.name ?? 'failure'}`);
    return { error, verdict: 'none', isRetryable: false };
  }
  const isLost = lostConnection.has(code);
  const beforeAnswer = where.phase === 'connecting' || (where.phase === 'waiting' && isLost && !where.isReused);
  const error = unavailable(where, `${describe(code, where)} (${code})`);
  return { error, verdict: beforeAnswer ? 'unreachable' : 'none', isRetryable: isLost };
}

function describe(code: string, where: Where): string {
  if (where.phase === 'connecting' && lostConnection.has(code)) return 'the connection was closed before it was set up';
  const known = causes[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'what answers does not speak HTTP';
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return 'the TLS handshake failed';
  if (code.startsWith('Z_') || code.startsWith('ERR__') || code.startsWith('ERR_BROTLI'))
    return 'the compressed answer is damaged';
  return where.phase === 'connecting' ? 'no connection' : 'the request failed';
}

function unavailable(where: Where, what: string): OperatorError {
  const via = where.proxy === undefined ? '' : ` through the proxy "${proxyName(where.proxy)}"`;
  return new OperatorError('UpstreamUnavailable', `host "${where.host}"${via}: ${what}`);
}

function* causeChain(thrown: unknown): Generator<Error> {
  let current = thrown;
  // The bound is for a cause that is its own cause.
  for (let depth = 0; depth < 8 && current instanceof Error; depth++) {
    yield current;
    current = current.cause;
  }
}

function codeOf(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // A failed write hides OpenSSL's own code, which only the text keeps.
  const isPlain = code === 'EPROTO' && /wrong version number|packet length too long/.test(error.message);
  return isPlain ? 'ERR_SSL_WRONG_VERSION_NUMBER' : code;
}
