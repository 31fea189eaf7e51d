// The environments that the double holds: revisions, tags, and what opening gives. A revision is a document, or a function
// that is run at each open, as providers of dynamic credentials are.
import type { Document } from './values.ts';

export interface Diagnostic {
  readonly summary: string;
  readonly path?: string;
  readonly severity?: 'error' | 'warning';
}

export type Evaluation = Document | (() => Document);

interface Revision {
  readonly evaluation: Evaluation;
  readonly diagnostics: readonly Diagnostic[];
}

export class Environments {
  readonly #byName = new Map<string, { readonly revisions: Revision[]; readonly tags: Map<string, number> }>();

  /** Saves a new revision of `org/project/name` and answers with its number, from 1 on. */
  set(name: string, evaluation: Evaluation, diagnostics: readonly Diagnostic[] = []): number {
    const known = this.#byName.get(name) ?? { revisions: [], tags: new Map<string, number>() };
    this.#byName.set(name, known);
    return known.revisions.push({ evaluation, diagnostics });
  }

  tag(name: string, tag: string, revision: number): void {
    this.#byName.get(name)?.tags.set(tag, revision);
  }

  delete(name: string): void {
    this.#byName.delete(name);
  }

  /** The revision that a number or tag means, the latest without; undefined when there is none. */
  find(
    name: string,
    version: string | undefined,
  ): { readonly number: number; readonly revision: Revision } | undefined {
    const known = this.#byName.get(name);
    if (known === undefined) return undefined;
    const latest = known.revisions.length;
    const tagged = version === undefined || version === 'latest' ? latest : known.tags.get(version);
    const number = tagged ?? (/^\d+$/.test(version ?? '') ? Number(version) : 0);
    const revision = known.revisions[number - 1];
    return revision === undefined ? undefined : { number, revision };
  }
}

/** The document of a revision, evaluated now. */
export function evaluate({ evaluation }: { readonly evaluation: Evaluation }): Document {
  return typeof evaluation === 'function' ? evaluation() : evaluation;
}
