// Environments of the cluster under the chart's real rights: the walk of the announcement of Infisical in ESC (one
// Environment logs in, another in a namespace of its own imports it and reads secrets), what follows when any of the parts
// changes, and what a namespace that nothing is shared with gets to see.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { clusterIssuer } from '../support/cluster-trust.ts';
import { jwtVerifier } from '../support/jwt-issuer.ts';
import { applyYaml, createNamespace, kubectl } from '../support/kubectl.ts';
import type { ChartValues } from '../support/rendered-chart.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, isFailed, until } from '../support/wait.ts';

interface Walk {
  readonly scene: Scene;
  /** The namespace that logs in for others. */
  readonly infisical: string;
  environment(name: string, spec: object, namespace?: string): Promise<void>;
  /** Objects of the served namespace, of kinds that are looked at here only. */
  list(what: string): Promise<readonly Listed[]>;
  /** The Environment once its status is like that. */
  untilTold(name: string, what: string, isSo: (status: Status) => boolean | undefined): Promise<Status>;
}

interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  readonly diagnostics?: readonly { readonly severity: string; readonly path?: string; readonly message: string }[];
  readonly imports?: readonly string[];
  readonly importedBy?: readonly string[];
  readonly keys?: readonly { readonly name: string; readonly type: string; readonly secret: boolean }[];
  readonly revision?: number;
}

interface Listed {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status?: Status;
  readonly revision?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

function manifest(name: string, spec: object, namespace: string) {
  return { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata: { name, namespace }, spec };
}

/** The built `escapement env` for who may do all in the cluster. */
async function desk(
  { kubeconfig, namespace, input = '' }: Pick<Scene, 'kubeconfig' | 'namespace'> & { readonly input?: string },
  ...args: readonly string[]
) {
  const bundle = join(import.meta.dirname, '../../dist/escapement.mjs');
  const words = [bundle, 'env', ...args, '--kubeconfig', kubeconfig, '-n', namespace];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: Number(code), out, errors };
}

const readyOf = ({ conditions = [] }: Status) => conditions.find(({ type }) => type === 'Ready');

/** The operator serves the namespace of the application; the login belongs to another one. */
async function walk(values: ChartValues = {}): Promise<Walk> {
  const scene = await createScene('my-app', {
    operator: false,
    double: { generation: 'newest' },
    values: { rbac: { serviceAccountTokenCreate: true }, ...values },
  });
  onTestFinished(() => scene.end());
  const { kubeconfig } = scene;
  const infisical = await createNamespace('infisical', { kubeconfig });
  await scene.startOperator();
  const list = async (what: string) => {
    const { stdout } = await kubectl(['get', what, '-n', scene.namespace, '-o', 'json'], { kubeconfig });
    return (JSON.parse(stdout) as { readonly items: readonly Listed[] }).items;
  };
  return {
    scene,
    infisical,
    list,
    untilTold: (name, what, isSo) =>
      until(`Environment "${name}" ${what}`, async () => {
        const status = (await list('env')).find(({ metadata }) => metadata.name === name)?.status ?? {};
        return isSo(status) === true ? status : undefined;
      }),
    async environment(name, spec, namespace = scene.namespace) {
      await applyYaml(JSON.stringify(manifest(name, spec, namespace)), { kubeconfig });
    },
  };
}

/** The manifests of docs/providers/esc.md, with project and identity as the page asks for them. */
async function play({ scene, infisical }: Walk): Promise<void> {
  const { double, kubeconfig, namespace } = scene;
  const project = double.projects.add({ slug: 'shop', environments: [{ slug: 'prod' }] });
  const place = { project: 'shop', environment: 'prod', path: '/api/service' };
  double.secrets.set({ ...place, key: 'key', value: scene.value('one') });
  const cluster = await clusterIssuer(inject('controlPlane'));
  const subject = `system:serviceaccount:${infisical}:default`;
  const { id } = double.identities.add({
    name: 'oidc',
    methods: { oidc: jwtVerifier({ ...cluster, audience: 'infisical', subject }, 'OIDC') },
    access: { shop: { role: 'viewer' } },
  });
  const replacements = {
    'namespace: infisical': `namespace: ${infisical}`,
    '- infisical/oidc-login': `- ${infisical}/oidc-login`,
    'my-app': namespace,
    'https://app.infisical.com': double.url,
    '<id of the machine identity>': id,
    '<id of the project>': project.id,
  };
  for (const name of ['environment-oidc-login', 'environment-dev-config']) {
    const shown = await readFile(join(import.meta.dirname, '../../docs/manifests', `${name}.yaml`), 'utf8');
    const text = Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), shown);
    await applyYaml(text, { kubeconfig });
  }
}

function store(environment: string, name = 'config') {
  const spec = { provider: { esc: { environment } } };
  return { apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name }, spec };
}

function externalSecret(name: string, key: string, from = 'config') {
  const data = [{ secretKey: 'apiKey', remoteRef: { key } }];
  const spec = { refreshInterval: '1h', secretStoreRef: { name: from }, data };
  return { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name }, spec };
}

const untilHolds = (scene: Scene, name: string, value: string) =>
  until(`"${name}" holds what is new`, async () => (await scene.secretData(name))?.['apiKey'] === value);

describe('an Environment of the cluster', () => {
  it('gives an ExternalSecret what it reads from Infisical by the login of another namespace', async () => {
    const made = await walk();
    const { scene } = made;
    await play(made);
    await scene.whenSynced('api');
    expect(await scene.secretData('api')).toEqual({ apiKey: scene.value('one') });
    await scene.stores.until('dev-config', 'is valid', (one) => condition(one, 'Ready')?.status === 'True');
    // One identity, one session: whoever opens it shares the token.
    expect(scene.double.requests.counts().byKind.login).toBe(1);
  });

  it('follows every Environment that it is made of, and a Secret that it reads', async () => {
    const { scene, infisical, environment } = await walk();
    const { namespace, kubeconfig } = scene;
    const shared = { namespaces: [namespace] };
    const secret = (value: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      stringData: { password: value },
    });
    const fromSecret = { 'fn::open::kubernetes-secrets': { get: { password: { name: 'db', key: 'password' } } } };
    await scene.apply(secret(scene.value('db-1')));
    await environment('base', { values: { host: 'one' }, sharedWith: shared }, infisical);
    await environment('app', {
      imports: [`${infisical}/base`],
      values: { db: fromSecret, url: '${host}:${db.password}' },
    });
    await scene.apply(store('app'), externalSecret('app', 'url'));
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ apiKey: `one:${scene.value('db-1')}` });

    await environment('base', { values: { host: 'two' }, sharedWith: shared }, infisical);
    await untilHolds(scene, 'app', `two:${scene.value('db-1')}`);
    await scene.apply(secret(scene.value('db-2')));
    await untilHolds(scene, 'app', `two:${scene.value('db-2')}`);
    await environment('app', { imports: [`${infisical}/base`], values: { url: '${host}' } });
    await untilHolds(scene, 'app', 'two');

    // Withdrawn shares leave the Secret as it is, and say so; given again, they are used at once.
    await environment('base', { values: { host: 'three' } }, infisical);
    const red = await scene.whenFailed('app');
    expect(condition(red, 'Ready')?.message).toContain(`"${infisical}/base" does not exist, or is not shared`);
    expect(await scene.secretData('app')).toEqual({ apiKey: 'two' });
    const labels = { 'example.com/team': namespace };
    await environment(
      'base',
      { values: { host: 'four' }, sharedWith: { namespaceSelector: { matchLabels: labels } } },
      infisical,
    );
    await applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } }), {
      kubeconfig,
    });
    await untilHolds(scene, 'app', 'four');
  });

  it('says the same of what is missing and of what is not shared', async () => {
    const { scene, infisical, environment } = await walk();
    await environment('private', { values: { apiKey: 'x' } }, infisical);
    await scene.apply(
      ...['private', 'missing'].flatMap((name) => [
        store(`${infisical}/${name}`, name),
        externalSecret(name, 'apiKey', name),
      ]),
    );
    const said = async (name: string) => {
      const red = await scene.externalSecrets.until(name, 'is red', isFailed);
      return condition(red, 'Ready')?.message?.replaceAll(name, 'NAME');
    };
    expect(await said('private')).toBe(await said('missing'));
    expect(await scene.secretData('private')).toBeUndefined();
  });

  it('is checked, and told what it gives', async () => {
    const { scene, infisical, environment, untilTold } = await walk();
    const { namespace, kubeconfig } = scene;
    const values = { host: 'h', url: '${hots}', password: { 'fn::secret': scene.value('plain') } };
    await environment('app', { imports: [`${infisical}/base`], values });
    const red = await untilTold('app', 'is red', (status) => readyOf(status)?.status === 'False');
    expect(red.diagnostics).toMatchObject([
      { severity: 'error', message: expect.stringContaining(`"${infisical}/base" does not exist, or is not shared`) },
      { severity: 'error', path: 'values.url', message: expect.stringContaining('unknown property "hots"') },
      { severity: 'warning', path: 'values.password', message: expect.stringContaining('escapement env encrypt') },
    ]);
    await environment('base', { values: { hots: 'there' }, sharedWith: { namespaces: [namespace] } }, infisical);
    await environment('other', { imports: ['app'] });
    const green = await untilTold(
      'app',
      'is green',
      (status) => status.importedBy !== undefined && status.revision === 1,
    );
    expect(readyOf(green)?.status).toBe('True');
    expect(green).toMatchObject({ imports: [`${infisical}/base`], importedBy: [`${namespace}/other`] });
    expect(green.keys).toEqual([
      { name: 'host', type: 'string', secret: false },
      { name: 'hots', type: 'string', secret: false },
      { name: 'password', type: 'string', secret: true },
      { name: 'url', type: 'string', secret: false },
    ]);
    await until('the warning is told by an event', () =>
      scene.eventsOf('Environment', 'app').some(({ reason }) => reason === 'PlainSecret'),
    );
    const { stdout } = await kubectl(['get', 'env', '-n', namespace], { kubeconfig });
    expect(stdout).toMatch(/NAME +STATUS +READY +REVISION +AGE\napp +Valid +True +1 /);
    // What the object itself holds is no leak of ours; it is taken away before the scene looks for some.
    await kubectl(['delete', 'env', 'app', '-n', namespace, '--wait=false'], { kubeconfig });
  });

  it('has revisions, of which imports, stores and keys name one', async () => {
    const { scene, environment, list, untilTold } = await walk();
    const version = async (number: number, more: object = {}) => {
      await environment('base', { values: { at: `v${number}` }, revisionHistoryLimit: 3, ...more });
      await untilTold('base', `has revision ${number}`, ({ revision }) => revision === number);
    };
    await version(1);
    await version(2, { tags: { stable: 1 } });
    const pinned = { ...store('base', 'pinned'), spec: { provider: { esc: { environment: 'base', version: '1' } } } };
    const byKey = externalSecret('by-key', 'at', 'now');
    const remoteRef = { key: 'at', version: '1' };
    await environment('app', { imports: ['base@stable'] });
    await scene.apply(store('base', 'now'), pinned, store('app', 'app'));
    await scene.apply(
      externalSecret('now', 'at', 'now'),
      externalSecret('pinned', 'at', 'pinned'),
      externalSecret('tagged', 'at', 'app'),
      { ...byKey, spec: { ...byKey.spec, data: [{ secretKey: 'apiKey', remoteRef }] } },
    );
    await untilHolds(scene, 'now', 'v2');
    for (const name of ['pinned', 'tagged', 'by-key']) await untilHolds(scene, name, 'v1');
    // Going forth and back is one edit.
    await environment('base', { values: { at: 'v2' }, revisionHistoryLimit: 3, tags: { stable: 2 } });
    await untilHolds(scene, 'tagged', 'v2');
    await environment('base', { values: { at: 'v2' }, revisionHistoryLimit: 3, tags: { stable: 1 } });
    await untilHolds(scene, 'tagged', 'v1');

    for (const number of [3, 4, 5]) await version(number, { tags: { stable: 1 } });
    const numbers = async () => {
      const all = (await list('controllerrevisions')).filter(({ data }) => String(data?.['values']) !== 'undefined');
      return all.map(({ revision = 0 }) => revision).sort((a, b) => a - b);
    };
    await until('old revisions are gone', async () => (await numbers()).join() === '1,3,4,5');
    expect(await scene.secretData('pinned')).toEqual({ apiKey: 'v1' });

    // The same at a desk: an ENV may name a revision, and two of them are compared.
    const at = async (name: string) => (await desk(scene, 'open', name, 'at', '-f', 'string')).out;
    expect([await at('base'), await at('base@3'), await at('base@stable'), await at('app')]).toEqual([
      'v5\n',
      'v3\n',
      'v1\n',
      'v1\n',
    ]);
    expect(await desk(scene, 'diff', '--values', 'base@stable', '@4')).toEqual({
      code: 1,
      out: '~ at: "v1" -> "v4"\n',
      errors: '',
    });
    expect(await desk(scene, 'diff', 'base:5')).toEqual({ code: 0, out: '', errors: '' });
    const base = { values: { at: 'file' }, tags: { stable: 1, newer: 4 } };
    const app = { imports: ['base@newer'] };
    const items = [manifest('base', base, scene.namespace), manifest('app', app, scene.namespace)];
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const opened = ['open', `-#${scene.namespace}/app`, 'at', '-f', 'string'] as const;
    expect(await desk({ ...scene, input }, ...opened)).toEqual({ code: 0, out: 'v4\n', errors: '' });
    for (const [name, says] of [
      ['base@2', 'has no revision 2'],
      ['base@new', 'has no tag "new"'],
    ] as const) {
      expect(await desk(scene, 'check', name)).toMatchObject({ code: 3, errors: expect.stringContaining(says) });
    }
  });

  it('finds the revision that is there without its label', async () => {
    const { scene, environment, list, untilTold } = await walk();
    await environment('app', { values: { a: 1 } });
    await untilTold('app', 'has a revision', ({ revision }) => revision === 1);
    const [made] = await list('controllerrevisions');
    expect(made?.metadata.labels).toEqual({ 'escapement.dev/environment-revision': 'true' });
    await scene.operator().stop();
    const { kubeconfig, namespace } = scene;
    const inNamespace = ['-n', namespace];
    const label = 'escapement.dev/environment-revision-';
    await kubectl(['label', 'controllerrevision', made?.metadata.name ?? '', label, ...inNamespace], { kubeconfig });
    // As if it had been made by a try that did not come to write the status.
    const patch = ['patch', 'env', 'app', '--subresource=status', '--type=merge', '-p', '{"status":null}'];
    await kubectl([...patch, ...inNamespace], { kubeconfig });
    await scene.startOperator();
    await untilTold('app', 'is green', (status) => readyOf(status)?.status === 'True' && status.revision === 1);
    expect((await list('controllerrevisions')).map(({ revision }) => revision)).toEqual([1]);
  });

  it('publishes variables and files for pods', async () => {
    const { scene, environment, list, untilTold } = await walk({ genericTargets: { enabled: true } });
    const data = (password: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      stringData: { password },
    });
    await scene.apply(data(scene.value('one')));
    const values = {
      db: { 'fn::open::kubernetes-secrets': { get: { password: { name: 'db', key: 'password' } } } },
      environmentVariables: { HOST: 'h', PASSWORD: '${db.password}' },
      files: { 'tls.crt': 'cert' },
    };
    await environment('app', { values, publish: { secretName: 'app-secret', configMapName: 'app-config' } });
    await untilTold('app', 'is published', (status) => readyOf(status)?.status === 'True');
    const config = async (name: string) =>
      (await list('configmaps')).find(({ metadata }) => metadata.name === name)?.data;
    expect(await scene.secretData('app-secret')).toEqual({ PASSWORD: scene.value('one'), 'tls.crt': 'cert' });
    expect(await config('app-config')).toEqual({ HOST: 'h' });

    await scene.apply(data(scene.value('two')));
    await until('the Secret follows what the Environment reads', async () => {
      return (await scene.secretData('app-secret'))?.['PASSWORD'] === scene.value('two');
    });
    const { kubeconfig, namespace } = scene;
    await kubectl(['patch', 'configmap', 'app-config', '-n', namespace, '-p', '{"data":{"HOST":"drift"}}'], {
      kubeconfig,
    });
    await until('drift is mended', async () => (await config('app-config'))?.['HOST'] === 'h');
    // A ConfigMap that nobody controls is taken over; what was published under the earlier name goes.
    await scene.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there' }, data: { old: 'x' } });
    await environment('app', { values, publish: { secretName: 'app-secret', configMapName: 'there' } });
    await until('the other ConfigMap is taken over', async () => (await config('there'))?.['HOST'] === 'h');
    await until('the earlier one is gone', async () => (await config('app-config')) === undefined);
    expect(await config('there')).toEqual({ HOST: 'h' });
  });
});
