// How a reconcile ended, as data: report.ts turns it into status, event and metric, the controller into the next run.
import type { OperatorError } from '../base/operator-error.ts';
import type { Combined } from './selection.ts';

export type Outcome =
  /** The target is as wanted. `wrote` says what that took; `message` and `reason` are those of the Ready condition. */
  | {
      readonly kind: 'synced';
      readonly wrote: 'created' | 'updated' | 'deleted' | 'nothing';
      readonly reason: string;
      readonly message: string;
      /** `/folder/KEY` of values that another folder's value of the same key hides. */
      readonly shadowed: readonly string[];
      /** Values that a rewrite gave the key of another one. */
      readonly collisions: Combined['collisions'];
      /** Places in the spec whose secret is gone at the provider, where the policy lets it be. */
      readonly missing: readonly string[];
      /** What the sources themselves warn of. */
      readonly warnings: readonly string[];
      /** Where the first keys come from, and how many keys there were. */
      readonly sources: Combined['sources'];
      readonly keyCount: number;
      /** Nothing was read, because the target holds what was drawn before: the status tells so already, or does not yet. */
      readonly kept?: 'told' | 'untold';
    }
  /** Nothing was due: neither fetched nor written. */
  | { readonly kind: 'idle' }
  /** A reference of a new object is not there yet: no verdict before the grace is over. */
  | { readonly kind: 'grace'; readonly leftMs: number }
  | { readonly kind: 'failed'; readonly error: OperatorError };
