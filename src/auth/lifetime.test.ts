import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { tokenLifeMs } from './lifetime.ts';

const nowMs = 1_700_000_000_000;
const nowSeconds = nowMs / 1000;

async function jwt(claims: { iat?: number; exp?: number }): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32));
}

describe('the life of a token', () => {
  it.each([
    ['the answer alone', {}, 600, 600],
    ['the token alone', { iat: nowSeconds, exp: nowSeconds + 300 }, undefined, 300],
    ['the answer before the token', { iat: nowSeconds, exp: nowSeconds + 2_592_000 }, 600, 600],
    ['the token before the answer', { iat: nowSeconds, exp: nowSeconds + 60 }, 600, 60],
    ['the token when the answer says 0', { iat: nowSeconds, exp: nowSeconds + 60 }, 0, 60],
    ['the token whatever the local clock says', { iat: nowSeconds - 7_200, exp: nowSeconds - 3_600 }, undefined, 3_600],
    ['the token from now when it has no iat', { exp: nowSeconds + 90 }, undefined, 90],
    ['nothing known', {}, 0, undefined],
    ['an end that has passed says nothing', { exp: nowSeconds - 10 }, undefined, undefined],
  ])('follows %s', async (_why, claims, expiresInSeconds, expected) => {
    const lifeMs = tokenLifeMs(await jwt(claims), expiresInSeconds, nowMs);
    expect(lifeMs).toBe(expected === undefined ? undefined : expected * 1000);
  });

  it('does not need a JSON Web Token', () => {
    expect(tokenLifeMs('opaque', 60, nowMs)).toBe(60_000);
    expect(tokenLifeMs('a.b.c', undefined, nowMs)).toBeUndefined();
  });
});
