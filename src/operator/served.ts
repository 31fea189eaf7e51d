// Whether the API server is there and serves our kinds, and what their status may hold.
import pRetry from 'p-retry';
import { sleep } from '../base/clock.ts';
import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import { kinds } from '../controller/kinds.ts';
import type { StatusDialect } from '../core/sync-status.ts';
import { externalSecretResource } from '../crds/external-secret.ts';
import { detectCompatibility, serves } from '../kube/discovery.ts';
import type { InformerDeps } from '../kube/informer.ts';
import type { Transport } from '../kube/transport.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How often it is looked whether the CRDs are there. */
const servedCheckMs = 2_000;

/** Waits for the API server and for our kinds: installing the CRDs after the operator is an order like any other. */
export async function untilServed(
  { transport, clock, log }: InformerDeps,
  waitingFor: Set<string>,
  stopping: AbortSignal,
): Promise<void> {
  let told = '';
  for (;;) {
    const problem = await notServed(transport, stopping);
    if (problem === undefined) return;
    waitingFor.clear();
    waitingFor.add(problem);
    if (problem !== told) log.warn({ detail: problem }, 'waiting');
    told = problem;
    await sleep(clock, servedCheckMs, stopping);
  }
}

async function notServed(transport: Transport, stopping: AbortSignal): Promise<string | undefined> {
  try {
    if (await serves(transport, externalSecretResource, stopping)) return undefined;
    return 'the CustomResourceDefinitions: external-secrets.io/v1 is not served; apply them with `escapement crds | kubectl apply -f -`';
  } catch (thrown) {
    if (stopping.aborted) throw thrown;
    return `the API server (${asOperatorError(thrown).message})`;
  }
}

/** About ten seconds, by the delays between them. */
const mostSchemaLooks = 12;

/**
 * What the served CRD lets a status hold; ESO's own CRDs hold less, and that is said once. The API server publishes a
 * schema a moment after a CRD was applied, so it is asked for some seconds; without an answer the lesser form is used,
 * which every CRD takes.
 */
export async function statusDialect(transport: Transport, log: Logger, signal: AbortSignal): Promise<StatusDialect> {
  const resources = Object.values(kinds).map(({ definition }) => definition.resource);
  const groups = [...Map.groupBy(resources, ({ group, version }) => `${group}/${version}`).values()];
  const ask = async () => {
    const found = await Promise.all(groups.map((each) => detectCompatibility(transport, each, signal)));
    if (!found.some((schemas) => schemas.has(externalSecretResource.kind)))
      throw new OperatorError('ReferenceNotFound', 'the schema is not published yet');
    return found.flatMap((schemas) => [...schemas.values()]);
  };
  let looks = 0;
  // An API server that is away says nothing about its schema: it is waited for, however long.
  const isWorthAnother = (thrown: unknown) =>
    asOperatorError(thrown).reason === 'ApiUnavailable' || ++looks < mostSchemaLooks;
  const schemas = await pRetry(ask, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 100,
    maxTimeout: 1_000,
    signal,
    shouldRetry: ({ error }) => isWorthAnother(error),
  }).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown;
    log.warn({ err: thrown }, 'the schema of the status could not be read');
    return undefined;
  });
  const extended = schemas?.every(
    ({ observedGeneration, conditionObservedGeneration, conditionTypes }) =>
      observedGeneration && conditionObservedGeneration && (conditionTypes?.includes('Reconciling') ?? true),
  );
  if (extended === true) return { extended };
  const detail =
    'the served CRDs are not those of Escapement: status carries conditions of type Ready only, without observedGeneration';
  log.info({ detail }, 'compatibility mode');
  return { extended: false };
}
