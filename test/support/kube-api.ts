// A small client of the API server for tests: reads, writes and watches of objects, as JSON. On purpose not the
// operator's own door (src/kube), so that a fault there cannot hide itself from the tests.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const group = '/apis/external-secrets.io/v1';

/** Where the kinds that tests look at are served. */
const kinds = {
  ExternalSecret: { api: group, plural: 'externalsecrets', namespaced: true },
  SecretStore: { api: group, plural: 'secretstores', namespaced: true },
  ClusterSecretStore: { api: group, plural: 'clustersecretstores', namespaced: false },
  ClusterExternalSecret: { api: group, plural: 'clusterexternalsecrets', namespaced: false },
  Environment: { api: '/apis/escapement.dev/v1alpha1', plural: 'environments', namespaced: true },
  Secret: { api: '/api/v1', plural: 'secrets', namespaced: true },
  ConfigMap: { api: '/api/v1', plural: 'configmaps', namespaced: true },
  Event: { api: '/api/v1', plural: 'events', namespaced: true },
  Namespace: { api: '/api/v1', plural: 'namespaces', namespaced: false },
} as const;

export type KindName = keyof typeof kinds;

export interface ApiCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

type Texts = Readonly<Record<string, string>>;

/** An object of any of the kinds, as far as tests look into it; of a kind's fields those of others are absent. */
export interface ApiObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly labels?: Texts;
    readonly annotations?: Texts;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly Readonly<Record<string, unknown>>[];
    readonly managedFields?: readonly { readonly manager?: string; readonly operation?: string }[];
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly conditions?: readonly ApiCondition[];
    readonly observedGeneration?: number;
    readonly refreshTime?: string | null;
    readonly syncedResourceVersion?: string;
    readonly binding?: { readonly name?: string };
    readonly capabilities?: string;
    readonly externalSecretName?: string;
    readonly provisionedNamespaces?: readonly string[];
    readonly failedNamespaces?: readonly { readonly namespace: string; readonly reason?: string }[];
  };
  readonly data?: Texts;
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly source?: { readonly component?: string };
}

export interface ObjectAddress {
  readonly kind: KindName;
  readonly namespace?: string;
  readonly name: string;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ApiObject;
}

/** An answer other than success. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal';
  readonly status: number;

  constructor(status: number, what: string, body: string) {
    super(`${what}: ${status}: ${body}`);
    this.status = status;
  }
}

export interface KubeApi {
  /** Undefined when there is no such object. */
  get(address: ObjectAddress): Promise<ApiObject | undefined>;
  list(kind: KindName, namespace?: string): Promise<{ items: readonly ApiObject[]; resourceVersion: string }>;
  create(address: ObjectAddress, body: object, fieldManager?: string): Promise<ApiObject>;
  /** Replaces the whole object. */
  update(address: ObjectAddress, body: object, fieldManager?: string): Promise<ApiObject>;
  /** Server-side apply, which makes what is not there. */
  apply(address: ObjectAddress, body: object, fieldManager?: string): Promise<ApiObject>;
  /** A JSON merge patch (RFC 7386). */
  patch(address: ObjectAddress, body: object, fieldManager?: string): Promise<ApiObject>;
  /** Absent objects are fine. */
  delete(address: ObjectAddress): Promise<void>;
  /** Events after `resourceVersion`, until `signal` fires or the server ends the watch. */
  watch(
    kind: KindName,
    at: { readonly namespace?: string | undefined; readonly resourceVersion: string },
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent>;
  close(): void;
}

export interface ApiAccess {
  readonly server: string;
  readonly caPem: string;
  readonly token: string;
}

const mergePatchType = 'application/merge-patch+json';
const applyType = 'application/apply-patch+yaml';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly type?: string;
  readonly signal?: AbortSignal;
}

interface ApiList {
  readonly items: readonly ApiObject[];
  readonly metadata: { readonly resourceVersion: string };
}

export function createKubeApi({ server, caPem, token }: ApiAccess): KubeApi {
  const agent = new Agent({ keepAlive: true, ca: caPem });
  const managed = (path: string, fieldManager: string) => `${path}?fieldManager=${encodeURIComponent(fieldManager)}`;

  async function open({ method, path, body, type = 'application/json', signal }: Call): Promise<IncomingMessage> {
    const sent = request(`${server}${path}`, {
      method,
      agent,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': type },
      ...(signal && { signal }),
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage]; // what the event carries
    const { statusCode = 0 } = response;
    if (statusCode < 300) return response;
    throw new ApiRefusal(statusCode, `${method} ${path}`, await text(response));
  }

  async function ask<T>(call: Call): Promise<T> {
    return JSON.parse(await text(await open(call))) as T; // what the API server serves there
  }

  async function orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (thrown) {
      if (thrown instanceof ApiRefusal && thrown.status === 404) return undefined;
      throw thrown;
    }
  }

  return {
    get: (address) => orAbsent(ask<ApiObject>({ method: 'GET', path: objectPath(address) })),
    async list(kind, namespace) {
      const path = collectionPath(kind, namespace);
      const list = await ask<ApiList>({ method: 'GET', path });
      return { items: list.items, resourceVersion: list.metadata.resourceVersion };
    },
    create: ({ kind, namespace }, body, fieldManager = 'test') =>
      ask({ method: 'POST', path: managed(collectionPath(kind, namespace), fieldManager), body }),
    update: (address, body, fieldManager = 'test') =>
      ask({ method: 'PUT', path: managed(objectPath(address), fieldManager), body }),
    apply: (address, body, fieldManager = 'test') =>
      ask({ method: 'PATCH', path: `${managed(objectPath(address), fieldManager)}&force=true`, body, type: applyType }),
    patch: (address, body, fieldManager = 'test') =>
      ask({ method: 'PATCH', path: managed(objectPath(address), fieldManager), body, type: mergePatchType }),
    async delete(address) {
      await orAbsent(ask({ method: 'DELETE', path: objectPath(address) }));
    },
    async *watch(kind, { namespace, resourceVersion }, signal) {
      const path = `${collectionPath(kind, namespace)}?watch=1&resourceVersion=${resourceVersion}`;
      const response = await open({ method: 'GET', path, signal });
      for await (const line of createInterface({ input: response, signal })) {
        yield JSON.parse(line) as WatchEvent; // one event a line: kubernetes.io/docs/reference/using-api/api-concepts
      }
    },
    close: () => agent.destroy(),
  };
}

function collectionPath(kind: KindName, namespace?: string): string {
  const { api, plural, namespaced } = kinds[kind];
  return namespaced && namespace !== undefined ? `${api}/namespaces/${namespace}/${plural}` : `${api}/${plural}`;
}

function objectPath({ kind, namespace, name }: ObjectAddress): string {
  return `${collectionPath(kind, namespace)}/${name}`;
}
