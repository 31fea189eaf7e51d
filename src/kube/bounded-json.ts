// Reads the JSON of API objects within bounds. Whoever may write an object can give it a hundred thousand labels or keys, and to
// read those takes longer than the event loop may be held up, at each of its events. Such a field is left out, and the object
// tells what it lacks (base/left-out.ts), so that whoever needs the field can say so.
import { mostPartsOf, mostTogether, withoutFields } from '../base/left-out.ts';
import { type OwnTurn, ownTurn } from '../base/turns.ts';

/** A text of fewer characters does not hold enough to matter. */
const leastCharacters = 32_768;

/** Characters of a list that are read in one turn of the loop. */
const turnCharacters = 262_144;

/** How names of fields of the metadata begin. */
const ofMetadata = 'metadata.';

const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** The value that the text spells; where it is an object of the API, without fields that have too many parts. Throws SyntaxError. */
export function parseObject(text: string): unknown {
  if (text.length < leastCharacters) return JSON.parse(text);
  const cut = tooWide(fieldsOf(text));
  if (cut.length === 0) return JSON.parse(text);
  const object: unknown = JSON.parse(withNull(text, cut));
  for (const { name } of cut) drop(object, name);
  const names = cut.map(({ name }) => name);
  return typeof object === 'object' && object !== null ? withoutFields(object, names) : object;
}

/** The value of each member of the object that the text spells, read as an object of the API. Throws SyntaxError. */
export function parseEnvelope(text: string): unknown {
  if (text.length < leastCharacters) return JSON.parse(text);
  const cursor = new Cursor(text);
  if (!cursor.enter(openObject)) return JSON.parse(text);
  const members: Record<string, unknown> = {};
  for (let key = cursor.key(); key !== undefined; key = cursor.key()) {
    const { from, end } = cursor.pass();
    members[key] = parseObject(text.slice(from, end));
  }
  return members;
}

/**
 * Reads a list, hands out each of its items and returns the rest of it. A large one is read in turns of the loop. Rejects with
 * SyntaxError and with what the handler throws.
 */
export async function readList(
  text: string,
  onItem: (item: unknown) => void,
  turn: OwnTurn = ownTurn,
): Promise<Readonly<Record<string, unknown>>> {
  const cursor = new Cursor(text);
  const members: Record<string, unknown> = {};
  if (!cursor.enter(openObject)) throw new SyntaxError('a list is an object');
  let turnedAt = 0;
  for (let key = cursor.key(); key !== undefined; key = cursor.key()) {
    if (key === 'items' && cursor.enter(openList)) {
      while (cursor.hasItem()) {
        const { from, end } = cursor.pass();
        onItem(parseObject(text.slice(from, end)));
        if (end - turnedAt < turnCharacters) continue;
        turnedAt = end;
        await turn();
      }
    } else {
      const { from, end } = cursor.pass();
      members[key] = JSON.parse(text.slice(from, end));
    }
  }
  return members;
}

/** Where the value of a field stands, and how many members and items it has at all depths. */
interface Field {
  readonly name: string;
  readonly from: number;
  readonly end: number;
  readonly parts: number;
}

/** The fields of the object that the text spells, those of its metadata one by one. */
function fieldsOf(text: string): readonly Field[] {
  const cursor = new Cursor(text);
  const fields: Field[] = [];
  const take = (prefix: string) => {
    for (let key = cursor.key(); key !== undefined; key = cursor.key()) {
      if (prefix === '' && key === 'metadata' && cursor.enter(openObject)) take(ofMetadata);
      else fields.push({ name: `${prefix}${key}`, ...cursor.pass() });
    }
  };
  if (cursor.enter(openObject)) take('');
  return fields;
}

/** Those that have more parts than they may, and of the others the widest, until the rest is narrow enough; in their order. */
function tooWide(fields: readonly Field[]): readonly Field[] {
  const cut = new Set(fields.filter(({ name, parts }) => parts > mostPartsOf(name)));
  const others = fields.filter((field) => !cut.has(field)).sort((a, b) => b.parts - a.parts);
  let together = others.reduce((sum, { parts }) => sum + parts, 0);
  for (const field of others) {
    if (together <= mostTogether) break;
    cut.add(field);
    together -= field.parts;
  }
  return fields.filter((field) => cut.has(field));
}

function withNull(text: string, cut: readonly Field[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { from, end } of cut) {
    pieces.push(text.slice(at, from), 'null');
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}

function drop(object: unknown, field: string): void {
  if (typeof object !== 'object' || object === null) return;
  if (field.startsWith(ofMetadata)) drop(Reflect.get(object, 'metadata'), field.slice(ofMetadata.length));
  else Reflect.deleteProperty(object, field);
}

/**
 * Goes through JSON text without reading its values. The text is taken for JSON: where it is not, places are wrong, and the
 * engine says so when it reads what stands there.
 */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Steps into the object or list that begins here; false, without a step, when there is none. */
  enter(open: number): boolean {
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== open) return false;
    this.#at++;
    return true;
  }

  /** The name of the next member, and steps to its value; undefined, and steps out, where the object ends. */
  key(): string | undefined {
    if (!this.hasItem()) return undefined;
    const from = this.#at;
    this.#at = endOfString(this.#text, from);
    const key = this.#text.slice(from + 1, this.#at - 1);
    this.#space();
    this.#at++; // the colon
    return key;
  }

  /** Whether one more item comes here; where none does, steps out of the list. Throws SyntaxError at the end of the text. */
  hasItem(): boolean {
    this.#space();
    if (this.#text.charCodeAt(this.#at) === comma) {
      this.#at++;
      this.#space();
    }
    const found = this.#text.charCodeAt(this.#at);
    if (Number.isNaN(found)) throw new SyntaxError('the text ends early');
    if (found !== closeObject && found !== closeList) return true;
    this.#at++;
    return false;
  }

  /** Steps behind the value that comes here. */
  pass(): { readonly from: number; readonly end: number; readonly parts: number } {
    this.#space();
    const text = this.#text;
    const from = this.#at;
    let parts = 0;
    let depth = 0;
    let at = from;
    for (; at < text.length; at++) {
      const found = text.charCodeAt(at);
      if (found === quote) at = endOfString(text, at) - 1;
      else if (found === openObject || found === openList) {
        depth++;
        parts++;
      } else if (found === comma) {
        if (depth === 0) break;
        parts++;
      } else if (found === closeObject || found === closeList) {
        if (depth === 0) break;
        depth--;
        if (depth === 0) {
          at++;
          break;
        }
      }
    }
    this.#at = at;
    return { from, end: at, parts };
  }

  #space(): void {
    for (;;) {
      const found = this.#text.charCodeAt(this.#at);
      if (found !== 0x20 && found !== 0x0a && found !== 0x0d && found !== 0x09) return;
      this.#at++;
    }
  }
}

/** Behind the closing quote. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const found = text.charCodeAt(at);
    if (found === quote) return at + 1;
    if (found === backslash) at++;
  }
  return text.length;
}
