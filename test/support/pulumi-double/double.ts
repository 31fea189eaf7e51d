// Pulumi Cloud's ESC API on a loopback socket, as far as reading needs it: definitions with ETag and revision, opens, reads
// of open sessions that expire, access tokens, and the exchange of OIDC tokens, whose signature, issuer, audience and subject
// jose judges. Counts what it is asked, and fails on demand.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { Environments, evaluate } from './environments.ts';
import { environmentText } from './values.ts';

/** What the double is asked for. */
export type CallKind = 'exchange' | 'open' | 'read' | 'definition' | 'other';

/** An issuer that an organization trusts. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  readonly audience: string;
  readonly subject: string;
}

/** An answer in place of the double's own; `hang` never answers. */
export type Fault =
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | 'hang';

export interface PulumiDouble {
  /** What a store names as `apiUrl`. */
  readonly apiUrl: string;
  readonly host: string;
  readonly environments: Environments;
  /** Makes an access token for the organizations. */
  addToken(organizations: readonly string[]): string;
  revokeToken(token: string): void;
  /** Lets tokens of the issuer be exchanged for one of the organization. */
  trust(organization: string, issuer: TrustedIssuer): void;
  /** Answers this to the next `times` calls of a kind. */
  fail(kind: CallKind, fault: Fault, times?: number): void;
  /** Ends all open sessions, as time would. */
  expireSessions(): void;
  readonly counts: Readonly<Record<CallKind, number>>;
  /** `User-Agent` and body texts seen by the exchange, for what must be sent. */
  readonly exchanges: readonly Readonly<Record<string, unknown>>[];
  stop(): Promise<void>;
}

interface OpenSession {
  readonly environment: string;
  readonly text: string;
  readonly endsAtMs: number;
}

export interface PulumiDoubleOptions {
  readonly nowMs?: () => number;
  /** Opens that one token may make in all before 429. */
  readonly opensPerToken?: number;
}

export async function startPulumiDouble(options: PulumiDoubleOptions = {}): Promise<PulumiDouble> {
  const { nowMs = Date.now, opensPerToken = Number.POSITIVE_INFINITY } = options;
  const environments = new Environments();
  const tokens = new Map<string, { readonly organizations: readonly string[]; readonly endsAtMs: number }>();
  const opensOf = new Map<string, number>();
  const issuers = new Map<string, TrustedIssuer[]>();
  const sessions = new Map<string, OpenSession>();
  const faults: { readonly kind: CallKind; readonly fault: Fault; left: number }[] = [];
  const counts: Record<CallKind, number> = { exchange: 0, open: 0, read: 0, definition: 0, other: 0 };
  const exchanges: Record<string, unknown>[] = [];

  async function exchange(body: Readonly<Record<string, unknown>>): Promise<Reply> {
    exchanges.push({ ...body });
    const organization = /^urn:pulumi:org:(.+)$/.exec(String(body['audience']))?.[1] ?? '';
    const isExchange =
      body['grant_type'] === 'urn:ietf:params:oauth:grant-type:token-exchange' &&
      body['subject_token_type'] === 'urn:ietf:params:oauth:token-type:id_token' &&
      body['requested_token_type'] === 'urn:pulumi:token-type:access_token:organization';
    if (!isExchange) return json(400, { error: 'invalid_request', error_description: 'not a token exchange' });
    const lifeSeconds = Number(body['expiration'] ?? 7_200);
    for (const { issuer, keys, audience, subject } of issuers.get(organization) ?? []) {
      const judged = jwtVerify(String(body['subject_token']), createLocalJWKSet(keys), { issuer, audience, subject });
      if (!(await judged.then(() => true).catch(() => false))) continue;
      const token = `pul-${randomUUID()}`;
      tokens.set(token, { organizations: [organization], endsAtMs: nowMs() + lifeSeconds * 1_000 });
      return json(200, { access_token: token, token_type: 'token', expires_in: lifeSeconds });
    }
    return json(401, { code: 401, message: 'Unauthorized: the token fits no policy of the organization' });
  }

  function open(name: string, version: string | undefined, { token, duration }: Opening): Reply {
    const found = environments.find(name, version);
    if (found === undefined) return notFound;
    const opens = (opensOf.get(token) ?? 0) + 1;
    opensOf.set(token, opens);
    if (opens > opensPerToken) return { status: 429, body: 'too many requests', headers: { 'retry-after': '7' } };
    const { diagnostics } = found.revision;
    if (diagnostics.some(({ severity }) => severity !== 'warning')) return json(400, { diagnostics });
    const id = randomUUID();
    const text = environmentText(evaluate(found.revision), name);
    sessions.set(id, { environment: name, text, endsAtMs: nowMs() + durationMs(duration) });
    return json(200, diagnostics.length === 0 ? { id } : { id, diagnostics });
  }

  function read(name: string, id: string): Reply {
    const session = sessions.get(id);
    if (session === undefined || session.environment !== name || session.endsAtMs <= nowMs()) return notFound;
    return { status: 200, body: session.text };
  }

  function definition(name: string, version: string | undefined, etag: string | undefined): Reply {
    const found = environments.find(name, version);
    if (found === undefined) return notFound;
    const current = `"${name}-${found.number}"`;
    const headers = { etag: current, 'pulumi-esc-revision': String(found.number) };
    if (etag === current) return { status: 304, body: '', headers };
    return { status: 200, body: 'values: {}\n', headers: { ...headers, 'content-type': 'application/x-yaml' } };
  }

  async function answer(request: IncomingMessage): Promise<Reply | 'hang'> {
    const url = new URL(request.url ?? '/', 'http://double');
    const route = routeOf(request.method ?? 'GET', url.pathname);
    counts[route.kind]++;
    const body = await bodyOf(request);
    const fault = faults.find(({ kind, left }) => kind === route.kind && left > 0);
    if (fault !== undefined) {
      fault.left--;
      return fault.fault;
    }
    if (route.kind === 'exchange') return exchange(body);
    const token = /^token (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const known = tokens.get(token);
    if (known === undefined || known.endsAtMs <= nowMs()) {
      return json(401, { code: 401, message: 'Unauthorized: No credentials provided or are invalid' });
    }
    // What a token may not see is not there for it.
    if (route.kind === 'other' || !known.organizations.includes(route.organization)) return notFound;
    if (route.kind === 'open') {
      return open(route.name, route.version, { token, duration: url.searchParams.get('duration') });
    }
    if (route.kind === 'read') return read(route.name, route.id);
    return definition(route.name, route.version, request.headers['if-none-match']);
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (reply) => (reply === 'hang' ? undefined : send(response, reply)),
      () => send(response, json(500, { code: 500, message: 'the double failed' })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  return {
    apiUrl: `http://127.0.0.1:${port}/api/esc`,
    host: `127.0.0.1:${port}`,
    environments,
    counts,
    exchanges,
    addToken(organizations) {
      const token = `pul-${randomUUID()}`;
      tokens.set(token, { organizations, endsAtMs: Number.POSITIVE_INFINITY });
      return token;
    },
    revokeToken: (token) => void tokens.delete(token),
    trust: (organization, issuer) => void issuers.set(organization, [...(issuers.get(organization) ?? []), issuer]),
    fail: (kind, fault, times = 1) => void faults.push({ kind, fault, left: times }),
    expireSessions: () => sessions.clear(),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Opening {
  readonly token: string;
  readonly duration: string | null;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route =
  | { readonly kind: 'exchange' }
  | { readonly kind: 'other' }
  | {
      readonly kind: 'open' | 'definition';
      readonly organization: string;
      readonly name: string;
      readonly version: string | undefined;
    }
  | { readonly kind: 'read'; readonly organization: string; readonly name: string; readonly id: string };

/** `[1]` organization, `[2]` project, `[3]` environment, `[4]` version, `[5]` open, `[6]` id of the session. */
const environmentRoute =
  /^\/api\/esc\/environments\/([^/]+)\/([^/]+)\/([^/]+)(?:\/versions\/([^/]+))?(\/open(?:\/+([^/]+))?)?$/;

function routeOf(method: string, path: string): Route {
  if (method === 'POST' && path === '/api/oauth/token') return { kind: 'exchange' };
  const [, organization, project, environment, version, open, id] = environmentRoute.exec(path) ?? [];
  if (organization === undefined) return { kind: 'other' };
  const name = [organization, project, environment].join('/');
  if (method === 'POST' && open !== undefined && id === undefined) return { kind: 'open', organization, name, version };
  if (method === 'GET' && id !== undefined) return { kind: 'read', organization, name, id };
  if (method === 'GET' && open === undefined) return { kind: 'definition', organization, name, version };
  return { kind: 'other' };
}

/** A Go duration of hours, minutes and seconds; an hour without one. */
function durationMs(text: string | null): number {
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text ?? '1h') ?? [];
  return (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
}

const notFound: Reply = json(404, { code: 404, message: 'Not Found: environment not found' });

function json(status: number, body: unknown): Reply {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-pulumi-request-id': randomUUID(), ...headers });
  response.end(body);
}

/** The exchange takes JSON, and the form that the command line sends. */
async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  const body: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  return Object.fromEntries(Object.entries(Object(body)));
}
