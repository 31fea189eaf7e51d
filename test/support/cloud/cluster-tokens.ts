// A cluster as an issuer of ServiceAccount tokens, and how a cloud judges them: by signature, issuer, audience and time. The
// judging is jose's.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../../src/base/clock.ts';
import { signingKeys } from './signing-keys.ts';

const clusterIssuer = 'https://oidc.cluster.example';
const keys = signingKeys('cluster-key-1');

/** A cluster whose tokens a cloud takes. */
export interface ClusterTrust {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
}

/** The cluster that is made up here. */
export const clusterTrust: ClusterTrust = { issuer: clusterIssuer, keys: keys.jwks };

export interface TokenOrder {
  /** `namespace/name`. */
  readonly account: string;
  readonly audiences: readonly string[];
  readonly lifeSeconds: number;
  readonly issuer?: string;
}

/** As the API server writes it: the audiences are a list. */
export function clusterToken(clock: Pick<Clock, 'nowMs'>, order: TokenOrder): Promise<string> {
  const { account, audiences, lifeSeconds, issuer = clusterIssuer } = order;
  const iat = Math.floor(clock.nowMs() / 1_000);
  const sub = `system:serviceaccount:${account.replace('/', ':')}`;
  return keys.sign({ iss: issuer, sub, aud: [...audiences], iat, exp: iat + lifeSeconds });
}

export type Judgement = { readonly claims: JWTPayload } | { readonly fault: 'signature' | 'aud' | 'iss' | 'time' };

export interface TokenTerms {
  readonly audience: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly trust: ClusterTrust;
}

export async function judgeClusterToken(token: string, { audience, clock, trust }: TokenTerms): Promise<Judgement> {
  const terms = { audience, issuer: trust.issuer, algorithms: ['RS256'], currentDate: new Date(clock.nowMs()) };
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(trust.keys), terms);
    return { claims: payload };
  } catch (error) {
    if (error instanceof errors.JWTExpired) return { fault: 'time' };
    const claim = error instanceof errors.JWTClaimValidationFailed ? error.claim : undefined;
    return { fault: claim === 'aud' || claim === 'iss' ? claim : 'signature' };
  }
}
