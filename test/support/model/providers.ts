// The providers of a replica on the model: the model's own in the place of `fake`, and the real ones of Pulumi, over the
// model's upstream, and of Environments, over its cluster.
import { gatherPulumiPrincipal, pulumiLogin } from '../../../src/auth/pulumi/table.ts';
import { Sessions } from '../../../src/auth/session.ts';
import type { FakeSpec } from '../../../src/crds/fake.ts';
import type { Provider } from '../../../src/providers/contract.ts';
import { type EnvironmentEvaluation, environmentEvaluation } from '../../../src/providers/esc/check.ts';
import type { EscProvider } from '../../../src/providers/esc/open/contract.ts';
import { kubernetesConfigMaps, kubernetesSecrets } from '../../../src/providers/esc/open/kubernetes.ts';
import { createEscProvider } from '../../../src/providers/esc/provider.ts';
import { createPulumiProvider } from '../../../src/providers/pulumi/provider.ts';
import type { ScopeNews } from '../../../src/providers/shared/scope-news.ts';
import type { ModelProcess } from './process.ts';
import type { ModelPulumi } from './pulumi.ts';
import type { ModelUpstream } from './upstream.ts';

type ConnectRest = Parameters<Provider<FakeSpec>['connect']> extends [unknown, ...infer Rest] ? Rest : never;

export interface ModelProviders {
  readonly byName: (name: string) => Provider<unknown> | undefined;
  readonly evaluation: EnvironmentEvaluation;
}

const ofCluster = new Map([
  ['kubernetes-secrets', kubernetesSecrets],
  ['kubernetes-configmaps', kubernetesConfigMaps],
]);

export function modelProviders(
  {
    upstream,
    pulumi,
    openings,
  }: Readonly<{ upstream: ModelUpstream; pulumi: ModelPulumi; openings: ReadonlyMap<string, EscProvider> }>,
  news: ScopeNews,
  { clock }: ModelProcess,
): ModelProviders {
  const sessions = new Sessions({ clock });
  const own = upstream.provider(clock, news);
  const openable = new Map([...ofCluster, ...openings]);
  const table: Readonly<Record<string, unknown>> = {
    fake: own,
    // For stores that name credentials: what they hold is the upstream's, too.
    infisical: { ...own, connect: (_: unknown, ...rest: ConnectRest) => own.connect({ data: [] }, ...rest) },
    esc: createEscProvider({ clock, providers: openable, release: () => {} }),
    pulumi: createPulumiProvider({
      door: pulumi.door(clock),
      sessions,
      clock,
      gatherPrincipal: gatherPulumiPrincipal,
      loginOf: pulumiLogin,
      news,
    }),
  };
  const evaluation = environmentEvaluation(openable, { release: () => {} });
  // Each is given what the schema of its name has read.
  return { byName: (name) => table[name] as Provider<unknown> | undefined, evaluation };
}
