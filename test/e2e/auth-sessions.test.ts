// One session per identity, whatever the number of stores and ExternalSecrets: here with minted tokens, where every login
// would bring another token, so that sharing can only come from knowing whose tokens they are.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { reviewToken } from '../support/cluster-trust.ts';
import { kubernetesVerifier } from '../support/infisical-double/verifiers.ts';
import { createLoginScene, type LoginScene } from '../support/login-scene.ts';
import { isReady, until } from '../support/wait.ts';

let scene: LoginScene;

beforeAll(async () => {
  scene = await createLoginScene('auth-sessions');
});

afterAll(() => scene.end());

const identities = ['red', 'green', 'blue', 'cyan', 'pink'];
const stores = Array.from({ length: 20 }, (_, i) => `store-${i}`);
const externalSecrets = Array.from({ length: 200 }, (_, i) => `es-${i}`);

describe('200 ExternalSecrets on 20 stores that share 5 ServiceAccounts', () => {
  it('log in 5 times, however often they refresh', async () => {
    const review = (jwt: string) => reviewToken(inject('controlPlane'), jwt);
    for (const name of identities) {
      const identityId = scene.identity(name, 'kubernetes', kubernetesVerifier({ review, names: [name] }));
      await scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { identityId } });
    }
    await scene.apply(...identities.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })));
    await scene.apply(...stores.map(store), ...externalSecrets.map(externalSecret));
    const areReady = () => scene.externalSecrets.values().filter(isReady).length === externalSecrets.length;
    await until('all are synced', areReady, 60_000);
    expect(scene.logins()).toBe(identities.length);

    const refreshed = async () => await scene.operator().metric('externalsecret_sync_calls_total', scene.namespace);
    const before = await refreshed();
    await until('all were refreshed twice', async () => (await refreshed()) >= before + 400, 60_000);
    expect(scene.logins()).toBe(identities.length);
  });

  it('revoke those 5 tokens at the end of the process', async () => {
    expect(await scene.operator().stop()).toBe(0);
    expect(scene.double.requests.counts().byKind.revoke).toBe(identities.length);
  });
});

function store(name: string, i: number) {
  const identity = identities[i % identities.length] ?? '';
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name },
    spec: {
      provider: {
        infisical: {
          hostAPI: scene.double.url,
          auth: {
            kubernetesAuthCredentials: {
              identityId: { name: identity, key: 'identityId' },
              serviceAccountRef: { name: identity },
            },
          },
          secretsScope: { projectSlug: 'shop', environmentSlug: 'prod' },
        },
      },
    },
  };
}

function externalSecret(name: string, i: number) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: {
      refreshInterval: '5s',
      secretStoreRef: { name: stores[i % stores.length] },
      data: [{ secretKey: 'API_KEY', remoteRef: { key: 'API_KEY' } }],
    },
  };
}
