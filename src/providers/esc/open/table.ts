// Every provider of `fn::open` that an Environment may name, one line each.
import type { SessionPool } from '../../../auth/contract.ts';
import type { ProviderShape } from '../../../core/esc/openings.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import type { PulumiEnvironments } from '../../pulumi/access.ts';
import { createAwsAccess } from './aws-access.ts';
import { awsLogin } from './aws-login.ts';
import { awsParameterStore } from './aws-parameter-store.ts';
import { awsSecrets } from './aws-secrets.ts';
import { azureProviders } from './azure.ts';
import type { EscProvider, HostPorts } from './contract.ts';
import { gcpProviders } from './gcp.ts';
import { githubLogin } from './github.ts';
import { infisicalLogin } from './infisical-login.ts';
import { infisicalSecrets } from './infisical-secrets.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './kubernetes.ts';
import { onePasswordSecrets } from './one-password.ts';
import { pulumiEnvironment } from './pulumi.ts';
import { vaultLogin, vaultSecrets } from './vault.ts';
import { VaultApi } from './vault-api.ts';
import type { LastingText } from './vault-leases.ts';

/** Providers by the names that documents use. */
export type EscProviders = ReadonlyMap<string, EscProvider>;

/** What the evaluator sees of them: plain data. */
export function shapesOf(providers: EscProviders): ReadonlyMap<string, ProviderShape> {
  return new Map(
    [...providers].map(([name, { inputs, outputs, secret, aliases }]) => [
      name,
      { inputs, outputs, ...(secret && { secret }), ...(aliases && { aliases }) },
    ]),
  );
}

/** What providers reach the world by. */
export interface EscProviderPorts extends HostPorts {
  readonly infisical: InfisicalAccess;
  readonly pulumi: PulumiEnvironments;
  /** Where logins are kept; a holder that is released there ends them. */
  readonly sessions: SessionPool;
  /** Where credentials that are leased are kept for the next process; absent keeps them for this one. */
  readonly lastingLeases?: LastingText | undefined;
}

export function escProviders(ports: EscProviderPorts): EscProviders {
  const { infisical, pulumi, clock, sessions, checkSite } = ports;
  const aws = createAwsAccess(ports);
  const vault = new VaultApi(ports);
  return new Map<string, EscProvider>([
    ['1password-secrets', onePasswordSecrets(ports)],
    ['gh-login', githubLogin(ports)],
    ['aws-login', awsLogin(aws)],
    ['aws-parameter-store', awsParameterStore(aws)],
    ['aws-secrets', awsSecrets(aws)],
    ...azureProviders(ports),
    ...gcpProviders(ports),
    ['infisical-login', infisicalLogin(infisical, checkSite)],
    ['infisical-secrets', infisicalSecrets(infisical, checkSite)],
    ['kubernetes-configmaps', kubernetesConfigMaps],
    ['kubernetes-secrets', kubernetesSecrets],
    ['pulumi-environment', pulumiEnvironment(pulumi, checkSite)],
    ['vault-login', vaultLogin({ api: vault, sessions, clock, checkSite })],
    ['vault-secrets', vaultSecrets({ api: vault, clock, checkSite })],
  ]);
}
