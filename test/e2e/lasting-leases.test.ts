// A credential that Vault leased, over processes that are told to stop, are killed or hand over to another: the same one goes on,
// under the chart's real rights and its admission policy. The double of Vault checks the cluster's own tokens.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { clusterIssuer } from '../support/cluster-trust.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { startVaultDouble, type VaultDouble } from '../support/vault-double.ts';
import { until } from '../support/wait.ts';

let scene: Scene;
let vault: VaultDouble;

beforeAll(async () => {
  vault = await startVaultDouble(await clusterIssuer(inject('controlPlane')));
  scene = await createScene('lasting', {
    values: { rbac: { serviceAccountTokenCreate: true }, admissionPolicy: { enabled: true } },
    flags: [`--insecure-upstream-hosts=${new URL(vault.url).host}`],
  });
  const subject = `system:serviceaccount:${scene.namespace}:default`;
  vault.policies.set('read', ['database/creds/*']);
  vault.roles.set('reader', { audience: vault.url, subject, policies: ['read'], ttlSeconds: 3_600 });
  vault.leased.set('app', 600);
  vault.renewalSeconds = 600;
  const login = { 'fn::open::vault-login': { address: vault.url, jwt: { role: 'reader' } } };
  const read = { db: { path: 'database/creds/app' } };
  const values = { vault: { 'fn::open::vault-secrets': { login, read } } };
  await scene.apply(
    { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name: 'db' }, spec: { values } },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name: 'db' },
      spec: { provider: { esc: { environment: 'db' } } },
    },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'app' },
      spec: {
        refreshInterval: '1s',
        secretStoreRef: { name: 'db' },
        data: [{ secretKey: 'user', remoteRef: { key: 'vault.db.username' } }],
      },
    },
  );
});
afterAll(async () => {
  await scene.end();
  await vault.stop();
});

const counts = () => ({ logins: vault.count(/\/login$/), credentials: vault.count(/creds\/app$/) });

/** Waits until the process that runs by now has renewed the lease. */
async function renewed(): Promise<void> {
  const before = vault.count(/leases\/renew$/);
  await until('the lease is renewed', () => vault.count(/leases\/renew$/) > before, 30_000);
}

async function userOf(): Promise<string | undefined> {
  await scene.whenSynced('app');
  return (await scene.secretData('app'))?.['user'];
}

describe('a credential that Vault leased', () => {
  it('goes on over a stop, a death and a change of the leader, and shows nowhere', async () => {
    const user = await userOf();
    expect(user).toMatch(/^v-/);
    const version = (await scene.api.get(scene.address('Secret', 'app')))?.metadata.resourceVersion;
    const printed: string[] = [];
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      printed.push(scene.operator().output());
      await scene.operator().stop(signal);
      await scene.startOperator();
      await renewed();
    }
    const former = scene.operator();
    await scene.startOperator(); // waits for the Lease
    await former.stop();
    await until('the next one leads', async () => (await scene.operator().metric('escapement_leader')) === 1, 30_000);
    await renewed();
    expect(await userOf()).toBe(user);
    expect((await scene.api.get(scene.address('Secret', 'app')))?.metadata.resourceVersion).toBe(version);
    expect(counts()).toEqual({ logins: 1, credentials: 1 });
    printed.push(former.output(), scene.operator().output());
    expect(printed.filter((text) => text.includes(user ?? '') || /outlive|could not be kept/.test(text))).toEqual([]);
  }, 120_000);

  it('is made anew by the next process when Vault has ended it meanwhile', async () => {
    const user = await userOf();
    await scene.operator().stop();
    vault.endTokens();
    await scene.startOperator();
    await until('there is another', async () => (await userOf()) !== user, 30_000);
    expect(counts()).toEqual({ logins: 2, credentials: 2 });
  });
});
