// Checks an Environment: reads it and what it names, and evaluates them without calling any provider.

import { OperatorError } from '../../base/operator-error.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import { environmentName } from '../../core/environment-names.ts';
import { maxDocuments } from '../../core/esc/limits.ts';
import { type Desks, inlineDesk, type JobTable } from '../../core/jobs.ts';
import type { Publication } from '../../core/publication.ts';
import type { ClusterSources } from '../contract.ts';
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
  check(name: string, cluster: ClusterSources, signal: AbortSignal): Promise<CheckedEnvironment>;
  /** In the name of its own namespace. What `openEnvironment` throws. */
  open(order: Omit<OpenOrder, 'consumer'>, cluster: ClusterSources, signal: AbortSignal): Promise<Opened>;
  /** What an opened Environment gives to pods. What `publicationOf` throws, and TooMuchWork. */
  publication(name: string, input: PublicationInput, signal: AbortSignal): Promise<Publication>;
  /** Ends what openings of the holder logged in. */
  release(holder: string): void;
}

type PublicationInput = JobTable['publication']['input'];

export function environmentEvaluation(
  providers: EscProviders,
  {
    desks = () => inlineDesk(),
    release,
  }: { readonly desks?: Desks | undefined; readonly release: (holder: string) => void },
): EnvironmentEvaluation {
  const deskOf = (name: string, signal: AbortSignal) => desks(environmentName(name, '').namespace, signal);
  return {
    check: (name, cluster, signal) =>
      checkEnvironment(name, { cluster, providers, desk: deskOf(name, signal) }, signal),
    open: (order, cluster, signal) =>
      openEnvironment(
        { ...order, consumer: undefined },
        { cluster, providers, desk: deskOf(order.name, signal) },
        signal,
      ),
    publication: (name, input, signal) => deskOf(name, signal).run('publication', input),
    release,
  };
}
