// A Vault on loopback: KV 1 at `kv/`, KV 2 at `secret/`, leased credentials at `database/creds/`, JWT logins that check the
// signature, tokens with policies. Answers are those of Vault's API pages and of its sources; it keeps all in memory.
// https://developer.hashicorp.com/vault/api-docs
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';

export interface VaultRole {
  readonly audience: string;
  readonly subject: string;
  readonly policies: readonly string[];
  readonly ttlSeconds: number;
}

interface AboutToken {
  readonly policies: readonly string[];
}

/** An answer in place of the server's own. */
interface Fault {
  readonly path: RegExp;
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface VaultDouble {
  readonly url: string;
  /** Has every power. */
  readonly rootToken: string;
  /** `METHOD /v1/path` of what was asked, in order. */
  readonly requests: string[];
  /** Answers that come first, in order, each for as long as it stands here. */
  readonly faults: Fault[];
  /** What an answer waits for once its work is done. */
  beforeAnswers: (path: string) => Promise<unknown>;
  /** Paths that may be read, by policy; a `*` at the end stands for whatever follows. */
  readonly policies: Map<string, readonly string[]>;
  readonly roles: Map<string, VaultRole>;
  /** Roles of the AppRole method: the id of its secret, and the policies, by the id of the role. */
  readonly appRoles: Map<string, { readonly secretId: string; readonly policies: readonly string[] }>;
  /** Secrets of KV 1 by path below `kv/`. */
  readonly kv1: Map<string, object>;
  /** Secrets of KV 2 by path below `secret/`; null was deleted. */
  readonly kv2: Map<string, object | null>;
  /** Lives of leased credentials in seconds, by role. */
  readonly leased: Map<string, number>;
  /** What renewals of leases and tokens give, in seconds; 0 refuses those of leases. */
  renewalSeconds: number;
  /** Only requests that name it are answered. */
  namespace: string | undefined;
  /** Bodies of the tokens that were made below others. */
  readonly created: Record<string, unknown>[];
  /** Tokens that are good. */
  readonly tokens: ReadonlyMap<string, AboutToken>;
  /** Leases that are good, with the token that each hangs on. */
  readonly leases: ReadonlyMap<string, string>;
  /** Ends every token but the root's, and what hangs on it. */
  endTokens(): void;
  count(pattern: RegExp): number;
  stop(): Promise<void>;
}

class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, ...said: readonly string[]) {
    super(said.join('; '));
    this.status = status;
    this.errors = said;
  }
}

const denied = () => new Refusal(403, '1 error occurred:\n\t* permission denied\n\n');

export async function startVaultDouble(options: {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
}): Promise<VaultDouble> {
  const keySet = createLocalJWKSet(options.keys);
  const tokens = new Map<string, AboutToken>([['root', { policies: ['root'] }]]);
  const leases = new Map<string, string>();
  const end = (token: string) => {
    tokens.delete(token);
    for (const [lease, holder] of leases) if (holder === token) leases.delete(lease);
  };
  const grant = (policies: readonly string[], lifeSeconds: number, about: object = {}) => {
    const token = `hvs.${randomUUID()}`;
    tokens.set(token, { ...about, policies: ['default', ...policies] });
    return { auth: { client_token: token, policies, lease_duration: lifeSeconds, renewable: true } };
  };
  const mayRead = (token: string, path: string) => {
    const { policies } = tokens.get(token) ?? { policies: [] };
    if (policies.includes('root')) return true;
    const paths = policies.flatMap((policy) => double.policies.get(policy) ?? []);
    return paths.some((each) => (each.endsWith('*') ? path.startsWith(each.slice(0, -1)) : path === each));
  };

  async function logIn(body: Record<string, unknown>) {
    const role = double.roles.get(String(body['role']));
    if (role === undefined) throw new Refusal(400, `role "${String(body['role'])}" could not be found`);
    try {
      const { payload } = await jwtVerify(String(body['jwt']), keySet, { issuer: options.issuer });
      const audiences = [payload.aud ?? []].flat();
      if (!audiences.includes(role.audience)) {
        throw new Refusal(
          400,
          'error validating token: invalid audience (aud) claim: audience claim does not match any bound audience',
        );
      }
      if (payload.sub !== role.subject) throw new Refusal(400, 'error validating token: invalid subject (sub) claim');
    } catch (error) {
      if (error instanceof errors.JOSEError) {
        throw new Refusal(
          400,
          'error validating token: error verifying token signature: no known key successfully validated the token signature',
        );
      }
      throw error;
    }
    return grant(role.policies, role.ttlSeconds);
  }

  function readPath(token: string, path: string): object {
    if (!mayRead(token, path)) throw denied();
    const [mount = '', ...rest] = path.split('/');
    const name = rest.join('/');
    if (mount === 'kv') {
      const data = double.kv1.get(name);
      if (data === undefined) throw new Refusal(404);
      return { lease_id: '', lease_duration: 2_764_800, renewable: false, data };
    }
    if (mount === 'secret') return readVersioned(rest);
    const lifeSeconds = mount === 'database' && rest[0] === 'creds' ? double.leased.get(rest[1] ?? '') : undefined;
    if (mount === 'database' && lifeSeconds !== undefined) {
      const lease = `${path}/${randomUUID()}`;
      leases.set(lease, token);
      const data = { username: `v-${randomUUID()}`, password: randomUUID() };
      return { lease_id: lease, lease_duration: lifeSeconds, renewable: true, data };
    }
    if (mount === 'database') throw new Refusal(400, `unknown role: ${rest[1] ?? ''}`);
    throw new Refusal(404, `no handler for route "${path}". route entry not found.`);
  }

  function readVersioned([kind, ...rest]: readonly string[]): object {
    if (kind !== 'data') {
      throw new Answer(404, { data: null, warnings: ['Invalid path for a versioned K/V secrets engine.'] });
    }
    const data = double.kv2.get(rest.join('/'));
    if (data === undefined) throw new Refusal(404);
    const metadata = { created_time: '2025-01-01T00:00:00Z', deletion_time: '', destroyed: false, version: 1 };
    if (data === null) {
      throw new Answer(404, { data: { data, metadata: { ...metadata, deletion_time: '2025-01-02T00:00:00Z' } } });
    }
    return { lease_id: '', lease_duration: 0, renewable: false, data: { data, metadata } };
  }

  function answerOfTokens(route: string, token: string, body: Record<string, unknown>): object | undefined {
    switch (route) {
      case 'lookup-self':
        return { data: { id: token, ttl: double.renewalSeconds, renewable: true, ...tokens.get(token) } };
      case 'lookup': {
        const about = tokens.get(String(body['token']));
        if (about === undefined) throw new Refusal(403, 'bad token');
        return { data: about };
      }
      case 'revoke-self':
      case 'revoke':
        end(route === 'revoke' ? String(body['token']) : token);
        return undefined;
      case 'renew-self':
        return { auth: { client_token: token, lease_duration: double.renewalSeconds, renewable: true } };
      case 'create': {
        double.created.push(body);
        const most = { explicit_max_ttl: secondsOf(body['explicit_max_ttl']) };
        const about = { ...most, meta: body['meta'] };
        return grant((body['policies'] as string[] | undefined) ?? [], 7_200, about); // as the tests send it
      }
      default:
        throw new Refusal(404, `no handler for route "auth/token/${route}". route entry not found.`);
    }
  }

  function answerOfLeases(route: string, body: Record<string, unknown>): object | undefined {
    if (route !== 'renew') {
      const prefix = route.replace(/^revoke-prefix\//, '');
      for (const lease of leases.keys()) if (lease.startsWith(`${prefix}/`)) leases.delete(lease);
      return undefined;
    }
    const lease = String(body['lease_id']);
    if (!leases.has(lease) || double.renewalSeconds === 0) throw new Refusal(400, 'lease not found');
    return { lease_id: lease, renewable: true, lease_duration: double.renewalSeconds };
  }

  async function answer(request: IncomingMessage, body: Record<string, unknown>): Promise<object | undefined> {
    const path = decodeURIComponent((request.url ?? '').replace(/^\/v1\//, ''));
    if (double.namespace !== undefined && request.headers['x-vault-namespace'] !== double.namespace) throw denied();
    if (/^auth\/(?:jwt|kubernetes)\/login$/.test(path)) return await logIn(body);
    if (path === 'auth/approle/login') {
      const role = double.appRoles.get(String(body['role_id']));
      if (role === undefined) throw new Refusal(400, 'invalid role or secret ID');
      if (body['secret_id'] !== role.secretId) throw new Refusal(500, 'invalid secret id');
      return grant(role.policies, 3_600);
    }
    const token = String(request.headers['x-vault-token'] ?? '');
    if (!tokens.has(token)) throw new Refusal(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');
    if (path.startsWith('auth/token/')) return answerOfTokens(path.slice('auth/token/'.length), token, body);
    if (path.startsWith('sys/leases/')) return answerOfLeases(path.slice('sys/leases/'.length), body);
    const [, below] = /^sys\/internal\/ui\/mounts\/(.*)$/.exec(path) ?? [];
    if (below === undefined) return readPath(token, path);
    if (below.startsWith('secret/')) return { data: { path: 'secret/', type: 'kv', options: { version: '2' } } };
    if (below.startsWith('kv/')) return { data: { path: 'kv/', type: 'kv', options: null } };
    throw new Refusal(
      403,
      `preflight capability check returned 403, please ensure client's policies grant access to path "${below}/"`,
    );
  }

  const serve: RequestListener = (request, response) => {
    readBody(request)
      .then(async (body) => {
        double.requests.push(`${request.method} ${request.url}`);
        const fault = double.faults.find(({ path }) => path.test(request.url ?? ''));
        if (fault !== undefined) {
          response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
          response.end(fault.body ?? '{"errors":[]}');
          return;
        }
        const answered = await answer(request, body);
        await double.beforeAnswers(request.url ?? '');
        send(response, 200, answered);
      })
      .catch((error: unknown) => {
        if (error instanceof Answer) send(response, error.status, error.body);
        else if (error instanceof Refusal) send(response, error.status, { errors: error.errors });
        else send(response, 500, { errors: [String(error)] });
      });
  };
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const double: VaultDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a listening TCP server has a port
    rootToken: 'root',
    requests: [],
    faults: [],
    beforeAnswers: () => Promise.resolve(),
    policies: new Map(),
    roles: new Map(),
    appRoles: new Map(),
    kv1: new Map(),
    kv2: new Map(),
    leased: new Map(),
    renewalSeconds: 3_600,
    namespace: undefined,
    created: [],
    tokens,
    leases,
    endTokens() {
      for (const token of tokens.keys()) if (token !== 'root') end(token);
    },
    count: (pattern) => double.requests.filter((each) => pattern.test(each)).length,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return double;
}

/** An answer that is no 200 and has a body of its own. */
class Answer extends Error {
  readonly status: number;
  readonly body: object;

  constructor(status: number, body: object) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** Of a duration as clients write it: `1h30m`. */
function secondsOf(duration: unknown): number {
  const units: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };
  if (typeof duration !== 'string') return 0;
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, n, unit = '']) => sum + Number(n) * (units[unit] ?? 0),
    0,
  );
}

function send(response: ServerResponse, status: number, body: object | undefined): void {
  if (body === undefined) {
    response.writeHead(204);
    response.end();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>); // the API's bodies are objects
}
