// Opens an Environment: evaluates, loads and opens what the evaluator asks for, concurrently and once each, and evaluates
// again until nothing is missing. Each round is a job, whose size the documents decide. An error of the document, or of an
// opening, ends it; none of them holds a value.

import { TokenRejected } from '../../auth/contract.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import type { Reason } from '../../base/reasons.ts';
import { ownTurn } from '../../base/turns.ts';
import { environmentName } from '../../core/environment-names.ts';
import { type HeldAnswer, heldInTurns } from '../../core/esc/job-packing.ts';
import { LimitExceeded, maxRounds } from '../../core/esc/limits.ts';
import { type Opening, scrub } from '../../core/esc/openings.ts';
import type { HeldValue } from '../../core/esc/packed-value.ts';
import type { Desk } from '../../core/jobs.ts';
import type { ClusterSources } from '../contract.ts';
import { Documents } from './documents.ts';
import type { OpenContext } from './open/contract.ts';
import { type EscProviders, shapesOf } from './open/table.ts';
import { SameOpenings } from './same-opening.ts';

export interface OpenOrder {
  /** `namespace/name`. */
  readonly name: string;
  /** The namespace in whose name it is opened; undefined for the administrator's own look. */
  readonly consumer: string | undefined;
  readonly holder: string;
  /** Openings must come from requests that started at or after this instant (monotonic ms). */
  readonly notBeforeMs: number;
}

export interface OpenPorts {
  readonly cluster: ClusterSources;
  readonly providers: EscProviders;
  /** Where documents are read and evaluated. */
  readonly desk: Desk;
}

/** Absence in an opening is a fault of the Environment, never the absence of what an ExternalSecret asked for. */
const asFaults: Partial<Record<Reason, Reason>> = {
  SecretNotFound: 'InvalidValue',
  PropertyNotFound: 'InvalidValue',
  NothingFound: 'InvalidValue',
};

/** An Environment that was opened. */
export interface Opened {
  /** An object. */
  readonly value: HeldValue;
  /** How long all that was opened is good for, from the opening on; undefined when nothing of it ends. */
  readonly lifetimeMs: number | undefined;
}

/** Throws InvalidSpec for errors of documents, and what openings throw, with their reasons. */
export async function openEnvironment(order: OpenOrder, ports: OpenPorts, signal: AbortSignal): Promise<Opened> {
  try {
    return await openOnce(order, ports, signal);
  } catch (thrown) {
    // A token that was opened had ended early: whoever gave it knows by now, and gives another.
    if (!(thrown instanceof TokenRejected)) throw thrown;
    return await openOnce(order, ports, signal);
  }
}

async function openOnce(order: OpenOrder, ports: OpenPorts, signal: AbortSignal): Promise<Opened> {
  const { desk } = ports;
  const documents = new Documents(ports.cluster, { desk });
  const root = await documents.root(order.name, order.consumer, signal);
  const openings = new Map<string, HeldAnswer>();
  const same = new SameOpenings();
  const shapes = shapesOf(ports.providers);
  let lifetimeMs: number | undefined;
  const noteLifetime = (ms: number) => {
    lifetimeMs = Math.min(lifetimeMs ?? ms, ms);
  };
  for (let left = maxRounds; left > 0; left--) {
    const unreadCost = await documents.unreadCost();
    const { given, keys } = documents;
    const round = { root, documents: given, keys, shapes, unreadCost, openings };
    const evaluation = await desk.run('openEnvironment', round);
    if ('value' in evaluation) return { value: evaluation.value, lifetimeMs };
    const { needs } = evaluation;
    const [answers] = await readAll([
      openAll(needs.openings, { ...order, noteLifetime, same }, ports, signal),
      documents.load(needs.documents, signal),
    ]);
    for (const [at, { id }] of needs.openings.entries()) openings.set(id, answers[at] ?? { error: 'no answer' });
  }
  throw new OperatorError('InvalidSpec', `environment "${order.name}": more than ${maxRounds} calls feed one another`);
}

type RoundOrder = OpenOrder & Required<Pick<OpenContext, 'noteLifetime'>> & { readonly same: SameOpenings };

/** All answers once each is there; of several failures the first in order, so that the message is the same each time. */
async function openAll(
  openings: readonly Opening[],
  order: RoundOrder,
  ports: OpenPorts,
  signal: AbortSignal,
): Promise<readonly HeldAnswer[]> {
  return await readAll(openings.map((opening) => answer(opening, order, ports, signal)));
}

async function answer(
  opening: Opening,
  { holder, notBeforeMs, noteLifetime, same }: RoundOrder,
  { cluster, providers }: OpenPorts,
  signal: AbortSignal,
): Promise<HeldAnswer> {
  const provider = providers.get(opening.provider);
  if (provider === undefined) return { error: `unknown provider ${JSON.stringify(opening.provider)}` };
  const { namespace } = environmentName(opening.environment, '');
  const context = {
    namespace,
    cluster,
    credentials: cluster.credentialsIn(namespace),
    holder,
    notBeforeMs,
    noteLifetime,
  };
  try {
    const open = () => provider.open(opening.inputs, context, signal);
    return { value: await heldInTurns(await same.run({ ...opening, namespace }, open), ownTurn) };
  } catch (thrown) {
    if (thrown instanceof LimitExceeded) throw tooLarge(opening, thrown.message);
    const { message, reason, retryAfterMs } = asOperatorError(thrown);
    const told = `environment "${opening.environment}": ${opening.path}: ${named(opening.provider, scrub(message, opening.inputs))}`;
    if (thrown instanceof TokenRejected) throw new TokenRejected(told);
    // The cause stays behind: its own text has not been looked through.
    throw new OperatorError(asFaults[reason] ?? reason, told, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
}

/** Who answers stands in every message, once. */
function named(provider: string, message: string): string {
  return message.includes(`${provider}: `) ? message : `${provider}: ${message}`;
}

function tooLarge({ environment, path, provider }: Opening, why: string): OperatorError {
  return new OperatorError('AnswerTooLarge', `environment "${environment}": ${path}: what ${provider} gives: ${why}`);
}
