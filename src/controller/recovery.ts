// What failed because of an upstream waits here until the upstream works again. Per origin one waiting object at a time is
// let through as a probe; the first that succeeds wakes all the others. Objects that never failed are not held back here.
//
//   noteFailure ──► waiting ──tick (3 s)──► one probes ──succeeds──► all wake
//                      ▲                        └────────fails────────┘
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ProbeLine, type Waiting } from './probe-line.ts';

/** How often an origin that fails is tried. */
const probeEveryMs = 3_000;
/**
 * After so long of steady failure the pace slows down where many fail: each has its share of all probes, with no more than
 * `slowestProbeEveryMs` between two. Up to 40 origins keep the pace.
 */
const eagerMs = 120_000;
const shareMs = 75;
const slowestProbeEveryMs = 15_000;

/** A failure: what waits, and when the host may be asked again, where it is known to be down. */
interface Failure extends Waiting {
  readonly retryAfterMs?: number | undefined;
}

/** Added to the time that a host names, so that the probe does not come an instant too early. */
const marginMs = 10;

interface Sick {
  readonly sinceMs: number;
  readonly waiting: ProbeLine<Waiting>;
  timer: Timer;
}

export class Recovery {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'info' | 'warn'> | undefined;
  readonly #origins = new Map<string, Sick>();
  readonly #originOf = new Map<string, string>();

  /** `log` gets a line at the beginning and at the end of what an origin suffers, whatever the number of objects. */
  constructor(clock: Clock, log?: Pick<Logger, 'info' | 'warn'>) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Whether it is known that the origin fails. */
  isSick(origin: string): boolean {
    return this.#origins.has(origin);
  }

  /** `key` failed because of `origin`; `wake` asks for its next run. */
  noteFailure(key: string, origin: string, { group, wake, retryAfterMs }: Failure): void {
    const waiting = { group, wake };
    if (this.#originOf.get(key) !== origin) this.forget(key);
    this.#originOf.set(key, origin);
    const sick = this.#origins.get(origin);
    if (sick !== undefined) {
      sick.waiting.set(key, waiting);
      if (retryAfterMs === undefined || retryAfterMs > probeEveryMs) return;
      // The host says when it may be asked: a probe on our own beat could miss that by a moment, and lose a whole beat.
      sick.timer.cancel();
      sick.timer = this.#clock.after(retryAfterMs + marginMs, () => this.#probe(origin));
      return;
    }
    this.#log?.warn({ detail: origin }, 'origin fails');
    const line = new ProbeLine<Waiting>();
    line.set(key, waiting);
    this.#origins.set(origin, {
      sinceMs: this.#clock.monotonicMs(),
      waiting: line,
      timer: this.#clock.after(probeEveryMs, () => this.#probe(origin)),
    });
  }

  /** `key` works. If it had failed, its origin has recovered: everything that waits for it runs. */
  noteSuccess(key: string): void {
    const origin = this.#originOf.get(key);
    if (origin === undefined) return;
    const sick = this.#origins.get(origin);
    this.#originOf.delete(key);
    if (sick === undefined) return;
    sick.waiting.delete(key);
    this.#drop(origin, sick);
    const durationMs = Math.round(this.#clock.monotonicMs() - sick.sinceMs);
    this.#log?.info({ detail: origin, durationMs, count: sick.waiting.size + 1 }, 'origin works again');
    for (const [other, { wake }] of sick.waiting.entries()) {
      this.#originOf.delete(other);
      wake();
    }
  }

  /** `key` is gone, or fails for another reason. */
  forget(key: string): void {
    const origin = this.#originOf.get(key);
    if (origin === undefined) return;
    this.#originOf.delete(key);
    const sick = this.#origins.get(origin);
    sick?.waiting.delete(key);
    if (sick !== undefined && sick.waiting.size === 0) this.#drop(origin, sick);
  }

  /** What `key` waits for, undefined when it waits for nothing. */
  originOf(key: string): string | undefined {
    return this.#originOf.get(key);
  }

  stop(): void {
    for (const { timer } of this.#origins.values()) timer.cancel();
    this.#origins.clear();
    this.#originOf.clear();
  }

  #probe(origin: string): void {
    const sick = this.#origins.get(origin);
    if (sick === undefined) return;
    sick.timer = this.#clock.after(this.#paceOf(sick), () => this.#probe(origin));
    sick.waiting.probe();
  }

  #paceOf({ sinceMs }: Sick): number {
    if (this.#clock.monotonicMs() - sinceMs < eagerMs) return probeEveryMs;
    return Math.min(slowestProbeEveryMs, Math.max(probeEveryMs, this.#origins.size * shareMs));
  }

  #drop(origin: string, sick: Sick): void {
    sick.timer.cancel();
    this.#origins.delete(origin);
  }
}
