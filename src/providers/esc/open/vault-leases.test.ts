import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../test/support/fake-clock.ts';
import { SecretValue } from '../../../core/secret-value.ts';
import { lastingText } from './vault.fixture.ts';
import { type LastingText, type Lease, VaultLeases } from './vault-leases.ts';

const hour = 3_600_000;

function scene(place: LastingText = lastingText()) {
  const clock = new FakeClock();
  const leaseOf = (name: string, more: Partial<Lease> = {}): Lease => ({
    id: `id/${name}`,
    answer: new SecretValue(`{"data":{"user":"${name}"}}`),
    lifeMs: hour,
    endsAtMs: clock.monotonicMs() + hour,
    tenant: 'shop',
    ...more,
  });
  return { clock, leaseOf, leases: new VaultLeases(clock, place) };
}

/** As the next process finds it. */
async function another(place: LastingText, clock: FakeClock): Promise<VaultLeases> {
  const leases = new VaultLeases(clock, place);
  await leases.whenKnown();
  return leases;
}

describe('VaultLeases', () => {
  it('forgets what has ended', async () => {
    const { clock, leases, leaseOf } = scene();
    await leases.keep('a', leaseOf('a'));
    expect(leases.get('a')).toMatchObject({ id: 'id/a' });
    await clock.advance(hour);
    expect(leases.get('a')).toBeUndefined();
  });

  it('hands on what it keeps, with the tokens', async () => {
    const place = lastingText();
    const { clock, leases, leaseOf } = scene(place);
    const login = { identity: 'robot', token: new SecretValue('hvs.token') };
    await leases.keep('a', leaseOf('a', { login }));
    await leases.keep('b', leaseOf('b'));
    leases.forget('b');
    await leases.keep('c', leaseOf('c'));
    const next = await another(place, clock);
    expect(next.formerToken('robot')?.text()).toBe('hvs.token');
    next.forgetToken('robot');
    expect(next.formerToken('robot')).toBeUndefined();
    expect(next.get('a')?.answer.text()).toBe('{"data":{"user":"a"}}');
    expect(next.get('a')?.login?.token.text()).toBe('hvs.token');
    expect([next.get('b'), next.get('c')?.id]).toEqual([undefined, 'id/c']);
  });

  it('saves a renewal when what was saved is half a day old, and drops what nobody renewed for a day', async () => {
    const place = lastingText();
    const { clock, leases, leaseOf } = scene(place);
    await leases.keep('dropped', leaseOf('dropped'));
    for (let passed = 0; passed < 30; passed++) {
      await leases.keep('a', leaseOf('a'));
      await clock.advance(hour);
    }
    expect(place.saves).toBe(4);
    const next = await another(place, clock);
    expect([next.get('a')?.id, next.get('dropped')]).toEqual(['id/a', undefined]);
  });

  it('saves what comes at the same time together', async () => {
    const place = lastingText();
    const { leases, leaseOf, clock } = scene(place);
    const names = Array.from({ length: 50 }, (_, at) => `lease-${at}`);
    await Promise.all(names.map((name) => leases.keep(name, leaseOf(name))));
    expect(place.saves).toBe(1);
    const next = await another(place, clock);
    expect(names.filter((name) => next.get(name) === undefined)).toEqual([]);
  });

  it('takes no room from one namespace for another, and saves no more than a Secret holds', async () => {
    const place = lastingText();
    const { leases, leaseOf } = scene(place);
    await leases.keep('small', leaseOf('small', { tenant: 'quiet' }));
    const answer = new SecretValue(`{"data":{"filling":"${'x'.repeat(50_000)}"}}`);
    for (let at = 0; at < 30; at++) await leases.keep(`large-${at}`, leaseOf('large', { answer }));
    expect(leases.get('small')).toBeDefined();
    expect([leases.get('large-0'), leases.get('large-29')?.id]).toEqual([undefined, 'id/large']);
    expect(place.text?.length).toBeLessThan(750_000);
    await leases.keep('huge', leaseOf('huge', { answer: new SecretValue('x'.repeat(70_000)) }));
    expect(leases.get('huge')).toBeUndefined();
  });

  it('shows nothing of what it keeps', async () => {
    const { leases, leaseOf } = scene();
    await leases.keep('a', leaseOf('a', { login: { identity: 'robot', token: new SecretValue('hvs.token') } }));
    expect(JSON.stringify(leases.get('a'))).not.toMatch(/hvs|"user/);
  });
});
