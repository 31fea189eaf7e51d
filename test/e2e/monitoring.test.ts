// Metrics as Prometheus sees them: every query of the dashboard and the alerts finds series in a scrape of the real operator,
// ESO's series have ESO's labels, deleted objects leave nothing; and the chart brings dashboard and rules as helm installs them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { alerts, dashboardRows } from '../../scripts/chart/monitoring.ts';
import { type Sample, samplesOf, scraped } from '../support/exposition.ts';
import { HelmError, type HelmMajor, helm, helmMajors, isHelmThere } from '../support/helm.ts';
import { kubectl } from '../support/kubectl.ts';
import { freePort } from '../support/operator.ts';
import { readPromql, selects } from '../support/promql.ts';
import { chartFolder, objectsOf, type RenderedObject } from '../support/rendered-chart.ts';
import { clusterStore, credentials, entry, externalSecret, plantSample, secret, store } from '../support/samples.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition, until } from '../support/wait.ts';

let scene: Scene;
const clusterStoreName = () => `${scene.namespace}-shared`;

/** A scene with all that has a metric: a login that works and one that is refused, a sync and a failure, a host that is down. */
beforeAll(async () => {
  scene = await createScene('monitoring', { flags: ['--enable-extended-metric-labels=true'] });
  const { double, namespace, controllerClass } = scene;
  const hostAPI = double.url;
  await scene.put(
    credentials('credentials', plantSample(scene)),
    secret('wrong', { clientId: 'nobody', clientSecret: scene.value('wrong') }),
    store({ name: 'store', hostAPI }),
    store({ name: 'refused', hostAPI, credentials: 'wrong' }),
    store({ name: 'down', hostAPI: `http://127.0.0.1:${await freePort()}` }),
    clusterStore({ name: clusterStoreName(), hostAPI, namespace, controllerClass }),
    externalSecret({ name: 'good', labels: { 'app.kubernetes.io/part-of': 'till' } }),
    externalSecret({ name: 'shared', storeRef: { kind: 'ClusterSecretStore', name: clusterStoreName() } }),
    externalSecret({ name: 'failing', spec: { data: [entry('value', 'NOT_THERE')] } }),
  );
  await scene.apply(...shortLived(hostAPI));
  await Promise.all([
    scene.whenSynced('good'),
    scene.whenSynced('short-lived'),
    scene.whenSynced('shared'),
    scene.whenFailed('failing'),
    ...['store', 'refused', 'down'].map((name) =>
      scene.stores.until(name, 'is judged', (one) => condition(one, 'Ready') !== undefined),
    ),
  ]);
  await until('the cluster store is judged', async () =>
    (await scrape()).some(({ name }) => name === 'clustersecretstore_status_condition'),
  );
});

/** An ExternalSecret of a token that an Environment logs in for. */
function shortLived(siteUrl: string) {
  const metadata = { name: 'short-lived' };
  const secretOf = (key: string) => ({ name: 'credentials', key });
  const get = { clientId: secretOf('clientId'), clientSecret: secretOf('clientSecret') };
  const given = { clientId: '${material.clientId}', clientSecret: '${material.clientSecret}' };
  const values = {
    material: { 'fn::open::kubernetes-secrets': { get } },
    login: { 'fn::open::infisical-login': { siteUrl, static: given } },
  };
  const apiVersion = 'external-secrets.io/v1';
  return [
    { apiVersion: 'escapement.dev/v1alpha1', kind: 'Environment', metadata, spec: { values } },
    { apiVersion, kind: 'SecretStore', metadata, spec: { provider: { esc: { environment: 'short-lived' } } } },
    {
      apiVersion,
      kind: 'ExternalSecret',
      metadata,
      spec: {
        secretStoreRef: { name: 'short-lived' },
        data: [{ secretKey: 'token', remoteRef: { key: 'login.accessToken' } }],
      },
    },
  ];
}

afterAll(async () => {
  await scene.api.delete(scene.address('ClusterSecretStore', clusterStoreName()));
  await scene.end();
});

/** As the chart's ServiceMonitor lets Prometheus see the operator. */
const target = {
  job: 'escapement-metrics',
  instance: '10.0.0.1:8080',
  namespace: 'escapement-system',
  service: 'escapement-metrics',
  endpoint: 'metrics',
  container: 'escapement',
  pod: 'escapement-0',
};

async function scrape(): Promise<readonly Sample[]> {
  return samplesOf(await (await fetch(scene.operator().metricsUrl)).text());
}

const queries = [
  ...dashboardRows
    .flatMap(({ panels }) => panels)
    .flatMap(({ title, queries: all }) => all.map(({ expr }) => ({ of: `panel "${title}"`, expr }))),
  ...alerts.map(({ name, expr }) => ({ of: `alert ${name}`, expr })),
];

describe('the queries', () => {
  it.each([false, true])('all find series that are really exposed, with honorLabels %s', async (honorLabels) => {
    const samples = (await scrape()).map((sample) => scraped(sample, { labels: target, honorLabels }));
    const empty = queries.flatMap(({ of, expr }) => {
      const { selectors } = readPromql(expr.replaceAll('$job', '.+').replaceAll('$namespace', '.*'));
      return selectors
        .filter((selector) => !samples.some((sample) => selects(selector, sample)))
        .map(({ metric }) => `${of}: nothing of ${metric}: ${expr}`);
    });
    expect(empty).toEqual([]);
  });
});

describe("ESO's series", () => {
  const ofObject = ['name', 'namespace'];
  const extended = ['name', 'instance', 'version', 'component', 'part_of', 'managed_by'].map(
    (name) => `app_kubernetes_io_${name}`,
  );
  /** Names and labels of ESO 2.9 with extended metric labels. */
  const expected: Readonly<Record<string, readonly string[]>> = {
    externalsecret_sync_calls_total: [...ofObject, ...extended],
    externalsecret_sync_calls_error: [...ofObject, ...extended],
    externalsecret_status_condition: [...ofObject, 'condition', 'status', ...extended],
    externalsecret_reconcile_duration: [...ofObject, ...extended],
    secretstore_status_condition: [...ofObject, 'condition', 'status', ...extended],
    secretstore_reconcile_duration: [...ofObject, ...extended],
    clustersecretstore_status_condition: [...ofObject, 'condition', 'status', ...extended],
    clustersecretstore_reconcile_duration: [...ofObject, ...extended],
    externalsecret_provider_api_calls_count: ['provider', 'call', 'status'],
    controller_runtime_reconcile_total: ['controller', 'result'],
    controller_runtime_active_workers: ['controller'],
    workqueue_depth: ['name', 'controller'],
  };

  it.each(Object.entries(expected))('%s has just its labels', async (name, labels) => {
    const found = (await scrape()).filter((sample) => sample.name === name);
    expect(found.length).toBeGreaterThan(0);
    for (const sample of found) expect(Object.keys(sample.labels).sort()).toEqual([...labels].sort());
  });

  it('tell both states of Ready, one of which is 1, and the labels of the object', async () => {
    const samples = await scrape();
    const states = (metric: string, object: string) =>
      samples
        .filter(({ name, labels }) => name === metric && labels['name'] === object)
        .map(({ labels, value }) => [labels['condition'], labels['status'], value]);
    const ready = [
      ['Ready', 'True', 1],
      ['Ready', 'False', 0],
    ];
    const notReady = [
      ['Ready', 'True', 0],
      ['Ready', 'False', 1],
    ];
    expect(states('externalsecret_status_condition', 'good')).toEqual(ready);
    expect(states('externalsecret_status_condition', 'failing')).toEqual(notReady);
    expect(states('secretstore_status_condition', 'refused')).toEqual(notReady);
    expect(states('clustersecretstore_status_condition', clusterStoreName())).toEqual(ready);
    const good = samples.find(({ labels }) => labels['name'] === 'good');
    expect(good?.labels['app_kubernetes_io_part_of']).toBe('till');
  });

  it('count durations in nanoseconds', async () => {
    const seconds = (await scrape())
      .filter(({ name }) => name === 'externalsecret_reconcile_duration')
      .map(({ value }) => value / 1e9);
    for (const one of seconds) expect(one).toSatisfy((value: number) => value > 1e-5 && value < 30);
  });

  it('count the calls to Infisical under their names', async () => {
    const calls = (await scrape())
      .filter(({ name }) => name === 'externalsecret_provider_api_calls_count')
      .map(({ labels }) => `${labels['provider']} ${labels['call']} ${labels['status']}`);
    expect(calls).toEqual(
      expect.arrayContaining([
        'infisical MachineIdentityLoginViaUniversalAuth success',
        'infisical MachineIdentityLoginViaUniversalAuth error',
        'infisical GetSecretsV3 success',
      ]),
    );
  });
});

describe('our series', () => {
  const total = async (name: string, wanted: Readonly<Record<string, string>>) =>
    (await scrape())
      .filter((one) => one.name === name && Object.entries(wanted).every(([label, text]) => one.labels[label] === text))
      .reduce((sum, { value }) => sum + value, 0);

  it('tell requests by host and outcome, logins by method and outcome, and who is logged in', async () => {
    const host = new URL(scene.double.url).host;
    const { byKind } = scene.double.requests.counts();
    const lists = await total('externalsecret_provider_api_calls_count', { call: 'GetSecretsV3', status: 'success' });
    expect(lists).toBe(byKind.list);
    expect(await total('escapement_upstream_requests_total', { host, provider: 'infisical' })).toBe(
      scene.double.requests.counts().total,
    );
    expect(await total('escapement_upstream_requests_total', { outcome: 'UpstreamUnavailable' })).toBeGreaterThan(0);
    const via = { provider: 'infisical', method: 'universal' };
    // Both stores that work share an identity.
    expect(await total('escapement_logins_total', { ...via, outcome: 'success' })).toBe(1);
    expect(await total('escapement_logins_total', { ...via, outcome: 'LoginRejected' })).toBe(1);
    expect(await total('escapement_sessions', via)).toBe(1);
  });

  it('carry no names of objects', async () => {
    const names = ['good', 'shared', 'failing', 'store', 'refused', 'down', clusterStoreName(), scene.namespace];
    const ours = (await scrape()).filter(({ name }) => name.startsWith('escapement_'));
    expect(ours.filter(({ labels }) => Object.values(labels).some((text) => names.includes(text)))).toEqual([]);
  });

  it('say that nothing waits while nothing does', async () => {
    await until('all is quiet', async () => (await total('controller_runtime_active_workers', {})) === 0);
    expect(await total('escapement_queue_depth', {})).toBe(0);
    expect(await total('escapement_queue_oldest_overdue_seconds', {})).toBe(0);
  });
});

describe('the series of a deleted object', () => {
  const seriesOf = async (object: string) => (await scrape()).filter(({ labels }) => labels['name'] === object);

  it('end with it: ExternalSecrets and stores of both kinds', async () => {
    const { api } = scene;
    for (const [kind, name] of [
      ['ExternalSecret', 'failing'],
      ['ExternalSecret', 'shared'],
      ['SecretStore', 'refused'],
      ['SecretStore', 'down'],
      ['ClusterSecretStore', clusterStoreName()],
    ] as const) {
      expect((await seriesOf(name)).length).toBeGreaterThan(0);
      await api.delete(scene.address(kind, name));
      await until(`the series of ${name} are gone`, async () => (await seriesOf(name)).length === 0);
    }
    expect((await seriesOf('good')).length).toBeGreaterThan(0);
  });

  it('do not come back with the end of what was under way', async () => {
    const { api, double } = scene;
    const scope = { secretsPath: '/my-app' };
    await scene.put(
      store({ name: 'fleeting', hostAPI: double.url, scope, spec: { refreshInterval: 1 } }),
      externalSecret({
        name: 'fleeting',
        storeRef: { name: 'fleeting' },
        spec: { data: [entry('value', 'SERVICE_PASSWORD')] },
      }),
    );
    await scene.whenSynced('fleeting');
    await until('both have series', async () => {
      const names = (await seriesOf('fleeting')).map(({ name }) => name);
      return names.includes('externalsecret_reconcile_duration') && names.includes('secretstore_reconcile_duration');
    });
    // Nothing changes at the next validation and refresh, so no write would tell that the objects are gone.
    const fault = double.faults.add({ kind: 'latency', delayMs: 2_000, when: { routes: ['list'], path: '/my-app' } });
    await scene.edit('ExternalSecret', 'fleeting', { metadata: { annotations: { 'force-sync': '1' } } });
    const busy = async () =>
      (await scrape())
        .filter(({ name, value }) => name === 'controller_runtime_active_workers' && value > 0)
        .map(({ labels }) => labels['controller']);
    await until('both are under way', async () => new Set(await busy()).size === 2);
    await api.delete(scene.address('SecretStore', 'fleeting'));
    await api.delete(scene.address('ExternalSecret', 'fleeting'));
    await until('the series are gone', async () => (await seriesOf('fleeting')).length === 0);
    // What was under way ends with the objects, or soon after.
    await until('nothing is under way', async () => (await busy()).length === 0);
    double.faults.remove(fault);
    expect(await seriesOf('fleeting')).toEqual([]);
  });
});

const hasHelm = await isHelmThere();
const monitoringApis = ['ServiceMonitor', 'PrometheusRule'].map(
  (kind) => `--api-versions=monitoring.coreos.com/v1/${kind}`,
);

async function rendered(
  values: object,
  major: HelmMajor = 4,
  apis = monitoringApis,
): Promise<readonly RenderedObject[]> {
  const args = ['template', 'escapement', chartFolder, '-n', 'ops', '--set=installCRDs=false', '--values=-', ...apis];
  return objectsOf((await helm(args, { major, stdin: JSON.stringify(values) })).stdout);
}

/** As the Prometheus operator's CRD has it, and not a field more. */
const prometheusRule = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+m$/)
            .optional(),
          labels: z.record(z.string(), z.string()).optional(),
          annotations: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  ),
});

describe.skipIf(!hasHelm)('the chart', () => {
  const kindsOf = (objects: readonly RenderedObject[]) => objects.map(({ kind }) => kind);
  const file = (name: string) => readFile(join(chartFolder, 'files', 'monitoring', name), 'utf8');
  const dashboard = { grafanaDashboard: { enabled: true } };
  const rules = { prometheusRule: { enabled: true } };

  it('brings neither dashboard nor rules unless asked', async () => {
    expect(kindsOf(await rendered({}))).not.toEqual(expect.arrayContaining([expect.stringMatching(/Rule$|ConfigMap/)]));
  });

  it.each(helmMajors)('of helm %i brings the dashboard as it is, where the sidecar finds it', async (major) => {
    const values = { enabled: true, namespace: 'grafana', annotations: { folder: 'x' }, extraLabels: { team: 'y' } };
    const found = (await rendered({ grafanaDashboard: values }, major)).find(({ kind }) => kind === 'ConfigMap');
    expect(found?.metadata).toMatchObject({
      name: 'escapement-dashboard',
      namespace: 'grafana',
      labels: { grafana_dashboard: '1', team: 'y' },
      annotations: { folder: 'x' },
    });
    const { 'escapement.json': text } = z.object({ 'escapement.json': z.string() }).parse(found?.['data']);
    expect(JSON.parse(text)).toEqual(JSON.parse(await file('dashboard.json')));
    const { kubeconfig, namespace } = scene;
    const stdin = JSON.stringify({ ...found, metadata: { ...found?.metadata, namespace } });
    await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], { kubeconfig, stdin });
  });

  it.each(helmMajors)('of helm %i brings the rules as they are, and more beside them', async (major) => {
    const own = { alert: 'Own', expr: 'up == 0', annotations: { summary: '{{ $labels.job }}' } };
    const values = { enabled: true, namespace: 'mon', additionalLabels: { release: 'prom' }, additionalRules: [own] };
    const found = (await rendered({ prometheusRule: values }, major)).find(({ kind }) => kind === 'PrometheusRule');
    expect(found?.metadata).toMatchObject({ name: 'escapement', namespace: 'mon', labels: { release: 'prom' } });
    const { groups } = prometheusRule.parse(found?.['spec']);
    const { groups: kept } = prometheusRule.parse(parseYaml(await file('rules.yaml')));
    expect(groups).toEqual([...kept, { name: 'escapement-additional', rules: [own] }]);
    expect(kept.flatMap((group) => group.rules.map(({ alert }) => alert))).toEqual(alerts.map(({ name }) => name));
  });

  it('skips rules that the cluster does not know, fails or renders them all the same, as it is told', async () => {
    expect(kindsOf(await rendered(rules, 4, []))).not.toContain('PrometheusRule');
    const as = (renderMode: string) => ({ prometheusRule: { enabled: true, renderMode } });
    expect(kindsOf(await rendered(as('alwaysRender'), 4, []))).toContain('PrometheusRule');
    const refused = await rendered(as('failIfMissing'), 4, []).catch((thrown: unknown) => thrown);
    expect(refused instanceof HelmError && refused.stderr).toContain('prometheusRule');
  });

  it('is in order for helm with all of it', async () => {
    const stdin = JSON.stringify({ ...dashboard, ...rules, serviceMonitor: { enabled: true } });
    for (const major of helmMajors) {
      const { stdout } = await helm(['lint', '--strict', chartFolder, '--values=-'], { major, stdin });
      expect(stdout).toContain('0 chart(s) failed');
    }
  });

  it('takes what the guide says', async () => {
    const guide = await readFile(join(chartFolder, '..', '..', '..', 'docs', 'guides', 'monitoring.md'), 'utf8');
    const sets = [...guide.matchAll(/--set (\S+)=(\S+?)`?[\s,]/g)].map(([, name, value]) => `--set=${name}=${value}`);
    expect(sets.length).toBeGreaterThan(3);
    const kinds = kindsOf(await rendered({}, 4, [...monitoringApis, ...sets]));
    expect(kinds).toEqual(expect.arrayContaining(['ConfigMap', 'PrometheusRule', 'ServiceMonitor']));
  });

  it('turns extended metric labels on', async () => {
    const deployment = (await rendered({ extendedMetricLabels: true })).find(({ kind }) => kind === 'Deployment');
    expect(JSON.stringify(deployment)).toContain('"--enable-extended-metric-labels=true"');
  });
});
