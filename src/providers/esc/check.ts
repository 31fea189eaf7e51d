// Checks an Environment: reads it and what it names, and evaluates them without calling any provider.

import { OperatorError } from '../../base/operator-error.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import { maxDocuments } from '../../core/esc/limits.ts';
import { Documents } from './documents.ts';
import { type Opened, type OpenOrder, type OpenPorts, openEnvironment } from './evaluation.ts';
import { type EscProviders, shapesOf } from './open/table.ts';

/**
 * `name` is `namespace/name`; it is checked in the name of its own namespace. Throws InvalidSpec for a spec that is none,
 * ReferenceNotFound when it is gone, and what reading throws; what the documents hold is in the answer.
 */
export async function checkEnvironment(
  name: string,
  { cluster, providers, desk }: OpenPorts,
  signal: AbortSignal,
): Promise<CheckedEnvironment> {
  const documents = new Documents(cluster, { desk });
  const root = await documents.root(name, undefined, signal);
  const shapes = shapesOf(providers);
  // Every round loads at least one document that was not there.
  for (let round = 0; round <= maxDocuments; round++) {
    const unreadCost = await documents.unreadCost();
    const { given } = documents;
    const evaluation = await desk.run('checkEnvironment', { root, documents: given, shapes, unreadCost });
    if ('checked' in evaluation) return evaluation.checked;
    await documents.load(evaluation.needs, signal);
  }
  throw new OperatorError('InvalidSpec', `environment "${name}": more than ${maxDocuments} environments are imported`);
}

/** Environments as who looks after them evaluates them: the providers are known already. */
export interface EnvironmentEvaluation {
  check(name: string, means: EvaluationMeans, signal: AbortSignal): Promise<CheckedEnvironment>;
  /** In the name of its own namespace. What `openEnvironment` throws. */
  open(order: Omit<OpenOrder, 'consumer'>, means: EvaluationMeans, signal: AbortSignal): Promise<Opened>;
  /** Ends what openings of the holder logged in. */
  release(holder: string): void;
}

type EvaluationMeans = Omit<OpenPorts, 'providers'>;

export function environmentEvaluation(
  providers: EscProviders,
  { release }: { readonly release: (holder: string) => void },
): EnvironmentEvaluation {
  return {
    check: (name, means, signal) => checkEnvironment(name, { ...means, providers }, signal),
    open: (order, means, signal) => openEnvironment({ ...order, consumer: undefined }, { ...means, providers }, signal),
    release,
  };
}
