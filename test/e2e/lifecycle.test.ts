// The life of an ExternalSecret on a real API server: what is repaired, followed, refused and cleaned up, and when.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { IdentityView } from '../support/infisical-double/identities.ts';
import { type ApiObject, ApiRefusal } from '../support/kube-api.ts';
import {
  clusterStore,
  credentials,
  entry,
  externalSecret,
  plantSample,
  type SampleManifest,
  store,
} from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { type Sentinel, startSentinel } from '../support/sentinel.ts';
import { collectedWithinMs, condition, follow, isFailed, isReady, patienceMs, pause, until } from '../support/wait.ts';

/** What DESIGN calls "within 2 s", five times as generous. */
const repairedWithinMs = 10_000;

let scene: Scene;
let reader: IdentityView;
let sentinel: Sentinel;

beforeAll(async () => {
  scene = await createScene('lifecycle');
  reader = plantSample(scene);
  await scene.put(credentials('credentials', reader), storeNamed('store'));
  sentinel = await startSentinel(scene);
});

afterAll(() => scene.end());

describe('drift of the Secret', () => {
  const drifts: readonly { why: string; name: string; drift: (name: string) => Promise<unknown> }[] = [
    {
      why: 'its data is edited',
      name: 'drift-data',
      drift: (name) => scene.edit('Secret', name, { data: { value: Buffer.from('edited').toString('base64') } }),
    },
    {
      why: 'a key is added to it',
      name: 'drift-key',
      drift: (name) => scene.edit('Secret', name, { data: { more: Buffer.from('added').toString('base64') } }),
    },
    { why: 'it is deleted', name: 'drift-deleted', drift: (name) => scene.api.delete(scene.address('Secret', name)) },
    {
      why: 'its managed label is stripped',
      name: 'drift-label',
      drift: (name) =>
        scene.edit('Secret', name, { metadata: { labels: { 'reconcile.external-secrets.io/managed': null } } }),
    },
  ];
  it.each(drifts)('is repaired at once when $why', async ({ name, drift }) => {
    await scene.put(externalSecret({ name }));
    await scene.whenSynced(name);
    const before = scene.secrets.history(name).length;
    await drift(name);
    await scene.secrets.until(
      name,
      'is as it was',
      (one) =>
        scene.secrets.history(name).length > before + 1 &&
        one.metadata.labels?.['reconcile.external-secrets.io/managed'] === 'true' &&
        JSON.stringify(decoded(one)) === JSON.stringify({ value: scene.value('api-key') }),
      repairedWithinMs,
    );
    expect(isReady(await current(name))).toBe(true);
  });
});

describe('a change at the provider', () => {
  it('reaches the Secret at the refresh interval', async () => {
    const name = 'refreshed';
    put('REFRESHED', 'old');
    await scene.put(externalSecret({ name, spec: { refreshInterval: '1s', data: [entry('value', 'REFRESHED')] } }));
    await scene.whenSynced(name);
    put('REFRESHED', 'new');
    await untilValue(name, 'new');
  });

  it('reaches the Secret by force-sync long before the interval', async () => {
    const name = 'forced';
    put('FORCED', 'old');
    await scene.put(externalSecret({ name, spec: { data: [entry('value', 'FORCED')] } }));
    const { status } = await scene.whenSynced(name);
    await pause(1_000); // refreshTime counts whole seconds
    put('FORCED', 'new');
    await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
    await untilValue(name, 'new');
    const after = await scene.externalSecrets.until(
      name,
      'is refreshed',
      (one) => one.status?.refreshTime !== status?.refreshTime,
    );
    expect(isReady(after)).toBe(true);
  });

  it('reaches the Secret with refreshInterval 0 by force-sync, and not before', async () => {
    const name = 'never';
    put('NEVER', 'old');
    await scene.put(externalSecret({ name, spec: { refreshInterval: '0', data: [entry('value', 'NEVER')] } }));
    await scene.whenSynced(name);
    put('NEVER', 'new');
    await sentinel.follows(2);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('old') });
    expect(isReady(await current(name))).toBe(true);
    await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
    await untilValue(name, 'new');
  });

  it('is followed at the new interval after an edit of it', async () => {
    const name = 'faster';
    put('FASTER', 'old');
    await scene.put(externalSecret({ name, spec: { refreshInterval: '1h', data: [entry('value', 'FASTER')] } }));
    await scene.whenSynced(name);
    await scene.edit('ExternalSecret', name, { spec: { refreshInterval: '1s' } });
    await scene.whenSynced(name);
    put('FASTER', 'new');
    await untilValue(name, 'new');
  });

  it('keeps the Secret when the key is gone, says so, and recovers when it is back', async () => {
    const name = 'gone';
    put('GONE', 'old');
    await scene.put(externalSecret({ name, spec: { refreshInterval: '1s', data: [entry('value', 'GONE')] } }));
    await scene.whenSynced(name);
    scene.double.secrets.delete({ environment: 'dev', key: 'GONE' });
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')).toMatchObject({ reason: 'SecretSyncedError' });
    expect(condition(failed, 'Ready')?.message).toContain('"GONE"');
    expect(await scene.secretData(name)).toEqual({ value: scene.value('old') });
    put('GONE', 'new');
    await untilValue(name, 'new');
    await scene.whenSynced(name);
  });
});

describe('an edit of the spec', () => {
  it('is synced, and Ready is withdrawn before it is', async () => {
    const name = 'edited';
    await scene.put(externalSecret({ name }));
    await scene.whenSynced(name);
    // The answer takes a while, so that there is something to see in between.
    const slow = scene.double.faults.add({ kind: 'latency', delayMs: 700, when: { routes: ['list', 'get'] } });
    await scene.edit('ExternalSecret', name, { spec: { data: [entry('value', 'DB_PASSWORD')] } });
    await scene.whenSynced(name);
    scene.double.faults.remove(slow);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('db-password') });
    const states = scene.externalSecrets.history(name).map(({ object }) => object);
    const edited = states.filter(({ metadata }) => metadata.generation === 2);
    // The first state is the edit itself, before anybody could react to it; from our first write on it is never green for
    // what was not synced.
    const [, withdrawn, ...rest] = edited;
    expect(withdrawn?.status).toMatchObject({
      observedGeneration: 2,
      conditions: [{ type: 'Reconciling', status: 'True' }],
    });
    expect(
      rest.map((one) => condition(one, 'Ready')).filter((ready) => ready && ready.observedGeneration !== 2),
    ).toEqual([]);
    expect(states.at(-1)?.status).toMatchObject({ observedGeneration: 2 });
    expect(condition(states.at(-1), 'Reconciling')).toBeUndefined();
  });

  it('that renames the target writes the new Secret and removes the old one, which is its own', async () => {
    const name = 'renamed';
    await scene.put(externalSecret({ name, spec: { target: { name: 'renamed-old' } } }));
    await scene.whenSynced(name);
    await scene.edit('ExternalSecret', name, { spec: { target: { name: 'renamed-new' } } });
    await scene.whenSynced(name);
    await scene.secrets.untilGone('renamed-old', repairedWithinMs);
    expect(await scene.secretData('renamed-new')).toEqual({ value: scene.value('api-key') });
    expect((await current(name)).status?.binding).toEqual({ name: 'renamed-new' });
    const deleted = await until('the event', () =>
      scene.eventsOf('ExternalSecret', name).find(({ reason }) => reason === 'Deleted'),
    );
    expect(deleted).toMatchObject({ type: 'Normal', message: 'secret deleted because it was orphaned' });
  });

  it('that renames the target keeps the old Secret while the new one cannot be written', async () => {
    const name = 'blocked';
    await scene.api.create(scene.address('Secret', 'blocked-new'), {
      metadata: { name: 'blocked-new', ownerReferences: [await foreignOwner()] },
    });
    await scene.put(externalSecret({ name, spec: { target: { name: 'blocked-old' } } }));
    await scene.whenSynced(name);
    await scene.edit('ExternalSecret', name, { spec: { target: { name: 'blocked-new' } } });
    await scene.whenFailed(name);
    expect(await scene.secretData('blocked-old')).toEqual({ value: scene.value('api-key') });
  });

  it('that renames the target keeps a Secret which only looks like its own', async () => {
    const name = 'lookalike';
    await scene.put(externalSecret({ name }));
    const { metadata } = await scene.whenSynced(name);
    const labels = (await scene.api.get(scene.address('Secret', name)))?.metadata.labels;
    await scene.api.create(scene.address('Secret', 'lookalike-copy'), { metadata: { name: 'lookalike-copy', labels } });
    await scene.edit('ExternalSecret', name, { spec: { target: { name: 'lookalike-new' } } });
    await scene.whenSynced(name);
    await scene.secrets.untilGone(name, repairedWithinMs);
    expect(metadata.uid).toBe((await current(name)).metadata.uid);
    expect(await scene.secretData('lookalike-copy')).toEqual({});
  });

  it('removes a Secret of an earlier target name that was left behind while no operator ran', async () => {
    const apart = await createScene('orphan');
    try {
      const identity = plantSample(apart);
      const name = 'left';
      await apart.put(
        credentials('credentials', identity),
        store({ name: 'store', hostAPI: apart.double.url }),
        externalSecret({ name, spec: { target: { name: 'left-old' } } }),
      );
      await apart.whenSynced(name);
      await apart.operator().stop('SIGKILL');
      await apart.api.patch(apart.address('ExternalSecret', name), { spec: { target: { name: 'left-new' } } });
      await apart.startOperator();
      await apart.whenSynced(name);
      await apart.secrets.untilGone('left-old');
    } finally {
      await apart.end();
    }
  });
});

describe('deletion of the ExternalSecret', () => {
  it.skipIf(!inject('controlPlane').hasControllerManager)(
    'takes its Secret along, by the garbage collector',
    async () => {
      const name = 'deleted';
      await scene.put(externalSecret({ name }));
      await scene.whenSynced(name);
      await scene.api.delete(scene.address('ExternalSecret', name));
      await scene.externalSecrets.untilGone(name);
      await scene.secrets.untilGone(name, collectedWithinMs);
    },
    collectedWithinMs + 30_000,
  );
});

describe('labels and annotations of the ExternalSecret', () => {
  const metadataOf = async (name: string) => (await scene.api.get(scene.address('Secret', name)))?.metadata;

  it('reach the Secret, and leave it again', async () => {
    const name = 'labelled';
    await scene.put(externalSecret({ name, labels: { tier: 'one', gone: 'soon' } }));
    await scene.whenSynced(name);
    await scene.edit('ExternalSecret', name, {
      metadata: { labels: { tier: 'two', gone: null }, annotations: { note: 'here' } },
    });
    await scene.secrets.until(name, 'has the new label', ({ metadata }) => metadata.labels?.['tier'] === 'two');
    const metadata = await metadataOf(name);
    expect(metadata?.labels).not.toHaveProperty('gone');
    expect(metadata?.annotations).toMatchObject({ note: 'here' });
  });

  it('that change and change back quickly end right', async () => {
    const name = 'flapping';
    await scene.put(externalSecret({ name, labels: { tier: 'one' } }));
    await scene.whenSynced(name);
    for (const tier of ['two', 'one', 'three', 'one']) {
      await scene.edit('ExternalSecret', name, { metadata: { labels: { tier } } });
    }
    await scene.edit('ExternalSecret', name, { metadata: { labels: { last: 'yes' } } });
    await scene.secrets.until(name, 'has the last label', ({ metadata }) => metadata.labels?.['last'] === 'yes');
    await scene.edit('ExternalSecret', name, { metadata: { labels: { last: null } } });
    await scene.secrets.until(name, 'is as at first', ({ metadata }) => metadata.labels?.['last'] === undefined);
    expect((await metadataOf(name))?.labels).toMatchObject({ tier: 'one' });
    await sentinel.follows(1);
    expect((await metadataOf(name))?.labels).toMatchObject({ tier: 'one' });
  });
});

describe('the store', () => {
  it('when edited, is followed by what depends on it', async () => {
    const name = 'store-edited';
    scene.double.secrets.set({ environment: 'staging', key: 'API_KEY', value: scene.value('staging-key') });
    await scene.put(storeNamed(name), externalSecret({ name, storeRef: { name } }));
    await scene.whenSynced(name);
    await scene.put(storeNamed(name, { environmentSlug: 'staging' }));
    await untilValue(name, 'staging-key');
  });

  it('when its credentials are rotated, uses the new ones', async () => {
    const name = 'rotated';
    const holder = 'rotated-credentials';
    const identity = scene.double.identities.add({
      name,
      universal: { clientSecrets: [{ secret: scene.value('first-secret') }] },
      access: { 'my-project': { role: 'viewer' } },
    });
    put('ROTATED', 'old');
    await scene.put(
      credentials(holder, identity),
      store({ name, credentials: holder, hostAPI: scene.double.url }),
      externalSecret({ name, storeRef: { name }, spec: { refreshInterval: '1s', data: [entry('value', 'ROTATED')] } }),
    );
    await scene.whenSynced(name);
    const clientSecret = scene.double.identities.addClientSecret(name, { secret: scene.value('second-secret') });
    await scene.put(credentials(holder, { ...identity, clientSecret }));
    await sentinel.follows(1); // the change has long arrived
    scene.double.identities.revokeClientSecret(name, identity.clientSecret);
    scene.double.identities.endTokens(name);
    put('ROTATED', 'new');
    await untilValue(name, 'new');
    expect(scene.externalSecrets.history(name).some(({ object }) => isFailed(object))).toBe(false);
  });

  it('when it is removed, leaves the Secret alone', async () => {
    const name = 'store-removed';
    await scene.put(storeNamed(name), externalSecret({ name, storeRef: { name }, spec: { refreshInterval: '1s' } }));
    await scene.whenSynced(name);
    await scene.api.delete(scene.address('SecretStore', name));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain(`SecretStore "${name}" does not exist`);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('api-key') });
    await scene.put(storeNamed(name));
    await scene.whenSynced(name, repairedWithinMs);
  });
});

describe('conditions of a ClusterSecretStore', () => {
  const uses = (name: string) => ({ storeRef: { kind: 'ClusterSecretStore', name: clusterName(name) } });

  const cases: readonly { why: string; name: string; opens: () => object; shuts: () => object }[] = [
    {
      why: 'names',
      name: 'by-name',
      opens: () => ({ namespaces: ['other', scene.namespace] }),
      shuts: () => ({ namespaces: ['other'] }),
    },
    {
      why: 'a regular expression',
      name: 'by-regexp',
      opens: () => ({ namespaceRegexes: ['^lifecycle-[0-9a-f]+$'] }),
      shuts: () => ({ namespaceRegexes: ['^elsewhere-'] }),
    },
    {
      why: 'labels',
      name: 'by-label',
      opens: () => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': scene.namespace } } }),
      shuts: () => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }),
    },
  ];
  it.each(cases)('open and shut it by $why', async ({ name, opens, shuts }) => {
    await scene.put(clusterStoreNamed(name, [shuts()]), externalSecret({ name, ...uses(name) }));
    const denied = await scene.whenFailed(name);
    expect(condition(denied, 'Ready')?.message).toContain(clusterName(name));
    expect(scene.secrets.get(name)).toBeUndefined();
    await scene.put(clusterStoreNamed(name, [shuts(), opens()]));
    await scene.whenSynced(name, repairedWithinMs);
    await scene.put(clusterStoreNamed(name, [shuts()]));
    await scene.whenFailed(name, repairedWithinMs);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('api-key') });
  });

  it('follow the labels of the namespace', async () => {
    const name = 'relabelled';
    const address = { kind: 'Namespace', name: scene.namespace } as const;
    const selector = { namespaceSelector: { matchLabels: { access: 'granted' } } };
    await scene.put(clusterStoreNamed(name, [selector]), externalSecret({ name, ...uses(name) }));
    await scene.whenFailed(name);
    await scene.api.patch(address, { metadata: { labels: { access: 'granted' } } });
    await scene.whenSynced(name, repairedWithinMs);
    await scene.api.patch(address, { metadata: { labels: { access: null } } });
    await scene.whenFailed(name, repairedWithinMs);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('api-key') });
  });

  it('that do not compile are the fault of the store, and open nothing', async () => {
    const name = 'bad-regexp';
    const stores = await follow(scene.api, 'ClusterSecretStore');
    await scene.put(clusterStoreNamed(name, [{ namespaceRegexes: ['('] }]), externalSecret({ name, ...uses(name) }));
    await scene.whenFailed(name);
    const failed = await stores.until(clusterName(name), 'is not valid', isFailed);
    stores.stop();
    expect(condition(failed, 'Ready')?.message).toContain('"("');
  });

  function clusterStoreNamed(name: string, conditions: readonly object[]): SampleManifest {
    const { namespace, controllerClass, double } = scene;
    return clusterStore({
      name: clusterName(name),
      hostAPI: double.url,
      namespace,
      controllerClass,
      spec: { conditions },
    });
  }

  function clusterName(name: string): string {
    return `${scene.namespace}-${name}`;
  }
});

describe('two claims on one Secret', () => {
  it('end with the first of two ExternalSecrets, and the second names it', async () => {
    const target = { target: { name: 'contested' } };
    await scene.put(externalSecret({ name: 'first', spec: target }));
    await scene.whenSynced('first');
    await scene.put(externalSecret({ name: 'second', spec: { ...target, data: [entry('value', 'DB_PASSWORD')] } }));
    const failed = await scene.whenFailed('second');
    expect(condition(failed, 'Ready')).toMatchObject({ reason: 'SecretSyncedError' });
    expect(condition(failed, 'Ready')?.message).toContain('"first"');
    expect(condition(failed, 'Stalled')?.status).toBe('True');
    expect(await scene.secretData('contested')).toEqual({ value: scene.value('api-key') });
    expect(isReady(await current('first'))).toBe(true);
  });

  it('are released when the first ExternalSecret takes another target', async () => {
    const target = { target: { name: 'released' } };
    await scene.put(externalSecret({ name: 'holder', spec: target }));
    await scene.whenSynced('holder');
    await scene.put(externalSecret({ name: 'heir', spec: target }));
    await scene.whenFailed('heir');
    await scene.edit('ExternalSecret', 'holder', { spec: { target: { name: 'holder' } } });
    await scene.whenSynced('heir', repairedWithinMs);
    expect((await scene.api.get(scene.address('Secret', 'released')))?.metadata.ownerReferences).toMatchObject([
      { name: 'heir' },
    ]);
  });

  it('are refused where another controller owns the Secret, which is named', async () => {
    const name = 'foreign';
    const metadata = { name, ownerReferences: [await foreignOwner()] };
    await scene.api.create(scene.address('Secret', name), { metadata, stringData: { own: scene.value('own') } });
    await scene.put(externalSecret({ name }));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain('ConfigMap "owner"');
    expect(await scene.secretData(name)).toEqual({ own: scene.value('own') });
  });

  it('are refused where the Secret lets somebody in: it cannot be made to hold the token of another ServiceAccount', async () => {
    const name = 'powerful';
    const type = 'kubernetes.io/service-account-token';
    const account = 'kubernetes.io/service-account.name';
    await scene.api.create(scene.address('Secret', name), {
      metadata: { name, annotations: { [account]: 'default' } },
      type,
    });
    await scene.put(externalSecret({ name, annotations: { [account]: 'coveted' } }));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain(type);
    expect(condition(failed, 'Stalled')?.status).toBe('True');
    const after = await scene.api.get(scene.address('Secret', name));
    expect(after?.metadata.annotations?.[account]).toBe('default');
    expect(Object.keys(after?.data ?? {})).not.toContain('value');
  });
});

describe('policies of the target', () => {
  it('Merge writes into a Secret of somebody else, and leaves the keys there alone', async () => {
    const name = 'merges';
    await scene.put(externalSecret({ name, spec: { target: { creationPolicy: 'Merge' } } }));
    await until(
      'it waits for the Secret',
      async () => condition(await current(name), 'Ready')?.reason === 'SecretMissing',
    );
    const foreign = { apiVersion: 'v1', kind: 'Secret' as const, metadata: { name }, stringData: { theirs: 'kept' } };
    await scene.put(foreign);
    await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
    await untilValue(name, 'api-key');
    expect(await scene.secretData(name)).toEqual({ value: scene.value('api-key'), theirs: 'kept' });
  });

  describe('two that merge into one Secret', () => {
    // Long names are hashed in the field managers by which a key's writer is known.
    const winner = 'the-winner-among-those-that-merge-here';
    const loser = 'the-loser-among-those-that-merge-here';
    const merging = (name: string, target: string, data: readonly ReturnType<typeof entry>[]) =>
      externalSecret({ name, spec: { target: { name: target, creationPolicy: 'CreateOrMerge' }, data } });

    async function conflicting(suffix: string) {
      const [one, other, target] = [`${winner}-${suffix}`, `${loser}-${suffix}`, `shared-${suffix}`];
      put('MERGE_ONE', 'one');
      put('MERGE_OTHER', 'other');
      await scene.put(merging(one, target, [entry('both', 'MERGE_ONE'), entry('mine', 'MERGE_ONE')]));
      await scene.whenSynced(one);
      await scene.put(merging(other, target, [entry('both', 'MERGE_OTHER'), entry('theirs', 'MERGE_OTHER')]));
      const failed = await scene.whenFailed(other);
      expect(condition(failed, 'Ready')?.message).toContain(`key "both" of target Secret "${target}"`);
      expect(condition(failed, 'Ready')?.message).toContain(`"${one}"`);
      const seen = scene.secrets.history(target).length;
      await pause(1_500);
      expect(scene.secrets.history(target)).toHaveLength(seen);
      expect(await scene.secretData(target)).toEqual({ both: scene.value('one'), mine: scene.value('one') });
      return { one, other, target };
    }

    it('name the key that both want, and the other one has it as soon as the first is deleted', async () => {
      const { one, other, target } = await conflicting('deleted');
      await scene.api.delete(scene.address('ExternalSecret', one));
      await scene.externalSecrets.until(other, 'is Ready=True', isReady, repairedWithinMs);
      expect(await scene.secretData(target)).toMatchObject({
        both: scene.value('other'),
        theirs: scene.value('other'),
      });
    });

    it('let the other one have it as soon as the first wants the key no more, or another target', async () => {
      const { one, other, target } = await conflicting('edited');
      await scene.edit('ExternalSecret', one, { spec: { data: [entry('mine', 'MERGE_ONE')] } });
      await scene.externalSecrets.until(other, 'is Ready=True', isReady, repairedWithinMs);
      await scene.secrets.until(target, 'has the keys of both', (secret) => 'theirs' in decoded(secret));
      expect(await scene.secretData(target)).toEqual({
        both: scene.value('other'),
        mine: scene.value('one'),
        theirs: scene.value('other'),
      });
      const moved = await conflicting('moved');
      await scene.edit('ExternalSecret', moved.one, { spec: { target: { name: 'elsewhere' } } });
      await scene.externalSecrets.until(moved.other, 'is Ready=True', isReady, repairedWithinMs);
    });
  });

  it('deletionPolicy Delete takes the Secret away when its keys are gone at the source, and brings it back', async () => {
    const name = 'deletes';
    put('DELETES', 'here');
    const spec = { refreshInterval: '1s', target: { deletionPolicy: 'Delete' }, data: [entry('value', 'DELETES')] };
    await scene.put(externalSecret({ name, spec }));
    await scene.whenSynced(name);
    scene.double.secrets.delete({ environment: 'dev', key: 'DELETES' });
    await until('the Secret is gone', async () => (await scene.secretData(name).catch(() => undefined)) === undefined);
    expect(isReady(await current(name))).toBe(true);
    put('DELETES', 'again');
    await untilValue(name, 'again');
  });

  it('immutable is set on the Secret, which a later value does not change', async () => {
    const name = 'frozen';
    put('FROZEN', 'first');
    const spec = { refreshInterval: '1s', target: { immutable: true }, data: [entry('value', 'FROZEN')] };
    await scene.put(externalSecret({ name, spec }));
    await scene.whenSynced(name);
    put('FROZEN', 'second');
    await sentinel.follows(3);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('first') });
  });

  it('CreatedOnce reads its sources once, OnChange again after an edit', async () => {
    put('POLICY', 'one');
    const spec = (refreshPolicy: string) => ({
      refreshPolicy,
      refreshInterval: '1s',
      data: [entry('value', 'POLICY')],
    });
    await scene.put(externalSecret({ name: 'once', spec: spec('CreatedOnce') }));
    await scene.put(externalSecret({ name: 'on-change', spec: spec('OnChange') }));
    await scene.whenSynced('once');
    await scene.whenSynced('on-change');
    put('POLICY', 'two');
    const edit = { metadata: { annotations: { note: 'changed' } } };
    await scene.edit('ExternalSecret', 'on-change', edit);
    await scene.edit('ExternalSecret', 'once', edit);
    await untilValue('on-change', 'two');
    await sentinel.follows(2);
    expect(await scene.secretData('once')).toEqual({ value: scene.value('one') });
  });

  it('a sync window that is closed holds back repetitions, and no edit', async () => {
    const name = 'windowed';
    put('WINDOWED', 'one');
    // The last of February 30ths never comes, so this window never opens.
    const syncWindows = { kind: 'allow', windows: [{ schedule: '0 0 30 2 *', duration: '1h' }] };
    const spec = { refreshInterval: '1s', syncWindows, data: [entry('value', 'WINDOWED')] };
    await scene.put(externalSecret({ name, spec }));
    await scene.whenSynced(name);
    put('WINDOWED', 'two');
    await sentinel.follows(3);
    expect(await scene.secretData(name)).toEqual({ value: scene.value('one') });
    await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
    await untilValue(name, 'two');
  });
});

describe('one bad object stays alone', () => {
  const bad: readonly { why: string; name: string; manifest: (name: string) => SampleManifest; names: string }[] = [
    {
      why: 'an interval that does not parse',
      name: 'bad-interval',
      manifest: (name) => externalSecret({ name, spec: { refreshInterval: 'soon' } }),
      names: 'spec.refreshInterval',
    },
    {
      why: 'no spec',
      name: 'no-spec',
      manifest: (name) => ({ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name } }),
      names: 'data or dataFrom',
    },
    {
      why: 'neither data nor dataFrom',
      name: 'no-source',
      manifest: (name) => externalSecret({ name, spec: { data: [] } }),
      names: 'data or dataFrom',
    },
  ];
  it.each(bad)('with $why: it says so, and another one beside it is synced', async ({ name, manifest, names }) => {
    await scene.put(manifest(name));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain(names);
    await scene.put(externalSecret({ name: `beside-${name}` }));
    await scene.whenSynced(`beside-${name}`);
  });

  it('with a bad interval on its store: the store says so, and what reads from it is synced all the same', async () => {
    const name = 'bad-store-interval';
    await scene.put(storeNamed(name, {}, { refreshInterval: 'often' }), externalSecret({ name, storeRef: { name } }));
    const failed = await scene.stores.until(name, 'is not valid', isFailed);
    expect(condition(failed, 'Ready')?.message).toContain('spec.refreshInterval "often"');
    await scene.put(externalSecret({ name: `beside-${name}` }));
    await scene.whenSynced(`beside-${name}`);
  });
});

describe('the canary check', () => {
  it('finds a secret value that shows in an event', async () => {
    const name = 'planted';
    const message = `could not write ${scene.value('planted')}`;
    const involvedObject = { kind: 'ExternalSecret', name: 'planted', namespace: scene.namespace };
    const address = scene.address('Event', name);
    await scene.api.create(address, {
      metadata: { name },
      involvedObject,
      type: 'Warning',
      reason: 'Planted',
      message,
    });
    expect((await scene.leaks()).map(({ where, form }) => `${form} in ${where}`)).toEqual(['plain in events']);
    await scene.api.delete(address);
    expect(await scene.leaks()).toEqual([]);
  });

  it('reads the log, the metrics and the statuses', () => {
    expect(scene.operator().output()).toContain('starting');
  });
});

function storeNamed(
  name: string,
  scope: Readonly<Record<string, unknown>> = {},
  spec: Readonly<Record<string, unknown>> = {},
): SampleManifest {
  return store({ name, hostAPI: scene.double.url, scope, spec });
}

/** Gives a secret of the double's root folder the value of a label. */
function put(key: string, label: string): void {
  scene.double.secrets.set({ environment: 'dev', key, value: scene.value(label) });
}

async function current(name: string): Promise<ApiObject> {
  const found = await scene.api.get(scene.address('ExternalSecret', name));
  if (found === undefined) throw new Error(`there is no ExternalSecret "${name}"`);
  return found;
}

/** The Secret of that name, once its key `value` has the value of a label. */
async function untilValue(name: string, label: string, withinMs = patienceMs): Promise<void> {
  await scene.secrets.until(name, `holds "${label}"`, (one) => decoded(one)['value'] === scene.value(label), withinMs);
}

/** An owner reference to an object that is no ExternalSecret. */
async function foreignOwner() {
  const address = scene.address('ConfigMap', 'owner');
  try {
    await scene.api.create(address, { metadata: { name: address.name } });
  } catch (thrown) {
    if (!(thrown instanceof ApiRefusal && thrown.status === 409)) throw thrown;
  }
  const uid = (await scene.api.get(address))?.metadata.uid;
  return { apiVersion: 'v1', kind: 'ConfigMap', name: address.name, uid, controller: true };
}
