// ClusterExternalSecrets on a control plane of their own, whose operator serves all namespaces with the rights that the chart
// gives it: which namespaces get an ExternalSecret, when it goes, and what is never touched. A refused call fails a test.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditTrail, followAudit, writesOf } from '../support/audit.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { argoClusterHealth, kstatus } from '../support/gitops-health.ts';
import { type ApiObject, createKubeApi, type KubeApi } from '../support/kube-api.ts';
import { applyCrds } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { condition, follow, isFailed, isReady, until } from '../support/wait.ts';

const storeRef = { kind: 'ClusterSecretStore', name: 'shared' };
const data = [{ secretKey: 'value', remoteRef: { key: 'k' } }];
const forceSync = 'external-secrets.io/force-sync';
const ownFinalizer = 'externalsecrets.external-secrets.io/clusterexternalsecret-cleanup';

let plane: ControlPlane;
let api: KubeApi;
let audit: AuditTrail;
let operator: Operator;

/** Namespaces that the tests delete. */
const gone: ReadonlySet<string> = new Set(['back', 'left-ends']);

beforeAll(async () => {
  plane = await startControlPlane({ audit: true, apiServerFlags: ['--feature-gates=WatchList=false'] });
  const { kubeconfigPath: kubeconfig } = plane;
  await applyCrds(join(import.meta.dirname, '..', '..', 'deploy', 'crds'), { kubeconfig });
  api = createKubeApi(plane);
  audit = await followAudit(plane.auditLogPath ?? '');
  operator = await startOperator({ kubeconfig });
  const provider = { fake: { data: [{ key: 'k', value: 'shared-value' }] } };
  await api.apply(
    { kind: 'ClusterSecretStore', name: 'shared' },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ClusterSecretStore',
      metadata: { name: 'shared' },
      spec: { provider },
    },
  );
});

afterAll(async () => {
  const calls = await audit.calls();
  const code = await operator.stop();
  api.close();
  await plane.stop();
  expect(code).toBe(0);
  // In a namespace that goes away nothing can be created any more: that is no missing right.
  const refused = calls.filter(
    ({ code, verb, namespace }) => code === 403 && !(verb === 'create' && gone.has(namespace)),
  );
  expect(refused.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([]);
});

describe('a ClusterExternalSecret', () => {
  it('provisions the namespaces that are chosen, and cleans up', async () => {
    await namespaces({ 'all-red': { all: 'red' }, 'all-blue': { all: 'blue' }, 'all-named': {} });
    await put('all', {
      namespaceSelectors: [{ matchLabels: { all: 'red' } }],
      namespaces: ['all-named', 'all-absent'],
    });
    await untilProvisioned('all', ['all-named', 'all-red']);
    await until('the Secret is there', () => api.get({ kind: 'Secret', namespace: 'all-red', name: 'all' }));
    expect(await child('all-blue', 'all')).toBeUndefined();

    await api.patch({ kind: 'Namespace', name: 'all-blue' }, { metadata: { labels: { all: 'red' } } });
    await untilProvisioned('all', ['all-blue', 'all-named', 'all-red']);
    await api.patch({ kind: 'Namespace', name: 'all-red' }, { metadata: { labels: { all: null } } });
    await untilProvisioned('all', ['all-blue', 'all-named']);
    await untilGone('all-red', 'all');
    await namespaces({ 'all-absent': {} });
    await untilProvisioned('all', ['all-absent', 'all-blue', 'all-named']);

    await edit('all', { spec: { externalSecretSpec: { data: [{ secretKey: 'other', remoteRef: { key: 'k' } }] } } });
    await until('the Secret follows', async () => {
      const secret = await api.get({ kind: 'Secret', namespace: 'all-blue', name: 'all' });
      return Object.keys(secret?.data ?? {}).join() === 'other';
    });
    await api.delete({ kind: 'ClusterExternalSecret', name: 'all' });
    await Promise.all(['all-absent', 'all-blue', 'all-named'].map((place) => untilGone(place, 'all')));
  });

  it('lets a namespace go, and serves it again when it comes back', async () => {
    await namespaces({ back: { back: 'yes' } });
    await put('back', { namespaceSelectors: [{ matchLabels: { back: 'yes' } }] });
    await untilProvisioned('back', ['back']);
    await api.delete({ kind: 'Namespace', name: 'back' });
    await until(
      'the namespace is gone',
      async () => (await api.get({ kind: 'Namespace', name: 'back' })) === undefined,
      30_000,
    );
    await untilProvisioned('back', []);
    await namespaces({ back: { back: 'yes' } });
    await untilProvisioned('back', ['back']);
    await until('the Secret is there again', () => api.get({ kind: 'Secret', namespace: 'back', name: 'back' }));
  });

  it('brings back an ExternalSecret that was edited, labelled or deleted', async () => {
    await namespaces({ drift: {} });
    await put('drift', { namespaces: ['drift'], externalSecretMetadata: { labels: { kept: 'yes' } } });
    await untilProvisioned('drift', ['drift']);
    const at = { kind: 'ExternalSecret', namespace: 'drift', name: 'drift' } as const;
    await api.patch(at, { spec: { refreshInterval: '5m' } });
    await untilChild('drift', 'drift', (one) => one.spec?.['refreshInterval'] === '1h0m0s');
    await api.patch(at, { metadata: { labels: { kept: 'no', more: 'x' } } });
    await untilChild('drift', 'drift', ({ metadata }) => JSON.stringify(metadata.labels) === '{"kept":"yes"}');
    const uid = (await child('drift', 'drift'))?.metadata.uid;
    await api.delete(at);
    await untilChild('drift', 'drift', ({ metadata }) => metadata.uid !== uid);
  });

  it('hands its template on', async () => {
    await namespaces({ templated: {} });
    const template = { data: { line: 'value={{ .k }}' } };
    await put('templated', {
      namespaces: ['templated'],
      externalSecretSpec: {
        secretStoreRef: storeRef,
        target: { template },
        data: [{ secretKey: 'k', remoteRef: { key: 'k' } }],
      },
    });
    await untilProvisioned('templated', ['templated']);
    const secret = await until('the Secret is there', () =>
      api.get({ kind: 'Secret', namespace: 'templated', name: 'templated' }),
    );
    expect(secret.data).toEqual({ line: Buffer.from('value=shared-value').toString('base64') });
  });

  it('moves its ExternalSecrets to another name', async () => {
    await namespaces({ rename: {} });
    await put('rename', { namespaces: ['rename'] });
    await untilProvisioned('rename', ['rename']);
    await edit('rename', { spec: { externalSecretName: 'renamed' } });
    await untilChild('rename', 'renamed', isReady);
    await untilGone('rename', 'rename');
    await until('it says so', async () => (await ces('rename'))?.status?.externalSecretName === 'renamed');
  });

  it('hands force-sync on, and takes it back', async () => {
    await namespaces({ force: {} });
    await put('force', { namespaces: ['force'] });
    await untilProvisioned('force', ['force']);
    await edit('force', { metadata: { annotations: { [forceSync]: '1', other: '2' } } });
    await untilChild(
      'force',
      'force',
      ({ metadata }) => JSON.stringify(metadata.annotations) === `{"${forceSync}":"1"}`,
    );
    await edit('force', { metadata: { annotations: { [forceSync]: null } } });
    await untilChild('force', 'force', ({ metadata }) => metadata.annotations?.[forceSync] === undefined);
  });

  it('neither takes over nor deletes an ExternalSecret that it does not own', async () => {
    await namespaces({ taken: {}, free: {} });
    const at = { kind: 'ExternalSecret', namespace: 'taken', name: 'taken' } as const;
    const spec = { secretStoreRef: storeRef, target: { name: 'own' }, data };
    await api.apply(at, {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'taken' },
      spec,
    });
    await until('it is ready', async () => isReady((await api.get(at)) ?? never));
    const before = await child('taken', 'taken');
    await put('taken', { namespaces: ['taken', 'free'] });
    const failed = await until('it says so', async () => {
      const found = await ces('taken');
      return found !== undefined && isFailed(found) ? found : undefined;
    });
    expect(failed.status?.failedNamespaces).toEqual([
      { namespace: 'taken', reason: 'external secret already exists in namespace' },
    ]);
    expect(failed.status?.provisionedNamespaces).toEqual(['free']);
    await edit('taken', { spec: { namespaces: ['free'] } });
    await untilProvisioned('taken', ['free']);
    await edit('taken', { spec: { namespaces: ['free', 'taken'] } });
    await until('it fails again', async () => isFailed((await ces('taken')) ?? never));
    expect((await child('taken', 'taken'))?.metadata).toEqual(before?.metadata);
    await api.delete(at);
    await untilProvisioned('taken', ['free', 'taken']);
  });

  it('is never taken for done by Argo CD or Flux before its namespaces have what it says', async () => {
    await namespaces({ 'judged-a': {}, 'judged-b': {} });
    const follower = await follow(api, 'ClusterExternalSecret');
    await put('judged', { namespaces: ['judged-a'] });
    await untilProvisioned('judged', ['judged-a']);
    await edit('judged', { spec: { namespaces: ['judged-a', 'judged-b'] } });
    await untilProvisioned('judged', ['judged-a', 'judged-b']);
    // Two on one namespace: the second is not done, and says so.
    await put('judged-rival', { namespaces: ['judged-a'], externalSecretName: 'judged' });
    await follower.until('judged-rival', 'has failed', isFailed);
    follower.stop();
    const states = follower.history().map(({ object }) => object);
    const tooEarly = states.filter((object, i) => {
      const { metadata, status, spec } = object;
      const before = states.slice(0, i).findLast(({ metadata: { name } }) => name === metadata.name);
      // An edit by itself leaves the status as it was: what counts is what the operator makes of it.
      const isEdit = before !== undefined && before.metadata.generation !== metadata.generation;
      const provisioned = (status?.provisionedNamespaces ?? []).join();
      const isDone = metadata.name === 'judged' && provisioned === ((spec?.['namespaces'] ?? []) as string[]).join();
      const isHealthy = argoClusterHealth(object) === 'Healthy' && !isEdit;
      return metadata.name.startsWith('judged') && !isDone && (kstatus(object) === 'Current' || isHealthy);
    });
    expect(tooEarly).toEqual([]);
    const last = (name: string) => states.findLast(({ metadata }) => metadata.name === name) ?? expect.fail('unseen');
    expect([argoClusterHealth(last('judged')), kstatus(last('judged'))]).toEqual(['Healthy', 'Current']);
    expect([argoClusterHealth(last('judged-rival')), kstatus(last('judged-rival'))]).toEqual(['Progressing', 'Failed']);
    expect(states.map((object) => condition(object, 'Ready')?.status)).not.toContain('Unknown');
  });

  it('says what is wrong with a selector, and touches nothing', async () => {
    await namespaces({ wrong: {} });
    await put('wrong', { namespaces: ['wrong'] });
    await untilProvisioned('wrong', ['wrong']);
    await edit('wrong', {
      spec: { namespaces: null, namespaceSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }] },
    });
    const failed = await until('it says so', async () => {
      const found = await ces('wrong');
      return found !== undefined && isFailed(found) ? found : undefined;
    });
    expect(condition(failed, 'Stalled')?.reason).toBe('InvalidSpec');
    expect(condition(failed, 'Ready')?.message).toContain('spec.namespaceSelectors[0]: operator "Near"');
    expect(await child('wrong', 'wrong')).toBeDefined();
  });

  it('takes off the finalizers that another operator left', async () => {
    const finalizer = 'externalsecrets.external-secrets.io/ces-left';
    await namespaces({ 'left-stays': {}, 'left-goes': {}, 'left-ends': {} });
    for (const name of ['left-stays', 'left-goes', 'left-ends'])
      await api.patch({ kind: 'Namespace', name }, { metadata: { finalizers: [finalizer] } });
    await put('left', { namespaces: ['left-stays', 'left-goes', 'left-ends'] }, { finalizers: [ownFinalizer] });
    await untilProvisioned('left', ['left-ends', 'left-goes', 'left-stays']);
    const held = async (name: string) =>
      (await api.get({ kind: 'Namespace', name }))?.metadata.finalizers?.includes(finalizer) ?? false;
    await edit('left', { spec: { namespaces: ['left-stays', 'left-ends'] } });
    await until('the namespace that is not chosen is free', async () => !(await held('left-goes')));
    await api.delete({ kind: 'Namespace', name: 'left-ends' });
    await until('the namespace ends', async () => !(await held('left-ends')));
    expect(await held('left-stays')).toBe(true);
    await api.delete({ kind: 'ClusterExternalSecret', name: 'left' });
    await until('it is gone', async () => (await ces('left')) === undefined);
    expect(await held('left-stays')).toBe(false);
  });

  it('writes nothing more once all is in step', async () => {
    await namespaces({ quiet: {} });
    await put('quiet', { namespaces: ['quiet'] });
    await untilProvisioned('quiet', ['quiet']);
    await untilChild('quiet', 'quiet', isReady);
    await sentinel('quiet-before');
    const before = writesOf(await audit.calls(), 'quiet').length;
    const seen = await ces('quiet');
    // A new status of the child, and a label of the namespace that no selector asks for.
    await api.patch({ kind: 'Namespace', name: 'quiet' }, { metadata: { labels: { unrelated: 'x' } } });
    await edit('quiet', { metadata: { labels: { unrelated: 'x' } } });
    await sentinel('quiet-after');
    expect(writesOf(await audit.calls(), 'quiet').length).toBe(before);
    expect((await ces('quiet'))?.status).toEqual(seen?.status);
  });
});

const never: ApiObject = { metadata: { name: '', uid: '', resourceVersion: '' } };

async function namespaces(wanted: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void> {
  for (const [name, labels] of Object.entries(wanted))
    await api.create({ kind: 'Namespace', name }, { metadata: { name, labels } });
}

async function put(name: string, spec: object, metadata: object = {}): Promise<void> {
  await api.create(
    { kind: 'ClusterExternalSecret', name },
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'ClusterExternalSecret',
      metadata: { name, ...metadata },
      spec: { externalSecretSpec: { secretStoreRef: storeRef, data }, ...spec },
    },
  );
}

/** A namespace and a ClusterExternalSecret that came later are served: what the operator heard before has had its turn. */
async function sentinel(name: string): Promise<void> {
  await namespaces({ [name]: {} });
  await put(name, { namespaces: [name] });
  await untilProvisioned(name, [name]);
  await untilChild(name, name, isReady);
}

function ces(name: string): Promise<ApiObject | undefined> {
  return api.get({ kind: 'ClusterExternalSecret', name });
}

function child(namespace: string, name: string): Promise<ApiObject | undefined> {
  return api.get({ kind: 'ExternalSecret', namespace, name });
}

async function edit(name: string, patch: object): Promise<void> {
  await api.patch({ kind: 'ClusterExternalSecret', name }, patch);
}

async function untilProvisioned(name: string, places: readonly string[]): Promise<void> {
  await until(`"${name}" has provisioned [${places.join()}]`, async () => {
    const found = await ces(name);
    if (found === undefined || !isReady(found)) return false;
    return (found.status?.provisionedNamespaces ?? []).join() === places.join();
  });
}

async function untilChild(namespace: string, name: string, isSo: (one: ApiObject) => boolean): Promise<void> {
  await until(`ExternalSecret "${namespace}/${name}" is like that`, async () => {
    const found = await child(namespace, name);
    return found !== undefined && isSo(found);
  });
}

async function untilGone(namespace: string, name: string): Promise<void> {
  await until(
    `ExternalSecret "${namespace}/${name}" is gone`,
    async () => (await child(namespace, name)) === undefined,
    30_000,
  );
}
