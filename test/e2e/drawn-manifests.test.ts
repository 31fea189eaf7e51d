// Values that are drawn into objects of a kind whose defaults the API server fills in: they are not drawn anew because of what
// it filled in, at an interval or after a restart, and an edit of what is ours is put back.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, untilEstablished } from '../support/kubectl.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { until } from '../support/wait.ts';

const group = 'gadgets.example.com';
const string = { type: 'string' };
const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `gadgets.${group}` },
  spec: {
    group,
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                ...free,
                properties: {
                  mode: { ...string, default: 'auto' },
                  login: { ...free, properties: { realm: { ...string, default: 'main' } } },
                  rules: {
                    type: 'array',
                    items: { ...free, properties: { port: { type: 'integer', default: 443 } } },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
const manifest = { apiVersion: `${group}/v1`, kind: 'Gadget' };

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('drawn-manifests', {
    values: { genericTargets: { enabled: true, resources: [{ apiGroup: group, resources: ['gadgets'] }] } },
    flags: ['--heartbeat-interval=0s'], // every refresh moves refreshTime, so that it can be seen
  });
  await kubectl(['apply', '-f', '-'], { kubeconfig: scene.kubeconfig, stdin: JSON.stringify(crd) });
  await untilEstablished([`crd/gadgets.${group}`], { kubeconfig: scene.kubeconfig });
  await scene.apply(
    {
      apiVersion: 'external-secrets.io/v1',
      kind: 'SecretStore',
      metadata: { name: 'values' },
      spec: { provider: { fake: { data: [{ key: 'user', value: 'ada' }] } } },
    },
    {
      apiVersion: 'generators.external-secrets.io/v1alpha1',
      kind: 'Password',
      metadata: { name: 'drawn' },
      spec: { length: 20 },
    },
  );
});

afterAll(async () => {
  await scene.end();
  await kubectl(['delete', 'crd', `gadgets.${group}`, '--wait=false'], { kubeconfig: scene.kubeconfig });
});

const literal = [
  'login: {password: "{{ randAlphaNum 16 }}"}',
  'rules: [{name: "{{ .user }}", token: "{{ uuidv4 }}"}]',
  'at-{{ now | unixEpoch }}: x',
].join('\n');

const byTemplate = (name: string, target: object = {}) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret' as const,
  metadata: { name },
  spec: {
    refreshInterval: '1s',
    secretStoreRef: { name: 'values' },
    target: {
      manifest,
      template: {
        templateFrom: [
          { target: 'spec', literal },
          { target: 'spec.login', literal: 'user: "{{ .user }}"' },
        ],
      },
      ...target,
    },
    data: [{ secretKey: 'user', remoteRef: { key: 'user' } }],
  },
});

const byGenerator = (name: string, target: object = {}) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret' as const,
  metadata: { name },
  spec: {
    refreshInterval: '1h',
    target: { manifest, ...target },
    dataFrom: [{ sourceRef: { generatorRef: { kind: 'Password', name: 'drawn' } } }],
  },
});

interface Gadget {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: {
    readonly mode: string;
    readonly data: Readonly<Record<string, string>>;
    readonly login: Readonly<Record<string, string>>;
    readonly rules: readonly object[];
    readonly extra?: string;
  };
}

async function gadget(name: string): Promise<Gadget> {
  const args = ['get', `gadgets.${group}`, name, '-n', scene.namespace, '-o', 'json'];
  return JSON.parse((await kubectl(args, { kubeconfig: scene.kubeconfig })).stdout) as Gadget; // of the schema above
}

/** What is there once the object is synced, with defaults that the API server filled in. */
async function synced(name: string): Promise<Gadget> {
  await scene.whenSynced(name);
  await until('kubectl knows the kind', () =>
    gadget(name).then(
      () => true,
      () => false,
    ),
  );
  const found = await gadget(name);
  expect(found.spec.mode).toBe('auto');
  return found;
}

async function patched(name: string, patch: object): Promise<void> {
  const args = ['patch', `gadgets.${group}`, name, '-n', scene.namespace, '--type=merge', '-p', JSON.stringify(patch)];
  await kubectl(args, { kubeconfig: scene.kubeconfig });
}

/** Waits until the object, which has an interval of a second, was refreshed so many times more. */
async function refreshed(name: string, times: number): Promise<void> {
  const seen = () => new Set(scene.externalSecrets.history(name).map(({ object }) => object.status?.refreshTime)).size;
  const before = seen();
  await until(`${name} is refreshed ${times} times`, () => seen() >= before + times, 30_000);
}

async function restart(): Promise<void> {
  await scene.operator().stop();
  await scene.startOperator();
}

describe('values that are drawn, where the API server fills in defaults', () => {
  it('are written once, over refreshes and a restart', async () => {
    await scene.put(
      byTemplate('lasting'),
      byGenerator('generated'),
      byGenerator('shared', { creationPolicy: 'CreateOrMerge' }),
    );
    const names = ['lasting', 'generated', 'shared'];
    const before = await Promise.all(names.map(synced));
    const [lasting, generated] = before;
    expect(lasting?.spec.login).toEqual({ user: 'ada', password: expect.stringMatching(/^\w{16}$/), realm: 'main' });
    expect(lasting?.spec.rules).toEqual([{ name: 'ada', token: expect.stringMatching(/^[0-9a-f-]{36}$/), port: 443 }]);
    expect(generated?.spec.data['password']).toHaveLength(20);
    await refreshed('lasting', 2);
    await restart();
    await refreshed('lasting', 2);
    expect(await Promise.all(names.map(gadget))).toEqual(before);
  });

  it('stay when something else of ours is edited, which is put back, also while nobody works', async () => {
    await scene.put(byTemplate('edited'));
    const { login, rules } = (await synced('edited')).spec;
    const isMended = async () => {
      const { spec } = await gadget('edited');
      return spec.login['user'] === 'ada' && !('extra' in spec);
    };
    await patched('edited', { spec: { login: { user: 'eve' } } });
    await until('the edit is put back', isMended);
    await scene.operator().stop();
    await patched('edited', { spec: { login: { user: 'eve' }, extra: 'theirs' } });
    await scene.startOperator();
    await until('the edit is put back, and what was added is gone', isMended);
    expect((await gadget('edited')).spec).toMatchObject({ login, rules });
  });

  it('stay beside what others add, which is left under CreateOrMerge', async () => {
    await scene.put(
      byTemplate('beside', {
        creationPolicy: 'CreateOrMerge',
        template: { templateFrom: [{ target: 'spec.login', literal: 'password: "{{ randAlphaNum 16 }}"' }] },
      }),
      byGenerator('beside-generated', { creationPolicy: 'CreateOrMerge' }),
    );
    const names = ['beside', 'beside-generated'];
    const before = await Promise.all(names.map(synced));
    const added = { extra: 'theirs', login: { more: 'theirs' } };
    for (const name of names) await patched(name, { spec: added });
    await refreshed('beside', 2);
    await restart();
    await refreshed('beside', 2);
    const after = await Promise.all(names.map(gadget));
    for (const [at, { spec }] of after.entries()) {
      expect(spec).toEqual({ ...before[at]?.spec, ...added, login: { ...before[at]?.spec.login, ...spec.login } });
      expect(spec.login['more']).toBe('theirs');
    }
    expect(after[0]?.spec.login['password']).toBe(before[0]?.spec.login['password']);
    await patched('beside-generated', { spec: { data: { password: 'mine' } } });
    await until('what is ours is drawn anew', async () => {
      const { data, extra } = (await gadget('beside-generated')).spec;
      return data['password'] !== 'mine' && data['password']?.length === 20 && extra === 'theirs';
    });
  });
});

describe('a target that is made once, where the API server fills in defaults', () => {
  it('is not made again after a restart', async () => {
    const wish = byTemplate('once');
    await scene.put({ ...wish, spec: { ...wish.spec, refreshPolicy: 'CreatedOnce' } });
    const before = await synced('once');
    const told = (await scene.whenSynced('once')).status?.refreshTime;
    await restart();
    await refreshed('lasting', 2);
    expect(await gadget('once')).toEqual(before);
    expect((await scene.whenSynced('once')).status?.refreshTime).toBe(told);
  });
});
