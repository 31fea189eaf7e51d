// Kubernetes events about our objects, as far as the API server has room for them: queued, sent one at a time in idle
// slots, the same event counted up instead of sent again. Recording never waits and never fails.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ (written as core/v1, as kubectl reads them)

import type { Clock } from '../base/clock.ts';
import { asOperatorError } from '../base/operator-error.ts';
import { sendCall } from './call.ts';
import { collectionPath, objectPath } from './path.ts';
import type { Transport } from './transport.ts';
import type { Resource } from './types.ts';

/** The object that an event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent for cluster-scoped objects; their events live in `default`. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion?: string;
}

export interface EventDraft {
  readonly subject: EventSubject;
  /** `source.component`: the controller that speaks. */
  readonly component: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** Holds no secret value; cut at 1024 bytes, the API's limit. */
  readonly message: string;
}

export interface EventRecorder {
  record(draft: EventDraft): void;
  /** Events that were not sent, since the start: too many of one object, too many at once, refused by the server. */
  dropped(): number;
  /** Sends what waits for a second at most, drops the rest, and records no more. */
  stop(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** Waits until the API server has nothing better to do; resolves with the function that gives the slot back. */
  readonly slot: (signal: AbortSignal) => Promise<() => void>;
  readonly random?: () => number;
}

const events: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

const queueMax = 1_000;
/** Within this time the same event is counted up. */
const sameForMs = 10 * 60_000;
/** A repeated event is written at most this often. */
const countEveryMs = 60_000;
/** Different events about one object: so many at once, then one per `refillMs`. */
const perObject = { burst: 10, refillMs: 30_000 };
/** Objects and events remembered; past it the oldest are forgotten and may be told again. */
const memoryMax = 1_024;
const messageMaxBytes = 1_024;
const flushMs = 1_000;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueuedRecorder(options);
}

interface Told {
  readonly draft: EventDraft;
  /** Name of the event object; undefined until it was created. */
  name: string | undefined;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  writtenMs: number;
  isQueued: boolean;
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

class QueuedRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #told = new Map<string, Told>();
  readonly #buckets = new Map<string, Bucket>();
  #queue: Told[] = [];
  #sending: Promise<void> | undefined;
  #dropped = 0;
  readonly #stop = new AbortController();
  #isStopping = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(draft: EventDraft): void {
    if (this.#isStopping) return;
    const nowMs = this.#options.clock.nowMs();
    const key = [draft.subject.uid, draft.type, draft.reason, draft.message].join('\0');
    const known = this.#told.get(key);
    if (known !== undefined && Math.abs(nowMs - known.lastMs) < sameForMs) this.#again(known, nowMs);
    else if (this.#mayTell(draft.subject.uid)) this.#first(key, draft, nowMs);
    else this.#dropped++;
  }

  dropped(): number {
    return this.#dropped;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const timer = this.#options.clock.after(flushMs, () => this.#stop.abort());
    await this.#sending;
    timer.cancel();
    this.#dropped += this.#queue.length;
    this.#queue = [];
  }

  #first(key: string, draft: EventDraft, nowMs: number): void {
    const told: Told = {
      draft,
      name: undefined,
      firstMs: nowMs,
      lastMs: nowMs,
      count: 1,
      writtenMs: nowMs,
      isQueued: false,
    };
    remember(this.#told, key, told);
    this.#enqueue(told);
  }

  #again(told: Told, nowMs: number): void {
    told.count++;
    told.lastMs = nowMs;
    if (Math.abs(nowMs - told.writtenMs) >= countEveryMs) this.#enqueue(told); // far ahead: the clock was set back
  }

  #enqueue(told: Told): void {
    if (told.isQueued) return;
    if (this.#queue.length >= queueMax) {
      this.#dropped++;
      return;
    }
    told.isQueued = true;
    this.#queue.push(told);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    const { signal } = this.#stop;
    while (this.#queue.length > 0 && !signal.aborted) {
      const batch = this.#queue;
      this.#queue = [];
      for (const [index, told] of batch.entries()) {
        if (signal.aborted) {
          this.#queue = [...batch.slice(index), ...this.#queue];
          return;
        }
        told.isQueued = false;
        await this.#sendInSlot(told, signal);
      }
    }
  }

  async #sendInSlot(told: Told, signal: AbortSignal): Promise<void> {
    let giveBack: (() => void) | undefined;
    try {
      giveBack = await this.#options.slot(signal);
      told.writtenMs = this.#options.clock.nowMs();
      if (told.name === undefined) await this.#create(told, signal);
      else await this.#count(told, told.name, signal);
    } catch {
      this.#dropped++; // an event is not worth a retry; the condition says the same
    } finally {
      giveBack?.();
    }
  }

  async #create(told: Told, signal: AbortSignal): Promise<void> {
    const event = eventObject(told, this.#options.random ?? Math.random);
    const { namespace, name } = event.metadata;
    const attempt = { verb: 'create', plural: events.plural, key: `${namespace}/${name}` };
    const path = collectionPath(events, namespace);
    const call = { method: 'POST', path, body: JSON.stringify(event), mayReplay: true, attempt } as const;
    await sendCall(this.#options.transport, call, signal).catch(passOwn);
    told.name = name;
  }

  async #count(told: Told, name: string, signal: AbortSignal): Promise<void> {
    const namespace = namespaceOf(told.draft.subject);
    const attempt = { verb: 'patch', plural: events.plural, key: `${namespace}/${name}` };
    const body = JSON.stringify({ count: told.count, lastTimestamp: timeText(told.lastMs) });
    const path = objectPath(events, { namespace, name });
    const contentType = 'application/merge-patch+json';
    // The count is written as it stands, by us alone: twice is as good as once.
    const call = { method: 'PATCH', path, body, contentType, mayReplay: true, attempt } as const;
    await sendCall(this.#options.transport, call, signal);
  }

  #mayTell(uid: string): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    let bucket = this.#buckets.get(uid);
    if (bucket === undefined) {
      bucket = { tokens: perObject.burst, filledMs: nowMs };
      remember(this.#buckets, uid, bucket);
    }
    const gained = Math.floor((nowMs - bucket.filledMs) / perObject.refillMs);
    bucket.tokens = Math.min(perObject.burst, bucket.tokens + gained);
    bucket.filledMs += gained * perObject.refillMs;
    if (bucket.tokens === 0) return false;
    bucket.tokens--;
    return true;
  }
}

function eventObject({ draft, firstMs, lastMs, count }: Told, random: () => number) {
  const { subject, component, type, reason, message } = draft;
  const suffix = `${lastMs.toString(16)}${Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0')}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace: namespaceOf(subject), name: `${subject.name.slice(0, 253 - 1 - suffix.length)}.${suffix}` },
    involvedObject: subject,
    type,
    reason,
    message: cut(message),
    source: { component },
    reportingComponent: component,
    firstTimestamp: timeText(firstMs),
    lastTimestamp: timeText(lastMs),
    count,
  };
}

/** The name holds 32 random bits: an event that exists already is the one whose answer was lost. */
function passOwn(thrown: unknown): void {
  if (asOperatorError(thrown).reason !== 'Conflict') throw thrown;
}

function namespaceOf({ namespace }: EventSubject): string {
  return namespace ?? 'default';
}

/** RFC 3339 in seconds, as meta/v1 Time is written. */
function timeText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= messageMaxBytes) return message;
  const kept = bytes.toString('utf8', 0, messageMaxBytes - 3); // an ellipsis is three bytes
  return `${kept.replace(/\uFFFD+$/, '')}…`;
}

/** Adds to a map that holds so many entries at most, the oldest going first. */
function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= memoryMax) return;
  const oldest = memory.keys().next();
  if (oldest.done !== true) memory.delete(oldest.value);
}
