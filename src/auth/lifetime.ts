// How long an access token is of use, from what a login answered and what the token says of itself.
import { decodeJwt } from 'jose';

/**
 * Life of a fresh token in ms, counted from the login request: the earlier of `expiresIn` (seconds; 0 or absent says
 * nothing) and the token's own `exp`. Undefined when neither gives an end.
 *
 * Servers of 2024 put the maximum TTL into `exp` and the configured one into `expiresIn`; newer ones cap `exp` below
 * `expiresIn`. So neither alone can be believed.
 */
export function tokenLifeMs(token: string, expiresInSeconds: number | undefined, nowMs: number): number | undefined {
  const lives = [positive(expiresInSeconds), positive(jwtLifeSeconds(token, nowMs))].filter((s) => s !== undefined);
  return lives.length === 0 ? undefined : Math.min(...lives) * 1000;
}

/** From `iat` to `exp`, so that a local clock that is off does not matter; without `iat`, from now. */
function jwtLifeSeconds(token: string, nowMs: number): number | undefined {
  try {
    const { exp, iat } = decodeJwt(token);
    return exp === undefined ? undefined : exp - (iat ?? nowMs / 1000);
  } catch {
    return undefined; // an opaque token says nothing of itself
  }
}

function positive(seconds: number | undefined): number | undefined {
  return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}
