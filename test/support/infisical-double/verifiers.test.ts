import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../fake-clock.ts';
import { ApiError } from './api-error.ts';
import type { Verifier } from './identities.ts';
import { oidcVerifier, signatureBy } from './verifiers.ts';

const clock = new FakeClock();
const issuer = 'https://issuer.example';
const good = { iss: issuer, sub: 'repo:acme/app:main', aud: 'infisical', exp: clock.nowMs() / 1000 + 60 };
type Signer = (claims: object, kid?: string) => Promise<string>;
let ours: Signer;
let theirs: Signer;
let verifier: Verifier;

function signerOf(key: CryptoKey): Signer {
  return (claims, kid = 'k1') => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
}

beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  ours = signerOf(pair.privateKey);
  theirs = signerOf((await generateKeyPair('ES256')).privateKey);
  const keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256' }] };
  const rules = { subject: 'repo:acme/app:*', audience: 'infisical' };
  verifier = oidcVerifier({ clock, issuer, checkSignature: signatureBy(keys), ...rules });
});

/** `ok`, the status of a refusal, or 500 for what is no refusal. */
async function outcome(jwt: string): Promise<string> {
  try {
    await verifier({ identityId: 'i', jwt });
    return 'ok';
  } catch (error) {
    return error instanceof ApiError ? `${error.status} ${error.name}` : '500';
  }
}

describe('an OIDC login', () => {
  const cases: readonly [string, () => Promise<string>, string][] = [
    ['a good token', () => ours(good), 'ok'],
    ['a token signed by somebody else', () => theirs(good), '401 UnauthorizedError'],
    ['an unknown key id', () => ours(good, 'k2'), '500'],
    ['another issuer', () => ours({ ...good, iss: 'https://other.example' }), '401 UnauthorizedError'],
    [
      'a subject with a slash where the rule has a star',
      () => ours({ ...good, sub: 'repo:acme/app:a/b' }),
      '403 ForbiddenError',
    ],
    ['another audience', () => ours({ ...good, aud: 'x' }), '401 UnauthorizedError'],
    ['several audiences', () => ours({ ...good, aud: ['infisical'] }), '500'],
    ['an expired token', () => ours({ ...good, exp: clock.nowMs() / 1000 - 1 }), '401 UnauthorizedError'],
    ['no JWT at all', () => Promise.resolve('garbage'), '401 UnauthorizedError'],
  ];
  it.each(cases)('with %s is judged as the server does', async (_, make, expected) => {
    expect(await outcome(await make())).toBe(expected);
  });
});
