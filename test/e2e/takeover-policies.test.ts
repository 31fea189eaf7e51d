// A namespace that the External Secrets Operator served under every creationPolicy, with and without templates, is taken over:
// the audit log counts what that writes. What Escapement makes of the same manifests by itself is held against what ESO left.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type ApiCall, followAudit, writesOf } from '../support/audit.ts';
import {
  createdByLabel,
  goMap,
  leaveAsEso,
  managerOf,
  type Remains,
  secretOf,
  sha3,
  targetNameOf,
} from '../support/eso-remains.ts';
import type { ApiObject } from '../support/kube-api.ts';
import { credentials, entry, plantSample, store } from '../support/samples.ts';
import { createScene, decoded, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
const longAgo = '2024-01-01T00:00:00Z';
/** A name for which the field manager is hashed. */
const longName = 'a-name-with-more-than-27-characters';

let scene: Scene;

/** What ESO left, whatever the time of its last refresh; `value` makes texts that may show in Secrets alone. */
function cases(value: Scene['value']): readonly Remains[] {
  const key = value('api-key');
  const data = [entry('value', 'API_KEY')];
  const storeRef = { secretStoreRef: { name: 'store' } };
  const labels = { team: 'payments', 'app.kubernetes.io/instance': 'shop' };
  const annotations = {
    'argocd.argoproj.io/tracking-id': 'shop:external-secrets.io/ExternalSecret:x/y',
    b: '2',
    a: '1',
  };
  const marks = { labels, annotations };
  const found = { data: { theirs: value('theirs') }, labels: { app: 'legacy' }, annotations: { by: 'hand' } };
  const find = { dataFrom: [{ find: { name: { regexp: '^DRAWER_' } } }] };
  const drawer = { DRAWER_A: value('drawer-a'), DRAWER_B: value('drawer-b') };
  const plain = (name: string, target: object, more: Partial<Remains> = {}): Remains => {
    return { name, ...marks, spec: { ...storeRef, data, target }, wrote: { data: { value: key } }, ...more };
  };
  const text = 'key={{ .value }}';
  const template = {
    type: 'example.com/config',
    metadata: { labels: { tier: 'web' }, annotations: { note: 'of {{ .value | len }}' } },
    data: { 'app.conf': text },
  };
  const rendered = {
    data: { 'app.conf': `key=${key}` },
    labels: { tier: 'web' },
    annotations: { note: `of ${key.length}` },
  };
  return [
    plain('owner', {}),
    plain('owner-delete', { deletionPolicy: 'Delete' }),
    plain('owner-merge', { deletionPolicy: 'Merge' }),
    plain('owner-named', { name: 'owner-elsewhere' }),
    plain('owner-frozen', { immutable: true }),
    plain(longName, {}),
    plain('owner-bare', {}, { labels: {}, annotations: {} }),
    plain('owner-find', {}, { spec: { ...storeRef, ...find }, wrote: { data: drawer } }),
    plain('owner-template', { template }, { wrote: { ...rendered, type: template.type } }),
    plain('owner-empty-template', { template: {} }, { wrote: { data: { value: key }, labels: {}, annotations: {} } }),
    plain(
      'owner-merged-template',
      { template: { mergePolicy: 'Merge', data: { 'app.conf': text } } },
      { wrote: { data: { value: key, 'app.conf': `key=${key}` }, labels: {}, annotations: {} } },
    ),
    plain(
      'owner-template-from',
      { template: { templateFrom: [{ configMap: { name: 'texts', items: [{ key: 'app.conf' }] } }] } },
      { wrote: { data: rendered.data, labels: {}, annotations: {} } },
    ),
    plain('owner-adopted', {}, { found: { ...found, data: {} } }),
    plain('orphan', { creationPolicy: 'Orphan' }),
    plain('orphan-template', { creationPolicy: 'Orphan', template }, { wrote: { ...rendered, type: template.type } }),
    plain('merge', { creationPolicy: 'Merge' }, { found }),
    plain(
      'merge-find',
      { creationPolicy: 'Merge' },
      {
        spec: { ...storeRef, ...find, target: { creationPolicy: 'Merge' } },
        wrote: { data: drawer },
        found,
      },
    ),
    plain(
      'merge-template',
      { creationPolicy: 'Merge', template: { data: template.data } },
      {
        wrote: { data: rendered.data, labels: {}, annotations: {} },
        found,
      },
    ),
    plain('create-or-merge', { creationPolicy: 'CreateOrMerge' }),
    plain(
      'create-or-merge-found',
      { creationPolicy: 'CreateOrMerge' },
      {
        spec: { ...storeRef, ...find, target: { creationPolicy: 'CreateOrMerge' } },
        wrote: { data: drawer },
        found,
      },
    ),
    {
      name: 'created-once',
      ...marks,
      spec: { ...storeRef, data, refreshPolicy: 'CreatedOnce' },
      wrote: { data: { value: value('older') } },
    },
    {
      name: 'on-change',
      ...marks,
      spec: { ...storeRef, data, refreshPolicy: 'OnChange' },
      wrote: { data: { value: key } },
    },
    withoutSecret(plain('none', { creationPolicy: 'None' })),
    { ...withoutSecret(plain('none-found', { creationPolicy: 'None' })), found },
    {
      ...withoutSecret(plain('merge-missing', { creationPolicy: 'Merge' })),
      ready: { reason: 'SecretMissing', message: 'secret will not be created due to CreationPolicy=Merge' },
    },
    {
      ...withoutSecret(plain('owner-deleted', { deletionPolicy: 'Delete' })),
      spec: { ...storeRef, data: [entry('value', 'GONE')], target: { deletionPolicy: 'Delete' } },
      ready: { reason: 'SecretDeleted', message: 'secret deleted due to DeletionPolicy=Delete' },
    },
    {
      ...plain('owner-failed', {}),
      spec: { ...storeRef, data: [entry('value', 'GONE')] },
      ready: { status: 'False', reason: 'SecretSyncedError', message: 'could not get secret data from provider' },
    },
  ];
}

function withoutSecret(remains: Remains): Remains {
  return { ...remains, wrote: undefined };
}

/** Each under two names: as if its last refresh was long ago, and as if it was just now. */
const isDue = ({ name }: Pick<Remains, 'name'>) => name.endsWith('-due');
function bothTimes(remains: Remains): readonly Remains[] {
  const named = (suffix: string): Remains => {
    const target = (remains.spec['target'] ?? {}) as { readonly name?: string };
    const renamed = target.name === undefined ? target : { ...target, name: `${target.name}${suffix}` };
    return { ...remains, name: `${remains.name}${suffix}`, spec: { ...remains.spec, target: renamed } };
  };
  return [named('-due'), named('-new')];
}

let left: readonly Remains[];
let calls: readonly ApiCall[] = [];
const before = new Map<string, ApiObject>();
const secretOfCase = (remains: Remains) =>
  scene.api.get({ kind: 'Secret', namespace: scene.namespace, name: targetNameOf(remains) });

beforeAll(async () => {
  scene = await createScene('takeover-policies', { operator: false });
  const reader = plantSample(scene);
  for (const letter of ['a', 'b'])
    scene.double.secrets.set({
      environment: 'dev',
      key: `DRAWER_${letter.toUpperCase()}`,
      value: scene.value(`drawer-${letter}`),
    });
  await scene.apply(credentials('credentials', reader), store({ name: 'store', hostAPI: scene.double.url }), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'texts' },
    data: { 'app.conf': 'key={{ .value }}' },
  });
  left = cases(scene.value).flatMap(bothTimes);
  const justNow = `${new Date().toISOString().slice(0, 19)}Z`;
  await Promise.all(left.map((remains) => leaveAsEso(scene, remains, isDue(remains) ? longAgo : justNow)));
  for (const remains of left) {
    const secret = await secretOfCase(remains);
    if (secret !== undefined) before.set(remains.name, secret);
  }
  const audit = auditLogPath === undefined ? undefined : await followAudit(auditLogPath);
  await scene.startOperator();
  const waiting = () => left.map(({ name }) => name).filter((name) => !isTakenOver(scene.externalSecrets.get(name)));
  await until('all are taken over', () => waiting().length === 0, 60_000).catch(() => {});
  expect(waiting()).toEqual([]);
  await pause(2_000); // in which a write that comes late would show
  calls = (await audit?.calls()) ?? [];
}, 120_000);

afterAll(() => scene.end());

function isTakenOver(object: ApiObject | undefined): boolean {
  return object?.status?.observedGeneration === object?.metadata.generation && object?.metadata.generation === 1;
}

describe('what ESO left under every policy', () => {
  it('is there as ESO leaves it, for the most of the cases with a Secret', () => {
    expect(before.size).toBeGreaterThan(left.length * 0.75);
    for (const [name, { metadata }] of before) {
      const managers = (metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
      expect(managers).toContain(`${managerOf(name)} Update`);
    }
  });

  it('is taken over without a write to any Secret', async () => {
    for (const remains of left) {
      const { resourceVersion, uid } = (await secretOfCase(remains))?.metadata ?? {};
      const was = before.get(remains.name)?.metadata;
      expect([remains.name, resourceVersion, uid]).toEqual([remains.name, was?.resourceVersion, was?.uid]);
    }
  });

  it.skipIf(auditLogPath === undefined)(
    'costs no write but one status for each ExternalSecret, by the audit log',
    () => {
      const writes = writesOf(calls, scene.namespace);
      const others = writes.filter(
        ({ resource }) => !/^(externalsecrets|secretstores)\/status$|^events$/.test(resource),
      );
      expect(others).toEqual([]);
      const statuses = Map.groupBy(
        writes.filter(({ resource }) => resource === 'externalsecrets/status'),
        ({ name }) => name,
      );
      const twice = [...statuses].filter(([, made]) => made.length > 1).map(([name]) => name);
      expect(twice).toEqual([]);
      process.stdout.write(`takeover: ${left.length} ExternalSecrets, ${statuses.size} status writes, no other\n`);
    },
  );

  it('is told by no event but of what is missing at the provider', () => {
    const told = left.flatMap(({ name }) => scene.eventsOf('ExternalSecret', name));
    const names = told.map(({ involvedObject, reason }) => `${involvedObject?.name} ${reason}`);
    expect(names.filter((line) => !/^owner-failed-|^owner-deleted-\w+ MissingProviderSecret$/.test(line))).toEqual([]);
  });

  it('has the verdict that ESO gave it, and no longer an older refresh where one was due', () => {
    for (const { name, ready } of left) {
      const object = scene.externalSecrets.get(name);
      const verdict = condition(object, 'Ready');
      expect([name, verdict?.status, verdict?.reason]).toEqual([
        name,
        ready?.status ?? 'True',
        ready?.reason ?? 'SecretSynced',
      ]);
    }
    const periodic = left.filter(({ spec, ready }) => spec['refreshPolicy'] === undefined && ready?.status !== 'False');
    const stale = periodic.filter((remains) => isDue(remains) && isAsOld(scene.externalSecrets.get(remains.name)));
    expect(stale.map(({ name }) => name)).toEqual([]);
  });
});

function isAsOld(object: ApiObject | undefined): boolean {
  return object?.status?.refreshTime === longAgo;
}

it('makes of the same manifests what ESO made of them, so that nothing is rewritten on the way back', async () => {
  const twins = cases(scene.value).filter(
    ({ wrote, spec }) => wrote !== undefined && spec['refreshPolicy'] === undefined,
  );
  const fresh = twins
    .filter(({ ready }) => ready === undefined)
    .map((twin): Remains => {
      const target = (twin.spec['target'] ?? {}) as { readonly name?: string };
      const name = `twin-${twin.name}`;
      return { ...twin, name, spec: { ...twin.spec, target: { ...target, name } } };
    });
  await Promise.all(
    fresh.map(async ({ name, found, labels, annotations, spec }) => {
      if (found !== undefined) {
        const metadata = { name, labels: found.labels, annotations: found.annotations };
        await scene.api.create(scene.address('Secret', name), { metadata, stringData: found.data }, 'somebody');
      }
      const body = {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        metadata: { name, labels, annotations },
      };
      await scene.api.create(scene.address('ExternalSecret', name), { ...body, spec });
    }),
  );
  for (const remains of fresh) {
    const { name } = remains;
    const es = await scene.whenSynced(name);
    const expected = secretOf(scene, remains, es.metadata.uid);
    const secret = await secretOfCase(remains);
    expect(secret, name).toMatchObject({ type: expected?.type, data: expected?.data });
    expect(Object.keys(secret?.data ?? {}).sort(), name).toEqual(Object.keys(expected?.data ?? {}).sort());
    const { labels, annotations, ownerReferences = [], managedFields = [] } = secret?.metadata ?? {};
    expect({ name, labels, annotations, ownerReferences }).toEqual({
      name,
      labels: expected?.metadata.labels,
      annotations: expected?.metadata.annotations,
      ownerReferences: expected?.metadata.ownerReferences ?? [],
    });
    const managers = managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
    expect(managers, name).toContain(`${managerOf(name)} Update`);
    const { labels: own, annotations: notes } = es.metadata;
    expect(es.status?.syncedResourceVersion, name).toBe(
      `1-${sha3(`{annotations:${goMap(notes ?? {})} labels:${goMap(own ?? {})}}`)}`,
    );
  }
  expect(fresh.length).toBeGreaterThan(15);
});

describe('what goes later, although ESO wrote it', () => {
  const searchers = ['owner-find', 'merge-find', 'create-or-merge-found'];

  it('goes from the Secret: keys that are gone upstream, and none of somebody else', async () => {
    scene.double.secrets.delete({ environment: 'dev', key: 'DRAWER_B' });
    for (const searcher of searchers) {
      const name = `${searcher}-due`;
      await scene.edit('ExternalSecret', name, { spec: { refreshInterval: '2h' } });
      const secret = await scene.secrets.until(name, 'has lost the key', (one) => !('DRAWER_B' in decoded(one)));
      const theirs = searcher === 'owner-find' ? {} : { theirs: scene.value('theirs') };
      expect([name, decoded(secret)]).toEqual([name, { DRAWER_A: scene.value('drawer-a'), ...theirs }]);
    }
  });

  it('goes from the Secret: labels and annotations of the ExternalSecret, whatever the length of its name', async () => {
    for (const base of ['owner', longName, 'orphan', 'merge']) {
      const name = `${base}-due`;
      await scene.edit('ExternalSecret', name, { metadata: { labels: { team: null }, annotations: { b: null } } });
      const secret = await scene.secrets.until(
        name,
        'has lost the label',
        (one) => one.metadata.labels?.['team'] === undefined,
      );
      expect([name, secret.metadata.annotations?.['b'], secret.metadata.annotations?.['a']]).toEqual([
        name,
        undefined,
        '1',
      ]);
      expect(secret.metadata.labels?.['app']).toBe(base === 'merge' ? 'legacy' : undefined);
    }
  });

  it('goes from the namespace: the Secret of an earlier target name, and no other', async () => {
    const name = 'owner-named-due';
    await scene.edit('ExternalSecret', name, { spec: { target: { name: 'owner-moved' } } });
    await scene.secrets.untilGone('owner-elsewhere-due');
    const moved = await scene.api.get(scene.address('Secret', 'owner-moved'));
    expect(moved?.metadata.labels?.[createdByLabel]).toBe(sha3(`${scene.namespace}/${name}`));
    expect(await scene.secretData('owner-elsewhere-new')).toEqual({ value: scene.value('api-key') });
  });
});
