// Cuts a template into tokens: text, delimiters with their trim markers, and what stands inside an action. The rules and the
// wording of its errors are those of Go 1.26 (https://pkg.go.dev/text/template). A fault is the last token.
import { quote } from './quote.ts';
import { type Bytes, isDigit, isLetter, isPrint, runeAt, unicodePoint } from './text.ts';

export type TokenType =
  | 'error'
  | 'bool'
  | 'char'
  | 'charConstant'
  | 'complex'
  | 'assign'
  | 'declare'
  | 'eof'
  | 'field'
  | 'identifier'
  | 'leftDelim'
  | 'leftParen'
  | 'number'
  | 'pipe'
  | 'rawString'
  | 'rightDelim'
  | 'rightParen'
  | 'space'
  | 'string'
  | 'text'
  | 'variable'
  | 'dot'
  | 'nil'
  | Keyword;

type Keyword = 'block' | 'break' | 'continue' | 'define' | 'else' | 'end' | 'if' | 'range' | 'template' | 'with';

const keywords: ReadonlySet<string> = new Set<Keyword>([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

export interface Token {
  readonly type: TokenType;
  /** Byte offset. */
  readonly at: number;
  readonly text: Bytes;
  /** Line, from 1. */
  readonly line: number;
}

export interface Delimiters {
  readonly left: Bytes;
  readonly right: Bytes;
}

/** Every token up to `eof` or `error`. */
export function tokenize(input: Bytes, delimiters: Delimiters): readonly Token[] {
  return new Lexer(input, delimiters).run();
}

/** How a parse error names a token. */
export function describeToken(token: Token): string {
  if (token.type === 'eof') return 'EOF';
  if (token.type === 'error') return token.text;
  if (isKeyword(token.type)) return `<${token.text}>`;
  return token.text.length > 10 ? `${cutBytes(token.text, 10)}...` : quote(token.text);
}

/** fmt's %.10q cuts at ten runes and quotes what is left. */
function cutBytes(text: Bytes, runes: number): string {
  let end = 0;
  for (let count = 0; count < runes && end < text.length; count++) end += runeAt(text, end).size;
  return quote(text.slice(0, end));
}

/** The keyword's token types, and `.` and `nil`, which are shown in angle brackets. */
function isKeyword(type: TokenType): boolean {
  return keywords.has(type) || type === 'dot' || type === 'nil';
}

class LexError extends Error {}

class Lexer {
  readonly #input: Bytes;
  readonly #left: Bytes;
  readonly #right: Bytes;
  readonly #tokens: Token[] = [];
  #at = 0;
  #start = 0;
  #line = 1;
  #startLine = 1;
  #parens = 0;

  constructor(input: Bytes, { left, right }: Delimiters) {
    this.#input = input;
    this.#left = left;
    this.#right = right;
  }

  run(): readonly Token[] {
    try {
      while (this.#text()) this.#action();
      this.#tokens.push({ type: 'eof', at: this.#at, text: 'EOF', line: this.#startLine });
    } catch (thrown) {
      if (!(thrown instanceof LexError)) throw thrown;
      this.#tokens.push({ type: 'error', at: this.#start, text: thrown.message, line: this.#startLine });
    }
    return this.#tokens;
  }

  /** Text up to an action whose left delimiter is then consumed; false at the end of the template. */
  #text(): boolean {
    for (;;) {
      const found = this.#input.indexOf(this.#left, this.#at);
      const end = found < 0 ? this.#input.length : found;
      const inner = end + this.#left.length;
      const trims = found >= 0 && this.#isLeftTrim(inner);
      this.#emitText(trims ? trimRight(this.#input.slice(this.#at, end)) : this.#input.slice(this.#at, end), end);
      if (found < 0) return false;
      const afterMarker = inner + (trims ? 2 : 0);
      if (!this.#input.startsWith('/*', afterMarker)) {
        this.#at = inner;
        this.#emit('leftDelim');
        this.#skipTo(afterMarker);
        this.#parens = 0;
        return true;
      }
      this.#comment(afterMarker);
    }
  }

  #emitText(text: Bytes, end: number): void {
    this.#at = this.#start + text.length;
    this.#line += countNewlines(text);
    if (text !== '') this.#emit('text');
    this.#skipTo(end);
  }

  #comment(start: number): void {
    this.#skipTo(start);
    const close = this.#input.indexOf('*/', start + 2);
    if (close < 0) throw new LexError('unclosed comment');
    this.#at = close + 2;
    const delimiter = this.#rightDelimiter();
    if (delimiter === undefined) throw new LexError('comment ends before closing delimiter');
    const after = this.#at + delimiter.size;
    this.#skipTo(delimiter.trims ? this.#afterSpaces(after) : after);
  }

  #action(): void {
    for (;;) {
      const delimiter = this.#rightDelimiter();
      if (delimiter !== undefined) {
        if (this.#parens > 0) throw new LexError('unclosed left paren');
        this.#closeAction(delimiter);
        return;
      }
      if (this.#inside()) continue;
    }
  }

  #closeAction(delimiter: { readonly size: number; readonly trims: boolean }): void {
    if (delimiter.trims) this.#skipTo(this.#at + 2);
    this.#at += this.#right.length;
    this.#emit('rightDelim');
    if (delimiter.trims) this.#skipTo(this.#afterSpaces(this.#at));
  }

  /** One token inside an action. */
  #inside(): boolean {
    const { code, size } = runeAt(this.#input, this.#at);
    if (size === 0) throw new LexError('unclosed action');
    if (isBlank(code)) return this.#space();
    const char = this.#input[this.#at] ?? '';
    if (char === '"') return this.#quoted('"', 'string', 'unterminated quoted string');
    if (char === "'") return this.#quoted("'", 'charConstant', 'unterminated character constant');
    if (char === '`') return this.#raw();
    if (char === '$') return this.#fieldOrVariable('variable');
    if (char === '.' && this.#at + 1 < this.#input.length && !/[0-9]/.test(this.#input[this.#at + 1] ?? '')) {
      return this.#fieldOrVariable('field');
    }
    if (/[.+\-0-9]/.test(char)) return this.#number();
    if (isWord(code)) return this.#identifier();
    this.#at += size;
    return this.#punctuation(char, code);
  }

  #punctuation(char: string, code: number): boolean {
    if (char === ':') {
      if (this.#input[this.#at] !== '=') {
        this.#at += runeAt(this.#input, this.#at).size;
        throw new LexError('expected :=');
      }
      this.#at += 1;
      return this.#emit('declare');
    }
    if (char === '=') return this.#emit('assign');
    if (char === '|') return this.#emit('pipe');
    if (char === '(') this.#parens += 1;
    if (char === ')') this.#parens -= 1;
    if (this.#parens < 0) throw new LexError('unexpected right paren');
    if (char === '(') return this.#emit('leftParen');
    if (char === ')') return this.#emit('rightParen');
    if (code < 0x80 && isPrint(code)) return this.#emit('char');
    throw new LexError(`unrecognized character in action: ${unicodePoint(code)}`);
  }

  /** A run of spaces; the last one belongs to a trim marker when ` -}}` follows. */
  #space(): boolean {
    const end = this.#afterSpaces(this.#at);
    const marker = this.#input[end] === '-' && this.#input.startsWith(this.#right, end + 1);
    const count = end - this.#at;
    if (marker && count === 1) return true;
    this.#line += countNewlines(this.#input.slice(this.#at, marker ? end - 1 : end));
    this.#at = marker ? end - 1 : end;
    return this.#emit('space');
  }

  #quoted(mark: string, type: TokenType, fault: string): boolean {
    for (let at = this.#at + 1; ; at++) {
      const char = this.#input[at];
      const escaped = char === '\\' ? this.#input[++at] : char;
      if (escaped === undefined || escaped === '\n') throw new LexError(fault);
      if (char === mark) {
        this.#at = at + 1;
        return this.#emit(type);
      }
    }
  }

  #raw(): boolean {
    const close = this.#input.indexOf('`', this.#at + 1);
    if (close < 0) throw new LexError('unterminated raw quoted string');
    this.#line += countNewlines(this.#input.slice(this.#at, close));
    this.#at = close + 1;
    return this.#emit('rawString');
  }

  #fieldOrVariable(type: 'field' | 'variable'): boolean {
    this.#at += 1;
    if (this.#isTerminator()) return this.#emit(type === 'field' ? 'dot' : 'variable');
    this.#word();
    return this.#emit(type);
  }

  #identifier(): boolean {
    const word = this.#word();
    if (word === 'true' || word === 'false') return this.#emit('bool');
    if (word === 'nil') return this.#emit('nil');
    return this.#emit(keywords.has(word) ? (word as Keyword) : 'identifier'); // `has` has just said so
  }

  /** Consumes letters, digits and `_`, which something known must follow. */
  #word(): Bytes {
    let rune = runeAt(this.#input, this.#at);
    while (rune.size > 0 && isWord(rune.code)) {
      this.#at += rune.size;
      rune = runeAt(this.#input, this.#at);
    }
    if (!this.#isTerminator()) throw new LexError(`bad character ${unicodePoint(rune.code)}`);
    return this.#input.slice(this.#start, this.#at);
  }

  #number(): boolean {
    this.#scanNumber();
    const sign = this.#input[this.#at];
    if (sign !== '+' && sign !== '-') return this.#emit('number');
    this.#scanNumber();
    if (this.#input[this.#at - 1] !== 'i') throw this.#badNumber();
    return this.#emit('complex');
  }

  #scanNumber(): void {
    const rest = this.#input.slice(this.#at, this.#at + 512);
    const match =
      /^[+-]?0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?/.exec(rest) ??
      /^[+-]?0[oO][0-7_]*(?:\.[0-7_]*)?i?/.exec(rest) ??
      /^[+-]?0[bB][01_]*(?:\.[01_]*)?i?/.exec(rest) ??
      /^[+-]?[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?/.exec(rest);
    this.#at += match?.[0].length ?? 0;
    const next = runeAt(this.#input, this.#at);
    if (next.size > 0 && isWord(next.code)) {
      this.#at += next.size;
      throw this.#badNumber();
    }
  }

  #badNumber(): LexError {
    return new LexError(`bad number syntax: ${quote(this.#input.slice(this.#start, this.#at))}`);
  }

  #isTerminator(): boolean {
    const char = this.#input[this.#at];
    return char === undefined || ' \t\r\n.,|:)('.includes(char) || this.#input.startsWith(this.#right, this.#at);
  }

  #isLeftTrim(at: number): boolean {
    return this.#input[at] === '-' && isBlank(this.#input.charCodeAt(at + 1));
  }

  #rightDelimiter(): { readonly size: number; readonly trims: boolean } | undefined {
    const trims = isBlank(this.#input.charCodeAt(this.#at)) && this.#input[this.#at + 1] === '-';
    if (trims && this.#input.startsWith(this.#right, this.#at + 2))
      return { size: 2 + this.#right.length, trims: true };
    return this.#input.startsWith(this.#right, this.#at) ? { size: this.#right.length, trims: false } : undefined;
  }

  #afterSpaces(at: number): number {
    let end = at;
    while (isBlank(this.#input.charCodeAt(end))) end += 1;
    return end;
  }

  #emit(type: TokenType): true {
    const text = this.#input.slice(this.#start, this.#at);
    this.#tokens.push({ type, at: this.#start, text, line: this.#startLine });
    this.#start = this.#at;
    this.#startLine = this.#line;
    return true;
  }

  /** Moves to an offset, and forgets what was passed. */
  #skipTo(end: number): void {
    this.#line += countNewlines(this.#input.slice(this.#start, end));
    this.#at = end;
    this.#start = end;
    this.#startLine = this.#line;
  }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13 || code === 10;
}

function isWord(code: number): boolean {
  return code === 95 || isLetter(code) || isDigit(code);
}

function countNewlines(text: Bytes): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function trimRight(text: Bytes): Bytes {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
