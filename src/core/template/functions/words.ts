// snakecase, kebabcase and camelcase: how a text falls into words of one kind
// (https://github.com/huandu/xstrings), and what of a word changes.
import { bytesOfRunes, isNumber, isPunct, isSpace, isUpper, lowerRune, upperRune } from '../letters.ts';
import { type Bytes, isLetter, runeAt, runeError, runesOf } from '../text.ts';

type WordKind = 'invalid' | 'number' | 'upper' | 'letters' | 'connector' | 'punctuation' | 'other' | 'end';

interface Word {
  readonly kind: WordKind;
  readonly text: Bytes;
  readonly rest: Bytes;
}

function isConnector(code: number): boolean {
  return code === 45 || code === 95 || isSpace(code);
}

/** A letter that words are made of: not one of the Chinese characters, which are words themselves. */
function isAlphabet(code: number): boolean {
  if (!isLetter(code)) return false;
  const isIdeograph =
    (code >= 0x4e00 && code <= 0x9fcc) || (code >= 0x3400 && code <= 0x4d85) || (code >= 0x20000 && code <= 0x2b81d);
  return !isIdeograph;
}

/** The next rune that is valid; bytes that are none are passed over and belong to the word. */
function validRune(text: Bytes, at: number, otherwise: number): { readonly code: number; readonly end: number } {
  let end = at;
  while (end < text.length) {
    const { code, size } = runeAt(text, end);
    end += size;
    if (code !== runeError) return { code, end };
  }
  return { code: otherwise, end };
}

function extend(text: Bytes, from: number, previous: number, belongs: (code: number) => boolean): number {
  let at = from;
  let last = previous;
  while (at < text.length) {
    const { code, end } = validRune(text, at, last);
    if (!belongs(code)) break;
    last = code;
    at = end;
  }
  return at;
}

function nextWord(text: Bytes): Word {
  if (text === '') return { kind: 'end', text, rest: '' };
  const { code, end } = validRune(text, 0, runeError);
  const cut = (kind: WordKind, at: number): Word => ({ kind, text: text.slice(0, at), rest: text.slice(at) });
  if (code === runeError) return cut('invalid', end);
  if (isConnector(code)) return cut('connector', extend(text, end, code, isConnector));
  if (isPunct(code)) return cut('punctuation', extend(text, end, code, isPunct));
  if (isUpper(code)) return cut('upper', endOfUpper(text, code, end));
  if (isAlphabet(code)) return cut('letters', extend(text, end, code, isLowerPart));
  if (isNumber(code)) return cut('number', extend(text, end, code, isNumber));
  const belongs = (next: number) => !isConnector(next) && !isAlphabet(next) && !isNumber(next) && !isPunct(next);
  return cut('other', extend(text, end, code, belongs));
}

function isLowerPart(code: number): boolean {
  return isAlphabet(code) && !isUpper(code);
}

/** "HTTPStatus" is "HTTP" and "Status": the last capital goes with the letters behind it. */
function endOfUpper(text: Bytes, first: number, from: number): number {
  if (from >= text.length) return from;
  const second = validRune(text, from, first);
  if (!isUpper(second.code)) return isAlphabet(second.code) ? extend(text, second.end, second.code, isLowerPart) : from;
  let lastStart = from;
  let at = second.end;
  let last = second.code;
  while (at < text.length) {
    const next = validRune(text, at, last);
    last = next.code;
    if (!isUpper(next.code)) break;
    lastStart = at;
    at = next.end;
  }
  return at < text.length && isAlphabet(last) ? lastStart : at;
}

/** The words in lower case with the connector between them; numbers stay with the word before them where they can. */
export function joinWords(text: Bytes, connector: Bytes): Bytes {
  if (text === '') return '';
  let joined = '';
  let word = nextWord(text);
  const write = ({ kind, text: part }: Word) => {
    joined += lowered(kind, part, connector);
  };
  const takeNumbered = () => {
    while (word.kind === 'letters' || word.kind === 'number') {
      write(word);
      word = nextWord(word.rest);
    }
    if (!isGap(word.kind) && word.kind !== 'invalid' && word.kind !== 'end') joined += connector;
  };
  while (word.rest !== '') {
    const previous = word;
    if (previous.kind !== 'connector') write(previous);
    word = nextWord(previous.rest);
    if (previous.kind === 'number') takeNumbered();
    else if (previous.kind === 'connector') write(previous);
    else if (previous.kind !== 'punctuation') {
      if (word.kind !== 'number') {
        if (!isGap(word.kind)) joined += connector;
      } else if (word.rest !== '') {
        const digits = word;
        word = nextWord(digits.rest);
        if (word.kind === 'letters') {
          joined += connector;
          write(digits);
          takeNumbered();
        } else {
          write(digits);
          if (!isGap(word.kind)) joined += connector;
        }
      }
    }
  }
  write(word);
  return joined;
}

function isGap(kind: WordKind): boolean {
  return kind === 'connector' || kind === 'punctuation';
}

function lowered(kind: WordKind, text: Bytes, connector: Bytes): Bytes {
  if (kind !== 'upper' && kind !== 'connector') return text;
  let changed = '';
  for (const code of runesOf(text)) {
    changed += isConnector(code) ? connector : bytesOfRunes([isUpper(code) ? lowerRune(code) : code]);
  }
  return changed;
}

/** Words without connectors, each with a capital; a word all in capitals keeps only its first. */
export function pascalCase(text: Bytes): Bytes {
  const runes = runesOf(text);
  const lead = runes.findIndex((code) => !isConnector(code));
  if (lead < 0) return text;
  const written = runes.slice(0, lead);
  const first = runes[lead] ?? 0;
  let isAfterCapital = isUpper(first);
  let pending = upperRune(first);
  for (const code of runes.slice(lead + 1)) {
    const last = pending;
    pending = code;
    if (isConnector(code) && isConnector(last)) written.push(last);
    else if (isConnector(last)) {
      isAfterCapital = isUpper(code);
      pending = upperRune(code);
    } else {
      if (isAfterCapital && isUpper(code)) pending = lowerRune(code);
      else isAfterCapital = false;
      written.push(last);
    }
  }
  return bytesOfRunes([...written, pending]);
}
