// A namespace that terminates with 1,000 ExternalSecrets of every mix of policies while their upstream is down, finalizers of
// ESO on half of them: nothing holds it up. On a control plane of its own, where the namespace controller works for nobody else.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { printCrds } from '../../src/cli/crds.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { esoFinalizer } from '../support/eso-remains.ts';
import { forAll } from '../support/fleet.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../support/infisical-double/double.ts';
import { createKubeApi, type KubeApi } from '../support/kube-api.ts';
import { kubectl, untilEstablished } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { credentials, entry, store } from '../support/samples.ts';
import { condition, pause, timed, until } from '../support/wait.ts';

const namespace = 'ending';
const project = 'ending';
const objectCount = 1_000;
const creations = ['Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'];
const deletions = ['Retain', 'Delete', 'Merge'];
/** Kubernetes deletes what is in a namespace at its own pace; an operator that waited for the upstream would never end. */
const goneWithinMs = 90_000;

let plane: ControlPlane;
let api: KubeApi;
let double: InfisicalDouble;
let operator: Operator;

const { hasControllerManager } = inject('controlPlane');

beforeAll(async () => {
  if (!hasControllerManager) return;
  plane = await startControlPlane();
  const { kubeconfigPath: kubeconfig } = plane;
  const manifests = printCrds();
  await kubectl(['apply', '--server-side', '-f', '-'], { kubeconfig, stdin: manifests });
  await untilEstablished(['-f', '-'], { kubeconfig, stdin: manifests });
  await kubectl(['create', 'namespace', namespace], { kubeconfig });
  api = createKubeApi(plane);
  double = await startInfisicalDouble();
  double.projects.add({ slug: project });
  double.secrets.set({ project, environment: 'dev', key: 'K', value: 'v' });
  const identity = double.identities.add({ name: 'reader', universal: {}, access: { [project]: { role: 'viewer' } } });
  const scope = { projectSlug: project };
  for (const one of [credentials('credentials', identity), store({ name: 'store', hostAPI: double.url, scope })])
    await api.create({ kind: one.kind, namespace, name: one.metadata.name }, one);
  await forAll(
    Array.from({ length: objectCount }, (_, i) => i),
    async (i) => {
      const name = `es-${i}`;
      const creationPolicy = creations[i % creations.length];
      const deletionPolicy = deletions[Math.floor(i / creations.length) % deletions.length];
      if (creationPolicy === 'Merge') await api.create({ kind: 'Secret', namespace, name }, { metadata: { name } });
      const finalizers = i % 2 === 0 ? [esoFinalizer] : [];
      const spec = {
        refreshInterval: '5s',
        secretStoreRef: { name: 'store' },
        target: { creationPolicy, deletionPolicy },
        data: [entry('value', 'K')],
      };
      const body = {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        metadata: { name, finalizers },
        spec,
      };
      await api.create({ kind: 'ExternalSecret', namespace, name }, body);
    },
  );
  operator = await startOperator({ kubeconfig });
}, 240_000);

afterAll(async () => {
  if (!hasControllerManager) return;
  const code = await operator.stop();
  api.close();
  await double.stop();
  await plane.stop();
  expect(code).toBe(0);
});

it.skipIf(!hasControllerManager)(
  'ends, although 1,000 ExternalSecrets of every policy are in it and nobody can be asked',
  async () => {
    const synced = async () => {
      const { items } = await api.list('ExternalSecret', namespace);
      return items.filter((one) => condition(one, 'Ready')?.status === 'True').length;
    };
    await until('all are synced', async () => (await synced()) === objectCount, 60_000);
    const { items } = await api.list('Secret', namespace);
    expect(items.length).toBe(objectCount * 0.8 + 1); // none under None, and the credentials
    await double.down();
    await pause(6_000); // refreshes that fail are on their way
    await api.delete({ kind: 'Namespace', name: namespace });
    const isGone = async () => (await api.get({ kind: 'Namespace', name: namespace })) === undefined;
    const tookMs = await timed(() => until('the namespace is gone', isGone, goneWithinMs));
    process.stdout.write(`namespace end: ${objectCount} ExternalSecrets and their namespace gone after ${tookMs} ms\n`);
    // Nothing of it keeps anybody busy afterwards: another namespace is served as ever.
    const name = 'after';
    await kubectl(['create', 'namespace', name], { kubeconfig: plane.kubeconfigPath });
    const provider = { fake: { data: [{ key: 'K', value: 'v' }] } };
    const meta = { apiVersion: 'external-secrets.io/v1', metadata: { name } };
    await api.create(
      { kind: 'SecretStore', namespace: name, name },
      { ...meta, kind: 'SecretStore', spec: { provider } },
    );
    const spec = { secretStoreRef: { name }, data: [entry('value', 'K')] };
    await api.create({ kind: 'ExternalSecret', namespace: name, name }, { ...meta, kind: 'ExternalSecret', spec });
    await until('it is synced', () => api.get({ kind: 'Secret', namespace: name, name }));
  },
  240_000,
);
