// Pulumi Cloud for those who are no store: an environment opened whole, with the flags of its values, once for all who open it
// in one wave with one identity. Sessions, the rules for hosts and the pauses of who was throttled are those of stores.
import { type Credentials, TokenRejected } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import { type EscValue, objectValue } from '../../core/esc/value.ts';
import type { PulumiAuth } from '../../crds/pulumi.ts';
import { digestOf } from '../shared/digest.ts';
import { sizeOfEsc } from '../shared/kept-size.ts';
import { type Outcome, outcomeOf, valueIn } from '../shared/outcome.ts';
import { Pauses } from '../shared/pauses.ts';
import { memoryOf, overheadBytes, Snapshots } from '../shared/snapshots.ts';
import { type EnvironmentScope, nameOf, openEvaluated } from './api.ts';
import { evaluationError } from './errors.ts';
import type { Evaluated } from './evaluated.ts';
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
  /** Who takes turns with others at the host, and in whose share answers are kept: a namespace. */
  readonly turn: string;
  /** The open must have started at or after this instant (monotonic ms). */
  readonly notBeforeMs: number;
}

export interface PulumiEnvironments {
  /**
   * All values, of one evaluation. Throws ScopeNotFound, AccessDenied, LoginRejected, UpstreamRejected (the evaluation
   * failed), UpstreamThrottled …
   */
  open(order: EnvironmentOrder, signal: AbortSignal): Promise<EscValue>;
}

/** How long an answer is there for those who open in the same wave. */
const keepMs = 60_000;

export function createPulumiEnvironments(ports: PulumiPorts): PulumiEnvironments {
  const { account, clock, shares } = ports;
  const pauses = new Pauses({ clock });
  const opened = new Snapshots<Outcome<Evaluated>>({
    clock,
    keepMs,
    shares,
    memory: memoryOf(account, ({ value }) => (value === undefined ? overheadBytes : sizeOfEsc(value))),
  });
  return {
    async open({ apiUrl, scope, auth, notBeforeMs, ...more }, signal) {
      const { organization, project, environment } = scope;
      const spec = { apiUrl, organization, project, environment, auth };
      const way = await connectPulumi(ports, { spec, ...more, keeper: more.turn }, signal);
      const fetch = async (_: unknown, waiting: AbortSignal) => ({
        value: await outcomeOf(() => openEvaluated({ ...way, pauses }, scope, waiting)),
      });
      try {
        const key = digestOf(way.session.key, scope);
        const order = { key, origin: way.address.root, holder: more.turn, notBeforeMs, fetch };
        const outcome = await opened.get(order, signal);
        const { value, diagnostics } = valueIn(outcome);
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
