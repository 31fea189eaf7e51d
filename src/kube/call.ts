// One call, from request to parsed answer: refusals become errors, and so does a 200 that is not JSON.
import { OperatorError } from '../base/operator-error.ts';
import { type Attempt, refusalError } from './api-error.ts';
import type { ApiAnswer, ApiRequest, Transport } from './transport.ts';

/** A request together with the words that name it in errors. */
export interface ApiCall extends ApiRequest {
  readonly attempt: Attempt;
}

/**
 * Sends and parses. The type of the answer is the caller's word: the API server validates what it stores, so its
 * objects are taken as they come. Throws as `Kube` (contract.ts) says.
 */
export async function callApi<T>(transport: Transport, call: ApiCall, signal: AbortSignal): Promise<T> {
  return parseAnswer<T>(call.attempt, await sendCall(transport, call, signal));
}

/** Sends; the answer is a 2xx whose body nobody has looked at. Throws as `Kube` (contract.ts) says. */
export async function sendCall(transport: Transport, call: ApiCall, signal: AbortSignal): Promise<ApiAnswer> {
  const answer = await transport.send(call, signal);
  if (answer.status < 200 || answer.status >= 300) throw refusalOf(call.attempt, answer);
  return answer;
}

/** The error that an answer other than 2xx stands for. */
export function refusalOf(attempt: Attempt, { status, body, retryAfterMs }: ApiAnswer) {
  return refusalError(attempt, retryAfterMs === undefined ? { status, body } : { status, body, retryAfterMs });
}

function parseAnswer<T>(attempt: Attempt, { body }: ApiAnswer): T {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed as T; // the edge named above
  } catch {
    // said below: the parser's own message quotes the answer
  }
  throw new OperatorError('ApiUnavailable', `${attempt.verb} ${attempt.plural}: the answer is not a JSON object`);
}
