// The server's rate limiter: one allowance per client address and route, in windows of one minute. Off unless asked for.
import type { Clock } from '../../../src/base/clock.ts';

/** Requests per minute by the class of the route. */
export interface RateLimits {
  readonly secrets: number;
  readonly read: number;
  readonly write: number;
}

export type LimitClass = keyof RateLimits;

/** What a self-hosted server of October 2024 without a licence allows. */
export const selfHostedLimits: RateLimits = { secrets: 40, read: 60, write: 200 };

export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the window ends. */
  readonly resetSeconds: number;
  readonly isExceeded: boolean;
}

const windowMs = 60_000;

export class RateLimiter {
  readonly #clock: Clock;
  readonly #windows = new Map<string, { startMs: number; count: number }>();
  #limits: RateLimits | undefined;

  constructor(clock: Clock, limits: RateLimits | undefined) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Sets the limits, or switches limiting off; used-up allowances are forgotten either way. */
  set(limits: RateLimits | undefined): void {
    this.#limits = limits;
    this.reset();
  }

  reset(): void {
    this.#windows.clear();
  }

  /** Counts one request; undefined when limiting is off. */
  take(limitClass: LimitClass, route: string, address: string): Allowance | undefined {
    if (!this.#limits) return undefined;
    const nowMs = this.#clock.nowMs();
    const key = `${route} ${address}`;
    const current = this.#windows.get(key);
    const window = current && nowMs < current.startMs + windowMs ? current : { startMs: nowMs, count: 0 };
    window.count += 1;
    this.#windows.set(key, window);
    const limit = this.#limits[limitClass];
    return {
      limit,
      remaining: Math.max(0, limit - window.count),
      resetSeconds: Math.ceil((window.startMs + windowMs - nowMs) / 1000),
      isExceeded: window.count > limit,
    };
  }
}
