// One request through the double, in the real server's order:
//   route → bearer token → body → rate limit → the route's own checks and answer → ETag
// Faults stand before all of it (nothing is looked at) or after it (the usual answer is spoiled).
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../../../src/runtime/clock.ts';
import { ApiError, broken, errorBody, notFound, unauthorized } from './api-error.ts';
import type { FaultEffect, Faults } from './faults.ts';
import { parseBody, readBody } from './http-body.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RequestLog } from './request-log.ts';
import type { Backend, Match, Route, Router } from './router.ts';

export interface PipelineParts {
  readonly backend: Backend;
  readonly router: Router;
  readonly limits: RateLimiter;
  readonly faults: Faults;
  readonly requests: RequestLog;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request while it is served. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly match: Match;
  readonly rawBody: Buffer | undefined;
  /** Filled as it becomes known, for the log. */
  identityId: string;
}

const jsonType = 'application/json; charset=utf-8';
/** Of the one answer that the router gives before the server's own hooks run: it has no ETag either. */
const bareJsonType = 'application/json';
/** What the real server adds to every answer. */
const serverHeaders: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=15552000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
  vary: 'Origin',
  'access-control-allow-origin': 'https://infisical.example.test',
  'access-control-allow-credentials': 'true',
};

export function createPipeline(parts: PipelineParts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(parts, request, response).catch(() => response.destroy()); // a client that went away mid-request
  };
}

async function serve(parts: PipelineParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const match = parts.router.match(request.method ?? '', request.url ?? '');
  const exchange: { -readonly [K in keyof Exchange]: Exchange[K] } = {
    request,
    response,
    match,
    rawBody: undefined,
    identityId: '',
  };
  record(parts, exchange);
  exchange.rawBody = await readBody(request);
  const effect = parts.faults.take(questionOf(exchange));
  if (effect && (await replaceAnswer(effect, exchange))) return;
  const reply = request.method === 'OPTIONS' ? preflight(request) : await answer(parts, exchange);
  await send(effect, exchange, reply);
}

function record(parts: PipelineParts, exchange: Exchange): void {
  const { request, response } = exchange;
  const kind = kindOf(exchange.match);
  const scope = scopeOf(parts.backend, exchange.match);
  const startMs = systemClock.monotonicMs();
  const atMs = parts.backend.clock.nowMs();
  parts.requests.begin(kind, scope);
  response.once('close', () => {
    const identity = parts.backend.identities.nameOf(exchange.identityId);
    parts.requests.end({
      atMs,
      method: request.method ?? '',
      url: request.url ?? '',
      kind,
      status: response.writableFinished ? response.statusCode : 0,
      durationMs: systemClock.monotonicMs() - startMs,
      userAgent: request.headers['user-agent'] ?? '',
      ...(identity !== undefined && { identity }),
      ...(scope !== undefined && { scope }),
    });
  });
}

/** Effects that stand in place of an answer. False when the usual answer is wanted after all. */
async function replaceAnswer(effect: FaultEffect, { request, response }: Exchange): Promise<boolean> {
  switch (effect.kind) {
    case 'hang':
      return true;
    case 'reset':
      request.socket.resetAndDestroy();
      return true;
    case 'status':
      write(response, statusReply(effect));
      return true;
    case 'html':
      write(response, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: webPage });
      return true;
    case 'empty-object':
      write(response, { status: 200, headers: { 'content-type': jsonType }, body: '{}' });
      return true;
    case 'redirect':
      write(response, { status: 302, headers: { location: effect.location }, body: '' });
      return true;
    case 'latency':
      return !(await pause(effect.delayMs, response));
    case 'truncated':
    case 'trickle':
      return false;
  }
}

const webPage = '<!doctype html><html><head><title>Infisical</title></head><body><div id="root"></div></body></html>';

function statusReply({ status, body, headers = {} }: FaultEffect & { readonly kind: 'status' }): Reply {
  if (body === null) return { status, headers, body: '' };
  if (typeof body === 'string') return { status, headers: { 'content-type': 'text/plain', ...headers }, body };
  const usual = { statusCode: status, message: 'Something went wrong', error: 'InternalServerError' };
  return { status, headers: { 'content-type': jsonType, ...headers }, body: JSON.stringify(body ?? usual) };
}

function preflight({ headers }: IncomingMessage): Reply {
  if (headers.origin === undefined || headers['access-control-request-method'] === undefined) {
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'Invalid Preflight Request' };
  }
  const methods = { 'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE' };
  return { status: 204, headers: { vary: 'Origin, Access-Control-Request-Headers', ...methods }, body: '' };
}

async function answer(parts: PipelineParts, exchange: Exchange): Promise<Reply> {
  const { match, request } = exchange;
  if ('failure' in match) return unrouted(match.failure, request);
  const limitHeaders: Record<string, string> = {};
  try {
    return json(200, await handle(parts, exchange, match.route, limitHeaders), limitHeaders);
  } catch (error) {
    const apiError = error instanceof ApiError ? error : broken();
    return json(apiError.status, errorBody(apiError, parts.backend.generation), limitHeaders);
  }
}

async function handle(
  parts: PipelineParts,
  exchange: Exchange,
  route: Route,
  limitHeaders: Record<string, string>,
): Promise<unknown> {
  const { request, match, rawBody } = exchange;
  const { params, query } = 'route' in match ? match : { params: {}, query: {} };
  exchange.identityId = authenticate(parts.backend, route, request);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const body = isRead ? null : parseBody(rawBody, request.headers['content-type']);
  limit(parts, route, request, limitHeaders);
  return route.handle({ backend: parts.backend, params, query, body, identityId: exchange.identityId });
}

/** The bearer is looked at wherever one is sent, login included. Seven characters are cut off, whatever they are. */
function authenticate(backend: Backend, route: Route, { headers }: IncomingMessage): string {
  if (headers.authorization === undefined) {
    if (route.isOpen) return '';
    throw unauthorized('Token missing');
  }
  const token = headers.authorization.slice(7);
  if (token.startsWith('st.')) throw notFound('Service token not found');
  return backend.tokens.use(token);
}

function limit(
  { limits, backend }: PipelineParts,
  route: Route,
  request: IncomingMessage,
  headers: Record<string, string>,
): void {
  if (!route.limit) return;
  const allowance = limits.take(route.limit, `${request.method ?? ''} ${route.pattern}`, addressOf(request));
  if (!allowance) return;
  headers['x-ratelimit-limit'] = String(allowance.limit);
  headers['x-ratelimit-remaining'] = String(allowance.remaining);
  headers['x-ratelimit-reset'] = String(allowance.resetSeconds);
  if (!allowance.isExceeded) return;
  headers['retry-after'] = String(allowance.resetSeconds);
  if (backend.generation === '2024-10') throw broken();
  const words = `Rate limit exceeded. Please try again in ${allowance.resetSeconds} seconds`;
  throw new ApiError(429, 'RateLimitExceeded', words);
}

function addressOf(request: IncomingMessage): string {
  const forwarded = request.headers['x-forwarded-for'];
  const first = Array.isArray(forwarded) ? forwarded[0] : forwarded?.split(',')[0];
  return first?.trim() ?? request.socket.remoteAddress ?? '';
}

function unrouted(failure: 'no route' | 'bad encoding', request: IncomingMessage): Reply {
  if (failure === 'no route') {
    const message = `Route ${request.method}:${request.url} not found`;
    return json(404, { message, error: 'Not Found', statusCode: 404 }, {});
  }
  const message = `'${request.url}' is not a valid url component`;
  const body = { error: 'Bad Request', code: 'FST_ERR_BAD_URL', message, statusCode: 400 };
  return { status: 400, headers: { 'content-type': bareJsonType }, body: JSON.stringify(body) };
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers: { ...headers, 'content-type': jsonType }, body: JSON.stringify(body) };
}

/** Sends a reply with its ETag, as 304 when the client has it (errors too), spoiled when a fault says so. */
async function send(effect: FaultEffect | undefined, { request, response }: Exchange, reply: Reply): Promise<void> {
  const etag = `"${createHash('sha1').update(reply.body).digest('base64')}"`;
  const hasEtag = reply.body !== '' && reply.headers['content-type'] !== bareJsonType;
  const headers = { ...serverHeaders, ...reply.headers, ...(hasEtag && { etag }) };
  if (request.headers['if-none-match'] === etag) {
    write(response, { status: 304, headers, body: '' });
  } else if (effect?.kind === 'truncated') {
    truncate(response, { ...reply, headers });
  } else if (effect?.kind === 'trickle') {
    await trickle(response, { ...reply, headers }, effect.intervalMs);
  } else {
    write(response, { ...reply, headers }, request.method === 'HEAD');
  }
}

function write(response: ServerResponse, { status, headers, body }: Reply, isHead = false): void {
  const bytes = Buffer.from(body);
  const length = status === 304 ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { ...headers, ...length });
  response.end(isHead ? undefined : bytes);
}

function truncate(response: ServerResponse, { status, headers, body }: Reply): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}

async function trickle(response: ServerResponse, { status, headers, body }: Reply, intervalMs: number): Promise<void> {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) });
  for (let index = 0; index < bytes.length; index++) {
    response.write(bytes.subarray(index, index + 1));
    if (!(await pause(intervalMs, response))) return;
  }
  response.end();
}

/** Waits in real time; false when the connection ended meanwhile. */
function pause(delayMs: number, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const onClose = () => {
      timer.cancel();
      resolve(false);
    };
    const timer = systemClock.after(delayMs, () => {
      response.removeListener('close', onClose);
      resolve(!response.destroyed);
    });
    response.once('close', onClose);
  });
}

function kindOf(match: Match) {
  return 'route' in match ? match.route.kind : 'other';
}

/** Project, environment and path that a request names, in its query or else its body. */
function questionOf({ match, rawBody, request }: Exchange) {
  const kind = kindOf(match);
  const isRead = kind === 'list' || kind === 'get' || kind === 'folders' || rawBody === undefined;
  const named = isRead && 'query' in match ? match.query : membersOf(rawBody, request.headers['content-type']);
  const part = (...names: readonly string[]) => names.map((name) => named[name]).find((one) => typeof one === 'string');
  return {
    kind,
    environment: textOf(part('environment')),
    path: textOf(part('secretPath', 'path')),
    project: textOf(part('workspaceSlug', 'workspaceId', 'projectId', 'projectSlug')),
  };
}

function membersOf(rawBody: Buffer | undefined, contentType: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return { ...Object(parseBody(rawBody, contentType)) };
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** `<project> <environment> <path>` of a read. */
function scopeOf(backend: Backend, match: Match): string | undefined {
  const kind = kindOf(match);
  if (!('query' in match) || (kind !== 'list' && kind !== 'get')) return undefined;
  const { workspaceSlug, workspaceId, projectId, environment, secretPath } = match.query;
  const id = textOf(workspaceId) ?? textOf(projectId) ?? '';
  const project = backend.projects.byId(id)?.slug ?? textOf(workspaceSlug) ?? id;
  return `${project} ${textOf(environment) ?? ''} ${textOf(secretPath) ?? '/'}`;
}
