// What the bench puts on the double and on the cluster: folders of secrets at the source; namespaces, each with the
// credentials of one and the same identity and a SecretStore; ExternalSecrets that read some keys of one folder each.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, inParallel } from './api.ts';

export interface Shape {
  readonly count: number;
  readonly scopes: number;
  readonly stores: number;
  /** Keys that one ExternalSecret reads. */
  readonly keys: number;
}

export interface Place {
  /** Marks everything that a run makes. */
  readonly run: string;
  readonly upstreamUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Secrets in each folder at the source. */
const keysPerFolder = 50;
export const project = 'bench';
const environment = 'prod';
const writesAtATime = 32;
export const externalSecrets = '/apis/external-secrets.io/v1';

export const namespaceOf = (run: string, store: number) => `bench-${run}-${store}`;
export const namespacesOf = (run: string, { stores }: Shape) =>
  Array.from({ length: stores }, (_, store) => namespaceOf(run, store));
export const unrelatedOf = (run: string) => `bench-${run}-unrelated`;
const folderOf = (scope: number) => `/team-${scope}`;
const keyOf = (at: number) => `KEY_${at % keysPerFolder}`;

/** The double's seed: a folder for each scope, and the identity that reads them. */
export function seedOf({ scopes }: Shape): object {
  const folder = () =>
    Object.fromEntries(Array.from({ length: keysPerFolder }, (_, at) => [keyOf(at), `value-${at}-`.padEnd(32, 'x')]));
  const folders = Object.fromEntries(Array.from({ length: scopes }, (_, scope) => [folderOf(scope), folder()]));
  return {
    projects: [{ slug: project, secrets: { [environment]: folders } }],
    identities: [{ name: 'bench', universal: {}, access: { [project]: { role: 'member' } } }],
  };
}

/** Namespaces with credentials and a store each. */
export async function layOutStores(api: Api, place: Place, { stores, scopes }: Shape): Promise<void> {
  await inParallel(stores, writesAtATime, async (store) => {
    const namespace = namespaceOf(place.run, store);
    await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
    const { clientId, clientSecret } = place;
    const credentials = { metadata: { name: 'infisical' }, stringData: { clientId, clientSecret } };
    await api.call({ method: 'POST', path: `/api/v1/namespaces/${namespace}/secrets`, body: credentials });
    const path = `${externalSecrets}/namespaces/${namespace}/secretstores`;
    await api.call({ method: 'POST', path, body: storeObject(place.upstreamUrl, store % scopes) });
  });
}

function storeObject(hostAPI: string, scope: number): object {
  const key = (name: string) => ({ name: 'infisical', key: name });
  const auth = { universalAuthCredentials: { clientId: key('clientId'), clientSecret: key('clientSecret') } };
  const secretsScope = { projectSlug: project, environmentSlug: environment, secretsPath: folderOf(scope) };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name: 'infisical' },
    spec: { provider: { infisical: { hostAPI, auth, secretsScope } } },
  };
}

export async function layOutExternalSecrets(api: Api, run: string, shape: Shape): Promise<void> {
  await inParallel(shape.count, writesAtATime, (at) => createExternalSecret(api, run, shape, at));
}

/** Creates the `at`-th ExternalSecret, in the namespace of its store; gives `namespace/name`. */
export async function createExternalSecret(
  api: Api,
  run: string,
  shape: Shape,
  at: number,
  refreshInterval = '1h',
): Promise<string> {
  const namespace = namespaceOf(run, storeOf(shape, at));
  const body = externalSecretObject({ name: `app-${at}`, run, shape, at, refreshInterval });
  await api.call({ method: 'POST', path: `${externalSecrets}/namespaces/${namespace}/externalsecrets`, body });
  return `${namespace}/app-${at}`;
}

/** Sets the interval of every ExternalSecret. */
export async function setInterval(api: Api, run: string, shape: Shape, refreshInterval: string): Promise<void> {
  await inParallel(shape.count, writesAtATime, (at) => {
    const path = `${externalSecrets}/namespaces/${namespaceOf(run, storeOf(shape, at))}/externalsecrets/app-${at}`;
    return api.call({ method: 'PATCH', path, body: { spec: { refreshInterval } } });
  });
}

/** A scope belongs to one store; where there are more scopes than stores, a store serves several by absolute paths. */
function storeOf({ scopes, stores }: Shape, at: number): number {
  return scopes >= stores ? (at % scopes) % stores : at % stores;
}

export interface Wanted {
  readonly name: string;
  readonly run: string;
  readonly shape: Shape;
  readonly at: number;
  readonly refreshInterval: string;
}

export function externalSecretObject({ name, run, shape, at, refreshInterval }: Wanted): object {
  const scope = at % shape.scopes;
  const folder = scope === storeOf(shape, at) % shape.scopes ? '' : `${folderOf(scope)}/`;
  const first = Math.floor(at / shape.scopes) * shape.keys;
  const data = Array.from({ length: shape.keys }, (_, k) => ({
    secretKey: `key-${k}`,
    remoteRef: { key: `${folder}${keyOf(first + k)}` },
  }));
  const secretStoreRef = { kind: 'SecretStore', name: 'infisical' };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name, labels: { 'bench-run': run } },
    spec: { refreshInterval, secretStoreRef, target: { name }, data },
  };
}

/** Secrets that nobody manages, of 1 MB each. */
export async function layOutUnrelated(api: Api, run: string, count: number): Promise<void> {
  const namespace = unrelatedOf(run);
  await api.call({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: namespace } } });
  const blob = Buffer.alloc(1_000_000, 'x').toString('base64');
  await inParallel(count, 4, (at) => {
    const body = { metadata: { name: `unrelated-${at}` }, data: { blob } };
    return api.call({ method: 'POST', path: `/api/v1/namespaces/${namespace}/secrets`, body });
  });
}

/** Asks for the end of namespaces, and of what is in them. */
export async function removeNamespaces(api: Api, names: readonly string[]): Promise<void> {
  await inParallel(names.length, writesAtATime, (at) => api.call({ method: 'DELETE', path: pathOf(names[at] ?? '') }));
}

/** Without a controller manager a namespace stays for ever. */
const oneGoneWithinMs = 60_000;
/** After the last namespace is gone: the garbage collector still looks at owners. */
const settleMs = 3_000;

/**
 * Resolves when the namespaces are gone, or when none went for a minute. The namespace controller and the garbage collector
 * work on behind the answer: what is measured next is not to pay for it.
 */
export async function untilGone(api: Api, names: readonly string[]): Promise<void> {
  let giveUpMs = performance.now() + oneGoneWithinMs;
  const isGone = (name: string) =>
    api.call({ method: 'GET', path: pathOf(name) }).then(
      () => false,
      () => true,
    );
  for (const name of names) {
    while (!(await isGone(name))) {
      if (performance.now() > giveUpMs) return;
      await sleep(500);
    }
    giveUpMs = performance.now() + oneGoneWithinMs;
  }
  await sleep(settleMs);
}

const pathOf = (namespace: string) => `/api/v1/namespaces/${namespace}`;
