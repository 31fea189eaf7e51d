// What other rooms may ask of an upstream host. `upstream.ts` implements it with got; nothing else looks behind it.

export interface UpstreamRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * What fails and recovers together with it at this host, such as an API root and an identity: only these learn from each
   * other that the host is down. All requests of the host without one.
   */
  readonly group?: string;
  /** Who asks, such as a namespace: where many wait for a host, they take turns. */
  readonly turn?: string;
  /** Largest answer that is read, in bytes; the door's default when absent. */
  readonly maxBytes?: number;
  /**
   * Takes what is needed out of the answer, while its body still counts as being received; `send` resolves once it is done.
   * Of large answers one is read at a time. Must not reject.
   */
  readonly digest?: (answer: UpstreamAnswer) => Promise<void>;
  /** Time from the first try to the end of the last, where it is shorter than the door's own. */
  readonly wholeMs?: number;
  /**
   * Though it is a GET it may make what lasts, such as a credential: once sent, it runs to its end whoever leaves, and while a
   * host is silent it is not sent beside itself.
   */
  readonly makes?: boolean;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Lower-case names; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * One way to a host: CA, proxy, egress policy and deadlines are inside. Any status is an answer; a failure is an
 * OperatorError: `HostDenied` (egress policy), `UpstreamUnavailable` (no connection, TLS, deadline, reset, host known to
 * be down), `AnswerTooLarge`, `TooMuchWork` (no memory for one more answer just now), `Aborted`, `InvalidCredential` (a header value, such as a token with a line break in it,
 * that HTTP cannot carry). Redirects are never followed: a 3xx is an answer.
 */
export interface Upstream {
  send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer>;
}

/** Builds the way to hosts that the given PEM certificates vouch for, besides the system's roots. */
export interface UpstreamDoor {
  /** The same `caPem` gives the same Upstream (connections are shared). Throws `InvalidCredential` for a CA that does not parse. */
  open(options: { readonly caPem?: string }): Upstream;
  close(): void;
}

/**
 * Counts the bytes of bodies that are being received, and with a negative number those that were handed over or given up;
 * false when there is no room for more. `runtime/memory-account.ts` fits.
 */
export interface BodyAccount {
  fly(bytes: number): boolean;
}

/** The part of a clock that the door needs; `base/clock.ts` fits. */
export interface DoorClock {
  monotonicMs(): number;
  after(delayMs: number, run: () => void): { cancel(): void };
}
