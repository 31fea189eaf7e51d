// Infisical's API as far as reading needs it: list a folder, read one secret, log in, revoke. Builds requests, sends them
// with the session's token, and reads the answers; what throttles one identity at a host stops its further calls there.
// https://infisical.com/docs/api-reference/endpoints/secrets/list
import type { LoginApi, Session } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { SecretValue } from '../../core/secret-value.ts';
import type { Upstream, UpstreamAnswer } from '../../http/contract.ts';
import { sendAndRead } from '../../http/send-and-read.ts';
import { strongEtag } from '../shared/headers.ts';
import type { Pauses } from '../shared/pauses.ts';
import type { Fetched } from '../shared/snapshots.ts';
import type { Whose } from '../shared/whose.ts';
import { answerError, failure, type Place, readJson, readJsonInTurns } from './errors.ts';
import type { ApiHost } from './host.ts';
import { loginError } from './login-errors.ts';
import { parseList, parseOne, type WireList, type WireSecret } from './wire.ts';

/** One folder of one environment of one project, and how it is listed. */
export interface Scope {
  readonly project: string;
  /** What `project` is; absent means its slug. */
  readonly projectBy?: 'id';
  readonly environment: string;
  readonly folder: string;
  readonly recursive: boolean;
  /** Whether `${…}` references in values are resolved by the server. */
  readonly expand: boolean;
}

/** The way to one host with one identity. */
export interface ApiAccess extends Whose {
  readonly host: ApiHost;
  readonly upstream: Upstream;
  readonly session: Session;
  readonly pauses: Pauses;
  /** In whose share answers are kept. */
  readonly keeper: string;
}

/** An answer that may be the one that the caller has kept. */
type Answer<T> = Fetched<T> | 'not modified';

/**
 * Lists a folder with its imports. Throws ScopeNotFound, AccessDenied, UpstreamThrottled, UpstreamInvalid …; an empty list
 * is no proof that the folder exists.
 */
export async function list(
  access: ApiAccess,
  scope: Scope,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer<WireList>> {
  const place = { ...placeOf(access, scope), operation: 'list secrets' };
  const query = { recursive: String(scope.recursive), ...queryOf(scope) };
  return get(access, { path: '/v3/secrets/raw', query, place, parse: parseList }, etag, signal);
}

/** Reads one secret of the folder, or of its imports, by name. Throws SecretNotFound besides what `list` throws. */
export async function readOne(
  access: ApiAccess,
  scope: Scope,
  name: string,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer<WireSecret>> {
  const place = { ...placeOf(access, scope), operation: `read secret "${name}"`, byName: true };
  const path = `/v3/secrets/raw/${encodeURIComponent(name)}`;
  return get(access, { path, query: { type: 'shared', ...queryOf(scope) }, place, parse: parseOne }, etag, signal);
}

/** A name that nobody gives to a secret. */
const impossibleName = 'ESCAPEMENT_PROBE_q7Zk2vX9wN';

/**
 * Proves that the folder is there, by reading a secret that is not: the answers for a missing secret and for a missing
 * folder differ, while lists of servers of 2024 are empty in both cases. Throws ScopeNotFound, AccessDenied …
 */
export async function proveFolder(access: ApiAccess, scope: Scope, signal: AbortSignal): Promise<void> {
  const place = { ...placeOf(access, scope), operation: 'list secrets', byName: true };
  const read = { path: `/v3/secrets/raw/${impossibleName}`, query: queryOf(scope), place, parse: () => undefined };
  try {
    await get(access, read, undefined, signal);
  } catch (error) {
    if (error instanceof OperatorError && error.reason === 'SecretNotFound') return;
    throw error;
  }
}

/** Longest name that the route by name takes; longer ones are only seen in lists. */
const longestName = 100;

/** Whether a secret of this name can be asked for. `.` and `..` would be taken out of the URL, however they are encoded. */
export function isReadableByName(name: string): boolean {
  return name.length <= longestName && name !== '.' && name !== '..' && name.isWellFormed();
}

/** Login calls to the host, in the organisation when one is named. */
export function loginApi(upstream: Upstream, host: ApiHost, organizationSlug: string | undefined): LoginApi {
  return {
    async post(path, body, parse, signal) {
      const [, route = ''] = /^\/v1\/auth\/([\w-]+)\/login$/.exec(path) ?? [];
      const place = { operation: `log in with ${route}`, host: host.host, route };
      const whole = organizationSlug === undefined ? body : { ...Object(body), organizationSlug };
      // No Authorization header: a stale one would fail the login before its route is reached.
      const answer = await upstream.send(jsonPost(host, path, whole), signal);
      const sent = jsonPost(host, path, body); // An organisation's name is no secret, and helps where it stands.
      if (answer.status !== 200) throw loginError(answer, place, sent);
      const json = readJson(answer, place, sent);
      return await inPlace(place, async () => parse(json));
    },
  };
}

/** Ends an access token. Throws what the answer means. */
export async function revoke(
  upstream: Upstream,
  host: ApiHost,
  token: SecretValue,
  signal: AbortSignal,
): Promise<void> {
  const request = jsonPost(host, '/v1/auth/token/revoke', { accessToken: token.text() });
  const answer = await upstream.send(request, signal);
  const place = { operation: 'revoke the access token', host: host.host };
  if (answer.status !== 200) throw answerError(answer, place, request);
}

interface Read<T> {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly place: Place;
  readonly parse: (json: unknown) => T | Promise<T>;
}

async function get<T>(
  access: ApiAccess,
  read: Read<T>,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Answer<T>> {
  const { host, pauses, session, upstream } = access;
  const url = new URL(`${host.root}${read.path}?${new URLSearchParams(read.query).toString()}`);
  const conditional = etag === undefined ? {} : { 'if-none-match': etag };
  pauses.check(session.key);
  try {
    return await session.withToken(async (token) => {
      const headers = { accept: 'application/json', authorization: `Bearer ${token.text()}`, ...conditional };
      const readAnswer = async (answer: UpstreamAnswer): Promise<Answer<T>> => {
        if (answer.status === 304 && etag !== undefined) return 'not modified';
        const json = await readJsonInTurns(answer, read.place, { headers });
        return { value: await inPlace(read.place, async () => await read.parse(json)), ...strongEtag(answer) };
      };
      return await sendAndRead(upstream, { method: 'GET', url, headers }, readAnswer, signal);
    }, signal);
  } catch (error) {
    if (error instanceof OperatorError) pauses.note(session.key, error);
    throw error;
  }
}

function queryOf(scope: Scope): Record<string, string> {
  return {
    [scope.projectBy === 'id' ? 'workspaceId' : 'workspaceSlug']: scope.project,
    environment: scope.environment,
    secretPath: scope.folder,
    expandSecretReferences: String(scope.expand),
    include_imports: 'true',
  };
}

function placeOf(access: ApiAccess, { project, environment, folder }: Scope): Omit<Place, 'operation'> {
  return { host: access.host.host, scope: { project, environment, folder } };
}

function jsonPost({ root }: ApiHost, path: string, body: unknown) {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return { method: 'POST' as const, url: new URL(`${root}${path}`), headers, body: JSON.stringify(body) };
}

/** Adds the place to what a parser throws, which knows only the body. */
async function inPlace<T>(place: Place, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    throw error instanceof OperatorError ? failure(error.reason, place, error.message) : error;
  }
}
