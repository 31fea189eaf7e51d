import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest';
import { vaultDesk } from '../../../src/providers/esc/open/vault.fixture.ts';
import { createJwtIssuer, type JwtIssuer } from '../../support/jwt-issuer.ts';
import { startVaultDouble, type VaultDouble } from '../../support/vault-double.ts';
import { vaultCases } from './cases.ts';
import { subject, vaultAdmin } from './world.ts';

let issuer: JwtIssuer;
let vault: VaultDouble;

beforeAll(async () => {
  issuer = await createJwtIssuer('https://cluster.example');
  vault = await startVaultDouble(issuer);
  vault.policies.set('read', ['kv/*', 'secret/data/*', 'database/creds/*', 'nowhere/*']);
  vault.roles.set('reader', { audience: 'vault', subject, policies: ['read'], ttlSeconds: 3_600 });
  vault.appRoles.set('robots', { secretId: 'id-of-secret-1234', policies: ['read'] });
  vault.kv1.set('app', { password: 'of-kv-one', port: 5432, user: 'app' });
  vault.kv2.set('app', { password: 'of-kv-two', nested: { deep: [1, null] } }).set('gone', null);
  vault.leased.set('app', 600);
  vault.renewalSeconds = 600;
});
afterAll(() => vault.stop());

describe('the double of Vault', () => {
  it.each(vaultCases.filter(({ takesTime }) => takesTime !== true))('$name', async ({ run }) => {
    const desk = vaultDesk({ url: vault.url, issuer });
    onTestFinished(() => desk.stop());
    await run(desk, vaultAdmin(vault.url, vault.rootToken));
  });
});
