// Environments of Pulumi Cloud for a person at a desk: opened, or checked from their definition, with flags and places kept.
// The token is the person's own and is never renewed.
import { type Session, TokenRejected } from '../../auth/contract.ts';
import type { Clock } from '../../base/clock.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Upstream } from '../../http/contract.ts';
import { Pauses } from '../shared/pauses.ts';
import { parseApiUrl } from './address.ts';
import { checkDefinition, type EnvironmentScope, openEvaluated, type PulumiAccess, readDefinition } from './api.ts';
import type { Evaluated } from './evaluated.ts';

export interface PulumiDesk {
  /** Throws what opening a store throws; errors of the document are diagnostics. */
  open(scope: EnvironmentScope, signal: AbortSignal): Promise<Evaluated>;
  check(scope: EnvironmentScope, options: { readonly showSecrets: boolean }, signal: AbortSignal): Promise<Evaluated>;
}

export interface PulumiDeskOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly accessToken: string | undefined;
  /** Root of the service, such as `https://api.pulumi.com`; Pulumi's own when absent. */
  readonly backendUrl: string | undefined;
}

export function createPulumiDesk({ upstream, clock, accessToken, backendUrl }: PulumiDeskOptions): PulumiDesk {
  const access = (): PulumiAccess => {
    if (accessToken === undefined) {
      throw new OperatorError(
        'InvalidCredential',
        'PULUMI_ACCESS_TOKEN is not set: Pulumi Cloud needs an access token',
      );
    }
    const token = new SecretValue(accessToken);
    const session: Session = { key: 'desk', withToken: (call) => call(token, Number.POSITIVE_INFINITY).catch(refused) };
    const address = parseApiUrl(backendUrl === undefined ? '' : `${backendUrl.replace(/\/+$/, '')}/api/esc`);
    return { address, upstream, session, pauses: new Pauses({ clock }), keeper: 'desk' };
  };
  return {
    open: async (scope, signal) => await openEvaluated(access(), scope, signal),
    async check(scope, options, signal) {
      const way = access();
      return await checkDefinition(way, scope, { ...options, yaml: await readDefinition(way, scope, signal) }, signal);
    },
  };
}

function refused(thrown: unknown): never {
  if (thrown instanceof TokenRejected)
    throw new OperatorError('LoginRejected', `${thrown.message}: see PULUMI_ACCESS_TOKEN`);
  throw thrown;
}
