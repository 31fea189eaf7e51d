// Answers that hold for all who ask the same: values, and refusals that another request would only repeat. What may be
// different the next moment (no connection, throttling) is thrown instead.
import { TokenRejected } from '../../auth/contract.ts';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';

export type Outcome<T> = { readonly value: T } | { readonly error: OperatorError };

const definite: ReadonlySet<Reason> = new Set([
  'AccessDenied',
  'ScopeNotFound',
  'SecretNotFound',
  'InvalidSpec',
  'AnswerTooLarge',
]);

/** Whether an error is the upstream's considered answer. */
export function isDefinite(error: unknown): error is OperatorError {
  return error instanceof OperatorError && !(error instanceof TokenRejected) && definite.has(error.reason);
}

/** What the work gives, or its definite error; rejects with any other. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return refusal(error);
  }
}

/** The value; throws the error that is there instead. */
export function valueIn<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** A definite error as an outcome; throws any other. */
export function refusal(error: unknown): { readonly error: OperatorError } {
  if (isDefinite(error)) return { error };
  throw error;
}
