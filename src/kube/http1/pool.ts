// Keep-alive connections to one API server, at most so many; who finds none free waits for the next.
// HTTP/1.1 on purpose: one HTTP/2 session cost the same client CPU, more on the server, and 50 MB more memory. And not by
// node:https: its request, agent and stream took a third of a call's CPU.
import type { Clock, Timer } from '../../base/clock.ts';
import { Connection, ConnectionLost } from './connection.ts';
import type { Connector } from './connector.ts';

/** kube-apiserver closes idle connections after 90 s; going first avoids writing into a closing socket. */
const idleMaxMs = 55_000;
/** Until TCP and TLS stand. A network that swallows packets says nothing for minutes. */
const connectTimeoutMs = 10_000;

/** Who wants a connection; hears of one or of why there is none. */
export interface Waiter {
  connected(connection: Connection): void;
  refused(error: Error): void;
}

export interface Pool {
  /** Tells the waiter at once when a connection is free, else as soon as one is. */
  take(waiter: Waiter): void;
  /** The waiter no longer waits, and is told nothing. */
  leave(waiter: Waiter): void;
  /** Open ones, in use or not. */
  size(): number;
  /** Ends what has nothing to do: a network that forgot one connection has forgotten them too. */
  dropIdle(): void;
  /** Ends all at once. */
  close(): void;
}

/** The most recently used goes first, so that few stay open when little happens. */
export function createPool(connector: Connector, clock: Clock, maxConnections: number): Pool {
  return new KeepAlivePool(connector, clock, maxConnections);
}

class KeepAlivePool implements Pool {
  readonly #connector: Connector;
  readonly #clock: Clock;
  readonly #maxConnections: number;
  readonly #open = new Set<Connection>();
  #idle: Connection[] = [];
  readonly #waiting = new Set<Waiter>();
  /** Attempts to connect that are under way. */
  readonly #opening = new Set<AbortController>();
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(connector: Connector, clock: Clock, maxConnections: number) {
    this.#connector = connector;
    this.#clock = clock;
    this.#maxConnections = maxConnections;
  }

  take(waiter: Waiter): void {
    const free = this.#idle.pop();
    if (this.#isClosed) waiter.refused(new Error('closed'));
    else if (free !== undefined) waiter.connected(free);
    else {
      this.#waiting.add(waiter);
      this.#openMore();
    }
  }

  leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  size(): number {
    return this.#open.size;
  }

  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy(new Error('not needed'));
  }

  close(): void {
    this.#isClosed = true;
    this.#sweep?.cancel();
    for (const attempt of this.#opening) attempt.abort(new Error('closed'));
    for (const connection of this.#open) connection.destroy(new Error('closed'));
    for (const waiter of this.#waiting) this.#refuse(waiter, new Error('closed'));
  }

  /** One connection for each that waits. The first alone: its handshake gives the ticket that makes the others cheap. */
  #openMore(): void {
    while (
      !this.#isClosed &&
      this.#waiting.size > this.#opening.size &&
      this.#open.size + this.#opening.size < this.#maxConnections &&
      (this.#opening.size === 0 || this.#connector.canResume())
    ) {
      void this.#openOne();
    }
  }

  async #openOne(): Promise<void> {
    const attempt = new AbortController();
    this.#opening.add(attempt);
    const timer = this.#clock.after(connectTimeoutMs, () =>
      attempt.abort(new ConnectionLost('no connection in time', 'ETIMEDOUT')),
    );
    const connection = new Connection({
      idle: () => this.#offer(connection),
      closed: () => this.#forget(connection),
    });
    try {
      const socket = await this.#connector.connect(connection.onBytes, attempt.signal);
      this.#opening.delete(attempt);
      if (this.#isClosed) return void socket.destroy(); // it stood before it heard of that
      this.#open.add(connection);
      connection.use(socket);
      if (this.#open.has(connection)) this.#offer(connection);
    } catch (thrown) {
      this.#opening.delete(attempt);
      const [first] = this.#waiting;
      if (first !== undefined) this.#refuse(first, thrown instanceof Error ? thrown : new Error('no connection'));
    } finally {
      timer.cancel();
    }
    this.#openMore();
  }

  #offer(connection: Connection): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      connection.idleSinceMs = this.#clock.monotonicMs();
      this.#idle.push(connection);
      this.#sweep ??= this.#clock.after(idleMaxMs, () => this.#sweepIdle());
    } else {
      this.#waiting.delete(first);
      first.connected(connection);
    }
  }

  #refuse(waiter: Waiter, error: Error): void {
    this.#waiting.delete(waiter);
    waiter.refused(error);
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    this.#idle = this.#idle.filter((one) => one !== connection);
    this.#openMore();
  }

  /** The oldest stand first: the pool takes from the end. */
  #sweepIdle(): void {
    this.#sweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    const fresh = this.#idle.findIndex(({ idleSinceMs }) => nowMs - idleSinceMs < idleMaxMs);
    for (const connection of this.#idle.splice(0, fresh < 0 ? this.#idle.length : fresh)) {
      connection.destroy(new Error('not needed'));
    }
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#sweep = this.#clock.after(oldest.idleSinceMs + idleMaxMs - nowMs, () => this.#sweepIdle());
  }
}
