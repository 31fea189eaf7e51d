// A double of GitHub's API for apps: finds installations and makes their tokens, for whoever proves to be the app by a JWT whose
// signature and times hold. Tells organizations from users, and what the installation may. A server has the API below /api/v3.
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Clock } from '../../../src/base/clock.ts';
import { type CloudAnswer, type CloudRequest, type HttpDouble, startHttpDouble } from './http-double.ts';
import { type SigningKeys, signingKeys } from './signing-keys.ts';

export interface GithubDouble extends HttpDouble {
  readonly appId: number;
  /** Of the tokens; GitHub's own is an hour. */
  lifeSeconds: number;
  /** Of the app. */
  readonly keys: SigningKeys;
  /** The tokens that were made, in order, and what each was narrowed to. */
  readonly made: readonly { readonly token: string; readonly terms: unknown }[];
}

export interface GithubDoubleOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly appId?: number;
  readonly organizations?: Readonly<Record<string, number>>;
  readonly users?: Readonly<Record<string, number>>;
  readonly repositories?: readonly string[];
}

const longestProofSeconds = 600;

export async function startGithubDouble(options: GithubDoubleOptions): Promise<GithubDouble> {
  const { clock, appId = 4711, organizations = {}, users = {}, repositories = [] } = options;
  const keys = signingKeys('github-app-1');
  const made: { readonly token: string; readonly terms: unknown }[] = [];
  const ids = { orgs: organizations, users };

  async function isTheApp({ headers }: CloudRequest): Promise<boolean> {
    const [, proof = ''] = /^Bearer (.+)$/.exec(headers['authorization'] ?? '') ?? [];
    const now = new Date(clock.nowMs());
    const terms = { issuer: String(appId), currentDate: now, algorithms: ['RS256'], requiredClaims: ['iat', 'exp'] };
    try {
      const { payload } = await jwtVerify(proof, createLocalJWKSet(keys.jwks), terms);
      const { exp = 0, iat = 0 } = payload;
      return exp <= clock.nowMs() / 1_000 + longestProofSeconds && iat <= clock.nowMs() / 1_000;
    } catch {
      return false;
    }
  }

  function makeToken(id: number, body: string): CloudAnswer {
    if (![...Object.values(organizations), ...Object.values(users)].includes(id)) return fault(404, 'Not Found');
    const terms: unknown = JSON.parse(body);
    const { repositories: wanted = [] } = Object(terms) as { repositories?: string[] }; // what the test sent
    if (!wanted.every((name) => repositories.includes(name))) {
      return fault(422, 'There is at least one repository that does not exist or is not accessible.');
    }
    const token = `ghs_${String(made.length + 1).padStart(36, 'a')}`;
    made.push({ token, terms });
    const expires_at = new Date(clock.nowMs() + double.lifeSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
    return { status: 201, body: { token, expires_at, permissions: {}, repository_selection: 'all' } };
  }

  const http = await startHttpDouble(async (request) => {
    if (!(await isTheApp(request))) return fault(401, 'A JSON web token could not be decoded');
    const [, kind, owner = ''] = /^(?:\/api\/v3)?\/(orgs|users)\/([^/]+)\/installation$/.exec(request.path) ?? [];
    if (kind === 'orgs' || kind === 'users') {
      const id = request.method === 'GET' ? ids[kind][owner] : undefined;
      if (id === undefined) return fault(404, 'Not Found');
      return { status: 200, body: { id, app_id: appId, app_slug: 'deployer', account: { login: owner } } };
    }
    const [, id] = /^(?:\/api\/v3)?\/app\/installations\/(\d+)\/access_tokens$/.exec(request.path) ?? [];
    return request.method === 'POST' && id !== undefined
      ? makeToken(Number(id), request.body)
      : fault(404, 'Not Found');
  });
  const double: GithubDouble = { ...http, appId, lifeSeconds: 3_600, keys, made };
  return double;
}

function fault(status: number, message: string): CloudAnswer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest' } };
}
