// OIDC Auth with the cluster itself as the issuer: tokens that the real API server mints, judged by the keys that it
// publishes. And with an issuer elsewhere, whose token lies in a Secret.
import { afterAll, beforeAll, describe, inject, it } from 'vitest';
import { clusterIssuer } from '../support/cluster-trust.ts';
import { createJwtIssuer, type JwtIssuer, jwtVerifier } from '../support/jwt-issuer.ts';
import { kubectl } from '../support/kubectl.ts';
import { createLoginScene, key, type Login, type LoginScene } from '../support/login-scene.ts';

let scene: LoginScene;
let cluster: Awaited<ReturnType<typeof clusterIssuer>>;
let pipeline: JwtIssuer;

beforeAll(async () => {
  cluster = await clusterIssuer(inject('controlPlane'));
  pipeline = await createJwtIssuer('https://pipeline.example');
  scene = await createLoginScene('auth-oidc');
  await scene.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } });
});

afterAll(() => scene.end());

const subject = () => `system:serviceaccount:${scene.namespace}:robot`;
const ofCluster = (rules: { subject?: string } = {}) =>
  jwtVerifier({ ...cluster, audience: 'infisical', subject: subject(), ...rules }, 'OIDC');
const ofPipeline = () => jwtVerifier({ ...pipeline, audience: 'infisical' }, 'OIDC');

function login(name: string, block: object, material: Record<string, string> = {}): Login {
  const id = { identityId: key(name, 'identityId') };
  const auth = { oidcAuthCredentials: { ...id, ...block } };
  return { name, material: { identityId: scene.double.identities.get(name).id, ...material }, auth };
}

const robot = { serviceAccountRef: { name: 'robot', audiences: ['infisical'] } };

describe('OIDC Auth by serviceAccountRef', () => {
  it('logs in with a token that the published keys of the cluster prove', async () => {
    const id = scene.identity('cluster', 'oidc', ofCluster());
    await scene.play(login('cluster', robot));
    await scene.expectSynced('cluster');
    scene.double.identities.endTokens(id);
    await scene.expectFollows('cluster');
  });

  it.each<[name: string, block: object, rules: { subject?: string }, message: RegExp]>([
    ['no-audience', { serviceAccountRef: { name: 'robot' } }, {}, /OIDC audience not allowed/],
    ['other-audience', { serviceAccountRef: { name: 'robot', audiences: ['x'] } }, {}, /OIDC audience not allowed/],
    ['other-subject', robot, { subject: 'system:serviceaccount:a:b' }, /"[\w-]+\/robot".*OIDC subject not allowed/],
  ])('tells %s', async (name, block, rules, message) => {
    scene.identity(name, 'oidc', ofCluster(rules));
    await scene.play(login(name, block));
    await scene.expectFailed(name, message);
  });
});

describe('OIDC Auth by a token in a Secret', () => {
  const stored = (name: string) => ({ jwt: key(name, 'jwt') });

  it('logs in with the token of another issuer, and with the one that replaces it', async () => {
    scene.identity('stored', 'oidc', ofPipeline());
    await scene.play(login('stored', stored('stored'), { jwt: await pipeline.sign({ aud: 'x' }) }));
    await scene.expectFailed('stored', /jwt: key "jwt" of Secret "stored".*OIDC audience not allowed/);
    await scene.repair('stored', { jwt: `${await pipeline.sign({ aud: 'infisical' })}\n` });
    await scene.expectSynced('stored', 10_000);
  });

  it('logs in with a token of the cluster that somebody put there', async () => {
    const { kubeconfig, namespace } = scene;
    const order = ['create', 'token', 'robot', '-n', namespace, '--audience=infisical'];
    scene.identity('by-hand', 'oidc', ofCluster());
    await scene.play(login('by-hand', stored('by-hand'), { jwt: (await kubectl(order, { kubeconfig })).stdout }));
    await scene.expectSynced('by-hand');
  });

  const seconds = (fromNow: number) => Math.floor(Date.now() / 1_000) + fromNow;

  it.each<[name: string, jwt: () => string | Promise<string>, message: RegExp]>([
    ['malformed', () => scene.value('malformed'), /jwt: key "jwt" of Secret "malformed" is no JWT/],
    [
      'expired',
      () => pipeline.sign({ aud: 'infisical', exp: seconds(-3_600) }),
      /key "jwt" of Secret "expired" has expired/,
    ],
    ['just-expired', () => pipeline.sign({ aud: 'infisical', exp: seconds(-20) }), /jwt expired.*write a new one/],
    [
      'strange',
      async () => (await createJwtIssuer(pipeline.issuer)).sign({ aud: 'infisical' }),
      /HTTP 401, "Access denied: invalid signature"/,
    ],
    [
      'other-issuer',
      async () => (await createJwtIssuer('https://other.example')).sign({}),
      /LoginRejected|HTTP 40[13]/,
    ],
  ])('tells a token that is %s', async (name, jwt, message) => {
    scene.identity(name, 'oidc', ofPipeline());
    await scene.play(login(name, stored(name), { jwt: await jwt() }));
    await scene.expectFailed(name, message);
  });

  it('tells an identity without OIDC Auth, although the server speaks of another method', async () => {
    scene.identity('without', 'ldap', () => {});
    await scene.play(login('without', stored('without'), { jwt: await pipeline.sign({ aud: 'infisical' }) }));
    await scene.expectFailed('without', /no identity of this id that has oidc-auth/);
  });
});
