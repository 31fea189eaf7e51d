// What is told of the queues at a scrape: how many objects wait, how many run, and how long the oldest has waited.
import type { QueueLoad } from '../runtime/workqueue.ts';
import type { Labels } from '../telemetry/metrics.ts';
import type { ObjectSeries, OperatorMetrics } from '../telemetry/operator-metrics.ts';

/** `loads` is asked at every scrape. The answer ends the reading. */
export function exposeQueues(
  metrics: OperatorMetrics,
  loads: () => Iterable<readonly [ObjectSeries, QueueLoad]>,
): () => void {
  const read = <L extends string>(labels: (series: ObjectSeries) => Labels<L>, of: (load: QueueLoad) => number) =>
    function* (): Iterable<readonly [Labels<L>, number]> {
      for (const [series, load] of loads()) yield [labels(series), of(load)];
    };
  const byKind = ({ kind }: ObjectSeries) => ({ kind });
  const ends = [
    metrics.queueDepth.readFrom(read(byKind, ({ ready }) => ready)),
    metrics.queueOverdue.readFrom(read(byKind, ({ oldestMs }) => oldestMs / 1_000)),
    metrics.activeWorkers.readFrom(
      read(
        ({ controller }) => ({ controller }),
        ({ running }) => running,
      ),
    ),
    metrics.workqueueDepth.readFrom(
      read(
        ({ controller }) => ({ name: controller, controller }),
        ({ ready }) => ready,
      ),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
