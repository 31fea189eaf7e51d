// Environments of the cluster, put together for stores and for who looks after them: the language of their documents and all
// that these may open, loaded when the first Environment is met (open.ts).
import { type EnvironmentEvaluation, environmentEvaluation } from '../providers/esc/check.ts';
import { type EscProviderPorts, type EscProviders, escProviders } from '../providers/esc/open/table.ts';
import { createEscProvider, type EscPorts } from '../providers/esc/provider.ts';

export interface Environments {
  /** Providers of `fn::open`, for who evaluates without a store. */
  readonly providers: EscProviders;
  readonly provider: ReturnType<typeof createEscProvider>;
  readonly evaluation: EnvironmentEvaluation;
}

export function openEnvironments(
  ports: EscProviderPorts & Pick<EscPorts, 'workplaces' | 'release' | 'observeRead'>,
): Environments {
  const { account, clock, workplaces, release, observeRead, shares } = ports;
  const providers = escProviders(ports);
  return {
    providers,
    provider: createEscProvider({ account, clock, workplaces, providers, release, observeRead, shares }),
    evaluation: environmentEvaluation(providers, { release }),
  };
}
