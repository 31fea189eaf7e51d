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

/** A definite error as an outcome; throws any other. */
export function refusal(error: unknown): { readonly error: OperatorError } {
  if (isDefinite(error)) return { error };
  throw error;
}
