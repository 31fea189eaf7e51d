// `vault-login` and `vault-secrets`, by the published schemas, for HashiCorp Vault and OpenBao. In the cluster, `jwt` logs in
// with a token of a ServiceAccount of the Environment's own namespace: `serviceAccount` (default `default`) and `audience`
// (default the address) are additions to the schema, and so are the methods `kubernetes`, whose request is that of `jwt`, and
// `appRole`.
// https://www.pulumi.com/docs/esc/integrations/dynamic-login-credentials/vault-login/

import type { SessionPool } from '../../../auth/contract.ts';
import { readAll } from '../../../base/read-all.ts';
import { type EscValue, objectValue, textValue } from '../../../core/esc/value.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import type { EscProvider, HostPorts } from './contract.ts';
import { mapOf, member, textOf } from './inputs.ts';
import { type VaultApi, vaultServer } from './vault-api.ts';
import { vaultFailure } from './vault-errors.ts';
import { vaultIdentity, vaultMethods } from './vault-principals.ts';

const string = { type: 'string', minLength: 1 } as const;
const strings = { type: 'array', items: string } as const;
/** Of the methods that take the token of a ServiceAccount. */
const account = { role: string, mount: string, serviceAccount: string, audience: string } as const;
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
          properties: { ...account, subjectAttributes: strings },
          required: ['role'],
        },
        kubernetes: { type: 'object', properties: account, required: ['role'] },
        appRole: {
          type: 'object',
          properties: { roleId: string, secretId: string, mount: string },
          required: ['roleId'],
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
      exactlyOne: vaultMethods,
    },
    outputs: login,
    secret: true,
    async open(inputs, context, signal) {
      const address = textOf(inputs, 'address') ?? '';
      const namespace = textOf(inputs, 'namespace');
      const server = vaultServer(address, namespace);
      await checkSite?.(context.namespace, new URL(server.root), signal);
      const identity = await vaultIdentity(api, { inputs, server, address }, context, signal);
      // A holder that has let go meanwhile would hold the session for ever.
      signal.throwIfAborted();
      const session = sessions.open(identity, context.holder, { isGiven: true });
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
