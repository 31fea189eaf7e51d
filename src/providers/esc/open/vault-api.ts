// The part of Vault's API that `vault-login` and `vault-secrets` need: log in, make a token, let one live on, end one, read a
// path. Which tokens were refused is kept here, for the next login. A path whose lease can be renewed is not read again: the
// credential that it gave lives on.
// https://developer.hashicorp.com/vault/api-docs

import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { type Grant, TokenRejected } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import { tryJson } from '../../../base/json.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { parseFirstJson } from '../../../core/esc/text-forms.ts';
import type { EscValue } from '../../../core/esc/value.ts';
import { isWorthRenewing } from '../../../core/renewal.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { Upstream, UpstreamAnswer, UpstreamDoor } from '../../../http/contract.ts';
import { parseBaseUrl } from '../../../http/egress.ts';
import { addBounded } from '../../shared/bounded-set.ts';
import { hasTooManyParts } from '../../shared/json-parts.ts';
import { sizeOfEsc } from '../../shared/kept-size.ts';
import { Pauses } from '../../shared/pauses.ts';
import { type KeepingPorts, Snapshots } from '../../shared/snapshots.ts';
import {
  hasWarnings,
  type Sent,
  saysInvalidToken,
  type VaultPlace,
  vaultError,
  vaultFailure,
  vaultMessage,
} from './vault-errors.ts';
import { type KeptLogin, type LastingText, VaultLeases } from './vault-leases.ts';

/** A server, and the namespace in it; namespaces are of Vault Enterprise and of OpenBao. */
export interface VaultServer {
  /** Without a slash at the end. */
  readonly root: string;
  readonly host: string;
  readonly namespace: string | undefined;
}

/** Throws InvalidSpec for anything but an http(s) URL without user, query and fragment. */
export function vaultServer(address: string, namespace: string | undefined): VaultServer {
  const url = parseBaseUrl(address, 'address');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OperatorError('InvalidSpec', 'address: the URL must begin with https:// (or http://)');
  }
  let path = url.pathname;
  while (path.endsWith('/')) path = path.slice(0, -1);
  return { root: `${url.origin}${path}`, host: url.host, namespace };
}

/** A token at a server, and who takes turns with others there. */
export interface VaultBearer {
  readonly server: VaultServer;
  readonly token: SecretValue;
  readonly turn: string;
}

/** What a path holds. */
export interface VaultAnswer {
  /** The `data` of the answer, as Vault gives it. */
  readonly data: EscValue;
  /** Monotonic ms; absent for what has no lease. */
  readonly endsAtMs?: number;
}

interface Call {
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, each part encoded. */
  readonly path: string;
  readonly token?: SecretValue;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly makes?: boolean;
  readonly group: string;
  readonly turn: string;
}

const loginReply = z.object({
  auth: z.object({
    client_token: z.string().check(z.minLength(1)),
    lease_duration: z.nullish(z.number()),
    renewable: z.nullish(z.boolean()),
  }),
});
const lookupReply = z.object({ data: z.object({ ttl: z.number(), renewable: z.nullish(z.boolean()) }) });
const leaseReply = z.object({ lease_id: z.string(), lease_duration: z.number() });
const mountReply = z.object({
  data: z.object({ path: z.string(), options: z.nullish(z.record(z.string(), z.unknown())) }),
});

/** Tokens and paths that are remembered; the oldest is forgotten first. */
const mostRemembered = 1_000;

/** How long an answer stays that nobody asks for: it is for those of the same wave. */
const keepMs = 30_000;

/** First parts of the paths of KV 2 below its mount. */
const partsOfKv2 = new Set(['config', 'data', 'delete', 'destroy', 'metadata', 'subkeys', 'undelete']);

interface VaultApiPorts extends KeepingPorts {
  readonly door: UpstreamDoor;
  readonly clock: Clock;
  readonly lastingLeases?: LastingText | undefined;
}

export class VaultApi {
  readonly #upstream: Upstream;
  readonly #clock: Clock;
  readonly #pauses: Pauses;
  readonly #answers: Snapshots<VaultAnswer>;
  readonly #refused = new Set<string>();
  readonly #leases: VaultLeases;
  /** The logins that tokens came from, by bearer; their leases are kept with them. */
  readonly #logins = new Map<string, KeptLogin>();
  /** Where KV 2 has what was written as for KV 1. */
  readonly #moved = new Map<string, string>();

  /** `lastingLeases` is where leases are kept for the next process; absent keeps them for this one. */
  constructor({ account, door, clock, lastingLeases, shares }: VaultApiPorts) {
    this.#upstream = door.open({});
    this.#clock = clock;
    this.#leases = new VaultLeases(clock, lastingLeases);
    this.#pauses = new Pauses({ clock });
    const memory = account && { account, sizeOf: ({ data }: VaultAnswer) => sizeOfEsc(data) };
    this.#answers = new Snapshots({ clock, keepMs, memory, shares });
  }

  /** Logs in by a POST to `path`. Throws LoginRejected, ScopeNotFound, UpstreamThrottled … */
  async login(
    call: Omit<Call, 'method'> & { readonly server: VaultServer },
    operation: string,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Grant> {
    const { server } = call;
    const place: VaultPlace = { provider: 'vault-login', operation, host: server.host, isLogin: true };
    return (await this.#grant(server, { ...call, method: 'POST' }, place, nowMs, signal)).grant;
  }

  /** The token that the process before had for the identity, as long as it lives and leases hang on it. Throws what asking throws. */
  async resume(
    identity: string,
    { server, turn }: Omit<VaultBearer, 'token'>,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Grant | undefined> {
    await this.#leases.whenKnown();
    const former = this.#leases.formerToken(identity);
    const lived = former && (await this.#look({ server, token: former, turn }, nowMs, signal));
    this.#leases.forgetToken(identity);
    if (lived !== undefined) this.noteLogin(identity, server, lived.token);
    return lived;
  }

  /** Leases that hang on the token are kept with it, for the next process to resume. */
  noteLogin(identity: string, server: VaultServer, token: SecretValue): void {
    remember(this.#logins, bearerKey(server, token), { identity, token });
  }

  /** What is left of a token, renewed where it can be; undefined for one that has ended. */
  async #look(bearer: VaultBearer, nowMs: number, signal: AbortSignal): Promise<Grant | undefined> {
    const { server, token, turn } = bearer;
    const key = bearerKey(server, token);
    const place: VaultPlace = { provider: 'vault-login', operation: 'look up the token', host: server.host };
    const call = { method: 'GET', path: 'auth/token/lookup-self', token, group: key, turn } as const;
    const answer = this.#refused.has(key) ? undefined : await this.#ask(server, call, signal);
    if (answer === undefined || isRefused(answer)) return undefined;
    if (answer.status !== 200) throw vaultError(answer, place, secretsOf(call));
    const parsed = lookupReply.safeParse(tryJson(answer.body));
    if (!parsed.success) return undefined;
    const { ttl, renewable } = parsed.data.data;
    const renewed = renewable === true ? await this.renew(bearer, nowMs, signal) : undefined;
    return renewed ?? { token, ...(ttl > 0 ? { expiresAtMs: nowMs + ttl * 1_000 } : {}) };
  }

  /** The token with a new life; undefined for one that cannot be renewed. Throws what asking throws. */
  async renew({ server, token, turn }: VaultBearer, nowMs: number, signal: AbortSignal): Promise<Grant | undefined> {
    const key = bearerKey(server, token);
    const place: VaultPlace = { provider: 'vault-login', operation: 'renew the token', host: server.host };
    const call = { method: 'POST', path: 'auth/token/renew-self', token, body: {}, group: key, turn } as const;
    const { grant, isRenewable } = await this.#grant(server, call, place, nowMs, signal);
    return isRenewable ? grant : undefined;
  }

  async #grant(server: VaultServer, call: Call, place: VaultPlace, nowMs: number, signal: AbortSignal) {
    const answer = await this.#send(server, call, place, signal);
    const parsed = loginReply.safeParse(tryJson(answer.body));
    if (!parsed.success) throw vaultFailure('UpstreamInvalid', place, 'the answer holds no token');
    const { client_token: token, lease_duration: lifeSeconds, renewable } = parsed.data.auth;
    // 0 is a token without an end.
    const end = lifeSeconds ? { expiresAtMs: nowMs + lifeSeconds * 1_000 } : {};
    return { grant: { token: new SecretValue(token), ...end }, isRenewable: renewable === true };
  }

  /** Throws TokenRejected for a token that a read has found to be refused. */
  checkUsable(server: VaultServer, token: SecretValue): void {
    if (this.#refused.has(bearerKey(server, token))) throw new TokenRejected('vault-login: the token was refused');
  }

  /** Ends a token, and what was leased with it. */
  async revoke({ server, token, turn }: VaultBearer, signal: AbortSignal): Promise<void> {
    const place = { provider: 'vault-login', operation: 'revoke the token', host: server.host };
    const group = bearerKey(server, token);
    const call = { method: 'POST', path: 'auth/token/revoke-self', token, group, turn } as const;
    await this.#send(server, call, place, signal);
  }

  /**
   * What the path holds; one request for all who ask within a wave. Throws TokenRejected, AccessDenied, SecretNotFound,
   * ScopeNotFound, UpstreamThrottled …
   */
  async read(bearer: VaultBearer, path: string, notBeforeMs: number, signal: AbortSignal): Promise<VaultAnswer> {
    const key = bearerKey(bearer.server, bearer.token);
    const written = encodedPath(path, 'path');
    const ask = (fromMs: number) =>
      this.#answers.get(
        {
          key: `${key} ${written}`,
          origin: `${bearer.server.root} ${bearer.turn}`,
          holder: bearer.turn,
          notBeforeMs: fromMs,
          fetch: async (_, until) => ({ value: await this.#readOnce(bearer, { key, path, written }, until) }),
        },
        signal,
      );
    const answer = await ask(notBeforeMs);
    const nowMs = this.#clock.monotonicMs();
    return answer.endsAtMs !== undefined && answer.endsAtMs <= nowMs ? await ask(nowMs) : answer;
  }

  async #readOnce(
    { server, token, turn }: VaultBearer,
    { key, path, written }: { readonly key: string; readonly path: string; readonly written: string },
    signal: AbortSignal,
  ): Promise<VaultAnswer> {
    const place = { provider: 'vault-secrets', operation: `read ${JSON.stringify(path)}`, host: server.host };
    const get = (at: string) => ({ method: 'GET', path: at, token, group: key, turn }) as const;
    const read = (at: string) => this.#ask(server, { ...get(at), makes: true }, signal);
    const movedKey = `${server.root} ${server.namespace ?? ''} ${written}`;
    const startedMs = this.#clock.monotonicMs();
    const leaseKey = `${key} ${written}`;
    this.#pauses.check(key);
    try {
      const lived = await this.#livingOn({ server, token, turn }, { key, leaseKey, path }, signal);
      if (lived !== undefined) return lived;
      let answer = await read(this.#moved.get(movedKey) ?? written);
      if (answer.status === 403) await this.#checkToken({ server, token, turn }, answer, place, signal);
      if (answer.status === 403 || (answer.status === 404 && hasWarnings(answer))) {
        const other = await this.#placeInKv2(server, get, written, signal);
        if (other !== undefined) {
          answer = await read(other);
          if (answer.status === 200) remember(this.#moved, movedKey, other);
        }
      }
      if (answer.status !== 200) throw vaultError(answer, place, secretsOf({ token }));
      const { data, lease } = readAnswer(answer.body, place);
      if (lease === undefined) return { data };
      const endsAtMs = startedMs + lease.lifeMs;
      if (lease.isRenewable) {
        const { id, lifeMs } = lease;
        const kept = { id, lifeMs, endsAtMs, answer: new SecretValue(answer.body), tenant: turn };
        await this.#leases.keep(leaseKey, { ...kept, login: this.#logins.get(key) });
      }
      return { data, endsAtMs };
    } catch (thrown) {
      this.#moved.delete(movedKey);
      if (thrown instanceof OperatorError) this.#pauses.note(key, thrown);
      throw thrown;
    }
  }

  /**
   * What the path gave before, under its lease renewed; undefined when there is none, and when Vault does not renew it for
   * long: then the path is read again, while the lease before runs to its end.
   */
  async #livingOn(
    { server, token, turn }: VaultBearer,
    { key, leaseKey, path }: { readonly key: string; readonly leaseKey: string; readonly path: string },
    signal: AbortSignal,
  ): Promise<VaultAnswer | undefined> {
    const startedMs = this.#clock.monotonicMs();
    await this.#leases.whenKnown();
    const lease = this.#leases.get(leaseKey);
    if (lease === undefined) return undefined;
    const operation = `renew the lease of ${JSON.stringify(path)}`;
    const place = { provider: 'vault-secrets', operation, host: server.host };
    const body = { lease_id: lease.id, increment: Math.ceil(lease.lifeMs / 1_000) };
    const call = { method: 'POST', path: 'sys/leases/renew', token, body, group: key, turn } as const;
    const answer = await this.#ask(server, call, signal);
    if (answer.status !== 200 && !isRefused(answer)) throw vaultError(answer, place, secretsOf(call));
    const parsed = leaseReply.safeParse(answer.status === 200 ? tryJson(answer.body) : undefined);
    const givenMs = parsed.success ? parsed.data.lease_duration * 1_000 : 0;
    if (!isWorthRenewing(lease.lifeMs, givenMs)) {
      this.#leases.forget(leaseKey);
      return undefined;
    }
    const endsAtMs = startedMs + givenMs;
    await this.#leases.keep(leaseKey, { ...lease, endsAtMs });
    return { data: readAnswer(lease.answer.reveal(), place).data, endsAtMs };
  }

  /** Vault says `permission denied` of a token that it does not know as well as of a right that is missing. */
  async #checkToken(
    { server, token, turn }: VaultBearer,
    denied: UpstreamAnswer,
    place: VaultPlace,
    signal: AbortSignal,
  ): Promise<void> {
    const key = bearerKey(server, token);
    const call = { method: 'GET', path: 'auth/token/lookup-self', token, group: key, turn } as const;
    const isKnown = !saysInvalidToken(denied) && (await this.#ask(server, call, signal)).status !== 403;
    if (isKnown) return;
    addBounded(this.#refused, key, mostRemembered);
    throw new TokenRejected(vaultMessage(place, 'the token is refused'));
  }

  /** The path with `data` behind the mount, where that is KV 2 and the path does not say so; as Vault's own client finds it. */
  async #placeInKv2(
    server: VaultServer,
    get: (path: string) => Call,
    written: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const answer = await this.#ask(server, get(`sys/internal/ui/mounts/${written}`), signal);
    const parsed = mountReply.safeParse(answer.status === 200 ? tryJson(answer.body) : undefined);
    if (!parsed.success || String(parsed.data.data.options?.['version']) !== '2') return undefined;
    const mount = encodedPath(parsed.data.data.path, 'mount');
    if (!written.startsWith(`${mount}/`)) return undefined;
    const rest = written.slice(mount.length + 1);
    return partsOfKv2.has(rest.split('/')[0] ?? '') ? undefined : `${mount}/data/${rest}`;
  }

  async #send(server: VaultServer, call: Call, place: VaultPlace, signal: AbortSignal): Promise<UpstreamAnswer> {
    const answer = await this.#ask(server, call, signal);
    if (answer.status === 200 || answer.status === 204) return answer;
    throw vaultError(answer, place, secretsOf(call));
  }

  #ask(server: VaultServer, call: Call, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { method, path, token, makes = false, group, turn } = call;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const request = {
      method,
      url: new URL(`${server.root}/v1/${path}`),
      headers: {
        ...tokenHeader(token),
        // An agent of Vault's in between may want to see that the request was meant for it.
        'x-vault-request': 'true',
        ...(server.namespace === undefined ? {} : { 'x-vault-namespace': server.namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    };
    return this.#upstream.send({ ...request, makes, group: `${server.root} ${group}`, turn }, signal);
  }
}

/** Each part of a path encoded. Throws InvalidSpec for an empty path, and for parts that would lead elsewhere. */
export function encodedPath(path: string, field: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length > 0 && !parts.includes('.') && !parts.includes('..')) {
    return parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/');
  }
  throw new OperatorError('InvalidSpec', `${field}: ${JSON.stringify(path)} is no path, such as "secret/data/app"`);
}

/** What a request carries that must not be repeated: names of roles and policies may, and say what is wrong. */
function secretsOf({ token, body }: Pick<Call, 'token' | 'body'>): Sent {
  const sent = body?.['jwt'] ?? body?.['secret_id'];
  return { headers: tokenHeader(token), body: typeof sent === 'string' ? sent : '' };
}

function tokenHeader(token: SecretValue | undefined): Readonly<Record<string, string>> {
  return token === undefined ? {} : { 'x-vault-token': token.text() };
}

/** Tells a token at a server from others, without saying it. */
function bearerKey({ root, namespace = '' }: VaultServer, token: SecretValue): string {
  const hash = createHash('sha256').update(JSON.stringify([root, namespace]));
  return `vault:${hash.update('\0').update(token.reveal()).digest('base64url')}`;
}

interface ReadAnswer {
  readonly data: EscValue;
  readonly lease: { readonly id: string; readonly lifeMs: number; readonly isRenewable: boolean } | undefined;
}

function readAnswer(body: Buffer, place: VaultPlace): ReadAnswer {
  if (hasTooManyParts(body)) throw vaultFailure('UpstreamInvalid', place, 'the answer has too many parts');
  const json = parsedOr(body, () => vaultFailure('UpstreamInvalid', place, 'the answer is not JSON: check address'));
  const data = json.members.get('data');
  if (data?.data.kind !== 'object') throw vaultFailure('UpstreamInvalid', place, 'the answer holds no data');
  const id = json.members.get('lease_id')?.data;
  const seconds = json.members.get('lease_duration')?.data;
  const renewable = json.members.get('renewable')?.data;
  // KV 1 gives a duration as a hint for how often to look, and no lease.
  const lifeMs = seconds?.kind === 'number' ? Number(seconds.text) * 1_000 : 0;
  if (id?.kind !== 'string' || id.text === '' || !(lifeMs > 0)) return { data, lease: undefined };
  const isRenewable = renewable?.kind === 'boolean' && renewable.value;
  return { data, lease: { id: id.text, lifeMs, isRenewable } };
}

/** With all digits of numbers, and everything secret. */
function parsedOr(body: Buffer, failure: () => OperatorError): EscValue {
  try {
    return parseFirstJson(body.toString('utf8'), { secret: true });
  } catch {
    throw failure();
  }
}

/** Whether the server has looked at the request, and will say the same of it again. */
function isRefused({ status }: UpstreamAnswer): boolean {
  return status >= 400 && status < 500 && status !== 429 && status !== 412;
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.set(key, value);
  for (const oldest of map.keys()) if (map.size > mostRemembered) map.delete(oldest);
}
