// The double's admin API, for the demo, benches and tests that run in another process. JSON in, JSON out; no value ever
// comes out. Errors are `{"error": "…"}` with 400, 404 or 405. `project` may be left out while there is one.
//
//   GET    /health                        {url}
//   PUT    /projects                      a project as in a seed: {slug, environments?, secrets?, imports?, …} → {id, slug}
//   PUT    /secrets                       {environment, path?, key, value, comment?, hidden?, project?}, or {secrets: […]}
//   DELETE /secrets                       {environment, path?, key, project?}, or {secrets: […]}
//   GET    /secrets?environment=&path=&key=&project=      {id, key, version}; 404 when it is not there
//   PUT    /folders, DELETE /folders      {environment, path, project?}
//   PUT    /imports                       {environment, path, from: [{environment, path}], project?}
//   PUT    /identities                    an identity as in a seed → {id, name, clientId, clientSecret}
//   DELETE /identities                    {name}
//   PUT    /identities/access             {name, project, access: {role, rights?} | null}
//   POST   /identities/token              {name} → {accessToken}
//   POST   /tokens/end                    {name?}: all tokens, or one identity's, are unknown from then on
//   GET    /faults → {faults: […]}, POST /faults a Fault (faults.ts) → {id}, DELETE /faults {id?}: one or all
//   PUT    /limits                        {secrets, read, write} per minute, or null for none
//   POST   /down {forMs?}, POST /up       stop listening (and come back by itself), listen again
//   GET    /requests                      RequestCounts (request-log.ts)
//   GET    /requests/recent?limit=        {requests: RequestRecord[]}
//   DELETE /requests                      counts from zero
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { systemClock } from '../../../src/base/clock.ts';
import type { Faults } from './faults.ts';
import { readBody } from './http-body.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RequestLog } from './request-log.ts';
import { accessSeed, type Ground, identitySeed, plantProject, projectSeed } from './seed.ts';

export interface AdminControls extends Ground {
  readonly url: string;
  readonly faults: Faults;
  readonly limits: RateLimiter;
  readonly requests: RequestLog;
  down(): Promise<void>;
  up(): Promise<void>;
}

interface AdminCall {
  readonly controls: AdminControls;
  readonly body: unknown;
  readonly query: URLSearchParams;
}

const folder = z.strictObject({
  project: z.string().exactOptional(),
  environment: z.string(),
  path: z.string().exactOptional(),
});
const secretAddress = folder.extend({ key: z.string() });
const secret = secretAddress.extend({
  value: z.string(),
  comment: z.string().exactOptional(),
  hidden: z.boolean().exactOptional(),
});
const imports = folder.extend({ from: z.array(z.strictObject({ environment: z.string(), path: z.string() })) });
const named = z.strictObject({ name: z.string() });
const scope = z.strictObject({
  routes: z
    .array(
      z.enum(['login', 'renew', 'revoke', 'list', 'get', 'write', 'folders', 'projects', 'events', 'status', 'other']),
    )
    .exactOptional(),
  environment: z.string().exactOptional(),
  path: z.string().exactOptional(),
  project: z.string().exactOptional(),
});
const faultBase = { when: scope.exactOptional(), times: z.number().int().positive().exactOptional() };
const fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['hang', 'html', 'empty-object', 'reset', 'truncated']), ...faultBase }),
  z.strictObject({ kind: z.literal('latency'), delayMs: z.number(), ...faultBase }),
  z.strictObject({ kind: z.literal('trickle'), intervalMs: z.number(), ...faultBase }),
  z.strictObject({ kind: z.literal('redirect'), location: z.string(), ...faultBase }),
  z.strictObject({
    kind: z.literal('status'),
    status: z.number().int(),
    body: z.unknown().exactOptional(),
    headers: z.record(z.string(), z.string()).exactOptional(),
    ...faultBase,
  }),
]);
const limits = z.strictObject({ secrets: z.number(), read: z.number(), write: z.number() }).nullable();
const oneOrMany = <T extends z.ZodType>(one: T) =>
  z.union([z.strictObject({ secrets: z.array(one) }).transform(({ secrets }) => secrets), one.transform((it) => [it])]);

type Action = (call: AdminCall) => unknown;
const done = {};

const actions: Readonly<Record<string, Action>> = {
  'GET /health': ({ controls }) => ({ url: controls.url }),
  'PUT /projects': ({ controls, body }) => {
    const seed = projectSeed.parse(body);
    plantProject(seed, controls);
    const { id, slug } = controls.projects.named(seed.slug);
    return { id, slug };
  },
  'PUT /secrets': ({ controls, body }) => {
    for (const one of oneOrMany(secret).parse(body)) controls.secrets.set(one);
    return done;
  },
  'DELETE /secrets': ({ controls, body }) => {
    for (const one of oneOrMany(secretAddress).parse(body)) controls.secrets.delete(one);
    return done;
  },
  'GET /secrets': ({ controls, query }) => {
    const found = controls.secrets.find(secretAddress.parse(Object.fromEntries(query)));
    return found && { id: found.id, key: found.key, version: found.version };
  },
  'PUT /folders': ({ controls, body }) => ({ id: controls.projects.addFolder(folder.parse(body)).id }),
  'DELETE /folders': ({ controls, body }) => {
    controls.projects.removeFolder(folder.parse(body));
    return done;
  },
  'PUT /imports': ({ controls, body }) => {
    const { from, ...address } = imports.parse(body);
    controls.projects.setImports(address, from);
    return done;
  },
  'PUT /identities': ({ controls, body }) => controls.identities.add(identitySeed.parse(body)),
  'DELETE /identities': ({ controls, body }) => {
    controls.identities.remove(named.parse(body).name);
    return done;
  },
  'PUT /identities/access': ({ controls, body }) => {
    const wanted = named.extend({ project: z.string(), access: accessSeed.nullable() }).parse(body);
    controls.identities.setAccess(wanted.name, wanted.project, wanted.access ?? undefined);
    return done;
  },
  'POST /identities/token': ({ controls, body }) => ({
    accessToken: controls.identities.issueToken(named.parse(body).name),
  }),
  'POST /tokens/end': ({ controls, body }) => {
    controls.identities.endTokens(named.partial().parse(body ?? {}).name);
    return done;
  },
  'GET /faults': ({ controls }) => ({ faults: controls.faults.list() }),
  'POST /faults': ({ controls, body }) => ({ id: controls.faults.add(fault.parse(body)) }),
  'DELETE /faults': ({ controls, body }) => {
    const { id } = z.strictObject({ id: z.string().optional() }).parse(body ?? {});
    if (id === undefined) controls.faults.clear();
    else if (!controls.faults.remove(id)) return undefined;
    return done;
  },
  'PUT /limits': ({ controls, body }) => {
    controls.limits.set(limits.parse(body) ?? undefined);
    return done;
  },
  'POST /down': async ({ controls, body }) => {
    const { forMs } = z.strictObject({ forMs: z.number().optional() }).parse(body ?? {});
    await controls.down();
    if (forMs !== undefined) systemClock.after(forMs, () => void controls.up());
    return done;
  },
  'POST /up': async ({ controls }) => {
    await controls.up();
    return done;
  },
  'GET /requests': ({ controls }) => controls.requests.counts(),
  'GET /requests/recent': ({ controls, query }) => ({
    requests: controls.requests.recent(Number(query.get('limit') ?? '100')),
  }),
  'DELETE /requests': ({ controls }) => {
    controls.requests.reset();
    return done;
  },
};

export function createAdmin(controls: AdminControls): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    serve(controls, request, response).catch(() => response.destroy()); // a client that went away mid-request
  };
}

async function serve(controls: AdminControls, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://admin');
  const text = (await readBody(request))?.toString() ?? '';
  const action = actions[`${request.method ?? ''} ${url.pathname}`];
  try {
    if (!action) return reply(response, 405, { error: `no admin route ${request.method} ${url.pathname}` });
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const result = await action({ controls, body, query: url.searchParams });
    reply(response, result === undefined ? 404 : 200, result ?? { error: 'not there' });
  } catch (error) {
    reply(response, 400, { error: problemOf(error) });
  }
}

function problemOf(error: unknown): string {
  if (error instanceof z.ZodError) {
    const issue = error.issues[0];
    return `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'is not valid'}`;
  }
  return error instanceof Error ? error.message : 'failed';
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
