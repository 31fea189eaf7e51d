// What Environments cost others: 200 ExternalSecrets over 4 Environments that import one another. Opens are counted by the
// operator's own metric, requests by the double, writes by the audit log. Measured figures are printed, one line each.
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { countWrites, followAudit, untilQuiet } from '../support/audit.ts';
import { forAll } from '../support/fleet.ts';
import { createScene } from '../support/scene.ts';
import { isReady, pause, until } from '../support/wait.ts';

const { auditLogPath } = inject('controlPlane');
/** Each imports the one before it. */
const layers = ['login', 'base', 'team', 'app'] as const;
const perStore = 50;

describe.skipIf(auditLogPath === undefined)('200 ExternalSecrets over 4 Environments', () => {
  it('cost one open a store, one list a folder, one login, and two writes each', async () => {
    const scene = await createScene('esc-economy', { operator: false });
    onTestFinished(() => scene.end());
    const { namespace, double, api } = scene;
    const project = double.projects.add({ slug: 'shop', environments: [{ slug: 'dev' }] });
    const identity = double.identities.add({ name: 'reader', universal: {}, access: { shop: { role: 'viewer' } } });
    const set = (layer: string, text: string) =>
      double.secrets.set({
        project: 'shop',
        environment: 'dev',
        path: `/${layer}`,
        key: 'key',
        value: scene.value(text),
      });
    const apply = (kind: 'Secret' | 'Environment' | 'SecretStore', name: string, body: object) =>
      scene.apply({ apiVersion: versions[kind], kind, metadata: { name, namespace }, ...body });

    const { clientId, clientSecret } = identity;
    await apply('Secret', 'login', { stringData: { clientSecret } });
    const secret = { 'fn::open::kubernetes-secrets': { get: { it: { name: 'login', key: 'clientSecret' } } } };
    const login = { siteUrl: double.url, static: { clientId, clientSecret: '${secret.it}' } };
    const specOf = (layer: (typeof layers)[number]) => {
      const before = layers[layers.indexOf(layer) - 1];
      if (before === undefined) return { values: { secret, login: { 'fn::open::infisical-login': login } } };
      const entry = { projectId: project.id, environment: 'dev', secretKey: `/${layer}/key` };
      const read = { 'fn::open::infisical-secrets': { login: '${login}', get: { key: entry } } };
      return { imports: [before], values: { [layer]: read, all: `\${${layer}.key}` } };
    };
    for (const layer of layers) {
      set(layer, `${layer} one`);
      await apply('Environment', layer, { spec: specOf(layer) });
      await apply('SecretStore', layer, { spec: { provider: { esc: { environment: layer } } } });
    }
    const names = layers.flatMap((layer) =>
      Array.from({ length: perStore }, (_, at) => ({ layer, name: `${layer}-${at}` })),
    );
    await forAll(names, ({ layer, name }) => {
      const typed = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret' };
      const remoteRef = { key: layer === 'login' ? 'login.siteUrl' : 'all' };
      const spec = { refreshInterval: '1h', secretStoreRef: { name: layer }, data: [{ secretKey: 'it', remoteRef }] };
      return api.create({ kind: 'ExternalSecret', namespace, name }, { ...typed, metadata: { name }, spec });
    });

    const audit = await followAudit(auditLogPath ?? '');
    const opens = () => scene.operator().metric('escapement_snapshot_reads_total', 'provider="esc",result="miss"');
    const spent = async (what: string, opensBefore: number) => {
      const { list, get, login: logins } = double.requests.counts().byKind;
      const cost = { opens: (await opens()) - opensBefore, upstream: { list, get, login: logins } };
      const writes = countWrites(await audit.calls(), namespace);
      process.stdout.write(`environments: ${what}: ${JSON.stringify({ ...cost, writes })}\n`);
      return { ...cost, writes };
    };
    const isSynced = ({ name }: { readonly name: string }) => {
      const object = scene.externalSecrets.get(name);
      return object !== undefined && isReady(object);
    };

    double.requests.reset();
    await scene.startOperator();
    await until('all are synced', () => names.every(isSynced), 60_000);
    await untilQuiet(audit);
    const first = await spent('first sync', 0);
    expect(first.upstream).toMatchObject({ get: 0, login: 1 });
    // Stores that open at different instants may each want a list that is newer than the one before it.
    expect(first.upstream.list).toBeLessThanOrEqual(6);
    expect(first.opens).toBeLessThanOrEqual(2 * layers.length);
    expect(first.writes).toMatchObject({
      'create secrets': 200,
      'patch externalsecrets/status': 200,
      'patch secretstores/status': 4,
    });

    // An Environment in the middle gets a value: its store opens anew, and so does that of the one above it.
    double.requests.reset();
    await audit.restart();
    const before = await opens();
    const { values, ...rest } = specOf('team');
    await apply('Environment', 'team', { spec: { ...rest, values: { ...values, extra: 1 } } });
    await pause(2_000);
    await untilQuiet(audit);
    const changed = await spent('a value more in the third of them', before);
    expect(changed.upstream).toMatchObject({ get: 0, login: 0 });
    expect(changed.opens).toBeLessThanOrEqual(4);
    const ofConsumers = Object.keys(changed.writes).filter((what) => / (secrets|externalsecrets)/.test(what));
    expect(ofConsumers).toEqual([]);
  }, 180_000);
});

const versions = {
  Secret: 'v1',
  Environment: 'escapement.dev/v1alpha1',
  SecretStore: 'external-secrets.io/v1',
} as const;
