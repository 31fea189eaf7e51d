// What the cases of conformance expect of a Vault, laid out through its own API: two versions of KV, an engine that makes
// credentials, three login methods with their roles, and policies. Any server with a root token will do; that the engine is
// there is asked of it.
import { createPublicKey } from 'node:crypto';
import type { JwtIssuer } from '../../support/jwt-issuer.ts';

/** A server, and how it is looked at with every power. */
export interface VaultAdmin {
  readonly url: string;
  /** Throws for a status that is not in `allowed`. */
  ask(method: string, path: string, body?: object, allowed?: readonly number[]): Promise<VaultReply>;
}

export interface VaultReply {
  readonly status: number;
  readonly json: unknown;
}

export function vaultAdmin(url: string, token: string): VaultAdmin {
  return {
    url,
    async ask(method, path, body, allowed = [200, 204]) {
      const answer = await fetch(`${url}/v1/${path}`, {
        method,
        headers: { 'x-vault-token': token, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!allowed.includes(answer.status)) throw new Error(`${method} ${path}: HTTP ${answer.status} ${text}`);
      return { status: answer.status, json: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

export const subject = 'system:serviceaccount:shop:robot';

const readPolicy = ['kv/*', 'secret/data/*', 'database/creds/*', 'nowhere/*']
  .map((path) => `path "${path}" { capabilities = ["read"] }`)
  .join('\n');

/** Throws when the server refuses any of it. */
export async function layOutVault({ ask }: VaultAdmin, issuer: JwtIssuer): Promise<void> {
  await ask('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await ask('POST', 'sys/mounts/database', { type: 'database' });
  await ask('POST', 'sys/policies/acl/read', { policy: readPolicy });
  // The policy `default` lets no token make others.
  await ask('POST', 'sys/policies/acl/parent', { policy: 'path "auth/token/create" { capabilities = ["update"] }' });
  await ask('POST', 'kv/app', { password: 'of-kv-one', port: 5432, user: 'app' });
  await until(() => ask('POST', 'secret/data/app', { data: { password: 'of-kv-two', nested: { deep: [1, null] } } }));
  await ask('POST', 'secret/data/gone', { data: { a: 'b' } });
  await ask('DELETE', 'secret/data/gone');
  await ask('POST', 'database/config/app', { ttl: 600, max_ttl: 3_600 });
  await ask('POST', 'database/config/short', { ttl: 4, max_ttl: 6 });
  await ask('POST', 'sys/auth/jwt', { type: 'jwt' });
  const [jwk] = issuer.keys.keys;
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  await ask('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [pem], bound_issuer: issuer.issuer });
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], bound_subject: subject };
  await ask('POST', 'auth/jwt/role/reader', { ...role, token_policies: ['read'], token_ttl: 3_600 });
  await ask('POST', 'auth/jwt/role/brief', { ...role, token_policies: ['read'], token_ttl: 5, token_max_ttl: 600 });
  await ask('POST', 'sys/auth/approle', { type: 'approle' });
  await ask('POST', 'auth/approle/role/robots', { token_policies: ['read'], token_ttl: 3_600 });
  await ask('POST', 'auth/approle/role/robots/role-id', { role_id: 'robots' });
  await ask('POST', 'auth/approle/role/robots/custom-secret-id', { secret_id: 'id-of-secret-1234' });
}

/** KV 2 refuses writes for a moment after it was mounted. */
async function until(act: () => Promise<unknown>): Promise<void> {
  for (let tries = 50; ; tries--) {
    try {
      await act();
      return;
    } catch (error) {
      if (tries === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
