// Every provider of `fn::open` that an Environment may name, one line each.
import type { Clock } from '../../../base/clock.ts';
import type { UpstreamDoor } from '../../../http/contract.ts';
import type { InfisicalAccess } from '../../infisical/access.ts';
import type { EscProvider } from './contract.ts';
import { infisicalLogin, infisicalSecrets } from './infisical.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from './kubernetes.ts';

/** A provider by the name that documents use. */
export type EscProviders = (name: string) => EscProvider | undefined;

/** What providers reach the world by. */
export interface EscProviderPorts {
  readonly infisical: InfisicalAccess;
  /** To every other host, under the rules for upstreams. */
  readonly door: UpstreamDoor;
  readonly clock: Clock;
}

export function escProviders({ infisical }: EscProviderPorts): EscProviders {
  const table = new Map<string, EscProvider>([
    ['infisical-login', infisicalLogin(infisical)],
    ['infisical-secrets', infisicalSecrets(infisical)],
    ['kubernetes-configmaps', kubernetesConfigMaps],
    ['kubernetes-secrets', kubernetesSecrets],
  ]);
  return (name) => table.get(name);
}
