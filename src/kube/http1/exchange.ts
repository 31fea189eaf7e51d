// One request and its answer: waits for a connection, sends, collects or hands on the body, within bounds of time and size.

import type { Clock, Timer } from '../../base/clock.ts';
import { onAbort } from '../../base/on-abort.ts';
import { aborted, OperatorError } from '../../base/operator-error.ts';
import type { AnswerHead } from './answer-reader.ts';
import type { AnswerListener, Connection } from './connection.ts';
import type { Pool, Waiter } from './pool.ts';

export interface Bounds {
  /** Until the answer is whole, or with `onBytes` until the head of a 200 is there. */
  readonly leftMs: number;
  /** Of a body that is collected. */
  readonly maxBytes: number;
  /** Takes the body of a 200 as it comes, instead of collecting it. */
  readonly onBytes: ((bytes: Buffer) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | undefined;
}

/** Bytes that are handed on at once: the loop would else read and hand on some MB before it looks at anything else. */
const turnBytes = 262_144;

export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
}

/**
 * `request` is head and body as they go out. 'stale connection' means that a kept connection ended
 * before the answer began. Most often the server had closed it and saw nothing of the request, but it may have acted on it. Rejects with whatever ended it: errors of the
 * socket, `NoAnswerInTime`, `MalformedAnswer`, an OperatorError `AnswerTooLarge` or `Aborted`, what `onBytes` threw.
 */
export function exchange(
  pool: Pool,
  clock: Clock,
  request: string,
  bounds: Bounds,
): Promise<WireAnswer | 'stale connection'> {
  return new Promise((resolve, reject) => new Exchange({ pool, clock, request, bounds, resolve, reject }).start());
}

interface Parts {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly request: string;
  readonly bounds: Bounds;
  readonly resolve: (answer: WireAnswer | 'stale connection') => void;
  readonly reject: (error: Error) => void;
}

class Exchange implements Waiter, AnswerListener {
  readonly #parts: Parts;
  #timer: Timer | undefined;
  #unwatch: (() => void) | undefined;
  #connection: Connection | undefined;
  #head: AnswerHead | undefined;
  readonly #body = new BodyText();
  /** Bytes since the connection rested last. */
  #handedOn = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { pool, clock, bounds } = this.#parts;
    this.#timer = clock.after(bounds.leftMs, () => {
      pool.dropIdle(); // a network that forgot this connection has forgotten them too
      this.#stop(new NoAnswerInTime());
    });
    this.#unwatch = onAbort(bounds.signal, () => this.#stop(aborted()));
    pool.take(this);
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    connection.send(this.#parts.request, this);
  }

  refused(error: Error): void {
    this.#settle();
    this.#parts.reject(error);
  }

  head(head: AnswerHead): void {
    this.#head = head;
    if (this.#handsOn) this.#timer?.cancel();
  }

  piece(bytes: Buffer): void {
    const { onBytes, maxBytes } = this.#parts.bounds;
    if (this.#handsOn) this.#handOn(bytes, onBytes);
    else this.#body.add(bytes);
    if (this.#body.bytes > maxBytes)
      throw new OperatorError('AnswerTooLarge', `the answer is larger than ${maxBytes} bytes`);
  }

  done(): void {
    this.#settle();
    const { status = 0, retryAfter } = this.#head ?? {};
    this.#parts.resolve({ status, body: this.#body.whole(), retryAfter });
  }

  failed(error: Error): void {
    this.#settle();
    if (this.#isStale(error)) this.#parts.resolve('stale connection');
    else this.#parts.reject(error);
  }

  #handOn(bytes: Buffer, onBytes: ((bytes: Buffer) => void) | undefined): void {
    onBytes?.(bytes);
    this.#handedOn += bytes.length;
    if (this.#handedOn < turnBytes) return;
    this.#handedOn = 0;
    this.#connection?.rest();
  }

  get #handsOn(): boolean {
    return this.#parts.bounds.onBytes !== undefined && this.#head?.status === 200;
  }

  #isStale(error: Error): boolean {
    if (this.#connection?.isReused !== true || this.#connection.isStarted) return false;
    return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
  }

  #stop(error: Error): void {
    if (this.#connection === undefined) {
      this.#parts.pool.leave(this);
      this.refused(error);
    } else this.#connection.destroy(error); // and `failed` follows
  }

  #settle(): void {
    this.#timer?.cancel();
    this.#unwatch?.();
  }
}

/** The text of a body whose bytes are there for a moment only; decoded as they come. */
class BodyText {
  bytes = 0;
  #text = '';
  /** The last pieces, which may end inside a character. */
  #open: Buffer[] = [];

  add(piece: Buffer): void {
    this.bytes += piece.length;
    const endsWhole = (piece.at(-1) ?? 0) < 0x80; // an ASCII character; of others the next piece may hold the rest
    if (endsWhole && this.#open.length === 0) this.#text += piece.toString('utf8');
    else {
      this.#open.push(Buffer.from(piece));
      if (endsWhole) this.whole();
    }
  }

  whole(): string {
    if (this.#open.length > 0) this.#text += Buffer.concat(this.#open.splice(0)).toString('utf8');
    return this.#text;
  }
}
