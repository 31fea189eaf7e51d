// Two bundles by turns in one sitting: what this machine takes for the same work differs from minute to minute, so each
// pair is compared for itself, and the middle of the pairs is what counts.
import { type FirstSync, median, rounded } from './phases.ts';

type Facts = FirstSync['facts'];

export interface Pair {
  readonly ours: Facts;
  readonly beside: Facts;
}

/** `true` where the bundle that is compared with goes first: every other round, as the second of a pair has a warmer machine. */
export function besideFirst(round: number): boolean {
  return round % 2 === 0;
}

const measures = {
  seconds: ({ seconds }: Facts) => seconds,
  cpu: ({ cpuSeconds }: Facts) => cpuSeconds,
  cpuWithEvents: ({ cpuSecondsWithEvents }: Facts) => cpuSecondsWithEvents,
  cpuByOthers: ({ cpuSeconds, othersCpuSeconds }: Facts) => cpuSeconds / othersCpuSeconds,
  rssAtReady: ({ rssAtReadyMib }: Facts) => rssAtReadyMib,
  rssSteady: ({ rssSteadyMib }: Facts) => rssSteadyMib,
  rssPeak: ({ rssPeakMib }: Facts) => rssPeakMib,
  upstreamRequests: ({ logins, lists, gets }: Facts) => logins + lists + gets,
  apiWrites: ({ apiWrites }: Facts) => Object.values(apiWrites).reduce((total, some) => total + some, 0),
} satisfies Record<string, (facts: Facts) => number>;

/** Ours as a share of the other's, the middle of the pairs, and each pair's, by measure. */
export function comparePairs(pairs: readonly Pair[]): object {
  const compared = Object.entries(measures).map(([name, of]) => {
    const ratios = pairs.map(({ ours, beside }) => rounded(of(ours) / of(beside), 3));
    return [name, { middle: median(ratios), pairs: ratios }];
  });
  return Object.fromEntries(compared);
}
