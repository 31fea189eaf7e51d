// What becomes of a Secret when its ExternalSecret is deleted, under every pair of policies, with and without ESO's finalizer;
// and of those who waited for that Secret: another ExternalSecret, or the same one before an immutable Secret.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { esoFinalizer } from '../support/eso-remains.ts';
import type { SampleManifest } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { collectedWithinMs, condition, pause, until } from '../support/wait.ts';

const { hasControllerManager } = inject('controlPlane');
const apiVersion = 'external-secrets.io/v1';

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('deletion');
  await scene.put({
    apiVersion,
    kind: 'SecretStore',
    metadata: { name: 'store' },
    spec: { provider: { fake: { data: [{ key: 'r', value: 'v' }] } } },
  });
});
afterAll(() => scene.end());

function consumer(name: string, target: object, metadata: object = {}): SampleManifest {
  const data = [{ secretKey: 'k', remoteRef: { key: 'r' } }];
  const spec = { secretStoreRef: { name: 'store' }, data, target };
  return { apiVersion, kind: 'ExternalSecret', metadata: { name, ...metadata }, spec };
}

const foreign = (name: string, more: object = {}) =>
  scene.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { theirs: '1' }, ...more });
const remove = (kind: 'ExternalSecret' | 'Secret', name: string) => scene.api.delete(scene.address(kind, name));

const creations = ['Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'] as const;
const pairs = creations.flatMap((creation) =>
  (['Retain', 'Delete', 'Merge'] as const).flatMap((deletion) =>
    [false, true].map((isFinalized) => {
      const name = `${creation}-${deletion}${isFinalized ? '-finalized' : ''}`.toLowerCase();
      return { name, creation, deletion, isFinalized };
    }),
  ),
);
/** What is left; under Merge and None a Secret of somebody else was there before. */
const leftOf: Readonly<Record<(typeof creations)[number], Readonly<Record<string, string>> | undefined>> = {
  Owner: undefined,
  Orphan: { k: 'v' },
  Merge: { theirs: '1', k: 'v' },
  CreateOrMerge: { k: 'v' },
  None: { theirs: '1' },
};

describe('when the ExternalSecret is deleted', () => {
  beforeAll(async () => {
    for (const { name, creation, deletion, isFinalized } of pairs) {
      if (creation === 'Merge' || creation === 'None') await foreign(name);
      const finalizers = isFinalized ? [esoFinalizer] : [];
      await scene.put(consumer(name, { creationPolicy: creation, deletionPolicy: deletion }, { finalizers }));
    }
    for (const { name } of pairs) await scene.whenSynced(name);
    await Promise.all(pairs.map(({ name }) => remove('ExternalSecret', name)));
    for (const { name } of pairs) await scene.externalSecrets.untilGone(name);
    await pause(2_000); // in which a Secret that must stay could go
  }, 60_000);

  it.each(pairs.filter(({ creation }) => creation !== 'Owner'))(
    '$name: the Secret stays, with its values',
    async ({ name, creation }) => {
      expect(await scene.secretData(name)).toEqual(leftOf[creation]);
    },
  );

  it.skipIf(!hasControllerManager).each(pairs.filter(({ creation }) => creation === 'Owner'))(
    '$name: the Secret goes along',
    async ({ name }) => {
      await scene.secrets.untilGone(name, collectedWithinMs);
    },
    collectedWithinMs + 30_000,
  );
});

describe('a Secret that two ExternalSecrets want', () => {
  it.skipIf(!hasControllerManager)(
    'goes to the second when the first is deleted, which was named until then',
    async () => {
      const target = { name: 'wanted' };
      await scene.put(consumer('first', target));
      await scene.whenSynced('first');
      await scene.put(consumer('second', target));
      const failed = await scene.whenFailed('second');
      expect(condition(failed, 'Ready')?.message).toContain('"first"');
      await remove('ExternalSecret', 'first');
      await scene.externalSecrets.untilGone('first');
      await scene.whenSynced('second', collectedWithinMs);
      const owners = (await scene.api.get(scene.address('Secret', 'wanted')))?.metadata.ownerReferences;
      expect(owners).toMatchObject([{ name: 'second' }]);
    },
    collectedWithinMs + 30_000,
  );

  it('is left to an owner of another kind, which is named, and made at a force-sync once that one is gone', async () => {
    const name = 'held';
    await scene.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    const uid = (await scene.api.get(scene.address('ConfigMap', name)))?.metadata.uid;
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name, uid, controller: true };
    await foreign(name, { metadata: { name, ownerReferences: [owner] } });
    await scene.put(consumer(name, {}));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')?.message).toContain(`ConfigMap "${name}"`);
    expect(await scene.secretData(name)).toEqual({ theirs: '1' });
    await remove('Secret', name);
    await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
    await scene.whenSynced(name);
    expect(await scene.secretData(name)).toEqual({ k: 'v' });
  });
});

describe('an immutable Secret of somebody else', () => {
  it.each(['Owner', 'Orphan', 'Merge', 'CreateOrMerge'])(
    'keeps its data under %s, is named, and is followed by one of ours at a force-sync once it is taken away',
    async (creationPolicy) => {
      const name = `frozen-${creationPolicy.toLowerCase()}`;
      await foreign(name, { immutable: true });
      await scene.put(consumer(name, { creationPolicy }));
      const failed = await scene.whenFailed(name);
      expect(condition(failed, 'Ready')).toMatchObject({ reason: 'SecretSyncedError' });
      expect(condition(failed, 'Ready')?.message).toContain('immutable');
      expect(condition(failed, 'Stalled')?.status).toBe('True');
      expect(await scene.secretData(name)).toEqual({ theirs: '1' });
      await remove('Secret', name);
      if (creationPolicy === 'Merge') await foreign(name);
      await scene.edit('ExternalSecret', name, { metadata: { annotations: { 'force-sync': '1' } } });
      const left = creationPolicy === 'Merge' ? { theirs: '1', k: 'v' } : { k: 'v' };
      await until('ours is there', async () => (await scene.secretData(name))?.['k'] === 'v');
      expect(await scene.secretData(name)).toEqual(left);
    },
  );
});
