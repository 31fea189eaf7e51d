// From recorded texts to those of the live server. Tokens are replaced by live ones of the same identity; ids and ETags
// that an answer gave are learnt from that answer and replaced in the requests that follow.

import type { LiveAnswer } from './client.ts';
import { claimsIn, type Exchange } from './recordings.ts';

/** Makes a live token for a recorded identity; undefined when there are no credentials for it. */
export type TokenSource = (identityId: string) => Promise<string | undefined> | string | undefined;

const accessToken = /[\w-]+\.[\w-]+\.[\w-]+/g;

export class Translation {
  readonly #tokenFor: TokenSource;
  readonly #known: Map<string, string>;

  /** `known` holds recorded texts and their live counterparts from the start. */
  constructor(tokenFor: TokenSource, known: ReadonlyMap<string, string>) {
    this.#tokenFor = tokenFor;
    this.#known = new Map(known);
  }

  /** Finds live tokens for those that a request carries; returns the identity for which there is none. */
  async prepareTokens({ request }: Exchange): Promise<string | undefined> {
    const body = typeof request.body === 'object' ? JSON.stringify(request.body) : '';
    const texts = [request.headers['authorization'] ?? '', body].join(' ');
    for (const [token] of texts.matchAll(accessToken)) {
      const { identityId, authTokenType } = claimsIn(token);
      if (authTokenType !== 'identityAccessToken' || this.#known.has(token)) continue;
      const live = await this.#tokenFor(String(identityId));
      if (live === undefined) return String(identityId);
      this.#known.set(token, live);
    }
    return undefined;
  }

  translate(text: string): string {
    let translated = text;
    for (const [recorded, live] of this.#known) translated = translated.replaceAll(recorded, () => live);
    return translated;
  }

  /** Remembers which live text stands for which recorded one: ETags, tokens, and ids outside of lists. */
  learn(recorded: NonNullable<Exchange['response']>, live: LiveAnswer): void {
    const { etag } = recorded.headers;
    if (etag !== undefined && live.headers['etag'] !== undefined) this.#known.set(etag, live.headers['etag']);
    if (recorded.status !== live.status || !live.headers['content-type']?.startsWith('application/json')) return;
    if (live.body !== '') this.#learnMembers(recorded.body, JSON.parse(live.body));
  }

  #learnMembers(recorded: unknown, live: unknown): void {
    if (typeof recorded !== 'object' || typeof live !== 'object' || !recorded || !live) return;
    if (Array.isArray(recorded)) return;
    for (const [key, value] of Object.entries(recorded)) {
      const other: unknown = Reflect.get(live, key);
      const isLearnable = key === 'id' || key === 'accessToken';
      if (isLearnable && typeof value === 'string' && typeof other === 'string') this.#known.set(value, other);
      else this.#learnMembers(value, other);
    }
  }
}
