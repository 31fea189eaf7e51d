// The manifests of docs/auth, and those of ESO's page about its Infisical provider, for the logins by a token or a user:
// applied as they stand there, only placeholders, hosts and paths are replaced. What the pages tell to set up beside them is
// applied as well, and used.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { clusterIssuer, reviewToken } from '../support/cluster-trust.ts';
import { unauthorized } from '../support/infisical-double/api-error.ts';
import type { ProofMethod, Verifier } from '../support/infisical-double/identities.ts';
import { kubernetesVerifier } from '../support/infisical-double/verifiers.ts';
import { createJwtIssuer, type JwtIssuer, jwtVerifier } from '../support/jwt-issuer.ts';
import { kubectl } from '../support/kubectl.ts';
import { createLoginScene, type LoginScene } from '../support/login-scene.ts';
import { condition, until } from '../support/wait.ts';

const page = join(import.meta.dirname, 'manifests', 'eso-page');
const docs = join(import.meta.dirname, '..', '..', 'docs', 'manifests');

let scene: LoginScene;
let issuer: JwtIssuer;
let cluster: Awaited<ReturnType<typeof clusterIssuer>>;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'projected-tokens-'));
  issuer = await createJwtIssuer('https://issuer.example');
  cluster = await clusterIssuer(inject('controlPlane'));
  scene = await createLoginScene('auth-manifests', ({ namespace }) => [
    '--ambient-identity-hosts=127.0.0.1',
    `--ambient-identity-namespaces=${namespace}`,
    `--credential-directories=${directory}`,
  ]);
  for (const [slug, environment] of [
    ['my-project', 'dev'],
    ['shop-x7f2', 'prod'],
  ] as const) {
    scene.double.projects.add({ slug, environments: [{ slug: environment }] });
    scene.double.secrets.set({ project: slug, environment, key: 'API_KEY', value: scene.value(slug) });
  }
  await writeFile(join(directory, 'token'), await tokenOf('default'));
});

afterAll(async () => {
  await scene.end();
  await rm(directory, { recursive: true });
});

async function tokenOf(account: string): Promise<string> {
  const order = ['create', 'token', account, '-n', scene.namespace];
  return (await kubectl(order, { kubeconfig: scene.kubeconfig })).stdout.trim();
}

async function manifest(folder: string, name: string, identityId = ''): Promise<string> {
  const token = join(directory, 'token');
  const replacements = {
    '<your-machine-identity-id>': identityId,
    '<id of the machine identity>': identityId,
    'https://app.infisical.com': scene.double.url,
    '/var/run/secrets/kubernetes.io/serviceaccount/token': token,
    '/var/run/secrets/tokens/infisical': token,
    '<your-jwt-token>': await issuer.sign({ sub: 'deploy', aud: 'infisical' }),
    '<token of the issuer>': await issuer.sign({ sub: 'deploy', aud: 'infisical' }),
    '<your-ldap-username>': 'ldap-user',
    '<name of the directory user>': 'ldap-user',
    '<your-ldap-password>': scene.value('password'),
    '<password of the directory user>': scene.value('password'),
    'namespace: platform': `namespace: ${scene.namespace}`,
  };
  const shown = await readFile(join(folder, `${name}.yaml`), 'utf8');
  return Object.entries(replacements).reduce((all, [from, to]) => all.replaceAll(from, to), shown);
}

const asCluster = (): Verifier =>
  kubernetesVerifier({
    review: (jwt) => reviewToken(inject('controlPlane'), jwt, audiencesOf(jwt)),
    namespaces: [scene.namespace],
  });
/** Of the API server's own tokens none is asked for; of others, the one that the manifests show. */
const audiencesOf = (jwt: string) =>
  Buffer.from(jwt.split('.')[1] ?? '', 'base64url')
    .toString()
    .includes('"infisical"')
    ? ['infisical']
    : [];
const asIssuer = (name: string) => () => jwtVerifier({ ...issuer, audience: 'infisical', subject: 'deploy' }, name);
const asDirectory = (): Verifier => (body) => {
  if (body['username'] === 'ldap-user' && body['password'] === scene.value('password')) return;
  throw unauthorized('Invalid credentials');
};
const asIssuingCluster = () =>
  jwtVerifier(
    { ...cluster, audience: 'infisical', subject: `system:serviceaccount:${scene.namespace}:shop-secrets` },
    'OIDC',
  );

interface Shown {
  readonly folder: string;
  readonly names: readonly string[];
  readonly store: string;
  readonly method: ProofMethod;
  readonly verifier: () => Verifier;
}

const onPage = (name: string) => ({
  folder: page,
  names: [`${name}-auth-credentials`, `${name}-auth-store`],
  store: 'infisical',
});
const inDocs = (name: string, store: string) => ({ folder: docs, names: [name], store });

const shown: readonly Shown[] = [
  { ...onPage('jwt'), method: 'jwt', verifier: asIssuer('JWT') },
  { ...onPage('ldap'), method: 'ldap', verifier: asDirectory },
  {
    ...onPage('kubernetes'),
    names: ['kubernetes-auth-path-credentials', 'kubernetes-auth-path-store'],
    method: 'kubernetes',
    verifier: asCluster,
  },
  { ...inDocs('infisical-kubernetes-auth', 'infisical-kubernetes'), method: 'kubernetes', verifier: asCluster },
  {
    ...inDocs('infisical-kubernetes-auth-token-path', 'infisical-token-path'),
    method: 'kubernetes',
    verifier: asCluster,
  },
  { ...inDocs('infisical-oidc-auth', 'infisical-oidc'), method: 'oidc', verifier: asIssuingCluster },
  { ...inDocs('infisical-oidc-auth-token', 'infisical-oidc-token'), method: 'oidc', verifier: asIssuer('OIDC') },
  { ...inDocs('infisical-jwt-auth', 'infisical-jwt'), method: 'jwt', verifier: asIssuer('JWT') },
  { ...inDocs('infisical-ldap-auth', 'infisical-ldap'), method: 'ldap', verifier: asDirectory },
];

const externalSecret = (name: string, store: string) => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  metadata: { name },
  spec: { secretStoreRef: { name: store }, data: [{ secretKey: 'key', remoteRef: { key: 'API_KEY' } }] },
});

/** An identity that may read both projects. */
function identity(name: string, method: ProofMethod, verifier: Verifier): string {
  const access = { 'my-project': { role: 'viewer' as const }, 'shop-x7f2': { role: 'viewer' as const } };
  return scene.identity(name, method, verifier, { access });
}

describe('the manifests', () => {
  it.each(shown.map((each, i) => ({ ...each, app: `app-${i}`, what: each.names.join(', ') })))(
    'log in: $what',
    async (each) => {
      const { app, folder, names, store, method, verifier } = each;
      const id = identity(app, method, verifier());
      await scene.apply(...(await Promise.all(names.map((name) => manifest(folder, name, id)))));
      await scene.apply(externalSecret(app, store));
      await scene.whenSynced(app);
      const project = folder === page ? 'my-project' : 'shop-x7f2';
      expect(await scene.secretData(app)).toEqual({ key: scene.value(project) });
    },
  );

  it("of ESO's page for the operator's own token ask for that token", async () => {
    const id = identity('own', 'kubernetes', asCluster());
    const names = ['kubernetes-auth-credentials', 'kubernetes-auth-store'];
    await scene.apply(...(await Promise.all(names.map((name) => manifest(page, name, id)))));
    await scene.apply(externalSecret('own', 'infisical'));
    const failed = await scene.whenFailed('own');
    expect(condition(failed, 'Ready')?.message).toContain("the operator's own token file");
  });
});

describe('what the pages set up in the cluster', () => {
  const { hasControllerManager } = inject('controlPlane');

  /** Cluster-scoped objects get a name of their own, and go at the end. */
  async function applyRenamed(name: string, from: string): Promise<string> {
    const renamed = `${from}-${scene.namespace}`;
    const { kubeconfig } = scene;
    onTestFinished(async () => void (await kubectl(['delete', 'clusterrolebinding', renamed], { kubeconfig })));
    const stdin = (await manifest(docs, name)).replaceAll(`name: ${from}`, `name: ${renamed}`);
    await kubectl(['apply', '-f', '-'], { kubeconfig, stdin });
    return renamed;
  }

  it.skipIf(!hasControllerManager)('lets the reviewer review tokens', async () => {
    const name = await applyRenamed('infisical-kubernetes-auth-reviewer', 'infisical-reviewer');
    const token = await until('the token of the reviewer', async () => (await scene.secretData(name))?.['token']);
    const access = { ...inject('controlPlane'), token };
    const jwt = await tokenOf('default');
    const verdict = await until('the right of the reviewer', () => reviewToken(access, jwt).catch(() => undefined));
    expect(verdict).toMatchObject({ username: `system:serviceaccount:${scene.namespace}:default` });
  });

  it('lets anybody read the keys of the issuer', async () => {
    const nobody = { ...inject('controlPlane'), token: '' };
    await expect(clusterIssuer(nobody)).rejects.toThrow();
    await applyRenamed('infisical-oidc-auth-discovery', 'service-account-issuer-discovery-for-all');
    const found = await until('the keys', () => clusterIssuer(nobody).catch(() => undefined));
    expect(found).toEqual(cluster);
  });
});
