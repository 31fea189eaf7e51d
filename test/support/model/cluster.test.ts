// What the model cluster promises: it behaves as a real one where the operator could tell.
import { describe, expect, it } from 'vitest';
import type { OperatorError } from '../../../src/base/operator-error.ts';
import { managedKeys } from '../../../src/core/managed-fields.ts';
import { externalSecretResource } from '../../../src/crds/external-secret.ts';
import { secretResource } from '../../../src/credentials/store-credentials.ts';
import { createKube } from '../../../src/kube/client.ts';
import type { InformerEvent } from '../../../src/kube/contract.ts';
import { startInformer } from '../../../src/kube/informer.ts';
import { type KubeObject, keyOf, type Secret } from '../../../src/kube/types.ts';
import { ModelCluster } from './cluster.ts';
import type { ModelObject } from './kinds.ts';
import { ModelProcess } from './process.ts';

const never = new AbortController().signal;
const manager = { fieldManager: 'test' };
const name = { namespace: 'ns', name: 'a' };
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function setUp(random = () => 0.5) {
  const cluster = new ModelCluster({ random });
  cluster.objects.apply({ kind: 'Namespace', metadata: { name: 'ns' } });
  const process = new ModelProcess('client', cluster.clock);
  const transport = cluster.api.transport(process);
  /** The answer, or the reason of the refusal. */
  const answer = async <T>(call: Promise<T>): Promise<T | string> => {
    const settled = call.catch((thrown: OperatorError) => thrown.reason);
    await cluster.clock.advance(1_000);
    return await settled;
  };
  const { objects, clock, api } = cluster;
  return { objects, clock, api, process, transport, kube: createKube(transport), answer };
}

function secret(metadata: Partial<Secret['metadata']> = {}, data: Record<string, string> = { value: 'YQ==' }): Secret {
  return { kind: 'Secret', metadata: { ...name, ...metadata }, data };
}

function ownedBy(uid = '') {
  return { ownerReferences: [{ apiVersion: 'v1', kind: 'ExternalSecret', name: 'owner', uid }] };
}

const owner: ModelObject = { kind: 'ExternalSecret', metadata: { namespace: 'ns', name: 'owner' }, spec: { n: 1 } };

describe('the API server of the model', () => {
  it('gives uids, and a new version to what differs only', async () => {
    const { kube, answer } = setUp();
    const created = (await answer(kube.create(secretResource, secret(), manager, never))) as Secret;
    expect(created.metadata).toMatchObject({ uid: expect.any(String), resourceVersion: expect.any(String) });
    const same = (await answer(kube.update(secretResource, created, manager, never))) as Secret;
    expect(same.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
    const changed = { ...created, data: { value: 'Yg==' } };
    const updated = (await answer(kube.update(secretResource, changed, manager, never))) as Secret;
    expect(Number(updated.metadata.resourceVersion)).toBeGreaterThan(Number(created.metadata.resourceVersion));
    expect(await answer(kube.update(secretResource, { ...changed, data: {} }, manager, never))).toBe('Conflict');
  });

  it('refuses as the real one does', async () => {
    const { objects, kube, answer } = setUp();
    expect(await answer(kube.get(secretResource, name, never))).toBe('ReferenceNotFound');
    expect(await answer(kube.update(secretResource, secret(), manager, never))).toBe('ReferenceNotFound');
    expect(await answer(kube.update(secretResource, secret({ uid: 'gone' }), manager, never))).toBe('Conflict');
    expect(await answer(kube.create(secretResource, secret({ namespace: 'no' }), manager, never))).toBe(
      'ReferenceNotFound',
    );
    objects.apply(secret());
    expect(await answer(kube.create(secretResource, secret(), manager, never))).toBe('Conflict');
    const preconditions = { uid: 'another' };
    expect(await answer(kube.delete(secretResource, name, { preconditions }, never))).toBe('Conflict');
    expect(await answer(kube.delete(secretResource, name, {}, never))).toBeUndefined();
    expect(objects.get('Secret', name)).toBeUndefined();
  });

  it('keeps spec and status apart, and counts generations by the spec', async () => {
    const { objects, kube, answer } = setUp();
    objects.apply(owner);
    const patch = { status: { refreshTime: 'now', binding: null }, spec: { n: 9 } };
    const options = { ...manager, subresource: 'status' } as const;
    await answer(kube.mergePatch(externalSecretResource, owner.metadata, patch, options, never));
    objects.apply({ ...owner, spec: { n: 2 } });
    const { metadata, spec, status } = objects.get('ExternalSecret', owner.metadata) ?? owner;
    expect([metadata.generation, spec, status]).toEqual([2, { n: 2 }, { refreshTime: 'now' }]);
  });

  it('knows who owns a field: who changed it last, and nobody once it is gone', async () => {
    const { objects, kube, answer } = setUp();
    const created = (await answer(
      kube.create(secretResource, secret({}, { a: 'MQ==', b: 'MQ==' }), manager, never),
    )) as Secret;
    await answer(
      kube.update(
        secretResource,
        { ...created, data: { a: 'MQ==', b: 'Mg==', c: 'MQ==' } },
        { fieldManager: 'other' },
        never,
      ),
    );
    const fields = objects.get('Secret', name)?.metadata.managedFields ?? [];
    expect([...managedKeys(fields, ['test']).data]).toEqual(['a']);
    expect([...managedKeys(fields, ['other']).data].sort()).toEqual(['b', 'c']);
  });

  it('collects what its owners left, later', async () => {
    const { objects, clock } = setUp();
    objects.apply(owner);
    objects.apply(secret(ownedBy(objects.get('ExternalSecret', owner.metadata)?.metadata.uid)));
    objects.apply(secret({ name: 'of nobody' }));
    objects.apply(secret({ name: 'of somebody who was', ...ownedBy('gone') }));
    await clock.advance(1_000);
    const left = () => objects.all('Secret').map(({ metadata }) => metadata.name);
    expect(left()).toEqual(['a', 'of nobody']);
    objects.remove('ExternalSecret', owner.metadata);
    expect(left()).toEqual(['a', 'of nobody']);
    await clock.advance(1_000);
    expect(left()).toEqual(['of nobody']);
  });

  it('keeps an object with finalizers until they are taken off', () => {
    const { objects } = setUp();
    objects.apply(secret({ finalizers: ['f'] }));
    objects.remove('Secret', name);
    expect(objects.get('Secret', name)?.metadata.deletionTimestamp).toBeDefined();
    objects.edit('Secret', name, (object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }));
    expect(objects.get('Secret', name)).toBeUndefined();
  });

  it('takes a namespace away with its contents, and lets nothing in meanwhile', async () => {
    const { objects, clock, kube, answer } = setUp();
    objects.apply(secret({ finalizers: ['f'] }));
    objects.remove('Namespace', { name: 'ns' });
    const late = secret({ name: 'late' });
    expect(await answer(kube.create(secretResource, late, manager, never))).toBe('TargetRejected');
    expect(objects.get('Namespace', { name: 'ns' })).toBeDefined();
    objects.edit('Secret', name, (object) => ({ ...object, metadata: { ...object.metadata, finalizers: [] } }));
    await clock.advance(1_000);
    expect([objects.get('Namespace', { name: 'ns' }), objects.all('Secret')]).toEqual([undefined, []]);
  });

  it.each([
    ['refuse', 'ApiUnavailable', false],
    ['lose', 'ApiUnavailable', true],
    ['resend', 'Conflict', true],
  ] as const)('that is to %s a create answers %s', async (fault, reason, isThere) => {
    const { objects, api, kube, answer } = setUp();
    api.fault = () => fault;
    expect(await answer(kube.create(secretResource, secret(), { ...manager, mayExist: true }, never))).toBe(reason);
    expect(objects.get('Secret', name) !== undefined).toBe(isThere);
    expect(api.calls).toMatchObject([{ verb: 'create', kind: 'Secret', key: 'ns/a', changed: isThere }]);
  });
});

describe('a process of the model', () => {
  it.each(['dead', 'frozen'] as const)('that is %s hears of no answer, though its call arrives', async (how) => {
    const { objects, clock, process, kube } = setUp();
    const ended: unknown[] = [];
    const call = kube.create(secretResource, secret(), manager, never);
    call.then(() => ended.push('answer'), ended.push.bind(ended));
    if (how === 'dead') process.kill();
    else process.freeze();
    await clock.advance(1_000);
    expect(objects.get('Secret', name)).toBeDefined();
    expect(ended).toEqual([]);
    process.thaw();
    await clock.advance(0);
    expect(ended).toEqual(how === 'dead' ? [] : ['answer']);
  });

  it('that is frozen fires its timers once it goes on, but for those that were cancelled', async () => {
    const { clock, process } = setUp();
    const fired: string[] = [];
    process.clock.after(10, () => fired.push('kept'));
    const timer = process.clock.after(10, () => fired.push('cancelled'));
    process.freeze();
    await clock.advance(100);
    timer.cancel();
    expect(fired).toEqual([]);
    process.thaw();
    expect(fired).toEqual(['kept']);
  });
});

describe('a watch of the model', () => {
  function follow({ transport, clock }: ReturnType<typeof setUp>) {
    const trim = (object: KubeObject) => object as ModelObject; // whole
    const informer = startInformer(
      { resource: secretResource, labelSelector: 'watched=yes', trim },
      { transport, clock, log: quiet, random: () => 0.5 },
    );
    const told: string[] = [];
    informer.subscribe(({ before, after }: InformerEvent<ModelObject>) => {
      const valueIn = (object: ModelObject | undefined) => object?.data?.['value'] ?? '-';
      told.push(`${valueIn(before)}>${valueIn(after)}`);
    });
    return { informer, told };
  }
  const watched = (value: string) => secret({ labels: { watched: 'yes' } }, { value });

  it('begins with a list, is late, and keeps the order', async () => {
    let state = 7;
    const scene = setUp(() => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    });
    const { objects, clock } = scene;
    objects.apply(watched('0'));
    const { informer, told } = follow(scene);
    await clock.advance(0);
    for (const value of ['1', '2', '3']) objects.apply(watched(value));
    objects.remove('Secret', name);
    expect([informer.hasSynced(), told]).toEqual([false, []]);
    await clock.advance(300);
    expect(told).toEqual(['->0', '0>1', '1>2', '2>3', '3>-']);
    expect(informer.shownVersion()).toBe(String(objects.version));
  });

  it('tells of an object that loses its label as of one that is gone', async () => {
    const scene = setUp();
    const { informer, told } = follow(scene);
    scene.objects.apply(watched('0'));
    await scene.clock.advance(200);
    scene.objects.apply(secret({ labels: {} }, { value: '0' }));
    await scene.clock.advance(200);
    expect(told).toEqual(['->0', '0>-']);
    expect(informer.get(keyOf(name))).toBeUndefined();
  });

  it('that broke goes on from where it was', async () => {
    const scene = setUp();
    const { objects, clock, api } = scene;
    const { told } = follow(scene);
    objects.apply(watched('0'));
    await clock.advance(200);
    api.breakWatches();
    objects.apply(watched('1'));
    objects.apply(watched('2'));
    await clock.advance(2_000);
    expect(told).toEqual(['->0']);
    api.mendWatches();
    await clock.advance(5_000);
    expect(told).toEqual(['->0', '0>1', '1>2']);
  });

  it('whose version is too old knows how things ended, and nothing of the way', async () => {
    const scene = setUp();
    const { objects, clock, api } = scene;
    const { told } = follow(scene);
    objects.apply(watched('0'));
    await clock.advance(200);
    api.deafen('Secret');
    objects.remove('Secret', name);
    objects.apply(watched('1'));
    objects.apply(watched('2'));
    await clock.advance(1_000);
    expect(told).toEqual(['->0']);
    api.hear('Secret');
    await clock.advance(2_000);
    expect(told).toEqual(['->0', '0>2']);
  });
});
