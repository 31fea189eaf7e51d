// What the environments of one evaluation share: what the caller gave, what was found out, what is still needed, and the
// bounds. Lives for one round.
import type { Cipher } from './ciphertext.ts';
import type { Diagnostic } from './diagnostics.ts';
import { pay, unitsPerExpression } from './effort.ts';
import type { EscDocument, Place, Telling } from './expression.ts';
import { LimitExceeded, maxDiagnostics, maxDocuments, maxOpenings, maxPending, maxSteps } from './limits.ts';
import type { Opening, OpeningResult, Rotation, Shapes } from './openings.ts';
import type { EscValue } from './value.ts';

/**
 * `check` calls no provider and decrypts nothing, `open` gives values, `rotate` first makes new states for the root's
 * rotators.
 */
export type Mode = 'check' | 'open' | 'rotate';

/** Why a document cannot be had, in words that the user may read. */
export interface LoadFailure {
  readonly error: string;
}

export interface EvaluateInput {
  readonly mode: Mode;
  readonly root: EscDocument;
  /** Documents by the names that imports mean and references use, as far as they are loaded. */
  readonly documents: ReadonlyMap<string, EscDocument | LoadFailure>;
  readonly shapes: Shapes;
  /** Answers to the openings of earlier rounds, by id. */
  readonly openings: ReadonlyMap<string, OpeningResult>;
  /** What `${context}` has beside `rootEnvironment` and `currentEnvironment`, as JSON. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** What decrypts the secrets of a document, by the document's name: each is encrypted with a key of its own. */
  readonly cipherOf?: (environment: string) => Pick<Cipher, 'decrypt'> | undefined;
  /** A check decrypts as well. */
  readonly showSecrets?: boolean;
  /** Paths below `values` whose rotators are rotated; empty means all. */
  readonly rotatePaths?: readonly string[];
}

export type EnvironmentState = 'evaluating' | EscValue;

export class Session {
  readonly input: EvaluateInput;
  readonly environments = new Map<string, EnvironmentState>();
  readonly neededDocuments = new Set<string>();
  readonly neededOpenings: Opening[] = [];
  readonly rotations: Rotation[] = [];
  readonly diagnostics: Diagnostic[] = [];
  #steps = 0;
  #pending = 0;
  #left = 0;

  constructor(input: EvaluateInput) {
    this.input = input;
  }

  /** Counts work. Throws LimitExceeded when there was too much. */
  step(count = 1): void {
    this.#steps += count;
    pay(count * unitsPerExpression);
    if (this.#steps > maxSteps) throw new LimitExceeded('the evaluation takes too many steps');
  }

  /** Runs what other expressions wait for. Throws LimitExceeded when too many wait already. */
  nested<Result>(run: () => Result): Result {
    if (++this.#pending > maxPending) {
      throw new LimitExceeded(`more than ${maxPending} expressions wait for one another`);
    }
    const result = run();
    this.#pending--;
    return result;
  }

  tell(document: EscDocument, place: Place, telling: Telling): void {
    this.add(document.tell(place, telling));
  }

  add(diagnostic: Diagnostic): void {
    if (this.diagnostics.length < maxDiagnostics) this.diagnostics.push(diagnostic);
    else if (diagnostic.severity === 'error') this.#left++;
  }

  /** All diagnostics; the last one counts what was left out. */
  allDiagnostics(): readonly Diagnostic[] {
    if (this.#left === 0) return this.diagnostics;
    const { name: environment } = this.input.root;
    const summary = `${this.#left} more problems are not shown`;
    return [...this.diagnostics, { severity: 'error', summary, environment, path: '' }];
  }

  /** The answer to an opening; without one the opening is asked for. */
  answer(opening: Opening): OpeningResult | undefined {
    const answer = this.input.openings.get(opening.id);
    if (answer === undefined) {
      if (this.neededOpenings.length + this.input.openings.size >= maxOpenings) {
        throw new LimitExceeded(`more than ${maxOpenings} calls of providers`);
      }
      this.neededOpenings.push(opening);
    }
    return answer;
  }

  /** The document, the failure, or undefined after asking for it. */
  document(name: string): EscDocument | LoadFailure | undefined {
    if (name === this.input.root.name) return this.input.root;
    const found = this.input.documents.get(name);
    if (found === undefined) this.#need(name);
    return found;
  }

  /** Asks for every document that the imports lead to and that is not there; true when all are. */
  areImportsLoaded(from: EscDocument): boolean {
    const seen = new Set([from]);
    let areAllThere = true;
    for (const document of seen) {
      for (const { target } of document.imports) {
        this.step();
        const next = this.document(target);
        if (next === undefined) areAllThere = false;
        else if (!('error' in next) && !hasErrors(next.loadDiagnostics)) seen.add(next);
      }
    }
    return areAllThere;
  }

  #need(name: string): void {
    this.neededDocuments.add(name);
    if (this.neededDocuments.size + this.input.documents.size >= maxDocuments) {
      throw new LimitExceeded(`more than ${maxDocuments} environments are imported or mentioned`);
    }
  }
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}
