// What is counted of values that run out: how long the first of a kind is good for, and for how many a renewal has failed.
import type { Clock } from '../../base/clock.ts';
import type { OperatorMetrics } from '../../telemetry/operator-metrics.ts';
import type { Memory } from './object-controller.ts';

type Remembered = Pick<Memory, 'failures'>;

export interface EndSeries<M extends Remembered> {
  readonly kind: string;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly metrics: Pick<OperatorMetrics, 'earliestExpiry' | 'renewalsFailing'>;
  readonly memories: () => Iterable<M>;
  /** When what an object holds runs out (monotonic ms); undefined when nothing does. */
  readonly endsAtMs: (memory: M) => number | undefined;
}

/** Answers with what ends it. A kind none of whose objects holds such values has no time left to tell, and no failure. */
export function exposeEnds<M extends Remembered>({
  kind,
  clock,
  metrics,
  memories,
  endsAtMs,
}: EndSeries<M>): () => void {
  const ends = [
    metrics.earliestExpiry.readFrom(() => {
      let firstMs = Number.POSITIVE_INFINITY;
      for (const memory of memories()) firstMs = Math.min(firstMs, endsAtMs(memory) ?? firstMs);
      return firstMs === Number.POSITIVE_INFINITY ? [] : [[{ kind }, (firstMs - clock.monotonicMs()) / 1_000] as const];
    }),
    metrics.renewalsFailing.readFrom(() => {
      let count = 0;
      for (const memory of memories()) if (memory.failures > 0 && endsAtMs(memory) !== undefined) count++;
      return [[{ kind }, count] as const];
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
