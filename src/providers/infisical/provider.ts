// The Infisical provider: from a store's spec to a reader. Gathers the identity, opens the way to the host and the session
// there; requests are in api.ts, what they share in snapshots.ts.

import type { Identity, LoginSite, Principal, SessionPool } from '../../auth/contract.ts';
import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { type InfisicalAuth, type InfisicalSpec, infisicalLogins, type SecretsScope } from '../../crds/infisical.ts';
import type { Upstream, UpstreamDoor } from '../../http/contract.ts';
import type { Provider } from '../contract.ts';
import { readCa } from '../shared/ca.ts';
import { counted, type ObserveCall } from '../shared/counted.ts';
import { digestOf } from '../shared/digest.ts';
import { Pauses } from '../shared/pauses.ts';
import { publishAnswers, type ScopeNews } from '../shared/scope-news.ts';
import { type KeepingPorts, memoryOf, type SnapshotRead, Snapshots } from '../shared/snapshots.ts';
import { keeperOf, taggedWith, turnOf } from '../shared/whose.ts';
import { loginApi, revoke, type Scope } from './api.ts';
import { callName } from './call-count.ts';
import { sizeOfSecret, sizeOfView } from './folder-view.ts';
import { type ApiHost, parseHostApi } from './host.ts';
import { KnownPlaces } from './known-places.ts';
import { noteLoginSource, withLoginSource } from './login-source.ts';
import { createReader, readFolder, type SharedReads } from './reader.ts';

export interface InfisicalPorts extends KeepingPorts {
  readonly door: UpstreamDoor;
  readonly sessions: SessionPool;
  readonly clock: Clock;
  /** The identity of the login block that is set. */
  readonly gatherPrincipal: (auth: InfisicalAuth, site: LoginSite, signal: AbortSignal) => Promise<Principal>;
  /** Told of every call, for ESO's metric of provider calls. */
  readonly observeCall?: ObserveCall;
  /** Told how each read of a scope, or of a secret in it, was served. */
  readonly observeRead?: (result: SnapshotRead) => void;
  /** Where it is said that a scope was read anew. */
  readonly news?: ScopeNews;
}

/** What all who read from Infisical share. */
export interface InfisicalReads {
  readonly shared: SharedReads;
  readonly pauses: Pauses;
}

export function createInfisicalReads({
  account,
  clock,
  news,
  observeRead,
  shares,
}: Pick<InfisicalPorts, 'account' | 'clock' | 'news' | 'observeRead' | 'shares'>): InfisicalReads {
  const onNewer = publishAnswers(news);
  return {
    shared: {
      views: new Snapshots({ clock, observeRead, onNewer, shares, memory: memoryOf(account, sizeOfView) }),
      secrets: new Snapshots({ clock, observeRead, onNewer, shares, memory: memoryOf(account, sizeOfSecret) }),
      places: new KnownPlaces(),
    },
    pauses: new Pauses({ clock }),
  };
}

/** `reads` may be shared with others; absent means the provider's own. */
export function createInfisicalProvider(
  ports: InfisicalPorts & { readonly reads?: InfisicalReads },
): Provider<InfisicalSpec> {
  const { door, gatherPrincipal, observeCall = () => {}, sessions } = ports;
  const { shared, pauses } = ports.reads ?? createInfisicalReads(ports);
  return {
    capabilities: 'ReadWrite',
    async connect(spec, context, signal) {
      const host = parseHostApi(spec.hostAPI);
      const scope = readScope(spec.secretsScope);
      const caPem = await readCa('infisical', spec, context, signal);
      const method = infisicalLogins(spec.auth)[0]?.method;
      const way = counted(
        door.open(caPem === undefined ? {} : { caPem }),
        (request) => callName(request, method),
        observeCall,
      );
      const source = noteLoginSource(context.credentials, context.storeNamespace);
      const site = { credentials: source.credentials, host: host.host };
      const principal = await gatherPrincipal(spec.auth, site, signal);
      const group = `${host.root} ${principal.key}`;
      const turn = turnOf(context);
      const upstream = taggedWith(way, { group, turn }, context.readsLarge);
      const organizationSlug = spec.secretsScope.organizationSlug?.trim() || undefined;
      const identity = identityAt({ host, upstream, principal, caPem, organizationSlug, method });
      const session = sessions.open(identity, context.holder);
      const keeper = keeperOf(context);
      const reader = createReader({ host, upstream, session, pauses, group, turn, keeper }, scope, shared);
      return withLoginSource(reader, loginField(method), source.describe());
    },
    release: (holder) => sessions.release(holder),
  };
}

/** Throws InvalidSpec for an empty slug or a folder path that no server could hold. */
function readScope(scope: SecretsScope): Scope {
  return {
    project: readSlug(scope.projectSlug, 'projectSlug'),
    environment: readSlug(scope.environmentSlug, 'environmentSlug'),
    folder: readFolder(scope.secretsPath),
    recursive: scope.recursive,
    expand: scope.expandSecretReferences,
  };
}

function readSlug(slug: string, field: string): string {
  const trimmed = slug.trim();
  if (trimmed !== '') return trimmed;
  throw new OperatorError('InvalidSpec', `infisical.secretsScope.${field} is empty: write the slug`);
}

interface IdentityParts {
  readonly host: ApiHost;
  readonly upstream: Upstream;
  readonly principal: Principal;
  readonly caPem: string | undefined;
  readonly organizationSlug: string | undefined;
  /** The login block in the manifest, which a refused login is laid at; undefined when there is none. */
  readonly method: string | undefined;
}

/** Who logs in where, as seen by whom: all that makes one token differ from another. */
export function identityAt({ host, upstream, principal, caPem, organizationSlug, method }: IdentityParts): Identity {
  const api = loginApi(upstream, host, organizationSlug);
  const parts = [host.root, caPem ?? '', organizationSlug ?? '', principal.key];
  return {
    key: digestOf(...parts),
    login: (nowMs, signal) => principal.login(api, nowMs, signal),
    ...(method === undefined ? {} : { via: { provider: 'infisical', method } }),
    ...(principal.revocable ? { revoke: (token, signal) => revoke(upstream, host, token, signal) } : {}),
  };
}

function loginField(method: string | undefined): string {
  return `infisical.auth${method === undefined ? '' : `.${method}AuthCredentials`}`;
}
