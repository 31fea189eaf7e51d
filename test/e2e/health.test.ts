// What Argo CD and Flux conclude from an ExternalSecret in every state that the API server ever showed of it: never done before
// the present generation is written, failed with the cause where nothing helps, and never out of sync with what was applied.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { argoHealth, kstatus } from '../support/gitops-health.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause } from '../support/wait.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('health');
});
afterAll(() => scene.end());

const api = 'external-secrets.io/v1';
const fake = (name: string) => ({
  apiVersion: api,
  kind: 'SecretStore' as const,
  metadata: { name },
  spec: {
    provider: {
      fake: {
        data: [
          { key: 'a', value: '1' },
          { key: 'b', value: '2' },
        ],
      },
    },
  },
});
const consumer = (name: string, spec: object = {}) => ({
  apiVersion: api,
  kind: 'ExternalSecret' as const,
  metadata: { name },
  spec: {
    refreshInterval: '1h',
    secretStoreRef: { name },
    data: [{ secretKey: 'k', remoteRef: { key: 'a' } }],
    ...spec,
  },
});

const judged = (object: ApiObject) => `${argoHealth(object)} ${kstatus(object)}`;
const states = (name: string) => scene.externalSecrets.history(name).map(({ object }) => object);
const isWritten = ({ metadata, status }: ApiObject) =>
  (status?.syncedResourceVersion ?? '').startsWith(`${metadata.generation}-`);

/** States that a tool would take for done, although the present generation is not written. */
function tooEarly(name: string): readonly string[] {
  return states(name).flatMap((object, i, all) => {
    if (isWritten(object)) return [];
    // An edit by itself leaves the status as it was: what counts is what the operator makes of it.
    const isEdit = i > 0 && all[i - 1]?.metadata.generation !== object.metadata.generation;
    const isCurrent = kstatus(object) === 'Current';
    const isHealthy = argoHealth(object) === 'Healthy' && !isEdit;
    return isCurrent || isHealthy ? [judged(object)] : [];
  });
}

describe('a tool that waits', () => {
  it('is never told too early that a new object is done, nor an edited one', async () => {
    const name = 'edited';
    await scene.put(fake(name), consumer(name));
    expect(judged(await scene.whenSynced(name))).toBe('Healthy Current');
    for (const key of ['b', 'a', 'b']) {
      await scene.edit('ExternalSecret', name, { spec: { data: [{ secretKey: 'k', remoteRef: { key } }] } });
      expect(judged(await scene.whenSynced(name))).toBe('Healthy Current');
    }
    expect(states(name).length).toBeGreaterThan(8);
    expect(tooEarly(name)).toEqual([]);
    expect(states(name).map((object) => condition(object, 'Ready')?.status)).not.toContain('Unknown');
  });

  it('hears of an object whose store comes later: failed with the cause, then done', async () => {
    const name = 'late';
    await scene.put(consumer(name));
    const failed = await scene.whenFailed(name);
    expect(judged(failed)).toBe('Degraded Failed');
    for (const type of ['Ready', 'Stalled']) expect(condition(failed, type)?.message).toContain(`"${name}"`);
    await scene.put(fake(name));
    expect(judged(await scene.whenSynced(name))).toBe('Healthy Current');
    expect(tooEarly(name)).toEqual([]);
  });

  it('hears of a key that is missing after an edit, and of its end', async () => {
    const name = 'missing';
    await scene.put(fake(name), consumer(name));
    await scene.whenSynced(name);
    await scene.edit('ExternalSecret', name, { spec: { data: [{ secretKey: 'k', remoteRef: { key: 'gone' } }] } });
    const failed = await scene.whenFailed(name);
    expect(judged(failed)).toBe('Degraded InProgress');
    expect(condition(failed, 'Ready')?.message).toContain('gone');
    await scene.edit('ExternalSecret', name, { spec: { data: [{ secretKey: 'k', remoteRef: { key: 'b' } }] } });
    expect(judged(await scene.whenSynced(name))).toBe('Healthy Current');
    expect(tooEarly(name)).toEqual([]);
  });

  it('takes each sync under OnChange for done, also those without a new generation', async () => {
    const name = 'on-change';
    await scene.put(fake(name), consumer(name, { refreshPolicy: 'OnChange' }));
    await scene.whenSynced(name);
    for (const value of ['1', '2']) {
      await pause(1_100); // times have whole seconds
      const before = scene.externalSecrets.get(name)?.status?.refreshTime ?? '';
      await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': value } } });
      const after = await scene.externalSecrets.until(
        name,
        'is refreshed',
        ({ status }) => (status?.refreshTime ?? '') > before,
      );
      expect(judged(after)).toBe('Healthy Current');
    }
  });
});

it('leaves all but the status of an object as it was applied', async () => {
  const name = 'applied';
  const rewrite = [{ merge: {} }];
  const dataFrom = [{ find: { name: { regexp: '^none$' } }, rewrite }, { extract: { key: 'json' } }];
  const store = fake(name);
  const data = [...store.spec.provider.fake.data, { key: 'json', value: '{"x":"y"}' }];
  await scene.put(
    { ...store, spec: { provider: { fake: { data } } } },
    consumer(name, { refreshInterval: '90m', dataFrom }),
  );
  const [first] = states(name);
  const synced = await scene.whenSynced(name);
  expect(synced.spec).toEqual(first?.spec);
  expect(synced.spec).toMatchObject({ refreshInterval: '90m', dataFrom });
  const { labels, annotations, finalizers, generation } = synced.metadata;
  expect([labels, annotations, finalizers, generation]).toEqual([undefined, undefined, undefined, 1]);
});
