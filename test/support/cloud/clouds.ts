// All the clouds that Environments open from, by their own names: doubles that take the tokens of one cluster, and what an
// operator must be told to reach them.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type PulumiDouble, startPulumiDouble } from '../pulumi-double/double.ts';
import { startVaultDouble, type VaultDouble } from '../vault-double.ts';
import { type AwsApis, startAwsApis } from './aws-apis.ts';
import { type AzureVault, startAzureVault } from './azure-vault.ts';
import { type CloudHosts, startCloudHosts } from './cloud-hosts.ts';
import type { ClusterTrust } from './cluster-tokens.ts';
import { type GithubDouble, startGithubDouble } from './github.ts';
import { type GoogleFederation, startGoogleFederation } from './google-federation.ts';
import { type ConnectVault, type OnePasswordDouble, startOnePasswordDouble } from './one-password.ts';

export interface CloudsOptions {
  /** What the clouds go by; the system's when absent. */
  readonly clock?: Pick<Clock, 'nowMs'>;
  readonly trust: ClusterTrust;
  /** Of the 1Password Connect server. */
  readonly vaults: readonly ConnectVault[];
  /** The app at GitHub, and the organization that has installed it, with these repositories; perhaps a user, too. */
  readonly github: {
    readonly appId: number;
    readonly organization: string;
    readonly user?: string;
    readonly repositories: readonly string[];
  };
}

export interface Clouds {
  readonly aws: AwsApis;
  readonly azure: AzureVault;
  readonly google: GoogleFederation;
  readonly github: GithubDouble;
  readonly onePassword: OnePasswordDouble;
  readonly pulumi: PulumiDouble;
  readonly vault: VaultDouble;
  readonly hosts: CloudHosts;
  /** Variables of a process that reaches them. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export const connectHost = 'onepassword-connect.example.com';
export const vaultHost = 'vault.example.com';

export async function startClouds(options: CloudsOptions): Promise<Clouds> {
  const { clock = systemClock, trust, vaults, github: app } = options;
  const { appId, organization, repositories, user } = app;
  const users = user === undefined ? {} : { [user]: 2 };
  const doubles = {
    aws: await startAwsApis({ clock, issuer: trust }),
    azure: await startAzureVault({ clock, trust }),
    google: await startGoogleFederation({ clock, trust }),
    github: await startGithubDouble({ clock, appId, organizations: { [organization]: 1 }, users, repositories }),
    onePassword: await startOnePasswordDouble(vaults),
    pulumi: await startPulumiDouble({ nowMs: () => clock.nowMs() }),
    vault: await startVaultDouble(trust),
  };
  const { aws, azure, google, github, onePassword, pulumi, vault } = doubles;
  const hosts = await startCloudHosts({
    ...aws.routes,
    ...azure.routes,
    ...google.routes,
    'api.github.com': github.url,
    [connectHost]: onePassword.url,
    'api.pulumi.com': pulumi.baseUrl,
    [vaultHost]: vault.url,
  });
  const folder = await mkdtemp(join(tmpdir(), 'clouds-'));
  const caPath = join(folder, 'ca.pem');
  await writeFile(caPath, hosts.caPem);
  return {
    ...doubles,
    hosts,
    env: { HTTPS_PROXY: hosts.proxyUrl, NODE_EXTRA_CA_CERTS: caPath },
    async stop() {
      await hosts.stop();
      await Promise.all(Object.values(doubles).map((double) => double.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
