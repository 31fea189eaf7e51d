// The ways in which `vault-login` logs in: with a token of a ServiceAccount, with an AppRole, or below a token that is given.

import type { Grant, Identity } from '../../../auth/contract.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import type { EscValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { digestOf } from '../../shared/digest.ts';
import type { OpenContext } from './contract.ts';
import { chosenOf, member, textOf, textsOf } from './inputs.ts';
import { encodedPath, type VaultApi, type VaultServer } from './vault-api.ts';

/** Who logs in: told from others by `key`, which holds no secret. */
interface VaultPrincipal {
  readonly key: string;
  readonly login: (nowMs: number, signal: AbortSignal) => Promise<Grant>;
}

export interface LoginOrder {
  readonly inputs: EscValue;
  readonly server: VaultServer;
  readonly address: string;
}

/** Whoever logs in by these inputs. Throws what reading the material throws. */
export async function vaultIdentity(
  api: VaultApi,
  order: LoginOrder,
  context: OpenContext,
  signal: AbortSignal,
): Promise<Identity> {
  const { server } = order;
  const method = chosenOf(order.inputs, vaultMethods);
  const principal = await principalOf(api, method, order, context, signal);
  const turn = context.namespace;
  const key = digestOf('vault', server.root, server.namespace ?? '', principal.key);
  return {
    key,
    via: { provider: 'vault', method },
    resume: (nowMs, until) => api.resume(key, { server, turn }, nowMs, until),
    async login(nowMs, until) {
      const grant = await principal.login(nowMs, until);
      api.noteLogin(key, server, grant.token);
      return grant;
    },
    renew: (token, nowMs, until) => api.renew({ server, token, turn }, nowMs, until),
    revoke: (token, until) => api.revoke({ server, token, turn }, until),
  };
}

/** Of which one is set. */
export const vaultMethods = ['jwt', 'kubernetes', 'appRole', 'token'] as const;

async function principalOf(
  api: VaultApi,
  method: (typeof vaultMethods)[number],
  { inputs, server, address }: LoginOrder,
  context: OpenContext,
  signal: AbortSignal,
): Promise<VaultPrincipal> {
  const order = { block: member(inputs, method), server, address };
  if (method === 'token') return tokenPrincipal(api, order, context.namespace);
  if (method === 'appRole') return appRolePrincipal(api, order, context.namespace);
  return await accountPrincipal(api, method, order, context, signal);
}

interface BlockOrder extends Omit<LoginOrder, 'inputs'> {
  readonly block: EscValue;
}

async function accountPrincipal(
  api: VaultApi,
  method: 'jwt' | 'kubernetes',
  { block, server, address }: BlockOrder,
  { credentials, namespace }: OpenContext,
  signal: AbortSignal,
): Promise<VaultPrincipal> {
  const role = textOf(block, 'role') ?? '';
  const mount = encodedPath(textOf(block, 'mount') ?? method, `${method}.mount`);
  const audience = textOf(block, 'audience') ?? address;
  const selector = { name: textOf(block, 'serviceAccount') ?? 'default', audiences: [audience] };
  const accountTokens = await credentials.serviceAccount(selector, `vault-login: ${method}.serviceAccount`, signal);
  const key = JSON.stringify(['jwt', mount, role, accountTokens.name, accountTokens.audiences]);
  const operation = `log in with role ${JSON.stringify(role)} at auth/${mount}`;
  return {
    key,
    async login(nowMs, until) {
      const jwt = await accountTokens.mint(until);
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
        throw thrown.within(`the token of ServiceAccount "${accountTokens.name}"`);
      }
    },
  };
}

function appRolePrincipal(api: VaultApi, { block, server }: BlockOrder, turn: string): VaultPrincipal {
  const mount = encodedPath(textOf(block, 'mount') ?? 'approle', 'appRole.mount');
  const secretId = textOf(block, 'secretId');
  const body = { role_id: textOf(block, 'roleId') ?? '', ...(secretId === undefined ? {} : { secret_id: secretId }) };
  const key = digestOf('appRole', mount, body);
  return {
    key,
    login: (nowMs, signal) =>
      api.login(
        { path: `auth/${mount}/login`, body, group: key, turn, server },
        `log in with an AppRole at auth/${mount}`,
        nowMs,
        signal,
      ),
  };
}

/** A token of its own below the one that is given, so that it ends, and can be ended. */
function tokenPrincipal(api: VaultApi, { block, server }: BlockOrder, turn: string): VaultPrincipal {
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

function plainText({ data }: EscValue): string {
  return data.kind === 'string' ? data.text : '';
}
