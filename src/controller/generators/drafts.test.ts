import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import type { Reason } from '../../base/reasons.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { Drafts } from './drafts.ts';

const es = 'shop/web';

/** Drafts of which each that is made differs from those before. */
function setUp() {
  const drafts = new Drafts();
  let made = 0;
  const make = async () => new Map([['k', new SecretValue(String(++made))]]);
  const take = async (entry = 'a', of = es) => (await drafts.take(of, entry, make)).get('k')?.text();
  return { drafts, take };
}

describe('what was generated', () => {
  it.each<[Reason | undefined, string]>([
    ['ApiUnavailable', '1'],
    ['Conflict', '1'],
    ['Aborted', '1'],
    ['TargetRejected', '2'],
    [undefined, '2'],
  ])('after a run that ended with %s is %s the next time', async (reason, expected) => {
    const { drafts, take } = setUp();
    expect(await take()).toBe('1');
    drafts.settle(es, reason === undefined ? undefined : new OperatorError(reason, 'so it was'));
    expect(await take()).toBe(expected);
  });

  it('differs between entries and between ExternalSecrets', async () => {
    const { take } = setUp();
    expect([await take(), await take('b'), await take('a', 'shop/other'), await take()]).toEqual(['1', '2', '3', '1']);
  });

  it('is no draft when others were wanted before it was there', async () => {
    const { drafts, take } = setUp();
    const late = take();
    drafts.drop(es);
    expect([await late, await take()]).toEqual(['1', '2']);
  });
});
