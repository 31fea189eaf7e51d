// An issuer of JWTs with keys of its own, and how Infisical judges a JWT by published keys: signature, issuer, audience,
// subject and end. The checking is jose's, so that no fault of ours can agree with itself.
import { createLocalJWKSet, errors, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { ApiError, unauthorized } from './infisical-double/api-error.ts';
import type { Verifier } from './infisical-double/identities.ts';

export interface JwtIssuer {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  /** A JWT with these claims beside the issuer; ends in ten minutes unless they say otherwise. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function createJwtIssuer(issuer: string): Promise<JwtIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const kid = 'key-1';
  return {
    issuer,
    keys: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256' }] },
    sign: (claims) =>
      new SignJWT({ iss: issuer, exp: Math.floor(Date.now() / 1_000) + 600, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey),
  };
}

export interface JwtRules {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  readonly audience?: string;
  readonly subject?: string;
}

/** Judges the `jwt` of a login; `name` is what the server calls the method in its texts. */
export function jwtVerifier({ issuer, keys, audience, subject }: JwtRules, name: string): Verifier {
  const keySet = createLocalJWKSet(keys);
  const claims = { iss: 'issuer', aud: 'audience', sub: 'subject' };
  return async (body) => {
    try {
      await jwtVerify(body['jwt'] ?? '', keySet, {
        issuer,
        ...(audience === undefined ? {} : { audience }),
        ...(subject === undefined ? {} : { subject }),
      });
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw unauthorized('Access denied: jwt expired');
      if (error instanceof errors.JWTClaimValidationFailed) {
        const what = claims[error.claim as keyof typeof claims] ?? error.claim; // of another claim, its own name
        throw new ApiError(403, 'ForbiddenError', `Access denied: ${name} ${what} not allowed.`);
      }
      if (error instanceof errors.JWSSignatureVerificationFailed)
        throw unauthorized('Access denied: invalid signature');
      throw unauthorized('Invalid JWT');
    }
  };
}
