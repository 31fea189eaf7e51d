// A Pulumi provider on a real socket: the double, the real door, real sessions. For the tests beside this file.
import { onTestFinished } from 'vitest';
import { createJwtIssuer, type JwtIssuer } from '../../../test/support/jwt-issuer.ts';
import { noCluster } from '../../../test/support/no-cluster.ts';
import {
  type PulumiDouble,
  type PulumiDoubleOptions,
  startPulumiDouble,
} from '../../../test/support/pulumi-double/double.ts';
import type { Credentials, ServiceAccountSelector } from '../../auth/contract.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../../auth/pulumi/table.ts';
import { Sessions } from '../../auth/session.ts';
import { systemClock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Shares } from '../../base/shares.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { pulumiSpec } from '../../crds/pulumi.ts';
import { createEgressPolicy } from '../../http/egress.ts';
import { createUpstreamDoor } from '../../http/upstream.ts';
import type { ConnectContext, Provider, ReadRequest, ReadResult, StoreReader } from '../contract.ts';
import { createPulumiProvider } from './provider.ts';

export const signal = new AbortController().signal;

export const accessTokenAuth = { accessToken: { secretRef: { name: 'pulumi', key: 'token' } } };

export interface Bench {
  readonly double: PulumiDouble;
  readonly sessions: Sessions;
  readonly issuer: JwtIssuer;
  /** The token that the store's Secret holds; a test may change it. */
  token: string;
  /** How far the provider's clock is ahead, ms. */
  aheadMs: number;
  /** ServiceAccounts that tokens were minted for. */
  readonly minted: ServiceAccountSelector[];
  readonly provider: Provider<ReturnType<typeof pulumiSpec.parse>>;
  connect(
    spec?: Readonly<Record<string, unknown>>,
    holder?: string,
    whose?: Partial<ConnectContext>,
  ): Promise<StoreReader>;
}

/** A double with organization `acme`, and a provider whose store reads `acme/shop/prod` with an access token. */
export async function bench(
  options: PulumiDoubleOptions & { readonly mostBytes?: number; readonly shares?: Shares } = {},
): Promise<Bench> {
  const double = await startPulumiDouble(options);
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: [double.host] }),
    proxy: () => undefined,
    userAgent: 'escapement/test',
    clock: systemClock,
    ...(options.mostBytes === undefined ? {} : { limits: { maxBytes: options.mostBytes } }),
  });
  onTestFinished(async () => {
    door.close();
    await double.stop();
  });
  const sessions = new Sessions({ clock: systemClock });
  const provider = createPulumiProvider({
    door,
    sessions,
    clock: { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + made.aheadMs },
    gatherPrincipal: gatherPulumiPrincipal,
    loginOf: pulumiLogin,
    shares: options.shares,
  });
  const issuer = await createJwtIssuer('https://cluster.example');
  const minted: ServiceAccountSelector[] = [];
  const made: Bench = {
    double,
    sessions,
    issuer,
    minted,
    provider,
    token: double.addToken(['acme']),
    aheadMs: 0,
    connect(spec = {}, holder = 'store', whose = {}) {
      const defaults = { apiUrl: double.apiUrl, organization: 'acme', project: 'shop', environment: 'prod' };
      const parsed = pulumiSpec.parse({ ...defaults, auth: accessTokenAuth, ...spec });
      const context = {
        storeKind: 'SecretStore' as const,
        storeName: 'pulumi',
        storeNamespace: 'team',
        consumerNamespace: undefined,
        cluster: noCluster,
        credentials: credentialsOf(made),
        caText: async () => '',
        holder,
        ...whose,
      };
      return provider.connect(parsed, context, signal);
    },
  };
  return made;
}

function credentialsOf(made: Bench): Credentials {
  return {
    secretKey: async () => new SecretValue(made.token),
    serviceAccount: async (selector) => ({
      name: `team/${selector.name}`,
      audiences: selector.audiences ?? [],
      async mint() {
        made.minted.push(selector);
        const claims = { sub: `system:serviceaccount:team:${selector.name}`, aud: selector.audiences };
        return new SecretValue(await made.issuer.sign(claims));
      },
    }),
    ambient() {
      throw new OperatorError('IdentityDenied', 'none here');
    },
  };
}

/** Answers to requests, as fresh as can be: values by key, or the reason. */
export async function read(reader: StoreReader, ...requests: readonly ReadRequest[]) {
  const results = await reader.read(requests, { notBeforeMs: performance.now() }, signal);
  return results.map(plain);
}

function plain(result: ReadResult): Record<string, string> | string {
  if ('error' in result) return result.error.reason;
  return Object.fromEntries([...result.values].map(([key, value]) => [key, value.text()]));
}

/** What a rejection says. */
export async function failureOf(promise: Promise<unknown>): Promise<OperatorError> {
  const thrown: unknown = await promise.then(
    () => 'nothing',
    (error: unknown) => error,
  );
  if (thrown instanceof OperatorError) return thrown;
  throw new Error(`expected an OperatorError, not ${String(thrown)}`);
}

export const value = (key: string, more: { property?: string; version?: string } = {}): ReadRequest => ({
  kind: 'value',
  key,
  ...more,
});
export const map = (key: string, more: { property?: string; version?: string } = {}): ReadRequest => ({
  kind: 'map',
  key,
  ...more,
});
