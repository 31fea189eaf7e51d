// Pulumi's ESC API over the model's upstream, as a door that the real provider is given: an environment `org/project/name`
// is the scope `pulumi`, an open session is what it held at that moment, and one token is good.

import type { Clock } from '../../../src/base/clock.ts';
import { OperatorError } from '../../../src/base/operator-error.ts';
import type { Upstream, UpstreamAnswer, UpstreamDoor, UpstreamRequest } from '../../../src/http/contract.ts';
import type { ModelUpstream } from './upstream.ts';

export const pulumiScope = 'pulumi';
export const pulumiToken = 'good';

/** What goes wrong at the service beside what goes wrong with any upstream. */
export type PulumiFault = 'none' | 'evaluation fails' | 'session is lost' | 'server fails' | 'page in its place';

export class ModelPulumi {
  fault: PulumiFault = 'none';
  readonly #upstream: ModelUpstream;
  readonly #sessions = new Map<string, ReadonlyMap<string, string>>();

  constructor(upstream: ModelUpstream) {
    this.#upstream = upstream;
  }

  door(clock: Clock): UpstreamDoor {
    const upstream: Upstream = { send: (request) => this.#send(request, clock) };
    return { open: () => upstream, close: () => {} };
  }

  async #send({ method, url, headers }: UpstreamRequest, clock: Clock): Promise<UpstreamAnswer> {
    const isRead = /\/open\/([^/]+)$/.exec(url.pathname);
    try {
      const values = await this.#upstream.answer(pulumiScope, clock);
      if (headers?.['authorization'] !== `token ${pulumiToken}`)
        return answer(401, { code: 401, message: 'Unauthorized' });
      if (this.fault === 'server fails') return answer(500, { code: 500, message: 'Internal Server Error' });
      if (this.fault === 'page in its place') return text(200, '<html></html>');
      if (method === 'POST') return this.#open(values);
      if (isRead === null) return text(200, 'values: {}');
      const session = this.fault === 'session is lost' ? undefined : this.#sessions.get(isRead[1] ?? '');
      if (session === undefined) return answer(404, { code: 404, message: 'Not Found' });
      const properties = Object.fromEntries([...session].map(([key, value]) => [key, { value, secret: true }]));
      return answer(200, { properties });
    } catch (thrown) {
      return refusal(thrown);
    }
  }

  #open(values: ReadonlyMap<string, string>): UpstreamAnswer {
    if (this.fault === 'evaluation fails')
      return answer(400, { diagnostics: [{ summary: 'unknown property "x"', path: 'values.k' }] });
    const id = `session-${this.#sessions.size + 1}`;
    this.#sessions.set(id, values);
    return answer(200, { id });
  }
}

/** What is wrong with the upstream, in the service's words; without connection there are none. */
function refusal(thrown: unknown): UpstreamAnswer {
  if (!(thrown instanceof OperatorError)) throw thrown;
  const { reason, retryAfterMs = 1_000 } = thrown;
  if (reason === 'UpstreamThrottled')
    return answer(429, { code: 429 }, { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) });
  if (reason === 'AccessDenied') return answer(403, { code: 403, message: 'Forbidden' });
  throw thrown;
}

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): UpstreamAnswer {
  return { ...text(status, JSON.stringify(body)), headers };
}

function text(status: number, body: string): UpstreamAnswer {
  return { status, headers: {}, body: Buffer.from(body) };
}
