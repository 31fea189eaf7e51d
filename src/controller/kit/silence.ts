// How long an object that was in step stays Ready=True while its source does not answer: one answer that does not come
// says little about a Secret that is there. Pure; times are monotonic ms.
//
//   first failure ─► Ready=True, saying since when ──30 s──► Ready=False            any answer ─► over
//   pause that the server asked for ─► Ready=True until the object is a whole interval late
import { OperatorError } from '../../base/operator-error.ts';

/** What is remembered from the first failure in a row to the next answer. */
export interface Silence {
  readonly sinceMs: number;
  /** The failure that is told when the patience is over. */
  readonly error: OperatorError;
  /** When the error's own `retryAfterMs` is over; undefined when it has none. */
  readonly retryAtMs: number | undefined;
  readonly patientUntilMs: number;
}

/** Longer than a restart of the source, and than ten probes of its origin. */
const patienceMs = 30_000;

/** Whether the source gave no answer at all, as against one that the object fails for. */
export function isSilent({ reason }: OperatorError): boolean {
  return reason === 'UpstreamUnavailable' || reason === 'UpstreamInvalid' || reason === 'UpstreamThrottled';
}

export interface Lateness {
  readonly nowMs: number;
  /** The last wave that was due; undefined when none is known. */
  readonly dueMs: number | undefined;
  readonly periodMs: number;
}

/** The silence after one more failure. */
export function silenceAfter(
  before: Silence | undefined,
  error: OperatorError,
  { nowMs, dueMs, periodMs }: Lateness,
): Silence {
  const sinceMs = before?.sinceMs ?? nowMs;
  const { reason, retryAfterMs } = error;
  const isAsked = reason === 'UpstreamThrottled' && retryAfterMs !== undefined;
  const lateMs = isAsked ? Math.min(dueMs ?? sinceMs, sinceMs) + periodMs : 0;
  const retryAtMs = retryAfterMs === undefined ? undefined : nowMs + retryAfterMs;
  return { sinceMs, error, retryAtMs, patientUntilMs: Math.max(sinceMs + patienceMs, lateMs) };
}

/** The failure as it is at `nowMs`: what is left of the time that it asks for. */
export function failureNow({ error, retryAtMs }: Silence, nowMs: number): OperatorError {
  if (retryAtMs === undefined) return error;
  return new OperatorError(error.reason, error.message, { retryAfterMs: Math.max(1, retryAtMs - nowMs), cause: error });
}
