// One call, from request to parsed answer: refusals become errors, and so does a 200 that is not JSON.
import { OperatorError } from '../base/operator-error.ts';
import { type Attempt, refusalError } from './api-error.ts';
import { parseObject, readList } from './bounded-json.ts';
import type { ApiAnswer, ApiRequest, Transport } from './transport.ts';
import type { KubeObject } from './types.ts';

/** A request together with the words that name it in errors. */
export interface ApiCall extends ApiRequest {
  readonly attempt: Attempt;
}

/**
 * Sends and parses. The type of the answer is the caller's word: the API server validates what it stores, so its
 * objects are taken as they come, within the bounds of bounded-json.ts. Throws as `Kube` (contract.ts) says.
 */
export async function callApi<T>(transport: Transport, call: ApiCall, signal: AbortSignal): Promise<T> {
  return parseAnswer<T>(call.attempt, await sendCall(transport, call, signal));
}

/** Sends, hands out the items of the list that is answered, and returns the rest of it. Throws as `callApi`. */
export async function callList(
  transport: Transport,
  call: ApiCall,
  onItem: (item: KubeObject) => void,
  signal: AbortSignal,
): Promise<{ readonly metadata?: ListMetadata }> {
  const { body } = await sendCall(transport, call, signal);
  try {
    return await readList(body, (item) => onItem(item as KubeObject)); // as above
  } catch (thrown) {
    throw thrown instanceof SyntaxError ? notJson(call.attempt) : thrown;
  }
}

/** What a list says of itself. */
export interface ListMetadata {
  readonly resourceVersion?: string;
  /** Names the next page; absent or empty on the last. */
  readonly continue?: string;
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
    const parsed = parseObject(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed as T; // the edge named above
  } catch {
    // said below: the parser's own message quotes the answer
  }
  throw notJson(attempt);
}

function notJson({ verb, plural }: Attempt): OperatorError {
  return new OperatorError('ApiUnavailable', `${verb} ${plural}: the answer is not a JSON object`);
}
