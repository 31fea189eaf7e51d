// What every login of Infisical answers, and the grant that follows from it.
import * as z from 'zod/mini';
import { OperatorError } from '../../base/operator-error.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { Grant } from '../contract.ts';
import { tokenLifeMs } from '../lifetime.ts';

const reply = z.object({ accessToken: z.string().check(z.minLength(1)), expiresIn: z.nullish(z.number()) });

type LoginReply = z.infer<typeof reply>;

/** The answer to a login. Throws UpstreamInvalid when it is none, such as a proxy's `{}`. */
export function parseLoginReply(json: unknown): LoginReply {
  const parsed = reply.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new OperatorError('UpstreamInvalid', 'the answer to the login holds no access token');
}

/** `nowMs` is when the login was sent: a life counted from there never ends too late. */
export function grantFrom({ accessToken, expiresIn }: LoginReply, nowMs: number): Grant {
  const lifeMs = tokenLifeMs(accessToken, expiresIn ?? undefined, nowMs);
  return { token: new SecretValue(accessToken), ...(lifeMs === undefined ? {} : { expiresAtMs: nowMs + lifeMs }) };
}
