// One kept connection to the API server: one request at a time, its answer read as it comes.
import type { Socket } from 'node:net';
import { nextTurn } from '../../base/clock.ts';
import { type AnswerHandlers, AnswerReader } from './answer-reader.ts';

/** Who hears of one request's answer. */
export interface AnswerListener extends AnswerHandlers {
  /** The answer is whole. */
  done(): void;
  /** The connection is gone before that: by its own fault, by `destroy`, or by what a handler threw. Comes once, and last. */
  failed(error: Error): void;
}

/** The other side closed the connection, sent what it should not have, or did not answer. `code` as in Node's own errors. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code: string;

  constructor(message: string, code = 'ECONNRESET') {
    super(message);
    this.code = code;
  }
}

export interface ConnectionEvents {
  /** Free for the next request. */
  idle(connection: Connection): void;
  /** Not good for another request; may come twice. */
  closed(connection: Connection): void;
}

export class Connection {
  /** Since when it has had nothing to do, by the pool's clock. */
  idleSinceMs = 0;
  readonly #events: ConnectionEvents;
  readonly #reader = new AnswerReader();
  #socket: Socket | undefined;
  #listener: AnswerListener | undefined;
  #answered = 0;
  #isStarted = false;
  #error: Error | undefined;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  /** What came from the socket; bound, so that a connector may be given it before there is a socket. */
  readonly onBytes = (bytes: Buffer): void => {
    const listener = this.#listener;
    if (listener === undefined) this.destroy(new ConnectionLost('bytes that nobody asked for'));
    else this.#read(bytes, listener);
  };

  /** Ready to be used from here on. */
  use(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', (error) => this.destroy(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#closed());
    if (socket.destroyed) this.#closed();
    else if (this.#error !== undefined) socket.destroy(); // it spoke before it was asked: the first request hears of it
  }

  /** Whether it served a request before: the other side may have closed it since without our knowing. */
  get isReused(): boolean {
    return this.#answered > 0;
  }

  /** Whether a byte of the answer has come. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** `request` is head and body as they go out. */
  send(request: string, listener: AnswerListener): void {
    this.#listener = listener;
    this.#isStarted = false;
    this.#reader.begin();
    this.#socket?.write(request, 'utf8');
  }

  /** Reads on in the next turn of the loop; bytes that were read already may come before. */
  rest(): void {
    const socket = this.#socket?.pause();
    if (socket !== undefined) void nextTurn().then(() => socket.resume());
  }

  /** Ends it; the request that is under way fails with this error. */
  destroy(error: Error): void {
    this.#error ??= error;
    if (this.#listener === undefined) this.#events.closed(this); // the socket says so later: nobody is to be given it till then
    this.#socket?.destroy();
  }

  #read(bytes: Buffer, listener: AnswerListener): void {
    this.#isStarted = true;
    try {
      this.#reader.push(bytes, listener);
    } catch (thrown) {
      this.destroy(thrown instanceof Error ? thrown : new Error('a handler threw what is no error'));
      return;
    }
    if (this.#reader.isDone && this.#listener === listener) this.#finish(listener);
  }

  #finish(listener: AnswerListener): void {
    this.#listener = undefined;
    this.#answered++;
    if (this.#reader.mayKeep) this.#events.idle(this);
    else this.#socket?.destroy();
    listener.done();
  }

  #ended(): void {
    const listener = this.#listener;
    if (listener !== undefined && this.#reader.end()) this.#finish(listener);
    else this.destroy(new ConnectionLost('closed by the server'));
  }

  #closed(): void {
    this.#events.closed(this);
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.failed(this.#error ?? new ConnectionLost('closed'));
  }
}
