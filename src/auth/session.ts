// All sessions of the process: one per identity, whoever asks for it and in whatever namespace, for as long as somebody
// holds it. The last to let go has the token revoked; the end of the process revokes all, but for tokens that were given away
// as values. What a session does is in identity-session.ts.

import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import type { Identity, LoginVia, ObserveLogin, Session, SessionPool } from './contract.ts';
import { IdentitySession } from './identity-session.ts';

/** How many tokens are revoked at the same time when the process ends. */
const parallelRevocations = 16;

/** How long a token that was given away is kept when nobody holds it: a document that was edited asks for it again at once. */
const lingerMs = 60_000;

/** All sessions by identity key, and who holds them. */
export class Sessions implements SessionPool {
  readonly #clock: Clock;
  readonly #observeLogin: ObserveLogin;
  readonly #byKey = new Map<string, IdentitySession>();
  /** The identities that a holder opened. */
  readonly #keysOf = new Map<string, Set<string>>();
  readonly #ending = new Set<Promise<void>>();
  /** Ends revocations that take longer than the end of the process may. */
  readonly #bound = new AbortController();
  #closed = false;

  constructor(options: { readonly clock: Clock; readonly observeLogin?: ObserveLogin }) {
    this.#clock = options.clock;
    this.#observeLogin = options.observeLogin ?? (() => {});
  }

  /** How many identities have a session. */
  get size(): number {
    return this.#byKey.size;
  }

  /** How many identities hold a token that has not ended, by how they log in. */
  loggedIn(): Iterable<readonly [LoginVia, number]> {
    const counts = new Map<string, readonly [LoginVia, number]>();
    for (const { via, isLoggedIn } of this.#byKey.values()) {
      if (via === undefined) continue;
      const id = `${via.provider}/${via.method}`;
      counts.set(id, [via, (counts.get(id)?.[1] ?? 0) + (isLoggedIn ? 1 : 0)]);
    }
    return counts.values();
  }

  open(identity: Identity, holder: string, { isGiven }: { readonly isGiven: boolean } = { isGiven: false }): Session {
    if (this.#closed) throw new OperatorError('Aborted', 'stopping');
    const session = this.#byKey.get(identity.key) ?? this.#create(identity);
    session.follow(identity);
    session.holders.add(holder);
    session.isGiven ||= isGiven;
    this.#keysOf.set(holder, (this.#keysOf.get(holder) ?? new Set()).add(identity.key));
    return session;
  }

  release(holder: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const key of this.#keysOf.get(holder) ?? []) this.#byKey.get(key)?.letGo(holder, nowMs);
    this.#keysOf.delete(holder);
    // All are looked at: refusals outlive their holders, so that a store made anew is not a new chance to fail, and those
    // that have passed go here.
    for (const session of this.#byKey.values()) this.#settle(session);
  }

  /**
   * Ends every session: revokes what can be revoked, as far as `signal` allows, and with `given` what was given away as well.
   * For the end of the process.
   */
  async close(signal: AbortSignal, { given }: { readonly given: boolean } = { given: false }): Promise<void> {
    this.#closed = true;
    const onAbort = () => this.#bound.abort(new OperatorError('Aborted', 'out of time'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const sessions = [...this.#byKey.values()];
    this.#byKey.clear();
    this.#keysOf.clear();
    const worker = async () => {
      for (let next = sessions.pop(); next !== undefined && !signal.aborted; next = sessions.pop()) {
        await next.end(this.#bound.signal, { given });
      }
    };
    await Promise.all([...this.#ending, ...Array.from({ length: parallelRevocations }, worker)]);
  }

  #create(identity: Identity): IdentitySession {
    const session: IdentitySession = new IdentitySession(identity, {
      clock: this.#clock,
      observeLogin: this.#observeLogin,
      onIdle: () => this.#settle(session),
    });
    this.#byKey.set(identity.key, session);
    return session;
  }

  /** Ends a session that nobody holds or uses. */
  #settle(session: IdentitySession): void {
    if (session.busy || session.holders.size > 0) return;
    if (session.isGiven && session.isLoggedIn && this.#clock.monotonicMs() < session.heldUntilMs + lingerMs) return;
    if (!session.paused && this.#byKey.get(session.key) === session) this.#byKey.delete(session.key);
    const ended = session.revoke(this.#bound.signal, { given: false }).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
