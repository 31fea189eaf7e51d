// `vault-login` and `vault-secrets`, by the published schemas, for HashiCorp Vault and OpenBao. In the cluster, `jwt` logs in
// with a token of a ServiceAccount of the Environment's own namespace: `serviceAccount` (default `default`) and `audience`
// (default the address) are additions to the schema. The Kubernetes auth method takes the same request, at its own `mount`.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/vault-login/

import type { Grant, Identity, SessionPool } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { digestOf } from '../../shared/digest.ts';
import type { EscProvider, HostPorts, OpenContext } from './contract.ts';
import { mapOf, member, textOf, textsOf } from './inputs.ts';
import { encodedPath, type VaultApi, type VaultServer, vaultServer } from './vault-api.ts';
import { vaultFailure } from './vault-errors.ts';

const string = { type: 'string', minLength: 1 } as const;
const strings = { type: 'array', items: string } as const;
const login = {
  type: 'object',
  properties: { address: string, token: string, namespace: string },
  required: ['address', 'token'],
} as const;

export interface VaultPorts extends Pick<HostPorts, 'clock' | 'checkSite'> {
  readonly api: VaultApi;
}

export function vaultLogin({
  api,
  sessions,
  clock,
  checkSite,
}: VaultPorts & { readonly sessions: SessionPool }): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        address: string,
        namespace: string,
        jwt: {
          type: 'object',
          properties: {
            role: string,
            mount: string,
            subjectAttributes: strings,
            serviceAccount: string,
            audience: string,
          },
          required: ['role'],
        },
        token: {
          type: 'object',
          properties: {
            token: string,
            displayName: string,
            maxTtl: { type: 'string', pattern: '^([0-9]+h)?([0-9]+m)?([0-9]+s)?$' },
            metadata: mapOf({ type: 'string' }),
            policies: strings,
          },
          required: ['token'],
        },
      },
      required: ['address'],
    },
    outputs: login,
    secret: true,
    async open(inputs, context, signal) {
      const address = textOf(inputs, 'address') ?? '';
      const namespace = textOf(inputs, 'namespace');
      const server = vaultServer(address, namespace);
      await checkSite?.(context.namespace, new URL(server.root), signal);
      const principal = await principalOf(api, { inputs, server, address }, context, signal);
      // A holder that has let go meanwhile would hold the session for ever.
      signal.throwIfAborted();
      const identity = identityOf(api, server, principal, context.namespace);
      const session = sessions.open(identity, context.holder);
      const { token, expiresAtMs } = await session.withToken(async (given, endsAtMs) => {
        api.checkUsable(server, given);
        return { token: given, expiresAtMs: endsAtMs };
      }, signal);
      const lifetimeMs = expiresAtMs - clock.monotonicMs();
      if (Number.isFinite(lifetimeMs)) context.noteLifetime?.(lifetimeMs);
      return objectValue([
        ['address', textValue(address)],
        ['token', textValue(token.text(), { secret: true })],
        ...(namespace === undefined ? [] : [['namespace', textValue(namespace)] as const]),
      ]);
    },
  };
}

/** Who logs in: told from others by `key`, which holds no secret. */
interface VaultPrincipal {
  readonly key: string;
  login(nowMs: number, signal: AbortSignal): Promise<Grant>;
}

interface LoginOrder {
  readonly inputs: EscValue;
  readonly server: VaultServer;
  readonly address: string;
}

/** Throws InvalidSpec unless exactly one way to log in is set. */
async function principalOf(
  api: VaultApi,
  { inputs, server, address }: LoginOrder,
  context: OpenContext,
  signal: AbortSignal,
): Promise<VaultPrincipal> {
  const isJwt = inputs.members.has('jwt');
  if (isJwt === inputs.members.has('token')) {
    throw new OperatorError('InvalidSpec', 'vault-login: set exactly one of jwt and token');
  }
  const block = member(inputs, isJwt ? 'jwt' : 'token');
  return isJwt
    ? await jwtPrincipal(api, { block, server, address }, context, signal)
    : tokenPrincipal(api, { block, server }, context.namespace);
}

async function jwtPrincipal(
  api: VaultApi,
  { block, server, address }: { readonly block: EscValue; readonly server: VaultServer; readonly address: string },
  { credentials, namespace }: OpenContext,
  signal: AbortSignal,
): Promise<VaultPrincipal> {
  const role = textOf(block, 'role') ?? '';
  const mount = encodedPath(textOf(block, 'mount') ?? 'jwt', 'jwt.mount');
  const audience = textOf(block, 'audience') ?? address;
  const selector = { name: textOf(block, 'serviceAccount') ?? 'default', audiences: [audience] };
  const account = await credentials.serviceAccount(selector, 'vault-login: jwt.serviceAccount', signal);
  const key = JSON.stringify(['jwt', mount, role, account.name, account.audiences]);
  const operation = `log in with role ${JSON.stringify(role)} at auth/${mount}`;
  return {
    key,
    async login(nowMs, until) {
      const jwt = await account.mint(until);
      const call = {
        path: `auth/${mount}/login`,
        body: { role, jwt: jwt.text() },
        group: key,
        turn: namespace,
        server,
      };
      try {
        return await api.login(call, operation, nowMs, until);
      } catch (thrown) {
        if (!(thrown instanceof OperatorError) || thrown.reason !== 'LoginRejected') throw thrown;
        throw thrown.within(`the token of ServiceAccount "${account.name}"`);
      }
    },
  };
}

/** A token of its own below the one that is given, so that it ends, and can be ended. */
function tokenPrincipal(
  api: VaultApi,
  { block, server }: { readonly block: EscValue; readonly server: VaultServer },
  turn: string,
): VaultPrincipal {
  const parent = new SecretValue(textOf(block, 'token') ?? '');
  const policies = textsOf(block, 'policies');
  const ttl = textOf(block, 'maxTtl') || '2h';
  const body = {
    // By the published schema: audits of Vault know the name.
    display_name: textOf(block, 'displayName') ?? 'pulumi',
    meta: Object.fromEntries([...member(block, 'metadata').members].map(([name, value]) => [name, plainText(value)])),
    ...(policies.length === 0 ? {} : { policies }),
    ttl,
    explicit_max_ttl: ttl,
  };
  const key = digestOf('token', parent.text(), body);
  return {
    key,
    login: (nowMs, signal) =>
      api.login(
        { path: 'auth/token/create', token: parent, body, group: key, turn, server },
        'make a token below the given one',
        nowMs,
        signal,
      ),
  };
}

function identityOf(api: VaultApi, server: VaultServer, { key, login: logIn }: VaultPrincipal, turn: string): Identity {
  return {
    key: digestOf('vault', server.root, server.namespace ?? '', key),
    login: logIn,
    revoke: (token, signal) => api.revoke({ server, token, turn }, signal),
  };
}

export function vaultSecrets({ api, clock, checkSite }: VaultPorts): EscProvider {
  return {
    inputs: {
      type: 'object',
      properties: {
        login,
        read: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { path: string, field: string }, required: ['path'] },
          minProperties: 1,
        },
      },
      required: ['login', 'read'],
    },
    outputs: { type: 'object', additionalProperties: true },
    secret: true,
    async open(inputs, context, signal) {
      const given = member(inputs, 'login');
      const server = vaultServer(textOf(given, 'address') ?? '', textOf(given, 'namespace'));
      await checkSite?.(context.namespace, new URL(server.root), signal);
      const bearer = { server, token: new SecretValue(textOf(given, 'token') ?? ''), turn: context.namespace };
      const readEntry = async ([name, entry]: readonly [string, EscValue]) => {
        const path = textOf(entry, 'path') ?? '';
        const { data, endsAtMs } = await api.read(bearer, path, context.notBeforeMs, signal);
        if (endsAtMs !== undefined) context.noteLifetime?.(endsAtMs - clock.monotonicMs());
        const field = textOf(entry, 'field');
        return [name, field === undefined ? data : fieldOf(data, { path, field, host: server.host })] as const;
      };
      return objectValue(await readAll([...member(inputs, 'read').members].map(readEntry)), { secret: true });
    },
  };
}

/** Names of fields that a message lists at most, and the longest that is written out. */
const mostNames = 10;
const longestName = 60;

/** A field of the data; of KV 2, whose data has the secret inside, a field of that. Throws PropertyNotFound. */
function fieldOf(
  data: EscValue,
  { path, field, host }: { readonly path: string; readonly field: string; readonly host: string },
): EscValue {
  const secret = isVersioned(data) ? member(data, 'data') : data;
  const found = secret.members.get(field) ?? data.members.get(field);
  if (found !== undefined) return found;
  const names = [...secret.members.keys()].filter(({ length }) => length <= longestName).slice(0, mostNames);
  const has = names.length === 0 ? 'it is empty' : `it has ${names.join(', ')}`;
  const place = { provider: 'vault-secrets', operation: `read ${JSON.stringify(path)}`, host };
  throw vaultFailure('PropertyNotFound', place, `there is no field ${JSON.stringify(field)}; ${has}`);
}

/** What KV 2 answers: the secret, and which version of it that is. */
function isVersioned(data: EscValue): boolean {
  return member(data, 'data').data.kind === 'object' && member(data, 'metadata').members.has('version');
}

function plainText({ data }: EscValue): string {
  return data.kind === 'string' ? data.text : '';
}
