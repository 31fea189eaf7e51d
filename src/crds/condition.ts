// The condition that all kinds report in their status.
import * as z from 'zod/mini';
import { about, instant, int64, oneOf, optional, text } from './kit.ts';

const condition = z.object({
  type: oneOf(
    ['Ready', 'Deleted', 'Reconciling', 'Stalled'],
    'Ready says whether the object works; Reconciling and Stalled stand only while they are true.',
  ),
  status: text('True, False or Unknown.'),
  reason: optional(text('Cause in one CamelCase word, for machines.')),
  message: optional(text('Cause and remedy in one line, for people.')),
  lastTransitionTime: optional(instant('When `status` last changed.')),
  observedGeneration: optional(int64('Generation of the object that this condition speaks of.')),
});

export type Condition = z.infer<typeof condition>;

export const conditions = about('State of the object, Ready last.', z.array(condition));

export const observedGeneration = int64(
  'Generation that the status speaks of; -1 until the operator has looked at the object.',
);

/** Default of `status` in the CRDs: kstatus takes a new object for in progress, not for done. */
export const initialStatus = { observedGeneration: -1 } as const;
