// How connections are made and kept: pools for the direct way, where every address is judged by the egress policy, and for
// the way through a proxy, which resolves names itself. One set of pools per trust context.
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { DoorClock } from './contract.ts';
import type { EgressPolicy } from './egress.ts';
import type { NameResolver } from './names.ts';
import type { ProxyServer } from './proxy.ts';
import { openTunnel, type TunnelWay } from './tunnel.ts';

type OnConnected = NonNullable<Parameters<https.Agent['createConnection']>[1]>;

/** Bounds of the pools; how many connections are in use at a time is bounded by the lanes. */
export interface PoolLimits {
  /** For a tunnel through a proxy, TLS to the host included. */
  readonly connectMs: number;
  readonly idleMs: number;
  /** Idle connections kept per origin. */
  readonly idleSockets: number;
}

type RequestFunction = (url: URL, options: https.RequestOptions) => http.ClientRequest;

/** What got needs to know: the pools for either scheme and, for plain http through a proxy, how to address the request. */
export interface Route {
  readonly agent: { readonly http: http.Agent; readonly https: https.Agent };
  readonly request?: RequestFunction;
}

export interface Pools {
  routeFor(url: URL, proxy: ProxyServer | undefined): Route;
  destroy(): void;
}

export function createPools(options: {
  readonly guard: Guard;
  readonly trust: SecureContext;
  readonly clock: DoorClock;
  readonly limits: PoolLimits;
}): Pools {
  const { guard, trust, clock, limits } = options;
  const pool = { keepAlive: true, maxFreeSockets: limits.idleSockets, timeout: limits.idleMs };
  // Said here too: NODE_TLS_REJECT_UNAUTHORIZED changes what is left unsaid.
  const verifying = { rejectUnauthorized: true };
  const trusting = { ...pool, ...verifying, secureContext: trust };
  const direct = { http: new GuardedHttpAgent(pool, guard), https: new GuardedHttpsAgent(trusting, guard) };
  // To the proxy itself the system's roots count, not a store's CA, and the egress policy does not: the administrator set it.
  const toProxy = { http: new http.Agent(pool), https: new https.Agent({ ...pool, ...verifying }) };
  const tunnels = new Map<ProxyServer, https.Agent>();
  const tunnelsThrough = (proxy: ProxyServer) => {
    const agent = tunnels.get(proxy) ?? new TunnelAgent(pool, { proxy, trust, clock, connectMs: limits.connectMs });
    tunnels.set(proxy, agent);
    return agent;
  };
  return {
    routeFor(url, proxy) {
      if (proxy === undefined) return { agent: direct };
      const agent = { http: toProxy.http, https: tunnelsThrough(proxy) };
      return url.protocol === 'https:' ? { agent } : { agent, request: forwardRequest(proxy, toProxy) };
    },
    destroy() {
      for (const agent of [direct.http, direct.https, toProxy.http, toProxy.https, ...tunnels.values()])
        agent.destroy();
    },
  };
}

/** Who finds the addresses of names, and who judges them. */
interface Guard {
  readonly policy: EgressPolicy;
  readonly names: NameResolver;
}

class GuardedHttpAgent extends http.Agent {
  readonly #guard: Guard;

  constructor(options: http.AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(options: http.ClientRequestArgs, onConnected?: OnConnected): Duplex | null | undefined {
    return super.createConnection(guarded(this.#guard, options), onConnected);
  }
}

class GuardedHttpsAgent extends https.Agent {
  readonly #guard: Guard;

  constructor(options: https.AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(options: https.RequestOptions, onConnected?: OnConnected): Duplex | null | undefined {
    return super.createConnection(guarded(this.#guard, options), onConnected);
  }
}

/** TLS to the host inside a CONNECT tunnel; pooled like any connection once it stands. */
class TunnelAgent extends https.Agent {
  readonly #way: TunnelWay;

  constructor(options: https.AgentOptions, way: TunnelWay) {
    super(options);
    this.#way = way;
  }

  override createConnection(options: https.RequestOptions, onConnected?: OnConnected): undefined {
    openTunnel(this.#way, options).then(
      (socket) => onConnected?.(null, socket),
      // Node's agent passes the error on and ignores the stream, which its type demands all the same.
      (error: Error) => (onConnected as ((error: Error) => void) | undefined)?.(error),
    );
  }
}

/** Connection options whose address is judged: at once when it is literal, else as it is resolved. */
function guarded<T extends http.ClientRequestArgs>(guard: Guard, options: T): T & { lookup: LookupFunction } {
  const host = options.host ?? '';
  const port = Number(options.port);
  if (isIP(host) !== 0) guard.policy.checkAddress(host, port, host);
  return { ...options, lookup: guardedLookup(guard, port) };
}

/** Refuses the whole answer when one address in it is forbidden. */
function guardedLookup({ policy, names }: Guard, port: number): LookupFunction {
  return (hostname, options, callback) => {
    names
      .resolve(hostname)
      .then(
        (all) => {
          const family = options.family === 4 || options.family === 6 ? options.family : undefined;
          const addresses = family === undefined ? all : all.filter((each) => each.family === family);
          for (const { address } of addresses) policy.checkAddress(hostname, port, address);
          const [first] = addresses;
          if (options.all === true) callback(null, [...addresses]);
          else callback(null, first?.address ?? '', first?.family);
        },
        // An empty address beside an error is what the callback's type asks for.
      )
      .catch((error: NodeJS.ErrnoException) => callback(error, ''));
  };
}

/** Plain http through a proxy: a request to the proxy that names the whole URL (RFC 9112 §3.2.2). */
function forwardRequest(
  proxy: ProxyServer,
  agents: { readonly http: http.Agent; readonly https: https.Agent },
): RequestFunction {
  return (url, options) => {
    const isTls = proxy.protocol === 'https:';
    const authorization = proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization };
    return (isTls ? https : http).request({
      ...options,
      protocol: proxy.protocol,
      host: proxy.host,
      port: proxy.port,
      path: `http://${url.host}${url.pathname}${url.search}`,
      // got hands over a plain record, never the array form.
      headers: { ...(options.headers as http.OutgoingHttpHeaders), host: url.host, ...authorization },
      agent: isTls ? agents.https : agents.http,
    });
  };
}
