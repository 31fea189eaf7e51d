// The chart as helm 4 and helm 3 see it: checked, rendered, installed, upgraded, rolled back and removed on a control plane of its
// own, since CRDs and releases are of the whole cluster. No pod runs there: the operator runs as a process with what was installed.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { verbs } from '../../scripts/chart/rbac.ts';
import { withoutEffect } from '../../scripts/chart/values.ts';
import { loadConfig } from '../../src/config.ts';
import { customResourceDefinitions } from '../../src/crds/kinds.ts';
import { forbiddenRanges } from '../../src/http/addresses.ts';
import { copyChart } from '../support/chart-copy.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { HelmError, type HelmMajor, helm, helmMajors, isHelmThere } from '../support/helm.ts';
import { installedRelease } from '../support/installation.ts';
import { applyYaml, kubectl, untilEstablished } from '../support/kubectl.ts';
import { startOperator } from '../support/operator.ts';
import { chartFolder, containerOf, objectsOf, type RenderedObject, renderChart } from '../support/rendered-chart.ts';
import { entry, externalSecret } from '../support/samples.ts';
import { until } from '../support/wait.ts';

const root = join(import.meta.dirname, '..', '..');
const hasHelm = await isHelmThere();
interface Rule {
  readonly to?: readonly { readonly ipBlock?: { readonly except?: readonly string[] } }[];
}

const namespace = 'escapement-system';
const crdNames = customResourceDefinitions().map(({ metadata }) => metadata.name);

let cluster: ControlPlane;
beforeAll(async () => {
  cluster = await startControlPlane();
});
afterAll(() => cluster.stop());

const cli = async (...args: string[]) => (await kubectl(args, { kubeconfig: cluster.kubeconfigPath })).stdout;
const apply = (...objects: readonly (object | string)[]) =>
  applyYaml(objects.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n---\n'), {
    kubeconfig: cluster.kubeconfigPath,
  });

describe.skipIf(!hasHelm)('the chart, rendered', () => {
  it.each(helmMajors)('is in order for helm %i', async (major) => {
    const { stdout } = await helm(['lint', '--strict', chartFolder], { major });
    expect(stdout).toContain('0 chart(s) failed');
  });

  it('has the version of the program', async () => {
    const chart = parse(await readFile(join(chartFolder, 'Chart.yaml'), 'utf8'));
    const { version } = parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(chart).toMatchObject({ version, appVersion: version });
  });

  it.each([
    { why: 'a misspelt name', values: { replicaCuont: 2 }, names: 'replicaCuont' },
    { why: 'a misspelt name inside', values: { metrics: { servise: {} } }, names: 'servise' },
    { why: 'a wrong type', values: { replicaCount: 'two' }, names: 'replicaCount' },
    { why: 'a port that is none', values: { healthPort: 70_000 }, names: 'healthPort' },
    { why: 'a digest that is none', values: { image: { digest: 'latest' } }, names: 'digest' },
    { why: 'a Role without a namespace', values: { scopedRBAC: true }, names: 'scopedNamespace' },
    {
      why: 'hosts by namespace where namespaces cannot be read',
      values: { scopedNamespace: 'one', scopedRBAC: true, upstreamHostsFor: [{ namespaces: {}, hosts: [] }] },
      names: 'upstreamHostsFor',
    },
    {
      why: 'one namespace and several',
      values: { scopedNamespace: 'one', scopedNamespaces: ['two'] },
      names: 'scopedNamespaces',
    },
    {
      why: 'two replicas that both lead',
      values: { replicaCount: 2, leaderElect: false },
      names: 'leaderElect',
    },
    {
      why: 'the image of ESO',
      values: { image: { repository: 'ghcr.io/external-secrets/external-secrets', tag: 'v2.9.0' } },
      names: 'image.repository',
    },
  ])('refuses $why', async ({ values, names }) => {
    for (const major of helmMajors) {
      const refused = await template(values, major).catch((thrown: unknown) => thrown);
      expect(refused).toBeInstanceOf(HelmError);
      expect(refused instanceof HelmError && refused.stderr).toContain(names);
    }
  });

  it('takes every value of ESO that does nothing here', async () => {
    const values = {};
    for (const path of Object.keys(withoutEffect)) setAt(values, path.split('.'), true);
    expect(objectsOf(await template(values))).toEqual(objectsOf(await template({})));
    const dryRun = ['install', 'escapement', chartFolder, '-n', namespace, '--dry-run=client', '--values=-'];
    for (const major of helmMajors) {
      const { stdout } = await helm(dryRun, {
        major,
        kubeconfig: cluster.kubeconfigPath,
        stdin: JSON.stringify(values),
      });
      const notes = stdout.slice(stdout.indexOf('NOTES:'));
      for (const [path, why] of Object.entries(withoutEffect)) expect(notes).toContain(`${path}: ${why}`);
    }
  });

  it('tells after an install what a first store is, and why a ServiceMonitor is missing', async () => {
    const notesOf = async (values: object) => {
      const args = ['install', 'escapement', chartFolder, '-n', namespace, '--dry-run=client', '--values=-'];
      const { stdout } = await helm(args, { kubeconfig: cluster.kubeconfigPath, stdin: JSON.stringify(values) });
      return stdout.slice(stdout.indexOf('NOTES:'));
    };
    const notes = await notesOf({ scopedNamespaces: ['shop', 'site'], serviceMonitor: { enabled: true } });
    expect(notes).toContain('no ServiceMonitor is rendered: the cluster serves no monitoring.coreos.com/v1');
    const [, first = ''] = /<<'YAML'\n([\s\S]*?)\nYAML/.exec(notes) ?? [];
    await cli('create', 'namespace', 'shop');
    await applyForeignCrds();
    await apply(first);
    expect(await cli('get', 'externalsecret/first', '-n', 'shop', '-o', 'name')).toContain('first');
    await cli('delete', 'namespace', 'shop', '--wait=false');
    expect(await notesOf({ fakeProvider: false })).not.toMatch(/SecretStore|ServiceMonitor/);
  });

  it('takes the values that ESO users set', async () => {
    const objects = await rendered({
      leaderElect: true,
      replicaCount: 2,
      concurrent: 1,
      extraArgs: { loglevel: 'debug', 'enable-flood-gate': true },
      log: { level: 'info', timeEncoding: 'iso8601' },
      podSecurityContext: { enabled: true, fsGroup: 2000 },
      securityContext: {
        enabled: true,
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      livenessProbe: {
        enabled: true,
        spec: { address: '', periodSeconds: 20, httpGet: { port: 8082, path: '/healthz' } },
      },
      podDisruptionBudget: { enabled: true, minAvailable: 1 },
      serviceMonitor: { enabled: true, renderMode: 'alwaysRender', namespace: 'monitoring' },
      webhook: { create: false },
      certController: { create: false },
      global: { imagePullSecrets: [{ name: 'registry' }] },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'infra', operator: 'Exists' }],
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
    });
    const { args } = containerOf(objects);
    expect(args).toContain('--loglevel=debug');
    expect(args).toContain('--concurrent=1');
    expect(objects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['PodDisruptionBudget', 'ServiceMonitor']));
    await cli('create', 'namespace', 'eso-values');
    await applyPods(objects, 'eso-values');
  });

  it('never runs two operators at once without leader election', async () => {
    const deployment = (await rendered({ leaderElect: false })).find(({ kind }) => kind === 'Deployment');
    expect(deployment?.['spec']).toMatchObject({ strategy: { type: 'Recreate' } });
  });

  it('pins the image by its digest', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const yaml = await template({ image: { digest, tag: 'unused' } });
    expect(yaml).toContain(`image: ghcr.io/escapement/escapement@${digest}\n`);
  });

  it('leaves user and group to OpenShift', async () => {
    const spec = podSpec(objectsOf(await template({}, 4, '--api-versions=security.openshift.io/v1')));
    expect(JSON.stringify(spec)).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
    expect(JSON.stringify(podSpec(await rendered({})))).toContain('"runAsUser":65532');
  });

  it('gives Services both IP families when asked', async () => {
    const service = (
      await rendered({ service: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] } })
    ).find(({ kind }) => kind === 'Service');
    expect(service?.['spec']).toMatchObject({ ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6', 'IPv4'] });
  });

  it('keeps the operator from the addresses that its own code refuses, and metrics for whom they are', async () => {
    const peer = { namespaceSelector: { matchLabels: { team: 'monitoring' } } };
    const api = { ipBlock: { cidr: '10.0.0.1/32' } };
    const values = { networkPolicy: { metricsFrom: [peer], apiServerTo: [api] } };
    const policy = (await rendered(values)).find(({ kind }) => kind === 'NetworkPolicy') ?? { spec: undefined };
    const { ingress, egress } = policy.spec as { ingress: Rule[]; egress: Rule[] }; // the kind's own schema
    const excepted = egress.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock?.except ?? []));
    expect(excepted).toEqual([...forbiddenRanges.ipv4, ...forbiddenRanges.ipv6]);
    expect(ingress).toEqual([
      { ports: [{ protocol: 'TCP', port: 8080 }], from: [peer] },
      { ports: [{ protocol: 'TCP', port: 8082 }] },
    ]);
    expect(egress.map(({ to }) => to)).toContainEqual([api]);
  });

  it('renders no cluster-scoped object for a release that serves one namespace', async () => {
    const objects = await rendered({ scopedNamespace: 'team', scopedRBAC: true });
    expect(objects.filter(({ metadata }) => metadata.namespace === undefined)).toEqual([]);
    const { args } = containerOf(objects);
    expect(args).toContain('--enable-cluster-store-reconciler=false');
    expect(args).toContain('--enable-cluster-external-secret-reconciler=false');
  });

  it('renders a Role in each of the namespaces that a release serves, and nothing of the cluster', async () => {
    const alone = { leaderElect: false, keptLeases: false };
    const objects = await rendered({ scopedNamespaces: ['one', 'two'], scopedRBAC: true, ...alone });
    expect(objects.filter(({ metadata }) => metadata.namespace === undefined)).toEqual([]);
    const places = (kind: string) => objects.filter((one) => one.kind === kind).map((one) => one.metadata.namespace);
    expect([places('Role'), places('RoleBinding')]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
    const { args } = containerOf(objects);
    expect(args).toContain('--namespace=one,two');
    expect(args).toContain('--enable-cluster-external-secret-reconciler=false');
  });

  it('makes the Secret of leases, says nothing of its data, and names it to the operator', async () => {
    const objects = await rendered({});
    const made = objects.filter(({ kind }) => kind === 'Secret');
    expect(made).toEqual([expect.not.objectContaining({ data: expect.anything() })]);
    const { leasesSecret } = loadConfig(containerOf(objects).args.slice(1), {});
    expect(made.map(({ metadata }) => metadata.name)).toEqual([leasesSecret]);
    const without = await rendered({ keptLeases: false });
    expect(without.filter(({ metadata }) => metadata.name === leasesSecret)).toEqual([]);
    expect(loadConfig(containerOf(without).args.slice(1), {}).leasesSecret).toBeUndefined();
  });

  it('mounts a token of an audience of its own for logins, which the operator then presents', async () => {
    const objects = await rendered({ ambientIdentity: { tokenAudience: 'infisical' } });
    const { ambientIdentityTokenPath } = loadConfig(containerOf(objects).args.slice(1), {});
    const spec = podSpec(objects) as { containers: { volumeMounts: object[] }[]; volumes: object[] }; // checked below
    const mountPath = dirname(ambientIdentityTokenPath);
    expect(spec.containers[0]?.volumeMounts).toContainEqual({ name: 'identity', mountPath, readOnly: true });
    const source = { audience: 'infisical', expirationSeconds: 3600, path: basename(ambientIdentityTokenPath) };
    expect(spec.volumes).toContainEqual({
      name: 'identity',
      projected: { sources: [{ serviceAccountToken: source }] },
    });
    await cli('create', 'namespace', 'audience');
    await applyPods(objects, 'audience');
  });

  it('hands rules over hosts to the operator, with the right to read what they select by', async () => {
    const rules = [{ namespaces: { matchLabels: { "o'clock": 'a' } }, hosts: ['secrets.example.com'] }];
    const values = { upstreamHostsFor: rules, processClusterStore: false, processClusterExternalSecret: false };
    const objects = await rendered(values);
    expect(loadConfig(containerOf(objects).args.slice(1), {}).upstreamHostsFor).toEqual(rules);
    const rights = rightsOf(objects).filter((right) => right.startsWith('/namespaces:'));
    expect(rights).toEqual(['/namespaces:list', '/namespaces:watch']);
    expect(rightsOf(await rendered({ ...values, upstreamHostsFor: [] })).join()).not.toContain('/namespaces:');
  });

  it('is what deploy/kustomize holds', async () => {
    const kept = objectsOf(await readFile(join(root, 'deploy', 'kustomize', 'base', 'escapement.yaml'), 'utf8'));
    const helmLabels = /"(helm\.sh\/chart|app\.kubernetes\.io\/managed-by)":"[^"]*",?/g;
    const plain = (objects: readonly RenderedObject[]) =>
      objects.map((object) => JSON.stringify(object).replaceAll(helmLabels, '').replaceAll(',}', '}'));
    expect(plain(kept)).toEqual(plain(await rendered({})));
  });
});

describe('the rights of the operator', () => {
  const most = { rbac: { serviceAccountTokenCreate: true }, genericTargets: { enabled: true } };

  it('are those of the table, no more and no less', async () => {
    const rows = verbs.map(({ group, resource, verb }) => `${group}/${resource}:${verb}`);
    expect(rightsOf(await renderChart({ namespace, values: most }))).toEqual(rows.sort());
  });

  it.each([
    { why: 'by default', values: {} },
    { why: 'at most', values: most },
    { why: 'in one namespace', values: { scopedNamespace: 'team', scopedRBAC: true, ...most } },
  ])('hold no wildcard $why', async ({ values }) => {
    for (const { rules = [] } of await renderChart({ namespace, values })) {
      expect(JSON.stringify(rules)).not.toContain('*');
    }
  });

  it.each([...new Set(verbs.flatMap(({ when = [] }) => when))])(
    'shrink without %s to what the table says',
    async (when) => {
      const values = structuredClone(most) as Record<string, unknown>;
      setAt(values, when.split('.'), false);
      const stays = (row: (typeof verbs)[number]) => row.when?.every((one) => one === when) !== true;
      const left = verbs.filter(stays).map((row) => `${row.group}/${row.resource}:${row.verb}`);
      expect(rightsOf(await renderChart({ namespace, values }))).toEqual(left.sort());
    },
  );

  it('are not widened by the roles for people, which read and write the kinds and nothing else', async () => {
    const people = (await renderChart({ namespace })).filter(({ metadata }) => /:(view|edit)$/.test(metadata.name));
    expect(people.map(({ rules }) => rules)).toEqual([
      [
        {
          apiGroups: ['external-secrets.io'],
          resources: ['externalsecrets', 'secretstores', 'clustersecretstores', 'clusterexternalsecrets'],
          verbs: ['get', 'list', 'watch'],
        },
        { apiGroups: ['escapement.dev'], resources: ['environments'], verbs: ['get', 'list', 'watch'] },
      ],
      [
        {
          apiGroups: ['external-secrets.io'],
          resources: ['externalsecrets', 'secretstores'],
          verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
        },
        {
          apiGroups: ['escapement.dev'],
          resources: ['environments'],
          verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
        },
      ],
    ]);
  });

  it('reach other kinds of targets only where the values name them', async () => {
    const resources = [{ apiGroup: 'example.com', resources: ['widgets'] }];
    const rightsWith = async (genericTargets: object) =>
      rightsOf(await renderChart({ namespace, values: { genericTargets } })).filter((right) =>
        /widgets|configmaps/.test(right),
      );
    const read = ['/configmaps:list', '/configmaps:watch'];
    expect(await rightsWith({ enabled: false, resources })).toEqual(read);
    expect(await rightsWith({ enabled: true, resources: [{ ...resources[0], verbs: ['get'] }] })).toContain(
      'example.com/widgets:get',
    );
    const all = ['create', 'delete', 'get', 'list', 'update', 'watch'];
    expect(await rightsWith({ enabled: true, resources })).toEqual([
      ...all.map((verb) => `/configmaps:${verb}`),
      ...all.map((verb) => `example.com/widgets:${verb}`),
    ]);
  });

  it('create no tokens unless asked', async () => {
    const rights = rightsOf(await renderChart({ namespace }));
    expect(rights.filter((right) => right.includes('serviceaccounts'))).toEqual([]);
  });
});

describe('the pods of the chart', () => {
  it('meet the restricted pod security standard', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const objects = await renderChart({ namespace: 'restricted' });
    await applyPods(objects, 'restricted');
    const spec = { ...podSpec(objects), hostNetwork: true }; // the admission is awake
    await expect(createPod(spec, 'restricted')).rejects.toThrow(/violates PodSecurity/);
  });
});

describe.skipIf(!hasHelm).each(helmMajors)('a release of helm %i', (major) => {
  const kubeconfig = () => cluster.kubeconfigPath;
  const run = async (...args: string[]) => (await helm(args, { kubeconfig: kubeconfig(), major })).stdout;
  const app = `app-of-helm-${major}`;
  const data = () => cli('get', 'secret', 'kept', '-n', app, '-o', 'jsonpath={.data.value}');

  beforeAll(async () => {
    await removeCrds();
    await cli('create', 'namespace', app);
  });
  afterEach(() => run('uninstall', 'escapement', '-n', namespace, '--ignore-not-found'));
  afterAll(() => cli('delete', 'namespace', app, '--wait=false'));

  it('is installed, syncs, is upgraded, rolled back and removed, and what it made stays', async () => {
    // The version before: a CRD lacked a column.
    const before = await copyChart('0.0.9', (yaml) => yaml.replace(/^( +)- name: Store\n(\1 .*\n)+/m, ''));
    onTestFinished(() => before.remove());
    await run('install', 'escapement', before.folder, '-n', namespace, '--create-namespace');
    await untilServed();
    expect(await columns()).not.toContain('Store');

    const manifest = await run('get', 'manifest', 'escapement', '-n', namespace);
    const installation = await installedRelease(kubeconfig(), namespace, manifest);
    const operator = await startOperator({ kubeconfig: kubeconfig(), installation });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await apply(inNamespace(app, fakeStore('kept-value')), inNamespace(app, externalSecret({ name: 'kept' })));
    await cli('wait', '--for=condition=Ready', 'externalsecret/kept', '-n', app, '--timeout=20s');
    const [secret, uid] = [await data(), await crdUids()];
    expect(Buffer.from(secret, 'base64').toString()).toBe('kept-value');

    const kept = ['secret', 'escapement-leases', '-n', namespace];
    await cli('patch', ...kept, '-p', '{"data":{"leases":"a2VwdA=="}}'); // as the operator does
    await run('upgrade', 'escapement', chartFolder, '-n', namespace);
    expect(await columns()).toContain('Store');
    await run('rollback', 'escapement', '1', '-n', namespace);
    expect(await columns()).not.toContain('Store');
    await run('upgrade', 'escapement', chartFolder, '-n', namespace);
    expect(await columns()).toContain('Store');
    expect(await data()).toBe(secret);
    expect(await cli('get', ...kept, '-o', 'jsonpath={.data}')).toBe('{"leases":"a2VwdA=="}');

    expect(await operator.stop()).toBe(0);
    await run('uninstall', 'escapement', '-n', namespace);
    expect(await crdUids()).toEqual(uid);
    expect(await data()).toBe(secret);
    expect(await cli('get', 'externalsecret/kept', '-n', app, '-o', 'name')).toContain('kept');
    expect(await cli('get', 'clusterroles', '-o', 'name')).not.toContain('escapement');

    // Coming back, it finds its CRDs and goes on with them.
    await run('install', 'escapement', chartFolder, '-n', namespace);
    expect(await crdUids()).toEqual(uid);
    await run('uninstall', 'escapement', '-n', namespace);
  });

  it('leaves CRDs alone that belong to somebody else, and takes them over when asked', async () => {
    await removeCrds();
    await applyForeignCrds();
    const foreign = await crdVersions();
    const { stdout: notes } = await helm(['install', 'escapement', chartFolder, '-n', namespace], {
      kubeconfig: kubeconfig(),
      major,
    });
    expect(notes).toContain('externalsecrets.external-secrets.io');
    expect(await crdVersions()).toEqual(foreign);
    await run('upgrade', 'escapement', chartFolder, '-n', namespace);
    await run('uninstall', 'escapement', '-n', namespace);
    expect(await crdVersions()).toEqual(foreign);

    await run('install', 'escapement', chartFolder, '-n', namespace, '--set=crds.takeover=true', '--take-ownership');
    const owners = await cli(
      'get',
      'crds',
      '-o',
      'jsonpath={.items[*].metadata.annotations.meta\\.helm\\.sh/release-name}',
    );
    expect(owners).toBe(crdNames.map(() => 'escapement').join(' '));
    await run('uninstall', 'escapement', '-n', namespace);
    expect((await crdUids()).length).toBe(crdNames.length);
  });
});

describe('deploy/kustomize', () => {
  it('is installed by kubectl apply -k', async () => {
    await removeCrds();
    const base = join(root, 'deploy', 'kustomize', 'base');
    // As with any CRD that comes with its objects: the second time finds them served.
    await cli('apply', '-k', base);
    await untilServed();
    expect(await cli('get', 'deployment', '-n', namespace, '-o', 'name')).toContain('escapement');
    // What the operator keeps is no difference, and stays.
    const kept = ['secret', 'escapement-leases', '-n', namespace];
    await cli('patch', ...kept, '-p', '{"data":{"leases":"a2VwdA=="}}');
    await cli('diff', '-k', base);
    await cli('apply', '-k', base);
    expect(await cli('get', ...kept, '-o', 'jsonpath={.data}')).toBe('{"leases":"a2VwdA=="}');
    await cli('delete', '-k', base, '--wait=false');
    await until('the namespace is gone', async () =>
      cluster.hasControllerManager ? (await cli('get', 'namespace', namespace, '--ignore-not-found')) === '' : true,
    );
  });
});

describe.skipIf(!hasHelm)('beside a running External Secrets Operator', () => {
  it('nothing of its is touched: neither CRDs, nor stores of other providers or another class, nor what reads from them', async () => {
    const { kubeconfigPath: kubeconfig } = cluster;
    const app = 'neighbours';
    await removeCrds();
    await applyForeignCrds();
    await cli('create', 'namespace', app);
    const vault = { server: 'https://vault.example.com', path: 'kv', version: 'v2' };
    const theirs = ['SecretStore', 'ClusterSecretStore'].map((kind) => ({
      ...fakeStore(''),
      kind,
      metadata: { name: 'vault', ...(kind === 'SecretStore' ? { namespace: app } : {}) },
      spec: { provider: { vault } },
    }));
    await apply(
      ...theirs,
      inNamespace(app, externalSecret({ name: 'theirs', storeRef: { name: 'vault' } })),
      inNamespace(app, externalSecret({ name: 'theirs-too', storeRef: { name: 'vault', kind: 'ClusterSecretStore' } })),
    );
    // A provider that both serve is told apart by the class of its store, in whatever place a store is named.
    const classed = fakeStore('of their class');
    const mixed = { data: [{ ...entry('value', 'API_KEY'), sourceRef: { storeRef: { name: 'classed' } } }] };
    await apply(
      inNamespace(app, { ...classed, metadata: { name: 'classed' }, spec: { ...classed.spec, controller: 'eso' } }),
      inNamespace(app, externalSecret({ name: 'theirs-by-class', storeRef: { name: 'classed' } })),
      inNamespace(app, externalSecret({ name: 'theirs-in-part', spec: mixed })),
    );
    const foreign = await crdVersions();
    await helm(['install', 'escapement', chartFolder, '-n', namespace, '--create-namespace'], { kubeconfig });
    const { stdout: manifest } = await helm(['get', 'manifest', 'escapement', '-n', namespace], { kubeconfig });
    const objects = [
      ...['theirs', 'theirs-too', 'theirs-by-class', 'theirs-in-part'].map((name) => `externalsecret/${name}`),
      ...['vault', 'classed'].map((name) => `secretstore/${name}`),
    ];
    const versions = () =>
      Promise.all(
        [...objects, 'clustersecretstore/vault'].map((name) =>
          cli('get', name, '-n', app, '-o', 'jsonpath={.metadata.resourceVersion} {.status}'),
        ),
      );
    const before = await versions();
    const operator = await startOperator({
      kubeconfig,
      installation: await installedRelease(kubeconfig, namespace, manifest),
    });
    onTestFinished(async () => void (await operator.stop('SIGKILL')));
    await apply(inNamespace(app, fakeStore('ours')), inNamespace(app, externalSecret({ name: 'ours' })));
    await cli('wait', '--for=condition=Ready', 'externalsecret/ours', '-n', app, '--timeout=20s');
    expect(await operator.stop()).toBe(0);
    expect(await versions()).toEqual(before);
    expect(await crdVersions()).toEqual(foreign);
    const events = await cli('get', 'events', '-n', app, '-o', 'jsonpath={.items[*].involvedObject.name}');
    expect(events.split(' ')).not.toEqual(expect.arrayContaining([expect.stringMatching(/theirs|vault|classed/)]));
    await helm(['uninstall', 'escapement', '-n', namespace], { kubeconfig });
  });
});

async function template(values: object, major: HelmMajor = 4, ...more: string[]): Promise<string> {
  const args = [
    'template',
    'escapement',
    chartFolder,
    '-n',
    namespace,
    '--set=installCRDs=false',
    '--values=-',
    ...more,
  ];
  return (await helm(args, { major, stdin: JSON.stringify(values) })).stdout;
}

async function rendered(values: object): Promise<readonly RenderedObject[]> {
  return objectsOf(await template(values));
}

/** `group/resource:verb` of every rule for the operator, sorted. */
function rightsOf(objects: readonly RenderedObject[]): readonly string[] {
  const rules = objects
    .filter(({ metadata }) => !/:(view|edit)$/.test(metadata.name)) // those are for people
    .flatMap(({ rules = [] }) => rules);
  const rights = rules.flatMap(({ apiGroups, resources, verbs: all }) =>
    apiGroups.flatMap((group) => resources.flatMap((one) => all.map((verb) => `${group}/${one}:${verb}`))),
  );
  return [...new Set(rights)].sort();
}

type Json = Readonly<Record<string, unknown>>;

function podSpec(objects: readonly RenderedObject[]): Json {
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  const spec = deployment?.['spec'] as { template: { spec: Json } } | undefined; // a Deployment has one
  return spec?.template.spec ?? {};
}

async function createPod(spec: Json, at: string): Promise<void> {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe', namespace: at }, spec };
  await kubectl(['create', '--dry-run=server', '-f', '-'], {
    kubeconfig: cluster.kubeconfigPath,
    stdin: JSON.stringify(pod),
  });
}

/** The pod is admitted as it is, without the Deployment between; then all of the release that needs no other API. */
async function applyPods(objects: readonly RenderedObject[], at: string): Promise<void> {
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'escapement', namespace: at } });
  await createPod(podSpec(objects), at);
  const deployment = objects.find(({ kind }) => kind === 'Deployment');
  await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], {
    kubeconfig: cluster.kubeconfigPath,
    stdin: JSON.stringify({ ...deployment, metadata: { ...deployment?.metadata, namespace: at } }),
  });
}

function setAt(object: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    object[name] = value;
    return;
  }
  const inner = (object[name] ?? {}) as Record<string, unknown>; // built here, one level at a time
  object[name] = inner;
  setAt(inner, rest, value);
}

function fakeStore(value: string) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: 'store' },
    spec: { provider: { fake: { data: [{ key: 'API_KEY', value }] } } },
  };
}

function inNamespace(at: string, object: Json & { readonly metadata: object }): Json {
  return { ...object, metadata: { ...object.metadata, namespace: at } };
}

/**
 * Every kind is listed first, so that its storage is there: one that the deletion has to open itself answers "storage is
 * (re)initializing", and the API server's finalizer then backs off for minutes. What is left of a namespace that is going may
 * hold a CRD for a while.
 */
async function removeCrds(): Promise<void> {
  const served = await cli('get', 'crds', ...crdNames, '--ignore-not-found', '-o', 'name');
  const kinds = served.split('\n').flatMap((line) => line.split('/')[1] ?? []);
  if (kinds.length > 0) await cli('get', kinds.join(','), '--all-namespaces', '-o', 'name');
  await cli('delete', 'crds', ...crdNames, '--ignore-not-found', '--timeout=180s');
}

async function untilServed(): Promise<void> {
  const { kubeconfigPath: kubeconfig } = cluster;
  await untilEstablished(
    crdNames.map((name) => `crd/${name}`),
    { kubeconfig },
  );
}

/** CRDs of the same names as an administrator or another operator would have put them there. */
async function applyForeignCrds(): Promise<void> {
  await cli('apply', '--server-side', '--field-manager=somebody', '-f', join(root, 'deploy', 'crds'));
  await untilServed();
}

async function columns(): Promise<readonly string[]> {
  const path = 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}';
  return (await cli('get', 'crd', 'externalsecrets.external-secrets.io', '-o', path)).split(' ');
}

async function crdUids(): Promise<readonly string[]> {
  return (await cli('get', 'crds', ...crdNames, '-o', 'jsonpath={.items[*].metadata.uid}')).split(' ');
}

/** The CRDs as they are, apart from what the API server says about them. */
async function crdVersions(): Promise<readonly string[]> {
  const path =
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.generation} {.metadata.annotations} {.metadata.labels}{"\\n"}{end}';
  return (await cli('get', 'crds', ...crdNames, '-o', path)).split('\n');
}
