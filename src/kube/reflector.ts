// Keeps following one selection of a collection for ever, and tells its sink what is there:
//
//        ┌── WatchList (one stream: all objects, bookmark, changes) ──┐
//  start ┤                                                            ├─► watch ─ ended or failed ─► watch from the last
//        └── list page by page, where the server has no WatchList ────┘      └── 410 ─► start         resourceVersion
//
// Errors are waited out with growing, jittered delays; nothing but the signal ends it.

import { spreadDelayMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { pause } from '../base/clock.ts';
import { asOperatorError, type OperatorError } from '../base/operator-error.ts';
import { ApiError, isExpired } from './api-error.ts';
import { listAll, type Selection } from './list.ts';
import type { Transport } from './transport.ts';
import type { KubeObject } from './types.ts';
import { followWatch, initialEventsEnd, type WatchEvent } from './watch-stream.ts';

/** Takes what the reflector sees. */
export interface Sink {
  /** A whole listing begins; it may begin again before it ends. */
  beginReplace(): void;
  /** The listing ended: what it did not name is gone. */
  endReplace(): void;
  put(object: KubeObject): void;
  /**
   * Takes in what the line of an event brought without its being parsed, and answers with its resourceVersion; undefined
   * when the object has to be read. See event-head.ts.
   */
  skim?(line: Buffer): string | undefined;
  remove(object: KubeObject): void;
  /** Everything that happened up to this resourceVersion has been told. */
  reached(version: string): void;
  /** The API server cannot be followed at present, or (undefined) can be again. */
  trouble(error: OperatorError | undefined): void;
}

export interface ReflectorOptions {
  readonly transport: Transport;
  readonly selection: Selection;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly random: () => number;
}

/** After an answer that refused. */
const refusedDelays = { firstMs: 200, capMs: 30_000 };
/** While nobody answers: a try costs next to nothing, and the first that succeeds should come soon after the restart. */
const unreachableDelays = { firstMs: 200, capMs: 4_000 };
/** A Retry-After longer than this is not believed. */
const retryAfterMaxMs = 120_000;
/** Two watches begin at least this far apart, so that a server that ends them at once is not hammered. */
const watchFloorMs = 1_000;
const watchSeconds = { least: 300, most: 600 };
/** Silence that a healthy stream cannot have: it ends by itself before. */
const silenceMarginMs = 30_000;
/**
 * The same for a server that tells by bookmarks, about once a minute, that it is there. A proxy between us may have lost
 * the stream and keep its connection open, so that nothing else would tell. All servers are taken to do so until one that
 * never did was silent for so long.
 */
const silenceBetweenBookmarksMs = 180_000;
/** Initial events come without a break; a server that does not know WatchList may send some and then wait. */
const initialSilenceMs = 30_000;

/** Follows until the signal fires; never rejects. */
export async function reflect(options: ReflectorOptions, signal: AbortSignal): Promise<void> {
  const reflector = new Reflector(options, signal);
  while (!signal.aborted) await reflector.round();
}

class Reflector {
  readonly #options: ReflectorOptions;
  readonly #signal: AbortSignal;
  /** Where to resume; undefined when a whole listing is due. */
  #version: string | undefined;
  #hasWatchList = true;
  #expectsBookmarks = true;
  #sawBookmark = false;
  #failures = 0;
  /** Whether the last failure was an answer of the server. */
  #wasAnswered = false;
  #isReplacing = false;
  /** A list is followed by its watch without a pause. */
  #justListed = false;

  constructor(options: ReflectorOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** One list or watch, and the wait after it. */
  async round(): Promise<void> {
    const { clock } = this.#options;
    const begunMs = clock.monotonicMs();
    try {
      if (this.#version === undefined && !this.#hasWatchList) await this.#list();
      else await this.#watch();
      const sinceMs = clock.monotonicMs() - begunMs;
      if (this.#version !== undefined && sinceMs < watchFloorMs && !this.#justListed) {
        await pause(clock, watchFloorMs - sinceMs, this.#signal);
      }
    } catch (thrown) {
      if (!this.#signal.aborted) await this.#recover(thrown);
    }
  }

  async #list(): Promise<void> {
    const { transport, selection, sink } = this.#options;
    this.#beginReplace();
    const handlers = { restart: () => this.#beginReplace(), object: (object: KubeObject) => sink.put(object) };
    const version = await listAll(transport, selection, handlers, this.#signal);
    this.#endReplace(version);
    this.#justListed = true;
  }

  async #watch(): Promise<void> {
    this.#justListed = false;
    const { transport, selection, clock, random } = this.#options;
    const span = watchSeconds.most - watchSeconds.least;
    const timeoutSeconds = watchSeconds.least + Math.floor(random() * span);
    const quietMs = () =>
      this.#expectsBookmarks ? silenceBetweenBookmarksMs : timeoutSeconds * 1_000 + silenceMarginMs;
    const silenceMs = () => (this.#isReplacing ? initialSilenceMs : quietMs());
    if (this.#version === undefined) this.#beginReplace();
    const onEvent = (event: WatchEvent) => this.#take(event);
    const request = { selection, resourceVersion: this.#version, timeoutSeconds, silenceMs };
    const skim = (line: Buffer) => this.#skim(line);
    await followWatch(transport, request, { onEvent, skim, clock, signal: this.#signal });
    if (this.#isReplacing) this.#hasWatchList = false; // it ended before it said that all was sent
  }

  #take({ type, object }: WatchEvent): void {
    const { sink } = this.#options;
    if (type === 'DELETED') sink.remove(object);
    else if (type !== 'BOOKMARK') sink.put(object);
    const version = object.metadata.resourceVersion;
    if (this.#isReplacing) {
      if (type === 'BOOKMARK' && object.metadata.annotations?.[initialEventsEnd] === 'true')
        this.#endReplace(version ?? '');
      return; // a listing that breaks off must begin anew, so its versions are not kept
    }
    if (version !== undefined) this.#reach(version);
    if (type === 'BOOKMARK') this.#sawBookmark = true;
    this.#recovered();
  }

  #skim(line: Buffer): boolean {
    const version = this.#options.sink.skim?.(line);
    if (version === undefined) return false;
    if (!this.#isReplacing) {
      this.#reach(version);
      this.#recovered();
    }
    return true;
  }

  #beginReplace(): void {
    this.#isReplacing = true;
    this.#options.sink.beginReplace();
  }

  #endReplace(version: string): void {
    this.#isReplacing = false;
    this.#options.sink.endReplace();
    this.#reach(version);
    this.#recovered();
  }

  #reach(version: string): void {
    this.#version = version;
    this.#options.sink.reached(version);
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.sink.trouble(undefined);
    this.#failures = 0;
  }

  async #recover(thrown: unknown): Promise<void> {
    const { clock, random, sink } = this.#options;
    if (this.#isReplacing && this.#hasWatchList && isWatchListRefusal(thrown)) {
      this.#hasWatchList = false;
      return; // lists at once
    }
    if (isSilence(thrown)) this.#expectsBookmarks = this.#sawBookmark;
    const error = asOperatorError(thrown);
    const isAnswered = thrown instanceof ApiError;
    this.#failures = isAnswered === this.#wasAnswered ? this.#failures + 1 : 1;
    this.#wasAnswered = isAnswered;
    if (isExpired(thrown)) this.#version = undefined;
    else sink.trouble(error);
    const delayMs = spreadDelayMs(this.#failures, isAnswered ? refusedDelays : unreachableDelays, random);
    const askedMs = Math.min(error.retryAfterMs ?? 0, retryAfterMaxMs);
    await pause(clock, Math.max(delayMs, askedMs), this.#signal);
  }
}

/** Servers without WatchList call the parameters invalid; one that ignores them falls silent before the closing bookmark. */
function isWatchListRefusal(thrown: unknown): boolean {
  if (thrown instanceof ApiError) return thrown.status === 422 || thrown.status === 400;
  return isSilence(thrown);
}

function isSilence(thrown: unknown): boolean {
  return asOperatorError(thrown).message.endsWith('the stream fell silent');
}
