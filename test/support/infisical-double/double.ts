// A double of an Infisical server, on a real socket. It plays one of October 2024 by default (`generation`: one of
// June 2025, or what current sources say), holds everything in memory, and answers fast: no password hashing, no database.
//
// A test arranges the world through `projects`, `secrets` and `identities`, breaks it through `faults`, `limits`, `down`
// and `up`, and looks at `requests`. Another process does the same over HTTP (admin.ts) when `admin` is set.
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type CertificateAuthority, createCa, type IssuedCertificate, issue } from '../tls.ts';
import { createAdmin } from './admin.ts';
import { type Generation, isSince } from './api-error.ts';
import { Faults } from './faults.ts';
import { Identities } from './identities.ts';
import { Listener } from './listener.ts';
import { loginRoutes } from './login-routes.ts';
import { createPipeline } from './pipeline.ts';
import { projectRoutes } from './project-routes.ts';
import { Projects } from './projects.ts';
import { RateLimiter, type RateLimits } from './rate-limiter.ts';
import { readRoutes } from './read-routes.ts';
import { RequestLog } from './request-log.ts';
import { Router } from './router.ts';
import { Secrets } from './secrets.ts';
import { plant, type Seed } from './seed.ts';
import { Tokens } from './tokens.ts';
import { writeRoutes } from './write-routes.ts';

export interface DoubleOptions {
  /** `127.0.0.1` when absent. */
  readonly host?: string;
  /** A free port when absent. */
  readonly port?: number;
  readonly generation?: Generation;
  /** Serves TLS: `true` makes an authority and a certificate for 127.0.0.1 and localhost. */
  readonly tls?: true | { readonly ca: CertificateAuthority; readonly certificate?: IssuedCertificate };
  /** Rules lifetimes of tokens and client secrets and the limiter's windows; the system's clock when absent. */
  readonly clock?: Clock;
  /** Off when absent. */
  readonly limits?: RateLimits;
  /** Opens the admin API, on a free port when none is given. */
  readonly admin?: { readonly port?: number };
  readonly seed?: Seed;
}

export interface InfisicalDouble {
  /** Base URL, without `/api` and without trailing slash. */
  readonly url: string;
  readonly adminUrl?: string;
  /** What a client must trust, when TLS is on. */
  readonly caPem?: string;
  readonly projects: Projects;
  readonly secrets: Secrets;
  readonly identities: Identities;
  readonly faults: Faults;
  readonly limits: RateLimiter;
  readonly requests: RequestLog;
  /** Stops listening and cuts every connection; `up` comes back on the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

export async function startInfisicalDouble(options: DoubleOptions = {}): Promise<InfisicalDouble> {
  const { clock = systemClock, generation = '2024-10', host = '127.0.0.1' } = options;
  const world = createWorld(clock, generation);
  const faults = new Faults();
  const limits = new RateLimiter(clock, options.limits);
  const requests = new RequestLog();
  const { caPem, certificate } = identityOfHost(options, host);
  const listener = new Listener({
    host,
    port: options.port ?? 0,
    ...(certificate && { certificate }),
    serve: createPipeline({ backend: world, router: routerFor(generation), faults, limits, requests }),
    onConnection: () => requests.countConnection(),
  });
  plant(options.seed ?? {}, world);
  await listener.up();
  const controls = {
    projects: world.projects,
    secrets: world.secrets,
    identities: world.identities,
    faults,
    limits,
    requests,
    url: listener.url,
    ...(caPem !== undefined && { caPem }),
    down: () => listener.down(),
    up: () => listener.up(),
  };
  const admin = options.admin && new Listener({ host, port: options.admin.port ?? 0, serve: createAdmin(controls) });
  await admin?.up();
  return {
    ...controls,
    ...(admin && { adminUrl: admin.url }),
    stop: async () => {
      await Promise.all([listener.down(), admin?.down()]);
    },
  };
}

function createWorld(clock: Clock, generation: Generation) {
  const projects = new Projects(clock);
  const tokens = new Tokens(clock, generation);
  const secrets = new Secrets(projects, clock);
  const identities = new Identities({ clock, generation, projects, tokens });
  return { clock, generation, projects, secrets, tokens, identities };
}

function routerFor(generation: Generation): Router {
  const all = [...loginRoutes, ...readRoutes, ...writeRoutes, ...projectRoutes];
  return new Router(all.filter((route) => route.since === undefined || isSince(generation, route.since)));
}

function identityOfHost({ tls }: DoubleOptions, host: string) {
  if (!tls) return {};
  const ca = tls === true ? createCa('Infisical double CA') : tls.ca;
  const given = tls === true ? undefined : tls.certificate;
  const names = [...new Set(['127.0.0.1', 'localhost', host])];
  return { caPem: ca.certPem, certificate: given ?? issue(ca, { names }) };
}
