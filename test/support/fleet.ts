// Many ExternalSecrets over a few scopes of an Infisical double: the world in which economy, faults and restarts are
// measured. Object `es-<i>` reads its own keys `K<i>_<k>` from folder `/s<i mod scopes>` through store `store-<that>`.
import { randomBytes } from 'node:crypto';
import { type ClusterClient, type ClusterObject, forAll } from './cluster-client.ts';
import type { InfisicalDouble } from './infisical-double/double.ts';

export interface FleetPlan {
  readonly namespace: string;
  readonly objects: number;
  readonly scopes: number;
  /** Keys of each object. Default 3. */
  readonly keys?: number;
  /** Identities that the stores share in turn. Default 1. */
  readonly identities?: number;
  /** Of the ExternalSecrets, as Go writes durations. Default `1h`. */
  readonly refreshInterval?: string;
  /** Seconds that a login lasts; the double's default when absent. */
  readonly ttlSeconds?: number;
}

export interface Fleet {
  readonly namespace: string;
  readonly names: readonly string[];
  readonly paths: { readonly externalSecrets: string; readonly secrets: string; readonly stores: string };
  /** The environment and folder that an object reads. */
  readonly scopeOf: (name: string) => { readonly environment: string; readonly path: string };
  /** Sets one value upstream, and expects it in the Secret from then on. */
  change(name: string, key: string): void;
  /** What is not as it should be: one line per object whose Secret or Ready condition is wrong. */
  problems(): Promise<readonly string[]>;
  /** What is wrong with the Secrets alone. */
  wrongSecrets(): Promise<readonly string[]>;
  /** ExternalSecrets by name. */
  externalSecrets(): Promise<ReadonlyMap<string, ClusterObject>>;
  secrets(): Promise<ReadonlyMap<string, ClusterObject>>;
  /** Takes an object's Ready condition to be wrong when it says this; undefined when it has none. */
  ready(name: string): Promise<{ readonly status: string; readonly reason: string; readonly message: string }>;
}

const group = '/apis/external-secrets.io/v1';
const project = 'fleet';
const environment = 'prod';

/** Plants the values, creates stores and ExternalSecrets, and gives the handle. The namespace must be there. */
export async function createFleet(cluster: ClusterClient, double: InfisicalDouble, plan: FleetPlan): Promise<Fleet> {
  const fleet = arrange(cluster, double, plan);
  const { names, paths } = fleet;
  const stores = Array.from({ length: plan.scopes }, (_, scope) => scope);
  const identities = addIdentities(double, plan);
  await forAll(identities, ({ name, clientId, clientSecret }) =>
    cluster.create(`/api/v1/namespaces/${plan.namespace}/secrets`, {
      metadata: { name },
      stringData: { clientId, clientSecret },
    }),
  );
  await forAll(stores, (scope) => cluster.create(paths.stores, storeOf(double.url, plan, scope)));
  await forAll(names, (name) => cluster.create(paths.externalSecrets, externalSecretOf(plan, name)));
  return fleet;
}

function arrange(cluster: ClusterClient, double: InfisicalDouble, plan: FleetPlan): Fleet {
  const { namespace, objects, scopes, keys = 3 } = plan;
  const names = Array.from({ length: objects }, (_, i) => `es-${i}`);
  const wanted = new Map<string, Record<string, string>>();
  double.projects.add({ slug: project, environments: [{ slug: environment }] });
  for (let scope = 0; scope < scopes; scope++) double.projects.addFolder({ project, environment, path: `/s${scope}` });
  const set = (name: string, key: string) => {
    const value = `${name}-${key}-${randomBytes(6).toString('hex')}`;
    wanted.set(name, { ...wanted.get(name), [key]: value });
    double.secrets.set({ project, environment, path: pathOf(plan, name), key: upstreamKey(name, key), value });
  };
  for (const name of names) for (let k = 0; k < keys; k++) set(name, `k${k}`);
  const paths = {
    externalSecrets: `${group}/namespaces/${namespace}/externalsecrets`,
    secrets: `/api/v1/namespaces/${namespace}/secrets`,
    stores: `${group}/namespaces/${namespace}/secretstores`,
  };
  const byName = async (path: string) =>
    new Map((await cluster.list(path)).map((object) => [object.metadata.name, object]));
  const externalSecrets = () => byName(paths.externalSecrets);
  const secrets = () => byName(paths.secrets);
  const wrongSecrets = async () => {
    const found = await secrets();
    return names.flatMap((name) => wrongData(name, wanted.get(name) ?? {}, found.get(name)));
  };
  return {
    namespace,
    names,
    paths,
    scopeOf: (name) => ({ environment, path: pathOf(plan, name) }),
    change: set,
    externalSecrets,
    secrets,
    wrongSecrets,
    async problems() {
      const found = await externalSecrets();
      const unready = names.filter((name) => readyOf(found.get(name)).status !== 'True');
      return [...(await wrongSecrets()), ...unready.map((name) => `${name} is not ready`)];
    },
    ready: async (name) => readyOf(await cluster.get(`${paths.externalSecrets}/${name}`)),
  };
}

export function readyOf(object: ClusterObject | undefined) {
  const found = object?.status?.conditions?.find(({ type }) => type === 'Ready');
  return { status: found?.status ?? 'absent', reason: found?.reason ?? '', message: found?.message ?? '' };
}

function wrongData(name: string, wanted: Readonly<Record<string, string>>, secret: ClusterObject | undefined) {
  if (secret === undefined) return [`${name} has no Secret`];
  const data = secret.data ?? {};
  const wrong = Object.keys(wanted).filter((key) => decoded(data[key]) !== wanted[key]);
  const foreign = Object.keys(data).filter((key) => wanted[key] === undefined);
  return [...wrong, ...foreign].map((key) => `${name} has a wrong ${key}`);
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
}

function scopeNumber({ scopes }: FleetPlan, name: string): number {
  return Number(name.slice('es-'.length)) % scopes;
}

function pathOf(plan: FleetPlan, name: string): string {
  return `/s${scopeNumber(plan, name)}`;
}

function upstreamKey(name: string, key: string): string {
  return `K${name.slice('es-'.length)}_${key.toUpperCase()}`;
}

function addIdentities(double: InfisicalDouble, { identities = 1, ttlSeconds }: FleetPlan) {
  return Array.from({ length: identities }, (_, i) => {
    const name = `identity-${i}`;
    const ttl = ttlSeconds === undefined ? {} : { ttlSeconds };
    return double.identities.add({ name, universal: {}, access: { [project]: { role: 'member' } }, ...ttl });
  });
}

function storeOf(hostAPI: string, { identities = 1 }: FleetPlan, scope: number): unknown {
  const name = `identity-${scope % identities}`;
  const universalAuthCredentials = { clientId: { name, key: 'clientId' }, clientSecret: { name, key: 'clientSecret' } };
  const secretsScope = { projectSlug: project, environmentSlug: environment, secretsPath: `/s${scope}` };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: `store-${scope}` },
    spec: { provider: { infisical: { hostAPI, auth: { universalAuthCredentials }, secretsScope } } },
  };
}

function externalSecretOf(plan: FleetPlan, name: string): unknown {
  const { keys = 3, refreshInterval = '1h' } = plan;
  const data = Array.from({ length: keys }, (_, k) => ({
    secretKey: `k${k}`,
    remoteRef: { key: upstreamKey(name, `k${k}`) },
  }));
  const secretStoreRef = { kind: 'SecretStore', name: `store-${scopeNumber(plan, name)}` };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { refreshInterval, secretStoreRef, data },
  };
}
