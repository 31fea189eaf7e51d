// Pulumi Cloud for those who are no store: an environment opened whole, with the flags of its values. Sessions, the rules for
// hosts and the pauses of who was throttled are those of stores.
import { type Credentials, TokenRejected } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { type EscValue, objectValue } from '../../core/esc/value.ts';
import type { PulumiAuth } from '../../crds/pulumi.ts';
import { Pauses } from '../shared/pauses.ts';
import { type EnvironmentScope, nameOf, openEvaluated } from './api.ts';
import { evaluationError } from './errors.ts';
import { connectPulumi, type PulumiPorts } from './provider.ts';

export interface EnvironmentOrder {
  /** Address of the ESC API; Pulumi Cloud's when empty. */
  readonly apiUrl: string;
  readonly scope: EnvironmentScope;
  readonly auth: PulumiAuth;
  readonly credentials: Credentials;
  readonly caPem: string | undefined;
  /** Who holds the session. */
  readonly holder: string;
}

export interface PulumiEnvironments {
  /**
   * All values, of one evaluation. Throws ScopeNotFound, AccessDenied, LoginRejected, UpstreamRejected (the evaluation
   * failed), UpstreamThrottled …
   */
  open(order: EnvironmentOrder, signal: AbortSignal): Promise<EscValue>;
}

export function createPulumiEnvironments(ports: PulumiPorts): PulumiEnvironments {
  const pauses = new Pauses({ clock: ports.clock });
  return {
    async open({ apiUrl, scope, auth, ...more }, signal) {
      const { organization, project, environment } = scope;
      const spec = { apiUrl, organization, project, environment, auth };
      const way = await connectPulumi(ports, { spec, ...more }, signal);
      try {
        const { value, diagnostics } = await openEvaluated({ ...way, pauses }, scope, signal);
        const errors = diagnostics.filter(({ severity }) => severity === 'error');
        if (errors.length > 0) {
          const place = { operation: `open ${nameOf(scope)}`, host: way.address.host };
          throw evaluationError(
            errors.map(({ summary, path }) => ({ isError: true, summary, path })),
            place,
          );
        }
        return value ?? objectValue([]);
      } catch (thrown) {
        // The session has logged in once more already, where it can: the documents that were opened know no other token.
        if (thrown instanceof TokenRejected) throw new OperatorError('AccessDenied', thrown.message);
        throw thrown;
      }
    },
  };
}
