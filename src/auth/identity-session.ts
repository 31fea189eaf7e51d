// The session of one identity: single-flight login, renewal before the end (of the token where the provider can, else by
// logging in again), one more login when a token is refused, and a memory of refused logins, so that a wrong credential is
// not tried again and again (three failures within 30 s lock an identity out, for its other users too). Talks to no host
// itself.
//
//   empty ──login──▶ held ──renewAt──▶ held, renewing ──▶ held (new)
//     │                └──TokenRejected──▶ empty
//     └──login refused──▶ paused until … ──▶ empty
import { unlessAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { asOperatorError, OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';
import { isWorthRenewing } from '../core/renewal.ts';
import type { SecretValue } from '../core/secret-value.ts';
import {
  type Grant,
  type Identity,
  type LoginVia,
  type ObserveLogin,
  type Session,
  TokenRejected,
} from './contract.ts';

/** Share of a token's life after which it is replaced: leaves room for a failed login and its pause. */
const renewAtShare = 0.8;

/** First pause after a refused login, doubled by each further one: well beyond the 30 s in which failures add up. */
const refusedPauseMs = 60_000;
const longestRefusedPauseMs = 600_000;

/** Pause after a login that failed for another cause: so short that a host which comes back is not kept waiting. */
const failedPauseMs = 1_000;

/** Pause after a throttled login that named no time. */
const throttledPauseMs = 60_000;

/** Longest wait for one token's revocation. */
const revokeTimeoutMs = 4_000;

/** Instants here are monotonic: neither a token's life nor a pause may follow a wall clock that is set. */
interface Held {
  readonly token: SecretValue;
  readonly lifeMs: number;
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
  /** True once a call with it succeeded. */
  proven: boolean;
}

interface Pause {
  readonly error: OperatorError;
  readonly untilMs: number;
  readonly failures: number;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly observeLogin: ObserveLogin;
  /** Called when the last call or login under way has ended. */
  readonly onIdle: () => void;
}

type Call<T> = (token: SecretValue, expiresAtMs: number) => Promise<T>;

/** A session and its states; `Sessions` decides how long it lives. */
export class IdentitySession implements Session {
  readonly key: string;
  readonly holders = new Set<string>();
  /** Its token was handed on as a value. */
  isGiven = false;
  /** When the last holder let go, while there is none. */
  heldUntilMs = 0;
  #identity: Identity;
  readonly #clock: Clock;
  readonly #observeLogin: ObserveLogin;
  readonly #onIdle: () => void;
  readonly #stop = new AbortController();
  #held: Held | undefined;
  #flight: Promise<Held> | undefined;
  #pause: Pause | undefined;
  #calls = 0;
  #mayResume = true;

  constructor(identity: Identity, { clock, observeLogin, onIdle }: SessionPorts) {
    this.key = identity.key;
    this.#identity = identity;
    this.#clock = clock;
    this.#observeLogin = observeLogin;
    this.#onIdle = onIdle;
  }

  /** The same identity, gathered anew: later logins read their material through it, since the former store may be gone. */
  follow(identity: Identity): void {
    this.#identity = identity;
  }

  letGo(holder: string, nowMs: number): void {
    this.holders.delete(holder);
    this.heldUntilMs = nowMs;
  }

  get via(): LoginVia | undefined {
    return this.#identity.via;
  }

  /** True while it holds a token that has not ended. */
  get isLoggedIn(): boolean {
    return this.#held !== undefined && this.#clock.monotonicMs() < this.#held.expiresAtMs;
  }

  /** True while a call or a login is under way. */
  get busy(): boolean {
    return this.#calls > 0 || this.#flight !== undefined;
  }

  /** True while a refused login must be remembered. */
  get paused(): boolean {
    return this.#pause !== undefined && this.#clock.monotonicMs() < this.#pause.untilMs;
  }

  async withToken<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    this.#calls++;
    try {
      return await this.#callTwice(call, signal);
    } finally {
      this.#calls--;
      if (!this.busy) this.#onIdle();
    }
  }

  async #callTwice<T>(call: Call<T>, signal: AbortSignal): Promise<T> {
    const first = await this.#usable(signal);
    const firstAnswer = await this.#attempt(first, call);
    if (!('rejected' in firstAnswer)) return firstAnswer.value;
    this.#drop(first);
    const second = await this.#usable(signal);
    // A static token comes back the same from its "login": asking again would only repeat the refusal.
    if (second.token.equals(first.token)) throw this.#refuse(second, firstAnswer.rejected);
    const secondAnswer = await this.#attempt(second, call);
    if (!('rejected' in secondAnswer)) return secondAnswer.value;
    throw this.#refuse(second, secondAnswer.rejected);
  }

  async #attempt<T>(held: Held, call: Call<T>): Promise<{ value: T } | { rejected: TokenRejected }> {
    try {
      const value = await call(held.token, held.expiresAtMs);
      // Only a new token's first success ends the memory of failures: an old one still works while renewals are refused.
      if (!held.proven && this.#held === held) this.#pause = undefined;
      held.proven = true;
      return { value };
    } catch (error) {
      if (error instanceof TokenRejected) return { rejected: error };
      throw error;
    }
  }

  async #usable(signal: AbortSignal): Promise<Held> {
    const nowMs = this.#clock.monotonicMs();
    const held = this.#held;
    if (held !== undefined && nowMs < held.expiresAtMs) {
      // In time for the end: nobody waits for a renewal, and one that fails is tried again after its pause.
      if (nowMs >= held.renewAtMs && !this.paused) this.#login().catch(() => {});
      return held;
    }
    if (this.#pause !== undefined && this.paused) throw repeated(this.#pause, nowMs);
    return unlessAborted(this.#login(), signal);
  }

  #login(): Promise<Held> {
    this.#flight ??= this.#loginOnce().finally(() => {
      this.#flight = undefined;
      if (!this.busy) this.#onIdle();
    });
    return this.#flight;
  }

  async #loginOnce(): Promise<Held> {
    const wallMs = this.#clock.nowMs();
    const startedMs = this.#clock.monotonicMs();
    try {
      const { renew } = this.#identity;
      const lived =
        (renew === undefined ? undefined : await this.#livingOn(renew, wallMs)) ?? (await this.#resumed(wallMs));
      const grant = lived ?? (await this.#identity.login(wallMs, this.#stop.signal));
      const lifeMs = lifeOf(grant, wallMs);
      const renewAtMs = startedMs + lifeMs * renewAtShare;
      const expiresAtMs = startedMs + lifeMs;
      this.#held = { token: grant.token, lifeMs, renewAtMs, expiresAtMs, proven: lived !== undefined };
      if (lived === undefined) this.#count('success');
      else this.#pause = undefined;
      return this.#held;
    } catch (thrown) {
      const error = asOperatorError(thrown);
      this.#remember(error);
      throw error;
    }
  }

  /** Once: what another process had takes the place of the first login, and of no later one. */
  async #resumed(wallMs: number): Promise<Grant | undefined> {
    if (!this.#mayResume) return undefined;
    const grant = await this.#identity.resume?.(wallMs, this.#stop.signal);
    this.#mayResume = false;
    return grant;
  }

  /** The token that is held with a new life, or undefined: then a login is what helps, whatever went wrong. */
  async #livingOn(renew: NonNullable<Identity['renew']>, wallMs: number): Promise<Grant | undefined> {
    const held = this.#held;
    if (held === undefined || this.#clock.monotonicMs() >= held.expiresAtMs) return undefined;
    try {
      const grant = await renew(held.token, wallMs, this.#stop.signal);
      return grant !== undefined && isWorthRenewing(held.lifeMs, lifeOf(grant, wallMs)) ? grant : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a failed login in mind, for as long as its kind asks for. */
  #remember(error: OperatorError): void {
    if (error.reason === 'Aborted') return;
    this.#count(error.reason);
    const failures = (this.#pause?.error.reason === error.reason ? this.#pause.failures : 0) + 1;
    this.#pause = { error, failures, untilMs: this.#clock.monotonicMs() + pauseMs(error, failures) };
  }

  #count(outcome: 'success' | Reason): void {
    if (this.via !== undefined) this.#observeLogin(this.via, outcome);
  }

  #drop(held: Held): void {
    if (this.#held === held) this.#held = undefined;
  }

  /** The error for a token that was refused after the one login that a refusal may cause. */
  #refuse(held: Held, rejected: TokenRejected): OperatorError {
    const current = this.#held === held;
    this.#drop(held);
    // A token with a limited number of uses ends in the middle of work: that is no fault of the credentials.
    if (held.proven) return rejected;
    if (current) this.#remember(new OperatorError('LoginRejected', rejected.message, { cause: rejected }));
    return this.#pause === undefined ? rejected : repeated(this.#pause, this.#clock.monotonicMs());
  }

  /** Ends the session: no login goes on, and its token is revoked where it can be. Never throws. */
  async end(signal: AbortSignal, which: { readonly given: boolean }): Promise<void> {
    this.#stop.abort(new OperatorError('Aborted', 'the session has ended'));
    await this.revoke(signal, which);
  }

  /**
   * Forgets the token, and revokes it unless it was given away; with `given` then as well. Never throws: a token that is not
   * revoked ends by itself.
   */
  async revoke(signal: AbortSignal, { given }: { readonly given: boolean }): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined || this.#identity.revoke === undefined || (this.isGiven && !given)) return;
    const bound = new AbortController();
    const timer = this.#clock.after(revokeTimeoutMs, () => bound.abort(new OperatorError('Aborted', 'too slow')));
    try {
      await this.#identity.revoke(held.token, AbortSignal.any([signal, bound.signal]));
    } catch {
      // nothing to do about it, and nobody to tell: the token's own end is the second line
    } finally {
      timer.cancel();
    }
  }
}

function lifeOf({ expiresAtMs }: Grant, wallMs: number): number {
  return (expiresAtMs ?? Number.POSITIVE_INFINITY) - wallMs;
}

function pauseMs(error: OperatorError, failures: number): number {
  if (error.reason === 'UpstreamThrottled') return error.retryAfterMs ?? throttledPauseMs;
  const isRefused = error.reason === 'LoginRejected' || error.reason === 'UpstreamRejected';
  const ownMs = isRefused ? Math.min(longestRefusedPauseMs, refusedPauseMs * 2 ** (failures - 1)) : failedPauseMs;
  return Math.max(error.retryAfterMs ?? 0, ownMs);
}

/** The same failure as before, without a request, and with the time that is left. */
function repeated(pause: Pause, nowMs: number): OperatorError {
  const { reason, message } = pause.error;
  return new OperatorError(reason, message, { cause: pause.error, retryAfterMs: Math.max(1, pause.untilMs - nowMs) });
}
