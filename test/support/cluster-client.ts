// A small client of the API server under test: many objects at once and watches, which kubectl is too slow for. It
// shares nothing with the operator's own client, so that a fault there cannot hide here.
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:https';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import type { ControlPlaneFacts } from './control-plane.ts';

export interface ClusterObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: ClusterStatus;
}

export interface ClusterStatus {
  readonly conditions?: readonly ClusterCondition[];
  readonly observedGeneration?: number;
  readonly refreshTime?: string;
  readonly syncedResourceVersion?: string;
}

export interface ClusterCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: ClusterObject;
  readonly atMs: number;
}

export interface Watch {
  /** Everything seen until now, oldest first. */
  readonly events: readonly WatchEvent[];
  stop(): void;
}

/** Paths are of the API server: `/api/v1/namespaces/x/secrets`. Throws an Error with the server's words when refused. */
export interface ClusterClient {
  get(path: string): Promise<ClusterObject>;
  list(path: string): Promise<readonly ClusterObject[]>;
  create(path: string, object: unknown): Promise<ClusterObject>;
  /** JSON merge patch. */
  patch(path: string, patch: unknown): Promise<ClusterObject>;
  remove(path: string): Promise<void>;
  /** From now on; what is there is not told. */
  watch(path: string): Promise<Watch>;
}

type Call = { readonly method: string; readonly path: string; readonly body?: unknown; readonly contentType?: string };

export function createClusterClient({ server, caPem, token }: ControlPlaneFacts): ClusterClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ca: caPem });
  const send = async ({ method, path, body, contentType = 'application/json' }: Call): Promise<IncomingMessage> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType, 'user-agent': 'e2e-test' };
    // A watch keeps its connection, and must not take one of those that the calls share.
    const sockets = path.includes('watch=true') ? { ca: caPem, agent: false as const } : { agent };
    const asked = request(new URL(path, server), { method, headers, ...sockets });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // the event's documented argument
    return answer;
  };
  const call = async <T>(what: Call): Promise<T> => {
    const answer = await send(what);
    const said = (await json(answer)) as T & { readonly message?: string };
    if ((answer.statusCode ?? 0) < 300) return said;
    throw new Error(`${what.method} ${what.path}: ${answer.statusCode}: ${said.message}`);
  };
  return {
    get: (path) => call({ method: 'GET', path }),
    list: async (path) => (await call<{ readonly items: readonly ClusterObject[] }>({ method: 'GET', path })).items,
    create: (path, body) => call({ method: 'POST', path, body }),
    patch: (path, body) => call({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }),
    remove: async (path) => void (await call({ method: 'DELETE', path })),
    async watch(path) {
      const { metadata } = await call<{ readonly metadata: { readonly resourceVersion: string } }>({
        method: 'GET',
        path: `${path}?limit=1`,
      });
      const query = `watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=600`;
      const answer = await send({ method: 'GET', path: `${path}?${query}` });
      const events: WatchEvent[] = [];
      const lines = createInterface({ input: answer });
      lines.on('line', (line) => events.push({ ...JSON.parse(line), atMs: Date.now() }));
      answer.on('error', () => {}); // a watch that is stopped ends with a reset
      return { events, stop: () => answer.destroy() };
    },
  };
}

/** Runs `work` for every item, at most 16 at a time. */
export async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
