// Who fails for what was found at the source (no such key, no such folder, no right to read) looks again soon while that is
// new, however long its interval: somebody mends it now. Of all that fail at one API root for one identity one a beat goes,
// so that their number costs the upstream nothing. What it reads anew wakes those of its scope without a request; those that
// failed for the same reason elsewhere look again as well, as it may have been the identity's rights.
//
//   failed ──beat (3 s), one in line──▶ runs ──▶ synced: those of the same reason run
//     ▲                                  └─────▶ failed again: to the end of the line, for 10 minutes
import type { Clock, Timer } from '../../base/clock.ts';
import type { Reason } from '../../base/reasons.ts';
import { ProbeLine, type Waiting } from '../probe-line.ts';

const probeEveryMs = 3_000;
/** So long a failure is new; older ones are left to their own backoff. */
const newForMs = 600_000;

export interface ContentFailure extends Waiting {
  /** API root and identity that read. */
  readonly origin: string;
  readonly reason: Reason;
  /** Of the first failure in a row, monotonic ms. */
  readonly sinceMs: number;
}

interface Origin {
  readonly line: ProbeLine<ContentFailure>;
  timer: Timer | undefined;
}

export class ContentProbes {
  readonly #clock: Clock;
  readonly #origins = new Map<string, Origin>();
  readonly #originOf = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `key` failed; told anew after each run that fails. */
  noteFailure(key: string, failure: ContentFailure): void {
    if (this.#originOf.get(key) !== failure.origin) this.forget(key);
    const origin = this.#origins.get(failure.origin) ?? { line: new ProbeLine<ContentFailure>(), timer: undefined };
    this.#origins.set(failure.origin, origin);
    this.#originOf.set(key, failure.origin);
    origin.line.set(key, failure);
    if (origin.timer === undefined && this.#isNew(failure)) this.#plan(origin);
  }

  /** `key` is in step. When it had failed, those that failed for the same reason run. */
  noteSuccess(key: string): void {
    const origin = this.#origins.get(this.#originOf.get(key) ?? '');
    const mended = origin?.line.get(key);
    this.forget(key);
    if (origin === undefined || mended === undefined) return;
    const others = [...origin.line.entries()].filter(([, { reason }]) => reason === mended.reason);
    for (const [other, { wake }] of others) {
      this.forget(other); // until it fails again
      wake();
    }
  }

  /** `key` is gone, or fails for something else. */
  forget(key: string): void {
    const name = this.#originOf.get(key);
    if (name === undefined) return;
    this.#originOf.delete(key);
    const origin = this.#origins.get(name);
    origin?.line.delete(key);
    if (origin === undefined || origin.line.size > 0) return;
    origin.timer?.cancel();
    this.#origins.delete(name);
  }

  stop(): void {
    for (const { timer } of this.#origins.values()) timer?.cancel();
    this.#origins.clear();
    this.#originOf.clear();
  }

  #plan(origin: Origin): void {
    origin.timer = this.#clock.after(probeEveryMs, () => {
      this.#plan(origin); // before anybody runs, who may be the last to wait
      if (origin.line.probe((failure) => this.#isNew(failure))) return;
      origin.timer?.cancel();
      origin.timer = undefined;
    });
  }

  #isNew({ sinceMs }: ContentFailure): boolean {
    return this.#clock.monotonicMs() - sinceMs < newForMs;
  }
}
