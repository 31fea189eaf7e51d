// Reads a large JSON answer without holding the event loop: it is taken apart into pieces of some kB at its own commas, each
// piece is read by the engine, and between pieces the loop turns. The result is what JSON.parse of the whole would give.
import { type OwnTurn, ownTurn } from '../../base/turns.ts';
import { mostParts } from './json-parts.ts';

/** Bytes of one piece; reading one of the worst shape takes some 10 ms, with a reviver too. */
const pieceBytes = 65_536;

/** Levels that are taken apart; an answer that is large and deeper is refused, as each level costs a second look. */
const deepest = 256;

/** Members of one object: a larger one is moved as a whole each time that it grows, at 100 ms a time. */
const mostMembers = 100_000;

/** Items of one list, for the same reason; of lists or objects there cannot be more in an answer. */
const mostItems = mostParts;

/** Reads a piece of JSON text; throws SyntaxError. */
export type ReadPiece = (text: string) => unknown;

/** Whether one slice of the loop is too little for it. */
export function isLarge(body: Buffer): boolean {
  return body.length > pieceBytes;
}

/** What the text spells. Rejects with SyntaxError; with RangeError for what nests too deep or is too wide. */
export async function parseInTurns(body: Buffer, read: ReadPiece, turn: OwnTurn = ownTurn): Promise<unknown> {
  const reader = new PiecewiseReader(body, read, turn);
  return await reader.document();
}

const comma = 0x2c;
const colon = 0x3a;
const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

class PiecewiseReader {
  readonly #body: Buffer;
  readonly #read: ReadPiece;
  readonly #turn: OwnTurn;
  #at = 0;
  /** Where the present slice of work began. */
  #sliceAt = 0;

  constructor(body: Buffer, read: ReadPiece, turn: OwnTurn) {
    this.#body = body;
    this.#read = read;
    this.#turn = turn;
  }

  async document(): Promise<unknown> {
    this.#space();
    if (!this.#isContainer() || !isLarge(this.#body)) return this.#read(this.#body.toString('utf8'));
    const value = await this.#container(0);
    this.#space();
    if (this.#at < this.#body.length) throw new SyntaxError('text behind the value');
    return value;
  }

  /** The list or object that begins here. */
  async #container(depth: number): Promise<unknown> {
    if (depth > deepest) throw new RangeError('nested too deep');
    const isList = this.#body[this.#at] === openList;
    const close = isList ? closeList : closeObject;
    const made = isList ? new ListInMaking() : new ObjectInMaking();
    this.#at++;
    this.#space();
    if (this.#body[this.#at] === close) {
      this.#at++;
      return made.value;
    }
    let runAt = this.#at;
    const flush = (end: number) => {
      if (end > runAt) made.takeAll(this.#read(made.enclose(this.#body.toString('utf8', runAt, end))));
    };
    for (;;) {
      const memberAt = this.#at;
      const key = isList ? undefined : this.#key();
      const end = this.#endOfSmallValue();
      if (end === undefined) {
        flush(endBeforeComma(this.#body, runAt, memberAt));
        made.take(key === undefined ? '' : String(this.#read(key)), await this.#container(depth + 1));
        runAt = this.#at;
      } else this.#at = end;
      const valueEnd = this.#at;
      this.#space();
      const separator = this.#body[this.#at];
      if (separator !== comma && separator !== close) throw new SyntaxError('a comma or the end is missing');
      this.#at++;
      if (separator === close) {
        flush(valueEnd);
        return made.value;
      }
      this.#space();
      if (end === undefined) runAt = this.#at;
      else if (this.#at - this.#sliceAt >= pieceBytes) {
        flush(valueEnd);
        runAt = this.#at;
        this.#sliceAt = this.#at;
        await this.#turn();
      }
    }
  }

  /** The text of a member's name; stands at its value then. */
  #key(): string {
    if (this.#body[this.#at] !== quote) throw new SyntaxError('a name is missing');
    const from = this.#at;
    this.#at = this.#endOfString(from);
    const key = this.#body.toString('utf8', from, this.#at);
    this.#space();
    if (this.#body[this.#at] !== colon) throw new SyntaxError('a colon is missing');
    this.#at++;
    this.#space();
    return key;
  }

  /** The end of the value that begins here; undefined for a list or object that is larger than a piece. */
  #endOfSmallValue(): number | undefined {
    const first = this.#body[this.#at];
    if (first === quote) return this.#endOfString(this.#at);
    return this.#isContainer() ? this.#endOfSmallContainer() : this.#endOfWord();
  }

  #endOfSmallContainer(): number | undefined {
    const most = this.#at + pieceBytes;
    let depth = 0;
    for (let at = this.#at; at < most; at++) {
      const byte = this.#body[at];
      if (byte === undefined) throw new SyntaxError('the text ends early');
      if (byte === quote) at = this.#endOfString(at) - 1;
      else if (byte === openList || byte === openObject) depth++;
      else if ((byte === closeList || byte === closeObject) && --depth === 0) return at + 1;
    }
    return undefined;
  }

  #endOfWord(): number {
    let at = this.#at;
    while (at < this.#body.length && !isEndOfWord(this.#body[at])) at++;
    if (at === this.#at) throw new SyntaxError('a value is missing');
    return at;
  }

  /** Behind the closing quote. */
  #endOfString(from: number): number {
    for (let at = from + 1; at < this.#body.length; at++) {
      const byte = this.#body[at];
      if (byte === quote) return at + 1;
      if (byte === backslash) at++;
    }
    throw new SyntaxError('a string has no end');
  }

  #isContainer(): boolean {
    const byte = this.#body[this.#at];
    return byte === openList || byte === openObject;
  }

  #space(): void {
    while (isSpace(this.#body[this.#at])) this.#at++;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isEndOfWord(byte: number | undefined): boolean {
  return byte === comma || byte === closeList || byte === closeObject || isSpace(byte);
}

/** The end of the run of members before `at`, without the comma that divides it from what comes. */
function endBeforeComma(body: Buffer, from: number, at: number): number {
  let end = at;
  while (end > from && (isSpace(body[end - 1]) || body[end - 1] === comma)) end--;
  return end;
}

class ListInMaking {
  readonly value: unknown[] = [];

  enclose(members: string): string {
    return `[${members}]`;
  }

  takeAll(read: unknown): void {
    for (const item of read as readonly unknown[]) this.take('', item); // `enclose` made a list of it
  }

  take(_name: string, value: unknown): void {
    if (this.value.length >= mostItems) throw new RangeError('too many items');
    this.value.push(value);
  }
}

class ObjectInMaking {
  readonly value: Record<string, unknown> = {};
  #members = 0;

  enclose(members: string): string {
    return `{${members}}`;
  }

  takeAll(read: unknown): void {
    for (const [name, value] of Object.entries(read as object)) this.take(name, value); // `enclose` made an object of it
  }

  /** An own member, whatever its name. */
  take(name: string, value: unknown): void {
    if (++this.#members > mostMembers) throw new RangeError('too many members');
    if (name === '__proto__')
      Object.defineProperty(this.value, name, { value, writable: true, enumerable: true, configurable: true });
    else this.value[name] = value;
  }
}
