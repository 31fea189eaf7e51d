// What an Environment is owed: a verdict on its document, time for what it names to appear, a revision, a publication. Pure;
// follows from what is there against what was done last, never from why a run was asked for.
import { OperatorError } from '../../base/operator-error.ts';
import { forceSyncAnnotations } from '../../core/contract-names.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import type { RevisionData } from '../../core/environment-revisions.ts';
import {
  defaultRevisionLimit,
  type KnownRevision,
  planRevisions,
  type RevisionPlan,
  revisionDigest,
} from '../../core/environment-revisions.ts';
import { parseGoDuration } from '../../core/go-duration.ts';
import { shortestIntervalMs } from '../../core/refresh.ts';
import type { EnvironmentSpec, EnvironmentStatus } from '../../crds/environment.ts';

/** Errors that a condition names: all of them, as far as there is room, stand in the diagnostics. */
const mostTold = 3;

/** Why the document cannot be accepted; undefined for one without errors. */
export function failureOf({ diagnostics, errors, isIncomplete }: CheckedEnvironment): OperatorError | undefined {
  if (errors === 0) return undefined;
  const told = diagnostics
    .filter(({ severity }) => severity === 'error')
    .slice(0, mostTold)
    .map(({ path, message }) => (path === undefined ? message : `${path}: ${message}`));
  const rest = errors > told.length ? `; and ${errors - told.length} more` : '';
  return new OperatorError(isIncomplete ? 'ReferenceNotFound' : 'InvalidSpec', `${told.join('; ')}${rest}`);
}

/** How long a new Environment waits for what it names before it says that something is missing. */
const graceMs = 1_000;

/** What is left of the grace. */
export function graceLeftMs(
  { status }: { readonly status: EnvironmentStatus },
  { isIncomplete }: Pick<CheckedEnvironment, 'isIncomplete'>,
  { firstSeenMs, nowMs }: { readonly firstSeenMs: number; readonly nowMs: number },
): number {
  const hasVerdict = (status.conditions ?? []).some(({ type }) => type === 'Ready');
  return isIncomplete && !hasVerdict ? firstSeenMs + graceMs - nowMs : 0;
}

/** What the revisions of an accepted document are to become. */
export function revisionPlanOf(
  { written, status }: { readonly written: RevisionData; readonly status: EnvironmentStatus },
  { tags, revisionHistoryLimit = defaultRevisionLimit }: EnvironmentSpec,
  known: readonly KnownRevision[],
): RevisionPlan {
  const lastNumber = status.revision ?? 0;
  return planRevisions(known, { digest: revisionDigest(written), lastNumber, limit: revisionHistoryLimit, tags });
}

/** A publication that succeeded. */
export interface PublishedOnce {
  readonly version: string;
  /** Changes of its sources before they were read. */
  readonly changes: number;
  /** Monotonic ms from which on it is due again; infinite for never. */
  readonly dueAtMs: number;
  /** Monotonic ms at which the first of what was published is good for nothing; undefined when nothing of it ends. */
  readonly endsAtMs?: number | undefined;
}

export interface PublishPresent {
  readonly isWanted: boolean;
  readonly version: string;
  readonly changes: number;
  readonly areTargetsAsWritten: boolean;
  readonly nowMs: number;
}

/** Why the Environment is to be opened and published; undefined when it is in step, or not to be published. */
export function publishDuty(
  { isWanted, version, changes, areTargetsAsWritten, nowMs }: PublishPresent,
  past: PublishedOnce | undefined,
): 'first' | 'spec' | 'source' | 'target' | 'due' | undefined {
  if (!isWanted) return undefined;
  if (past === undefined) return 'first';
  if (past.version !== version) return 'spec';
  if (past.changes !== changes) return 'source';
  if (!areTargetsAsWritten) return 'target';
  return nowMs >= past.dueAtMs - 1 ? 'due' : undefined; // timers may fire a fraction early
}

/** Says the same as long as nobody asked for anything else: the spec, and the force-syncs. */
export function publishVersionOf({
  generation,
  annotations,
}: {
  readonly generation: number;
  readonly annotations: Readonly<Record<string, string>>;
}): string {
  return JSON.stringify([generation, ...forceSyncAnnotations.map((key) => annotations[key] ?? '')]);
}

const defaultIntervalMs = 3_600_000;

/** The time between two evaluations in ms; 0 for none. Throws InvalidSpec. */
export function publishIntervalOf({ refreshInterval }: NonNullable<EnvironmentSpec['publish']>): number {
  if (refreshInterval === undefined) return defaultIntervalMs;
  let ms = -1;
  try {
    ms = parseGoDuration(refreshInterval);
  } catch {
    // the message below names the field
  }
  if (ms < 0) {
    throw new OperatorError(
      'InvalidSpec',
      'spec.publish.refreshInterval is not a duration: write for example 90s, 5m or 1h',
    );
  }
  return ms === 0 ? 0 : Math.max(ms, shortestIntervalMs);
}
