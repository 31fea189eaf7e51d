// Strings with references: `$$` is a dollar, `${` opens a reference that runs to its `}`, any other `$` stands for itself.
// Parsing is lenient: a problem is told, and what can be read of the reference is kept.

import { pay } from './effort.ts';

/** A step into a value; `start` and `end` are offsets within the string. */
export interface Accessor {
  readonly key: string | number;
  readonly start: number;
  readonly end: number;
}

export type Part = string | readonly Accessor[];

export interface StringProblem {
  readonly summary: string;
  readonly start: number;
  readonly end: number;
}

export interface Scanned {
  /** Text and references in turn; empty texts are left out. */
  readonly parts: readonly Part[];
  readonly problems: readonly StringProblem[];
}

/** Of a text that may be all references. */
const unitsPerCharacter = 10;

export function scanString(text: string): Scanned {
  if (!text.includes('$')) return { parts: text === '' ? [] : [text], problems: [] };
  pay(text.length * unitsPerCharacter);
  const parts: Part[] = [];
  const problems: StringProblem[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar === -1) break;
    plain += text.slice(at, dollar);
    const next = text.charAt(dollar + 1);
    if (next === '{') {
      if (plain !== '') parts.push(plain);
      plain = '';
      const parser = new ReferenceParser(text, dollar + 2, problems);
      parts.push(parser.parse());
      at = parser.at;
    } else {
      plain += '$';
      at = dollar + (next === '$' ? 2 : 1);
    }
  }
  plain += text.slice(at);
  if (plain !== '') parts.push(plain);
  return { parts, problems };
}

/** A property path such as `a.b[0]["c d"]`; undefined when it is none. */
export function parsePath(text: string): readonly Accessor[] | undefined {
  const { parts, problems } = scanString(`\${${text}}`);
  const [path] = parts;
  return problems.length > 0 || parts.length !== 1 || typeof path === 'string' ? undefined : path;
}

const space = /[\s\u0085]/;
/** The end of a name, and of what stands in brackets without quotes. */
const nameEnd = /[.[}\s\u0085]|$/g;
const subscriptEnd = /[\]}\s\u0085]|$/g;

class ReferenceParser {
  at: number;
  readonly #text: string;
  readonly #problems: StringProblem[];
  readonly #start: number;

  constructor(text: string, at: number, problems: StringProblem[]) {
    this.#text = text;
    this.at = at;
    this.#start = at - 2;
    this.#problems = problems;
  }

  parse(): readonly Accessor[] {
    const accessors: Accessor[] = [];
    for (;;) {
      const next = this.#text.charAt(this.at);
      const isFirst = accessors.length === 0;
      if (next === '' || space.test(next) || next === '}') {
        if (isFirst) accessors.push({ key: '', start: this.at, end: this.at });
        if (next === '}') this.at++;
        else this.#tell("missing closing brace '}' in interpolation", this.#start);
        return accessors;
      }
      if (next === '[') accessors.push(this.#subscript(isFirst));
      else accessors.push(this.#name(next === '.'));
    }
  }

  #name(behindDot: boolean): Accessor {
    if (behindDot) this.at++;
    const start = this.at;
    this.at = this.#find(nameEnd);
    if (behindDot && this.at === start) this.#tell('property name must not be empty', start);
    return { key: this.#text.slice(start, this.at), start, end: this.at };
  }

  #subscript(isFirst: boolean): Accessor {
    const start = this.at++;
    const key = this.#text.charAt(this.at) === '"' ? this.#quotedKey(start) : this.#index(start, isFirst);
    if (this.#text.charAt(this.at) === ']') this.at++;
    else this.#tell("subscript is missing closing bracket ']'", start);
    return { key, start, end: this.at };
  }

  #quotedKey(start: number): string {
    let key = '';
    for (let at = this.at + 1; at < this.#text.length; at++) {
      const symbol = this.#text.charAt(at);
      if (symbol === '"') {
        this.at = at + 1;
        if (key === '') this.#tell('key subscript must not be empty', start);
        return key;
      }
      const isQuote = symbol === '\\' && this.#text.charAt(at + 1) === '"';
      key += isQuote ? '"' : symbol;
      if (isQuote) at++;
    }
    this.at = this.#text.length;
    this.#tell("key subscript is missing closing quote '\"'", start);
    return key;
  }

  #index(start: number, isFirst: boolean): string | number {
    const from = this.at;
    this.at = this.#find(subscriptEnd);
    const text = this.#text.slice(from, this.at);
    const index = /^[-+]?[0-9]+$/.test(text) ? Number(text) : undefined;
    if (index === undefined || !Number.isSafeInteger(index)) {
      this.#tell('numeric subscript must be a positive base-10 integer', start);
      return text;
    }
    if (isFirst) {
      this.#tell('the first accessor must be a property name or key subscript, not a numeric subscript', start);
    }
    return index;
  }

  #find(end: RegExp): number {
    end.lastIndex = this.at;
    return end.exec(this.#text)?.index ?? this.#text.length;
  }

  #tell(summary: string, start: number): void {
    this.#problems.push({ summary, start, end: Math.max(this.at, start) });
  }
}
