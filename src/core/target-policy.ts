// What creationPolicy and deletionPolicy make of a target: write it, delete it, or leave it, with the reason that Ready
// then shows. Pure; `target-plan.ts` says what a write holds.

import { OperatorError } from '../base/operator-error.ts';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';

export interface TargetPolicy {
  readonly creation: 'Owner' | 'Orphan' | 'Merge' | 'CreateOrMerge' | 'None';
  readonly deletion: 'Retain' | 'Delete' | 'Merge';
  readonly immutable: boolean;
}

/** The policy of a spec; its defaults are those of the schema, for objects that were stored without them. */
export function policyOf({ target }: ExternalSecretSpec): TargetPolicy {
  return {
    creation: target.creationPolicy,
    deletion: target.deletionPolicy,
    // A Secret's; other kinds have no such field, or mean something else by it.
    immutable: target.manifest === undefined && (target.immutable ?? false),
  };
}

/** Whether keys of others stay in the target. */
export function isMerging({ creation }: TargetPolicy): boolean {
  return creation === 'Merge' || creation === 'CreateOrMerge';
}

/** Whether a key that is gone at the provider is left out, instead of failing the whole. */
export function toleratesMissing({ deletion }: TargetPolicy): boolean {
  return deletion !== 'Retain';
}

/** Reason and message of Ready=True, as in ESO. */
export interface Ending {
  readonly reason: `${'Secret' | 'Resource'}${'Synced' | 'Deleted' | 'Missing'}`;
  readonly message: string;
}

export const endings = {
  synced: { reason: 'SecretSynced', message: 'secret synced' },
  retained: { reason: 'SecretSynced', message: 'secret retained due to DeletionPolicy=Retain' },
  deleted: { reason: 'SecretDeleted', message: 'secret deleted due to DeletionPolicy=Delete' },
  missing: { reason: 'SecretMissing', message: 'secret will not be created due to CreationPolicy=Merge' },
} as const satisfies Record<string, Ending>;

/** The ending as ESO words it for a target of another kind than Secret. */
export function asResource({ reason, message }: Ending): Ending {
  const isMissing = reason === endings.missing.reason;
  return {
    reason: reason.replace('Secret', 'Resource') as Ending['reason'], // the type has both
    message: isMissing ? message.replace('secret', 'resource') : message,
  };
}

export type Intent =
  | { readonly kind: 'write' | 'delete'; readonly ending: Ending }
  | { readonly kind: 'leave'; readonly ending: Ending };

/**
 * What is to become of the target. `isEmpty` when the sources gave no key at all: that is decided before any template, so
 * that static keys of a template keep no Secret alive. Throws InvalidSpec for a deletion that the policy does not own.
 */
export function intentFor(
  policy: TargetPolicy,
  { targetName, isEmpty, exists }: { readonly targetName: string; readonly isEmpty: boolean; readonly exists: boolean },
): Intent {
  const { creation, deletion } = policy;
  if (isEmpty && deletion === 'Retain') return { kind: 'leave', ending: endings.retained };
  if (isEmpty && deletion === 'Delete') {
    if (creation !== 'Owner') {
      throw new OperatorError(
        'InvalidSpec',
        `unable to delete secret ${targetName}: creationPolicy=${creation} is not Owner`,
      );
    }
    return { kind: exists ? 'delete' : 'leave', ending: endings.deleted };
  }
  if (creation === 'None') return { kind: 'leave', ending: endings.synced };
  if (creation === 'Merge' && !exists) return { kind: 'leave', ending: endings.missing };
  return { kind: 'write', ending: endings.synced };
}

/**
 * Whether a target that is not there is as the policy wants it. `readyReason` is that of the last verdict: a Secret that
 * was deleted by policy, or that nobody has made yet, is not looked for again before its time.
 */
export function isAbsenceWanted({ creation, deletion }: TargetPolicy, readyReason: string | undefined): boolean {
  if (creation === 'None' || creation === 'Orphan') return true;
  const reason = readyReason?.replace('Resource', 'Secret');
  if (creation === 'Merge') return reason === endings.missing.reason;
  return deletion === 'Delete' && reason === endings.deleted.reason;
}
