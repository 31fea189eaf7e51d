// Pulumi ESC, put together for stores, for Environments of the cluster and for people at a desk: loaded when the first of
// them needs it (open.ts).
import { gatherPulumiPrincipal, pulumiLogin } from '../auth/pulumi/table.ts';
import { createPulumiEnvironments, type PulumiEnvironments } from '../providers/pulumi/access.ts';
import { createPulumiDesk, type PulumiDesk, type PulumiDeskOptions } from '../providers/pulumi/desk.ts';
import { createPulumiProvider, type PulumiPorts } from '../providers/pulumi/provider.ts';

export interface Pulumi {
  readonly provider: ReturnType<typeof createPulumiProvider>;
  readonly environments: PulumiEnvironments;
  /** For a person with a token of their own. */
  readonly desk: (login: PulumiLogin) => PulumiDesk;
}

export type PulumiLogin = Pick<PulumiDeskOptions, 'accessToken' | 'backendUrl'>;

export function openPulumi(more: Omit<PulumiPorts, 'gatherPrincipal' | 'loginOf'>): Pulumi {
  const ports: PulumiPorts = { ...more, gatherPrincipal: gatherPulumiPrincipal, loginOf: pulumiLogin };
  return {
    provider: createPulumiProvider(ports),
    environments: createPulumiEnvironments(ports),
    desk: (login) => createPulumiDesk({ ...login, upstream: ports.door.open({}), clock: ports.clock }),
  };
}
