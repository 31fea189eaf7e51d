// Every provider that opens from a cloud, with a call of each: the doubles of all clouds behind the real door, by the names of
// the hosts. For what must hold of all of them alike.
import { azureLogin, azureVaultName } from '../../../../test/support/cloud/azure-vault.ts';
import { type Clouds, connectHost, startClouds } from '../../../../test/support/cloud/clouds.ts';
import { clusterTrust } from '../../../../test/support/cloud/cluster-tokens.ts';
import { googlePool, googleProject, googleReader } from '../../../../test/support/cloud/google-federation.ts';
import type { ObserveLogin } from '../../../auth/contract.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../../../auth/pulumi/table.ts';
import { Sessions } from '../../../auth/session.ts';
import { systemClock } from '../../../base/clock.ts';
import type { Shares } from '../../../base/shares.ts';
import { createEgressPolicy } from '../../../http/egress.ts';
import { createProxyRules } from '../../../http/proxy.ts';
import { createUpstreamDoor } from '../../../http/upstream.ts';
import { createPulumiEnvironments } from '../../pulumi/access.ts';
import { roleArn } from './aws.fixture.ts';
import { type CloudBench, cloudBench, ending, JumpingClock } from './cloud.fixture.ts';
import { noOthers } from './opening.fixture.ts';
import { escProviders } from './table.ts';

export interface CloudsScene {
  readonly clouds: Clouds;
  readonly clock: JumpingClock;
  readonly bench: CloudBench;
  /** Logins as metrics count them: `provider method outcome`. */
  readonly logins: readonly string[];
}

/** What opens at each cloud, by the name of the provider. */
export interface CloudCase {
  readonly provider: string;
  /** Values of a document that reads by the provider, logged in where that is a call of its own. */
  readonly values: (clouds: Clouds) => object;
  readonly holds: object;
  readonly asked: (clouds: Clouds) => number;
  /** Requests of the first wave, and of one that finds a login which is good. */
  readonly once: number;
  readonly again: number;
  /** What metrics count of one opening. */
  readonly logins: readonly string[];
  /** Whether the cloud tells when what was opened ends. */
  readonly ends: boolean;
}

const subject = 'system:serviceaccount:shop:default';

const itemOf = (id: string, value: string) => ({
  id,
  title: id,
  fields: [{ id: 'password', label: 'password', value }],
});

export async function cloudsScene({
  shares,
  ...limits
}: {
  readonly wholeMs?: number;
  readonly shares?: Shares;
} = {}): Promise<CloudsScene> {
  const clock = new JumpingClock();
  const clouds = ending(
    await startClouds({
      clock,
      trust: clusterTrust,
      vaults: [
        { id: 'shop-1', name: 'Shop', items: [itemOf('Database', 'from-1password')] },
        { id: 'hidden-1', name: 'Hidden', items: [itemOf('Database', 'hidden')], isHidden: true },
      ],
      github: { appId: 4711, organization: 'acme', repositories: ['web'] },
    }),
  );
  const { aws, azure, google, pulumi } = clouds;
  aws.roles.set('reader', { subject, audience: 'sts.amazonaws.com', maxSessionSeconds: 7_200 });
  aws.secrets.set('us-west-2/db', [{ text: 'from-aws' }]);
  aws.parameters.set('us-west-2/db', { value: 'parameter-of-aws' });
  azure.secrets.set('db', { versions: { v1: 'from-azure' } });
  google.secrets.set('db', ['from-google']);
  pulumi.environments.set('acme/shop/prod', { db: 'from-pulumi' });
  pulumi.trust('acme', { ...clusterTrust, audience: 'urn:pulumi:org:acme', subject });
  const door = createUpstreamDoor({
    policy: createEgressPolicy({ insecureHosts: [] }),
    proxy: createProxyRules({ httpProxy: undefined, httpsProxy: clouds.hosts.proxyUrl, noProxy: undefined }),
    userAgent: 'escapement/test',
    clock: systemClock,
    limits,
  });
  // Doors of stores take a CA from their manifest; the real clouds need none.
  const trusting = { open: () => door.open({ caPem: clouds.hosts.caPem }), close: () => door.close() };
  const logins: string[] = [];
  const observeLogin: ObserveLogin = ({ provider, method }, outcome) =>
    void logins.push(`${provider} ${method} ${outcome}`);
  const bench = cloudBench({
    clock,
    door: trusting,
    providers(ports) {
      const sessions = new Sessions({ clock, observeLogin });
      const environments = createPulumiEnvironments({
        ...ports,
        shares,
        sessions,
        gatherPrincipal: gatherPulumiPrincipal,
        loginOf: pulumiLogin,
      });
      const table = escProviders({ ...noOthers, ...ports, shares, pulumi: environments, sessions, observeLogin });
      return names.flatMap((name) => {
        const provider = table.get(name);
        return provider === undefined ? [] : [[name, provider] as const];
      });
    },
  });
  return { clouds, clock, bench, logins };
}

const names = [
  '1password-secrets',
  'aws-login',
  'aws-parameter-store',
  'aws-secrets',
  'azure-login',
  'azure-secrets',
  'gcp-login',
  'gcp-secrets',
  'gh-login',
  'pulumi-environment',
];

const awsLogin = { 'fn::open::aws-login': { oidc: { roleArn: roleArn('reader'), sessionName: 'shop' } } };
const { clientId, tenantId } = azureLogin;
const azure = { 'fn::open::azure-login': { clientId, tenantId, oidc: true } };
const google = {
  'fn::open::gcp-login': { project: Number(googleProject), oidc: { ...googlePool, serviceAccount: googleReader } },
};
const sum = (...doubles: readonly { readonly requests: readonly unknown[] }[]) =>
  doubles.reduce((all, { requests }) => all + requests.length, 0);

/** A document that logs in and reads. */
const reading = (login: object, provider: string, inputs: object) => ({
  login,
  read: { [`fn::open::${provider}`]: { login: `\${login}`, ...inputs } },
});

export const cloudCases: readonly CloudCase[] = [
  {
    provider: 'aws-secrets',
    values: () => reading(awsLogin, 'aws-secrets', { region: 'us-west-2', get: { db: { secretId: 'db' } } }),
    holds: { read: { db: 'from-aws' } },
    asked: ({ aws }) => sum(aws.http),
    once: 2,
    again: 1,
    logins: ['aws oidc success'],
    ends: true,
  },
  {
    provider: 'aws-parameter-store',
    values: () => reading(awsLogin, 'aws-parameter-store', { region: 'us-west-2', get: { db: { name: 'db' } } }),
    holds: { read: { db: 'parameter-of-aws' } },
    asked: ({ aws }) => sum(aws.http),
    once: 2,
    again: 1,
    logins: ['aws oidc success'],
    ends: true,
  },
  {
    provider: 'azure-secrets',
    values: () => reading(azure, 'azure-secrets', { vault: azureVaultName, get: { db: { name: 'db' } } }),
    holds: { read: { db: 'from-azure' } },
    asked: (clouds) => sum(clouds.azure.entra, clouds.azure.vault),
    once: 2,
    again: 1,
    logins: ['azure oidc success'],
    ends: true,
  },
  {
    provider: 'gcp-secrets',
    values: () => reading(google, 'gcp-secrets', { access: { db: { name: 'db' } } }),
    holds: { read: { db: 'from-google' } },
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
    holds: { read: { db: 'from-1password' } },
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
        'fn::open::gh-login': { appId: 4711, privateKey: { 'fn::secret': github.keys.privatePem }, owner: 'acme' },
      },
    }),
    holds: { read: { appSlug: 'deployer' } },
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
        'fn::open::pulumi-environment': { environment: 'acme/shop/prod', oidc: { audience: 'urn:pulumi:org:acme' } },
      },
    }),
    holds: { read: { db: 'from-pulumi' } },
    asked: ({ pulumi }) => Object.values(pulumi.counts).reduce((all, count) => all + count, 0),
    once: 3,
    again: 2,
    logins: ['pulumi oidcConfig success'],
    ends: false,
  },
];
