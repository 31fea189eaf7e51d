// Evaluates documents to their end for tests: imports from a table of texts, calls by the providers of the conformance cases.
import { open, shapes, toyCipher } from '../../../test/conformance/esc/providers.ts';
import { readDocument } from './declare.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { type Json, pathsWhere, plainJson } from './export.ts';
import type { EscDocument } from './expression.ts';
import { maxRounds } from './limits.ts';
import type { Opening, OpeningResult, Shapes } from './openings.ts';
import type { LoadFailure, Mode } from './session.ts';

interface Callbacks {
  readonly shapes?: Shapes;
  readonly open?: (opening: Opening) => OpeningResult;
  /** Loaded before the first round. */
  readonly given?: EscDocument | undefined;
  readonly onRound?: (openings: readonly Opening[]) => void;
}

export function opened(
  root: EscDocument,
  texts: Readonly<Record<string, string>> = {},
  mode: Mode = 'open',
  callbacks: Callbacks = {},
): Evaluation {
  const documents = new Map<string, EscDocument | LoadFailure>();
  const { given } = callbacks;
  if (given !== undefined) documents.set(given.name, given);
  const openings = new Map<string, OpeningResult>();
  for (let round = 0; round < maxRounds; round++) {
    const evaluation = evaluate({
      mode,
      root,
      documents,
      shapes: callbacks.shapes ?? shapes,
      openings,
      cipherOf: () => toyCipher,
    });
    if (evaluation.isComplete) return evaluation;
    callbacks.onRound?.(evaluation.needs.openings);
    for (const name of evaluation.needs.documents) {
      const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
      documents.set(name, text === undefined ? { error: `no environment ${name}` } : readDocument(name, text));
    }
    for (const each of evaluation.needs.openings) openings.set(each.id, (callbacks.open ?? open)(each));
  }
  throw new Error('the evaluation is never complete');
}

/** Secrets revealed. */
export function shown({ value }: Evaluation): Json {
  return value === undefined ? null : plainJson(value, { redact: false });
}

export function problems({ diagnostics }: Evaluation): readonly string[] {
  return diagnostics.map(({ severity, summary }) => (severity === 'error' ? summary : `warning: ${summary}`));
}

export function secretPaths({ value }: Evaluation): readonly string[] {
  return value === undefined ? [] : pathsWhere(value, ({ secret }) => secret);
}
