// A scene for login methods: one project with one secret, and in one go what a login needs (credentials, store,
// ExternalSecret). The outcome is what a user sees: the Secret, or the text of the conditions.
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { NewIdentity, ProofMethod, Verifier } from './infisical-double/identities.ts';
import { createScene, type Manifest, type Scene, type SceneOptions } from './scene.ts';
import { condition, isFailed, until } from './wait.ts';

export interface Login {
  /** Of all objects that belong to it. */
  readonly name: string;
  /** What goes into the Secret of that name; a login block refers to it with `key`. */
  readonly material: Readonly<Record<string, string>>;
  /** The login blocks, by name. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** Of the scope, beside project and environment. */
  readonly scope?: Readonly<Record<string, unknown>>;
  /** Applied before the rest. */
  readonly with?: readonly Manifest[];
}

export interface LoginScene extends Scene {
  /** Adds an identity that may read the project; gives its id. */
  identity(name: string, method: ProofMethod, verifier: Verifier, terms?: Partial<NewIdentity>): string;
  /** Applies all that the login needs. */
  play(login: Login): Promise<void>;
  /** Expects the secret to arrive. */
  expectSynced(name: string, withinMs?: number): Promise<void>;
  /** Expects ExternalSecret and store to say this, and no Secret. */
  expectFailed(name: string, message: RegExp): Promise<void>;
  /** Replaces keys of the login's Secret. */
  repair(name: string, material: Readonly<Record<string, string>>): Promise<void>;
  /** Changes the secret, and expects it to follow: there must be a token that works. */
  expectFollows(name: string): Promise<void>;
  /** Logins that the double has seen, good or refused. */
  logins(): number;
}

/** A reference to a key of the login's own Secret. */
export function key(name: string, keyName: string): { readonly name: string; readonly key: string } {
  return { name, key: keyName };
}

/** The scene's operator serves its namespace; `flags` may depend on what the scene is. */
export async function createLoginScene(
  prefix: string,
  flags: (scene: Scene) => readonly string[] = () => [],
  options: SceneOptions = {},
): Promise<LoginScene> {
  const values = { rbac: { serviceAccountTokenCreate: true } };
  const scene = await createScene(prefix, { double: { generation: 'newest' }, values, ...options, operator: false });
  await scene.startOperator(flags(scene));
  const { api, double, namespace } = scene;
  double.projects.add({ slug: 'shop', environments: [{ slug: 'prod' }] });
  let value = '';
  const change = () => {
    value = scene.value(`api-key-${randomBytes(4).toString('hex')}`);
    double.secrets.set({ project: 'shop', environment: 'prod', key: 'API_KEY', value });
  };
  change();
  const targetOf = (name: string) => scene.secretData(`${name}-target`);
  return {
    ...scene,
    identity(name, method, verifier, terms = {}) {
      const access = { shop: { role: 'viewer' as const } };
      return double.identities.add({ name, methods: { [method]: verifier }, access, ...terms }).id;
    },
    async play(login) {
      if (login.with !== undefined) await scene.apply(...login.with);
      await scene.apply(...manifestsOf(login, double.url));
    },
    async expectSynced(name, withinMs) {
      await scene.whenSynced(name, withinMs);
      expect(await targetOf(name)).toEqual({ API_KEY: value });
    },
    async expectFailed(name, message) {
      const says = (one: Parameters<typeof condition>[0]) => message.test(condition(one, 'Ready')?.message ?? '');
      await scene.externalSecrets.until(name, `says ${message}`, (one) => isFailed(one) && says(one));
      await scene.stores.until(name, `says ${message}`, (one) => isFailed(one) && says(one));
      expect(await targetOf(name)).toBeUndefined();
    },
    async repair(name, material) {
      const data = Object.entries(material).map(([at, value]) => [at, Buffer.from(value).toString('base64')]);
      await api.patch({ kind: 'Secret', namespace, name }, { data: Object.fromEntries(data) });
    },
    async expectFollows(name) {
      change();
      const metadata = { annotations: { 'force-sync': randomBytes(4).toString('hex') } };
      await api.patch({ kind: 'ExternalSecret', namespace, name }, { metadata });
      await until(`"${name}" follows`, async () => (await targetOf(name))?.['API_KEY'] === value);
    },
    logins: () => double.requests.counts().byKind.login,
  };
}

function manifestsOf({ name, material, auth, scope = {} }: Login, hostAPI: string): Manifest[] {
  const secretsScope = { projectSlug: 'shop', environmentSlug: 'prod', ...scope };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: material },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name },
      spec: { provider: { infisical: { hostAPI, auth, secretsScope } } },
    },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name },
      spec: {
        refreshInterval: '1h',
        secretStoreRef: { name },
        target: { name: `${name}-target` },
        data: [{ secretKey: 'API_KEY', remoteRef: { key: 'API_KEY' } }],
      },
    },
  ];
}
