// Cuts HTTP/1.1 answers out of the bytes of one connection: head, then the pieces of the body, then the end. Takes what
// the framing needs and the few headers that are asked for; all else is passed over.
// https://www.rfc-editor.org/rfc/rfc9112 (sections 4, 6 and 7)

export interface AnswerHead {
  readonly status: number;
  /** As sent; undefined when the server sent none. */
  readonly retryAfter: string | undefined;
}

/** Who hears of one answer. What a handler throws ends the reading and comes out of `push`. */
export interface AnswerHandlers {
  head(head: AnswerHead): void;
  /** A part of the body. Its bytes are good for the time of the call only. */
  piece(bytes: Buffer): void;
}

/** The bytes are not HTTP/1.1, or not as much of it as is understood. The message quotes none of them. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}

/** Heads of the API server are some 400 bytes; proxies add theirs. */
const headMaxBytes = 64 * 2 ** 10;
/** Size and extension of a chunk, or one trailer. */
const lineMaxBytes = 16 * 2 ** 10;
const endOfHead = Buffer.from('\r\n\r\n');
const endOfLine = Buffer.from('\r\n');
const startOfHead = 'HTTP/1.';
/**
 * What is taken has no control characters, a bare CR or LF among them, and no space before a colon: where two readers see
 * different ends of lines, they see different answers. Each is linear in the length of the line.
 */
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const fieldLine = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/;
/** All of a head behind its first line. */
const fieldLines = new RegExp(`^(?:\\r\\n${fieldLine.source.slice(1, -1)})*$`);
/** Of those the ones that matter: nothing is made of the others, some ten to an answer. */
const neededField = /\r\n(content-length|transfer-encoding|connection|retry-after):([^\r]*)/gi;
const lengthValue = /^[\t ]*(\d{1,15}) *$/; // a tab behind it is one of the places where readers part
const chunkedValue = /^[\t ]*chunked *$/;
const chunkLine = /^([\da-f]{1,12})(?:;[!#$%&'*+\-.^_`|~\da-z]+(?:=(?:[!#$%&'*+\-.^_`|~\da-z]+|"[ !#-[\]-~]*"))?)*$/i;

/** What comes next on the connection. */
type State = 'head' | 'fixed' | 'untilClose' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer' | 'done';

/** Reads one answer after the other: `begin` makes it ready for the next. */
export class AnswerReader {
  #state: State = 'head';
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  /** The begun head or line, when it did not come at once. */
  #held: Buffer | undefined;
  #mayKeep = false;

  begin(): void {
    this.#state = 'head';
    this.#held = undefined;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Whether the connection is good for another request once the answer is done. */
  get mayKeep(): boolean {
    return this.#mayKeep;
  }

  /** The other side says no more. Returns whether the answer is whole by that. */
  end(): boolean {
    if (this.#state === 'untilClose') this.#state = 'done';
    return this.#state === 'done';
  }

  /** Takes the bytes that came next. Throws `MalformedAnswer`, and what the handlers throw. */
  push(bytes: Buffer, handlers: AnswerHandlers): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === 'head') at = this.#readHead(bytes, at, handlers);
      else if (this.#state === 'done') throw new MalformedAnswer('bytes after the end of the answer');
      else if (this.#state === 'fixed' || this.#state === 'chunk') at = this.#readBody(bytes, at, handlers);
      else if (this.#state === 'untilClose') {
        handlers.piece(at === 0 ? bytes : bytes.subarray(at));
        return;
      } else at = this.#readLine(bytes, at);
    }
  }

  #readHead(bytes: Buffer, from: number, handlers: AnswerHandlers): number {
    const found = this.#upTo(endOfHead, bytes, from, headMaxBytes);
    if (found === undefined) {
      // Of what speaks another protocol the end of a head would be waited for in vain.
      const start = this.#held?.toString('latin1', 0, startOfHead.length) ?? '';
      if (!startOfHead.startsWith(start)) throw notHttp();
      return bytes.length;
    }
    const { status, isOld, fields } = parseHead(found.text);
    if (status >= 200) {
      this.#frame(status, isOld, fields);
      handlers.head({ status, retryAfter: fields.retryAfter });
    } else if (status === 101 || isOld) throw new MalformedAnswer('the server changed the protocol');
    return found.next;
  }

  /** How the body ends (RFC 9112, 6.3); there is none to a HEAD here, which nobody sends. */
  #frame(status: number, isOld: boolean, { contentLength, transferEncoding, connection }: Fields): void {
    const isChunked = transferEncoding !== undefined && chunkedValue.test(transferEncoding);
    if (transferEncoding !== undefined && !isChunked) throw new MalformedAnswer('an unknown transfer encoding');
    this.#mayKeep = !connection.includes('close') && (!isOld || connection.includes('keep-alive'));
    // Somebody between us may have read these otherwise (RFC 9112, 6.1).
    if (isChunked && (isOld || contentLength !== undefined)) this.#mayKeep = false;
    if (status === 204 || status === 304) this.#state = 'done';
    else if (isChunked) this.#state = 'chunkSize';
    else if (contentLength === undefined) {
      this.#state = 'untilClose';
      this.#mayKeep = false;
    } else {
      this.#left = contentLength;
      this.#state = contentLength === 0 ? 'done' : 'fixed';
    }
  }

  #readBody(bytes: Buffer, from: number, handlers: AnswerHandlers): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    if (this.#left === 0) this.#state = this.#state === 'fixed' ? 'done' : 'chunkEnd';
    handlers.piece(bytes.subarray(from, end));
    return end;
  }

  /** A line between chunks: the size of the next, the end of the last, a trailer. */
  #readLine(bytes: Buffer, from: number): number {
    const found = this.#upTo(endOfLine, bytes, from, lineMaxBytes);
    if (found === undefined) return bytes.length;
    if (this.#state === 'chunkEnd') {
      if (found.text !== '') throw new MalformedAnswer('a chunk is longer than its size');
      this.#state = 'chunkSize';
    } else if (this.#state === 'trailer') {
      if (found.text === '') this.#state = 'done';
      else if (!fieldLine.test(found.text)) throw noField();
    } else {
      this.#left = chunkSize(found.text);
      this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    }
    return found.next;
  }

  /** The text before `mark` and where it goes on behind it; undefined, and the bytes kept, when the mark is still to come. */
  #upTo(mark: Buffer, bytes: Buffer, from: number, maxBytes: number): { text: string; next: number } | undefined {
    const held = this.#held;
    if (held === undefined) {
      const at = bytes.indexOf(mark, from);
      if (at >= 0 && at - from <= maxBytes) return { text: bytes.toString('latin1', from, at), next: at + mark.length };
    }
    const all = held === undefined ? Buffer.from(bytes.subarray(from)) : Buffer.concat([held, bytes.subarray(from)]);
    const at = all.indexOf(mark, Math.max(0, (held?.length ?? 0) - mark.length + 1));
    if (at > maxBytes || (at < 0 && all.length >= maxBytes + mark.length))
      throw new MalformedAnswer('a head or line is too long');
    this.#held = at < 0 ? all : undefined;
    if (at < 0) return undefined;
    return { text: all.toString('latin1', 0, at), next: from + at + mark.length - (held?.length ?? 0) };
  }
}

/** Headers that matter, by what was sent; of others nothing is kept. */
interface Fields {
  contentLength: number | undefined;
  transferEncoding: string | undefined;
  connection: string;
  retryAfter: string | undefined;
}

function parseHead(text: string): { readonly status: number; readonly isOld: boolean; readonly fields: Fields } {
  const end = text.indexOf('\r\n');
  const first = end < 0 ? text : text.slice(0, end);
  const rest = end < 0 ? '' : text.slice(end);
  const match = statusLine.exec(first);
  if (match === null) throw notHttp();
  if (!fieldLines.test(rest)) throw noField();
  const fields: Fields = {
    contentLength: undefined,
    transferEncoding: undefined,
    connection: '',
    retryAfter: undefined,
  };
  neededField.lastIndex = 0;
  for (let found = neededField.exec(rest); found !== null; found = neededField.exec(rest))
    readField(found[1]?.toLowerCase() ?? '', found[2] ?? '', fields);
  return { status: Number(match[2]), isOld: match[1] === '0', fields };
}

function readField(name: string, value: string, fields: Fields): void {
  if (name === 'content-length') {
    const digits = lengthValue.exec(value)?.[1];
    const length = digits === undefined ? undefined : Number(digits);
    if (length === undefined || (fields.contentLength ?? length) !== length)
      throw new MalformedAnswer('a Content-Length that is no length');
    fields.contentLength = length;
  } else if (name === 'transfer-encoding') {
    const before = fields.transferEncoding === undefined ? '' : `${fields.transferEncoding},`;
    fields.transferEncoding = before + value.toLowerCase();
  } else if (name === 'connection') fields.connection += `,${value.toLowerCase()}`;
  else fields.retryAfter = value.trim();
}

/** A size in hexadecimal digits, before the extensions that nobody uses. */
function chunkSize(line: string): number {
  const match = chunkLine.exec(line);
  if (match === null) throw new MalformedAnswer('a chunk without a size');
  return Number.parseInt(match[1] ?? '', 16);
}

function notHttp(): MalformedAnswer {
  return new MalformedAnswer('no HTTP/1.1 answer');
}

function noField(): MalformedAnswer {
  return new MalformedAnswer('a header that is none');
}
