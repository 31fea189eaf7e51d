// What is there, as far as it decides what is owed: the target as the caches or the cluster have it, judged by the policy, and
// all that ./duty.ts asks about.

import { managedLabel, managedLabelValue } from '../../core/contract-names.ts';
import { renewalOf } from '../../core/kept-volatile.ts';
import { hasWantedMarks, isTargetValid, type ObservedTarget } from '../../core/target-plan.ts';
import { isAbsenceWanted, policyOf } from '../../core/target-policy.ts';
import type { ExternalSecretSpec } from '../../crds/external-secret.ts';
import { keyOf } from '../../kube/types.ts';
import type { ExternalSecretRecord } from '../records.ts';
import { look, manifestOf, orphanedSecrets, targetKey } from './apply.ts';
import { lookAt } from './apply-manifest.ts';
import type { Rooms } from './context.ts';
import { annotationsOn, isUntold } from './draws.ts';
import { isForced, isForcedSinceSync, type Present, presentOf, refreshPolicyOf } from './duty.ts';
import type { OpenKind } from './manifest-targets.ts';

/** `seen` are the versions of stores and template's objects. Throws InvalidSpec. */
export function presentNow(
  es: ExternalSecretRecord,
  spec: ExternalSecretSpec,
  seen: Pick<Present, 'stores' | 'texts'>,
  target: ObservedTarget | undefined,
  rooms: Rooms,
): Present {
  const { isTargetValid: isTargetAsWanted, isForced: forced } = judgeTarget(es, spec, target);
  // One that was waited for has come: to merge into it is owed.
  const isAwaitedThere = policyOf(spec).creation === 'Merge' && rooms.foreign.isThere(keyOf(es));
  return presentOf(spec, {
    es,
    ...seen,
    isTargetAsWanted: isTargetAsWanted && !isAwaitedThere,
    isForced: forced,
    renewAtMs: renewAtOf(es, spec, rooms),
    hasOrphans: orphanedSecrets(es, rooms).length + rooms.manifests.orphansOf(es).length > 0,
    isUntold: isUntold(es, spec, target),
    isBeingTold: false,
    nowMs: rooms.clock.monotonicMs(),
    wallMs: rooms.clock.nowMs(),
  });
}

/** What the caches know of the target, of whatever kind it is. */
export function observedTarget(es: ExternalSecretRecord, rooms: Rooms): ObservedTarget | undefined {
  return manifestOf(es) === undefined ? rooms.targets.get(targetKey(es)) : rooms.manifests.get(es);
}

/**
 * The target in the cluster itself. The caches may not show what another process wrote last, and what is drawn over that is
 * lost.
 */
export async function seenAfresh(
  es: ExternalSecretRecord,
  open: OpenKind | undefined,
  rooms: Rooms,
  signal: AbortSignal,
): Promise<ObservedTarget | undefined> {
  if (open === undefined) {
    const { observed } = await look(es, rooms, signal);
    if (observed?.labels[managedLabel] === managedLabelValue) rooms.targets.note(targetKey(es), observed);
    return observed;
  }
  return (await lookAt(es, open, rooms, signal))?.observed;
}

/** When certificates of the target are to be made anew, in epoch ms; undefined when they are none of its template's. */
export function renewAtOf(es: ExternalSecretRecord, spec: ExternalSecretSpec, rooms: Rooms): number | undefined {
  const { creation, immutable } = policyOf(spec);
  const target =
    spec.target.template === undefined || immutable || creation === 'None' ? undefined : observedTarget(es, rooms);
  return target === undefined ? undefined : renewalOf(target);
}

/**
 * Marks count when the target is to follow every edit of them: not under CreatedOnce, and not in a Secret that others
 * label as well. Those that a template gives are known once it is rendered: they count at each refresh.
 */
export function judgeTarget(es: ExternalSecretRecord, spec: ExternalSecretSpec, target: ObservedTarget | undefined) {
  const policy = policyOf(spec);
  const { template } = spec.target;
  const ready = (es.status.conditions ?? []).find(({ type }) => type === 'Ready');
  if (target === undefined) return { isTargetValid: isAbsenceWanted(policy, ready?.reason), isForced: false };
  if (policy.creation === 'None') return { isTargetValid: true, isForced: false };
  const isOnce = refreshPolicyOf(spec) === 'CreatedOnce';
  const isValid = policy.creation === 'Orphan' || isTargetValid(target);
  const countMarks = !isOnce && policy.creation === 'Owner';
  return {
    isTargetValid:
      isValid &&
      (!countMarks ||
        hasWantedMarks(es, policy, template === undefined ? plainMarks(es, spec, target) : undefined, target)),
    isForced: isOnce && !policy.immutable && (template === undefined ? isForced(es, target) : isForcedSinceSync(es)),
  };
}

function plainMarks(es: ExternalSecretRecord, spec: ExternalSecretSpec, target: ObservedTarget) {
  return { labels: es.labels, annotations: annotationsOn(es, spec, target) };
}
