// The chart's admission policy on a real API server: the operator does all of its work under it, and whoever holds its token
// can write nothing else, although RBAC would let them. `rights.test.ts` runs under it as well.
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { managedLabel } from '../../src/core/contract-names.ts';
import { powerfulTypes } from '../../src/core/target-plan.ts';
import { createNamespace, KubectlError, kubectl } from '../support/kubectl.ts';
import { startOperator } from '../support/operator.ts';
import { credentials, externalSecret, plantSample, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { until } from '../support/wait.ts';

let scene: Scene;
/** Holds nothing but the token of the operator's ServiceAccount. */
let account = '';

beforeAll(async () => {
  scene = await createScene('admission', {
    operator: false,
    values: { admissionPolicy: { enabled: true }, genericTargets: { enabled: true } },
  });
  await scene.startOperator([], { through: async (kubeconfig) => (account = kubeconfig) });
  await scene.apply(
    credentials('credentials', plantSample(scene)),
    store({ name: 'store', hostAPI: scene.double.url }),
    secret('theirs', {}),
    { ...secret('closed', {}), kind: 'ConfigMap' },
  );
  // The API server takes a policy up a moment after it was written.
  await until('the policy is in force', async () => (await asOperator('create', secret('early', {}))) !== 'done');
});
afterAll(() => scene.end());

describe('an operator under the admission policy', () => {
  it('creates, adopts, merges into and removes Secrets', async () => {
    await scene.apply(secret('adopted', {}), secret('merged', {}));
    await scene.apply(
      externalSecret({ name: 'made', spec: { target: { name: 'first' } } }),
      externalSecret({ name: 'adopted' }),
      externalSecret({ name: 'merged', spec: { target: { creationPolicy: 'Merge' } } }),
      externalSecret({ name: 'orphan', spec: { target: { creationPolicy: 'Orphan' } } }),
    );
    for (const name of ['made', 'adopted', 'merged', 'orphan']) await scene.whenSynced(name);
    await scene.edit('ExternalSecret', 'made', { spec: { target: { name: 'second' } } });
    await scene.whenSynced('made');
    await scene.secrets.untilGone('first');
    for (const name of ['second', 'adopted', 'merged', 'orphan']) {
      expect(await scene.secretData(name)).toMatchObject({ value: scene.value('api-key') });
    }
  });

  it('says which policy refused, where it may not write', async () => {
    const { kubeconfig } = scene;
    const namespace = await createNamespace('closed', { kubeconfig });
    const values = { admissionPolicy: { enabled: true, closedNamespaces: [namespace] } };
    const operator = await startOperator({ kubeconfig, namespace, values, flags: [`--controller-class=${namespace}`] });
    onTestFinished(async () => {
      await operator.stop();
      await kubectl(['delete', 'namespace', namespace, '--wait=false'], { kubeconfig });
    });
    const fake = { provider: { fake: { data: [{ key: 'API_KEY', value: 'x' }] } }, controller: namespace };
    const plainStore = { apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'store' } };
    const cli = async (args: readonly string[], stdin = '') =>
      (await kubectl([...args, '-n', namespace], { kubeconfig, stdin })).stdout;
    await cli(['apply', '-f', '-'], JSON.stringify({ ...plainStore, spec: fake }));
    let made = 0;
    const said = await until('a write is refused', async () => {
      const name = `app-${made++}`; // until the policy is in force
      await cli(['apply', '-f', '-'], JSON.stringify(externalSecret({ name })));
      await cli(['wait', '--for=condition=Ready', '--timeout=3s', `externalsecret/${name}`]).catch(() => {});
      const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
      const message = await cli(['get', 'externalsecret', name, '-o', path]);
      return message === 'secret synced' ? undefined : message;
    });
    expect(said).toContain(`ValidatingAdmissionPolicy "escapement.${namespace}" denied the request`);
  });
});

describe('whoever holds the token of the operator', () => {
  const marked = { [managedLabel]: 'true' };

  it.each([
    { why: 'a Secret without the label', verb: 'create', object: () => secret('plain', {}), says: 'label' },
    {
      why: 'a Secret with the label of another value',
      verb: 'create',
      object: () => secret('odd', { [managedLabel]: 'no' }),
      says: 'label',
    },
    {
      why: 'a Secret in kube-system',
      verb: 'create',
      object: () => ({ ...secret('theirs', marked), metadata: { ...metadata('x', marked), namespace: 'kube-system' } }),
      says: 'closedNamespaces',
    },
    ...powerfulTypes.map((type) => ({
      why: `a Secret of type ${type}`,
      verb: 'create' as const,
      object: () => ({
        ...secret('door', marked),
        metadata: { ...metadata('door', marked), annotations: { 'kubernetes.io/service-account.name': 'default' } },
        type,
      }),
      says: 'let in',
    })),
    {
      why: 'a ConfigMap without the label',
      verb: 'create',
      object: () => ({ ...secret('plain', {}), kind: 'ConfigMap' }),
      says: 'label',
    },
    {
      why: 'what a foreign Secret holds',
      verb: 'replace',
      object: () => ({ ...secret('theirs', {}), data: { value: 'eA==' } }),
      says: 'label',
    },
    { why: 'the end of a foreign Secret', verb: 'delete', object: () => secret('theirs', {}), says: 'label' },
  ] as const)('may not write $why', async ({ verb, object, says }) => {
    const answer = await asOperator(verb, object());
    expect(answer).toContain('ValidatingAdmissionPolicy');
    expect(answer).toContain(says);
  });

  it('may not take the label off', async () => {
    expect(await asOperator('create', secret('labelled', marked))).toBe('done');
    expect(await asOperator('replace', secret('labelled', {}))).toContain('label');
    expect(await asOperator('delete', secret('labelled', marked))).toBe('done');
  });

  it('is nobody else: others write as before', async () => {
    await scene.apply(secret('of-a-person', {}));
    expect(await scene.secretData('of-a-person')).toEqual({});
  });
});

function metadata(name: string, labels: Readonly<Record<string, string>>) {
  return { name, namespace: scene.namespace, labels };
}

function secret(name: string, labels: Readonly<Record<string, string>>) {
  return { apiVersion: 'v1', kind: 'Secret', metadata: metadata(name, labels) };
}

/** `done`, or what the API server said. */
async function asOperator(verb: 'create' | 'replace' | 'delete', object: object): Promise<string> {
  try {
    const wait = verb === 'delete' ? ['--wait=false'] : [];
    await kubectl([verb, ...wait, '-f', '-'], { kubeconfig: account, stdin: JSON.stringify(object) });
    return 'done';
  } catch (thrown) {
    if (thrown instanceof KubectlError) return thrown.message;
    throw thrown;
  }
}
