// What an Environment is owed after a check: a verdict on its document, time for what it names to appear, a revision. Pure.
import { OperatorError } from '../../base/operator-error.ts';
import type { CheckedEnvironment } from '../../core/environment-check.ts';
import type { RevisionData } from '../../core/environment-revisions.ts';
import {
  defaultRevisionLimit,
  type KnownRevision,
  planRevisions,
  type RevisionPlan,
  revisionDigest,
} from '../../core/environment-revisions.ts';
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
