// When an answer that ends is asked for anew: early enough for one failure and its backoff.

/** Share of a lifetime after which the answer is renewed. */
const renewAtShare = 2 / 3;
/** An answer that ends at once would be asked for without an end. */
const soonestMs = 5_000;

/** The instant from which on the answer is to be read anew; undefined for one that does not end. */
export function renewAtMs(readAtMs: number, lifetimeMs: number | undefined): number | undefined {
  return lifetimeMs === undefined ? undefined : readAtMs + Math.max(soonestMs, lifetimeMs * renewAtShare);
}
