// One watch: opens the stream, cuts it into lines, parses those whose heads do not tell enough and hands them on, until the
// server ends it. Finds out when the stream has fallen silent for longer than a healthy one can.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes

import type { Clock } from '../base/clock.ts';
import { OperatorError } from '../base/operator-error.ts';
import { refusalError } from './api-error.ts';
import { parseEnvelope } from './bounded-json.ts';
import { refusalOf } from './call.ts';
import { acceptOf, type Selection } from './list.ts';
import { collectionPath, withQuery } from './path.ts';
import type { ApiAnswer, StreamRequest, Transport } from './transport.ts';
import type { KubeObject } from './types.ts';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
}

export interface WatchRequest {
  readonly selection: Selection;
  /** Where to resume; undefined asks for the whole collection first, closed by a bookmark with `initialEventsEnd`. */
  readonly resourceVersion: string | undefined;
  /** After this time the server ends the stream cleanly. */
  readonly timeoutSeconds: number;
  /** Longest time without a byte, asked anew once a minute. */
  readonly silenceMs: () => number;
}

/** Annotation of the bookmark after the last initial event. */
export const initialEventsEnd = 'k8s.io/initial-events-end';

/** An event wraps one object; etcd takes 1.5 MB of it, and JSON with managedFields may be some times that. */
const lineMaxBytes = 16 * 2 ** 20;
const newline = 0x0a;
/** What a stream's silence may be can become less while it goes on. */
const silenceCheckMs = 60_000;

export interface WatchHandlers {
  readonly onEvent: (event: WatchEvent) => void;
  /** Sees each line before it is parsed; true when that was enough. Its bytes are good for the time of the call only. */
  readonly skim?: (line: Buffer) => boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Follows one watch. Resolves when the server ended it cleanly. Throws `ApiError` (410: begin with a list), other errors
 * as `Kube` says, and whatever the handlers throw.
 */
export async function followWatch(
  transport: Transport,
  request: WatchRequest,
  { onEvent, skim, clock, signal }: WatchHandlers,
): Promise<void> {
  const attempt = { verb: 'watch', plural: request.selection.resource.plural };
  const take = (line: Buffer) => {
    if (skim?.(line) === true) return;
    const event = parseEvent(line.toString('utf8'), attempt.plural);
    if (event.type !== 'ERROR') return onEvent(event as WatchEvent); // the other four are all there is
    const code = 'code' in event.object ? Number(event.object.code) : 500; // an ERROR event holds a Status
    throw refusalError(attempt, { status: code, body: JSON.stringify(event.object) });
  };
  const reading = { take, clock, signal, silenceMs: request.silenceMs, plural: attempt.plural };
  const asked = { path: watchPath(request), accept: acceptOf(request.selection, 'watch') };
  const refused = await readLines(transport, asked, reading);
  if (refused !== undefined) throw refusalOf(attempt, refused);
}

function watchPath({ selection, resourceVersion, timeoutSeconds }: WatchRequest): string {
  const { resource, namespace, labelSelector, fieldSelector } = selection;
  const start =
    resourceVersion === undefined
      ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
      : { resourceVersion };
  return withQuery(collectionPath(resource, namespace), {
    watch: '1',
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(timeoutSeconds),
    labelSelector,
    fieldSelector,
    ...start,
  });
}

interface Reading {
  readonly take: (line: Buffer) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly silenceMs: () => number;
  readonly plural: string;
}

/** Resolves when the stream has ended cleanly, or with the answer that came instead of one. */
async function readLines(
  transport: Transport,
  request: StreamRequest,
  { take, clock, signal, silenceMs, plural }: Reading,
): Promise<ApiAnswer | undefined> {
  const splitter = new LineSplitter(take);
  const silence = new AbortController();
  let lastByteMs = clock.monotonicMs();
  let timer = clock.after(Math.min(silenceMs(), silenceCheckMs), checkSilence);

  function checkSilence(): void {
    const leftMs = lastByteMs + silenceMs() - clock.monotonicMs();
    if (leftMs > 0) timer = clock.after(Math.min(leftMs, silenceCheckMs), checkSilence);
    else silence.abort();
  }

  const onBytes = (bytes: Buffer) => {
    lastByteMs = clock.monotonicMs();
    splitter.push(bytes);
  };
  try {
    return await transport.stream(request, onBytes, AbortSignal.any([signal, silence.signal]));
  } catch (thrown) {
    if (!silence.signal.aborted || signal.aborted) throw thrown;
    throw new OperatorError('ApiUnavailable', `watch ${plural}: the stream fell silent`);
  } finally {
    timer.cancel();
  }
}

/** Cuts a byte stream into lines. Whoever decodes them does so per line: a chunk may end inside a character. */
class LineSplitter {
  readonly #take: (line: Buffer) => void;
  #begun: Buffer[] = [];
  #begunBytes = 0;

  constructor(take: (line: Buffer) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const line = this.#finish(chunk, from, end);
      from = end + 1;
      if (line.length > 0) this.#take(line);
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #finish(chunk: Buffer, from: number, end: number): Buffer {
    if (this.#begunBytes === 0) return chunk.subarray(from, end);
    const line = Buffer.concat([...this.#begun, chunk.subarray(from, end)]);
    this.#begun = [];
    this.#begunBytes = 0;
    return line;
  }

  #keep(rest: Buffer): void {
    this.#begunBytes += rest.length;
    if (this.#begunBytes > lineMaxBytes) {
      throw new OperatorError('AnswerTooLarge', `a watch event is larger than ${lineMaxBytes} bytes`);
    }
    this.#begun.push(Buffer.from(rest)); // the bytes are ours for the time of the call only
  }
}

interface RawEvent {
  readonly type: string;
  readonly object: KubeObject;
}

function parseEvent(line: string, plural: string): RawEvent {
  try {
    const event = parseEnvelope(line) as Partial<RawEvent> | null;
    if (typeof event?.type === 'string' && typeof event.object === 'object' && event.object !== null) {
      return { type: event.type, object: event.object };
    }
  } catch {
    // said below: the parser's message quotes the line
  }
  throw new OperatorError('ApiUnavailable', `watch ${plural}: a line of the stream is not an event`);
}
