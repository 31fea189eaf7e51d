// The Pulumi provider: from a store's spec to a reader. Gathers the identity, opens the way to the host and the session
// there; requests are in api.ts, what they share in providers/shared.

import type { Credentials, Identity, LoginSite, Principal, SessionPool } from '../../auth/contract.ts';
import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { PulumiSpec } from '../../crds/pulumi.ts';
import type { UpstreamDoor, UpstreamRequest } from '../../http/contract.ts';
import type { ConnectContext, Provider } from '../contract.ts';
import { readCa } from '../shared/ca.ts';
import { counted, type ObserveCall } from '../shared/counted.ts';
import { digestOf } from '../shared/digest.ts';
import { Pauses } from '../shared/pauses.ts';
import { publishAnswers, type ScopeNews } from '../shared/scope-news.ts';
import { type KeepingPorts, memoryOf, overheadBytes, type SnapshotRead, Snapshots } from '../shared/snapshots.ts';
import { keeperOf, taggedWith, turnOf } from '../shared/whose.ts';
import { parseApiUrl } from './address.ts';
import { type EnvironmentScope, loginApi, type Opened, type PulumiAccess } from './api.ts';
import type { Definition } from './definition.ts';
import { createReader, type SharedReads } from './reader.ts';
import { sizeOfValue } from './wire.ts';

export interface PulumiPorts extends KeepingPorts {
  readonly door: UpstreamDoor;
  readonly sessions: SessionPool;
  readonly clock: Clock;
  /** The identity of the login that is set; `baseUrl` is the audience of tokens whose reference names none. */
  readonly gatherPrincipal: (
    spec: PulumiSpec,
    site: LoginSite & { readonly baseUrl: string },
    signal: AbortSignal,
  ) => Promise<Principal>;
  /** How the store logs in, for metrics; undefined for one that does not say. */
  readonly loginOf: (spec: PulumiSpec) => string | undefined;
  /** Told of every call, for ESO's metric of provider calls. */
  readonly observeCall?: ObserveCall;
  /** Told how each read of an environment was served. */
  readonly observeRead?: (result: SnapshotRead) => void;
  /** Where it is said that an environment was opened anew. */
  readonly news?: ScopeNews;
}

/** An open spared is worth some memory: kept for refreshes at the default interval of an hour. */
const keepMs = 2 * 3_600_000;

export function createPulumiProvider(ports: PulumiPorts): Provider<PulumiSpec> {
  const { account, clock, observeRead, sessions, shares } = ports;
  const shared: SharedReads = {
    environments: new Snapshots({
      clock,
      observeRead,
      onNewer: publishAnswers(ports.news),
      memory: memoryOf(account, ({ root }: Opened) => sizeOfValue(root)),
      shares,
      keepMs,
    }),
    definitions: new Snapshots({ clock, memory: memoryOf(account, sizeOfDefinition), shares, keepMs }),
    clock,
  };
  const pauses = new Pauses({ clock });
  return {
    // ESO says the same of this provider; pushing is not there yet.
    capabilities: 'ReadOnly',
    async connect(spec, context, signal) {
      const scope = readScope(spec);
      const caPem = await readCa('pulumi', spec, context, signal);
      const connection = { spec, caPem, ...context, turn: turnOf(context), keeper: keeperOf(context) };
      const way = await connectPulumi(ports, connection, signal);
      return createReader({ ...way, pauses }, scope, shared);
    },
    release: (holder) => sessions.release(holder),
  };
}

/** The way to the service that a spec names, and a session there of the identity that it sets. */
export async function connectPulumi(
  { door, gatherPrincipal, loginOf, observeCall = () => {}, sessions }: PulumiPorts,
  { spec, caPem, credentials, holder, turn, keeper, readsLarge }: PulumiConnection,
  signal: AbortSignal,
): Promise<Omit<PulumiAccess, 'pauses'>> {
  const address = parseApiUrl(spec.apiUrl);
  const site = { credentials, host: address.host, baseUrl: address.baseUrl };
  const principal = await gatherPrincipal(spec, site, signal);
  const method = loginOf(spec);
  const counting = counted(door.open(caPem === undefined ? {} : { caPem }), callName, observeCall);
  const upstream = taggedWith(counting, { group: `${address.root} ${principal.key}`, turn }, readsLarge);
  const api = loginApi(upstream, address);
  const identity: Identity = {
    key: digestOf(address.root, caPem ?? '', principal.key),
    login: (nowMs, loginSignal) => refusedAt(loginField(spec), principal.login(api, nowMs, loginSignal)),
    ...(method === undefined ? {} : { via: { provider: 'pulumi', method } }),
  };
  // A holder that has let go meanwhile would hold the session for ever.
  signal.throwIfAborted();
  return { address, upstream, session: sessions.open(identity, holder), keeper };
}

export interface PulumiConnection {
  readonly spec: PulumiSpec;
  readonly caPem: string | undefined;
  readonly credentials: Credentials;
  readonly holder: string;
  /** Who takes turns with others at the host. */
  readonly turn: string;
  /** In whose share answers are kept. */
  readonly keeper: string;
  readonly readsLarge?: ConnectContext['readsLarge'];
}

function sizeOfDefinition({ imports = [] }: Definition): number {
  return overheadBytes * (1 + imports.length);
}

/** Names of organizations, projects and environments: https://www.pulumi.com/docs/esc/environments/working-with-environments/ */
const namePattern = /^[\w.-]{1,255}$/;

/** Throws InvalidSpec for a name that is empty, or would lead to another route. */
export function readScope(spec: Pick<PulumiSpec, 'organization' | 'project' | 'environment'>): EnvironmentScope {
  return {
    organization: readName(spec.organization, 'organization'),
    project: readName(spec.project, 'project'),
    environment: readName(spec.environment, 'environment'),
    version: undefined,
  };
}

function readName(name: string, field: string): string {
  const trimmed = name.trim();
  if (namePattern.test(trimmed) && trimmed !== '.' && trimmed !== '..') return trimmed;
  const problem = trimmed === '' ? 'is empty' : 'is no name: letters, digits, dots, hyphens and underscores are';
  throw new OperatorError('InvalidSpec', `pulumi.${field} ${problem}`);
}

function loginField({ auth }: PulumiSpec): string {
  if (auth === undefined) return 'pulumi.accessToken';
  return auth.oidcConfig === undefined ? 'pulumi.auth.accessToken' : 'pulumi.auth.oidcConfig';
}

/** The call by the name of its operation in Pulumi's API. */
function callName({ method, url: { pathname } }: UpstreamRequest): string {
  if (pathname.endsWith('/api/oauth/token')) return 'ExchangeToken';
  if (method === 'POST') return 'OpenEnvironment';
  return /\/open\/[^/]+$/.test(pathname) ? 'ReadOpenEnvironment' : 'GetEnvironment';
}

/** Names the manifest's field in a refusal; other failures are not the field's. */
async function refusedAt<T>(field: string, login: Promise<T>): Promise<T> {
  try {
    return await login;
  } catch (error) {
    throw error instanceof OperatorError && error.reason === 'LoginRejected' ? error.within(field) : error;
  }
}
