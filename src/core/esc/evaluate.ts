// The evaluation of ESC documents: the one door for callers. Pure: no waiting, no clock, no input or output. How to use it:
//
//   const root = readDocument(name, text)            // or documentOfData(name, spec): once per document
//   for (let round = 0; round < maxRounds; round++) {
//     const evaluation = evaluate({ mode, root, documents, shapes, openings, context, cipherOf })
//     if (evaluation.isComplete) return evaluation   // only now do value and diagnostics count
//     load every name of evaluation.needs.documents into `documents` (an EscDocument, or { error } in user's words)
//     open all of evaluation.needs.openings concurrently into `openings` under their ids (a value, or { error })
//   }
//
// - `${environments.A.B}` asks for `A/B`, an import for its target: what is written, unless documentOfData is told otherwise.
//   Who loads says who may import what.
// - Each call of a provider is asked for once, when its inputs are known; ids are the same in every round.
// - Diagnostics may hold errors beside a value: whether an open fails then is the caller's choice. Ours do: hasErrors().
// - Values: ./value.ts (flags, schemas of unknowns), ./export.ts (plain JSON, secret paths, property paths, projections).
// - `fn::secret` ciphertexts: ./ciphertext.ts (envelope), ./cipher.ts (ours), ./encrypt-document.ts (whole documents).
// - Bounds: ./limits.ts. Exceeding one gives no value and one error.
import type { Cell } from './cell.ts';
import type { Diagnostic } from './diagnostics.ts';
import { anonymous, evaluateDocument } from './environment.ts';
import { LimitExceeded } from './limits.ts';
import type { Opening, Rotation } from './openings.ts';
import { type EvaluateInput, Session } from './session.ts';
import { EscValue } from './value.ts';

export interface Evaluation {
  /** Nothing more is needed. */
  readonly isComplete: boolean;
  readonly needs: { readonly documents: readonly string[]; readonly openings: readonly Opening[] };
  /** The values of the root, an object; absent for a document that is broken, or has neither imports nor values. */
  readonly value: EscValue | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Names of all environments that took part, the root first: when one of them changes, so may the value. */
  readonly environments: readonly string[];
  readonly rotations: readonly Rotation[];
}

/** One round. The same input gives the same answer; nothing is thrown for what documents hold. */
export function evaluate(input: EvaluateInput): Evaluation {
  const session = new Session(input);
  const { root } = input;
  for (const diagnostic of root.loadDiagnostics) session.add(diagnostic);
  try {
    const value = root.isBroken || !session.areImportsLoaded(root) ? undefined : evaluateRoot(session);
    // A value that is too large must be found here, not by the caller.
    if (value !== undefined) void value.inside;
    return evaluation(session, value);
  } catch (thrown) {
    if (!(thrown instanceof LimitExceeded)) throw thrown;
    session.neededDocuments.clear();
    session.neededOpenings.length = 0;
    session.add({ severity: 'error', summary: thrown.message, environment: root.name, path: '' });
    return evaluation(session, undefined);
  }
}

function evaluateRoot(session: Session): EscValue | undefined {
  const { root } = session.input;
  const environment = evaluateDocument(session, root, root.name === '' ? anonymous : root.name);
  return root.isEmpty ? undefined : exported(environment.root);
}

function evaluation(session: Session, value: EscValue | undefined): Evaluation {
  const needs = { documents: [...session.neededDocuments], openings: session.neededOpenings };
  const isComplete = needs.documents.length === 0 && needs.openings.length === 0;
  const { environments, rotations } = session;
  const names = [...environments.keys()];
  return {
    isComplete,
    needs,
    value: isComplete ? value : undefined,
    diagnostics: isComplete ? session.allDiagnostics() : [],
    environments: names,
    rotations: isComplete ? rotations : [],
  };
}

/**
 * The value of a cell as it leaves the evaluation. As in the reference evaluator, what `fn::final` and `fn::validate` give
 * shows its own keys only, although references and importers see those it inherits.
 */
function exported(cell: Cell): EscValue | undefined {
  const { value, expression } = cell;
  if (value === undefined || cell.isFrozen) return value;
  const { data } = value;
  if (expression.kind === 'call' && data.kind === 'object' && data.base !== undefined) {
    const { name } = expression.call;
    return name === 'fn::final' || name === 'fn::validate' ? new EscValue({ ...data, base: undefined }, value) : value;
  }
  if (expression.kind !== 'object' || data.kind !== 'object') return value;
  const own = new Map(data.own);
  for (const [key, member] of cell.members) {
    const shown = exported(member);
    if (shown !== undefined) own.set(key, shown);
  }
  return new EscValue({ ...data, own }, value);
}
