// The manifests of ESO's page about its Infisical provider, as they are printed there: only placeholders, hosts and the CA
// are replaced. https://external-secrets.io/latest/provider/infisical/
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { createScene, type Manifest, type Scene, type SceneOptions } from '../support/scene.ts';
import { condition } from '../support/wait.ts';

const folder = join(import.meta.dirname, 'manifests', 'eso-page');

/** The example project of the page, its values replaced by ones that the canary check knows. */
const keys = {
  '/': ['API_KEY', 'DB_PASSWORD'],
  '/my-app': ['SERVICE_PASSWORD', 'ADMIN_PASSWORD'],
};

describe("the manifests of ESO's page about Infisical", () => {
  it('log in with universal auth and fetch single secrets, a JSON property and an absolute path', async () => {
    const page = await startPage();
    await page.apply('universal-auth-credentials', 'universal-auth-store', 'fetch-individual');
    expect(await page.synced()).toEqual({
      API_KEY: page.value('API_KEY'),
      JSON_KEY: page.value('JSON_BLOB.key'),
      PASSWORD: page.value('SERVICE_PASSWORD'),
    });
    const store = await page.scene.stores.until(
      'infisical',
      'is valid',
      (one) => condition(one, 'Ready') !== undefined,
    );
    expect(condition(store, 'Ready')).toMatchObject({ status: 'True', reason: 'Valid' });
    expect(store.status?.capabilities).toBe('ReadWrite');
  });

  it('log in with a token', async () => {
    const page = await startPage();
    await page.apply('token-auth-credentials', 'token-auth-store', 'fetch-individual');
    expect(Object.keys(await page.synced()).sort()).toEqual(['API_KEY', 'JSON_KEY', 'PASSWORD']);
    expect(page.scene.double.requests.counts().byKind.login).toBe(0);
  });

  it('fetch all secrets of the folder', async () => {
    const page = await startPage();
    await page.apply('universal-auth-credentials', 'universal-auth-store', 'fetch-all');
    expect(await page.synced()).toEqual({
      API_KEY: page.value('API_KEY'),
      DB_PASSWORD: page.value('DB_PASSWORD'),
      JSON_BLOB: page.blob,
    });
  });

  it('fetch all secrets of the sub-folders too, with a store that is recursive', async () => {
    const page = await startPage();
    const store = await page.manifest('universal-auth-store');
    await page.scene.apply(withMember(store, ['spec', 'provider', 'infisical', 'secretsScope', 'recursive'], true));
    await page.apply('universal-auth-credentials', 'fetch-all');
    expect(await page.synced()).toEqual({
      API_KEY: page.value('API_KEY'),
      DB_PASSWORD: page.value('DB_PASSWORD'),
      JSON_BLOB: page.blob,
      SERVICE_PASSWORD: page.value('SERVICE_PASSWORD'),
      ADMIN_PASSWORD: page.value('ADMIN_PASSWORD'),
    });
  });

  it('filter by the path DB_', async () => {
    const page = await startPage();
    await page.apply('universal-auth-credentials', 'universal-auth-store', 'filter-by-path');
    expect(await page.synced()).toEqual({ DB_PASSWORD: page.value('DB_PASSWORD') });
  });

  it('trust the CA of an inline caBundle', async () => {
    const page = await startPage({ double: { tls: true } });
    await page.apply('universal-auth-credentials', 'ca-bundle-store', 'fetch-all');
    expect(Object.keys(await page.synced())).toContain('API_KEY');
  });

  it('trust the CA of a Secret named by caProvider', async () => {
    const page = await startPage({ double: { tls: true } });
    await page.scene.apply(caHolder('Secret', page.scene));
    await page.apply('universal-auth-credentials', 'ca-provider-store', 'fetch-all');
    expect(Object.keys(await page.synced())).toContain('API_KEY');
  });

  it('trust the CA of a ConfigMap named by caProvider', async () => {
    const page = await startPage({ double: { tls: true } });
    const store = await page.manifest('ca-provider-store');
    await page.scene.apply(
      caHolder('ConfigMap', page.scene),
      withMember(store, ['spec', 'provider', 'infisical', 'caProvider', 'type'], 'ConfigMap'),
    );
    await page.apply('universal-auth-credentials', 'fetch-all');
    expect(Object.keys(await page.synced())).toContain('API_KEY');
  });

  it('refuse the certificate of a private CA that nobody named', async () => {
    const page = await startPage({ double: { tls: true } });
    await page.apply('universal-auth-credentials', 'universal-auth-store', 'fetch-all');
    const failed = await page.scene.whenFailed('infisical-managed-secrets');
    expect(condition(failed, 'Ready')?.message).toContain('caBundle or caProvider');
    expect(page.scene.double.requests.counts().total).toBe(0);
  });

  it('serve a ClusterSecretStore with a namespace on every selector', async () => {
    const page = await startPage({ double: { tls: true } });
    await page.scene.apply(caHolder('Secret', page.scene), ...(await clusterWide(page)));
    await page.apply('universal-auth-credentials');
    expect(await page.synced()).toEqual({
      API_KEY: page.value('API_KEY'),
      JSON_KEY: page.value('JSON_BLOB.key'),
      PASSWORD: page.value('SERVICE_PASSWORD'),
    });
  });

  const names = ['universal-auth-credentials', 'universal-auth-store', 'fetch-individual'];
  it('apply as external-secrets.io/v1beta1 just the same', async () => {
    const page = await startPage();
    const texts = await Promise.all(names.map((name) => page.text(name)));
    await page.scene.apply(
      ...texts.map((text) => text.replace('external-secrets.io/v1\n', 'external-secrets.io/v1beta1\n')),
    );
    expect(Object.keys(await page.synced()).sort()).toEqual(['API_KEY', 'JSON_KEY', 'PASSWORD']);
  });
});

interface Page {
  readonly scene: Scene;
  /** The value of the page's JSON_BLOB. */
  readonly blob: string;
  value(key: string): string;
  /** A manifest of the page with its placeholders replaced. */
  text(name: string): Promise<string>;
  manifest(name: string): Promise<JsonObject>;
  apply(...names: readonly string[]): Promise<void>;
  /** The data of the page's Secret once its ExternalSecret is Ready. */
  synced(): Promise<Record<string, string>>;
}

type JsonObject = Readonly<Record<string, unknown>>;

async function startPage(options: SceneOptions = {}): Promise<Page> {
  const scene = await createScene('eso-page', options);
  onTestFinished(() => scene.end());
  const { double } = scene;
  const blob = JSON.stringify({ key: scene.value('JSON_BLOB.key') });
  double.projects.add({ slug: 'my-project' });
  for (const [path, names] of Object.entries(keys)) {
    for (const key of names) double.secrets.set({ environment: 'dev', path, key, value: scene.value(key) });
  }
  double.secrets.set({ environment: 'dev', key: 'JSON_BLOB', value: blob });
  const { clientId, clientSecret } = double.identities.add({
    name: 'page',
    universal: { clientSecrets: [{ secret: scene.value('client-secret') }] },
    access: { 'my-project': { role: 'viewer' } },
  });
  const replacements = {
    '<your-client-id>': clientId,
    '<your-client-secret>': clientSecret,
    '<your-access-token>': double.identities.issueToken('page'),
    'https://app.infisical.com': double.url,
    'https://my-infisical.example.com': double.url,
    'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t...': Buffer.from(double.caPem ?? '').toString('base64'),
  };
  const text = async (name: string) => {
    const printed = await readFile(join(folder, `${name}.yaml`), 'utf8');
    return Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), printed);
  };
  return {
    scene,
    blob,
    value: scene.value,
    text,
    manifest: async (name) => parse(await text(name)),
    apply: async (...names) => scene.apply(...(await Promise.all(names.map(text)))),
    async synced() {
      await scene.whenSynced('infisical-managed-secrets');
      return (await scene.secretData('auth-api')) ?? {};
    },
  };
}

/** The Secret or ConfigMap that the page's caProvider names. */
function caHolder(kind: 'Secret' | 'ConfigMap', { double }: Scene): Manifest {
  const content = { 'ca.crt': double.caPem };
  const metadata = { name: 'infisical-ca' };
  return { apiVersion: 'v1', kind, metadata, ...(kind === 'Secret' ? { stringData: content } : { data: content }) };
}

/** The page's store and ExternalSecret as a ClusterSecretStore would have them: a namespace wherever the page asks for one. */
async function clusterWide({ scene, manifest }: Page): Promise<Manifest[]> {
  const { namespace } = scene;
  let store = await manifest('ca-provider-store');
  for (const selector of [
    ['caProvider'],
    ['auth', 'universalAuthCredentials', 'clientId'],
    ['auth', 'universalAuthCredentials', 'clientSecret'],
  ]) {
    store = withMember(store, ['spec', 'provider', 'infisical', ...selector, 'namespace'], namespace);
  }
  store = withMember(store, ['spec', 'controller'], scene.controllerClass);
  const fetch = await manifest('fetch-individual');
  return [
    { ...store, kind: 'ClusterSecretStore', metadata: { name: namespace } },
    withMember(fetch, ['spec', 'secretStoreRef'], { kind: 'ClusterSecretStore', name: namespace }),
  ];
}

/** The object with one member set, deep inside. */
function withMember(object: JsonObject, [key = '', ...rest]: readonly string[], value: unknown): JsonObject {
  const inner = object[key] as JsonObject | undefined; // manifests hold objects on the way
  return { ...object, [key]: rest.length === 0 ? value : withMember(inner ?? {}, rest, value) };
}
