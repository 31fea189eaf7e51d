import { describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../../test/support/fake-clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import { type Grant, type Identity, TokenRejected } from './contract.ts';
import { Sessions } from './session.ts';

const signal = new AbortController().signal;
const hourMs = 3_600_000;

/** An upstream with one identity: hands out numbered tokens, knows which of them are good. */
class Upstream {
  logins = 0;
  readonly good = new Set<string>();
  readonly revoked: string[] = [];
  refusal: OperatorError | undefined;
  lifeMs: number | undefined = hourMs;
  gate: Promise<void> = Promise.resolve();
  issue = (): string => `token-${this.logins}`;

  identity(key = 'id'): Identity {
    return {
      key,
      login: async (nowMs): Promise<Grant> => {
        this.logins++;
        await this.gate;
        if (this.refusal !== undefined) throw this.refusal;
        const token = this.issue();
        this.good.add(token);
        return {
          token: new SecretValue(token),
          ...(this.lifeMs === undefined ? {} : { expiresAtMs: nowMs + this.lifeMs }),
        };
      },
      revoke: async (token) => {
        this.revoked.push(token.text());
        this.good.delete(token.text());
      },
    };
  }

  call = async (token: SecretValue): Promise<string> => {
    await settle();
    if (!this.good.has(token.text())) throw new TokenRejected('the token is refused');
    return token.text();
  };
}

function setUp() {
  const clock = new FakeClock();
  const upstream = new Upstream();
  const sessions = new Sessions({ clock });
  const session = sessions.open(upstream.identity(), 'store-a');
  return { clock, upstream, sessions, session };
}

async function reasonOf(promise: Promise<unknown>): Promise<{ reason: string; retryAfterMs: number | undefined }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OperatorError) return { reason: error.reason, retryAfterMs: error.retryAfterMs };
    throw error;
  }
  return { reason: 'none', retryAfterMs: undefined };
}

describe('a token that another process had', () => {
  function resuming(token: string | undefined) {
    const clock = new FakeClock();
    const upstream = new Upstream();
    const counted: string[] = [];
    const sessions = new Sessions({ clock, observeLogin: (_, outcome) => counted.push(outcome) });
    let asked = 0;
    const resume = async (nowMs: number): Promise<Grant | undefined> => {
      asked++;
      return token === undefined ? undefined : { token: new SecretValue(token), expiresAtMs: nowMs + hourMs };
    };
    const via = { provider: 'it', method: 'token' };
    const session = sessions.open({ ...upstream.identity(), via, resume }, 'store-a');
    return { upstream, session, counted, asked: () => asked };
  }

  it('takes the place of the first login, and is none', async () => {
    const { upstream, session, counted } = resuming('former');
    upstream.good.add('former');
    expect(await session.withToken(upstream.call, signal)).toBe('former');
    expect([upstream.logins, counted]).toEqual([0, []]);
  });

  it('is followed by a login where there is none that lives, and where it is refused', async () => {
    for (const token of [undefined, 'ended']) {
      const { upstream, session, counted } = resuming(token);
      expect(await session.withToken(upstream.call, signal)).toBe('token-1');
      expect(counted).toEqual(['success']);
    }
  });
});

describe('a session', () => {
  it('logs in once for callers that arrive together', async () => {
    const { session, upstream } = setUp();
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => session.withToken(upstream.call, signal)));
    expect(new Set(tokens)).toEqual(new Set(['token-1']));
    expect(upstream.logins).toBe(1);
  });

  it('logs in once more when 1,000 callers find that their token has ended', async () => {
    const { session, upstream } = setUp();
    await session.withToken(upstream.call, signal);
    upstream.good.clear();
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => session.withToken(upstream.call, signal)));
    expect(new Set(tokens)).toEqual(new Set(['token-2']));
    expect(upstream.logins).toBe(2);
  });

  it('is shared by stores of the same identity and separate for another', async () => {
    const { sessions, upstream } = setUp();
    const again = sessions.open(upstream.identity(), 'store-b');
    const other = sessions.open(upstream.identity('other'), 'store-c');
    await Promise.all([again.withToken(upstream.call, signal), other.withToken(upstream.call, signal)]);
    expect(upstream.logins).toBe(2);
    expect(sessions.size).toBe(2);
  });

  it.each(['AccessDenied', 'UpstreamRejected', 'UpstreamUnavailable'] as const)(
    'does not log in again because a call failed with %s',
    async (reason) => {
      const { session, upstream } = setUp();
      const call = () => Promise.reject(new OperatorError(reason, 'no'));
      expect(await reasonOf(session.withToken(call, signal))).toMatchObject({ reason });
      expect(upstream.logins).toBe(1);
    },
  );

  it('renews before the end of the token without making anybody wait', async () => {
    const { session, upstream, clock } = setUp();
    await session.withToken(upstream.call, signal);
    await clock.advance(hourMs * 0.79);
    await session.withToken(upstream.call, signal);
    expect(upstream.logins).toBe(1);
    await clock.advance(hourMs * 0.02);
    expect(await session.withToken(upstream.call, signal)).toBe('token-1');
    expect(await session.withToken(upstream.call, signal)).toBe('token-2');
    expect(upstream.logins).toBe(2);
  });

  it.each([-2 * hourMs, 2 * hourMs])(
    'keeps its token for as long as it lives when the wall clock is set by %i ms, and renews it in time',
    async (byMs) => {
      const { session, upstream, clock } = setUp();
      await session.withToken(upstream.call, signal);
      clock.setWall(byMs);
      await clock.advance(hourMs * 0.79);
      expect(await session.withToken(upstream.call, signal)).toBe('token-1');
      expect(upstream.logins).toBe(1);
      await clock.advance(hourMs * 0.02);
      await session.withToken(upstream.call, signal);
      expect(await session.withToken(upstream.call, signal)).toBe('token-2');
      await clock.advance(hourMs * 0.5);
      expect(await session.withToken(upstream.call, signal)).toBe('token-2');
      expect(upstream.logins).toBe(2);
    },
  );

  it.each([-2 * hourMs, 2 * hourMs])(
    'pauses after a refused login for as long as ever when the wall clock is set by %i ms',
    async (byMs) => {
      const { session, upstream, clock } = setUp();
      upstream.refusal = new OperatorError('LoginRejected', 'no');
      await reasonOf(session.withToken(upstream.call, signal));
      clock.setWall(byMs);
      await clock.advance(59_000);
      expect(await reasonOf(session.withToken(upstream.call, signal))).toMatchObject({ retryAfterMs: 1_000 });
      expect(upstream.logins).toBe(1);
      upstream.refusal = undefined;
      await clock.advance(1_000);
      expect(await session.withToken(upstream.call, signal)).toBe('token-2');
    },
  );

  it('lets the token live on where the provider can, and logs in when that gives little or no time', async () => {
    const { clock, sessions, upstream } = setUp();
    const lives = [hourMs, hourMs / 4];
    const renew: Identity['renew'] = async (token, nowMs) => {
      const lifeMs = lives.shift();
      return lifeMs === undefined ? undefined : { token, expiresAtMs: nowMs + lifeMs };
    };
    const session = sessions.open({ ...upstream.identity('renewed'), renew }, 'store-a');
    const seen: string[] = [];
    for (let times = 0; times < 4; times++) {
      await session.withToken(upstream.call, signal);
      for (let turns = 0; turns < 5; turns++) await settle();
      seen.push(await session.withToken(upstream.call, signal));
      await clock.advance(0.85 * hourMs);
    }
    expect(seen).toEqual(['token-1', 'token-1', 'token-2', 'token-3']);
    expect(upstream.logins).toBe(3);
  });

  it('logs in when the provider does not let the token live on', async () => {
    const { clock, sessions, upstream } = setUp();
    const renew = () => Promise.reject(new OperatorError('AccessDenied', 'not this one'));
    const session = sessions.open({ ...upstream.identity('renewed'), renew }, 'store-a');
    await session.withToken(upstream.call, signal);
    await clock.advance(0.85 * hourMs);
    await session.withToken(upstream.call, signal);
    for (let turns = 0; turns < 5; turns++) await settle();
    expect(await session.withToken(upstream.call, signal)).toBe('token-2');
  });

  it('goes on with the old token while its renewal is refused, without hammering', async () => {
    const { session, upstream, clock } = setUp();
    await session.withToken(upstream.call, signal);
    await clock.advance(hourMs * 0.85);
    upstream.refusal = new OperatorError('LoginRejected', 'no');
    for (let i = 0; i < 20; i++) {
      expect(await session.withToken(upstream.call, signal)).toBe('token-1');
      await clock.advance(1_000);
    }
    expect(upstream.logins).toBe(2);
  });

  it('waits for a login once the old token has ended', async () => {
    const { session, upstream, clock } = setUp();
    await session.withToken(upstream.call, signal);
    await clock.advance(hourMs + 1);
    expect(await session.withToken(upstream.call, signal)).toBe('token-2');
  });

  it('never replaces a token that has no end', async () => {
    const { session, upstream, clock } = setUp();
    upstream.lifeMs = undefined;
    await session.withToken(upstream.call, signal);
    await clock.advance(1_000 * hourMs);
    await session.withToken(upstream.call, signal);
    expect(upstream.logins).toBe(1);
  });
});

describe('a refused login', () => {
  it('is remembered: later calls fail alike without a request, and the pause grows to ten minutes', async () => {
    const { session, upstream, clock } = setUp();
    upstream.refusal = new OperatorError('LoginRejected', 'wrong secret');
    await reasonOf(session.withToken(upstream.call, signal));
    await clock.advance(1_000);
    expect(await reasonOf(session.withToken(upstream.call, signal))).toEqual({
      reason: 'LoginRejected',
      retryAfterMs: 59_000,
    });
    const pausesMs: number[] = [];
    for (let i = 0; i < 6; i++) {
      const { retryAfterMs } = await reasonOf(session.withToken(upstream.call, signal));
      pausesMs.push(retryAfterMs ?? 0);
      await clock.advance(retryAfterMs ?? 0);
      await reasonOf(session.withToken(upstream.call, signal));
    }
    expect(pausesMs).toEqual([59_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
    expect(upstream.logins).toBe(7);
  });

  it('never reaches the lockout of three failures in 30 s, however many ask', async () => {
    const { session, upstream, clock } = setUp();
    upstream.refusal = new OperatorError('LoginRejected', 'wrong secret');
    for (let second = 0; second < 30; second++) {
      await Promise.all(Array.from({ length: 50 }, () => reasonOf(session.withToken(upstream.call, signal))));
      await clock.advance(1_000);
    }
    expect(upstream.logins).toBe(1);
  });

  it('does not hold back other credentials, and outlives its store', async () => {
    const { session, sessions, upstream } = setUp();
    upstream.refusal = new OperatorError('LoginRejected', 'wrong secret');
    await reasonOf(session.withToken(upstream.call, signal));
    sessions.release('store-a');
    const sameAgain = sessions.open(upstream.identity(), 'store-a');
    expect(await reasonOf(sameAgain.withToken(upstream.call, signal))).toMatchObject({ reason: 'LoginRejected' });
    expect(upstream.logins).toBe(1);
    upstream.refusal = undefined;
    const repaired = sessions.open(upstream.identity('new credentials'), 'store-a');
    expect(await repaired.withToken(upstream.call, signal)).toBe('token-2');
  });

  it('follows what a throttling provider asks for', async () => {
    const { session, upstream, clock } = setUp();
    upstream.refusal = new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 7_000 });
    await reasonOf(session.withToken(upstream.call, signal));
    await clock.advance(6_999);
    expect(await reasonOf(session.withToken(upstream.call, signal))).toEqual({
      reason: 'UpstreamThrottled',
      retryAfterMs: 1,
    });
    upstream.refusal = undefined;
    await clock.advance(1);
    expect(await session.withToken(upstream.call, signal)).toBe('token-2');
  });

  it('is tried again within seconds when the provider was only unavailable', async () => {
    const { session, upstream, clock } = setUp();
    upstream.refusal = new OperatorError('UpstreamUnavailable', 'down');
    await reasonOf(session.withToken(upstream.call, signal));
    await reasonOf(session.withToken(upstream.call, signal));
    expect(upstream.logins).toBe(1);
    upstream.refusal = undefined;
    await clock.advance(3_000);
    expect(await session.withToken(upstream.call, signal)).toBe('token-2');
  });
});

describe('a token that is refused right after its login', () => {
  it('ends in a remembered LoginRejected after two logins, not in a loop', async () => {
    const { session, upstream } = setUp();
    const never = () => Promise.reject(new TokenRejected('unknown token'));
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => reasonOf(session.withToken(never, signal))));
    expect(new Set(outcomes.map((o) => o.reason))).toEqual(new Set(['LoginRejected']));
    expect(upstream.logins).toBe(2);
    await reasonOf(session.withToken(never, signal));
    expect(upstream.logins).toBe(2);
  });

  it('is not sent a second time when the login can only give it again', async () => {
    const { session, upstream } = setUp();
    upstream.issue = () => 'static';
    let calls = 0;
    const never = () => {
      calls++;
      return Promise.reject(new TokenRejected('unknown token'));
    };
    expect(await reasonOf(session.withToken(never, signal))).toMatchObject({ reason: 'LoginRejected' });
    expect(calls).toBe(1);
  });

  it('is no fault of the credentials when the token had only a few uses', async () => {
    const { session, upstream } = setUp();
    const uses = new Map<string, number>();
    const call = async (token: SecretValue) => {
      const used = (uses.get(token.text()) ?? 0) + 1;
      uses.set(token.text(), used);
      if (used > 3) throw new TokenRejected('used up');
      return token.text();
    };
    for (let i = 0; i < 12; i++) await session.withToken(call, signal);
    expect(upstream.logins).toBe(4);
  });
});

describe('abort', () => {
  it('ends one caller and leaves the login to the others', async () => {
    const { session, upstream } = setUp();
    let open = () => {};
    upstream.gate = new Promise((resolve) => {
      open = resolve;
    });
    const leaver = new AbortController();
    const left = reasonOf(session.withToken(upstream.call, leaver.signal));
    const stayed = session.withToken(upstream.call, signal);
    await settle();
    leaver.abort();
    expect(await left).toMatchObject({ reason: 'Aborted' });
    open();
    expect(await stayed).toBe('token-1');
    expect(upstream.logins).toBe(1);
  });
});

describe('letting go', () => {
  it('revokes the token when the last holder is gone, not before', async () => {
    const { session, sessions, upstream } = setUp();
    sessions.open(upstream.identity(), 'store-b');
    await session.withToken(upstream.call, signal);
    sessions.release('store-a');
    await settle();
    expect(upstream.revoked).toEqual([]);
    sessions.release('store-b');
    await settle();
    expect(upstream.revoked).toEqual(['token-1']);
    expect(sessions.size).toBe(0);
  });

  it('waits with the revocation for a call that is under way', async () => {
    const { session, sessions, upstream } = setUp();
    let finish = () => {};
    const running = session.withToken(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
      signal,
    );
    await settle();
    sessions.release('store-a');
    await settle();
    expect(upstream.revoked).toEqual([]);
    finish();
    await running;
    await settle();
    expect(upstream.revoked).toEqual(['token-1']);
  });

  it('counts logins and who is logged in, by provider and method', async () => {
    const clock = new FakeClock();
    const upstream = new Upstream();
    const seen: string[] = [];
    const sessions = new Sessions({
      clock,
      observeLogin: ({ provider, method }, outcome) => seen.push(`${provider} ${method} ${outcome}`),
    });
    const open = (key: string, method: string) =>
      sessions.open({ ...upstream.identity(key), via: { provider: 'p', method } }, 'store');
    const [first, second, other] = [open('a', 'm'), open('b', 'm'), open('c', 'n')];
    expect([...sessions.loggedIn()].map(([{ method }, count]) => [method, count])).toEqual([
      ['m', 0],
      ['n', 0],
    ]);
    await first.withToken(upstream.call, signal);
    await second.withToken(upstream.call, signal);
    upstream.refusal = new OperatorError('LoginRejected', 'no');
    await reasonOf(other.withToken(upstream.call, signal));
    expect(seen).toEqual(['p m success', 'p m success', 'p n LoginRejected']);
    const counts = () => [...sessions.loggedIn()].map(([, count]) => count);
    expect(counts()).toEqual([2, 0]);
    await clock.advance(hourMs);
    expect(counts()).toEqual([0, 0]);
  });

  it('counts a token that is refused at its first use as a refused login', async () => {
    const upstream = new Upstream();
    upstream.issue = () => 'static';
    const outcomes: string[] = [];
    const sessions = new Sessions({ clock: new FakeClock(), observeLogin: (_, outcome) => outcomes.push(outcome) });
    const session = sessions.open({ ...upstream.identity(), via: { provider: 'p', method: 'm' } }, 'store');
    const refuse = () => Promise.reject(new TokenRejected('the token is refused'));
    expect(await reasonOf(session.withToken(refuse, signal))).toMatchObject({ reason: 'LoginRejected' });
    expect(outcomes.at(-1)).toBe('LoginRejected');
  });

  it('lets go of everything that a holder opened', async () => {
    const { session, sessions, upstream } = setUp();
    await session.withToken(upstream.call, signal);
    await sessions.open(upstream.identity('next'), 'store-a').withToken(upstream.call, signal);
    sessions.release('store-a');
    await settle();
    expect(upstream.revoked).toEqual(['token-1', 'token-2']);
  });

  it('revokes everything at the end of the process and refuses new work', async () => {
    const { sessions, upstream } = setUp();
    for (let i = 0; i < 40; i++) {
      await sessions.open(upstream.identity(`id-${i}`), 'store').withToken(upstream.call, signal);
    }
    await sessions.close(signal);
    expect(upstream.revoked).toHaveLength(40);
    expect(() => sessions.open(upstream.identity(), 'late')).toThrow(OperatorError);
  });

  it('does not wait for a provider that hangs at the end of the process', async () => {
    const { sessions, clock } = setUp();
    const hanging: Identity = {
      key: 'hanging',
      login: async () => ({ token: new SecretValue('t') }),
      revoke: (_token, stop) => new Promise((_, reject) => stop.addEventListener('abort', () => reject(stop.reason))),
    };
    await sessions.open(hanging, 'store').withToken(async () => undefined, signal);
    let closed = false;
    const closing = sessions.close(signal).then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    await clock.advance(5_000);
    await closing;
    expect(closed).toBe(true);
  });

  it('revokes no token that was given away as a value, and keeps it a minute for whoever asks again', async () => {
    const { clock, sessions, upstream } = setUp();
    const given = () => sessions.open(upstream.identity('given'), 'store-b', { isGiven: true });
    expect(await given().withToken(upstream.call, signal)).toBe('token-1');
    sessions.release('store-b');
    expect(await given().withToken(upstream.call, signal)).toBe('token-1');
    sessions.release('store-b');
    await clock.advance(61_000);
    sessions.release('store-b');
    expect(await given().withToken(upstream.call, signal)).toBe('token-2');
    await sessions.close(signal);
    expect(upstream.revoked).toEqual([]);
  });

  it('revokes what was given as well when that is asked for', async () => {
    const { sessions, upstream } = setUp();
    const session = sessions.open(upstream.identity('given'), 'store-b', { isGiven: true });
    await session.withToken(upstream.call, signal);
    await sessions.close(signal, { given: true });
    expect(upstream.revoked).toEqual(['token-1']);
  });
});
