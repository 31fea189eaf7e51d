// A scene with a double of Pulumi Cloud beside it, and the manifests that tests of it have in common.
import type { JSONWebKeySet } from 'jose';
import { onTestFinished } from 'vitest';
import { kubectl } from './kubectl.ts';
import { type PulumiDouble, type PulumiDoubleOptions, startPulumiDouble } from './pulumi-double/double.ts';
import { createScene, type KindedManifest, type Scene, type SceneOptions } from './scene.ts';

export interface PulumiScene {
  readonly scene: Scene;
  readonly pulumi: PulumiDouble;
  /** Manifest of the Secret `login` with an access token of the double. */
  login(token?: string): KindedManifest;
  /** Manifest of a store; `more` are fields of the provider block beside the place. */
  store(name: string, more?: object, kind?: 'SecretStore' | 'ClusterSecretStore'): KindedManifest;
  /** Lets tokens of a ServiceAccount of the scene's namespace be exchanged. */
  trustAccount(name: string, audience?: string): Promise<void>;
}

export const byToken = { auth: { accessToken: { secretRef: { name: 'login', key: 'token' } } } };

export function byAccount(more: object = {}) {
  return { auth: { oidcConfig: { organization: 'acme', serviceAccountRef: { name: 'reader' }, ...more } } };
}

export const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader' } } as const;

/** The operator runs, unless the options say otherwise; all ends with the test. */
export async function startPulumi(
  options: SceneOptions & { readonly pulumi?: PulumiDoubleOptions } = {},
): Promise<PulumiScene> {
  const pulumi = await startPulumiDouble(options.pulumi);
  const scene = await createScene('pulumi', { values: { rbac: { serviceAccountTokenCreate: true } }, ...options });
  onTestFinished(async () => {
    await scene.end();
    await pulumi.stop();
  });
  const { namespace, kubeconfig } = scene;
  return {
    scene,
    pulumi,
    login: (token = pulumi.addToken(['acme'])) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'login', namespace },
      stringData: { token },
    }),
    store(name, more = byToken, kind = 'SecretStore') {
      const place = { apiUrl: pulumi.apiUrl, organization: 'acme', project: 'shop', environment: 'prod' };
      return {
        apiVersion: 'external-secrets.io/v1',
        kind,
        metadata: { name },
        spec: { controller: scene.controllerClass, provider: { pulumi: { ...place, ...more } } },
      };
    },
    async trustAccount(name, audience = pulumi.baseUrl) {
      const read = async (path: string) => JSON.parse((await kubectl(['get', '--raw', path], { kubeconfig })).stdout);
      const keys: JSONWebKeySet = await read('/openid/v1/jwks');
      const { issuer } = await read('/.well-known/openid-configuration');
      pulumi.trust('acme', { issuer, keys, audience, subject: `system:serviceaccount:${namespace}:${name}` });
    },
  };
}

export function externalSecret(name: string, spec: object): KindedManifest {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { refreshInterval: '1h', secretStoreRef: { name: 'pulumi' }, ...spec },
  };
}

/** An entry of `data`. */
export function entry(secretKey: string, key: string, more: object = {}) {
  return { secretKey, remoteRef: { key, ...more } };
}
