// What is told of the queues at a scrape: how many objects wait, how many run, and how long the oldest has waited.
import type { QueueLoad } from '../runtime/workqueue.ts';
import type { Labels } from '../telemetry/metrics.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { kinds, type ReconciledKind } from './kinds.ts';

/** `loads` is asked at every scrape. The answer ends the reading. */
export function exposeQueues(
  metrics: OperatorMetrics,
  loads: () => Iterable<readonly [ReconciledKind, QueueLoad]>,
): () => void {
  const read = <L extends string>(labels: (kind: ReconciledKind) => Labels<L>, of: (load: QueueLoad) => number) =>
    function* (): Iterable<readonly [Labels<L>, number]> {
      for (const [kind, load] of loads()) yield [labels(kind), of(load)];
    };
  const byKind = (kind: ReconciledKind) => ({ kind });
  const ends = [
    metrics.queueDepth.readFrom(read(byKind, ({ ready }) => ready)),
    metrics.queueOverdue.readFrom(read(byKind, ({ oldestMs }) => oldestMs / 1_000)),
    metrics.activeWorkers.readFrom(
      read(
        (kind) => ({ controller: kinds[kind].controllerName }),
        ({ running }) => running,
      ),
    ),
    metrics.workqueueDepth.readFrom(
      read(
        (kind) => ({ name: kinds[kind].controllerName, controller: kinds[kind].controllerName }),
        ({ ready }) => ready,
      ),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
