// Values that were generated for an ExternalSecret and that the API server has not confirmed: its answer got lost, or met a
// conflict. The write may have been done, and somebody may use the value by now, so the next try writes the same ones.
//
//   generated ──written, refused or no longer wanted──► dropped          generated ──answer lost, conflict──► kept
import type { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import type { SecretValue } from '../../core/secret-value.ts';

type Values = ReadonlyMap<string, SecretValue>;

/** Failures after which a write may have been done all the same. */
const unanswered: ReadonlySet<Reason> = new Set(['ApiUnavailable', 'Conflict', 'Aborted']);

export class Drafts {
  /** By ExternalSecret (`namespace/name`), and there by the entry of its spec. */
  readonly #drafts = new Map<string, Map<string, Values>>();

  /** What was generated for this entry and stands open, or else what `make` gives. */
  async take(externalSecret: string, entry: string, make: () => Promise<Values>): Promise<Values> {
    const drafts = this.#drafts.get(externalSecret) ?? new Map<string, Values>();
    this.#drafts.set(externalSecret, drafts);
    const values = drafts.get(entry) ?? (await make());
    drafts.set(entry, values); // of no use to anybody if they were dropped meanwhile
    return values;
  }

  /** A run ended; undefined when it ended synced. */
  settle(externalSecret: string, error: OperatorError | undefined): void {
    if (error === undefined || !unanswered.has(error.reason)) this.drop(externalSecret);
  }

  /** Other values are wanted from now on. */
  drop(externalSecret: string): void {
    this.#drafts.delete(externalSecret);
  }
}
