// A provider whose code is loaded when the first store connects. What must be known before stands beside it.
import type { OnDemand } from '../base/on-demand.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Provider } from '../providers/contract.ts';

type Facts = Pick<Provider<never>, 'capabilities' | 'followsObjects'>;

export function providerOnDemand<Spec>(
  facts: Facts,
  part: OnDemand<{ readonly provider: Provider<Spec> }>,
): Provider<Spec> {
  /** Holders whose connecting waits for the code. */
  const waiting = new Set<string>();
  return {
    ...facts,
    async connect(spec, context, signal) {
      waiting.add(context.holder);
      const { provider } = await part.load().finally(() => {
        // Whoever has let go meanwhile would hold for ever what is opened in its name.
        if (!waiting.delete(context.holder)) throw new OperatorError('Aborted', 'the store has changed');
      });
      return await provider.connect(spec, context, signal);
    },
    release(holder) {
      waiting.delete(holder);
      part.ifLoaded?.provider.release(holder);
    },
  };
}
