// One request and its answer through got: deadlines, size bound, and what the end means. No retries, no memory of the host.
import type { ClientRequest } from 'node:http';
import type { Got } from 'got';
import { aborted, OperatorError } from '../base/operator-error.ts';
import type { Route } from './agents.ts';
import type { BodyAccount, DoorClock, UpstreamAnswer, UpstreamRequest } from './contract.ts';
import { type Failure, type Phase, proxyRefused, timedOut, translateFailure, type Where } from './errors.ts';
import type { LargeAnswerTurns } from './large-answers.ts';
import type { ProxyServer } from './proxy.ts';

export interface ExchangeLimits {
  /** From the start to a connection that can be used: lookup, TCP and TLS. */
  readonly connectMs: number;
  /** From the start to the head of the answer. */
  readonly firstByteMs: number;
  /** From the start to the last byte: an answer that trickles ends here. */
  readonly wholeMs: number;
  /** Decoded bytes. */
  readonly maxBytes: number;
}

/**
 * Most that is kept of an answer which is no success: it is read for an error's name and a few words. The rest is left
 * unread with its connection, so that no host makes us hold or search what nobody asked for.
 */
export const mostErrorBytes = 64 * 1024;

/** An answer goes on: so much of it, or its end, comes in each such time. One that stands still or trickles has lost its sender. */
const paceMs = 3_000;
const paceBytes = 1_024;

/** Answers beyond this wait for their turn in the middle of their body. */
const largeBytes = 256 * 1024;

export interface Answered {
  readonly answer: UpstreamAnswer;
  readonly isLarge: boolean;
  /** To be called once when the body is needed no more: until then it counts. */
  readonly letGo: () => void;
}

export type Exchanged = Answered | { readonly failure: Failure };

/** What an exchange needs besides the request. */
export interface ExchangeContext {
  readonly got: Got;
  readonly clock: DoorClock;
  readonly route: Route;
  readonly proxy: ProxyServer | undefined;
  readonly limits: ExchangeLimits;
  readonly bodies: BodyAccount | undefined;
  readonly largeAnswers: LargeAnswerTurns | undefined;
  /** Called when the host, not a proxy before it, sent the head of an answer. */
  readonly onAnswered: () => void;
}

/** Never rejects: how it ended is a value. When it resolves, nothing of the request is left running. */
export function exchange(request: UpstreamRequest, context: ExchangeContext, signal: AbortSignal): Promise<Exchanged> {
  const { clock, limits, proxy } = context;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ failure: ended(aborted()) });
    let phase: Phase = 'connecting';
    let isReused = false;
    const where = (): Where => ({ host: request.url.host, proxy, phase, isReused });
    const stream = startRequest(request, context);
    const held = holdBody(context, request.turn ?? '');
    let isOver = false;
    const finish = (result: Exchanged) => {
      if (isOver) return;
      isOver = true;
      for (const timer of timers) timer.cancel();
      signal.removeEventListener('abort', onAbort);
      if ('failure' in result) {
        held.letGo();
        stream.destroy();
      }
      resolve(result);
    };
    const fail = (failure: Failure) => finish({ failure });
    const onAbort = () => fail(ended(aborted()));
    const connecting = clock.after(Math.min(limits.connectMs, limits.firstByteMs), () =>
      fail(timedOut('connect', where())),
    );
    const waiting = clock.after(limits.firstByteMs, () => fail(timedOut('first byte', where())));
    const pace = watchPace(clock, stream, () => fail(timedOut('pace', where())));
    const timers = [pace, connecting, waiting, clock.after(limits.wholeMs, () => fail(timedOut('whole', where())))];
    signal.addEventListener('abort', onAbort, { once: true });

    const noRoom = () => fail(ended(noMemory(request.url.host)));
    // Stays attached after the end: got may emit once more while it is torn down.
    stream.on('error', (error: unknown) => fail(translateFailure(error, where())));
    stream.once('request', (sent: ClientRequest) => {
      onceConnected(sent, () => {
        connecting.cancel();
        isReused = sent.reusedSocket;
        phase = 'waiting';
      });
    });
    stream.once('response', (head: AnswerHead) => {
      waiting.cancel();
      connecting.cancel();
      phase = 'reading';
      pace.begin();
      stream.on('data', (chunk: Buffer) => pace.note(chunk.length));
      if (proxy !== undefined && head.statusCode === 407) return fail(proxyRefused(proxy, 407, request.url.host));
      context.onAnswered();
      const answered = (body: Buffer) =>
        finish({
          answer: { status: head.statusCode, headers: flatten(head.headers), body },
          isLarge: body.length > largeBytes,
          letGo: held.letGo,
        });
      const mostOfError = Math.min(limits.maxBytes, mostErrorBytes);
      if (head.statusCode < 200 || head.statusCode > 299) {
        const cut = (body: Buffer) => {
          answered(body);
          stream.destroy();
        };
        return collect(stream, { maxBytes: mostOfError, held }, { onMore: cut, onEnd: answered, noRoom });
      }
      const tooLarge = () => fail(ended(answerTooLarge(request.url.host, limits.maxBytes)));
      if (Number(head.headers['content-length'] ?? 0) > limits.maxBytes) return tooLarge();
      collect(stream, { maxBytes: limits.maxBytes, held }, { onMore: tooLarge, onEnd: answered, noRoom });
    });
  });
}

interface AnswerHead {
  readonly statusCode: number;
  readonly headers: NodeJS.Dict<string | string[]>;
}

type GotStream = ReturnType<Got['stream']>;

function startRequest(request: UpstreamRequest, context: ExchangeContext): GotStream {
  const { agent, request: sendRequest } = context.route;
  // Without a body got's stream would wait for one to be written, except for GET.
  const body = request.body ?? (request.method === 'GET' ? undefined : '');
  return context.got.stream(request.url, {
    method: request.method,
    headers: { ...request.headers },
    agent,
    ...(body === undefined ? {} : { body }),
    ...(sendRequest === undefined ? {} : { request: sendRequest }),
  });
}

/** Calls back when the request has a connection that it can use: for TLS, after the handshake. */
function onceConnected(request: ClientRequest, run: () => void): void {
  request.once('socket', (socket) => {
    if (request.reusedSocket || !socket.connecting) return run(); // A tunnel arrives ready.
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', run);
  });
}

interface Pace {
  begin(): void;
  note(bytes: number): void;
  cancel(): void;
}

/** Calls back once an answer has brought too little in a time; for as long as it waits for its turn, nothing is asked of it. */
function watchPace(clock: DoorClock, stream: GotStream, onStill: () => void): Pace {
  let bytes = 0;
  let timer: { cancel(): void } | undefined;
  let isOver = false;
  const judge = () => {
    if (isOver) return;
    if (bytes < paceBytes && !stream.isPaused()) return onStill();
    bytes = 0;
    timer = clock.after(paceMs, look);
  };
  // A process that had no turn itself first takes what has come meanwhile.
  const look = () => void setImmediate(judge);
  return {
    begin() {
      // A stream resumes at its start as well, without having waited.
      stream.on('pause', () => {
        stream.once('resume', () => {
          bytes += paceBytes;
        });
      });
      timer = clock.after(paceMs, look);
    },
    note(more) {
      bytes += more;
    },
    cancel() {
      isOver = true;
      timer?.cancel();
    },
  };
}

interface HeldBody {
  /** False when there is no room. */
  grow(bytes: number): boolean;
  /** Resolves when it may become large; never when it is let go before. */
  becomeLarge(): Promise<void>;
  letGo(): void;
}

/** What one body takes of the account, and its turn once it is large. */
function holdBody({ bodies, largeAnswers }: ExchangeContext, turn: string): HeldBody {
  const over = new AbortController();
  let bytes = 0;
  let endTurn = () => {};
  return {
    grow(more) {
      if (bodies?.fly(more) === false) return false;
      bytes += more;
      return true;
    },
    becomeLarge() {
      return new Promise((resolve) => {
        if (largeAnswers === undefined) return resolve();
        largeAnswers.receive(turn, over.signal).then(
          (end) => {
            if (over.signal.aborted) return end(); // let go in the moment in which its turn came
            endTurn = end;
            resolve();
          },
          () => {}, // let go: nobody waits any more
        );
      });
    },
    letGo() {
      over.abort();
      bodies?.fly(-bytes);
      bytes = 0;
      endTurn();
      endTurn = () => {};
    },
  };
}

interface Collected {
  /** With the first `maxBytes`, when there are more. */
  readonly onMore: (head: Buffer) => void;
  readonly onEnd: (body: Buffer) => void;
  readonly noRoom: () => void;
}

/** Calls one of the three. */
function collect(
  stream: GotStream,
  { maxBytes, held }: { readonly maxBytes: number; readonly held: HeldBody },
  { onMore, onEnd, noRoom }: Collected,
): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let isOver = false;
  let isLarge = false;
  stream.on('data', (chunk: Buffer) => {
    if (isOver) return;
    if (!held.grow(chunk.length)) {
      isOver = true;
      return noRoom();
    }
    chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
    if (size > maxBytes) {
      isOver = true;
      return onMore(Buffer.concat(chunks));
    }
    if (isLarge || size <= largeBytes) return;
    isLarge = true;
    stream.pause();
    void held.becomeLarge().then(() => stream.resume());
  });
  stream.once('end', () => onEnd(Buffer.concat(chunks)));
}

function flatten(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

function ended(error: OperatorError): Failure {
  return { error, verdict: 'none', isRetryable: false };
}

function noMemory(host: string): OperatorError {
  const problem = 'the answers that are being read leave no memory for this one: it is asked for again';
  return new OperatorError('TooMuchWork', `host "${host}": ${problem}`);
}

function answerTooLarge(host: string, maxBytes: number): OperatorError {
  return new OperatorError('AnswerTooLarge', `host "${host}": the answer is larger than ${maxBytes} bytes`);
}
