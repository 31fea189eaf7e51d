// Leader election by a Lease:
//
//   following ── lease free, released or run out ──► leading ── renewed every retryPeriod ──► leading
//       ▲                                              │ not renewed within renewDeadline, or taken by another
//       └──────────────────────────────────────────────┘
//
// The right to write ends by our own monotonic clock, renewDeadline after the *start* of the last renewal that worked.
// Others may take the lease only leaseDuration after they saw that renewal, which is later. So a leader that was
// stopped and resumed finds itself deposed before it writes, whatever its timers and sockets did meanwhile.
// Protocol as in client-go's leaderelection package, so that replicas of either may share a Lease.

import type { Clock, Timer } from '../base/clock.ts';
import { pause } from '../base/clock.ts';
import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import { startInformer } from './informer.ts';
import { isConflict, type Lease, leases, microTime, readLease, writeLease } from './lease-record.ts';
import type { Log } from './log.ts';
import type { Transport } from './transport.ts';

export interface LeaseTerms {
  readonly namespace: string;
  readonly name: string;
  /** Unique per process, for example `<pod>_<random>`. */
  readonly identity: string;
  /** After which time without a renewal others may take the lease. */
  readonly durationMs: number;
  /** After which time without a renewal the leader stops being one; less than `durationMs`. */
  readonly renewDeadlineMs: number;
  /** Between two renewals, and between two looks of a follower; less than `renewDeadlineMs`. */
  readonly retryPeriodMs: number;
}

export interface ElectionOptions {
  readonly terms: LeaseTerms;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  /** Called on becoming leader; the signal fires when that ends. */
  readonly onGained: (leadership: AbortSignal) => void;
  /** Called when leadership ended without `stop`. */
  readonly onLost: () => void;
}

export interface Election {
  /** Judged at the moment of the call. */
  isLeader(): boolean;
  /** Throws `Aborted` unless this process may write now. */
  guard(): void;
  /** Gives the lease back, if held, so that a follower need not wait for it to run out. Call it after the last write. */
  stop(): Promise<void>;
}

/** Begins to follow at once. Throws `InvalidSpec` when the times do not fit each other. */
export function startElection(options: ElectionOptions): Election {
  checkTerms(options.terms);
  return new LeaseElection(options);
}

/** Share of the retry period that chance adds for followers, so that they do not all ask at once. */
const followerJitterShare = 0.2;
/** Share of the renew deadline that one request may take, so that one that hangs leaves time for another. */
const attemptShare = 0.5;
/** A released lease is written with this duration, as client-go does. */
const releasedDurationSeconds = 1;
const releaseTimeoutMs = 2_000;
/** How often a follower says for whom it waits. */
const sayForWhomEveryMs = 60_000;

class LeaseElection implements Election {
  readonly #options: ElectionOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  /** Monotonic instant until which we may write; undefined while following. */
  #validUntilMs: number | undefined;
  /** Our lease as last written. */
  #held: Lease | undefined;
  /** A follower's view: the version it saw last, and until when its holder is respected if that does not change. */
  #seen: { readonly version: string | undefined; readonly respectedUntilMs: number } | undefined;
  /** Who held the lease when we looked last, and when we may say so again. */
  #holder: string | undefined;
  #sayAgainMs = 0;
  #troubleReason: string | undefined;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  isLeader(): boolean {
    return this.#validUntilMs !== undefined && this.#options.clock.monotonicMs() < this.#validUntilMs;
  }

  guard(): void {
    if (!this.isLeader()) throw new OperatorError('Aborted', 'this process is not the leader');
  }

  async stop(): Promise<void> {
    const wasLeader = this.isLeader();
    this.#stop.abort();
    await this.#ended;
    this.#validUntilMs = undefined;
    if (wasLeader) await this.#release();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (await this.#follow(signal)) await this.#lead(signal);
    }
  }

  /** Looks at the lease until it is ours (true) or we are stopped (false). */
  async #follow(signal: AbortSignal): Promise<boolean> {
    const { terms, clock, random = Math.random } = this.#options;
    const watch = this.#watchForRelease();
    try {
      while (!signal.aborted) {
        const released = watch.nextRelease(); // before the look, so that a release during it counts
        if (await this.#tryAcquire(signal)) return true;
        this.#sayForWhom();
        const periodMs = terms.retryPeriodMs * (1 + followerJitterShare * random());
        const leftMs = (this.#seen?.respectedUntilMs ?? Number.POSITIVE_INFINITY) - clock.monotonicMs();
        // Nobody should wait longer than the lease: the look that finds it run out comes at that moment.
        await Promise.race([released, pause(clock, leftMs > 0 ? Math.min(periodMs, leftMs) : periodMs, signal)]);
      }
      return false;
    } finally {
      watch.stop();
    }
  }

  /** A replica that does nothing says why, now and then. */
  #sayForWhom(): void {
    const { clock, log, terms } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#holder === undefined || nowMs < this.#sayAgainMs) return;
    this.#sayAgainMs = nowMs + sayForWhomEveryMs;
    log.info({ name: terms.name, namespace: terms.namespace, detail: this.#holder }, 'waiting for the lease, held by');
  }

  /**
   * A follower that watches takes over a released lease at once, and knows to the moment when it was last renewed; one that
   * may not watch still looks every period.
   */
  #watchForRelease(): { nextRelease(): Promise<void>; stop(): void } {
    const { transport, clock, log, terms } = this.#options;
    let wake = Promise.withResolvers<void>();
    const informer = startInformer<Lease>(
      {
        resource: leases,
        namespace: terms.namespace,
        fieldSelector: `metadata.name=${terms.name}`,
        trim: (object) => object, // a Lease is small, and its spec is all we look at
      },
      { transport, clock, log },
    );
    informer.subscribe(({ after }) => {
      if (after === undefined || isFree(after)) wake.resolve();
      else this.#see(after);
    });
    return {
      nextRelease() {
        wake = Promise.withResolvers<void>();
        return wake.promise;
      },
      stop: () => informer.stop(),
    };
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { transport, terms, clock } = this.#options;
    const within = { timeoutMs: terms.renewDeadlineMs * attemptShare };
    try {
      const found = await readLease(transport, terms, within, signal);
      if (found !== undefined && !this.#mayTake(found)) return false;
      const begunMs = clock.monotonicMs();
      this.#held = await writeLease(transport, this.#taken(found), within, signal);
      this.#validUntilMs = begunMs + terms.renewDeadlineMs;
      this.#troubled(undefined);
      return this.isLeader();
    } catch (thrown) {
      this.#troubled(asOperatorError(thrown));
      return false;
    }
  }

  #mayTake(lease: Lease): boolean {
    if (isFree(lease) || lease.spec?.holderIdentity === this.#options.terms.identity) return true;
    return this.#options.clock.monotonicMs() >= this.#see(lease);
  }

  /** Until when the holder is respected. Only what we saw ourselves counts: its clock, which wrote renewTime, may be off. */
  #see({ metadata: { resourceVersion: version }, spec }: Lease): number {
    this.#holder = spec?.holderIdentity;
    if (this.#seen === undefined || this.#seen.version !== version) {
      const durationMs = (spec?.leaseDurationSeconds ?? 0) * 1_000;
      this.#seen = { version, respectedUntilMs: this.#options.clock.monotonicMs() + durationMs };
    }
    return this.#seen.respectedUntilMs;
  }

  #taken(found: Lease | undefined): Lease {
    const { terms, clock } = this.#options;
    const now = microTime(clock.nowMs());
    const isOurs = found?.spec?.holderIdentity === terms.identity;
    return {
      metadata: found?.metadata ?? { namespace: terms.namespace, name: terms.name },
      spec: {
        holderIdentity: terms.identity,
        leaseDurationSeconds: Math.ceil(terms.durationMs / 1_000),
        acquireTime: isOurs ? (found?.spec?.acquireTime ?? now) : now,
        renewTime: now,
        leaseTransitions: (found?.spec?.leaseTransitions ?? 0) + (isOurs || found === undefined ? 0 : 1),
      },
    };
  }

  /** Renews until leadership is lost or we are stopped. */
  async #lead(signal: AbortSignal): Promise<void> {
    const { clock, terms, log, onGained, onLost } = this.#options;
    const leadership = new AbortController();
    const lapse = this.#onLapse(() => leadership.abort());
    log.info({ name: terms.name, namespace: terms.namespace }, 'became leader');
    onGained(leadership.signal);
    const either = AbortSignal.any([signal, leadership.signal]);
    let waitMs = terms.retryPeriodMs;
    while (!either.aborted) {
      await pause(clock, waitMs, either);
      const begunMs = clock.monotonicMs();
      if (!either.aborted && !(await this.#renew(either))) leadership.abort();
      // Counted from start to start: after a try that hung there is no time to lose.
      waitMs = Math.max(0, terms.retryPeriodMs - (clock.monotonicMs() - begunMs));
    }
    lapse.cancel();
    if (signal.aborted) return leadership.abort();
    this.#validUntilMs = undefined;
    this.#seen = undefined;
    log.warn({ name: terms.name, namespace: terms.namespace }, 'leadership lost');
    onLost();
  }

  /** Calls back when the right to write has run out; renewals move that moment. */
  #onLapse(run: () => void): Timer {
    const { clock } = this.#options;
    let timer: Timer;
    const look = () => {
      const leftMs = (this.#validUntilMs ?? 0) - clock.monotonicMs();
      if (leftMs <= 0) run();
      else timer = clock.after(leftMs, look);
    };
    look();
    return { cancel: () => timer?.cancel() };
  }

  /** False when another holds the lease or our right to write has run out. */
  async #renew(signal: AbortSignal): Promise<boolean> {
    const { transport, terms, clock } = this.#options;
    const begunMs = clock.monotonicMs();
    const leftMs = (this.#validUntilMs ?? 0) - begunMs;
    if (leftMs <= 0) return false;
    const within = { timeoutMs: Math.min(leftMs, terms.renewDeadlineMs * attemptShare) };
    try {
      this.#held = await writeLease(transport, this.#taken(this.#held), within, signal);
      this.#validUntilMs = begunMs + terms.renewDeadlineMs;
      this.#troubled(undefined);
      return this.isLeader();
    } catch (thrown) {
      const error = asOperatorError(thrown);
      if (isConflict(error)) return this.#reread(signal);
      this.#troubled(error);
      return this.isLeader(); // tried again next period, for as long as the right to write lasts
    }
  }

  /** Somebody changed the lease: ours still (an annotation, say) or taken. */
  async #reread(signal: AbortSignal): Promise<boolean> {
    const { transport, terms, clock } = this.#options;
    try {
      const timeoutMs = Math.max(1, (this.#validUntilMs ?? 0) - clock.monotonicMs());
      const found = await readLease(transport, terms, { timeoutMs }, signal);
      if (found !== undefined && found.spec?.holderIdentity !== terms.identity) return false;
      this.#held = found;
      return this.isLeader();
    } catch (thrown) {
      this.#troubled(asOperatorError(thrown));
      return this.isLeader();
    }
  }

  async #release(): Promise<void> {
    const { transport, clock, terms } = this.#options;
    const within = { timeoutMs: releaseTimeoutMs };
    const { signal } = new AbortController();
    try {
      // Read again: a renewal that `stop` cut off may have reached the server.
      const found = await readLease(transport, terms, within, signal);
      if (found?.spec?.holderIdentity !== terms.identity) return;
      const spec = {
        ...found.spec,
        holderIdentity: '',
        leaseDurationSeconds: releasedDurationSeconds,
        renewTime: microTime(clock.nowMs()),
      };
      await writeLease(transport, { ...found, spec }, within, signal);
    } catch (thrown) {
      this.#troubled(asOperatorError(thrown)); // it runs out by itself
    }
  }

  #troubled(error: OperatorError | undefined): void {
    const { log, terms } = this.#options;
    if (error?.reason === 'Aborted' || (error !== undefined && isConflict(error))) return;
    if (error !== undefined && error.reason !== this.#troubleReason) {
      log.warn(
        { name: terms.name, namespace: terms.namespace, reason: error.reason, err: error },
        'lease failed, retrying',
      );
    }
    this.#troubleReason = error?.reason;
  }
}

function isFree({ spec }: Lease): boolean {
  return spec?.holderIdentity === undefined || spec.holderIdentity === '';
}

function checkTerms({ durationMs, renewDeadlineMs, retryPeriodMs }: LeaseTerms): void {
  if (durationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs && retryPeriodMs > 0) return;
  throw new OperatorError(
    'InvalidSpec',
    `leader election: lease duration (${durationMs} ms) must be above the renew deadline (${renewDeadlineMs} ms), and that above the retry period (${retryPeriodMs} ms)`,
  );
}
