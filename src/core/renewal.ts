// When an answer that ends is asked for anew: early enough for one failure and its backoff.

/** Share of a lifetime after which the answer is renewed. */
const renewAtShare = 2 / 3;
/** An answer that ends at once would be asked for without an end. */
const soonestMs = 5_000;

/** The instant from which on the answer is to be read anew; undefined for one that does not end. */
export function renewAtMs(readAtMs: number, lifetimeMs: number | undefined): number | undefined {
  return lifetimeMs === undefined ? undefined : readAtMs + Math.max(soonestMs, lifetimeMs * renewAtShare);
}

/** Share of its former life that a renewal must give: towards the most that may live, whoever grants it gives less and less. */
const worthShare = 1 / 2;

/** Whether so much new life is worth it, or another token or lease is asked for while this one still works. */
export function isWorthRenewing(formerLifeMs: number, givenMs: number): boolean {
  return givenMs >= formerLifeMs * worthShare;
}

/** Share of the time that is left within which a renewal that failed is tried again. */
const retryShare = 1 / 4;
const soonestRetryMs = 1_000;
/** What has run out, or will before long, is tried for this often all the same, so that the source is missed for no minute. */
const longestRetryMs = 30_000;

/** How soon a renewal that failed is tried again at the latest, while what was read before still works and after. */
export function retryWithinMs(nowMs: number, endsAtMs: number): number {
  const leftMs = endsAtMs - nowMs;
  if (leftMs <= 0) return longestRetryMs;
  const share = Math.max(soonestRetryMs, leftMs * retryShare);
  return leftMs < longestRetryMs / retryShare ? Math.min(longestRetryMs, share) : share;
}
