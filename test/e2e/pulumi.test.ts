// Stores of provider `pulumi` under the chart's real rights: both logins, every form of key, what a refresh costs, and what
// a store says when its token is dead.
import type { JSONWebKeySet } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kubectl } from '../support/kubectl.ts';
import { type PulumiDouble, startPulumiDouble } from '../support/pulumi-double/double.ts';
import { secret } from '../support/pulumi-double/values.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, isFailed } from '../support/wait.ts';

async function start(): Promise<{ readonly scene: Scene; readonly pulumi: PulumiDouble }> {
  const pulumi = await startPulumiDouble();
  const scene = await createScene('pulumi', {
    operator: false,
    values: { rbac: { serviceAccountTokenCreate: true } },
  });
  onTestFinished(async () => {
    await scene.end();
    await pulumi.stop();
  });
  await scene.startOperator();
  pulumi.environments.set('acme/shop/prod', {
    db: { password: secret(scene.value('password')), hosts: ['one', 'two'] },
    'key.with.dots': scene.value('dotted'),
    environmentVariables: { TOKEN: secret(scene.value('token')) },
    files: { TLS_CERT: scene.value('cert'), OTHER: scene.value('other') },
  });
  return { scene, pulumi };
}

function store(pulumi: PulumiDouble, login: object, kind: 'SecretStore' | 'ClusterSecretStore' = 'SecretStore') {
  const place = { apiUrl: pulumi.apiUrl, organization: 'acme', project: 'shop', environment: 'prod' };
  return { apiVersion: 'external-secrets.io/v1', kind, spec: { provider: { pulumi: { ...place, ...login } } } };
}

const byToken = { auth: { accessToken: { secretRef: { name: 'login', key: 'token' } } } };

function externalSecret(name: string, spec: object) {
  const metadata = { name };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata,
    spec: { refreshInterval: '1h', ...spec },
  };
}

function loginSecret(scene: Scene, token: string) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'login', namespace: scene.namespace },
    stringData: { token },
  };
}

describe('a store of Pulumi ESC', () => {
  it('serves every form of key to many ExternalSecrets by one open and one read', async () => {
    const { scene, pulumi } = await start();
    await scene.apply(loginSecret(scene, pulumi.addToken(['acme'])));
    const names = Array.from({ length: 10 }, (_, i) => `keys-${i}`);
    const spec = {
      secretStoreRef: { name: 'pulumi' },
      data: [
        { secretKey: 'password', remoteRef: { key: 'db.password' } },
        { secretKey: 'host', remoteRef: { key: 'db["hosts"][1]' } },
        { secretKey: 'dotted', remoteRef: { key: '["key.with.dots"]' } },
        { secretKey: 'whole', remoteRef: { key: 'db.hosts' } },
        { secretKey: 'property', remoteRef: { key: 'db', property: 'hosts.0' } },
        { secretKey: 'version', remoteRef: { key: 'db.hosts[0]', version: '1' } },
      ],
      dataFrom: [{ extract: { key: 'environmentVariables' } }, { find: { path: 'files', name: { regexp: '^TLS_' } } }],
    };
    await scene.apply(...names.map((name) => externalSecret(name, spec)));
    for (const name of names) await scene.whenFailed(name); // all wait for the store, whose appearance wakes them together
    await scene.put({ ...store(pulumi, byToken), metadata: { name: 'pulumi' } });
    for (const name of names) {
      await scene.whenSynced(name);
      expect(await scene.secretData(name)).toEqual({
        password: scene.value('password'),
        host: 'two',
        dotted: scene.value('dotted'),
        whole: '["one","two"]',
        property: 'one',
        version: 'one',
        TOKEN: scene.value('token'),
        TLS_CERT: scene.value('cert'),
      });
    }
    await scene.stores.until('pulumi', 'is valid', (one) => condition(one, 'Ready')?.status === 'True');
    // One for the latest and one for revision 1; the look at the store is content with the first.
    expect(pulumi.counts).toMatchObject({ open: 2, read: 2 });
  });

  it('logs in with the token of a ServiceAccount that the API server signed', async () => {
    const { scene, pulumi } = await start();
    const { kubeconfig, namespace } = scene;
    const keys: JSONWebKeySet = JSON.parse((await kubectl(['get', '--raw', '/openid/v1/jwks'], { kubeconfig })).stdout);
    const discovery = await kubectl(['get', '--raw', '/.well-known/openid-configuration'], { kubeconfig });
    const { issuer } = JSON.parse(discovery.stdout);
    const subject = `system:serviceaccount:${namespace}:reader`;
    pulumi.trust('acme', { issuer, keys, audience: pulumi.apiUrl.replace('/api/esc', ''), subject });
    const login = { auth: { oidcConfig: { organization: 'acme', serviceAccountRef: { name: 'reader' } } } };
    await scene.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } },
      { ...store(pulumi, login), metadata: { name: 'pulumi' } },
      externalSecret('app', { secretStoreRef: { name: 'pulumi' }, dataFrom: [{ extract: { key: 'files' } }] }),
    );
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ TLS_CERT: scene.value('cert'), OTHER: scene.value('other') });
    expect(pulumi.counts.exchange).toBe(1);
  });

  it('may be a ClusterSecretStore', async () => {
    const { scene, pulumi } = await start();
    const { namespace } = scene;
    const name = `pulumi-${namespace}`;
    const secretRef = { name: 'login', key: 'token', namespace };
    const cluster = store(pulumi, { auth: { accessToken: { secretRef } } }, 'ClusterSecretStore');
    onTestFinished(() => scene.api.delete({ kind: 'ClusterSecretStore', name }));
    await scene.apply(
      loginSecret(scene, pulumi.addToken(['acme'])),
      { ...cluster, metadata: { name }, spec: { ...cluster.spec, controller: scene.controllerClass } },
      externalSecret('app', {
        secretStoreRef: { kind: 'ClusterSecretStore', name },
        data: [{ secretKey: 'password', remoteRef: { key: 'db.password' } }],
      }),
    );
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ password: scene.value('password') });
  });

  it('is red with a dead token, and green once the Secret holds another', async () => {
    const { scene, pulumi } = await start();
    await scene.apply(loginSecret(scene, 'pul-dead'), { ...store(pulumi, byToken), metadata: { name: 'pulumi' } });
    const red = await scene.stores.until('pulumi', 'is red', isFailed);
    expect(condition(red, 'Ready')?.message).toMatch(/pulumi|token/);
    await scene.apply(loginSecret(scene, pulumi.addToken(['acme'])));
    await scene.stores.until('pulumi', 'is valid', (one) => condition(one, 'Ready')?.status === 'True');
  });
});
