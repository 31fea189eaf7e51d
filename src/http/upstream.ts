// The door to upstream hosts: judges where a request goes, finds its lane, tries again where that is harmless, and tells
// what happened. Connections are shared by all who trust the same certificates.
import { createHash } from 'node:crypto';
import { validateHeaderValue } from 'node:http';
import type { Got } from 'got';
import { sleep } from '../base/clock.ts';
import { aborted, OperatorError } from '../base/operator-error.ts';
import type { Reason } from '../base/reasons.ts';
import { sendAgainBeside } from './again-beside.ts';
import { createPools, type Pools } from './agents.ts';
import { parseCaCertificates, trustContext } from './ca.ts';
import type { BodyAccount, DoorClock, Upstream, UpstreamAnswer, UpstreamDoor, UpstreamRequest } from './contract.ts';
import type { EgressPolicy } from './egress.ts';
import { type Answered, type Exchanged, exchange } from './exchange.ts';
import type { Pass } from './host-gate.ts';
import { Lane } from './lane.ts';
import type { LargeAnswerTurns } from './large-answers.ts';
import { createNameResolver, type NameResolver } from './names.ts';
import type { ProxyRules, ProxyServer } from './proxy.ts';
import type { TenantBounds } from './tenant-bounds.ts';

export interface DoorLimits {
  readonly connectMs: number;
  /** From the first try to the end of the last, waiting for a slot excluded. */
  readonly wholeMs: number;
  /** Decoded bytes of one answer, where the request names no bound. */
  readonly maxBytes: number;
  readonly slotsPerOrigin: number;
  readonly idleMs: number;
}

const defaultLimits: DoorLimits = {
  connectMs: 5_000,
  wholeMs: 30_000,
  maxBytes: 32 * 1024 * 1024,
  slotsPerOrigin: 16,
  // Below the usual idle time of servers and load balancers (60 s), so that they rarely close a connection we are using.
  idleMs: 10_000,
};

/** One request that left, whatever came of it; a retry counts as a request. `outcome` is a status or a reason. */
export interface RequestObservation {
  readonly origin: string;
  readonly method: UpstreamRequest['method'];
  readonly outcome: number | Reason;
  readonly durationMs: number;
}

export interface DoorOptions {
  readonly policy: EgressPolicy;
  readonly proxy: ProxyRules;
  /** `escapement/<version>`. */
  readonly userAgent: string;
  readonly clock: DoorClock;
  readonly limits?: Partial<DoorLimits>;
  /** The machine's own names when absent. */
  readonly names?: NameResolver;
  /** Where bodies are counted while they are received. */
  readonly bodies?: BodyAccount;
  readonly largeAnswers?: LargeAnswerTurns;
  readonly tenants?: TenantBounds;
  readonly observe?: (request: RequestObservation) => void;
  /** A host was found down, or answers again: who waits for it can be woken. */
  readonly onHostChange?: (change: { readonly origin: string; readonly isUp: boolean }) => void;
}

/** Tries after the first one, for GET. */
const mostRetries = 2;
const leastRetryDelayMs = 100;
const mostRetryDelayMs = 500;
/**
 * Answers that often differ a moment later, with the tries after the first. Those of a proxy or load balancer may need two;
 * a server's own 500 is mostly a request that met a bad moment, or one that fails each time.
 */
const retriesAfter: Readonly<Record<number, number>> = { 500: 1, 502: mostRetries, 503: mostRetries, 504: mostRetries };
/** Bounds on what is remembered; the oldest that nobody uses is forgotten, which costs a new connection. */
const mostTrusts = 256;
const mostLanes = 1_024;

export function createUpstreamDoor(options: DoorOptions): UpstreamDoor {
  const limits = { ...defaultLimits, ...options.limits };
  const closing = new AbortController();
  const names = options.names ?? createNameResolver({ clock: options.clock });
  const trusts = new Map<string, TrustedUpstream>();
  const byText = new Map<string, TrustedUpstream>();
  const loadGot = once(() => importGot(options.userAgent));
  const build = (pem: string | undefined) => {
    setImmediate(() => void loadGot().catch(() => {})); // who opens a way uses it soon; a failure shows then
    const pools = createPools({
      guard: { policy: options.policy, names },
      trust: trustContext(pem),
      clock: options.clock,
      limits: { connectMs: limits.connectMs, idleMs: limits.idleMs, idleSockets: limits.slotsPerOrigin },
    });
    return new TrustedUpstream({ ...options, limits, pools, loadGot, closing: closing.signal });
  };
  const openTrust = (caPem: string | undefined) => {
    const { key, pem } = caPem === undefined ? { key: '', pem: undefined } : parseCaCertificates(caPem);
    const upstream = trusts.get(key) ?? build(pem);
    remember(trusts, key, upstream, mostTrusts);
    return upstream;
  };
  return {
    open({ caPem }) {
      const textKey = caPem === undefined ? '' : createHash('sha256').update(caPem).digest('base64');
      const upstream = byText.get(textKey) ?? openTrust(caPem);
      remember(byText, textKey, upstream, mostTrusts);
      return upstream;
    },
    close() {
      closing.abort();
      for (const upstream of new Set([...trusts.values(), ...byText.values()])) upstream.destroy();
      trusts.clear();
      byText.clear();
    },
  };
}

interface UpstreamParts extends Omit<DoorOptions, 'limits'> {
  readonly limits: DoorLimits;
  readonly pools: Pools;
  readonly loadGot: () => Promise<Got>;
  readonly closing: AbortSignal;
}

/** Guards the lanes, one per origin: what one request learns holds for all of its group with the same trust. */
class TrustedUpstream implements Upstream {
  readonly #parts: UpstreamParts;
  readonly #lanes = new Map<string, Lane>();

  constructor(parts: UpstreamParts) {
    this.#parts = parts;
  }

  async send(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { policy, proxy, loadGot, closing, tenants } = this.#parts;
    const either = AbortSignal.any([signal, closing]);
    if (either.aborted) throw aborted();
    policy.checkUrl(request.url);
    checkHeaders(request);
    tenants?.ask(request.turn ?? '', request.url.host);
    const got = await loadGot();
    const { origin, pathname, search } = request.url;
    const lane = this.#laneFor(origin);
    try {
      const { group = '', turn = '' } = request;
      const answered = await lane.run(
        { group, turn, target: `${request.method} ${pathname}${search}` },
        either,
        (pass) => this.#sendInLane(request, { got, proxy: proxy(request.url), pass }, either),
      );
      return await this.#digested(request, answered, either);
    } finally {
      if (lane.isIdle && this.#lanes.get(origin) === lane) this.#lanes.delete(origin);
    }
  }

  destroy(): void {
    this.#parts.pools.destroy();
  }

  /** The answer, once the request has taken out of it what it needs. */
  async #digested(request: UpstreamRequest, answered: Answered, signal: AbortSignal): Promise<UpstreamAnswer> {
    const { answer, isLarge, letGo } = answered;
    const { digest, turn = '' } = request;
    const { largeAnswers } = this.#parts;
    try {
      if (digest === undefined) return answer;
      const end = isLarge ? await largeAnswers?.read(turn, signal) : undefined;
      try {
        await digest(answer);
      } finally {
        end?.();
      }
      return answer;
    } finally {
      letGo();
    }
  }

  async #sendInLane(request: UpstreamRequest, way: Way, signal: AbortSignal): Promise<Answered> {
    let verdict: Parameters<Pass['done']>[0] = { kind: 'none' };
    let endSending = () => {};
    try {
      endSending = (await this.#parts.tenants?.send(request.turn ?? '', signal)) ?? endSending;
      const whileSent = request.makes === true ? this.#parts.closing : signal;
      const result = await this.#tryRepeatedly(request, way, whileSent);
      if ('answer' in result) return result;
      const { error, verdict: kind } = result.failure;
      verdict = kind === 'none' ? { kind } : { kind, message: error.message };
      throw error;
    } finally {
      endSending();
      way.pass.done(verdict);
    }
  }

  async #tryRepeatedly(request: UpstreamRequest, way: Way, signal: AbortSignal): Promise<Exchanged> {
    const { clock, limits } = this.#parts;
    const untilMs = clock.monotonicMs() + Math.min(limits.wholeMs, request.wholeMs ?? limits.wholeMs);
    for (let retries = 0; ; retries++) {
      const result = await this.#tryOnce(request, way, untilMs - clock.monotonicMs(), signal);
      if (request.method !== 'GET' || retries >= retriesWorth(result)) return result;
      const delayMs = leastRetryDelayMs + Math.random() * (mostRetryDelayMs - leastRetryDelayMs);
      if (clock.monotonicMs() + delayMs >= untilMs) return result;
      if ('answer' in result) result.letGo();
      await sleep(clock, delayMs, signal).catch(() => {
        throw aborted();
      });
    }
  }

  async #tryOnce(request: UpstreamRequest, way: Way, leftMs: number, signal: AbortSignal): Promise<Exchanged> {
    const { firstByteMs, againEveryMs } = way.pass;
    const send = (byteMs: number, ofTry: AbortSignal) =>
      this.#send(request, way, { firstByteMs: byteMs, wholeMs: leftMs }, ofTry);
    const isOnce = request.method !== 'GET' || request.makes === true;
    if (againEveryMs === undefined || isOnce) return await send(firstByteMs, signal);
    const { clock } = this.#parts;
    return await sendAgainBeside(send, { clock, everyMs: againEveryMs, wholeMs: firstByteMs }, signal);
  }

  async #send(
    request: UpstreamRequest,
    way: Way,
    { firstByteMs, wholeMs }: { readonly firstByteMs: number; readonly wholeMs: number },
    signal: AbortSignal,
  ): Promise<Exchanged> {
    const { bodies, clock, largeAnswers, limits, pools, observe } = this.#parts;
    const startedMs = clock.monotonicMs();
    const { got, proxy, pass } = way;
    const context = {
      got,
      clock,
      proxy,
      route: pools.routeFor(request.url, proxy),
      limits: {
        connectMs: limits.connectMs,
        firstByteMs,
        wholeMs,
        maxBytes: request.maxBytes ?? limits.maxBytes,
      },
      bodies,
      largeAnswers,
      onAnswered: () => pass.answered(),
    };
    const result = await exchange(request, context, signal);
    observe?.({
      origin: request.url.origin,
      method: request.method,
      outcome: 'answer' in result ? result.answer.status : result.failure.error.reason,
      durationMs: clock.monotonicMs() - startedMs,
    });
    return result;
  }

  #laneFor(origin: string): Lane {
    const { clock, limits, onHostChange } = this.#parts;
    const existing = this.#lanes.get(origin);
    if (existing !== undefined) return existing;
    const lane = new Lane({
      clock,
      slots: limits.slotsPerOrigin,
      onChange: (isUp) => onHostChange?.({ origin, isUp }),
    });
    remember(this.#lanes, origin, lane, mostLanes, (old) => !old.isUsed);
    return lane;
  }
}

interface Way {
  readonly got: Got;
  readonly proxy: ProxyServer | undefined;
  readonly pass: Pass;
}

/** got and what it brings are loaded when a store first opens a way: an operator without stores does without. */
async function importGot(userAgent: string): Promise<Got> {
  const { default: got } = await import('got');
  return got.extend({
    headers: { 'user-agent': userAgent },
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 }, // Decided here, where the gate and the deadline are known.
    strictContentLength: true,
  });
}

/** Throws `InvalidCredential`: what makes a header value impossible is a token with a line break or another control character. */
function checkHeaders(request: UpstreamRequest): void {
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    try {
      validateHeaderValue(name, value);
    } catch {
      throw new OperatorError(
        'InvalidCredential',
        `the value for the header "${name}" holds a line break or another character that HTTP does not allow`,
      );
    }
  }
}

/** How many tries after the first such a result is worth. */
function retriesWorth(result: Exchanged): number {
  if ('failure' in result) return result.failure.isRetryable ? mostRetries : 0;
  // Whoever names a time is not to be asked before it.
  return result.answer.headers['retry-after'] === undefined ? (retriesAfter[result.answer.status] ?? 0) : 0;
}

/** Puts an entry last; past `most`, drops the oldest that may go. */
function remember<V>(
  map: Map<string, V>,
  key: string,
  value: V,
  most: number,
  mayGo: (value: V) => boolean = () => true,
): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const [oldKey, old] of map) {
    if (oldKey === key || !mayGo(old)) continue;
    map.delete(oldKey);
    return;
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
