// Every provider that opens from a cloud, with a document that logs in and reads by it, and what the doubles must hold for
// that. For what must hold of all of them alike: in tests of the providers, and of the operator as it runs in a cluster.
import { type AwsApis, roleArn } from './aws-apis.ts';
import { azureLogin, azureVaultName } from './azure-vault.ts';
import { type Clouds, type CloudsOptions, connectHost, vaultHost } from './clouds.ts';
import type { ClusterTrust } from './cluster-tokens.ts';
import { googlePool, googleProject, googleReader } from './google-federation.ts';

/** What opens at each cloud, by the name of the provider. */
export interface CloudCase {
  readonly provider: string;
  /** Values of a document that reads by the provider, logged in where that is a call of its own. */
  readonly values: (clouds: Clouds) => object;
  /** What the document holds after `plantCases`. */
  readonly holds: object;
  /** Where the document has what was read. */
  readonly path: string;
  /** Gives what is read another value at the cloud; absent where each login gives another. */
  readonly put?: (clouds: Clouds, value: string) => void;
  readonly asked: (clouds: Clouds) => number;
  /** Requests of the first wave, and of one that finds a login which is good. */
  readonly once: number;
  readonly again: number;
  /** Requests of logins that are kept in no namespace's share, as they are held by sessions; absent for none. */
  readonly unshared?: number;
  /** What metrics count of one opening. */
  readonly logins: readonly string[];
  /** Whether the cloud tells when what was opened ends. */
  readonly ends: boolean;
}

const account = 'acme';
const pulumiAudience = `urn:pulumi:org:${account}`;
const itemOf = (id: string, value: string) => ({
  id,
  title: id,
  fields: [{ id: 'password', label: 'password', value }],
});

/** What the clouds are started with. */
export const cloudsOfCases: Omit<CloudsOptions, 'trust'> = {
  vaults: [
    { id: 'shop-1', name: 'Shop', items: [itemOf('Database', 'none')] },
    { id: 'hidden-1', name: 'Hidden', items: [itemOf('Database', 'hidden')], isHidden: true },
  ],
  github: { appId: 4711, organization: account, repositories: ['web'] },
};

export interface PlantOptions {
  /** Of the tokens that are let in: those of another ServiceAccount are not. */
  readonly subject: string;
  /** Of Pulumi, which is told whom to trust. */
  readonly trust: ClusterTrust;
}

/** Lets the ServiceAccount in everywhere, to `prod-db` and to what is not there, and not to `sealed`. */
export function plantCases(clouds: Clouds, { subject, trust }: PlantOptions): void {
  const { aws, azure, google, pulumi, vault } = clouds;
  aws.roles.set('reader', { subject, audience: 'sts.amazonaws.com', maxSessionSeconds: 7_200, allows: /:(?!sealed)/ });
  aws.roles.set('stranger', { subject: 'nobody', audience: 'sts.amazonaws.com' });
  azure.subject = subject;
  azure.secrets.set('sealed', { versions: { v1: 'sealed' }, isForbidden: true });
  google.subject = subject;
  google.forbidden.add('sealed');
  pulumi.trust(account, { ...trust, audience: pulumiAudience, subject });
  vault.namespace = 'shop';
  vault.policies.set('read', ['kv/prod-db', 'kv/nope']);
  vault.roles.set('reader', { audience: `https://${vaultHost}`, subject, policies: ['read'], ttlSeconds: 3_600 });
  vault.kv1.set('sealed', { password: 'sealed' });
  for (const { provider, put } of cloudCases) put?.(clouds, `from-${provider}`);
}

const awsLogin = { 'fn::open::aws-login': { oidc: { roleArn: roleArn('reader'), sessionName: 'shop' } } };
const { clientId, tenantId } = azureLogin;
const azure = { 'fn::open::azure-login': { clientId, tenantId, oidc: true } };
const google = {
  'fn::open::gcp-login': { project: Number(googleProject), oidc: { ...googlePool, serviceAccount: googleReader } },
};
const vault = {
  'fn::open::vault-login': { address: `https://${vaultHost}`, namespace: 'shop', jwt: { role: 'reader' } },
};
const sum = (...doubles: readonly { readonly requests: readonly unknown[] }[]) =>
  doubles.reduce((all, { requests }) => all + requests.length, 0);

/** A document that logs in and reads. */
const reading = (login: object, provider: string, inputs: object) => ({
  login,
  read: { [`fn::open::${provider}`]: { login: `\${login}`, ...inputs } },
});
const ofAws = {
  path: 'read.db',
  asked: ({ aws }: { readonly aws: AwsApis }) => sum(aws.http),
  once: 2,
  again: 1,
  logins: ['aws oidc success'],
  ends: true,
};

export const cloudCases: readonly CloudCase[] = [
  {
    ...ofAws,
    provider: 'aws-secrets',
    values: () => reading(awsLogin, 'aws-secrets', { region: 'us-west-2', get: { db: { secretId: 'prod-db' } } }),
    holds: { read: { db: 'from-aws-secrets' } },
    put: ({ aws }, text) => void aws.secrets.set('us-west-2/prod-db', [{ text }]),
  },
  {
    ...ofAws,
    provider: 'aws-parameter-store',
    values: () => reading(awsLogin, 'aws-parameter-store', { region: 'us-west-2', get: { db: { name: 'prod-db' } } }),
    holds: { read: { db: 'from-aws-parameter-store' } },
    put: ({ aws }, value) => void aws.parameters.set('us-west-2/prod-db', { value }),
  },
  {
    provider: 'azure-secrets',
    values: () => reading(azure, 'azure-secrets', { vault: azureVaultName, get: { db: { name: 'prod-db' } } }),
    holds: { read: { db: 'from-azure-secrets' } },
    path: 'read.db',
    put: (clouds, v1) => void clouds.azure.secrets.set('prod-db', { versions: { v1 } }),
    asked: (clouds) => sum(clouds.azure.entra, clouds.azure.vault),
    once: 2,
    again: 1,
    logins: ['azure oidc success'],
    ends: true,
  },
  {
    provider: 'gcp-secrets',
    values: () => reading(google, 'gcp-secrets', { access: { db: { name: 'prod-db' } } }),
    holds: { read: { db: 'from-gcp-secrets' } },
    path: 'read.db',
    put: (clouds, value) => void clouds.google.secrets.set('prod-db', [value]),
    asked: (clouds) => sum(clouds.google.sts, clouds.google.iam, clouds.google.secretManager),
    once: 3,
    again: 1,
    logins: ['gcp oidc success'],
    ends: true,
  },
  {
    provider: '1password-secrets',
    values: ({ onePassword }) => ({
      read: {
        'fn::open::1password-secrets': {
          login: { connectHost: `https://${connectHost}`, connectToken: { 'fn::secret': onePassword.token } },
          get: { db: { ref: 'op://Shop/Database/password' } },
        },
      },
    }),
    holds: { read: { db: 'from-1password-secrets' } },
    path: 'read.db',
    put: ({ onePassword }, value) => onePassword.put('Database', 'password', value),
    asked: ({ onePassword }) => sum(onePassword),
    once: 3,
    again: 3,
    logins: [],
    ends: false,
  },
  {
    provider: 'gh-login',
    values: ({ github }) => ({
      read: {
        'fn::open::gh-login': { appId: 4711, privateKey: { 'fn::secret': github.keys.privatePem }, owner: account },
      },
    }),
    holds: { read: { appSlug: 'deployer' } },
    path: 'read.accessToken',
    asked: ({ github }) => sum(github),
    once: 2,
    again: 0,
    logins: ['github app success'],
    ends: true,
  },
  {
    provider: 'pulumi-environment',
    values: () => ({
      read: {
        'fn::open::pulumi-environment': { environment: `${account}/shop/prod`, oidc: { audience: pulumiAudience } },
      },
    }),
    holds: { read: { db: 'from-pulumi-environment' } },
    path: 'read.db',
    put: ({ pulumi }, db) => void pulumi.environments.set(`${account}/shop/prod`, { db }),
    asked: ({ pulumi }) => Object.values(pulumi.counts).reduce((all, count) => all + count, 0),
    once: 3,
    again: 2,
    logins: ['pulumi oidcConfig success'],
    ends: false,
  },
  {
    provider: 'vault-secrets',
    values: () => reading(vault, 'vault-secrets', { read: { db: { path: 'kv/prod-db', field: 'password' } } }),
    holds: { read: { db: 'from-vault-secrets' } },
    path: 'read.db',
    put: (clouds, password) => void clouds.vault.kv1.set('prod-db', { password }),
    asked: (clouds) => sum(clouds.vault),
    once: 2,
    again: 1,
    unshared: 1,
    logins: ['vault jwt success'],
    ends: true,
  },
];
