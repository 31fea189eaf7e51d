// The next status of an ExternalSecret or a store, and whether it is worth a write. Pure; report.ts writes it.
import type { Condition } from '../crds/external-secret.ts';

/** What the served CRD's status can hold; ESO's own CRDs allow less. */
export interface StatusDialect {
  /** observedGeneration on status and conditions, and conditions besides Ready. */
  readonly extended: boolean;
}

/** One judgement about an object: Ready, and what stands beside it. */
export interface Verdict {
  readonly ready: 'True' | 'False' | 'absent';
  readonly reason: string;
  readonly message: string;
  /** Set while work goes on (`Reconciling`) or nothing helps until something changes (`Stalled`). */
  readonly besides?: { readonly type: 'Reconciling' | 'Stalled'; readonly reason: string; readonly message: string };
  /**
   * Ready gets a new time whenever the status is written: Argo CD takes a Ready of refreshPolicy OnChange that is older than
   * the refresh for one that is still to come.
   */
  readonly renews?: boolean;
}

/** The conditions of a verdict that renews, as they are written: Ready no older than the refresh that it tells of. */
export function renewedConditions(conditions: readonly Condition[], nowMs: number): Condition[] {
  return conditions.map((each) => (each.type === 'Ready' ? { ...each, lastTransitionTime: rfc3339(nowMs) } : each));
}

/** RFC 3339 UTC with whole seconds: other precisions break Argo CD's string comparison. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Longest condition message that is stored, in characters; the API itself allows 32768. */
const longestMessage = 1_024;

/**
 * The conditions after a verdict: `Reconciling` or `Stalled` while true, Ready last. `lastTransitionTime` moves only when
 * the status of the condition flips.
 */
export function nextConditions(
  current: readonly Condition[],
  verdict: Verdict,
  generation: number,
  nowMs: number,
  dialect: StatusDialect,
): Condition[] {
  const build = (type: Condition['type'], status: 'True' | 'False', reason: string, message: string): Condition => {
    const before = current.find((known) => known.type === type);
    const unchanged = before?.status === status && before.lastTransitionTime !== undefined;
    return {
      type,
      status,
      reason,
      message: shorten(message),
      lastTransitionTime: unchanged ? before.lastTransitionTime : rfc3339(nowMs),
      ...(dialect.extended ? { observedGeneration: generation } : {}),
    } as Condition; // the two spreads make TypeScript widen lastTransitionTime to include undefined
  };
  const conditions: Condition[] = [];
  if (verdict.besides !== undefined && dialect.extended) {
    conditions.push(build(verdict.besides.type, 'True', verdict.besides.reason, verdict.besides.message));
  }
  if (verdict.ready !== 'absent') conditions.push(build('Ready', verdict.ready, verdict.reason, verdict.message));
  return conditions;
}

/** Half a surrogate pair, by a cut or from elsewhere, comes back from the API server as U+FFFD: sent so from the start. */
function shorten(message: string): string {
  const short = message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`;
  return short.toWellFormed();
}

/** Whether two lists of conditions say the same. */
export function sameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  return (
    a.length === b.length &&
    a.every((condition, i) => {
      const other = b[i];
      return (
        other !== undefined &&
        condition.type === other.type &&
        condition.status === other.status &&
        condition.reason === other.reason &&
        condition.message === other.message &&
        condition.lastTransitionTime === other.lastTransitionTime &&
        condition.observedGeneration === other.observedGeneration
      );
    })
  );
}
