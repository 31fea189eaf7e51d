// What ESO's own suite asks of an ExternalSecret on a real API server, where no other file here asks it: policies over time,
// field owners, rewrites of keys, templates that are edited. Sources are stores of provider `fake`.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ApiObject } from '../support/kube-api.ts';
import type { SampleManifest } from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('policies');
});
afterAll(() => scene.end());

type Values = Readonly<Record<string, string>>;

const api = 'external-secrets.io/v1';
const managed = 'reconcile.external-secrets.io/managed';
const fake = (name: string, values: Values): SampleManifest => ({
  apiVersion: api,
  kind: 'SecretStore',
  metadata: { name },
  spec: { provider: { fake: { data: Object.entries(values).map(([key, value]) => ({ key, value })) } } },
});
const entries = (keys: Values) => Object.entries(keys).map(([secretKey, key]) => ({ secretKey, remoteRef: { key } }));

/** An ExternalSecret and its store of the same name, applied. */
async function put(name: string, values: Values, spec: object, metadata: object = {}): Promise<void> {
  await scene.put(fake(name, values), {
    apiVersion: api,
    kind: 'ExternalSecret',
    metadata: { name, ...metadata },
    spec: { secretStoreRef: { name }, ...spec },
  });
}

/** The same, synced. */
async function synced(name: string, values: Values, spec: object, metadata: object = {}): Promise<ApiObject> {
  await put(name, values, spec, metadata);
  return await scene.whenSynced(name);
}

const change = (name: string, values: Values) => scene.edit('SecretStore', name, { spec: fake(name, values)['spec'] });
const foreign = (name: string, stringData: Values, metadata: object = {}) =>
  scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata }, stringData });
const secretOf = (name: string) => scene.api.get(scene.address('Secret', name));
const data = (secret: ApiObject | undefined) => (secret === undefined ? undefined : decoded(secret));
const takeAway = (name: string) => scene.api.delete(scene.address('Secret', name));
const untilHas = (name: string, key: string, value: string) =>
  scene.secrets.until(name, `has ${key}=${value}`, (secret) => decoded(secret)[key] === value);
const one = { data: entries({ k: 'r' }) };

describe('a merged Secret', () => {
  const merge = { ...one, target: { creationPolicy: 'Merge' } };

  it('keeps what is not of the ExternalSecret, and shows under which manager each field was written', async () => {
    const name = 'merged-fields';
    await foreign(name, { theirs: '1' }, { labels: { theirs: 'l' }, annotations: { theirs: 'a' } });
    await synced(name, { r: 'v' }, merge, { labels: { ours: 'l' }, annotations: { ours: 'a' } });
    const secret = await secretOf(name);
    expect(data(secret)).toEqual({ theirs: '1', k: 'v' });
    expect(Object.keys(secret?.metadata.labels ?? {}).sort()).toEqual(['ours', managed, 'theirs']);
    expect(secret?.metadata.ownerReferences ?? []).toEqual([]);
    const mine = managedBy(secret, `externalsecrets.external-secrets.io/${name}`);
    expect(mine).toMatchObject({ 'f:data': { 'f:k': {} }, 'f:metadata': { 'f:labels': { 'f:ours': {} } } });
    expect(JSON.stringify(mine)).not.toContain('theirs');
  });

  it('has a hash over the keys of both, and gets its own key back when somebody overwrites it', async () => {
    const name = 'merged-hash';
    await foreign(name, { theirs: '1', k: 'before' });
    await synced(name, { r: 'v' }, merge);
    expect(await scene.secretData(name)).toEqual({ theirs: '1', k: 'v' });
    await scene.edit('Secret', name, { stringData: { theirs: '2' } });
    await scene.secrets.until(name, 'has a hash that was written for both', (secret) => {
      const [first] = scene.secrets.history(name);
      const hash = (each: ApiObject | undefined) =>
        each?.metadata.annotations?.['reconcile.external-secrets.io/data-hash'];
      return decoded(secret)['theirs'] === '2' && hash(secret) !== hash(first?.object) && hash(secret) !== undefined;
    });
    await scene.edit('Secret', name, { stringData: { k: 'other' } });
    await untilHas(name, 'k', 'v');
    const before = (await secretOf(name))?.metadata.resourceVersion;
    await scene.edit('SecretStore', name, { metadata: { labels: { touched: 'yes' } } });
    await pause(1_500);
    expect((await secretOf(name))?.metadata.resourceVersion).toBe(before);
  });

  it('loses the key that is gone at the source under deletionPolicy Merge, and no other', async () => {
    const name = 'merged-gone';
    await foreign(name, { theirs: '1' });
    await synced(name, { r: 'v' }, { ...one, target: { creationPolicy: 'Merge', deletionPolicy: 'Merge' } });
    await change(name, { other: 'x' });
    await scene.secrets.until(name, 'has lost the key', (secret) => !('k' in decoded(secret)));
    expect(await scene.secretData(name)).toEqual({ theirs: '1' });
  });
});

describe('a Secret that the ExternalSecret does not own', () => {
  it('stays when the ExternalSecret goes, and is overwritten when it comes back (Orphan, CreatedOnce)', async () => {
    const name = 'orphan-once';
    const spec = { ...one, refreshPolicy: 'CreatedOnce', target: { creationPolicy: 'Orphan' } };
    await synced(name, { r: 'first' }, spec);
    await change(name, { r: 'second' });
    await pause(1_000);
    expect(await scene.secretData(name)).toEqual({ k: 'first' });
    await scene.api.delete(scene.address('ExternalSecret', name));
    await scene.externalSecrets.untilGone(name);
    await pause(1_000);
    expect(await scene.secretData(name)).toEqual({ k: 'first' });
    await synced(name, { r: 'third' }, spec);
    await untilHas(name, 'k', 'third');
    await takeAway(name);
    await pause(1_500);
    expect(await scene.secretData(name)).toBeUndefined();
  });

  it('keeps its data when it is immutable, however often the ExternalSecret comes back', async () => {
    const name = 'orphan-frozen';
    const spec = { ...one, refreshPolicy: 'CreatedOnce', target: { creationPolicy: 'Orphan', immutable: true } };
    await synced(name, { r: 'first' }, spec);
    await scene.api.delete(scene.address('ExternalSecret', name));
    await scene.externalSecrets.untilGone(name);
    await synced(name, { r: 'second' }, spec);
    const secret = await secretOf(name);
    expect([data(secret), isImmutable(secret)]).toEqual([{ k: 'first' }, true]);
  });

  it('is made again at the interval under Orphan, frozen as before', async () => {
    const name = 'orphan-periodic';
    const target = { creationPolicy: 'Orphan', immutable: true };
    await synced(name, { r: 'v' }, { ...one, refreshInterval: '1s', target });
    const uid = (await secretOf(name))?.metadata.uid;
    await takeAway(name);
    const again = await scene.secrets.until(name, 'is another one', (secret) => secret.metadata.uid !== uid);
    expect(isImmutable(again)).toBe(true);
  });

  it('is made again at once under CreateOrMerge and CreatedOnce, and stays when the ExternalSecret goes', async () => {
    const name = 'create-or-merge';
    const target = { creationPolicy: 'CreateOrMerge', immutable: true };
    await synced(name, { r: 'v' }, { ...one, refreshPolicy: 'CreatedOnce', target });
    const uid = (await secretOf(name))?.metadata.uid;
    await takeAway(name);
    const again = await scene.secrets.until(name, 'is another one', (secret) => secret.metadata.uid !== uid);
    expect([decoded(again), isImmutable(again)]).toEqual([{ k: 'v' }, true]);
    await scene.api.delete(scene.address('ExternalSecret', name));
    await scene.externalSecrets.untilGone(name);
    await pause(1_000);
    expect(await scene.secretData(name)).toEqual({ k: 'v' });
  });

  it('keeps its keys when CreateOrMerge finds it', async () => {
    const name = 'found';
    await foreign(name, { theirs: '1' });
    await synced(name, { r: 'v' }, { ...one, target: { creationPolicy: 'CreateOrMerge' } });
    expect(await scene.secretData(name)).toEqual({ theirs: '1', k: 'v' });
  });
});

it('makes an owned immutable Secret again when it is taken away', async () => {
  const name = 'owned-frozen';
  await synced(name, { r: 'v' }, { ...one, refreshPolicy: 'CreatedOnce', target: { immutable: true } });
  const uid = (await secretOf(name))?.metadata.uid;
  await takeAway(name);
  const again = await scene.secrets.until(name, 'is another one', (secret) => secret.metadata.uid !== uid);
  expect([decoded(again), isImmutable(again)]).toEqual([{ k: 'v' }, true]);
});

it('takes a target name of more than 63 characters, and binds it', async () => {
  const target = `long-${'x'.repeat(100)}`;
  const es = await synced('long-name', { r: 'v' }, { ...one, target: { name: target } });
  expect(await scene.secretData(target)).toEqual({ k: 'v' });
  expect((es['status'] as { binding?: object }).binding).toEqual({ name: target });
});

describe('null bytes under nullBytePolicy Fail', () => {
  const nul = { r: 'a\0b', map: '{"k":"a\\u0000b"}' };
  it.each([
    ['remoteRef', { data: [{ secretKey: 'k', remoteRef: { key: 'r', nullBytePolicy: 'Fail' } }] }],
    ['extract', { dataFrom: [{ extract: { key: 'map', nullBytePolicy: 'Fail' } }] }],
    ['find', { dataFrom: [{ find: { name: { regexp: '^r$' }, nullBytePolicy: 'Fail' } }] }],
  ])('fail in %s, and no Secret is made', async (where, spec) => {
    const name = `null-${where.toLowerCase()}`;
    await put(name, nul, spec);
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.reason).toBe('SecretSyncedError');
    expect(await scene.secretData(name)).toBeUndefined();
  });
});

describe('keys of a map', () => {
  it('go when they are gone at the source, also beside an empty template', async () => {
    for (const [name, target] of [
      ['map', {}],
      ['map-template', { template: {} }],
    ] as const) {
      await synced(name, { r: '{"a":"1","b":"2"}' }, { dataFrom: [{ extract: { key: 'r' } }], target });
      expect(await scene.secretData(name)).toEqual({ a: '1', b: '2' });
      await change(name, { r: '{"a":"1"}' });
      await scene.secrets.until(name, 'has lost the key', (secret) => !('b' in decoded(secret)));
      expect(await scene.secretData(name)).toEqual({ a: '1' });
    }
  });

  it('come twice under two names when two entries rewrite them', async () => {
    const entry = (target: string) => ({ extract: { key: 'r' }, rewrite: [{ regexp: { source: '^', target } }] });
    await synced('twice', { r: '{"a":"1"}' }, { dataFrom: [entry('x_'), entry('y_')] });
    expect(await scene.secretData('twice')).toEqual({ x_a: '1', y_a: '1' });
  });

  it('come from two stores in one ExternalSecret', async () => {
    await scene.put(fake('second', { r: '{"b":"2"}' }));
    const sourceRef = { storeRef: { name: 'second' } };
    await synced(
      'both',
      { r: '{"a":"1"}' },
      { dataFrom: [{ extract: { key: 'r' } }, { extract: { key: 'r' }, sourceRef }] },
    );
    expect(await scene.secretData('both')).toEqual({ a: '1', b: '2' });
  });

  it.each([
    ['extract', { extract: { key: 'r' } }, { r: '{"a/b":"1"}' }],
    ['find', { find: { name: { regexp: '.*' } } }, { 'a b': '1' }],
  ])('are not converted where an entry rewrites them: %s fails', async (what, source, values) => {
    const name = `identity-${what}`;
    const rewrite = [{ regexp: { source: '(.*)', target: what === 'find' ? '$1/' : '$1' } }];
    await put(name, values, { dataFrom: [{ ...source, rewrite }] });
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('rewrite');
    expect(await scene.secretData(name)).toBeUndefined();
  });
});

describe('a template', () => {
  const template = (text: string, metadata = {}) => ({ target: { template: { data: { out: text }, ...metadata } } });

  it('that is edited changes data, labels and annotations of the Secret', async () => {
    const name = 'edited-template';
    await synced(name, { r: 'v' }, { ...one, ...template('1 {{ .k }}', { metadata: { labels: { l: '1' } } }) });
    expect(await scene.secretData(name)).toEqual({ out: '1 v' });
    const metadata = { labels: { l: null, m: '2' }, annotations: { n: '{{ .k }}' } };
    await scene.edit('ExternalSecret', name, { spec: template('2 {{ .k }}', { metadata }) });
    await untilHas(name, 'out', '2 v');
    const secret = await secretOf(name);
    expect([secret?.metadata.labels?.['l'], secret?.metadata.labels?.['m']]).toEqual([undefined, '2']);
    expect(secret?.metadata.annotations).toMatchObject({ n: 'v' });
  });

  it('of metadata and a type alone copies the values as they are', async () => {
    const name = 'typed';
    const tls = { type: 'kubernetes.io/tls', metadata: { labels: { l: '1' } } };
    const values = { r: '{"tls.crt":"c","tls.key":"k"}' };
    await synced(name, values, { dataFrom: [{ extract: { key: 'r' } }], target: { template: tls } });
    const secret = await secretOf(name);
    expect([data(secret), secret?.['type']]).toEqual([{ 'tls.crt': 'c', 'tls.key': 'k' }, 'kubernetes.io/tls']);
    expect(secret?.metadata.labels?.['l']).toBe('1');
  });
});

it('warns of a pair of policies that ESO’s webhook refuses, and serves it', async () => {
  const name = 'doubted';
  await foreign(name, { theirs: '1' });
  await synced(name, { r: 'v' }, { ...one, target: { creationPolicy: 'Merge', deletionPolicy: 'Delete' } });
  expect(await scene.secretData(name)).toEqual({ theirs: '1', k: 'v' });
  await until('the warning is there', () =>
    scene.eventsOf('ExternalSecret', name).some(({ type, reason }) => type === 'Warning' && reason === 'InvalidSpec'),
  );
});

it.skipIf(!inject('controlPlane').hasControllerManager)(
  'keeps an Orphan when the ExternalSecret is gone for long',
  async () => {
    const name = 'orphan-kept';
    await synced(name, { r: 'v' }, { ...one, target: { creationPolicy: 'Orphan' } });
    await scene.api.delete(scene.address('ExternalSecret', name));
    await scene.externalSecrets.untilGone(name);
    await pause(5_000);
    expect(await scene.secretData(name)).toEqual({ k: 'v' });
  },
);

function isImmutable(secret: ApiObject | undefined): boolean {
  return (secret as { readonly immutable?: boolean } | undefined)?.immutable === true;
}

/** What the fields of a manager are, as the API server keeps them. */
function managedBy(secret: ApiObject | undefined, manager: string): unknown {
  const { managedFields = [] } = (secret?.metadata ?? {}) as {
    managedFields?: readonly { manager?: string; fieldsV1?: unknown }[];
  };
  return managedFields.find((entry) => entry.manager === manager)?.fieldsV1;
}
