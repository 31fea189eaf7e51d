// An operator of two namespaces, with a Role in each and no right outside: it serves both, and nothing else.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createNamespace, kubectl, listOf } from '../support/kubectl.ts';
import { type Operator, startOperator } from '../support/operator.ts';
import { externalSecret } from '../support/samples.ts';

const kubeconfig = inject('kubeconfigPath');
let home: string;
let [one, two, other] = ['', '', ''];
let operator: Operator;
/** Holds nothing but the token of the operator's ServiceAccount. */
let account = '';

beforeAll(async () => {
  home = await createNamespace('scoped-home', { kubeconfig });
  [one, two, other] = [
    await createNamespace('scoped', { kubeconfig }),
    await createNamespace('scoped', { kubeconfig }),
    await createNamespace('scoped', { kubeconfig }),
  ];
  operator = await startOperator({
    kubeconfig,
    namespace: home,
    values: { scopedNamespace: '', scopedNamespaces: [one, two], scopedRBAC: true },
    flags: [`--controller-class=${home}`],
    through: async (path) => (account = path),
  });
});
afterAll(async () => {
  expect(await operator.stop()).toBe(0);
  await kubectl(['delete', 'namespace', home, one, two, other, '--wait=false'], { kubeconfig });
});

describe('an operator of some namespaces', () => {
  it('syncs, mends and removes in each of them, and leaves others alone', async () => {
    for (const namespace of [one, two, other]) await plant(namespace);
    for (const namespace of [one, two]) {
      await cli(namespace, 'wait', '--for=condition=Ready', 'externalsecret/app', '--timeout=20s');
      expect(await valueIn(namespace)).toBe(`of ${namespace}`);
      await cli(namespace, 'patch', 'secret', 'app', '-p', '{"data":{"value":"d3Jvbmc="}}');
      await cli(
        namespace,
        'wait',
        `--for=jsonpath={.data.value}=${base64(`of ${namespace}`)}`,
        'secret/app',
        '--timeout=20s',
      );
    }
    expect(await cli(other, 'get', 'secrets,events', '-o', 'name')).toBe('');
    const path = 'jsonpath={.status.conditions}';
    expect(await cli(other, 'get', 'externalsecret/app', '-o', path)).toBe('');
  });

  it('reads no Secret elsewhere', async () => {
    const mayRead = async (namespace: string) =>
      (await kubectl(['get', 'secrets', '-n', namespace, '-o', 'name'], { kubeconfig: account })).stdout;
    expect(await mayRead(one)).toContain('secret/app');
    await expect(mayRead(other)).rejects.toThrow(/forbidden/);
    await expect(mayRead('kube-system')).rejects.toThrow(/forbidden/);
    await expect(mayRead(home)).rejects.toThrow(/forbidden/);
  });

  it('writes at home only what it keeps there', async () => {
    const kept = (await cli(home, 'get', 'secrets', '-l', 'app.kubernetes.io/name=escapement', '-o', 'name')).trim();
    expect(kept).toMatch(/^secret\/.+-leases$/);
    const get = ['get', kept, '-n', home, '-o', 'json'];
    const secret = JSON.parse((await kubectl(get, { kubeconfig: account })).stdout);
    const stdin = JSON.stringify({ ...secret, data: { leases: base64('x') } });
    await kubectl(['replace', '-f', '-'], { kubeconfig: account, stdin });
    const other = JSON.stringify({ ...secret, metadata: { name: 'other', namespace: home } });
    await expect(kubectl(['create', '-f', '-'], { kubeconfig: account, stdin: other })).rejects.toThrow(/forbidden/);
  });
});

async function plant(namespace: string): Promise<void> {
  const fake = { data: [{ key: 'API_KEY', value: `of ${namespace}` }] };
  const store = {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: 'store' },
    spec: { controller: home, provider: { fake } },
  };
  const stdin = listOf([store, externalSecret({ name: 'app' })]);
  await kubectl(['apply', '-n', namespace, '-f', '-'], { kubeconfig, stdin });
}

async function cli(namespace: string, ...args: string[]): Promise<string> {
  return (await kubectl([...args, '-n', namespace], { kubeconfig })).stdout;
}

async function valueIn(namespace: string): Promise<string> {
  return Buffer.from(await cli(namespace, 'get', 'secret', 'app', '-o', 'jsonpath={.data.value}'), 'base64').toString();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
