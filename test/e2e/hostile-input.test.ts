// Input that is strange rather than mistaken: names that mean something to JavaScript, values at the limits, paths that try
// to climb, floods. It is taken as it is, or refused by name; it never costs a Secret, and never stops the operator.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials, entry, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

const mebibyte = 1_048_576;

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('hostile');
  const reader = plantSample(scene);
  await scene.put(credentials('credentials', reader), store({ name: 'store', hostAPI: scene.double.url }));
});

afterAll(() => scene.end());

describe('names of keys', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'that mean something to JavaScript are names like any other: %s',
    async (key) => {
      const name = `key-${key.replaceAll('_', '').toLowerCase()}`;
      put(`/${name}`, key, 'own');
      await scene.put(storeAt(name), found(name));
      await scene.whenSynced(name);
      expect(Object.entries((await scene.secretData(name)) ?? {})).toEqual([[key, scene.value('own')]]);
    },
  );

  it('that no Secret can hold are converted, as ESO does', async () => {
    const name = 'key-converted';
    put(`/${name}`, 'with space & more', 'spaced');
    await scene.put(storeAt(name), found(name));
    await scene.whenSynced(name);
    expect(await scene.secretData(name)).toEqual({ with_space___more: scene.value('spaced') });
  });

  it('that become one by conversion are refused by name', async () => {
    const name = 'key-collision';
    put(`/${name}`, 'a b', 'first');
    put(`/${name}`, 'a&b', 'second');
    await scene.put(storeAt(name), found(name));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('a_b');
  });

  it('that no Secret can hold are refused by the conversion that is none', async () => {
    const name = 'key-too-long';
    const key = 'K'.repeat(254);
    put(`/${name}`, key, 'long');
    await scene.put(storeAt(name), found(name));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('253');
    expect(scene.secrets.get(name)).toBeUndefined();
  });
});

describe('values', () => {
  it('arrive byte for byte, whatever they hold', async () => {
    const name = 'value-bytes';
    const texts = {
      EMPTY: '',
      CONTROL: 'a\u0000b\u0007c',
      LINES: 'a\r\nb\n',
      UNICODE: '\ufeffgrüße 🔑',
      JSON: '{"a": "\\u0000"}',
    };
    for (const [key, value] of Object.entries(texts)) {
      scene.double.secrets.set({
        environment: 'dev',
        path: `/${name}`,
        key,
        value: `${scene.value('x')}${value}${scene.value('y')}`,
      });
    }
    await scene.put(storeAt(name), found(name));
    await scene.whenSynced(name);
    const expected = Object.entries(texts).map(([key, value]) => [
      key,
      `${scene.value('x')}${value}${scene.value('y')}`,
    ]);
    expect(await scene.secretData(name)).toEqual(Object.fromEntries(expected));
  });

  it('as large as a Secret can be are written, larger ones are refused with their size, and the Secret stays', async () => {
    const name = 'value-large';
    const large = (bytes: number) => scene.value('').padEnd(bytes, 'x');
    const set = (bytes: number) =>
      scene.double.secrets.set({ environment: 'dev', path: `/${name}`, key: 'BIG', value: large(bytes) });
    set(mebibyte - 1_024);
    await scene.put(storeAt(name), found(name, { refreshInterval: '1s' }));
    await scene.whenSynced(name);
    set(mebibyte + 1);
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain(String(mebibyte + 1));
    expect((await scene.secretData(name))?.['BIG']).toHaveLength(mebibyte - 1_024);
    set(10);
    await scene.whenSynced(name);
  });
});

describe('paths in keys', () => {
  it.each(['/my-app/../API_KEY', '/%2e%2e/API_KEY', '/my-app/x?secretPath=/', '/my-app\n/API_KEY'])(
    'that are no path are not followed: %j',
    async (key) => {
      const name = `path-${Buffer.from(key).toString('hex').slice(0, 40)}`;
      const asked = scene.double.requests.recent().length;
      await scene.put(externalSecret({ name, spec: { data: [entry('value', key)] } }));
      await scene.whenFailed(name);
      expect(scene.secrets.get(name)).toBeUndefined();
      const urls = scene.double.requests
        .recent()
        .slice(asked)
        .map(({ url }) => decodeURIComponent(url));
      expect(urls.filter((url) => url.includes('..'))).toEqual([]);
    },
  );
});

describe('refresh intervals', () => {
  it.each(['1d', '', '10', '1h-', 'PT1H'])('that Go would not parse are refused: %j', async (refreshInterval) => {
    const name = `interval-${Buffer.from(refreshInterval).toString('hex') || 'empty'}`;
    await scene.put(externalSecret({ name, spec: { refreshInterval } }));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('spec.refreshInterval');
  });

  it('far too short do not turn into a storm of requests', async () => {
    const name = 'interval-short';
    put(`/${name}`, 'KEY', 'value');
    await scene.put(storeAt(name), found(name, { refreshInterval: '1ns' }));
    await scene.whenSynced(name);
    const scope = Object.keys(scene.double.requests.counts().byScope).find((one) => one.endsWith(`/${name}`)) ?? '';
    const listed = () => scene.double.requests.counts().byScope[scope]?.list ?? 0;
    const before = listed();
    await pause(3_000);
    expect(listed() - before).toBeGreaterThan(0);
    expect(listed() - before).toBeLessThanOrEqual(5);
  });

  it('below zero or centuries long are taken as never and as seldom', async () => {
    for (const [name, refreshInterval] of Object.entries({ 'interval-negative': '-1s', 'interval-long': '2000000h' })) {
      await scene.put(externalSecret({ name, spec: { refreshInterval } }));
      await scene.whenSynced(name);
    }
  });
});

describe('a flood of force-syncs', () => {
  it('is answered with few requests, and ends with the last one', async () => {
    const name = 'flood';
    put(`/${name}`, 'KEY', 'value');
    await scene.put(storeAt(name), found(name));
    await scene.whenSynced(name);
    const before = scene.double.requests.counts().byKind.list;
    const edits = 100;
    for (let i = 1; i <= edits; i++) {
      const patch = { metadata: { annotations: { 'force-sync': String(i) } } };
      await scene.api.patch(scene.address('ExternalSecret', name), patch);
    }
    await until('the last one has reached the Secret', () => {
      return scene.secrets.get(name)?.metadata.annotations?.['force-sync'] === String(edits);
    });
    expect(scene.double.requests.counts().byKind.list - before).toBeLessThan(edits / 2);
    await scene.whenSynced(name);
  });
});

/** Puts a value into a folder of the double. */
function put(path: string, key: string, label: string): void {
  scene.double.secrets.set({ environment: 'dev', path, key, value: scene.value(label) });
}

/** A store of the folder `/<name>`. */
function storeAt(name: string) {
  return store({ name, hostAPI: scene.double.url, scope: { secretsPath: `/${name}` } });
}

/** An ExternalSecret with all that the store of its name has. */
function found(name: string, spec: Readonly<Record<string, unknown>> = {}) {
  const dataFrom = [{ find: { name: { regexp: '.*' } } }];
  return externalSecret({ name, storeRef: { name }, spec: { dataFrom, ...spec } });
}
