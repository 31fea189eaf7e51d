// Every provider that opens from a cloud: the doubles of all clouds behind the real door, by the names of the hosts. For what
// must hold of all of them alike.
import { cloudsOfCases, plantCases } from '../../../../test/support/cloud/cases.ts';
import { type Clouds, startClouds } from '../../../../test/support/cloud/clouds.ts';
import { clusterTrust } from '../../../../test/support/cloud/cluster-tokens.ts';
import type { ObserveLogin } from '../../../auth/contract.ts';
import { gatherPulumiPrincipal, pulumiLogin } from '../../../auth/pulumi/table.ts';
import { Sessions } from '../../../auth/session.ts';
import { systemClock } from '../../../base/clock.ts';
import type { Shares } from '../../../base/shares.ts';
import { createEgressPolicy } from '../../../http/egress.ts';
import { createProxyRules } from '../../../http/proxy.ts';
import { createUpstreamDoor } from '../../../http/upstream.ts';
import { createPulumiEnvironments } from '../../pulumi/access.ts';
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

const subject = 'system:serviceaccount:shop:default';

export async function cloudsScene({
  shares,
  ...limits
}: {
  readonly wholeMs?: number;
  readonly shares?: Shares;
} = {}): Promise<CloudsScene> {
  const clock = new JumpingClock();
  const clouds = ending(await startClouds({ ...cloudsOfCases, clock, trust: clusterTrust }));
  plantCases(clouds, { subject, trust: clusterTrust });
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
  'vault-login',
  'vault-secrets',
];
