// Kubernetes Auth with the real API server: tokens that it mints, judged by TokenReviews that it answers.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { reviewToken } from '../support/cluster-trust.ts';
import { type KubernetesRules, kubernetesVerifier } from '../support/infisical-double/verifiers.ts';
import { kubectl } from '../support/kubectl.ts';
import { createLoginScene, key, type Login, type LoginScene } from '../support/login-scene.ts';
import { startSentinel } from '../support/sentinel.ts';

let scene: LoginScene;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'projected-tokens-'));
  scene = await createLoginScene('auth-kubernetes', ({ namespace }) => [
    '--ambient-identity-hosts=127.0.0.1',
    `--ambient-identity-namespaces=${namespace}`,
    `--credential-directories=${directory}`,
  ]);
  await scene.apply(account('robot'), account('other'));
});

afterAll(async () => {
  await scene.end();
  await rm(directory, { recursive: true });
});

const account = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });

/** As Infisical does: the audience is asked of the cluster, and looked for in its answer. */
function verifier(rules: Partial<KubernetesRules> = {}) {
  const audiences = rules.audience === undefined ? [] : [rules.audience];
  const review = (jwt: string) => reviewToken(inject('controlPlane'), jwt, audiences);
  return kubernetesVerifier({ review, namespaces: [scene.namespace], names: ['robot'], ...rules });
}

function login(name: string, block: object, material: Record<string, string> = {}): Login {
  const id = { identityId: key(name, 'identityId') };
  const auth = { kubernetesAuthCredentials: { ...id, ...block } };
  return { name, material: { identityId: scene.double.identities.get(name).id, ...material }, auth };
}

async function tokenOf(name: string): Promise<string> {
  const { kubeconfig, namespace } = scene;
  return (await kubectl(['create', 'token', name, '-n', namespace], { kubeconfig })).stdout.trim();
}

describe('Kubernetes Auth by serviceAccountRef', () => {
  it('logs in with a token for the API server', async () => {
    scene.identity('by-default', 'kubernetes', verifier());
    await scene.play(login('by-default', { serviceAccountRef: { name: 'robot' } }));
    await scene.expectSynced('by-default');
  });

  it('logs in with a token for an audience', async () => {
    scene.identity('by-audience', 'kubernetes', verifier({ audience: 'infisical' }));
    await scene.play(login('by-audience', { serviceAccountRef: { name: 'robot', audiences: ['infisical'] } }));
    await scene.expectSynced('by-audience');
  });

  it('uses a new token at each login', async () => {
    const seen: string[] = [];
    const judge = verifier();
    const id = scene.identity('anew', 'kubernetes', (body) => {
      seen.push(body['jwt'] ?? '');
      return judge(body);
    });
    await scene.play(login('anew', { serviceAccountRef: { name: 'robot' } }));
    await scene.expectSynced('anew');
    scene.double.identities.endTokens(id);
    await scene.expectFollows('anew');
    expect(seen).toHaveLength(2);
    expect(new Set(seen).size).toBe(2);
  });

  it('waits for a ServiceAccount that is not there yet', async () => {
    scene.identity('late', 'kubernetes', verifier({ names: ['late'] }));
    await scene.play(login('late', { serviceAccountRef: { name: 'late' } }));
    await scene.expectFailed('late', /serviceAccountRef: ServiceAccount "[\w-]+\/late" does not exist/);
    await scene.apply(account('late'));
    await scene.expectSynced('late', 10_000);
  });
});

describe('Kubernetes Auth by a token file', () => {
  const path = (name: string) => join(directory, name);

  it('reads the file again at each login', async () => {
    const id = scene.identity('file', 'kubernetes', verifier());
    await writeFile(path('file'), `${await tokenOf('robot')}\n`);
    const selector = { serviceAccountTokenPath: key('file', 'path') };
    await scene.play(login('file', selector, { path: path('file') }));
    await scene.expectSynced('file');

    scene.double.identities.setVerifier('file', 'kubernetes', verifier({ names: ['other'] }));
    await writeFile(path('file-next'), await tokenOf('other'));
    await rename(path('file-next'), path('file'));
    scene.double.identities.endTokens(id);
    await scene.expectFollows('file');
  });

  it('says what is wrong with a file', async () => {
    scene.identity('no-file', 'kubernetes', verifier());
    const selector = { serviceAccountTokenPath: key('no-file', 'path') };
    await scene.play(login('no-file', selector, { path: path('absent') }));
    await scene.expectFailed('no-file', /serviceAccountTokenPath: key "path" of Secret "no-file".*does not exist/);
    await writeFile(path('no-jwt'), scene.value('no-jwt'));
    await scene.repair('no-file', { path: path('no-jwt') });
    await scene.expectFailed('no-file', /serviceAccountTokenPath: key "path" of Secret "no-file" is no JWT/);
    await scene.repair('no-file', { path: '/etc/passwd' });
    await scene.expectFailed('no-file', /--credential-directories \(Helm value credentialDirectories\)/);
    // A user may put the token where the path belongs: it must not be repeated. The end of the scene looks for it.
    await scene.repair('no-file', { path: await tokenOf('robot') });
    await scene.expectFailed('no-file', /is no absolute path/);
  });

  it('misses the operator’s own token outside a pod', async () => {
    scene.identity('own', 'kubernetes', verifier());
    await scene.play(login('own', {}));
    await scene.expectFailed('own', /\/var\/run\/secrets\/kubernetes\.io\/serviceaccount\/token does not exist/);
  });
});

describe('a Kubernetes login that is refused', () => {
  const robot = { serviceAccountRef: { name: 'robot' } };

  it.each<[name: string, rules: Partial<KubernetesRules>, block: object, message: RegExp]>([
    [
      'wrong-audience',
      { audience: 'infisical' },
      robot,
      /"[\w-]+\/robot".*the cluster that Infisical asks refuses the token/,
    ],
    ['wrong-namespace', { namespaces: ['elsewhere'] }, robot, /K8s namespace not allowed/],
    ['wrong-account', {}, { serviceAccountRef: { name: 'other' } }, /"[\w-]+\/other".*K8s name not allowed/],
    ['wrong-reviewer', { review: () => ({ reviewerRefused: 'Unauthorized' }) }, robot, /check the token reviewer/],
  ])('tells %s', async (name, rules, block, message) => {
    scene.identity(name, 'kubernetes', verifier(rules));
    await scene.play(login(name, block));
    await scene.expectFailed(name, message);
  });

  it('tells an identity that the server does not know from one without the method', async () => {
    scene.identity('known', 'ldap', () => {});
    await scene.play(login('known', robot));
    await scene.expectFailed('known', /check identityId, and the login methods/);
  });

  it('tells an id that is none, without asking the server', async () => {
    scene.identity('malformed-id', 'kubernetes', verifier());
    await scene.play(login('malformed-id', robot, { identityId: scene.value('id') }));
    await scene.expectFailed(
      'malformed-id',
      /identityId: key "identityId" of Secret "malformed-id" holds no identity id/,
    );
  });

  it('is tried again as soon as its credentials are repaired, and not before', async () => {
    const id = scene.identity('repaired', 'kubernetes', verifier());
    const strange = scene.identity('strange', 'ldap', () => {});
    await scene.play(login('repaired', robot, { identityId: strange }));
    await scene.expectFailed('repaired', /check identityId/);
    scene.identity('awake', 'kubernetes', verifier());
    await scene.play(login('awake', robot));
    const sentinel = await startSentinel(scene, { storeName: 'awake', project: 'shop', environment: 'prod' });
    const before = scene.logins();
    await sentinel.follows(3);
    expect(scene.logins()).toBe(before);
    await scene.repair('repaired', { identityId: id });
    await scene.expectSynced('repaired', 10_000);
  });
});
