// The talk between the event loop and a worker thread: an order goes there, an answer comes back. Plain data both ways.
import { type Bounds, Budget } from './budget.ts';
import { type PackedError, packError, packOutput, unpackInput } from './job-packing.ts';
import { beforeJob, type JobKind, runJob } from './jobs.ts';

export interface JobOrder {
  readonly kind: JobKind;
  readonly input: unknown;
  readonly bounds: Bounds;
  /** What messages name: the bounds of the whole reconcile. */
  readonly named: Bounds;
}

export type JobAnswer =
  | { readonly kind: JobKind; readonly output: unknown; readonly spent: Bounds }
  | { readonly error: PackedError; readonly spent: Bounds };

const nothing: Bounds = { work: 0, held: 0, produced: 0 };

/** Does what was ordered. Never throws: what went wrong is in the answer. */
export async function answerOrder({ kind, input, bounds, named }: JobOrder): Promise<JobAnswer> {
  const budget = new Budget(bounds, named);
  try {
    const unpacked = unpackInput(kind, input);
    await beforeJob(kind, unpacked);
    const output = packOutput(kind, runJob(kind, unpacked, budget));
    return { kind, output, spent: budget.spent };
  } catch (thrown) {
    // The error says what was too much; charging it again would only say it in other words.
    return { error: packError(thrown), spent: budget.isOver ? nothing : budget.spent };
  }
}
