// One request through the double, in the real server's order:
//   route → bearer token → body → rate limit → the route's own checks and answer → ETag
// Faults stand before all of it (nothing is looked at) or after it (the usual answer is spoiled).

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { systemClock } from '../../../src/base/clock.ts';
import { ApiError, broken, errorBody, type Generation, notFound, unauthorized } from './api-error.ts';
import type { Faults } from './faults.ts';
import { parseBody, readBody } from './http-body.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { json, preflight, type Reply, replaceAnswer, send, unrouted } from './replies.ts';
import type { RequestLog } from './request-log.ts';
import type { Backend, Match, Route, Router } from './router.ts';

export interface PipelineParts {
  readonly backend: Backend;
  readonly router: Router;
  readonly limits: RateLimiter;
  readonly faults: Faults;
  readonly requests: RequestLog;
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
  if (effect && (await replaceAnswer(effect, request, response))) return;
  const reply = request.method === 'OPTIONS' ? preflight(request) : await answer(parts, exchange);
  await send(effect, { request, response }, reply);
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
  if (token.startsWith('st.')) throw notFound(serviceTokenWords(backend.generation, token));
  return backend.tokens.use(token);
}

function serviceTokenWords(generation: Generation, token: string): string {
  if (generation !== '2025-06') return 'Service token not found';
  return `Service token with ID '${token.split('.')[1] ?? ''}' not found`;
}

function limit(
  { limits, backend }: PipelineParts,
  route: Route,
  request: IncomingMessage,
  headers: Record<string, string>,
): void {
  if (!route.limit) return;
  if (backend.generation === '2025-06' && isIP(addressOf(request)) === 0) throw broken();
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
