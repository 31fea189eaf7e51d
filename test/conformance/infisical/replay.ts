// Replays scenarios against a server and says, exchange by exchange, how the answers compare.
import { type LiveAnswer, type LiveRequest, send } from './client.ts';
import { differences, type Strictness } from './compare.ts';
import { allowed, exceptionFor, skipped, verbatimTokens } from './exceptions.ts';
import type { Exchange } from './recordings.ts';
import type { Translation } from './translation.ts';

export type Verdict =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'differs'; readonly lines: readonly string[]; readonly allowedBecause?: string };

export interface Judged {
  readonly scenario: string;
  readonly name: string;
  readonly verdict: Verdict;
}

/** What a replay needs to know of the server at hand. */
export interface Target {
  readonly baseUrl: string;
  readonly strictness: Strictness;
  /** A translation for one scenario, which begins with a fresh rate limit. */
  readonly begin: () => Translation;
  /** Why the exchange cannot be replayed here. */
  readonly skipReason: (scenario: string, exchange: Exchange) => string | undefined;
  /** What must happen before the exchange. */
  readonly before: (scenario: string, exchange: Exchange, tools: BeforeTools) => Promise<void>;
}

export interface BeforeTools {
  readonly prepareToken: () => Promise<unknown>;
  readonly repeat: (times: number) => Promise<void>;
}

export async function replayScenario(
  scenario: string,
  exchanges: readonly Exchange[],
  target: Target,
): Promise<readonly Judged[]> {
  const translation = target.begin();
  const judged: Judged[] = [];
  for (const exchange of exchanges) {
    const verdict = await replay(scenario, exchange, target, translation);
    judged.push({ scenario, name: exchange.name, verdict });
  }
  return judged;
}

async function replay(
  scenario: string,
  exchange: Exchange,
  target: Target,
  translation: Translation,
): Promise<Verdict> {
  const known = exceptionFor(skipped, scenario, exchange.name)?.reason ?? target.skipReason(scenario, exchange);
  if (known !== undefined || !exchange.response) {
    return { kind: 'skipped', reason: known ?? 'the recorded client gave up waiting' };
  }
  const isVerbatim = exceptionFor(verbatimTokens, scenario, exchange.name) !== undefined;
  const prepareToken = () => (isVerbatim ? Promise.resolve(undefined) : translation.prepareTokens(exchange));
  const repeat = async (times: number) => {
    await prepareToken();
    for (let count = 0; count < times; count++) await send(target.baseUrl, liveRequest(exchange, translation));
  };
  await target.before(scenario, exchange, { prepareToken, repeat });
  const unknownIdentity = await prepareToken();
  if (unknownIdentity !== undefined)
    return { kind: 'skipped', reason: `no credentials for identity ${unknownIdentity}` };
  const answer = await send(target.baseUrl, liveRequest(exchange, translation));
  translation.learn(exchange.response, answer);
  return judge(scenario, exchange, answer, target.strictness);
}

function judge(scenario: string, exchange: Exchange, answer: LiveAnswer, strictness: Strictness): Verdict {
  if (!exchange.response) return { kind: 'skipped', reason: 'no recorded answer' };
  const areImportsMixed = exchange.request.path.includes('recursive=true');
  const lines = differences(exchange.response, answer, { strictness, areImportsMixed });
  if (lines.length === 0) return { kind: 'agrees' };
  const excuse = exceptionFor(allowed, scenario, exchange.name)?.reason;
  return { kind: 'differs', lines, ...(excuse !== undefined && { allowedBecause: excuse }) };
}

function liveRequest({ request }: Exchange, translation: Translation): LiveRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, translation.translate(value)] as const);
  const body = request.bodyText ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  return {
    method: request.method,
    path: translation.translate(request.path),
    headers: Object.fromEntries(headers),
    body: body === undefined ? undefined : translation.translate(body),
  };
}
