// Manifests for scenes: credentials, stores and ExternalSecrets that work as they are, to be bent by a test where it wants
// them to fail or to differ.
import type { IdentityView } from './infisical-double/identities.ts';
import type { KindedManifest, Scene } from './scene.ts';

export const project = 'my-project';

type Json = Readonly<Record<string, unknown>>;

/** A manifest as an object. */
export interface SampleManifest extends KindedManifest {
  readonly apiVersion: string;
  readonly spec?: Json;
}

/** A project with some secrets of known values in `dev`, and an identity `reader` that may read them. */
export function plantSample({ double, value }: Scene): IdentityView {
  double.projects.add({ slug: project });
  const put = (path: string, key: string, text: string) =>
    double.secrets.set({ environment: 'dev', path, key, value: text });
  put('/', 'API_KEY', value('api-key'));
  put('/', 'DB_PASSWORD', value('db-password'));
  put('/', 'JSON_BLOB', JSON.stringify({ key: value('json-key') }));
  put('/my-app', 'SERVICE_PASSWORD', value('service-password'));
  return double.identities.add({
    name: 'reader',
    universal: { clientSecrets: [{ secret: value('client-secret') }] },
    access: { [project]: { role: 'viewer' } },
  });
}

/** A Secret with text values. */
export function secret(name: string, texts: Readonly<Record<string, string>>): SampleManifest {
  const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', data: Object.fromEntries(encoded) };
}

/** The credentials of an identity, as `store` refers to them. */
export function credentials(name: string, { clientId, clientSecret }: IdentityView): SampleManifest {
  return secret(name, { clientId, clientSecret });
}

export interface StoreOptions {
  readonly name: string;
  /** The Secret with clientId and clientSecret. Default `credentials`. */
  readonly credentials?: string;
  readonly hostAPI: string;
  /** In place of universal auth. */
  readonly auth?: Json;
  /** Over the default scope: the root of `dev`. */
  readonly scope?: Json;
  /** More members of the provider's block. */
  readonly infisical?: Json;
  /** More members of the spec. */
  readonly spec?: Json;
}

export function store(options: StoreOptions): SampleManifest {
  const { name, hostAPI, auth, credentials: holder = 'credentials' } = options;
  const selector = (key: string) => ({ name: holder, key });
  const universal = { clientId: selector('clientId'), clientSecret: selector('clientSecret') };
  const infisical = {
    hostAPI,
    auth: auth ?? { universalAuthCredentials: universal },
    secretsScope: { projectSlug: project, environmentSlug: 'dev', ...options.scope },
    ...options.infisical,
  };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name },
    spec: { provider: { infisical }, ...options.spec },
  };
}

export interface ClusterStoreOptions extends StoreOptions {
  /** Where the credentials are. */
  readonly namespace: string;
  readonly controllerClass: string;
}

export function clusterStore(options: ClusterStoreOptions): SampleManifest {
  const { namespace, credentials: name = 'credentials', controllerClass } = options;
  const selector = (key: string) => ({ name, key, namespace });
  const auth = { universalAuthCredentials: { clientId: selector('clientId'), clientSecret: selector('clientSecret') } };
  const spec = { controller: controllerClass, ...options.spec };
  return { ...store({ auth, ...options, spec }), kind: 'ClusterSecretStore' };
}

export interface ExternalSecretOptions {
  readonly name: string;
  /** Default `{name: 'store'}`. */
  readonly storeRef?: Json;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Over the default: `API_KEY` as `value`, refreshed once an hour. */
  readonly spec?: Json;
}

export function externalSecret(options: ExternalSecretOptions): SampleManifest {
  const { name, labels = {}, annotations = {}, spec = {}, storeRef = { name: 'store' } } = options;
  const hasSource = 'data' in spec || 'dataFrom' in spec;
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name, labels, annotations },
    spec: { secretStoreRef: storeRef, ...(hasSource ? {} : { data: [entry('value', 'API_KEY')] }), ...spec },
  };
}

/** An entry of `spec.data`. */
export function entry(secretKey: string, key: string, property?: string): Json {
  return { secretKey, remoteRef: { key, ...(property !== undefined && { property }) } };
}
