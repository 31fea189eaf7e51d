// The one way to the API server: pooled keep-alive connections, a deadline and a size limit on every answer, bounded
// retries that the server asked for or that cannot do harm. Statuses are answers here; what they mean is for client.ts.
import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { OperatorError } from '../core/operator-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterAccess } from './access.ts';
import { pause } from './pause.ts';
import { createPool } from './pool.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, as `path.ts` builds them. */
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  /** `application/json` unless given. */
  readonly contentType?: string;
  /** For the whole call, waiting and retries included. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** From Retry-After, when the server sent one. */
  readonly retryAfterMs: number | undefined;
}

/** An answer whose body goes on for as long as the server likes; `stream` is destroyed by whoever is done with it. */
export interface OpenAnswer {
  readonly stream: IncomingMessage;
}

/**
 * Throws `ApiUnavailable` (no connection, TLS, reset, deadline), `AnswerTooLarge` and `Aborted`; messages name host and
 * system code only.
 */
export interface Transport {
  send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer>;
  /** A GET on a connection of its own pool, for watches: resolves at the headers; other statuses than 200 come as an answer. */
  open(path: string, signal: AbortSignal): Promise<OpenAnswer | ApiAnswer>;
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

export function createTransport(options: TransportOptions): Transport {
  return new PooledTransport(options);
}

class PooledTransport implements Transport {
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #host: string;
  readonly #prefix: string;
  readonly #calls: Agent;
  readonly #watches: Agent;

  constructor({ access, clock, userAgent, maxSockets = defaultMaxSockets }: TransportOptions) {
    this.#access = access;
    this.#clock = clock;
    this.#userAgent = userAgent;
    this.#host = access.server.host;
    this.#prefix = access.server.pathname.replace(/\/$/, '');
    this.#calls = createPool(access, maxSockets);
    this.#watches = createPool(access, Number.POSITIVE_INFINITY);
  }

  async send(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const { timeoutMs = defaultTimeoutMs } = request;
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
    let throttled = 0;
    let mayReplay = request.method !== 'POST';
    let mayLogin = true;
    for (;;) {
      if (signal.aborted) throw stopped();
      const attempt = await this.#attempt(request, deadlineMs - this.#clock.monotonicMs(), signal);
      if (attempt === 'stale connection') {
        if (!mayReplay) throw this.#unavailable('the connection was closed', request);
        mayReplay = false;
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

  async open(path: string, signal: AbortSignal): Promise<OpenAnswer | ApiAnswer> {
    const request: ApiRequest = { method: 'GET', path };
    const authorization = await this.#authorization();
    if (signal.aborted) throw stopped();
    return new Promise((resolve, reject) => {
      const outgoing = this.#begin(request, authorization, this.#watches);
      const end = this.#bound(outgoing, request, openTimeoutMs, signal);
      outgoing.on('error', (error) => {
        end();
        reject(this.#translate(error, request, signal));
      });
      outgoing.on('response', (body) => {
        if (body.statusCode === 200) {
          end();
          return resolve({ stream: body });
        }
        if (body.statusCode === 401) this.#access.credentials.refused();
        this.#collect(body, refusalMaxBytes).then(
          (answer) => {
            end();
            resolve(answer);
          },
          (error) => {
            end();
            reject(this.#translate(error, request, signal));
          },
        );
      });
      outgoing.end();
    });
  }

  socketCount(): { readonly calls: number; readonly watches: number } {
    return { calls: countSockets(this.#calls), watches: countSockets(this.#watches) };
  }

  close(): void {
    this.#calls.destroy();
    this.#watches.destroy();
  }

  async #authorization(): Promise<string | undefined> {
    return this.#access.credentials.authorization();
  }

  async #attempt(request: ApiRequest, leftMs: number, signal: AbortSignal): Promise<ApiAnswer | 'stale connection'> {
    const known = this.#access.credentials.authorization();
    const authorization = known instanceof Promise ? await known : known;
    return new Promise((resolve, reject) => {
      const outgoing = this.#begin(request, authorization, this.#calls);
      const end = this.#bound(outgoing, request, leftMs, signal);
      let isAnswered = false;
      const fail = (error: Error) => {
        end();
        if (!isAnswered && isStale(error, outgoing)) resolve('stale connection');
        else reject(this.#translate(error, request, signal));
      };
      outgoing.on('error', fail);
      outgoing.on('response', (message) => {
        isAnswered = true;
        this.#collect(message, request.maxBytes ?? defaultMaxBytes).then((answer) => {
          end();
          resolve(answer);
        }, fail);
      });
      outgoing.end(request.body, 'utf8');
    });
  }

  #begin(
    { method, path, body, contentType }: ApiRequest,
    authorization: string | undefined,
    agent: Agent,
  ): ClientRequest {
    // A flat list goes out as it is; an object would first become node's own table of headers, at a tenth of the call.
    const headers = ['host', this.#host, 'accept', 'application/json', 'user-agent', this.#userAgent];
    if (authorization !== undefined) headers.push('authorization', authorization);
    if (body !== undefined) {
      headers.push('content-type', contentType ?? 'application/json');
      headers.push('content-length', String(Buffer.byteLength(body)));
    }
    const options: RequestOptions = { method, path: this.#prefix + path, headers, agent, setHost: false };
    return this.#access.server.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
  }

  /** Destroys the request at its deadline or when the signal fires; the function returned ends the watching. */
  #bound(outgoing: ClientRequest, request: ApiRequest, leftMs: number, signal: AbortSignal): () => void {
    const onAbort = () => outgoing.destroy(new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = this.#clock.after(leftMs, () => {
      dropIdle(this.#calls); // a network that forgot this connection has forgotten them too
      outgoing.destroy(this.#unavailable('no answer in time', request));
    });
    return () => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    };
  }

  #collect(message: IncomingMessage, maxBytes: number): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      message.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes)
          message.destroy(new OperatorError('AnswerTooLarge', `the answer is larger than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      message.on('error', reject);
      message.on('close', () => {
        if (!message.complete) reject(new Error('the answer was cut off'));
      });
      message.on('end', () => {
        if (!message.complete) return; // 'close' follows and rejects
        const [only] = chunks;
        const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
        const retryAfterMs = retryAfter(message.headers['retry-after'], this.#clock);
        resolve({ status: message.statusCode ?? 0, body, retryAfterMs });
      });
    });
  }

  /** Node's errors carry addresses and headers: only their code leaves. */
  #translate(error: unknown, request: ApiRequest, signal: AbortSignal): OperatorError {
    if (signal.aborted) return stopped();
    if (error instanceof OperatorError) return error;
    return this.#unavailable(systemCode(error), request);
  }

  #unavailable(what: string, { method }: ApiRequest): OperatorError {
    return new OperatorError('ApiUnavailable', `API server ${this.#host}: ${method}: ${what}`);
  }
}

function stopped(): OperatorError {
  return new OperatorError('Aborted', 'stopped');
}

/** A kept connection that the server had closed before it could see the request: as if it had never been sent. */
function isStale(error: Error, outgoing: ClientRequest): boolean {
  if (!outgoing.reusedSocket || error instanceof OperatorError) return false;
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function systemCode(error: unknown): string {
  if (!(error instanceof Error)) return 'connection failed';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.message === 'the answer was cut off' ? error.message : 'connection failed';
}

/** Retry-After in seconds or as a date (RFC 9110, 10.2.3), as a delay in ms. */
function retryAfter(header: string | undefined, clock: Clock): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.nowMs());
}

function dropIdle({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flatMap((list) => list ?? [])) socket.destroy();
}

function countSockets(agent: Agent): number {
  const count = (lists: NodeJS.ReadOnlyDict<readonly unknown[]>) =>
    Object.values(lists).reduce((sum, list) => sum + (list?.length ?? 0), 0);
  return count(agent.sockets) + count(agent.freeSockets);
}
