// Evaluates a case to its end: documents from its folder, calls by the providers of the cases.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readDocument } from '../../../src/core/esc/declare.ts';
import { type Evaluation, evaluate } from '../../../src/core/esc/evaluate.ts';
import type { EscDocument } from '../../../src/core/esc/expression.ts';
import { maxRounds } from '../../../src/core/esc/limits.ts';
import type { OpeningResult } from '../../../src/core/esc/openings.ts';
import type { LoadFailure, Mode } from '../../../src/core/esc/session.ts';
import { open, shapes, toyCipher } from './providers.ts';

export interface CaseInput {
  readonly folder: string;
  readonly name: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly showSecrets: boolean;
  readonly rotatePaths: readonly string[];
}

/** What every case was recorded with, beside the context of its own. */
const commonContext = { pulumi: { user: { id: 'USER_123' } } };

export function evaluateCase(input: CaseInput, mode: Mode): Evaluation {
  const { folder, name, showSecrets, rotatePaths } = input;
  const context = { ...commonContext, ...input.context };
  const root = readDocument(name, readFileSync(join(folder, 'env.yaml'), 'utf8'));
  const documents = new Map<string, EscDocument | LoadFailure>();
  const openings = new Map<string, OpeningResult>();
  for (let round = 0; round < maxRounds; round++) {
    const evaluation = evaluate({
      mode,
      root,
      documents,
      shapes,
      openings,
      context,
      showSecrets,
      rotatePaths,
      cipherOf: () => toyCipher,
    });
    if (evaluation.isComplete) return evaluation;
    for (const each of evaluation.needs.documents) documents.set(each, load(folder, each));
    for (const each of evaluation.needs.openings) openings.set(each.id, open(each));
  }
  throw new Error(`${name}: not complete after ${maxRounds} rounds`);
}

function load(folder: string, name: string): EscDocument | LoadFailure {
  const file = join(folder, `${name}.yaml`);
  if (!existsSync(file) || !statSync(file).isFile()) return { error: `<environment not found: ${name}>` };
  return readDocument(name, readFileSync(file, 'utf8'));
}
