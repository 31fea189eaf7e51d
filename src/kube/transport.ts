// The one way to the API server: pooled keep-alive connections, a deadline and a size limit on every answer, bounded
// retries that the server asked for or that cannot do harm. Statuses are answers here; what they mean is for client.ts.

import type { Clock } from '../base/clock.ts';
import { pause } from '../base/clock.ts';
import { aborted, asOperatorError, OperatorError } from '../base/operator-error.ts';
import { retryAfterMs } from '../base/retry-after.ts';
import type { ClusterAccess } from './access.ts';
import { MalformedAnswer } from './http1/answer-reader.ts';
import { createConnector } from './http1/connector.ts';
import { type Bounds, exchange, NoAnswerInTime, type WireAnswer } from './http1/exchange.ts';
import { createPool, type Pool } from './http1/pool.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, as `path.ts` builds them. */
  readonly path: string;
  /**
   * Whether the call may be sent once more when a kept connection ends before the answer begins: the server may have acted
   * on it. True for what reads, for a write whose precondition fails the second time, and where twice is as good as once.
   */
  readonly mayReplay: boolean;
  /** JSON text. */
  readonly body?: string;
  /** `application/json` unless given. */
  readonly contentType?: string;
  /** What the answer may be; `application/json` unless given. */
  readonly accept?: string;
  /** For the whole call, waiting and retries included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** A GET whose answer goes on. */
export type StreamRequest = Pick<ApiRequest, 'path' | 'accept'>;

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  /** From Retry-After, when the server sent one. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Throws `ApiUnavailable` (no connection, TLS, reset, deadline), `AnswerTooLarge` and `Aborted`; messages name host and
 * system code only.
 */
export interface Transport {
  send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer>;
  /**
   * A GET whose body goes on for as long as the server likes, on a connection of a pool of its own. `onBytes` gets the
   * body of a 200 as it comes (bytes are good for the time of the call only) and what it throws ends the answer.
   * Resolves with undefined when the server ended that body cleanly, with the answer when it was no 200.
   */
  stream(request: StreamRequest, onBytes: (bytes: Buffer) => void, signal: AbortSignal): Promise<ApiAnswer | undefined>;
  /** Connections open at present, for metrics and tests. */
  socketCount(): { readonly calls: number; readonly watches: number };
  /** Ends idle connections at once and those in use with their request. */
  close(): void;
}

export interface TransportOptions {
  readonly access: ClusterAccess;
  readonly clock: Clock;
  /** `escapement/<version>`. */
  readonly userAgent: string;
  /** Connections for calls at most; watches have their own. */
  readonly maxSockets?: number;
}

/** Writes in flight (32 by default) and as many again for reads, leases and tokens. */
const defaultMaxSockets = 64;
const defaultTimeoutMs = 30_000;
/** A page of 500 objects of 100 kB; one object is at most 1.5 MB in etcd. */
const defaultMaxBytes = 64 * 2 ** 20;
/** Times that a 429 is waited out within one call; the caller's own backoff follows. */
const throttledRetriesMax = 2;
/** When a 429 names no time. */
const throttledWaitMs = 1_000;
/** Until the headers of a watch, which the server sends before it looks for events. */
const openTimeoutMs = 30_000;
/** How much of a refused watch's body is read. */
const refusalMaxBytes = 64 * 2 ** 10;
/** What would end a line of the head early, or not come out as it is. */
const notInPath = /[^\x21-\x7e]/;
const notInHeader = /[^\x20-\x7e]/;

export function createTransport(options: TransportOptions): Transport {
  return new PooledTransport(options);
}

class PooledTransport implements Transport {
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #prefix: string;
  /** The headers that every request has. */
  readonly #headers: string;
  readonly #calls: Pool;
  readonly #watches: Pool;

  constructor({ access, clock, userAgent, maxSockets = defaultMaxSockets }: TransportOptions) {
    this.#access = access;
    this.#clock = clock;
    this.#host = access.server.host;
    this.#prefix = access.server.pathname.replace(/\/$/, '');
    this.#headers = `host: ${this.#host}\r\nuser-agent: ${userAgent}\r\n`;
    const connector = createConnector(access);
    this.#calls = createPool(connector, clock, maxSockets);
    this.#watches = createPool(connector, clock, Number.POSITIVE_INFINITY);
  }

  async send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const { timeoutMs = defaultTimeoutMs } = request;
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    let throttled = 0;
    let { mayReplay } = request;
    let mayLogin = true;
    for (;;) {
      if (signal.aborted) throw aborted();
      const attempt = await this.#attempt(request, deadlineMs, signal);
      if (attempt === 'stale connection') {
        if (!mayReplay) throw this.#unavailable('the connection was closed', request);
        mayReplay = false;
        this.#calls.dropIdle(); // whatever closed this one may have closed them all: the second try gets a new one
      } else if (attempt.status === 401 && mayLogin) {
        mayLogin = false;
        this.#access.credentials.refused();
      } else if (attempt.status === 429 && throttled < throttledRetriesMax) {
        const waitMs = attempt.retryAfterMs ?? throttledWaitMs;
        if (this.#clock.monotonicMs() + waitMs >= deadlineMs) return attempt;
        throttled++;
        await pause(this.#clock, waitMs, signal);
      } else return attempt;
    }
  }

  async stream(
    asked: StreamRequest,
    onBytes: (bytes: Buffer) => void,
    signal: AbortSignal,
  ): Promise<ApiAnswer | undefined> {
    const request: ApiRequest = { method: 'GET', mayReplay: true, ...asked };
    const authorization = await this.#access.credentials.authorization();
    if (signal.aborted) throw aborted();
    const hand = (bytes: Buffer) => {
      try {
        onBytes(bytes);
      } catch (thrown) {
        throw asOperatorError(thrown); // a fault of ours is none of the server's
      }
    };
    const bounds = { leftMs: openTimeoutMs, maxBytes: refusalMaxBytes, onBytes: hand, signal };
    let answer = await this.#exchange(this.#watches, request, authorization, bounds);
    if (answer === 'stale connection') {
      this.#watches.dropIdle();
      answer = await this.#exchange(this.#watches, request, authorization, bounds);
    }
    if (answer === 'stale connection') throw this.#unavailable('the connection was closed', request);
    if (answer.status === 401) this.#access.credentials.refused();
    return answer.status === 200 ? undefined : this.#answerOf(answer);
  }

  socketCount(): { readonly calls: number; readonly watches: number } {
    return { calls: this.#calls.size(), watches: this.#watches.size() };
  }

  close(): void {
    this.#calls.close();
    this.#watches.close();
  }

  async #attempt(
    request: ApiRequest,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<ApiAnswer | 'stale connection'> {
    const known = this.#access.credentials.authorization();
    const authorization = known instanceof Promise ? await known : known;
    if (signal.aborted) throw aborted();
    const leftMs = deadlineMs - this.#clock.monotonicMs();
    const bounds = { leftMs, maxBytes: request.maxBytes ?? defaultMaxBytes, onBytes: undefined, signal };
    const answer = await this.#exchange(this.#calls, request, authorization, bounds);
    return answer === 'stale connection' ? answer : this.#answerOf(answer);
  }

  async #exchange(pool: Pool, request: ApiRequest, authorization: string | undefined, bounds: Bounds) {
    try {
      return await exchange(pool, this.#clock, this.#textOf(request, authorization), bounds);
    } catch (thrown) {
      throw this.#translate(thrown, request, bounds.signal);
    }
  }

  #answerOf({ status, body, retryAfter }: WireAnswer): ApiAnswer {
    return { status, body, retryAfterMs: retryAfterMs(retryAfter, this.#clock.nowMs()) };
  }

  /** The request as it goes out. */
  #textOf(
    { method, path, body, contentType, accept = 'application/json' }: ApiRequest,
    authorization: string | undefined,
  ): string {
    if (notInPath.test(path)) throw new OperatorError('Internal', `${method}: a path that is not encoded`);
    if (authorization !== undefined && notInHeader.test(authorization))
      throw new OperatorError('ApiUnavailable', `API server ${this.#host}: the token holds characters that none has`);
    const identity = authorization === undefined ? '' : `authorization: ${authorization}\r\n`;
    const head = `${method} ${this.#prefix}${path} HTTP/1.1\r\n${this.#headers}accept: ${accept}\r\n${identity}`;
    if (body === undefined) return `${head}\r\n`;
    const type = contentType ?? 'application/json';
    return `${head}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  /** Node's errors carry addresses and headers: only their code leaves. */
  #translate(error: unknown, request: ApiRequest, signal: AbortSignal): OperatorError {
    if (signal.aborted) return aborted();
    if (error instanceof OperatorError) return error;
    if (error instanceof NoAnswerInTime) return this.#unavailable('no answer in time', request);
    return this.#unavailable(systemCode(error), request);
  }

  #unavailable(what: string, { method }: ApiRequest): OperatorError {
    return new OperatorError('ApiUnavailable', `API server ${this.#host}: ${method}: ${what}`);
  }
}

function systemCode(error: unknown): string {
  if (error instanceof MalformedAnswer) return error.message;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'connection failed';
}
