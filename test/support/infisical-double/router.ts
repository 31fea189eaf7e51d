// From a method and a URL to a route: literal and parameter segments, as the server's router takes them.
import { parse } from 'node:querystring';
import type { Clock } from '../../../src/base/clock.ts';
import type { Access, Action } from './access.ts';
import { isAllowed } from './access.ts';
import { type Generation, invalid, notAllowed, notMember } from './api-error.ts';
import type { Identities } from './identities.ts';
import type { Project, Projects } from './projects.ts';
import type { LimitClass } from './rate-limiter.ts';
import type { RouteKind } from './request-log.ts';
import type { Secrets } from './secrets.ts';
import type { Tokens } from './tokens.ts';
import { type Fields, type Parsed, parseObject } from './validation.ts';

/** What the routes work on. */
export interface Backend {
  readonly clock: Clock;
  readonly generation: Generation;
  readonly projects: Projects;
  readonly secrets: Secrets;
  readonly tokens: Tokens;
  readonly identities: Identities;
}

export interface Call {
  readonly backend: Backend;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed body; null when there was none. */
  readonly body: unknown;
  /** The identity behind the bearer token; empty on routes that need none. */
  readonly identityId: string;
}

export interface Route {
  readonly method: string;
  readonly pattern: string;
  readonly kind: RouteKind;
  /** Class of the rate limit; absent means none. */
  readonly limit?: LimitClass;
  /** True for routes that work without a bearer token. */
  readonly isOpen?: boolean;
  /** Only in servers of this generation. */
  readonly since?: Generation;
  /** Returns the body of a 200. */
  readonly handle: (call: Call) => unknown;
}

export type Match =
  | { readonly route: Route; readonly params: Readonly<Record<string, string>>; readonly query: Call['query'] }
  | { readonly failure: 'no route' | 'bad encoding' };

/** Longest path parameter the router takes. */
const maxParameterLength = 100;

export class Router {
  readonly #bySize = new Map<string, { readonly route: Route; readonly segments: readonly string[] }[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const segments = route.pattern.split('/');
      const key = sizeKey(route.method, segments);
      this.#bySize.set(key, [...(this.#bySize.get(key) ?? []), { route, segments }]);
    }
  }

  match(method: string, url: string): Match {
    const [path = '', ...rest] = url.split('?');
    const segments = (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path).split('/');
    const decoded = segments.map(decodeSegment);
    if (decoded.includes(undefined)) return { failure: 'bad encoding' };
    // HEAD is answered by the GET route, without its body.
    const candidates = this.#bySize.get(sizeKey(method === 'HEAD' ? 'GET' : method, segments)) ?? [];
    for (const { route, segments: pattern } of candidates) {
      const params = parametersOf(pattern, decoded);
      if (params) return { route, params, query: { ...parse(rest.join('?')) } };
    }
    return { failure: 'no route' };
  }
}

function sizeKey(method: string, segments: readonly string[]): string {
  return `${method} ${segments.length}`;
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function parametersOf(
  pattern: readonly string[],
  segments: readonly (string | undefined)[],
): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (!wanted.startsWith(':')) {
      if (wanted !== segment) return undefined;
      continue;
    }
    if (segment === '' || segment.length > maxParameterLength) return undefined;
    params[wanted.slice(1)] = segment;
  }
  return params;
}

/** The query or body by its fields; throws the server's validation error. */
export function read<F extends Fields>(call: Call, input: unknown, fields: F): Parsed<F> {
  const parsed = parseObject(input, fields);
  if (Array.isArray(parsed)) throw invalid(parsed, call.backend.generation);
  return parsed as Parsed<F>; // issues are the only array
}

/** The caller's membership; throws when it has none. */
export function accessTo(call: Call, project: Project): Access {
  const access = call.backend.identities.accessOf(call.identityId, project.id);
  if (!access) throw notMember(project.id, call.backend.generation);
  return access;
}

export interface Wanted {
  readonly action: Action;
  readonly environment: string;
  readonly path: string;
  /** What newer servers name in a refusal; `secrets` when absent. */
  readonly subject?: string;
}

/** Throws unless the caller may do that. */
export function demand(call: Call, project: Project, wanted: Wanted): void {
  const access = accessTo(call, project);
  if (!isAllowed(access, wanted, call.backend.clock.nowMs()))
    throw notAllowed(wanted.action, call.backend.generation, wanted.subject);
}

/** Whether the caller may read there. */
export function readerOf(call: Call, project: Project): (environment: string, path: string) => boolean {
  const access = accessTo(call, project);
  const nowMs = call.backend.clock.nowMs();
  return (environment, path) => isAllowed(access, { action: 'read', environment, path }, nowMs);
}
