// Pulumi Cloud's ESC API on a loopback socket, as far as reading needs it: definitions with ETag and revision, opens, reads
// of open sessions that expire, access tokens and their exchange, and what the public command line asks before it reads.
// Counts what it is asked, and fails on demand.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../tls.ts';
import { type Diagnostic, definitionOf, Environments, evaluate } from './environments.ts';
import { type CallKind, type Route, routeOf } from './routes.ts';
import { type Token, Tokens, type TrustedIssuer } from './tokens.ts';
import { environmentText } from './values.ts';

/** An answer in place of the double's own; `hang` never answers. */
export type Fault =
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | 'hang';

export interface PulumiDouble {
  /** What a store names as `apiUrl`. */
  readonly apiUrl: string;
  /** The service around the ESC API: what the command line logs in to. */
  readonly baseUrl: string;
  readonly host: string;
  readonly environments: Environments;
  /** Makes an access token for the organizations. */
  addToken(organizations: readonly string[]): string;
  revokeToken(token: string): void;
  /** All that were made or exchanged. */
  revokeTokens(): void;
  /** Lets tokens of the issuer be exchanged for one of the organization. */
  trust(organization: string, issuer: TrustedIssuer): void;
  /** Answers this to the next `times` calls of a kind. */
  fail(kind: CallKind, fault: Fault, times?: number): void;
  /** Ends all open sessions, as time would. */
  expireSessions(): void;
  readonly counts: Readonly<Record<CallKind, number>>;
  /** Counts from zero again. */
  resetCounts(): void;
  /** Method and path of what it was asked and does not serve. */
  readonly unserved: readonly string[];
  /** Bodies of exchanges, for what must be sent. */
  readonly exchanges: readonly Readonly<Record<string, unknown>>[];
  stop(): Promise<void>;
}

export interface PulumiDoubleOptions {
  readonly nowMs?: () => number;
  /** Opens that one token may make in all before 429. */
  readonly opensPerToken?: number;
  /** https in place of http. */
  readonly tls?: IssuedCertificate;
}

interface OpenSession {
  readonly environment: string;
  readonly text: string;
  readonly endsAtMs: number;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type RouteOf<K extends CallKind> = Extract<Route, { readonly kind: K }>;
type Caller = Token & { readonly text: string };

export async function startPulumiDouble(options: PulumiDoubleOptions = {}): Promise<PulumiDouble> {
  const { nowMs = Date.now, opensPerToken = Number.POSITIVE_INFINITY, tls } = options;
  const environments = new Environments();
  const tokens = new Tokens(nowMs);
  const opensOf = new Map<string, number>();
  const sessions = new Map<string, OpenSession>();
  const faults: { readonly kind: CallKind; readonly fault: Fault; left: number }[] = [];
  const counts: Record<CallKind, number> = noCounts();
  const exchanges: Record<string, unknown>[] = [];
  const unserved: string[] = [];

  async function exchange(body: Readonly<Record<string, unknown>>): Promise<Reply> {
    exchanges.push({ ...body });
    const exchanged = await tokens.exchange(body);
    if (exchanged === 'invalid') return json(400, { error: 'invalid_request', error_description: 'no token exchange' });
    if (exchanged === 'refused') {
      return json(401, { code: 401, message: 'Unauthorized: the token fits no policy of the organization' });
    }
    const { token, lifeSeconds } = exchanged;
    return json(200, { access_token: token, token_type: 'token', expires_in: lifeSeconds });
  }

  function open({ name, version }: RouteOf<'open'>, { text: token }: Caller, duration: string | null): Reply {
    const found = environments.find(name, version);
    if (found === undefined) return notFound;
    const opens = (opensOf.get(token) ?? 0) + 1;
    opensOf.set(token, opens);
    if (opens > opensPerToken) return { status: 429, body: 'too many requests', headers: { 'retry-after': '7' } };
    const { diagnostics } = found.revision;
    if (diagnostics.some(isError)) return evaluationFailed(diagnostics);
    const id = randomUUID();
    const text = environmentText(evaluate(found.revision), name);
    sessions.set(id, { environment: name, text, endsAtMs: nowMs() + durationMs(duration) });
    return json(200, diagnostics.length === 0 ? { id } : { id, diagnostics });
  }

  function read({ name, id }: RouteOf<'read'>): Reply {
    const session = sessions.get(id);
    if (session === undefined || session.environment !== name || session.endsAtMs <= nowMs()) return notFound;
    return { status: 200, body: session.text };
  }

  function definition({ name, version, decrypt }: RouteOf<'definition'>, etag: string | undefined): Reply {
    const found = environments.find(name, version);
    if (found === undefined) return notFound;
    const current = `"${name}-${found.number}"`;
    const headers = { etag: current, 'pulumi-esc-revision': String(found.number) };
    if (etag === current) return { status: 304, body: '', headers };
    const body = definitionOf(found.revision, { decrypt });
    return { status: 200, body, headers: { ...headers, 'content-type': 'application/x-yaml' } };
  }

  /** Definitions of its own are answered with what they evaluate to; the double evaluates no others. */
  function check({ organization }: RouteOf<'check'>, text: string, showSecrets: boolean): Reply {
    const found = environments.withDefinition(organization, text);
    if (found === undefined) return evaluationFailed([{ summary: 'the double does not know this definition' }]);
    const { diagnostics } = found.revision;
    if (diagnostics.some(isError)) return json(400, { diagnostics });
    const shown = environmentText(evaluate(found.revision), found.name);
    const evaluated = JSON.parse(showSecrets ? shown : shown.replaceAll(/"secret":true,"value":"[^"]*"/g, hiddenText));
    return json(200, { ...evaluated, diagnostics });
  }

  function tag({ name, tag: wanted }: RouteOf<'tag'>): Reply {
    const found = environments.find(name, wanted);
    return found === undefined ? notFound : json(200, { name: wanted, revision: found.number });
  }

  function user({ isDefaultOrganization }: RouteOf<'user'>, { organizations }: Caller): Reply {
    if (isDefaultOrganization) return json(200, { gitHubLogin: organizations[0] ?? '' });
    const details = organizations.map((name) => ({ githubLogin: name, name }));
    return json(200, { githubLogin: 'somebody', name: 'Somebody', email: '', organizations: details });
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
    if (route.kind === 'exchange') return exchange(fieldsOf(request, body));
    const caller = tokens.find(request.headers.authorization);
    if (caller === undefined) {
      return json(401, { code: 401, message: 'Unauthorized: No credentials provided or are invalid' });
    }
    if (route.kind === 'other') unserved.push(`${request.method} ${url.pathname}`);
    if (route.kind === 'other') return notFound;
    if (route.kind === 'user') return user(route, caller);
    // What a token may not see is not there for it.
    if (!caller.organizations.includes(route.organization)) return notFound;
    if (route.kind === 'open') return open(route, caller, url.searchParams.get('duration'));
    if (route.kind === 'read') return read(route);
    if (route.kind === 'tag') return tag(route);
    if (route.kind === 'check') return check(route, body, url.searchParams.get('showSecrets') === 'true');
    return definition(route, request.headers['if-none-match']);
  }

  const listener: RequestListener = (request, response) => {
    answer(request).then(
      (reply) => (reply === 'hang' ? undefined : send(response, reply)),
      () => send(response, json(500, { code: 500, message: 'the double failed' })),
    );
  };
  const server =
    tls === undefined ? createServer(listener) : createTlsServer({ cert: tls.certPem, key: tls.keyPem }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  const baseUrl = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    apiUrl: `${baseUrl}/api/esc`,
    baseUrl,
    host: `127.0.0.1:${port}`,
    environments,
    counts,
    exchanges,
    unserved,
    addToken: (organizations) => tokens.add(organizations),
    revokeToken: (token) => tokens.revoke(token),
    revokeTokens: () => tokens.revokeAll(),
    trust: (organization, issuer) => tokens.trust(organization, issuer),
    fail: (kind, fault, times = 1) => void faults.push({ kind, fault, left: times }),
    expireSessions: () => sessions.clear(),
    resetCounts: () => void Object.assign(counts, noCounts()),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function noCounts(): Record<CallKind, number> {
  return { exchange: 0, open: 0, read: 0, definition: 0, check: 0, tag: 0, user: 0, other: 0 };
}

function isError({ severity }: Diagnostic): boolean {
  return severity !== 'warning';
}

/** A Go duration of hours, minutes and seconds; an hour without one. */
function durationMs(text: string | null): number {
  const [, hours = 0, minutes = 0, seconds = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text ?? '1h') ?? [];
  return (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
}

const notFound: Reply = json(404, { code: 404, message: 'Not Found: environment not found' });

function evaluationFailed(diagnostics: readonly Diagnostic[]): Reply {
  return json(400, { code: 400, message: 'Bad Request: the environment has errors', diagnostics });
}

function json(status: number, body: unknown): Reply {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-pulumi-request-id': randomUUID(), ...headers });
  response.end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding is set
  return Buffer.concat(chunks).toString('utf8');
}

/** What a check shows of a secret. */
const hiddenText = '"secret":true,"value":"[secret]"';

/** The exchange takes JSON, and the form that the command line sends. */
function fieldsOf({ headers }: IncomingMessage, text: string): Record<string, unknown> {
  if (text === '') return {};
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  const body: unknown = isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  return Object.fromEntries(Object.entries(Object(body)));
}
