// Every login of the operator as it leaves it: the real methods, the real API and the real door send to a server that keeps what it
// gets. Material is made up, but of the right form: tokens and signatures are real, so that their shape is.
import { z } from 'zod';
import { loginSite } from '../../../src/auth/infisical/cloud-login.fixture.ts';
import { gatherInfisicalPrincipal } from '../../../src/auth/infisical/table.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import { type InfisicalAuthMethod, infisicalAuthSpecs } from '../../../src/crds/auth/infisical/table.ts';
import type { InfisicalAuth } from '../../../src/crds/infisical.ts';
import { createEgressPolicy } from '../../../src/http/egress.ts';
import { createUpstreamDoor } from '../../../src/http/upstream.ts';
import { loginApi } from '../../../src/providers/infisical/api.ts';
import { parseHostApi } from '../../../src/providers/infisical/host.ts';
import { startHttpDouble } from '../../support/cloud/http-double.ts';
import { signingKeys } from '../../support/cloud/signing-keys.ts';
import { type AcceptedLogin, acceptedLogins, differencesFrom } from './accepted-logins.ts';
import { shapeOf, type WireRequest } from './login-shape.ts';
import { type Exchange, exchangeNamed, type Recordings } from './recordings.ts';
import type { Judged, Verdict } from './replay.ts';

const methods = Object.keys(infisicalAuthSpecs) as readonly InfisicalAuthMethod[]; // the keys of the table
const signal = new AbortController().signal;
const identityId = '7d1c0f0e-6a52-4c7b-9a3e-5b8f3c1d2e4f';

const ref = (key: string) => ({ name: 'login', key });
const id = { identityId: ref('identityId') };

/** A block of each method, as a store would have it. */
const blocks: { readonly [M in InfisicalAuthMethod]: NonNullable<InfisicalAuth[`${M}AuthCredentials`]> } = {
  universal: { clientId: ref('clientId'), clientSecret: ref('clientSecret') },
  kubernetes: { ...id, serviceAccountRef: { name: 'robot', audiences: ['infisical'] } },
  oidc: { ...id, serviceAccountRef: { name: 'robot', audiences: ['infisical'] } },
  azure: id,
  gcpIdToken: id,
  gcpIam: { ...id, serviceAccountKeyFilePath: ref('path') },
  aws: id,
  jwt: { ...id, jwt: ref('jwt') },
  ldap: { ...id, ldapUsername: ref('user'), ldapPassword: ref('password') },
  oci: {
    ...id,
    privateKey: ref('privateKey'),
    fingerprint: ref('fingerprint'),
    userId: ref('userId'),
    tenancyId: ref('tenancyId'),
    region: ref('region'),
  },
  token: { accessToken: ref('accessToken') },
};

/** The requests that a login of each method sends: one, or none for `token`. */
export async function sendAllLogins(): Promise<ReadonlyMap<InfisicalAuthMethod, readonly WireRequest[]>> {
  const grant = { accessToken: 'granted', expiresIn: 7_200, accessTokenMaxTTL: 7_200, tokenType: 'Bearer' };
  const server = await startHttpDouble(() => ({ status: 200, body: grant }));
  const policy = createEgressPolicy({ insecureHosts: [new URL(server.url).host] });
  const upstreams = createUpstreamDoor({ policy, proxy: () => undefined, userAgent: 'escapement', clock: systemClock });
  const api = loginApi(upstreams.open({}), parseHostApi(server.url), undefined);
  const site = await siteWithEverything();
  const sent = new Map<InfisicalAuthMethod, readonly WireRequest[]>();
  try {
    for (const method of methods) {
      const principal = await gatherInfisicalPrincipal({ [`${method}AuthCredentials`]: blocks[method] }, site, signal);
      const before = server.requests.length;
      await principal.login(api, Date.now(), signal);
      const requests = server.requests.slice(before);
      sent.set(
        method,
        requests.map((request) => ({ ...request, body: JSON.parse(request.body) })),
      );
    }
    return sent;
  } finally {
    upstreams.close();
    await server.stop();
  }
}

async function siteWithEverything() {
  const keys = signingKeys('login-wires');
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const token = async (aud: string) => new SecretValue(await keys.sign({ aud, exp }));
  const material = {
    identityId,
    clientId: '2b0f7a5e-93d4-4c35-8a0e-6d1f9b7c4e21',
    clientSecret: 'st.made-up',
    path: '/var/run/secrets/gcp/key.json',
    jwt: await keys.sign({ sub: 'deploy', exp }),
    user: 'robot',
    password: 'made-up',
    privateKey: keys.privatePem,
    fingerprint: Array.from({ length: 16 }, () => 'a0').join(':'),
    userId: 'ocid1.user.oc1..aaaa',
    tenancyId: 'ocid1.tenancy.oc1..aaaa',
    region: 'eu-frankfurt-1',
    accessToken: 'made-up-token',
  };
  const site = loginSite(material, {
    file: async () => new SecretValue('{}'),
    gcpIdToken: token,
    gcpSignedJwt: (_, { audience }) => token(audience),
    azureToken: token,
    aws: async () => ({
      accessKeyId: 'AKIAMADEUP',
      secretAccessKey: new SecretValue('made-up'),
      sessionToken: new SecretValue('made-up-session'),
      region: 'eu-central-1',
      principal: 'role "operator"',
    }),
  });
  const serviceAccount = async () => ({ name: 'shop/robot', audiences: ['infisical'], mint: () => token('infisical') });
  return { ...site, credentials: { ...site.credentials, serviceAccount } };
}

/** Where what a method sends, or what a recording shows, is not what servers were seen to accept; one line each. */
export function differencesOf(method: InfisicalAuthMethod, sent: readonly WireRequest[]): readonly string[] {
  const accepted = acceptedLogins[method];
  if (accepted === undefined) return sent.map(({ method: verb, path }) => `sends ${verb} ${path}, and needs no login`);
  if (sent.length !== 1) return [`sends ${sent.length} requests, a login is one`];
  return sent.flatMap((request) => differencesFrom(accepted, shapeOf(request)));
}

/** Each method's own login beside the recorded one that a real server accepted, and beside the table that keeps the facts. */
export async function judgeLoginWires(recordings: Recordings): Promise<readonly Judged[]> {
  const sent = await sendAllLogins();
  return methods.map((method) => ({
    scenario: 'login wires',
    name: method,
    verdict: judge(method, sent.get(method) ?? [], recordings),
  }));
}

function judge(method: InfisicalAuthMethod, sent: readonly WireRequest[], recordings: Recordings): Verdict {
  const accepted = acceptedLogins[method];
  const lines = differencesOf(method, sent);
  if (accepted === undefined || lines.length > 0) return verdictOf(lines);
  const { seen } = accepted;
  if ('unseen' in seen)
    return judgeByRefusal(accepted, exchangeNamed(recordings, seen.asked.scenario, seen.asked.exchange));
  const { request, response } = exchangeNamed(recordings, seen.scenario, seen.exchange);
  if (response?.status !== 200) return verdictOf([`the server answered ${response?.status}`]);
  return verdictOf(differencesFrom(accepted, wireOf(request)).map((line) => `the recording: ${line}`));
}

const wireOf = (request: Exchange['request']) => shapeOf({ ...request, body: request.body });

const complaints = z.object({ message: z.array(z.object({ path: z.array(z.string()) })) });

/** A server that finds a body wrong names what it misses; one that goes on to look for the identity found it right. */
function judgeByRefusal({ route, members, seen }: AcceptedLogin, { request, response }: Exchange): Verdict {
  const path = route.replace(' ', ':');
  if (JSON.stringify(response?.body).includes(`Route ${path} not found`)) {
    return { kind: 'skipped', reason: 'a server of that age has no such login' };
  }
  const topLevel = (paths: readonly string[]) => [...new Set(paths.map((one) => one.split('.')[0] ?? ''))].sort();
  const ours = topLevel(Object.keys(members));
  const complaint = complaints.safeParse(response?.body);
  if (complaint.success) {
    const missed = topLevel(complaint.data.message.map((issue) => issue.path.join('.')));
    return verdictOf(missed.filter((name) => !ours.includes(name)).map((name) => `the server asks for ${name}`));
  }
  const recorded = topLevel(Object.keys(wireOf(request).members));
  if (recorded.join() === ours.join()) return { kind: 'agrees' };
  return { kind: 'skipped', reason: 'unseen' in seen ? seen.unseen : 'another body was recorded' };
}

function verdictOf(lines: readonly string[]): Verdict {
  return lines.length === 0 ? { kind: 'agrees' } : { kind: 'differs', lines };
}
