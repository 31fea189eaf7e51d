// Opens an Environment: evaluates, loads and opens what the evaluator asks for, concurrently and once each, and evaluates
// again until nothing is missing. An error of the document, or of an opening, ends it; none of them holds a value.

import { TokenRejected } from '../../auth/contract.ts';
import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { readAll } from '../../base/read-all.ts';
import type { Reason } from '../../base/reasons.ts';
import { environmentName } from '../../core/environment-names.ts';
import type { Diagnostic } from '../../core/esc/diagnostics.ts';
import { evaluate } from '../../core/esc/evaluate.ts';
import { maxRounds } from '../../core/esc/limits.ts';
import { type Opening, type OpeningResult, scrub } from '../../core/esc/openings.ts';
import { hasErrors } from '../../core/esc/session.ts';
import { type EscValue, objectValue } from '../../core/esc/value.ts';
import type { ClusterSources } from '../contract.ts';
import { Documents } from './documents.ts';
import type { OpenContext } from './open/contract.ts';
import type { EscProviders } from './open/table.ts';
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
}

/** Errors told at most: a condition is read by people. */
const mostTold = 5;

/** Absence in an opening is a fault of the Environment, never the absence of what an ExternalSecret asked for. */
const asFaults: Partial<Record<Reason, Reason>> = {
  SecretNotFound: 'InvalidValue',
  PropertyNotFound: 'InvalidValue',
  NothingFound: 'InvalidValue',
};

/** An Environment that was opened. */
export interface Opened {
  /** An object. */
  readonly value: EscValue;
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
  const documents = new Documents(ports.cluster);
  const root = await documents.root(order.name, order.consumer, signal);
  const openings = new Map<string, OpeningResult>();
  const same = new SameOpenings();
  const shapes = { provider: ports.providers, rotator: () => undefined };
  const cipherOf = (name: string) => documents.cipherOf(name);
  let lifetimeMs: number | undefined;
  const noteLifetime = (ms: number) => {
    lifetimeMs = Math.min(lifetimeMs ?? ms, ms);
  };
  for (let round = 0; round < maxRounds; round++) {
    const evaluation = evaluate({ mode: 'open', root, documents: documents.given, shapes, openings, cipherOf });
    if (evaluation.isComplete) {
      return { value: opened(order.name, evaluation.value, evaluation.diagnostics), lifetimeMs };
    }
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
): Promise<readonly OpeningResult[]> {
  return await readAll(openings.map((opening) => answer(opening, order, ports, signal)));
}

async function answer(
  opening: Opening,
  { holder, notBeforeMs, noteLifetime, same }: RoundOrder,
  { cluster, providers }: OpenPorts,
  signal: AbortSignal,
): Promise<OpeningResult> {
  const provider = providers(opening.provider);
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
    return { value: await same.run({ ...opening, namespace }, open) };
  } catch (thrown) {
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

function opened(name: string, value: EscValue | undefined, diagnostics: readonly Diagnostic[]): EscValue {
  if (!hasErrors(diagnostics)) return value ?? objectValue([]);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const told = errors.slice(0, mostTold).map(({ environment, path, summary }) => {
    const place = environment === name ? path : `environment "${environment}"${path === '' ? '' : ` ${path}`}`;
    return place === '' ? summary : `${place}: ${summary}`;
  });
  const rest = errors.length > mostTold ? `; and ${errors.length - mostTold} more` : '';
  throw new OperatorError('InvalidSpec', `environment "${name}": ${told.join('; ')}${rest}`);
}
