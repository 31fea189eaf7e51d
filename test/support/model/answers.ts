// Answers of the model's API server: objects as JSON, and refusals as the Status objects that the real one sends.
import { OperatorError } from '../../../src/base/operator-error.ts';
import type { ApiAnswer } from '../../../src/kube/transport.ts';
import type { ModelObject } from './kinds.ts';

/** An answer that is not 2xx. */
export class Refused extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string = reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export function requireSame(
  { metadata }: ModelObject,
  wanted: { readonly uid?: string; readonly resourceVersion?: string },
): void {
  const isOther = (wanted.uid ?? '') !== '' && wanted.uid !== metadata.uid;
  const isOld = (wanted.resourceVersion ?? '') !== '' && wanted.resourceVersion !== metadata.resourceVersion;
  if (isOther || isOld) throw new Refused(409, 'Conflict');
}

/** What a test throws between a deed and its answer is the answer. */
export function refusedBy(thrown: unknown): Refused {
  if (thrown instanceof Refused) return thrown;
  if (thrown instanceof OperatorError && thrown.reason === 'Conflict') return new Refused(409, 'AlreadyExists');
  throw thrown;
}

export function refusal({ status, reason, message }: Refused): ApiAnswer {
  return answer(status, { kind: 'Status', code: status, reason, message });
}

export function answer(status: number, body: unknown): ApiAnswer {
  return { status, body: JSON.stringify(body), retryAfterMs: undefined };
}
