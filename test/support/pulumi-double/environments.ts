// The environments that the double holds: revisions, tags, definitions, and what opening gives. A revision is a document, or
// a function that is run at each open, as providers of dynamic credentials are. Nothing is evaluated here: a definition is
// written from what opening gives, so that it says truly whether two opens may differ.
import { type Document, definitionText } from './values.ts';

export interface Diagnostic {
  readonly summary: string;
  readonly path?: string;
  readonly severity?: 'error' | 'warning';
  readonly range?: unknown;
}

export type Evaluation = Document | (() => Document);

export interface RevisionOptions {
  readonly diagnostics?: readonly Diagnostic[];
  /** Entries of `imports`, as the definition writes them; their values stand in the evaluation already. */
  readonly imports?: readonly string[];
  /** The definition's text, where a test cares for it. */
  readonly definition?: string;
}

export interface Revision extends RevisionOptions {
  readonly evaluation: Evaluation;
  readonly diagnostics: readonly Diagnostic[];
}

export interface FoundRevision {
  readonly number: number;
  readonly revision: Revision;
}

export class Environments {
  readonly #byName = new Map<string, { readonly revisions: Revision[]; readonly tags: Map<string, number> }>();

  /** Saves a new revision of `org/project/name` and answers with its number, from 1 on. */
  set(name: string, evaluation: Evaluation, options: RevisionOptions = {}): number {
    const known = this.#byName.get(name) ?? { revisions: [], tags: new Map<string, number>() };
    this.#byName.set(name, known);
    return known.revisions.push({ diagnostics: [], ...options, evaluation });
  }

  tag(name: string, tag: string, revision: number): void {
    this.#byName.get(name)?.tags.set(tag, revision);
  }

  delete(name: string): void {
    this.#byName.delete(name);
  }

  /** The revision that a number or tag means, the latest without; undefined when there is none. */
  find(name: string, version: string | undefined): FoundRevision | undefined {
    const known = this.#byName.get(name);
    if (known === undefined) return undefined;
    const latest = known.revisions.length;
    const tagged = version === undefined || version === 'latest' ? latest : known.tags.get(version);
    const number = tagged ?? (/^\d+$/.test(version ?? '') ? Number(version) : 0);
    const revision = known.revisions[number - 1];
    return revision === undefined ? undefined : { number, revision };
  }

  /** The revision of an organization with this definition: the double knows documents that are its own, and no others. */
  withDefinition(organization: string, text: string): (FoundRevision & { readonly name: string }) | undefined {
    for (const [name, { revisions }] of this.#byName) {
      if (!name.startsWith(`${organization}/`)) continue;
      for (const [i, revision] of revisions.entries()) {
        if ([false, true].some((decrypt) => definitionOf(revision, { decrypt }) === text)) {
          return { name, number: i + 1, revision };
        }
      }
    }
    return undefined;
  }
}

/** The document of a revision, evaluated now. */
export function evaluate({ evaluation }: Pick<Revision, 'evaluation'>): Document {
  return typeof evaluation === 'function' ? evaluation() : evaluation;
}

/** The definition of a revision; static secrets are ciphertexts in it unless they are to be decrypted. */
export function definitionOf(
  { evaluation, imports = [], definition }: Revision,
  { decrypt }: { readonly decrypt: boolean },
): string {
  if (definition !== undefined) return definition;
  const imported = imports.length === 0 ? '' : `imports: ${JSON.stringify(imports)}\n`;
  const values =
    typeof evaluation === 'function' ? '{"minted":{"fn::open::double":{}}}' : definitionText(evaluation, { decrypt });
  return `${imported}values: ${values}\n`;
}
