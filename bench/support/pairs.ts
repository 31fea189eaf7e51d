// Two bundles by turns in one sitting: what this machine takes for the same work differs from minute to minute, so each
// pair is compared for itself, and the middle of the pairs is what counts.
import { sum } from './api-counts.ts';
import { type FirstSync, median, rounded } from './phases.ts';

type Facts = FirstSync['facts'];

export interface Pair {
  readonly ours: Facts;
  readonly beside: Facts;
}

/** Both, one after the other; which goes first alternates from round to round, as the second finds a warmer machine. */
export async function inTurns<T>(
  round: number,
  ours: () => Promise<T>,
  beside: () => Promise<T>,
): Promise<{ readonly ours: T; readonly beside: T }> {
  if (round % 2 === 1) return { ours: await ours(), beside: await beside() };
  const early = await beside();
  return { ours: await ours(), beside: early };
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
  apiWrites: ({ apiWrites }: Facts) => sum(apiWrites),
} satisfies Record<string, (facts: Facts) => number>;

/** Ours as a share of the other's, the middle of the pairs, and each pair's, by measure. */
export function comparePairs(pairs: readonly Pair[]): object {
  const compared = Object.entries(measures).map(([name, of]) => {
    const ratios = pairs.map(({ ours, beside }) => rounded(of(ours) / of(beside), 3));
    return [name, { middle: median(ratios), pairs: ratios }];
  });
  return Object.fromEntries(compared);
}
