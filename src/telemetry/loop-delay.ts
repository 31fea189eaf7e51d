// How long the event loop was held up, as Node's own histogram has it: what a scrape reads is the time since the last one.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the loop is looked at. A pause is seen as the time beyond this. */
const resolutionMs = 20;
const nsPerSecond = 1e9;

/** Starts to watch; each call of the answer gives median, 99th percentile and longest pause in seconds, and starts anew. */
export function watchLoopDelay(): () => Iterable<readonly [{ readonly quantile: string }, number]> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const seconds = (ns: number) => Math.max(0, ns / nsPerSecond - resolutionMs / 1_000);
  return () => {
    // An empty histogram has no percentiles, and its longest is 0.
    const isEmpty = histogram.count === 0;
    const at = (percentile: number) => (isEmpty ? 0 : seconds(histogram.percentile(percentile)));
    const read = [
      [{ quantile: '0.5' }, at(50)],
      [{ quantile: '0.99' }, at(99)],
      [{ quantile: '1' }, isEmpty ? 0 : seconds(histogram.max)],
    ] as const;
    histogram.reset();
    return read;
  };
}
