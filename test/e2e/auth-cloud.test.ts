// The logins by a cloud's word, with the built operator: ESO's manifests and those of docs/auth, against doubles of the
// clouds that check what they get, and an Infisical that checks with them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { type AwsDoubles, awsAccount, ec2Role, startAwsDoubles } from '../support/cloud/aws.ts';
import { type AzureDoubles, azureIdentities, azureTenant, startAzureDoubles } from '../support/cloud/azure.ts';
import { type GoogleDoubles, googleAccount, startGoogleDoubles } from '../support/cloud/google.ts';
import { type OciDouble, startOciDouble } from '../support/cloud/oci.ts';
import { unauthorized } from '../support/infisical-double/api-error.ts';
import type { ProofMethod, Verifier } from '../support/infisical-double/identities.ts';
import { awsVerifier, azureVerifier, gcpVerifier, signatureBy } from '../support/infisical-double/verifiers.ts';
import { createScene, type Scene } from '../support/scene.ts';
import { condition } from '../support/wait.ts';

const clock = systemClock;
const pages = join(import.meta.dirname, 'manifests', 'eso-page');
const docs = join(import.meta.dirname, '..', '..', 'docs', 'manifests');
const ambientFlags = ['--ambient-identity-hosts=127.0.0.1', '--ambient-identity-namespaces=*'];
const managementApi = 'https://management.azure.com';
const customResource = 'api://infisical.example.com';
const passphrase = 'passphrase-of-the-api-key';

interface Clouds {
  readonly aws: AwsDoubles;
  readonly azure: AzureDoubles;
  readonly google: GoogleDoubles;
  readonly oci: OciDouble;
}

let clouds: Clouds;
let keyFolder: string;

beforeAll(async () => {
  clouds = {
    aws: await startAwsDoubles({ clock }),
    azure: await startAzureDoubles({ clock }),
    google: await startGoogleDoubles({ clock }),
    oci: await startOciDouble({ clock }),
  };
  keyFolder = await mkdtemp(join(tmpdir(), 'cloud-keys-'));
  await writeFile(join(keyFolder, 'key.json'), clouds.google.keyFile);
});

afterAll(async () => {
  await Promise.all([clouds.aws.stop(), clouds.azure.stop(), clouds.google.stop(), clouds.oci.http.stop()]);
  await rm(keyFolder, { recursive: true });
});

beforeEach(() => {
  for (const double of [clouds.aws.ec2, clouds.azure.metadata, clouds.google.metadata]) double.answerWith(undefined);
  clouds.google.acceptKey(true);
});

/** Infisical asks the cloud that the proof comes from. */
function verifierOf(method: ProofMethod, resource: string): Verifier {
  const { aws, azure, google, oci } = clouds;
  if (method === 'aws') {
    const principals = [`arn:aws:sts::${awsAccount}:assumed-role/${ec2Role}/*`];
    return awsVerifier({ callSts: (signed) => aws.forward(signed), accounts: [awsAccount], principals });
  }
  if (method === 'azure') {
    const checkSignature = signatureBy(azure.keys.jwks);
    const principals = [azureIdentities['node-client'] ?? ''];
    return azureVerifier({ clock, tenantId: azureTenant, resource, checkSignature, principals });
  }
  if (method === 'oci') {
    return async (body) => {
      const { userOcid = '', headers } = body;
      const { compartmentId } = await oci.replay(userOcid, Object(headers));
      if (compartmentId !== oci.user.tenancyId) throw unauthorized('Access denied: OCI account mismatch.');
    };
  }
  throw new Error(`no verifier for ${method}`);
}

function gcpVerifierOf(type: 'iam' | 'gce'): Verifier {
  const checkSignature = signatureBy(clouds.google.keys.jwks);
  return gcpVerifier({ type, checkSignature, serviceAccounts: [googleAccount] });
}

interface Stage {
  readonly scene: Scene;
  readonly loginId: string;
  /** Applies manifests with their placeholders replaced. */
  apply(folder: string, ...names: readonly string[]): Promise<void>;
}

interface StageOptions {
  readonly method: ProofMethod;
  readonly verifier: Verifier;
  readonly project?: string;
  readonly environment?: string;
}

/** A scene whose operator runs in all four clouds at once, and a project that the identity of the method may read. */
async function stage({ method, verifier, project = 'my-project', environment = 'dev' }: StageOptions): Promise<Stage> {
  const { aws, azure, google, oci } = clouds;
  const scene = await createScene(`auth-${method}`, {
    double: { generation: 'newest' },
    flags: [...ambientFlags, `--credential-directories=${keyFolder}`],
    env: {
      AWS_REGION: 'eu-central-1',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.ec2.url,
      AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.metadata.url,
      GCE_METADATA_HOST: new URL(google.metadata.url).host,
      CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: google.apis.url,
    },
  });
  onTestFinished(() => scene.end());
  scene.double.projects.add({ slug: project, environments: [{ slug: environment }] });
  scene.double.secrets.set({ project, environment, key: 'API_KEY', value: scene.value('API_KEY') });
  const { id } = scene.double.identities.add({
    name: 'cloud',
    methods: { [method]: verifier },
    access: { [project]: { role: 'viewer' } },
  });
  const indented = (pem: string) => pem.trim().replaceAll('\n', '\n    ');
  const encrypted = oci.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  const replacements = {
    '<your-machine-identity-id>': id,
    '<id of the machine identity>': id,
    'https://app.infisical.com': scene.double.url,
    '/path/to/service-account-key.json': join(keyFolder, 'key.json'),
    '/var/run/secrets/gcp/key.json': join(keyFolder, 'key.json'),
    '-----BEGIN PRIVATE KEY-----\n    ...\n    -----END PRIVATE KEY-----': indented(oci.privatePem),
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\n    <private half of the API key>\n    -----END ENCRYPTED PRIVATE KEY-----':
      indented(encrypted.toString()),
    '<passphrase of the private key>': passphrase,
    '<your-api-key-fingerprint>': oci.user.fingerprint,
    '<fingerprint of the API key>': oci.user.fingerprint,
    '<your-oci-user-ocid>': oci.user.userId,
    'ocid1.user.oc1..<rest of the OCID>': oci.user.userId,
    '<your-oci-tenancy-ocid>': oci.user.tenancyId,
    'ocid1.tenancy.oc1..<rest of the OCID>': oci.user.tenancyId,
    '<your-oci-region>': oci.user.region,
  };
  return {
    scene,
    loginId: id,
    async apply(folder, ...names) {
      const texts = await Promise.all(names.map((name) => readFile(join(folder, `${name}.yaml`), 'utf8')));
      const all = Object.entries(replacements);
      await scene.apply(...texts.map((text) => all.reduce((now, [from, to]) => now.replaceAll(from, to), text)));
    },
  };
}

function externalSecret(store: string) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'app' },
    spec: {
      refreshInterval: '1h',
      secretStoreRef: { name: store },
      data: [{ secretKey: 'key', remoteRef: { key: 'API_KEY' } }],
    },
  };
}

const methods = [
  { page: 'aws', method: 'aws', verifier: () => verifierOf('aws', '') },
  { page: 'azure', method: 'azure', verifier: () => verifierOf('azure', managementApi) },
  { page: 'gcp-id-token', method: 'gcp', verifier: () => gcpVerifierOf('gce') },
  { page: 'gcp-iam', method: 'gcp', verifier: () => gcpVerifierOf('iam') },
  { page: 'oci', method: 'oci', verifier: () => verifierOf('oci', '') },
] as const;

describe("the manifests of ESO's page", () => {
  it.each(methods)('log in with $page auth, once', async ({ page, method, verifier }) => {
    const { scene, apply } = await stage({ method, verifier: verifier() });
    await scene.apply(externalSecret('infisical'));
    await apply(pages, `${page}-auth-credentials`, `${page}-auth-store`);
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ key: scene.value('API_KEY') });
    expect(scene.double.requests.counts().byKind.login).toBe(1);
  });
});

const documented = [
  { manifest: 'infisical-aws-auth', store: 'infisical-aws', ...methods[0] },
  { manifest: 'infisical-azure-auth', store: 'infisical-azure', ...methods[1] },
  {
    manifest: 'infisical-azure-auth-resource',
    store: 'infisical-azure-resource',
    method: 'azure',
    verifier: () => verifierOf('azure', customResource),
  },
  { manifest: 'infisical-gcp-id-token-auth', store: 'infisical-gcp', ...methods[2] },
  { manifest: 'infisical-gcp-iam-auth', store: 'infisical-gcp-iam', ...methods[3] },
  { manifest: 'infisical-oci-auth', store: 'infisical-oci', ...methods[4] },
] as const;

describe('the manifests of docs/auth', () => {
  it.each(documented)('sync with $manifest', async ({ manifest, store, method, verifier }) => {
    const options = { method, verifier: verifier(), project: 'shop-x7f2', environment: 'prod' };
    const { scene, apply } = await stage(options);
    await scene.apply(externalSecret(store));
    await apply(docs, manifest);
    await scene.whenSynced('app');
    expect(await scene.secretData('app')).toEqual({ key: scene.value('API_KEY') });
  });
});

describe('what goes wrong', () => {
  /** The Ready message of the ExternalSecret once it has failed. */
  async function failure(page: (typeof methods)[number]['page'], before: (it: Stage) => void = () => {}) {
    const row = methods.find((each) => each.page === page) ?? methods[0];
    const it = await stage({ method: row.method, verifier: row.verifier() });
    before(it);
    await it.apply(pages, `${page}-auth-credentials`, `${page}-auth-store`);
    await it.scene.apply(externalSecret('infisical'));
    const failed = await it.scene.whenFailed('app');
    return { ...it, message: condition(failed, 'Ready')?.message ?? '' };
  }

  it('names the metadata service that is down, and goes on by itself once it is back', async () => {
    clouds.azure.metadata.answerWith({ status: 503 });
    const { scene, message } = await failure('azure');
    expect(message).toContain('Azure instance metadata');
    expect(scene.double.requests.counts().byKind.login).toBe(0);
    clouds.azure.metadata.answerWith(undefined);
    await scene.whenSynced('app', 30_000);
  });

  it('says who signed when STS does not know the keys', async () => {
    const { message } = await failure('aws', ({ scene }) => {
      const { aws } = clouds;
      const callSts = async () => {
        aws.forgetKeys();
        throw unauthorized('Access denied');
      };
      scene.double.identities.setVerifier('cloud', 'aws', awsVerifier({ callSts }));
    });
    expect(message).toContain(`instance role "${ec2Role}"`);
  });

  it('does not send an identity token that has expired', async () => {
    const stale = await startGoogleDoubles({ clock, lifeSeconds: -600 });
    onTestFinished(() => stale.stop());
    const token = await stale.keys.sign({ aud: 'other', exp: 1 });
    clouds.google.metadata.answerWith({ status: 200, headers: { 'metadata-flavor': 'Google' }, body: token });
    const { scene, message } = await failure('gcp-id-token');
    expect(message).toContain('another audience');
    expect(message).not.toContain(token);
    expect(scene.double.requests.counts().byKind.login).toBe(0);
  });

  it('names the path of a key that lies where stores may not read, and the flag', async () => {
    const { scene, apply } = await stage({ method: 'gcp', verifier: gcpVerifierOf('iam') });
    await apply(pages, 'gcp-iam-auth-credentials', 'gcp-iam-auth-store');
    const path = Buffer.from('/etc/passwd').toString('base64');
    await scene.edit('Secret', 'gcp-iam-auth-credentials', { data: { serviceAccountKeyFilePath: path } });
    await scene.apply(externalSecret('infisical'));
    const failed = await scene.whenFailed('app');
    expect(condition(failed, 'Ready')?.message).toContain('--credential-directories');
  });

  it('tells a wrong passphrase, and the repair of the Secret is seen at once', async () => {
    const options = { method: 'oci', project: 'shop-x7f2', environment: 'prod' } as const;
    const { scene, apply } = await stage({ ...options, verifier: verifierOf('oci', '') });
    await apply(docs, 'infisical-oci-auth');
    const data = (text: string) => ({ data: { privateKeyPassphrase: Buffer.from(text).toString('base64') } });
    await scene.edit('Secret', 'infisical-oci', data('wrong-canary'));
    await scene.apply(externalSecret('infisical-oci'));
    const failed = await scene.whenFailed('app');
    const message = condition(failed, 'Ready')?.message ?? '';
    expect(message).toContain('passphrase');
    expect(message).not.toContain('wrong-canary');
    await scene.edit('Secret', 'infisical-oci', data(passphrase));
    await scene.whenSynced('app', 2_000);
  });
});
