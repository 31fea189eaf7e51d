// Every provider of `fn::open` that an Environment may name, one line each.
import type { InfisicalAccess } from '../../infisical/access.ts';
import type { EscProvider } from './contract.ts';
import { infisicalLogin, infisicalSecrets } from './infisical.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './kubernetes.ts';

/** A provider by the name that documents use. */
export type EscProviders = (name: string) => EscProvider | undefined;

export function escProviders(infisical: InfisicalAccess): EscProviders {
  const table = new Map<string, EscProvider>([
    ['infisical-login', infisicalLogin(infisical)],
    ['infisical-secrets', infisicalSecrets(infisical)],
    ['kubernetes-configmaps', kubernetesConfigMaps],
    ['kubernetes-secrets', kubernetesSecrets],
  ]);
  return (name) => table.get(name);
}
