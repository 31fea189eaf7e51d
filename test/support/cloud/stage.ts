// What the logins by a cloud's word are tested in: doubles of all the clouds, an operator that runs in each of them at once,
// and an Infisical that asks them. Each login has an identity of its own.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/base/clock.ts';
import { unauthorized } from '../infisical-double/api-error.ts';
import type { ProofMethod, Verifier } from '../infisical-double/identities.ts';
import { awsVerifier, azureVerifier, gcpVerifier, signatureBy } from '../infisical-double/verifiers.ts';
import { createScene, type Scene } from '../scene.ts';
import { condition } from '../wait.ts';
import { type AwsDoubles, awsAccount, startAwsDoubles } from './aws.ts';
import { type AzureDoubles, azureApplication, azureTenant, startAzureDoubles } from './azure.ts';
import { type GoogleDoubles, googleAccount, startGoogleDoubles } from './google.ts';
import { type OciDouble, startOciDouble } from './oci.ts';

const clock = systemClock;
/** What the API server would have put into the pod for AWS and for Azure. */
const podToken = 'token.of-the.pod';

export const keyPassphrase = 'passphrase-of-the-api-key';
export const podRole = 'operator';

/** Projects of ESO's page and of docs/auth. */
const projects = { 'my-project': 'dev', 'shop-x7f2': 'prod' };

export interface CloudStage {
  readonly scene: Scene;
  readonly aws: AwsDoubles;
  readonly azure: AzureDoubles;
  readonly google: GoogleDoubles;
  readonly verifiers: CloudVerifiers;
  /** An identity that Infisical judges so, and that may read the projects of both pages. */
  login(method: ProofMethod, verifier: Verifier): CloudLogin;
  end(): Promise<void>;
}

/** How Infisical judges a proof: it asks the cloud that the proof comes from. */
export interface CloudVerifiers {
  aws(role: string): Verifier;
  azure(terms: { readonly resource: string; readonly objectId: string }): Verifier;
  gcp(type: 'iam' | 'gce'): Verifier;
  oci(): Verifier;
}

export interface CloudLogin {
  readonly identityId: string;
  /** Name of the ExternalSecret, and of what it makes. */
  readonly app: string;
  /** The manifest of a file with its placeholders replaced. */
  text(folder: string, name: string): Promise<string>;
  /** Applies such manifests. */
  apply(folder: string, ...names: readonly string[]): Promise<void>;
  /** Applies an ExternalSecret that reads through a store. */
  use(store: string, kind?: 'SecretStore' | 'ClusterSecretStore'): Promise<void>;
  /** The Ready message once it has failed. */
  failure(): Promise<string>;
  /** How often a login by this method reached Infisical. */
  attempts(): number;
}

/** Where the operator's identity comes from: the machine's metadata services, or tokens and keys in files of the pod. */
export async function createCloudStage(source: 'machine' | 'pod'): Promise<CloudStage> {
  const isTrusted = (token: string) => token === podToken;
  const doubles = {
    aws: await startAwsDoubles({ clock, isTrusted }),
    azure: await startAzureDoubles({ clock, isTrusted }),
    google: await startGoogleDoubles({ clock }),
    oci: await startOciDouble({ clock }),
  };
  const { aws, azure, google, oci } = doubles;
  const folder = await mkdtemp(join(tmpdir(), 'cloud-keys-'));
  const files = { keyPath: join(folder, 'key.json'), tokenPath: join(folder, 'token') };
  await writeFile(files.keyPath, google.keyFile);
  await writeFile(files.tokenPath, `${podToken}\n`);
  const env = source === 'machine' ? machineEnvironment(doubles) : podEnvironment(doubles, files);
  const ambient = ['--ambient-identity-hosts=127.0.0.1', '--ambient-identity-namespaces=*'];
  const scene = await createScene(`auth-cloud-${source}`, {
    double: { generation: 'newest' },
    flags: [...ambient, `--credential-directories=${folder}`],
    env: { AWS_REGION: 'eu-central-1', CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: google.apis.url, ...env },
  });
  for (const [project, environment] of Object.entries(projects)) {
    scene.double.projects.add({ slug: project, environments: [{ slug: environment }] });
    scene.double.secrets.set({ project, environment, key: 'API_KEY', value: scene.value('API_KEY') });
  }
  let logins = 0;
  return {
    scene,
    aws,
    azure,
    google,
    verifiers: verifiersBy(doubles),
    login: (method, verifier) =>
      createLogin({ scene, oci, keyPath: files.keyPath, app: `app-${++logins}`, method, verifier }),
    async end() {
      await scene.end();
      await Promise.all([aws.stop(), azure.stop(), google.stop(), oci.http.stop(), rm(folder, { recursive: true })]);
    },
  };
}

type Doubles = Pick<CloudStage, 'aws' | 'azure' | 'google'> & { readonly oci: OciDouble };

function machineEnvironment({ aws, azure, google }: Doubles): Record<string, string> {
  return {
    AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.ec2.url,
    AZURE_POD_IDENTITY_AUTHORITY_HOST: azure.metadata.url,
    GCE_METADATA_HOST: new URL(google.metadata.url).host,
  };
}

function podEnvironment(
  { aws, azure }: Doubles,
  files: { readonly keyPath: string; readonly tokenPath: string },
): Record<string, string> {
  return {
    AWS_ROLE_ARN: `arn:aws:iam::${awsAccount}:role/${podRole}`,
    AWS_WEB_IDENTITY_TOKEN_FILE: files.tokenPath,
    AWS_ENDPOINT_URL_STS: aws.sts.url,
    AZURE_CLIENT_ID: azureApplication.clientId,
    AZURE_TENANT_ID: azureTenant,
    AZURE_FEDERATED_TOKEN_FILE: files.tokenPath,
    AZURE_AUTHORITY_HOST: azure.entra.url,
    GOOGLE_APPLICATION_CREDENTIALS: files.keyPath,
  };
}

function verifiersBy({ aws, azure, google, oci }: Doubles): CloudVerifiers {
  return {
    aws: (role) => {
      const principals = [`arn:aws:sts::${awsAccount}:assumed-role/${role}/*`];
      return awsVerifier({ callSts: (signed) => aws.forward(signed), accounts: [awsAccount], principals });
    },
    azure: ({ resource, objectId }) => {
      const checkSignature = signatureBy(azure.keys.jwks);
      return azureVerifier({ clock, tenantId: azureTenant, resource, checkSignature, principals: [objectId] });
    },
    gcp: (type) => {
      const checkSignature = signatureBy(google.keys.jwks);
      return gcpVerifier({ type, checkSignature, serviceAccounts: [googleAccount] });
    },
    oci: () => async (body) => {
      const { userOcid = '', headers } = body;
      const { compartmentId } = await oci.replay(userOcid, Object(headers));
      if (compartmentId !== oci.user.tenancyId) throw unauthorized('Access denied: OCI account mismatch.');
    },
  };
}

interface LoginParts {
  readonly scene: Scene;
  readonly oci: OciDouble;
  readonly keyPath: string;
  readonly app: string;
  readonly method: ProofMethod;
  readonly verifier: Verifier;
}

function createLogin({ scene, oci, keyPath, app, method, verifier }: LoginParts): CloudLogin {
  const roles = Object.keys(projects).map((project) => [project, { role: 'viewer' }] as const);
  let attempts = 0;
  const counting: Verifier = (body) => {
    attempts += 1;
    return verifier(body);
  };
  const identity = { name: app, methods: { [method]: counting }, access: Object.fromEntries(roles) };
  const { id } = scene.double.identities.add(identity);
  const replacements = placeholders({ identityId: id, url: scene.double.url, keyPath, oci });
  const text = async (folder: string, name: string) => {
    const shown = await readFile(join(folder, `${name}.yaml`), 'utf8');
    return replacements.reduce((now, [from, to]) => now.replaceAll(from, to), shown);
  };
  return {
    identityId: id,
    app,
    text,
    apply: async (folder, ...names) => scene.apply(...(await Promise.all(names.map((name) => text(folder, name))))),
    use: (name, kind = 'SecretStore') => scene.apply(externalSecret(app, { kind, name })),
    failure: async () => condition(await scene.whenFailed(app), 'Ready')?.message ?? '',
    attempts: () => attempts,
  };
}

interface Facts {
  readonly identityId: string;
  readonly url: string;
  readonly keyPath: string;
  readonly oci: OciDouble;
}

function placeholders({ identityId, url, keyPath, oci }: Facts): readonly (readonly [from: string, to: string])[] {
  const { user, privatePem, privateKey } = oci;
  const passphrase = keyPassphrase;
  const indented = (pem: string | Buffer) => pem.toString().trim().replaceAll('\n', '\n    ');
  const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
  const shownKey = '-----BEGIN PRIVATE KEY-----\n    ...\n    -----END PRIVATE KEY-----';
  return [
    ['<your-machine-identity-id>', identityId],
    ['<id of the machine identity>', identityId],
    ['https://app.infisical.com', url],
    ['/path/to/service-account-key.json', keyPath],
    ['/var/run/secrets/gcp/key.json', keyPath],
    [shownKey, indented(privatePem)],
    [
      shownKey.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE').replace('...', '<private half of the API key>'),
      indented(encrypted),
    ],
    ['<passphrase of the private key>', keyPassphrase],
    ['<your-api-key-fingerprint>', user.fingerprint],
    ['<fingerprint of the API key>', user.fingerprint],
    ['<your-oci-user-ocid>', user.userId],
    ['ocid1.user.oc1..<rest of the OCID>', user.userId],
    ['<your-oci-tenancy-ocid>', user.tenancyId],
    ['ocid1.tenancy.oc1..<rest of the OCID>', user.tenancyId],
    ['<your-oci-region>', user.region],
  ];
}

function externalSecret(name: string, secretStoreRef: { readonly kind: string; readonly name: string }) {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name },
    spec: { refreshInterval: '1h', secretStoreRef, data: [{ secretKey: 'key', remoteRef: { key: 'API_KEY' } }] },
  };
}
