// Evaluates to the end: loads and opens what the evaluator asks for. Whatever is wrong is among the diagnostics, what a
// provider says too, so that it has a place in the document.
import { TokenRejected } from '../../auth/contract.ts';
import { asOperatorError, explain, OperatorError } from '../../base/operator-error.ts';
import type { Cipher } from '../../core/esc/ciphertext.ts';
import { type Evaluation, evaluate } from '../../core/esc/evaluate.ts';
import type { EscDocument } from '../../core/esc/expression.ts';
import { maxRounds } from '../../core/esc/limits.ts';
import type { Opening, OpeningResult } from '../../core/esc/openings.ts';
import type { LoadFailure } from '../../core/esc/session.ts';
import type { OpenContext } from '../../providers/esc/open/contract.ts';
import type { EscProviders } from '../../providers/esc/open/table.ts';

/** Documents by name, as far as they are loaded. */
export interface DocumentSet {
  readonly given: ReadonlyMap<string, EscDocument | LoadFailure>;
  load(names: readonly string[], signal: AbortSignal): Promise<void>;
}

export interface EvaluationOrder {
  readonly mode: 'check' | 'open';
  /** A check decrypts as well. */
  readonly showSecrets?: boolean;
  readonly root: EscDocument;
  readonly documents: DocumentSet;
  readonly providers: EscProviders;
  /** In whose name a call is made. */
  readonly contextOf: (opening: Opening) => OpenContext;
  readonly cipherOf: (name: string) => Pick<Cipher, 'decrypt'> | undefined;
}

/** Throws what loading throws, and InvalidSpec when the calls feed one another without end. */
export async function evaluateWhole(order: EvaluationOrder, signal: AbortSignal): Promise<Evaluation> {
  const { mode, root, documents, cipherOf, showSecrets = false } = order;
  const openings = new Map<string, OpeningResult>();
  const shapes = { provider: (name: string) => order.providers.get(name), rotator: () => undefined };
  for (let round = 0; round < maxRounds; round++) {
    const evaluation = evaluate({ mode, root, documents: documents.given, shapes, openings, cipherOf, showSecrets });
    if (evaluation.isComplete) return evaluation;
    const { needs } = evaluation;
    await Promise.all([
      documents.load(needs.documents, signal),
      ...needs.openings.map(async (opening) => openings.set(opening.id, await answer(opening, order, signal))),
    ]);
  }
  throw new OperatorError('InvalidSpec', `more than ${maxRounds} calls feed one another`);
}

async function answer(opening: Opening, order: EvaluationOrder, signal: AbortSignal): Promise<OpeningResult> {
  const provider = order.providers.get(opening.provider);
  if (provider === undefined) return { error: `unknown provider ${JSON.stringify(opening.provider)}` };
  const open = () => provider.open(opening.inputs, order.contextOf(opening), signal);
  try {
    // A token that was just given may have ended early: whoever gave it knows by now, and gives another.
    return {
      value: await open().catch((thrown: unknown) => (thrown instanceof TokenRejected ? open() : refuse(thrown))),
    };
  } catch (thrown) {
    signal.throwIfAborted();
    return { error: explain(asOperatorError(thrown)) };
  }
}

function refuse(thrown: unknown): never {
  throw thrown;
}
