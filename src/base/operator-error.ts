// The one error that crosses rooms: a reason from the closed table and a one-line message for the user.
import { plainLine } from './plain-line.ts';
import { type Reason, reasons } from './reasons.ts';

interface Details {
  /** Earliest time for another try, as a delay from now in ms (an upstream's Retry-After). */
  readonly retryAfterMs?: number;
  /** The translated cause; never a raw HTTP or API error, which may hold headers and bodies. */
  readonly cause?: unknown;
  /** What the user can do, where whoever throws knows it better than the table of reasons. */
  readonly hint?: string | undefined;
}

/** Longest message, in UTF-16 units. A condition takes 32,768 bytes, and an event 1,024 after that. */
const longestMessage = 8_192;

/**
 * A failure with a reason. The message is one line of printable text, stable from one attempt to the next, and holds no
 * secret value. Whatever an upstream or a tenant wrote into it cannot steer a terminal.
 */
export class OperatorError extends Error {
  readonly reason: Reason;
  readonly retryAfterMs: number | undefined;
  readonly hint: string | undefined;

  constructor(reason: Reason, message: string, details: Details = {}) {
    super(plainLine(message, longestMessage), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'OperatorError';
    this.reason = reason;
    this.retryAfterMs = details.retryAfterMs;
    this.hint = details.hint;
  }

  /** The same failure seen from one step further out: `context: message`. */
  within(context: string): OperatorError {
    return this.#worded(`${context}: ${this.message}`);
  }

  /** The same failure with more behind its message. */
  followedBy(more: string): OperatorError {
    return this.#worded(`${this.message}${more}`);
  }

  #worded(message: string): OperatorError {
    const { hint, reason, retryAfterMs } = this;
    const details = { cause: this, hint, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    return new OperatorError(reason, message, details);
  }
}

/** Any thrown thing as an OperatorError; what is not one already is a fault of ours and becomes `Internal`. */
export function asOperatorError(thrown: unknown): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') return aborted();
  // The text of a foreign error may quote what it was given: only its type leaves.
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return new OperatorError('Internal', `unexpected ${name}`, { cause: thrown });
}

/** Message and hint as one line for a condition. */
export function explain(error: OperatorError): string {
  const hint = error.hint ?? reasons[error.reason].hint;
  return hint === '' ? error.message : `${error.message} (${hint})`;
}

/** What is thrown at whoever stops waiting. */
export function aborted(): OperatorError {
  return new OperatorError('Aborted', 'stopped');
}
