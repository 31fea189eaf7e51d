// When an object runs again after a failure, and what it waits for besides. Pure: chance arrives as an argument.
//
//   conflict ─► soon, growing          upstream down ─► when its origin works again
//   API server's fault ─► growing to 30 s, or as soon as the API server answers anybody
//   stall ─► seldom (events bring it back)          anything else ─► growing to the refresh interval, 5 minutes at most
//   what was read before runs out ─► sooner than that, as the end comes near

import { delayAfter } from '../../base/backoff.ts';
import type { OperatorError } from '../../base/operator-error.ts';
import { type Reason, reasons } from '../../base/reasons.ts';
import { retryDelayMs } from '../../core/refresh.ts';
import type { NextRun } from '../../runtime/worker.ts';
import { type Cause, lanes } from '../lanes.ts';

/** The API server as something that fails and recovers as a whole. */
export const apiServerOrigin = 'the API server';

/** Two who write one object in turn find their way between each other well below this. */
const longestConflictMs = 5_000;
/** The API server's own faults end without any event. */
const longestApiFaultMs = 30_000;
/** Nothing but a change helps a stalled object; it is looked at again this seldom all the same, in case an event was missed. */
export const stallCheckMs = 600_000;
/** A fault of the API server is told in the status only when so many runs in a row met it: the write may have been done. */
const toldApiFaults = 3;

export interface Failing {
  readonly error: OperatorError;
  /** Of the upstream that the error speaks of; '' when none is known. */
  readonly origin: string;
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** Conflicts in a row, this one included. */
  readonly conflicts: number;
  /** Of the object; 0 for never. */
  readonly intervalMs: number;
  /** Where retries that are in no hurry stand. */
  readonly lane: number;
  readonly random: () => number;
  /** The longest wait that is left to what runs out, in ms; undefined for what does not. */
  readonly hurryMs?: number | undefined;
}

/** What follows a failure. */
export interface AfterFailure {
  readonly next: NextRun | undefined;
  /** The origin whose recovery brings the object back. */
  readonly waitsFor: string | undefined;
  /** Events that change nothing of the object's own do not run it sooner than `next`. */
  readonly holds: boolean;
}

export function afterFailure(failing: Failing): AfterFailure {
  const { error, origin, lane } = failing;
  if (reasons[error.reason].next === 'quiet') return afterQuiet(failing);
  if (error.reason === 'ApiUnavailable') {
    const afterMs = Math.min(longestApiFaultMs, Math.max(error.retryAfterMs ?? 0, backoffMs(failing)));
    return { next: again(afterMs, lane, 'retry'), waitsFor: apiServerOrigin, holds: true };
  }
  if (isUpstreamDown(error) && origin !== '') return { next: undefined, waitsFor: origin, holds: false };
  return { next: again(error.retryAfterMs ?? steadyMs(failing), lane, 'retry'), waitsFor: undefined, holds: false };
}

/** Whether a failure is worth a status and an event. `failures` counts those before it. */
export function isTold(error: OperatorError, failures: number): boolean {
  if (error.reason === 'ApiUnavailable') return failures + 1 >= toldApiFaults;
  return reasons[error.reason].next !== 'quiet';
}

function afterQuiet({ error, conflicts, random }: Failing): AfterFailure {
  const { baseDelayMs } = reasons[error.reason];
  if (error.reason !== 'Conflict')
    return { next: again(baseDelayMs, lanes.spec, 'again'), waitsFor: undefined, holds: false };
  const afterMs = delayAfter({ failures: conflicts, baseMs: baseDelayMs, capMs: longestConflictMs, random });
  return { next: again(afterMs, lanes.spec, 'again'), waitsFor: undefined, holds: true };
}

function steadyMs(failing: Failing): number {
  const { error, intervalMs } = failing;
  return reasons[error.reason].next === 'stall' ? Math.max(intervalMs, stallCheckMs) : backoffMs(failing);
}

function backoffMs({ error, failures, intervalMs, hurryMs }: Failing): number {
  return Math.min(
    retryDelayMs(failures, reasons[error.reason].baseDelayMs, intervalMs),
    hurryMs ?? Number.POSITIVE_INFINITY,
  );
}

function again(afterMs: number, lane: number, cause: Cause): NextRun {
  return { afterMs, lane, cause };
}

/** Whether another answer of the upstream would mend it, as against an upstream that does not answer, or a spec. */
export function isOfContent(error: OperatorError): boolean {
  return contentReasons.has(error.reason);
}

/** Whether it is one of those that may be looked at every few seconds: an answer that was too large is not fetched that often. */
export function isProbed(error: OperatorError): boolean {
  return isOfContent(error) && error.reason !== 'AnswerTooLarge';
}

const contentReasons: ReadonlySet<Reason> = new Set([
  'AccessDenied',
  'ScopeNotFound',
  'SecretNotFound',
  'NothingFound',
  'PropertyNotFound',
  'InvalidValue',
  'InvalidKey',
  'ValueHidden',
  'AnswerTooLarge',
  'TargetTooLarge',
]);

/** What an origin's recovery mends, as against what is wrong with one object. */
function isUpstreamDown({ reason }: OperatorError): boolean {
  return reason === 'UpstreamUnavailable' || reason === 'UpstreamInvalid';
}
