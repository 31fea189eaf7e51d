// Who appears in the recordings: for each identity the exchange in which it can be recognised, and what it may do.
// The recordings name identities by random ids, so the ids are looked up there and nowhere written down.
import type { Access } from '../../support/infisical-double/access.ts';
import { claimsIn, type Exchange, exchangeNamed, type Recordings } from './recordings.ts';

interface Part {
  readonly scenario: string;
  readonly exchange: string;
  /** Where its token is seen, when that exchange shows none. */
  readonly tokenIn?: string;
  readonly access?: Access;
  readonly terms?: { readonly ttlSeconds?: number; readonly maxTtlSeconds?: number; readonly usesLimit?: number };
  /** Rules on its client secret. */
  readonly secret?: { readonly ttlSeconds?: number; readonly usesLimit?: number };
}

const viewer: Access = { role: 'viewer' };
const lifecycle = 'token-lifecycle';

const cast = {
  universal: { scenario: 'auth-universal', exchange: 'success', access: viewer },
  secretOnce: {
    scenario: 'auth-universal',
    exchange: 'client secret with a use limit of 1: first login',
    secret: { usesLimit: 1 },
  },
  secretExpired: {
    scenario: 'auth-universal',
    exchange: 'expired client secret (ttl 1 s)',
    secret: { ttlSeconds: 1 },
  },
  notMember: { scenario: 'auth-universal', exchange: 'identity that is in no project can still log in' },
  noAccess: { scenario: 'permissions', exchange: 'role no-access: list', access: { role: 'no-access' } },
  scoped: {
    scenario: 'permissions',
    exchange: 'scoped: outside',
    access: {
      role: 'no-access',
      rights: [
        { environment: 'dev', path: '/my-app/**' },
        { environment: 'dev', path: '/perm/**' },
      ],
    },
  },
  writer: { scenario: 'write-one', exchange: 'create', access: { role: 'admin' } },
  renewable: {
    scenario: lifecycle,
    exchange: 'renewable: login answer',
    access: viewer,
    terms: { ttlSeconds: 600, maxTtlSeconds: 3600 },
  },
  shortTtl: {
    scenario: lifecycle,
    exchange: 'shortTtl: login answer',
    access: viewer,
    terms: { ttlSeconds: 3, maxTtlSeconds: 8 },
  },
  jwtExp: {
    scenario: lifecycle,
    exchange: "jwtExp: past the jwt's exp",
    access: viewer,
    terms: { ttlSeconds: 2, maxTtlSeconds: 2 },
  },
  usesLimit: { scenario: lifecycle, exchange: 'usesLimit: use 1', access: viewer, terms: { usesLimit: 3 } },
  usesRenewable: {
    scenario: lifecycle,
    exchange: 'usesRenewable: use 1',
    access: viewer,
    terms: { usesLimit: 3, ttlSeconds: 600, maxTtlSeconds: 3600 },
  },
  changing: {
    scenario: 'identity-changes',
    exchange: 'client secret revoked: login',
    tokenIn: 'before',
    access: viewer,
  },
  deleted: {
    scenario: 'identity-changes',
    exchange: 'identity deleted: login',
    tokenIn: 'identity deleted',
    access: viewer,
  },
  temporary: { scenario: 'identity-changes', exchange: 'temporary role, within its time', access: viewer },
  token: { scenario: 'auth-token-method', exchange: 'use the issued token', access: viewer },
  kubernetes: { scenario: 'auth-kubernetes', exchange: 'success', access: viewer },
  kubernetesAudience: { scenario: 'auth-kubernetes', exchange: 'success with required audience', access: viewer },
  kubernetesBadReviewer: { scenario: 'auth-kubernetes', exchange: 'reviewer token refused by the cluster' },
  kubernetesNoCluster: { scenario: 'auth-kubernetes', exchange: 'cluster api unreachable' },
  oidc: { scenario: 'auth-oidc', exchange: 'success', access: viewer },
  aws: { scenario: 'auth-aws', exchange: 'success', access: viewer },
  azure: { scenario: 'auth-azure', exchange: 'success', access: viewer },
  gcpIam: { scenario: 'auth-gcp', exchange: 'iam: success', access: viewer },
  gcpGce: { scenario: 'auth-gcp', exchange: 'gce: success', access: viewer },
} as const satisfies Readonly<Record<string, Part>>;

export type ActorName = keyof typeof cast;

export interface Actor {
  readonly name: ActorName;
  /** As recorded; made up where the recording does not show it. */
  readonly id: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly access: Access | undefined;
  readonly terms: NonNullable<Part['terms']>;
  readonly secret: NonNullable<Part['secret']>;
}

export function actorsIn(recordings: Recordings): readonly Actor[] {
  const parts: readonly [string, Part][] = Object.entries(cast);
  return parts.map(([name, part]) => {
    const exchange = exchangeNamed(recordings, part.scenario, part.exchange);
    const withToken = exchangeNamed(recordings, part.scenario, part.tokenIn ?? part.exchange);
    const body: Readonly<Record<string, unknown>> = { ...Object(exchange.request.body) };
    const text = (member: string) => (typeof body[member] === 'string' ? body[member] : undefined);
    return {
      name: name as ActorName, // a key of the table
      id: text('identityId') ?? identityIn(withToken),
      clientId: text('clientId'),
      clientSecret: text('clientSecret'),
      access: part.access,
      terms: part.terms ?? {},
      secret: part.secret ?? {},
    };
  });
}

/** The identity of the bearer token, or of the token that a login gave. */
function identityIn({ request, response }: Exchange): string | undefined {
  const given: Readonly<Record<string, unknown>> = { ...Object(response?.body) };
  const token = request.headers['authorization'] ?? given['accessToken'];
  const id = typeof token === 'string' ? claimsIn(token)['identityId'] : undefined;
  return typeof id === 'string' ? id : undefined;
}
