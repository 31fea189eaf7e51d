// How long to wait after the n-th failure in a row. Pure: chance arrives as an argument.

export interface BackoffInput {
  /** Failures in a row so far; the first failure is 1. */
  readonly failures: number;
  /** Delay after the first failure; doubles with each further one. */
  readonly baseMs: number;
  /** The delay grows no further than this. */
  readonly capMs: number;
  /** A number in [0, 1), as Math.random gives. */
  readonly random: () => number;
}

/** Share of the delay that chance may add. It only ever lengthens, so a cap equal to an interval is never undercut. */
const jitterShare = 0.2;

/** From here on the doubling is past any cap; keeps 2^n finite. */
const mostDoublings = 40;

/** Delay in ms before the next try: `baseMs` doubled per failure, capped, lengthened by up to a fifth. */
export function delayAfter({ failures, baseMs, capMs, random }: BackoffInput): number {
  return doubledMs(failures, baseMs, capMs) * (1 + jitterShare * random());
}

/** `baseMs` after the first failure, doubled with each further one, `capMs` at most. */
export function doubledMs(failures: number, baseMs: number, capMs: number): number {
  const doublings = Math.min(Math.max(0, failures - 1), mostDoublings);
  return Math.min(capMs, baseMs * 2 ** doublings);
}

export interface RetryDelays {
  readonly firstMs: number;
  readonly capMs: number;
}

/** The delay before try number `failures + 1`: doubling, spread over its upper half so that many clients part ways. */
export function spreadDelayMs(failures: number, { firstMs, capMs }: RetryDelays, random: () => number): number {
  return doubledMs(failures, firstMs, capMs) * (0.5 + 0.5 * random());
}
