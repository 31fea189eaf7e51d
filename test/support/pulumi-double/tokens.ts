// Who may call the double: access tokens, and the exchange of OIDC tokens for them, whose signature, issuer, audience and
// subject jose judges. https://www.pulumi.com/docs/administration/access-identity/oidc-client/
import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';

/** An issuer that an organization trusts. */
export interface TrustedIssuer {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  readonly audience: string;
  readonly subject: string;
}

export interface Token {
  readonly organizations: readonly string[];
  readonly endsAtMs: number;
}

/** Answer of the exchange: a token and its life, or what is wrong with the request. */
export type Exchanged = { readonly token: string; readonly lifeSeconds: number } | 'invalid' | 'refused';

export class Tokens {
  readonly #nowMs: () => number;
  readonly #tokens = new Map<string, Token>();
  readonly #issuers = new Map<string, TrustedIssuer[]>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(organizations: readonly string[], endsAtMs = Number.POSITIVE_INFINITY): string {
    const token = `pul-${randomUUID()}`;
    this.#tokens.set(token, { organizations, endsAtMs });
    return token;
  }

  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  revokeAll(): void {
    this.#tokens.clear();
  }

  trust(organization: string, issuer: TrustedIssuer): void {
    this.#issuers.set(organization, [...(this.#issuers.get(organization) ?? []), issuer]);
  }

  /** The token in an `Authorization` header while it lives. */
  find(authorization: string | undefined): (Token & { readonly text: string }) | undefined {
    const text = /^token (.+)$/.exec(authorization ?? '')?.[1] ?? '';
    const found = this.#tokens.get(text);
    return found === undefined || found.endsAtMs <= this.#nowMs() ? undefined : { ...found, text };
  }

  async exchange(body: Readonly<Record<string, unknown>>): Promise<Exchanged> {
    const organization = /^urn:pulumi:org:(.+)$/.exec(String(body['audience']))?.[1] ?? '';
    const isExchange =
      body['grant_type'] === 'urn:ietf:params:oauth:grant-type:token-exchange' &&
      body['subject_token_type'] === 'urn:ietf:params:oauth:token-type:id_token' &&
      body['requested_token_type'] === 'urn:pulumi:token-type:access_token:organization';
    if (!isExchange) return 'invalid';
    const lifeSeconds = Number(body['expiration'] || 7_200);
    for (const { issuer, keys, audience, subject } of this.#issuers.get(organization) ?? []) {
      const judged = jwtVerify(String(body['subject_token']), createLocalJWKSet(keys), { issuer, audience, subject });
      if (!(await judged.then(() => true).catch(() => false))) continue;
      return { token: this.add([organization], this.#nowMs() + lifeSeconds * 1_000), lifeSeconds };
    }
    return 'refused';
  }
}
