// The servers that recordings are replayed against: a double in the recorded world, under a clock that the replay moves,
// or a server at an address, with an operator's credentials and data of its own.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { FakeClock } from '../../support/fake-clock.ts';
import { type InfisicalDouble, startInfisicalDouble } from '../../support/infisical-double/double.ts';
import { selfHostedLimits } from '../../support/infisical-double/rate-limiter.ts';
import { type Actor, actorsIn } from './cast.ts';
import { send } from './client.ts';
import { claimsIn, type Exchange, exchangeNamed, type Recordings } from './recordings.ts';
import type { Target } from './replay.ts';
import { stepBefore } from './steps.ts';
import { Translation } from './translation.ts';
import { buildWorld } from './world.ts';

/** A double in the recorded world; `stop` it afterwards. */
export async function doubleTarget(recordings: Recordings): Promise<{ target: Target; double: InfisicalDouble }> {
  const age = ageOf(recordings);
  const clock = new FakeClock(recordedAtMs(recordings));
  const double = await startInfisicalDouble({ clock, limits: selfHostedLimits, generation: age });
  buildWorld(double, recordings, clock, age);
  const target: Target = {
    baseUrl: double.url,
    strictness: 'exact',
    begin: () => {
      double.limits.reset();
      return new Translation((id) => double.identities.issueToken(id), new Map());
    },
    skipReason: () => undefined,
    before: async (scenario, exchange, { prepareToken, repeat }) => {
      const step = stepBefore(scenario, exchange.name, age);
      await step?.({ double, clock, exchange, prepareToken, repeat });
    },
  };
  return { target, double };
}

/** The younger of the two servers that were recorded gives every error an id. */
export function ageOf(recordings: Recordings): '2024-10' | '2025-06' {
  const { response } = exchangeNamed(recordings, 'auth-universal', 'wrong client secret');
  return Object(response?.body).reqId === undefined ? '2024-10' : '2025-06';
}

/** Tokens of third parties in the recording have lifetimes: the replay takes place when they were good. */
function recordedAtMs(recordings: Recordings): number {
  const { request } = exchangeNamed(recordings, 'auth-kubernetes', 'success');
  return Number(claimsIn(String(Object(request.body).jwt))['iat']) * 1000;
}

const credentialsSchema = z.strictObject({
  /** Takes the place of the recorded project. */
  project: z.strictObject({ id: z.string(), slug: z.string() }),
  /** By the cast's names (cast.ts), `universal` at least. */
  identities: z.record(
    z.string(),
    z.strictObject({ id: z.string().optional(), clientId: z.string(), clientSecret: z.string() }),
  ),
});

export interface RemoteOptions {
  readonly baseUrl: string;
  /** JSON file of the form above. */
  readonly credentialsFile: string;
  /** Also replays exchanges that write. */
  readonly mayWrite: boolean;
}

const thirdParty = /^auth-(kubernetes|oidc|aws|azure|gcp)$/;

/** A server elsewhere: its data is its own, so statuses and shapes are compared, not values. */
export async function remoteTarget(recordings: Recordings, options: RemoteOptions): Promise<Target> {
  const { baseUrl, credentialsFile, mayWrite } = options;
  const credentials = credentialsSchema.parse(JSON.parse(await readFile(credentialsFile, 'utf8')));
  const age = ageOf(recordings);
  const actors = actorsIn(recordings);
  const known = new Map(recordedTexts(recordings, credentials.project));
  for (const actor of actors) addKnown(known, actor, credentials.identities[actor.name]);
  const login = async (id: string) => {
    const name = actors.find((actor) => actor.id === id)?.name ?? '';
    const { clientId, clientSecret } = credentials.identities[name] ?? {};
    return clientId === undefined ? undefined : await loginUniversal(baseUrl, { clientId, clientSecret });
  };
  return {
    baseUrl,
    strictness: 'shape',
    begin: () => new Translation(login, known),
    skipReason: (scenario, exchange) => {
      if (stepBefore(scenario, exchange.name, age)) return "needs the recorded server's administrator or clock";
      if (scenario === 'rate-limit' || scenario === 'identity-changes')
        return 'would disturb other users of the server';
      if (thirdParty.test(scenario)) return 'needs the third party of the recording';
      if (isWrite(exchange) && !mayWrite) return 'writes; give --writes to allow it';
      const { clientId } = Object(exchange.request.body);
      const actor = actors.find((one) => clientId !== undefined && one.clientId === clientId);
      const isMissing = actor !== undefined && credentials.identities[actor.name] === undefined;
      return isMissing ? `no credentials for identity '${actor.name}'` : undefined;
    },
    before: () => Promise.resolve(),
  };
}

function isWrite({ request }: Exchange): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(request.method) && !request.path.includes('/auth/');
}

function recordedTexts(recordings: Recordings, live: { readonly id: string; readonly slug: string }) {
  const recorded = Object(exchangeNamed(recordings, 'projects', 'by slug').response?.body);
  return [
    [String(recorded.id), live.id],
    [String(recorded.slug), live.slug],
  ] as const;
}

type Credentials = z.infer<typeof credentialsSchema>['identities'][string];

function addKnown(known: Map<string, string>, actor: Actor, credentials: Credentials | undefined): void {
  if (!credentials) return;
  if (actor.clientId !== undefined) known.set(actor.clientId, credentials.clientId);
  if (actor.clientSecret !== undefined) known.set(actor.clientSecret, credentials.clientSecret);
  if (actor.id !== undefined && credentials.id !== undefined) known.set(actor.id, credentials.id);
}

async function loginUniversal(baseUrl: string, body: Readonly<Record<string, unknown>>): Promise<string> {
  const answer = await send(baseUrl, {
    method: 'POST',
    path: '/api/v1/auth/universal-auth/login',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200)
    throw new Error(`login at ${baseUrl} was answered ${answer.status}: check the credentials`);
  return z.object({ accessToken: z.string() }).parse(JSON.parse(answer.body)).accessToken;
}
