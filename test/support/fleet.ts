// Many ExternalSecrets over a few scopes of an Infisical double: the world in which economy, faults and restarts are
// measured. Object `es-<i>` reads its own keys `K<i>_<k>` from folder `/s<i mod scopes>` through store `store-<that>`; all
// names carry the plan's prefix, so that several fleets, each with a double of its own, fit into one namespace.
import { randomBytes } from 'node:crypto';
import type { InfisicalDouble } from './infisical-double/double.ts';
import type { TokenTerms } from './infisical-double/tokens.ts';
import type { ApiObject, KubeApi } from './kube-api.ts';
import { condition, type Follower } from './wait.ts';

/** Where a fleet lives; a Scene is one. */
export interface FleetGround {
  readonly api: KubeApi;
  readonly double: InfisicalDouble;
  readonly namespace: string;
  readonly externalSecrets: Follower;
  readonly secrets: Follower;
  /** A secret value that can be told again by the label's owner. */
  value(label: string): string;
}

export interface FleetPlan {
  /** Before the names of all objects, with its hyphen. Default none. */
  readonly prefix?: string;
  readonly objects: number;
  readonly scopes: number;
  /** Keys of each object. Default 3. */
  readonly keys?: number;
  /** Identities that the stores share in turn. Default 1. */
  readonly identities?: number;
  /** Of the tokens that they get. */
  readonly tokens?: TokenTerms;
  /** Of the ExternalSecrets, as Go writes durations. Default `1h`. */
  readonly refreshInterval?: string;
}

export interface Fleet {
  readonly names: readonly string[];
  /** Sets one value upstream, `k<n>` of the object, and expects it in the Secret from then on. */
  change(name: string, key: string): void;
  /** Objects whose Secret is not what it should be, one line each and why. */
  wrongSecrets(): readonly string[];
  /** The same, and objects that are not Ready=True for their present generation. */
  problems(): readonly string[];
  /** The resourceVersion of each Secret whose data is what it should be, by name. */
  rightSecrets(): ReadonlyMap<string, string>;
}

export const fleetProject = 'fleet';
export const fleetEnvironment = 'prod';

/** Plants the values, creates credentials, stores and ExternalSecrets. The namespace must be there. */
export async function createFleet(ground: FleetGround, plan: FleetPlan): Promise<Fleet> {
  const { api, double, namespace } = ground;
  const fleet = arrange(ground, plan);
  const { prefix = '' } = plan;
  for (const { name: identity, clientId, clientSecret } of addIdentities(double, plan)) {
    const name = `${prefix}${identity}`;
    const body = { metadata: { name }, stringData: { clientId, clientSecret } };
    await api.create({ kind: 'Secret', namespace, name }, body);
  }
  for (let scope = 0; scope < plan.scopes; scope++) {
    const name = `${prefix}store-${scope}`;
    await api.create({ kind: 'SecretStore', namespace, name }, storeOf(double.url, plan, scope));
  }
  await forAll(fleet.names, (name) =>
    api.create({ kind: 'ExternalSecret', namespace, name }, externalSecretOf(plan, name)),
  );
  return fleet;
}

/** What the Secrets of the fleet went through, by the watch. */
export function statesOf(
  { secrets }: Pick<FleetGround, 'secrets'>,
  { names }: Pick<Fleet, 'names'>,
): readonly string[] {
  const typesOf = (name: string) => secrets.history(name).map(({ type }) => type);
  return names.map((name) => `${name}: ${typesOf(name).join(' ')}`);
}

/** Runs `work` for every item, at most 16 at a time. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

function arrange(ground: FleetGround, plan: FleetPlan): Fleet {
  const { double, value } = ground;
  const { objects, scopes, keys = 3, prefix = '' } = plan;
  const [project, environment] = [fleetProject, fleetEnvironment];
  const names = Array.from({ length: objects }, (_, i) => `${prefix}es-${i}`);
  const wanted = new Map<string, Record<string, string>>();
  double.projects.add({ slug: project, environments: [{ slug: environment }] });
  for (let scope = 0; scope < scopes; scope++) double.projects.addFolder({ project, environment, path: `/s${scope}` });
  const change = (name: string, key: string) => {
    const fresh = value(`${name}-${key}-${randomBytes(4).toString('hex')}`);
    wanted.set(name, { ...wanted.get(name), [key]: fresh });
    const path = `/s${scopeOf(plan, name)}`;
    double.secrets.set({ project, environment, path, key: upstreamKey(name, key), value: fresh });
  };
  for (const name of names) for (let k = 0; k < keys; k++) change(name, `k${k}`);
  const wrongOf = (name: string) => wrongData(name, wanted.get(name) ?? {}, ground.secrets.get(name));
  return {
    names,
    change,
    wrongSecrets: () => names.flatMap(wrongOf),
    problems() {
      const isSettled = (name: string) => isReadyNow(ground.externalSecrets.get(name));
      const unready = names.filter((name) => !isSettled(name));
      return [...names.flatMap(wrongOf), ...unready.map((name) => `${name} is not ready`)];
    },
    rightSecrets() {
      const right = names.filter((name) => wrongOf(name).length === 0);
      return new Map(right.map((name) => [name, ground.secrets.get(name)?.metadata.resourceVersion ?? '']));
    },
  };
}

/** As `isReady`, but content with conditions of ESO's CRDs, which carry no generation. */
function isReadyNow(object: ApiObject | undefined): boolean {
  const ready = condition(object, 'Ready');
  const generation = object?.metadata.generation;
  return ready?.status === 'True' && (ready.observedGeneration ?? generation) === generation;
}

function wrongData(name: string, wanted: Readonly<Record<string, string>>, secret: ApiObject | undefined): string[] {
  if (secret === undefined) return [`${name} has no Secret`];
  const data = secret.data ?? {};
  const wrong = Object.keys(wanted).filter((key) => decoded(data[key]) !== wanted[key]);
  const foreign = Object.keys(data).filter((key) => wanted[key] === undefined);
  return [...wrong, ...foreign].map((key) => `${name} has a wrong ${key}`);
}

function decoded(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'base64').toString('utf8');
}

/** The number of the scope that an object reads. */
function scopeOf({ scopes }: FleetPlan, name: string): number {
  return numberOf(name) % scopes;
}

function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf('-') + 1));
}

function upstreamKey(name: string, key: string): string {
  return `K${numberOf(name)}_${key.toUpperCase()}`;
}

function addIdentities(double: InfisicalDouble, { identities = 1, tokens = {} }: FleetPlan) {
  return Array.from({ length: identities }, (_, i) =>
    double.identities.add({
      name: `identity-${i}`,
      universal: {},
      access: { [fleetProject]: { role: 'member' } },
      ...tokens,
    }),
  );
}

function storeOf(url: string, plan: FleetPlan, scope: number): object {
  const { identities = 1, prefix = '' } = plan;
  const name = `${prefix}identity-${scope % identities}`;
  const universalAuthCredentials = { clientId: { name, key: 'clientId' }, clientSecret: { name, key: 'clientSecret' } };
  const secretsScope = { projectSlug: fleetProject, environmentSlug: fleetEnvironment, secretsPath: `/s${scope}` };
  const infisical = { hostAPI: url, auth: { universalAuthCredentials }, secretsScope };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: `${prefix}store-${scope}` },
    spec: { provider: { infisical } },
  };
}

function externalSecretOf(plan: FleetPlan, name: string): object {
  const { keys = 3, refreshInterval = '1h', prefix = '' } = plan;
  const data = Array.from({ length: keys }, (_, k) => ({
    secretKey: `k${k}`,
    remoteRef: { key: upstreamKey(name, `k${k}`) },
  }));
  const secretStoreRef = { kind: 'SecretStore', name: `${prefix}store-${scopeOf(plan, name)}` };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { refreshInterval, secretStoreRef, data },
  };
}
