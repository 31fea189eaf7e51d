// Checks an Environment: reads it and what it names, and evaluates them without calling any provider.

import { OperatorError } from '../../base/operator-error.ts';
import { type CheckedEnvironment, checkedEnvironment } from '../../core/environment-check.ts';
import { evaluate } from '../../core/esc/evaluate.ts';
import { maxDocuments } from '../../core/esc/limits.ts';
import type { ClusterSources } from '../contract.ts';
import { Documents } from './documents.ts';
import { type Opened, type OpenOrder, openEnvironment } from './evaluation.ts';
import type { EscProviders } from './open/table.ts';

/**
 * `name` is `namespace/name`; it is checked in the name of its own namespace. Throws InvalidSpec for a spec that is none,
 * ReferenceNotFound when it is gone, and what reading throws; what the documents hold is in the answer.
 */
export async function checkEnvironment(
  name: string,
  { cluster, providers }: { readonly cluster: ClusterSources; readonly providers: EscProviders },
  signal: AbortSignal,
): Promise<CheckedEnvironment> {
  const documents = new Documents(cluster);
  const root = await documents.root(name, undefined, signal);
  const shapes = { provider: providers, rotator: () => undefined };
  // Every round loads at least one document that was not there.
  for (let round = 0; round <= maxDocuments; round++) {
    const { given } = documents;
    const evaluation = evaluate({ mode: 'check', root, documents: given, shapes, openings: new Map() });
    if (evaluation.isComplete)
      return checkedEnvironment({ root, values: documents.values(name), documents: given, evaluation });
    await documents.load(evaluation.needs.documents, signal);
  }
  throw new OperatorError('InvalidSpec', `environment "${name}": more than ${maxDocuments} environments are imported`);
}

/** Environments as who looks after them evaluates them: the providers are known already. */
export interface EnvironmentEvaluation {
  check(name: string, cluster: ClusterSources, signal: AbortSignal): Promise<CheckedEnvironment>;
  /** In the name of its own namespace. What `openEnvironment` throws. */
  open(order: Omit<OpenOrder, 'consumer'>, cluster: ClusterSources, signal: AbortSignal): Promise<Opened>;
  /** Ends what openings of the holder logged in. */
  release(holder: string): void;
}

export function environmentEvaluation(
  providers: EscProviders,
  release: (holder: string) => void,
): EnvironmentEvaluation {
  return {
    check: (name, cluster, signal) => checkEnvironment(name, { cluster, providers }, signal),
    open: (order, cluster, signal) =>
      openEnvironment({ ...order, consumer: undefined }, { cluster, providers }, signal),
    release,
  };
}
