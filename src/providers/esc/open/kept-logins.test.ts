import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../test/support/fake-clock.ts';
import { OperatorError } from '../../../base/operator-error.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { KeptLogins, type LoggedIn } from './kept-logins.ts';

const signal = new AbortController().signal;
const minute = 60_000;

function scene({ lifetimeMs, failures = 0 }: { readonly lifetimeMs?: number; readonly failures?: number } = {}) {
  const clock = new FakeClock();
  const counted: string[] = [];
  const logins = new KeptLogins<LoggedIn>({
    clock,
    provider: 'cloud',
    observeLogin: ({ provider, method }, outcome) => counted.push(`${provider} ${method} ${outcome}`),
  });
  const made: string[] = [];
  const order = (key = 'a') => ({
    key,
    origin: 'shop',
    keeper: 'ns',
    method: 'oidc',
    async login() {
      made.push(key);
      if (made.length <= failures) throw new OperatorError('LoginRejected', 'no');
      return { token: new SecretValue(`${key}-${made.length}`), lifetimeMs };
    },
  });
  /** Requests are collected for a moment before they are made. */
  const get = async (key?: string) => {
    const pending = logins.get(order(key), signal).then(
      ({ token, lifetimeMs: left }) => ({ token: token.text(), left }),
      (thrown: OperatorError) => ({ token: thrown.reason, left: undefined }),
    );
    await clock.advance(100);
    return await pending;
  };
  return { clock, counted, logins, made, get };
}

describe('a login that is kept', () => {
  it('is one for all who ask at the same time', async () => {
    const { get, made } = scene();
    expect((await Promise.all([get(), get(), get('b')])).map(({ token }) => token)).toEqual(['a-1', 'a-1', 'b-2']);
    expect(made).toEqual(['a', 'b']);
  });

  it('is given until two thirds of its life, with what is left of it', async () => {
    const { clock, get } = scene({ lifetimeMs: 60 * minute });
    await get();
    await clock.advance(39 * minute);
    const second = await get();
    expect(second.token).toBe('a-1');
    expect(second.left).toBeLessThan(21 * minute);
    expect(second.left).toBeGreaterThan(20 * minute);
    await clock.advance(minute);
    expect((await get()).token).toBe('a-2');
  });

  it('is made anew once somebody was refused with it, and only that one', async () => {
    const { get, logins } = scene({ lifetimeMs: 60 * minute });
    await get();
    await get('b');
    logins.refuse(new SecretValue('a-1'));
    expect([(await get()).token, (await get('b')).token, (await get()).token]).toEqual(['a-3', 'b-2', 'a-3']);
  });

  it('that failed is tried again by the next who asks', async () => {
    const { get } = scene({ failures: 1 });
    expect((await get()).token).toBe('LoginRejected');
    expect((await get()).token).toBe('a-2');
  });

  it('is counted each time that it is made, good or refused, and not when it is given again', async () => {
    const { counted, get } = scene({ lifetimeMs: 10 * minute, failures: 1 });
    await get();
    await get();
    await get();
    expect(counted).toEqual(['cloud oidc LoginRejected', 'cloud oidc success']);
  });

  it('is made anew for who renews a moment before two thirds, since he began to wait before it was made', async () => {
    const { clock, get } = scene({ lifetimeMs: minute });
    await get();
    await clock.advance(39_500);
    expect(await get()).toMatchObject({ token: 'a-2' });
  });
});
