// A provider on a real socket: the double, the real door, real sessions. For the tests beside this file.
import { afterEach } from 'vitest';
import {
  type DoubleOptions,
  type InfisicalDouble,
  startInfisicalDouble,
} from '../../../test/support/infisical-double/double.ts';
import { noCluster } from '../../../test/support/no-cluster.ts';
import type { Credentials } from '../../auth/contract.ts';
import { gatherInfisicalPrincipal } from '../../auth/infisical/table.ts';
import { Sessions } from '../../auth/session.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Shares } from '../../base/shares.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { type InfisicalSpec, infisicalSpec } from '../../crds/infisical.ts';
import type { UpstreamDoor } from '../../http/contract.ts';
import { createEgressPolicy } from '../../http/egress.ts';
import { createUpstreamDoor } from '../../http/upstream.ts';
import type { ConnectContext, ReadRequest, ReadResult, StoreReader } from '../contract.ts';
import { createInfisicalAccess, type InfisicalAccess } from './access.ts';
import { createInfisicalProvider, createInfisicalReads } from './provider.ts';

export const signal = new AbortController().signal;

const open: { stop(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.stop();
});

export interface Bench {
  readonly door: UpstreamDoor;
  readonly clock: Clock;
  readonly double: InfisicalDouble;
  readonly sessions: Sessions;
  /** Material by `Secret/key`; a test may change it. */
  readonly material: Map<string, string>;
  readonly connect: (scope?: Partial<InfisicalSpec['secretsScope']>, more?: ConnectOptions) => Promise<StoreReader>;
  readonly release: (holder: string) => void;
  /** For those who are no store; shares sessions and snapshots with the provider. */
  readonly access: InfisicalAccess;
}

export interface ConnectOptions {
  readonly holder?: string;
  readonly spec?: Partial<InfisicalSpec>;
  readonly context?: Partial<ConnectContext>;
}

const universalAuth = {
  universalAuthCredentials: {
    clientId: { name: 'login', key: 'id' },
    clientSecret: { name: 'login', key: 'secret' },
  },
};

/** A double with project `shop` and identity `reader` (viewer), and a provider that knows the identity's credentials. */
export async function bench(
  options: DoubleOptions & { readonly providerClock?: Clock; readonly shares?: Shares } = {},
): Promise<Bench> {
  const { providerClock: clock = systemClock, shares, ...doubleOptions } = options;
  const double = await startInfisicalDouble(doubleOptions);
  open.push(double);
  double.projects.add({
    slug: 'shop',
    environments: [{ slug: 'dev' }, { slug: 'prod' }],
    tags: [
      { slug: 'pci', id: 'pci' },
      { slug: 'web', id: 'web' },
    ],
  });
  const reader = double.identities.add({ name: 'reader', universal: {}, access: { shop: { role: 'viewer' } } });
  const material = new Map([
    ['login/id', reader.clientId],
    ['login/secret', reader.clientSecret],
  ]);
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: [new URL(double.url).host] }),
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
  });
  open.push({ stop: () => door.close() });
  const sessions = new Sessions({ clock });
  const ports = {
    door,
    sessions,
    clock,
    gatherPrincipal: gatherInfisicalPrincipal,
    reads: createInfisicalReads({ clock, shares }),
  };
  const provider = createInfisicalProvider(ports);
  return {
    door,
    clock,
    double,
    sessions,
    access: createInfisicalAccess(ports),
    material,
    connect(scope = {}, more = {}) {
      const spec = infisicalSpec.parse({
        auth: universalAuth,
        hostAPI: double.url,
        ...more.spec,
        secretsScope: { projectSlug: 'shop', environmentSlug: 'dev', ...scope },
      });
      const context: ConnectContext = {
        storeKind: 'SecretStore',
        storeName: 'infisical',
        storeNamespace: 'team',
        consumerNamespace: undefined,
        cluster: noCluster,
        credentials: credentialsFrom(material),
        caText: async () => '',
        holder: more.holder ?? 'store',
        ...more.context,
      };
      return provider.connect(spec, context, signal);
    },
    release: (holder) => provider.release(holder),
  };
}

export function credentialsFrom(material: ReadonlyMap<string, string>): Credentials {
  return {
    async secretKey({ name, key }, field) {
      const value = material.get(`${name}/${key}`);
      if (value === undefined) throw new OperatorError('ReferenceNotFound', `${field}: no ${name}/${key}`);
      return new SecretValue(value);
    },
    serviceAccount: () => Promise.reject(new OperatorError('ReferenceNotFound', 'none here')),
    ambient() {
      throw new OperatorError('IdentityDenied', 'none here');
    },
  };
}

/** Results as plain data: values by key, or the reason. */
export type Plain =
  | { readonly values: Record<string, string>; readonly shadowed?: readonly string[] }
  | { readonly reason: string };

export function plain(result: ReadResult | undefined): Plain {
  if (result === undefined) return { reason: 'no result' };
  if ('error' in result) return { reason: result.error.reason };
  const values = Object.fromEntries([...result.values].map(([key, value]) => [key, value.text()]));
  return result.shadowed === undefined ? { values } : { values, shadowed: result.shadowed };
}

/** One request, as fresh as can be. */
export async function readOne(reader: StoreReader, request: ReadRequest): Promise<Plain> {
  const [result] = await reader.read([request], { notBeforeMs: performance.now() }, signal);
  return plain(result);
}

export const value = (key: string, property?: string): ReadRequest => ({
  kind: 'value',
  key,
  ...(property === undefined ? {} : { property }),
});

export const find = (
  options: { path?: string; nameRegexp?: string; tags?: Record<string, string> } = {},
): ReadRequest => ({
  kind: 'find',
  ...options,
});

/** The reason of a rejection, or `none`. */
export async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (error instanceof OperatorError) return error.reason;
    throw error;
  }
}
