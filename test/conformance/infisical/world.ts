// The world in which the recordings were made, built on a double: the project, its secrets and imports, and the cast.

import type { FakeClock } from '../../support/fake-clock.ts';
import type { Generation } from '../../support/infisical-double/api-error.ts';
import type { InfisicalDouble } from '../../support/infisical-double/double.ts';
import type { Verifier } from '../../support/infisical-double/identities.ts';
import {
  awsVerifier,
  azureVerifier,
  claimsOf,
  gcpVerifier,
  kubernetesVerifier,
  oidcVerifier,
  type ReviewVerdict,
} from '../../support/infisical-double/verifiers.ts';
import { type Actor, type ActorName, actorsIn } from './cast.ts';
import { claimsIn, exchangeNamed, type Recordings, type SentSecret } from './recordings.ts';

export const project = 'operator-e2e';

/** Ids that requests and answers mention. */
interface KnownIds {
  readonly project: string;
  readonly otherProject: string;
  readonly environments: Readonly<Record<string, string>>;
  readonly tags: readonly { readonly id: string; readonly slug: string; readonly color: string }[];
}

export function buildWorld(
  double: InfisicalDouble,
  recordings: Recordings,
  clock: FakeClock,
  age: Generation,
): readonly Actor[] {
  const ids = idsIn(recordings);
  const environments = [
    { slug: 'dev', name: 'Development' },
    { slug: 'staging', name: 'Staging' },
    { slug: 'prod', name: 'Production' },
  ].map((one) => ({ ...one, id: ids.environments[one.slug] ?? one.slug }));
  double.projects.add({ slug: project, name: 'Operator E2E', id: ids.project, environments, tags: ids.tags });
  double.projects.add({ slug: 'other-project', id: ids.otherProject });
  plantSecrets(double, recordings, age);
  plantImports(double);
  const actors = actorsIn(recordings);
  for (const actor of actors) addActor(double, actor, verifiersFor(actor, recordings, { clock, age }));
  return actors;
}

function idsIn(recordings: Recordings): KnownIds {
  const bySlug = Object(exchangeNamed(recordings, 'projects', 'by slug').response?.body);
  const noMember = exchangeNamed(recordings, 'list-not-found', 'project exists, identity is no member (id)');
  const tags = Object(exchangeNamed(recordings, 'tags', 'list').response?.body);
  const otherProject = new URL(noMember.request.path, 'http://x').searchParams.get('workspaceId') ?? '';
  const list: readonly { readonly slug: string; readonly id: string }[] = bySlug.environments;
  return {
    project: bySlug.id,
    otherProject,
    environments: Object.fromEntries(list.map(({ slug, id }) => [slug, id])),
    tags: tags.workspaceTags,
  };
}

/** The text by which a value refers to another secret. */
function reference(target: string): string {
  return `\${${target}}`;
}

/** Environment, folder, and what it holds. Folders without secrets are made empty. */
function secretsOf(environment: string): readonly (readonly [string, Readonly<Record<string, string>>])[] {
  return [
    [
      '/',
      {
        API_KEY: `${environment}-api-key-1f3c`,
        DB_PASSWORD: `${environment}-db-pass-!@#$%^&*()`,
        JSON_BLOB: '{"key":"value","nested":{"a":[1,2,{"b":"c"}]}}',
      },
    ],
    ['/my-app', { SERVICE_PASSWORD: `${environment}-service-pw`, ADMIN_PASSWORD: `${environment}-admin-pw` }],
    ['/my-app/nested', { DEEP_SECRET: `${environment}-deep` }],
  ];
}

const furtherSecrets: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['dev', '/', { REF_API_KEY: reference('API_KEY'), REF_SERVICE_PASSWORD: reference('dev.my-app.SERVICE_PASSWORD') }],
  ['dev', '/my-app-2', { OTHER_APP_SECRET: 'belongs-to-my-app-2' }],
  ['dev', '/empty', {}],
  ['dev', '/special', {}],
  ['dev', '/imports-demo', { OWN: 'own-value', ADMIN_PASSWORD: 'overridden-locally' }],
  ['dev', '/refs', {}],
  ['dev', '/types', {}],
  ['dev', '/imports-nested', {}],
  ['dev', '/imports-broken', {}],
  ['dev', '/perm/entry', { ENTRY: 'e' }],
  ['dev', '/perm/bridge', { BRIDGE: 'b' }],
  [
    'staging',
    '/shared',
    { SHARED_KEY: 'staging-shared', API_KEY: 'staging-shared-api-key', SHARED_REF: `ref=${reference('SHARED_KEY')}` },
  ],
  ['staging', '/nested-src', { NESTED_ONLY: 'from-staging-nested-src' }],
  ['staging', '/my-app', { STAGING_ONLY: 'from-staging-my-app' }],
];

function plantSecrets(double: InfisicalDouble, recordings: Recordings, age: Generation): void {
  const ids = secretIdsIn(recordings);
  const set = (environment: string, path: string, key: string, value: string, traits = {}) => {
    const id = ids.get(`${environment} ${path} ${key}`);
    double.secrets.set({ project, environment, path, key, value, ...traits, ...(id !== undefined && { id }) });
  };
  const base = ['dev', 'staging', 'prod'].flatMap((one) => secretsOf(one).map((folder) => [one, ...folder] as const));
  for (const [environment, path, values] of [...base, ...furtherSecrets]) {
    double.projects.addFolder({ project, environment, path });
    for (const [key, value] of Object.entries(values)) set(environment, path, key, value);
  }
  // The older server's router refused a name that is too long; to the younger one it was sent by batch.
  const isPlanted = ({ secretName }: SentSecret) => age !== '2024-10' || secretName.length <= 100;
  for (const sent of recordings.sent.filter(isPlanted)) {
    set(sent.environment, sent.secretPath, sent.secretName, sent.secretValue, {
      ...(sent.secretComment !== undefined && { comment: sent.secretComment }),
      ...(sent.skipMultilineEncoding !== undefined && { skipMultilineEncoding: sent.skipMultilineEncoding }),
      ...(sent.tagIds !== undefined && { tagIds: sent.tagIds }),
      reminderNote: sent.secretReminderNote ?? null,
      reminderRepeatDays: sent.secretReminderRepeatDays ?? null,
    });
  }
  // The younger server refuses a reference to what is not there, so the cycle was closed in a second step.
  if (age !== '2024-10') set('dev', '/refs', 'CYCLE_A', reference('CYCLE_B'));
  // The recorder had written there, and taken it away again.
  set('dev', '/empty', 'GONE', '');
  double.secrets.delete({ project, environment: 'dev', path: '/empty', key: 'GONE' });
  for (const value of ['v2', 'v3']) set('dev', '/types', 'VERSIONED', value);
}

/** Lists come in the order of ids, and which reference of a list stays unexpanded depends on it: so ids are kept. */
function secretIdsIn(recordings: Recordings): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const { response } of [...recordings.scenarios.values()].flat()) {
    const secrets: unknown = Object(response?.body).secrets;
    for (const secret of Array.isArray(secrets) ? secrets.map(Object) : []) {
      const place = `${secret.environment} ${secret.secretPath} ${secret.secretKey}`;
      if (!ids.has(place)) ids.set(place, secret.id);
    }
  }
  return ids;
}

function plantImports({ projects }: InfisicalDouble): void {
  const from = (environment: string, path: string) => ({ environment, path });
  const shared = from('staging', '/shared');
  const set = (environment: string, path: string, sources: readonly ReturnType<typeof from>[]) =>
    projects.setImports({ project, environment, path }, sources);
  set('dev', '/imports-demo', [shared, from('dev', '/my-app'), from('prod', '/')]);
  set('dev', '/imports-nested', [from('prod', '/my-app')]);
  set('dev', '/imports-broken', [from('staging', '/gone'), from('dev', '/my-app')]);
  set('dev', '/perm/entry', [from('dev', '/perm/bridge')]);
  set('dev', '/perm/bridge', [from('prod', '/')]);
  set('staging', '/', [shared]);
  set('prod', '/', [shared]);
  set('prod', '/my-app', [from('staging', '/nested-src'), from('staging', '/my-app')]);
}

function addActor({ identities }: InfisicalDouble, actor: Actor, methods: Record<string, Verifier>): void {
  const { clientId, clientSecret: secret } = actor;
  identities.add({
    name: actor.name,
    ...(actor.id !== undefined && { id: actor.id }),
    ...actor.terms,
    ...(clientId !== undefined &&
      secret !== undefined && { universal: { clientId, clientSecrets: [{ ...actor.secret, secret }] } }),
    methods,
    ...(actor.access && { access: { [project]: actor.access } }),
  });
}

/** What the third parties of the recording said, from the claims alone: their signing keys are not recorded. */
function verifiersFor(
  actor: Actor,
  recordings: Recordings,
  { clock, age }: { readonly clock: FakeClock; readonly age: Generation },
): Record<string, Verifier> {
  const review = (jwt: string) => reviewByClaims(jwt, clock);
  const rules = { namespaces: ['infisical-operator'], names: ['operator'] };
  const anySignature = () => undefined;
  const table: Partial<Record<ActorName, () => Record<string, Verifier>>> = {
    kubernetes: () => ({ kubernetes: kubernetesVerifier({ review, ...rules }) }),
    kubernetesAudience: () => ({ kubernetes: kubernetesVerifier({ review, audience: 'infisical' }) }),
    kubernetesBadReviewer: () => ({
      kubernetes: kubernetesVerifier({ review: () => ({ reviewerRefused: 'Unauthorized' }) }),
    }),
    kubernetesNoCluster: () => ({ kubernetes: kubernetesVerifier({ review: () => unreachable() }) }),
    oidc: () => ({ oidc: oidcByClaims(recordings, clock, age) }),
    azure: () => ({ azure: azureByClaims(recordings, clock) }),
    gcpIam: () => ({ gcp: gcpByClaims(recordings, 'iam') }),
    gcpGce: () => ({ gcp: gcpVerifier({ type: 'gce', checkSignature: anySignature }) }),
    aws: () => ({ aws: awsVerifier({ callSts: ({ headers }) => signerByKeyId(headers, recordings) }) }),
  };
  return table[actor.name]?.() ?? {};
}

function unreachable(): never {
  throw new Error('connection refused');
}

function reviewByClaims(jwt: string, clock: FakeClock): ReviewVerdict {
  if (jwt === '') return { refused: '[invalid bearer token, jwt must be provided]' };
  const claims = claimsOf(jwt);
  if (!claims) return { refused: '[invalid bearer token, jwt malformed]' };
  if (Number(claims['exp']) * 1000 < clock.nowMs()) return { refused: '[invalid bearer token, jwt expired]' };
  const audiences = [claims['aud']].flat().map(String);
  return { username: String(claims['sub']), audiences };
}

function loginJwt(recordings: Recordings, scenario: string, name: string): string {
  return String(Object(exchangeNamed(recordings, scenario, name).request.body).jwt);
}

function oidcByClaims(recordings: Recordings, clock: FakeClock, age: Generation): Verifier {
  const good = loginJwt(recordings, 'auth-oidc', 'success');
  const keyId = (jwt: string) => jwt.split('.')[0];
  return oidcVerifier({
    clock,
    issuer: String(claimsIn(good)['iss']),
    subject: 'repo:acme/app:ref:refs/heads/*',
    audience: 'infisical',
    takesAudiences: age !== '2024-10',
    checkSignature: (jwt) => {
      if (keyId(jwt) !== keyId(good)) throw new Error('unknown key id');
    },
  });
}

function azureByClaims(recordings: Recordings, clock: FakeClock): Verifier {
  const claims = claimsIn(loginJwt(recordings, 'auth-azure', 'success'));
  const tenantId = String(claims['tid']);
  const resource = String(claims['aud']).replace(/\/$/, '');
  return azureVerifier({ clock, tenantId, resource, checkSignature: () => undefined });
}

function gcpByClaims(recordings: Recordings, type: 'iam'): Verifier {
  const account = String(claimsIn(loginJwt(recordings, 'auth-gcp', 'iam: success'))['sub']);
  return gcpVerifier({ type, serviceAccounts: [account], checkSignature: () => undefined });
}

/** STS knows one access key: that of the recorded good login. */
function signerByKeyId(headers: Readonly<Record<string, string>>, recordings: Recordings) {
  const keyId = (authorization: string) => /Credential=([^/]+)/.exec(authorization)?.[1];
  const body = Object(exchangeNamed(recordings, 'auth-aws', 'success').request.body);
  const good = JSON.parse(Buffer.from(String(body.iamRequestHeaders), 'base64').toString());
  if (keyId(headers['Authorization'] ?? '') === keyId(good.Authorization))
    return { account: '1', arn: 'arn:aws:iam::1:x' };
  throw new Error('signature refused');
}
