// Targets by template on a real API server: the manifests of docs/guides/templates.md, what wakes a dependent, what an
// error says, and what a template is refused.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, until } from '../support/wait.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'manifests');
const manifest = (name: string) => readFile(join(folder, name), 'utf8');

let scene: Scene;

/** A PKCS#12 file that Go wrote, with what is in it. */
interface KeyStore {
  readonly file: string;
  readonly password: string;
  readonly key: string;
  readonly certificates: string;
}

const recorded = join(import.meta.dirname, '..', '..', 'src', 'core', 'template', 'testdata', 'keys.json');
const { stores } = JSON.parse(await readFile(recorded, 'utf8')) as { readonly stores: readonly KeyStore[] }; // as recorded
const keyStore = stores.find(({ password, certificates }) => password !== '' && certificates.split('BEGIN').length > 2);

beforeAll(async () => {
  scene = await createScene('templates');
  await scene.apply(
    await manifest('template.yaml'),
    await manifest('template-from.yaml'),
    await manifest('template-many.yaml'),
    withKeys(await manifest('template-certificates.yaml')),
  );
});

function withKeys(text: string): string {
  if (keyStore === undefined) throw new Error('no key store with a password and a chain');
  // The key last and the root first: functions find them wherever they stand.
  const chain = `${keyStore.certificates
    .split(/(?=-----BEGIN)/)
    .reverse()
    .join('')}${keyStore.key}`;
  return text
    .replace('"a PKCS#12 file in Base64"', JSON.stringify(keyStore.file))
    .replace('"its password"', JSON.stringify(keyStore.password))
    .replace('"a key and certificates in PEM"', JSON.stringify(chain));
}

afterAll(() => scene.end());

const secret = (name: string) => scene.api.get(scene.address('Secret', name));

function templated(name: string, template: object) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret' as const,
    metadata: { name, labels: { own: 'label' } },
    spec: {
      refreshInterval: '1h',
      secretStoreRef: { name: 'template-values' },
      target: { template },
      data: [{ secretKey: 'user', remoteRef: { key: 'user' } }],
    },
  };
}

describe('the guide', () => {
  it('makes a configuration file of two values', async () => {
    await scene.whenSynced('config-file');
    expect(await scene.secretData('config-file')).toEqual({
      'config.yaml': 'database:\n  user: ada\n  url: postgres://ada:lovelace@db:5432/shop\n',
    });
    expect((await secret('config-file'))?.metadata.labels).toMatchObject({ app: 'web' });
  });

  it('makes a Secret for a registry', async () => {
    await scene.whenSynced('registry');
    expect(await secret('registry')).toMatchObject({ type: 'kubernetes.io/dockerconfigjson' });
    expect(await scene.secretData('registry')).toEqual({
      '.dockerconfigjson': '{"auths":{"registry.example.com":{"username":"ada","password":"lovelace"}}}',
    });
  });

  it('makes a Secret for TLS of a PKCS#12 file', async () => {
    await scene.whenSynced('tls-from-bundle');
    expect(await secret('tls-from-bundle')).toMatchObject({ type: 'kubernetes.io/tls' });
    expect(await scene.secretData('tls-from-bundle')).toEqual({
      'tls.crt': keyStore?.certificates,
      'tls.key': keyStore?.key,
    });
  });

  it('takes a chain in PEM apart', async () => {
    await scene.whenSynced('tls-from-chain');
    const { 'tls.crt': leaf = '', 'ca.crt': root = '', ...rest } = (await scene.secretData('tls-from-chain')) ?? {};
    expect(rest).toEqual({ 'tls.key': keyStore?.key });
    const [certificate, authority] = [new X509Certificate(leaf), new X509Certificate(root)];
    expect([certificate.ca, authority.ca]).toEqual([false, true]);
    expect(leaf.split('BEGIN CERTIFICATE')).toHaveLength(2);
    expect(root.split('BEGIN CERTIFICATE')).toHaveLength(2);
    expect(certificate.checkPrivateKey(createPrivateKey(rest['tls.key'] ?? ''))).toBe(true);
  });

  it('makes one file of many values', async () => {
    await scene.whenSynced('settings');
    const { 'settings.yaml': file = '' } = (await scene.secretData('settings')) ?? {};
    expect(parse(file)).toEqual({
      log: 'info',
      database: { host: 'db.example.com', port: 5432, user: 'ada' },
      services: { mail: 'first', search: 'second' },
    });
  });

  it('takes templates from a ConfigMap, and follows it', async () => {
    await scene.whenSynced('template-from');
    expect(await scene.secretData('template-from')).toEqual({
      user: 'ada',
      'app.ini': '[login]\nuser = ada\n',
      greeting: 'hello ada',
      retries: '3',
    });
    expect((await secret('template-from'))?.metadata.labels).toMatchObject({ login: 'ada' });
    await scene.apply((await manifest('template-from.yaml')).replace('greeting: hello', 'greeting: goodbye'));
    await until(
      'the edit shows',
      async () => (await scene.secretData('template-from'))?.['greeting'] === 'goodbye ada',
    );
  });
});

describe('a template', () => {
  it('keeps labels of the ExternalSecret off the target, even when it is empty', async () => {
    await scene.put(templated('empty', {}));
    await scene.whenSynced('empty');
    expect(await scene.secretData('empty')).toEqual({ user: 'ada' });
    expect((await secret('empty'))?.metadata.labels).not.toHaveProperty('own');
  });

  it('that fails says where, and which key was meant, and leaves the Secret as it is', async () => {
    await scene.put(templated('failing', { data: { a: 'first' } }));
    await scene.whenSynced('failing');
    await scene.put(templated('failing', { data: { a: 'x\n{{ .usr }}' } }));
    const failed = await scene.whenFailed('failing');
    expect(condition(failed, 'Ready')?.message).toMatch(/data\["a"\].*a:2:3.*did you mean "user"/);
    expect(await scene.secretData('failing')).toEqual({ a: 'first' });
  });

  it('is rendered as soon as the ConfigMap that it misses is made', async () => {
    const templateFrom = [{ configMap: { name: 'late', items: [{ key: 'k' }] } }];
    await scene.put(templated('waiting', { templateFrom }));
    const failed = await scene.whenFailed('waiting');
    expect(condition(failed, 'Ready')?.message).toContain('ConfigMap "late" does not exist');
    await scene.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' }, data: { k: '{{ .user }}' } });
    await scene.whenSynced('waiting', 10_000);
    expect(await scene.secretData('waiting')).toEqual({ k: 'ada' });
  });

  it.each<[string, object]>([
    ['a token of a ServiceAccount', { type: 'kubernetes.io/service-account-token' }],
    [
      'the name of a ServiceAccount',
      { metadata: { annotations: { 'kubernetes.io/service-account.name': 'default' } } },
    ],
    ['a label by which Argo CD takes the Secret', { metadata: { labels: { 'argocd.argoproj.io/instance': 'x' } } }],
    ['a finalizer of Kubernetes', { metadata: { finalizers: ['foregroundDeletion'] } }],
  ])('must not make %s', async (why, template) => {
    const name = `refused-${why.length}`;
    await scene.put(templated(name, template));
    await scene.whenFailed(name);
    expect(await scene.secretData(name)).toBeUndefined();
  });

  it('that is a bomb fails alone', async () => {
    await scene.put(
      templated('bomb', { data: { a: '{{ range 100000000 }}{{ range 100000000 }}x{{ end }}{{ end }}' } }),
    );
    expect(condition(await scene.whenFailed('bomb'), 'Ready')?.message).toMatch(/steps/);
    await scene.put(templated('beside-the-bomb', { data: { a: 'still served' } }));
    await scene.whenSynced('beside-the-bomb');
  });

  it('names keys that a rewrite with transform gives', async () => {
    const { spec, ...rest } = templated('transformed', {});
    const dataFrom = [
      { find: { name: { regexp: '^user$' } }, rewrite: [{ transform: { template: 'app-{{ .value }}' } }] },
    ];
    await scene.put({ ...rest, spec: { ...spec, data: [], dataFrom } });
    await scene.whenSynced('transformed');
    expect(await scene.secretData('transformed')).toEqual({ 'app-user': 'ada' });
  });
});

describe('a template under each policy', () => {
  const text = { data: { greeting: 'hello {{ .user }}' } };
  const under = (name: string, policy: string, template: object = text) => {
    const { spec, ...rest } = templated(name, template);
    return { ...rest, spec: { ...spec, target: { ...spec.target, creationPolicy: policy } } };
  };
  const foreign = (name: string) =>
    scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { theirs: 'kept' } });

  it.each(['Owner', 'Orphan', 'CreateOrMerge'])('%s makes the Secret', async (policy) => {
    const name = `made-under-${policy.toLowerCase()}`;
    await scene.put(under(name, policy));
    await scene.whenSynced(name);
    expect(await scene.secretData(name)).toEqual({ greeting: 'hello ada' });
  });

  it.each(['Merge', 'CreateOrMerge'])('%s leaves the keys of others', async (policy) => {
    const name = `merged-under-${policy.toLowerCase()}`;
    await foreign(name);
    await scene.put(under(name, policy));
    await scene.whenSynced(name);
    expect(await scene.secretData(name)).toEqual({ theirs: 'kept', greeting: 'hello ada' });
  });

  it('None makes nothing', async () => {
    await scene.put(under('none', 'None'));
    await scene.whenSynced('none');
    expect(await scene.secretData('none')).toBeUndefined();
  });

  it('beside the values themselves with mergePolicy Merge', async () => {
    await scene.put(under('beside', 'Owner', { ...text, mergePolicy: 'Merge' }));
    await scene.whenSynced('beside');
    expect(await scene.secretData('beside')).toEqual({ user: 'ada', greeting: 'hello ada' });
  });

  it('takes what a generator gives', async () => {
    await scene.apply({
      apiVersion: 'generators.external-secrets.io/v1alpha1',
      kind: 'Fake',
      metadata: { name: 'given' },
      spec: { data: { token: 't0ken' } },
    });
    const { spec, ...rest } = templated('of-generator', { data: { login: '{{ .user }}:{{ .token }}' } });
    const generatorRef = { apiVersion: 'generators.external-secrets.io/v1alpha1', kind: 'Fake', name: 'given' };
    await scene.put({ ...rest, spec: { ...spec, dataFrom: [{ sourceRef: { generatorRef } }] } });
    await scene.whenSynced('of-generator');
    expect(await scene.secretData('of-generator')).toEqual({ login: 'ada:t0ken' });
  });
});
