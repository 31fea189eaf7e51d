// Every provider of `fn::open` that an Environment may name, one line each.
import type { SessionPool } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import type { UpstreamDoor } from '../../../http/contract.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import type { PulumiEnvironments } from '../../pulumi/access.ts';
import { createAwsAccess } from './aws-access.ts';
import { awsLogin } from './aws-login.ts';
import { awsParameterStore } from './aws-parameter-store.ts';
import { awsSecrets } from './aws-secrets.ts';
import { azureProviders } from './azure.ts';
import type { EscProvider } from './contract.ts';
import { gcpProviders } from './gcp.ts';
import { githubLogin } from './github.ts';
import { type CheckSite, infisicalLogin, infisicalSecrets } from './infisical.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './kubernetes.ts';
import { onePasswordSecrets } from './one-password.ts';
import { pulumiEnvironment } from './pulumi.ts';
import { vaultLogin, vaultSecrets } from './vault.ts';
import { VaultApi } from './vault-api.ts';

/** A provider by the name that documents use. */
export type EscProviders = (name: string) => EscProvider | undefined;

/** What providers reach the world by. */
export interface EscProviderPorts {
  readonly infisical: InfisicalAccess;
  readonly pulumi: PulumiEnvironments;
  /** To every other host, under the rules for upstreams. */
  readonly door: UpstreamDoor;
  readonly clock: Clock;
  /** Whether the namespace of an Environment may reach a host. */
  readonly checkSite?: CheckSite | undefined;
  /** Where logins are kept; a holder that is released there ends them. */
  readonly sessions: SessionPool;
}

export function escProviders({ infisical, pulumi, door, clock, sessions, checkSite }: EscProviderPorts): EscProviders {
  const aws = createAwsAccess({ door, clock, checkSite });
  const vault = new VaultApi({ door, clock });
  const table = new Map<string, EscProvider>([
    ['1password-secrets', onePasswordSecrets(door, checkSite)],
    ['gh-login', githubLogin(door, clock, checkSite)],
    ['aws-login', awsLogin(aws)],
    ['aws-parameter-store', awsParameterStore(aws)],
    ['aws-secrets', awsSecrets(aws)],
    ...azureProviders({ door, clock, checkSite }),
    ...gcpProviders({ door, clock, checkSite }),
    ['infisical-login', infisicalLogin(infisical, checkSite)],
    ['infisical-secrets', infisicalSecrets(infisical, checkSite)],
    ['kubernetes-configmaps', kubernetesConfigMaps],
    ['kubernetes-secrets', kubernetesSecrets],
    ['pulumi-environment', pulumiEnvironment(pulumi, checkSite)],
    ['vault-login', vaultLogin({ api: vault, sessions, clock, checkSite })],
    ['vault-secrets', vaultSecrets({ api: vault, clock, checkSite })],
  ]);
  return (name) => table.get(name);
}
