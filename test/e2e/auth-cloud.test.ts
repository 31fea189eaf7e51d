// The logins by a cloud's word, with the built operator: ESO's manifests and those of docs/auth, against doubles of the
// clouds that check what they get, and an Infisical that checks with them.
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { ec2Role } from '../support/cloud/aws.ts';
import { azureApplication, azureIdentities } from '../support/cloud/azure.ts';
import { type CloudStage, createCloudStage, keyPassphrase, podRole } from '../support/cloud/stage.ts';
import type { ProofMethod, Verifier } from '../support/infisical-double/identities.ts';

const pages = join(import.meta.dirname, 'manifests', 'eso-page');
const docs = join(import.meta.dirname, '..', '..', 'docs', 'manifests');
const nodeIdentity = { resource: 'https://management.azure.com', objectId: azureIdentities['node-client'] ?? '' };

interface Documented {
  /** Name on ESO's page, where it is there. */
  readonly page?: string;
  /** File and store of docs/auth. */
  readonly manifest: string;
  readonly store: string;
  readonly method: ProofMethod;
  readonly verifier: (stage: CloudStage) => Verifier;
}

const documented: readonly Documented[] = [
  {
    page: 'aws',
    manifest: 'infisical-aws-auth',
    store: 'infisical-aws',
    method: 'aws',
    verifier: ({ verifiers }) => verifiers.aws(ec2Role),
  },
  {
    page: 'azure',
    manifest: 'infisical-azure-auth',
    store: 'infisical-azure',
    method: 'azure',
    verifier: ({ verifiers }) => verifiers.azure(nodeIdentity),
  },
  {
    manifest: 'infisical-azure-auth-resource',
    store: 'infisical-azure-resource',
    method: 'azure',
    verifier: ({ verifiers }) => verifiers.azure({ ...nodeIdentity, resource: 'api://infisical.example.com' }),
  },
  {
    page: 'gcp-id-token',
    manifest: 'infisical-gcp-id-token-auth',
    store: 'infisical-gcp',
    method: 'gcp',
    verifier: ({ verifiers }) => verifiers.gcp('gce'),
  },
  {
    page: 'gcp-iam',
    manifest: 'infisical-gcp-iam-auth',
    store: 'infisical-gcp-iam',
    method: 'gcp',
    verifier: ({ verifiers }) => verifiers.gcp('iam'),
  },
  {
    page: 'oci',
    manifest: 'infisical-oci-auth',
    store: 'infisical-oci',
    method: 'oci',
    verifier: ({ verifiers }) => verifiers.oci(),
  },
];

describe('with the identity of the machine', () => {
  let stage: CloudStage;

  beforeAll(async () => {
    stage = await createCloudStage('machine');
    return () => stage.end();
  });

  beforeEach(() => {
    for (const double of [stage.azure.metadata, stage.google.metadata]) double.answerWith(undefined);
  });

  // One after the other changes the login block of the one store that they all describe.
  const onPage = documented.filter(({ page }) => page !== undefined);
  it.each(onPage)("the manifests of ESO's page log in with $page auth, once", async ({ page, method, verifier }) => {
    const { scene } = stage;
    const { app, apply, use, attempts } = stage.login(method, verifier(stage));
    await apply(pages, `${page}-auth-credentials`, `${page}-auth-store`);
    await use('infisical');
    await scene.whenSynced(app);
    expect(await scene.secretData(app)).toEqual({ key: scene.value('API_KEY') });
    expect(attempts()).toBe(1);
  });

  it.each(documented)('$manifest of docs/auth syncs, applied last', async ({ manifest, store, method, verifier }) => {
    const { scene } = stage;
    const { app, apply, use } = stage.login(method, verifier(stage));
    await use(store);
    await apply(docs, manifest);
    await scene.whenSynced(app);
    expect(await scene.secretData(app)).toEqual({ key: scene.value('API_KEY') });
  });

  it('the ClusterSecretStore of docs/auth reads the id where it says, and serves the namespaces that it lists', async () => {
    const { scene, verifiers } = stage;
    const { app, text, apply, use } = stage.login('aws', verifiers.aws(ec2Role));
    await apply(docs, 'infisical-aws-auth');
    const { metadata, spec, ...store } = parse(await text(docs, 'infisical-aws-auth-cluster'));
    const name = `${metadata.name}-${scene.namespace}`;
    onTestFinished(() => scene.api.delete({ kind: 'ClusterSecretStore', name }));
    // Other tests use the same cluster: the store gets a name and a class of its own, and this test's namespace.
    const own = JSON.stringify({ ...store, metadata: { name }, spec: { controller: scene.controllerClass, ...spec } });
    await scene.apply(own.replaceAll(/"(shop|platform)"/g, JSON.stringify(scene.namespace)));
    await use(name, 'ClusterSecretStore');
    await scene.whenSynced(app);
  });

  it('names the metadata service that is down, and goes on by itself once it is back', async () => {
    stage.azure.metadata.answerWith({ status: 503 });
    const { app, apply, use, failure, attempts } = stage.login('azure', stage.verifiers.azure(nodeIdentity));
    await apply(docs, 'infisical-azure-auth');
    await use('infisical-azure');
    expect(await failure()).toContain('Azure instance metadata');
    expect(attempts()).toBe(0);
    stage.azure.metadata.answerWith(undefined);
    await stage.scene.whenSynced(app, 30_000);
  });

  it('says who signed when Infisical does not let that role in', async () => {
    const { apply, use, failure } = stage.login('aws', stage.verifiers.aws('another-role'));
    await apply(docs, 'infisical-aws-auth');
    await use('infisical-aws');
    expect(await failure()).toMatch(new RegExp(`instance role "${ec2Role}".*not allowed`));
  });

  it.each([
    { why: 'has expired', claims: (aud: string) => ({ aud, exp: 1 }), says: 'expired' },
    { why: 'is for another audience', claims: () => ({ aud: 'other' }), says: 'another audience' },
  ])('does not send an identity token that $why', async ({ claims, says }) => {
    const { google, verifiers } = stage;
    const { identityId, apply, use, failure, attempts } = stage.login('gcp', verifiers.gcp('gce'));
    const body = await google.keys.sign(claims(identityId));
    google.metadata.answerWith({ status: 200, headers: { 'metadata-flavor': 'Google' }, body });
    await apply(docs, 'infisical-gcp-id-token-auth');
    await use('infisical-gcp');
    const message = await failure();
    expect(message).toContain(says);
    expect(message).not.toContain(body);
    expect(attempts()).toBe(0);
  });

  it('names the flag when a key lies where stores may not read', async () => {
    const { apply, use, failure } = stage.login('gcp', stage.verifiers.gcp('iam'));
    await apply(docs, 'infisical-gcp-iam-auth');
    await stage.scene.edit('Secret', 'infisical-gcp-iam', secretData('serviceAccountKeyFilePath', '/etc/passwd'));
    await use('infisical-gcp-iam');
    expect(await failure()).toContain('--credential-directories');
  });

  it('tells a wrong passphrase, and sees the repair of the Secret at once', async () => {
    const { scene, verifiers } = stage;
    const { app, apply, use, failure } = stage.login('oci', verifiers.oci());
    await apply(docs, 'infisical-oci-auth');
    await scene.edit('Secret', 'infisical-oci', secretData('privateKeyPassphrase', 'wrong-canary'));
    await use('infisical-oci');
    const message = await failure();
    expect(message).toContain('passphrase');
    expect(message).not.toContain('wrong-canary');
    await scene.edit('Secret', 'infisical-oci', secretData('privateKeyPassphrase', keyPassphrase));
    await scene.whenSynced(app, 2_000);
  });
});

describe('with the identity of the pod', () => {
  let stage: CloudStage;

  beforeAll(async () => {
    stage = await createCloudStage('pod');
    return () => stage.end();
  });

  const podIdentity = { resource: 'https://management.azure.com', objectId: azureApplication.objectId };
  const ways: readonly Documented[] = [
    {
      manifest: 'infisical-aws-auth',
      store: 'infisical-aws',
      method: 'aws',
      verifier: ({ verifiers }) => verifiers.aws(podRole),
    },
    {
      manifest: 'infisical-azure-auth',
      store: 'infisical-azure',
      method: 'azure',
      verifier: ({ verifiers }) => verifiers.azure(podIdentity),
    },
    {
      manifest: 'infisical-gcp-id-token-auth',
      store: 'infisical-gcp',
      method: 'gcp',
      verifier: ({ verifiers }) => verifiers.gcp('gce'),
    },
  ];
  it.each(ways)(
    '$manifest of docs/auth syncs, and no metadata service is asked',
    async ({ manifest, store, ...way }) => {
      const { scene, aws, azure, google } = stage;
      const { app, apply, use } = stage.login(way.method, way.verifier(stage));
      await apply(docs, manifest);
      await use(store);
      await scene.whenSynced(app);
      const asked = [aws.ec2, azure.metadata, google.metadata].map(({ requests }) => requests.length);
      expect(asked).toEqual([0, 0, 0]);
    },
  );
});

function secretData(key: string, text: string) {
  return { data: { [key]: Buffer.from(text).toString('base64') } };
}
