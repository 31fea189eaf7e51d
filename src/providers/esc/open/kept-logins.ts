// Logins whose tokens are good for a while: one login for all who ask for the same, given again until two thirds of its life
// are over or until somebody was refused with it. So a refresh neither logs in anew nor changes what was written.

import type { ObserveLogin } from '../../../auth/contract.ts';
import type { Clock } from '../../../base/clock.ts';
import { asOperatorError } from '../../../base/operator-error.ts';
import { renewAtMs } from '../../../core/renewal.ts';
import type { SecretValue } from '../../../core/secret-value.ts';
import { addBounded } from '../../shared/bounded-set.ts';
import { digestOf } from '../../shared/digest.ts';
import { type KeepingPorts, overheadBytes, Snapshots } from '../../shared/snapshots.ts';

/** What a login gave. */
export interface LoggedIn {
  readonly token: SecretValue;
  /** How long it is good for, from the start of the login on; undefined for a token without a known end. */
  readonly lifetimeMs: number | undefined;
}

export interface LoginOrder<T extends LoggedIn> {
  /** Equal for equal identity and equal wishes. Holds no secret. */
  readonly key: string;
  /** Where it logs in: parallel logins there are bounded. */
  readonly origin: string;
  /** In whose share it is kept: a namespace. */
  readonly keeper: string;
  /** How it logs in, as metrics count it: a word of the provider's own. */
  readonly method: string;
  login(signal: AbortSignal): Promise<T>;
}

interface Kept<T> {
  readonly given: T;
  readonly startedAtMs: number;
}

/** A login that nobody has asked for in this time is forgotten. */
const keepMs = 3_600_000;
/** Who renews at two thirds counts from a moment before the login, and must not be given the same once more. */
const aheadShare = 1 / 20;
const mostAheadMs = 5_000;
/** Refused tokens that are remembered; the oldest is forgotten first. */
const mostRefused = 1_000;

interface KeptLoginsOptions extends KeepingPorts {
  readonly clock: Clock;
  /** Where the logins go, as metrics count them; absent leaves them uncounted. */
  readonly provider?: string;
  readonly observeLogin?: ObserveLogin | undefined;
}

export class KeptLogins<T extends LoggedIn> {
  readonly #clock: Clock;
  readonly #count: (method: string, outcome: Parameters<ObserveLogin>[1]) => void;
  readonly #snapshots: Snapshots<Kept<T>>;
  readonly #refused = new Set<string>();

  constructor({ clock, provider, observeLogin, account, shares }: KeptLoginsOptions) {
    this.#clock = clock;
    const memory = account && { account, sizeOf: ({ given }: Kept<T>) => given.token.reveal().length + overheadBytes };
    this.#snapshots = new Snapshots({ clock, keepMs, memory, shares });
    this.#count = (method, outcome) => provider !== undefined && observeLogin?.({ provider, method }, outcome);
  }

  /** A login that is still good, its lifetime counted from now on. Throws what the login throws. */
  async get(order: LoginOrder<T>, signal: AbortSignal): Promise<T> {
    const kept = await this.#read(order, Number.NEGATIVE_INFINITY, signal);
    const { given, startedAtMs } = this.#isGood(kept)
      ? kept
      : await this.#read(order, this.#clock.monotonicMs(), signal);
    if (given.lifetimeMs === undefined) return given;
    return { ...given, lifetimeMs: startedAtMs + given.lifetimeMs - this.#clock.monotonicMs() };
  }

  /** Tells that the token was not accepted where it belongs: it is not given again. */
  refuse(token: SecretValue): void {
    addBounded(this.#refused, digestOf(token.text()), mostRefused);
  }

  #read(
    { key, origin, keeper: holder, ...order }: LoginOrder<T>,
    notBeforeMs: number,
    signal: AbortSignal,
  ): Promise<Kept<T>> {
    const fetch = async (_: unknown, waiting: AbortSignal) => {
      const startedAtMs = this.#clock.monotonicMs();
      return { value: { given: await this.#counted(order, waiting), startedAtMs } };
    };
    return this.#snapshots.get({ key, origin, holder, notBeforeMs, fetch }, signal);
  }

  async #counted({ login, method }: Pick<LoginOrder<T>, 'login' | 'method'>, signal: AbortSignal): Promise<T> {
    try {
      const given = await login(signal);
      this.#count(method, 'success');
      return given;
    } catch (thrown) {
      const { reason } = asOperatorError(thrown);
      if (reason !== 'Aborted') this.#count(method, reason);
      throw thrown;
    }
  }

  #isGood({ given, startedAtMs }: Kept<T>): boolean {
    const { lifetimeMs = Number.POSITIVE_INFINITY } = given;
    const renewedAtMs = renewAtMs(startedAtMs, given.lifetimeMs) ?? Number.POSITIVE_INFINITY;
    const untilMs = renewedAtMs - Math.min(mostAheadMs, lifetimeMs * aheadShare);
    return untilMs > this.#clock.monotonicMs() && !this.#refused.has(digestOf(given.token.text()));
  }
}
