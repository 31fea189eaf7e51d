// Targets of other kinds than Secret on a real API server, under the rights that the chart gives: ConfigMaps, kinds of a CRD,
// and kinds of Kubernetes whose objects it completes with defaults.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectl, untilEstablished } from '../support/kubectl.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, pause, until } from '../support/wait.ts';

const group = 'widgets.example.com';
/** In full: another file may have a kind of that plural, in a group of its own. */
const widgets = `widgets.${group}`;
const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: widgets },
  spec: {
    group,
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const configMap = { apiVersion: 'v1', kind: 'ConfigMap' };
const widget = { apiVersion: `${group}/v1`, kind: 'Widget' };
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' };

let scene: Scene;

beforeAll(async () => {
  scene = await createScene('manifests', {
    values: {
      admissionPolicy: { enabled: true },
      genericTargets: {
        enabled: true,
        resources: [
          { apiGroup: group, resources: ['widgets'] },
          { apiGroup: 'apps', resources: ['deployments'] },
        ],
      },
    },
    flags: ['--heartbeat-interval=0s'],
  });
  await kubectl(['apply', '-f', '-'], { kubeconfig: scene.kubeconfig, stdin: JSON.stringify(crd) });
  await untilEstablished([`crd/${widgets}`], { kubeconfig: scene.kubeconfig });
  await scene.apply(store({ user: 'ada', port: '8080' }));
});

afterAll(async () => {
  await scene.end();
  await kubectl(['delete', 'crd', widgets, '--wait=false'], { kubeconfig: scene.kubeconfig });
});

const store = (values: Readonly<Record<string, string>>) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { name: 'values' },
  spec: { provider: { fake: { data: Object.entries(values).map(([key, value]) => ({ key, value })) } } },
});

interface Wish {
  readonly manifest?: object;
  readonly target?: object;
  readonly keys?: readonly string[];
  readonly interval?: string;
}

function wish(name: string, { manifest = configMap, target = {}, keys = ['user'], interval = '1h' }: Wish = {}) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret' as const,
    metadata: { name },
    spec: {
      refreshInterval: interval,
      secretStoreRef: { name: 'values' },
      target: { ...target, manifest },
      data: keys.map((key) => ({ secretKey: key, remoteRef: { key } })),
    },
  };
}

interface Found {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly name: string }[];
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The object, or undefined. */
async function found(plural: string, name: string): Promise<Found | undefined> {
  const args = ['get', plural, name, '-n', scene.namespace, '--ignore-not-found', '-o', 'json'];
  const { stdout } = await kubectl(args, { kubeconfig: scene.kubeconfig });
  return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as Found); // kubectl's own JSON
}

const patched = (plural: string, name: string, patch: object) =>
  kubectl(['patch', plural, name, '-n', scene.namespace, '--type=merge', '-p', JSON.stringify(patch)], {
    kubeconfig: scene.kubeconfig,
  });

describe('a ConfigMap', () => {
  it('makes a ConfigMap, and follows source and drift', async () => {
    await scene.put(wish('plain'));
    const synced = await scene.whenSynced('plain');
    expect(condition(synced, 'Ready')).toMatchObject({ reason: 'ResourceSynced', message: 'secret synced' });
    expect(synced.status?.binding).toBeUndefined();
    const made = await found('configmap', 'plain');
    expect(made?.data).toEqual({ user: 'ada' });
    expect(made?.metadata.ownerReferences).toMatchObject([{ name: 'plain', controller: true }]);
    await until('the event shows', () =>
      scene.eventsOf('ExternalSecret', 'plain').some(({ message }) => message === 'Created ConfigMap plain'),
    );
    await patched('configmap', 'plain', { data: { user: 'eve', more: 'x' } });
    await until('drift is mended', async () => {
      const now = (await found('configmap', 'plain'))?.data;
      return now?.['user'] === 'ada' && now['more'] === undefined;
    });
    await kubectl(['delete', 'configmap', 'plain', '-n', scene.namespace], { kubeconfig: scene.kubeconfig });
    await until('it is made again', async () => (await found('configmap', 'plain'))?.data?.['user'] === 'ada');
    await scene.apply(store({ user: 'grace', port: '8080' }));
    await until('the source shows', async () => (await found('configmap', 'plain'))?.data?.['user'] === 'grace');
    await scene.apply(store({ user: 'ada', port: '8080' }));
    await until('and again', async () => (await found('configmap', 'plain'))?.data?.['user'] === 'ada');
  });

  it('removes the object of an earlier target name', async () => {
    await scene.put(wish('renamed', { target: { name: 'first' } }));
    await scene.whenSynced('renamed');
    expect(await found('configmap', 'first')).toBeDefined();
    await scene.put(wish('renamed', { target: { name: 'second' } }));
    await until('the new one is there', async () => (await found('configmap', 'second')) !== undefined);
    await until('the old one is gone', async () => (await found('configmap', 'first')) === undefined);
  });

  it('is left alone when no ExternalSecret has made it', async () => {
    await scene.apply({ ...configMap, metadata: { name: 'theirs' }, data: { user: 'theirs' } });
    await scene.put(wish('theirs'));
    const failed = await scene.whenFailed('theirs');
    expect(condition(failed, 'Ready')).toMatchObject({
      reason: 'ResourceSyncedError',
      message: expect.stringContaining('ConfigMap "theirs" is there already'),
    });
    expect((await found('configmap', 'theirs'))?.data).toEqual({ user: 'theirs' });
  });

  it('of others gets keys under Merge, keeps theirs, and loses ours when they are wanted no more', async () => {
    await scene.apply({ ...configMap, metadata: { name: 'merged' }, data: { theirs: 'x' } });
    await scene.put(wish('merged', { target: { creationPolicy: 'Merge' }, keys: ['user', 'port'] }));
    await scene.whenSynced('merged');
    expect((await found('configmap', 'merged'))?.data).toEqual({ theirs: 'x', user: 'ada', port: '8080' });
    await scene.put(wish('merged', { target: { creationPolicy: 'Merge' }, keys: ['user'] }));
    await until('the key is gone', async () => {
      const now = (await found('configmap', 'merged'))?.data ?? {};
      return !('port' in now) && now['theirs'] === 'x' && now['user'] === 'ada';
    });
    expect((await found('configmap', 'merged'))?.metadata.ownerReferences).toBeUndefined();
  });

  it('is waited for under Merge', async () => {
    await scene.put(wish('awaited', { target: { creationPolicy: 'Merge' } }));
    expect(condition(await scene.whenSynced('awaited'), 'Ready')).toMatchObject({
      reason: 'ResourceMissing',
      message: 'resource will not be created due to CreationPolicy=Merge',
    });
    expect(await found('configmap', 'awaited')).toBeUndefined();
  });

  it('is not owned under Orphan, and goes with its ExternalSecret under Owner', async () => {
    await scene.put(wish('orphan', { target: { creationPolicy: 'Orphan' } }), wish('owned'));
    await Promise.all([scene.whenSynced('orphan'), scene.whenSynced('owned')]);
    await scene.api.delete(scene.address('ExternalSecret', 'orphan'));
    await scene.api.delete(scene.address('ExternalSecret', 'owned'));
    await until('the owned one is gone', async () => (await found('configmap', 'owned')) === undefined, 60_000);
    expect((await found('configmap', 'orphan'))?.data).toEqual({ user: 'ada' });
  });

  it('is deleted by policy when its values are gone, and only then', async () => {
    await scene.apply(store({ user: 'ada', port: '8080', brief: 'x' }));
    await scene.put(wish('brief', { target: { deletionPolicy: 'Delete' }, keys: ['brief'] }));
    await scene.whenSynced('brief');
    expect(await found('configmap', 'brief')).toBeDefined();
    await scene.apply(store({ user: 'ada', port: '8080' }));
    await until('it is deleted', async () => (await found('configmap', 'brief')) === undefined);
    await scene.externalSecrets.until('brief', 'says so', (es) => condition(es, 'Ready')?.reason === 'ResourceDeleted');
  });

  it('is rendered by a template, whose drawn values stay', async () => {
    const template = {
      metadata: { labels: { app: '{{ .user }}' } },
      data: { url: 'http://{{ .user }}:{{ .port }}', token: '{{ randAlphaNum 12 }}' },
    };
    await scene.put(wish('drawn', { target: { template }, keys: ['user', 'port'], interval: '1s' }));
    await scene.whenSynced('drawn');
    const first = await found('configmap', 'drawn');
    expect(first?.data).toEqual({ url: 'http://ada:8080', token: expect.stringMatching(/^[a-zA-Z0-9]{12}$/) });
    expect(first?.metadata.labels).toMatchObject({ app: 'ada' });
    const { generation } = await scene.whenSynced('drawn').then(({ metadata }) => metadata);
    await scene.externalSecrets.until('drawn', 'is refreshed twice', (es) => {
      const times = scene.externalSecrets
        .history('drawn')
        .map(({ object }) => object.status?.refreshTime)
        .filter(Boolean);
      return new Set(times).size >= 3 && es.metadata.generation === generation;
    });
    expect((await found('configmap', 'drawn'))?.metadata.resourceVersion).toBe(first?.metadata.resourceVersion);
  });
});

describe('the guide', () => {
  it('makes a ConfigMap by template', async () => {
    const folder = join(import.meta.dirname, '..', '..', 'docs');
    const manifest = await readFile(join(folder, 'manifests', 'template-config-map.yaml'), 'utf8');
    expect(await readFile(join(folder, 'guides', 'templates.md'), 'utf8')).toContain(`\n${manifest}\`\`\``);
    await scene.apply({ ...store({ user: 'ada' }), metadata: { name: 'template-values' } }, manifest);
    await scene.whenSynced('web-config');
    expect((await found('configmap', 'web-config'))?.data).toEqual({ 'login.ini': '[login]\nuser = ada\n' });
  });
});

describe('another kind', () => {
  it('gets values in spec.data without a template', async () => {
    await scene.put(wish('widget', { manifest: widget }));
    await scene.whenSynced('widget');
    // kubectl hears late of a kind that is new.
    await until('kubectl knows the kind', async () => (await found(widgets, 'widget'))?.spec !== undefined);
    expect((await found(widgets, 'widget'))?.spec).toEqual({ data: { user: 'ada' } });
    await patched(widgets, 'widget', { spec: { data: { user: 'eve' } } });
    await until('drift is mended', async () => {
      const spec = (await found(widgets, 'widget'))?.spec;
      return JSON.stringify(spec) === '{"data":{"user":"ada"}}';
    });
  });

  it('is filled at paths, in what others wrote', async () => {
    await scene.apply({
      ...widget,
      metadata: { name: 'deep' },
      spec: { kept: true, rules: [{ host: 'a' }, { host: 'b' }] },
    });
    const template = {
      templateFrom: [
        { target: 'spec.rules[1]', literal: 'user: {{ .user }}\nport: {{ .port }}' },
        { target: 'spec.limits.max', literal: '{{ .port }}' },
      ],
    };
    const target = { creationPolicy: 'CreateOrMerge', template };
    await scene.put(wish('deep', { manifest: widget, target, keys: ['user', 'port'] }));
    await scene.whenSynced('deep');
    expect((await found(widgets, 'deep'))?.spec).toEqual({
      kept: true,
      rules: [{ host: 'a' }, { host: 'b', user: 'ada', port: 8080 }],
      limits: { max: 8080 },
    });
  });

  it('that the API server completes with defaults is written once', async () => {
    const literal = [
      'replicas: 0',
      'selector: {matchLabels: {app: d}}',
      'template:',
      '  metadata: {labels: {app: d}}',
      '  spec: {containers: [{name: c, image: "registry.example/{{ .user }}"}]}',
    ].join('\n');
    const template = { templateFrom: [{ target: 'spec', literal }] };
    await scene.put(wish('completed', { manifest: deployment, target: { template }, interval: '1s' }));
    await scene.whenSynced('completed');
    const first = await found('deployments', 'completed');
    expect(first?.spec).toMatchObject({ replicas: 0, strategy: { type: 'RollingUpdate' } });
    const before = scene.externalSecrets.history('completed').length;
    await until('it is refreshed', () => scene.externalSecrets.history('completed').length >= before + 2);
    expect((await found('deployments', 'completed'))?.metadata.generation).toBe(first?.metadata.generation);
    expect(scene.eventsOf('ExternalSecret', 'completed').filter(({ reason }) => reason === 'Updated')).toEqual([]);
    await patched('deployments', 'completed', { spec: { replicas: 2 } });
    await until('drift is mended', async () => (await found('deployments', 'completed'))?.spec?.['replicas'] === 0);
  });

  it.each<[why: string, manifest: object, words: RegExp]>([
    ['is a Secret', { apiVersion: 'v1', kind: 'Secret' }, /a Secret is the target without it/],
    ['is one of ours', { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret' }, /is never a target/],
    ['has no namespace', { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' }, /has no namespace/],
    ['is not served', { apiVersion: 'example.com/v1', kind: 'Nothing' }, /no kind that the API server serves/],
    ['the operator has no right to', { apiVersion: 'batch/v1', kind: 'CronJob' }, /needs get, list, watch/],
  ])('that %s is refused', async (why, manifest, words) => {
    const name = `refused-${why.length}`;
    await scene.put(wish(name, { manifest }));
    const failed = await scene.whenFailed(name);
    expect(condition(failed, 'Ready')).toMatchObject({
      reason: 'ResourceSyncedError',
      message: expect.stringMatching(words),
    });
  });
});

describe('without the flag', () => {
  it('an ExternalSecret says which flag its target needs, and nothing is written', async () => {
    const off = await createScene('no-manifests');
    try {
      await off.apply(store({ user: 'ada' }));
      await off.put(wish('closed'));
      const failed = await off.whenFailed('closed');
      expect(condition(failed, 'Ready')).toMatchObject({
        reason: 'SecretSyncedError',
        message: expect.stringContaining('--unsafe-allow-generic-targets'),
      });
      await pause(500);
      const { stdout } = await kubectl(['get', 'configmap', '-n', off.namespace, '-o', 'name'], {
        kubeconfig: off.kubeconfig,
      });
      expect(stdout).not.toContain('closed');
      await off.put({ ...wish('closed'), spec: { ...wish('closed').spec, target: {} } });
      await off.whenSynced('closed');
    } finally {
      await off.end();
    }
  });
});
