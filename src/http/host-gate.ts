// Whether a host is worth asking: a gate that closes when the host is down, so that the many who want it fail at once
// instead of each waiting for a deadline. A pure state machine; one gate per trust, origin and group of requests that fail
// together, so that nobody's mistakes close it for others.
//
//            connection failed, or two targets silent since the last answer
//   open ─────────────────────────────────────────────────────────────────────▶ closed ──┐
//     ▲                                                                            │      │ every 3 s at most, one at a time,
//     └──────────────────────── any answer, whatever its status ◀──────────────── probe ◀┘ a request goes as the probe
//
// A single silent target (one slow folder) keeps the gate open; only its own next tries are short. A try that is patient with
// a host that was silent is sent again beside itself, so that its patience holds nobody up once the host answers.
import { OperatorError } from '../base/operator-error.ts';
import type { DoorClock } from './contract.ts';

/** How long a request may wait for the first byte of its answer. */
export const firstByteMs = 10_000;
/** The same while the host or the target is suspected: a healthy one answers sooner, a dead one should not hold a slot. */
export const suspectFirstByteMs = 3_000;
/** Least time between the starts of two probes. */
export const probeIntervalMs = 3_000;
/** Every n-th try of a suspect may take the full time, or a host that always needs 4 s would never come back. */
const patientEvery = 10;
/** What a probe's end may be late by: asking again sooner would be of no use. */
const leastWaitMs = 50;
/** Targets silent since the last answer that close the gate. */
const silentTargetsToClose = 2;
/** Bound on remembered targets; the oldest is forgotten, which costs one long wait. */
const mostSuspects = 1_000;

/** What a request learned about the host: nothing, that it cannot be reached, or that it takes requests and stays silent. */
export type Verdict = { readonly kind: 'none' } | { readonly kind: 'unreachable' | 'silent'; readonly message: string };

/** How long a host is waited for. */
export interface Patience {
  readonly firstByteMs: number;
  /** Without an answer for this long the request is sent once more beside the first: what is lost in a silent host stays lost. */
  readonly againEveryMs?: number;
}

/** Leave to send one request. */
export interface Pass extends Patience {
  /** The host sent the head of an answer. */
  answered(): void;
  /** The request is over, answered or not; must be called exactly once. */
  done(verdict: Verdict): void;
}

interface Closed {
  lastMessage: string;
  nextProbeAtMs: number;
  probes: number;
  /** Of the probe that is under way: when it gives up at the latest. */
  probeEndsAtMs: number | undefined;
}

const trusting: Patience = { firstByteMs };
const short: Patience = { firstByteMs: suspectFirstByteMs };
const patient: Patience = { firstByteMs, againEveryMs: suspectFirstByteMs };

export class HostGate {
  readonly #clock: DoorClock;
  readonly #onChange: (isUp: boolean) => void;
  #closed: Closed | undefined;
  /** Targets that timed out, with the number of tries since; insertion order is age. */
  readonly #suspects = new Map<string, number>();
  readonly #silentSinceAnswer = new Set<string>();

  constructor(clock: DoorClock, onChange: (isUp: boolean) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** True when nothing is remembered: the gate may be forgotten and made anew. */
  get isPristine(): boolean {
    return this.#closed === undefined && this.#suspects.size === 0;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Throws `UpstreamUnavailable` with the time until the next probe, when the gate is closed and no probe is due. */
  check(): void {
    const closed = this.#closed;
    if (closed === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    const { nextProbeAtMs, probeEndsAtMs } = closed;
    if (nextProbeAtMs <= nowMs && probeEndsAtMs === undefined) return;
    const waitMs = Math.max(nextProbeAtMs, Math.min(probeEndsAtMs ?? nowMs, nowMs + probeIntervalMs)) - nowMs;
    throw new OperatorError('UpstreamUnavailable', closed.lastMessage, {
      retryAfterMs: Math.max(waitMs, leastWaitMs),
    });
  }

  /** Leave for a request to `target` (method, path and query); throws as `check`. */
  enter(target: string): Pass {
    this.check();
    const probe = this.#startProbe();
    const patience = probe === undefined ? this.#patienceFor(target) : patienceAt(probe.probes);
    if (probe !== undefined) probe.probeEndsAtMs = this.#clock.monotonicMs() + patience.firstByteMs;
    return {
      ...patience,
      answered: () => this.#answered(target),
      done: (verdict) => {
        if (probe !== undefined) probe.probeEndsAtMs = undefined;
        if (verdict.kind === 'unreachable') this.#close(verdict.message);
        if (verdict.kind === 'silent') this.#silent(target, verdict.message);
      },
    };
  }

  #startProbe(): Closed | undefined {
    const closed = this.#closed;
    if (closed === undefined) return undefined;
    closed.probes += 1;
    closed.nextProbeAtMs = this.#clock.monotonicMs() + probeIntervalMs;
    return closed;
  }

  #patienceFor(target: string): Patience {
    const tries = this.#suspects.get(target);
    if (tries === undefined) return this.#silentSinceAnswer.size === 0 ? trusting : patient;
    this.#suspects.set(target, tries + 1);
    return patienceAt(tries + 1);
  }

  #answered(target: string): void {
    this.#suspects.delete(target);
    this.#silentSinceAnswer.clear();
    if (this.#closed === undefined) return;
    this.#closed = undefined;
    this.#onChange(true);
  }

  #silent(target: string, message: string): void {
    this.#suspects.set(target, this.#suspects.get(target) ?? 0);
    const [oldest] = this.#suspects.keys();
    if (this.#suspects.size > mostSuspects && oldest !== undefined) this.#suspects.delete(oldest);
    if (this.#closed === undefined) this.#silentSinceAnswer.add(target);
    if (this.#closed !== undefined || this.#silentSinceAnswer.size >= silentTargetsToClose) this.#close(message);
  }

  #close(message: string): void {
    if (this.#closed !== undefined) {
      this.#closed.lastMessage = message;
      return;
    }
    const nextProbeAtMs = this.#clock.monotonicMs() + probeIntervalMs;
    this.#closed = { lastMessage: message, nextProbeAtMs, probes: 0, probeEndsAtMs: undefined };
    this.#onChange(false);
  }
}

function patienceAt(tries: number): Patience {
  return tries % patientEvery === 0 ? patient : short;
}
