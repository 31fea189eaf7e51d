// The real door, with the hosts of clouds led to doubles on loopback. Names that nobody leads anywhere do not resolve.
import { systemClock } from '../../../src/base/clock.ts';
import type { UpstreamDoor } from '../../../src/http/contract.ts';
import { createEgressPolicy } from '../../../src/http/egress.ts';
import { createUpstreamDoor } from '../../../src/http/upstream.ts';

/** Roots of doubles by the host that they stand for; only `https://host` on its usual port is led there. */
export type Routes = Readonly<Record<string, string>>;

export function routedDoor(routes: Routes, limits: { readonly wholeMs?: number } = {}): UpstreamDoor {
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: Object.values(routes).map((root) => new URL(root).host) }),
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
    names: { resolve: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) },
    limits,
  });
  return {
    open(options) {
      const upstream = door.open(options);
      return {
        send(request, signal) {
          const root = Object.hasOwn(routes, request.url.host) ? routes[request.url.host] : undefined;
          if (root === undefined || request.url.protocol !== 'https:') return upstream.send(request, signal);
          return upstream.send(
            { ...request, url: new URL(`${root}${request.url.pathname}${request.url.search}`) },
            signal,
          );
        },
      };
    },
    close: () => door.close(),
  };
}
