// Access tokens: HS256 JWTs whose rows live here, as Infisical's do in its database. What ends a token, and with which
// words, follows the recorded server: time to live, maximal life, number of uses, revocation.
//
//   issued ──use──▶ alive ──(ttl passed | uses spent | renew past max ttl)──▶ row deleted, told once ──▶ unknown
//                     └──────(the jwt's own exp = issued + max ttl)──▶ 403, whatever the row says
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { badToken, type Generation, unauthorized } from './api-error.ts';

export interface TokenTerms {
  /** Seconds; 2,592,000 (30 days) when absent. */
  readonly ttlSeconds?: number;
  /** Seconds; 2,592,000 when absent. */
  readonly maxTtlSeconds?: number;
  /** How many requests a token may make; 0 or absent means any number. */
  readonly usesLimit?: number;
}

interface TokenRow {
  readonly id: string;
  readonly identityId: string;
  readonly clientSecretId?: string;
  readonly ttlMs: number;
  readonly maxTtlMs: number;
  readonly usesLimit: number;
  readonly createdAtMs: number;
  renewedAtMs: number;
  uses: number;
}

/** The answer of logins and renewals. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly expiresIn: number;
  readonly accessTokenMaxTTL: number;
  readonly tokenType: 'Bearer';
}

export const defaultTtlSeconds = 2_592_000;
/** No token of a newer server lives longer, whatever its identity says. */
const newestCapMs = 7_776_000_000;

export class Tokens {
  readonly #clock: Clock;
  readonly #generation: Generation;
  readonly #key = randomBytes(32);
  readonly #rows = new Map<string, TokenRow>();

  constructor(clock: Clock, generation: Generation) {
    this.#clock = clock;
    this.#generation = generation;
  }

  issue(identityId: string, terms: TokenTerms, clientSecretId?: string): TokenAnswer {
    const nowMs = this.#clock.nowMs();
    const row: TokenRow = {
      id: randomUUID(),
      identityId,
      ...(clientSecretId !== undefined && { clientSecretId }),
      ttlMs: (terms.ttlSeconds ?? defaultTtlSeconds) * 1000,
      maxTtlMs: (terms.maxTtlSeconds ?? defaultTtlSeconds) * 1000,
      usesLimit: terms.usesLimit ?? 0,
      createdAtMs: nowMs,
      renewedAtMs: nowMs,
      uses: 0,
    };
    this.#rows.set(row.id, row);
    return this.#answer(row, this.#generation !== '2024-10' ? this.#lifeLeft(row) : row.maxTtlMs);
  }

  /** The identity behind a bearer token; counts a use. Throws 401 or 403 for a token that is none, or none any more. */
  use(token: string): string {
    const row = this.#living(this.#rowId(token));
    row.uses += 1;
    return row.identityId;
  }

  /** Renewal. A refusal past the maximal life deletes the token in October 2024; newer servers shorten the new one. */
  renew(token: string): TokenAnswer {
    const row = this.#living(this.#rowId(token));
    const nowMs = this.#clock.nowMs();
    const endMs = row.createdAtMs + row.maxTtlMs;
    // A real clock has always moved on since the token was made, so equal is past.
    if (nowMs + row.ttlMs >= endMs && (this.#generation !== 'newest' || nowMs >= endMs)) {
      this.#rows.delete(row.id);
      throw unauthorized('Failed to renew MI access token past its Max TTL expiration');
    }
    row.renewedAtMs = nowMs;
    if (this.#generation === '2024-10') return answerOf(row, token, row.ttlMs);
    return this.#answer(row, this.#lifeLeft(row));
  }

  revoke(token: string): void {
    const id = this.#rowId(token);
    if (!this.#rows.delete(id)) throw unauthorized('No identity access token found');
  }

  /** Ends every token that `ends` picks, as deleting an identity or revoking a client secret does. */
  endWhere(ends: (row: { readonly identityId: string; readonly clientSecretId?: string }) => boolean): void {
    for (const row of this.#rows.values()) if (ends(row)) this.#rows.delete(row.id);
  }

  #lifeLeft(row: TokenRow): number {
    const leftMs = row.createdAtMs + row.maxTtlMs - this.#clock.nowMs();
    return Math.min(row.ttlMs, leftMs, newestCapMs);
  }

  #living(id: string): TokenRow {
    const row = this.#rows.get(id);
    if (!row) throw unauthorized('No identity access token found');
    const words = this.#endOf(row);
    if (words === undefined) return row;
    this.#rows.delete(id);
    throw unauthorized(words);
  }

  /** Why a row is at its end, in the server's words, which speak of renewing also on a plain read. */
  #endOf(row: TokenRow): string | undefined {
    if (row.usesLimit > 0 && row.uses >= row.usesLimit) {
      return 'Unable to renew because access token number of uses limit reached';
    }
    const isPastTtl = this.#clock.nowMs() >= row.renewedAtMs + row.ttlMs;
    return isPastTtl ? 'Failed to renew MI access token due to TTL expiration' : undefined;
  }

  #answer(row: TokenRow, jwtLifeMs: number): TokenAnswer {
    const issuedAt = Math.floor(this.#clock.nowMs() / 1000);
    const claims = {
      identityId: row.identityId,
      ...(row.clientSecretId !== undefined && { clientSecretId: row.clientSecretId }),
      identityAccessTokenId: row.id,
      authTokenType: 'identityAccessToken',
      iat: issuedAt,
      exp: issuedAt + Math.floor(jwtLifeMs / 1000),
    };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    const expiresInMs = this.#generation !== '2024-10' ? jwtLifeMs : row.ttlMs;
    return answerOf(row, `${signed}.${this.#sign(signed)}`, expiresInMs);
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  /** Checks the JWT itself, in the order and words of the library that the server uses. */
  #rowId(token: string): string {
    if (token === '') throw badToken('jwt must be provided');
    const [head = '', body = '', signature = '', ...more] = token.split('.');
    if (token.split('.').length !== 3 || more.length > 0) throw badToken(malformed);
    const claims = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token) && decode(head) ? decode(body) : undefined;
    if (!claims) throw badToken('invalid token');
    if (signature === '') throw badToken('jwt signature is required');
    if (!isSame(signature, this.#sign(`${head}.${body}`))) throw badToken('invalid signature');
    const expiresAt = claims['exp'];
    if (typeof expiresAt === 'number' && Math.floor(this.#clock.nowMs() / 1000) >= expiresAt) {
      throw badToken('Your token has expired. Please re-authenticate.');
    }
    return String(claims['identityAccessTokenId']);
  }
}

const malformed =
  'The provided access token is malformed. Please use a valid token or generate a new one and try again.';

function answerOf(row: TokenRow, accessToken: string, expiresInMs: number): TokenAnswer {
  return {
    accessToken,
    expiresIn: Math.floor(expiresInMs / 1000),
    accessTokenMaxTTL: row.maxTtlMs / 1000,
    tokenType: 'Bearer',
  };
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** A part of a JWT; undefined when it is not a JSON object. Also reads other issuers' tokens, without checking them. */
export function decode(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isSame(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
