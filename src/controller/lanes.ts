// How urgent a run is; lower goes first. The same numbers order the workqueues and the write slots.

export const lanes = {
  deletion: 0,
  /** A new object, an edit, a force-sync. */
  spec: 1,
  /** The source said that something changed. */
  push: 2,
  /** The target was edited or deleted; something it depends on was repaired. */
  drift: 3,
  periodic: 4,
  background: 5,
} as const;

/** Why a run was asked for, as the queue carries it. */
export type Cause =
  | 'created'
  | 'changed'
  | 'deleted'
  | 'drift'
  | 'store'
  | 'reference'
  | 'recovered'
  /** A scope in which something was missing was read anew. */
  | 'answered'
  | 'periodic'
  | 'retry'
  /** A run that met a conflict or was ended early tries once more, with what it had read. */
  | 'again'
  | 'grace'
  /** The source has not answered for so long that it is told. */
  | 'silent';
