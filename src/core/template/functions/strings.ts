// Sprig's strings: https://masterminds.github.io/sprig/strings.html. Widths and positions count bytes, as in Go.
import { show } from '../format.ts';
import {
  bytesOfRunes,
  isLower,
  isSpace,
  isTitle,
  isUpper,
  lower,
  lowerRune,
  title,
  titleRune,
  trimRunes,
  trimSpace,
  upper,
  upperRune,
} from '../letters.ts';
import type { Budget } from '../limits.ts';
import { quote } from '../quote.ts';
import { type Bytes, encodeRune, runeAt, runesOf } from '../text.ts';
import { compareBytes, Dict, List, type Value } from '../values.ts';
import { strslice, strval } from './convert.ts';
import { define, fault, payingForTexts, type TemplateFunction } from './define.ts';
import { joinWords, pascalCase } from './words.ts';

const uncharged: readonly TemplateFunction[] = [
  define('hello', [], 'Hello!', () => 'Hello!'),
  define('abbrev', ['int', 'string'], 'cuts to a width, with an ellipsis', ([width, text]) =>
    width < 4n ? text : abbreviate(text, 0n, width),
  ),
  define('abbrevboth', ['int', 'int', 'string'], 'cuts on both sides, with ellipses', ([left, right, text]) =>
    right < 4n || (left > 0n && right < 7n) ? text : abbreviate(text, left, right),
  ),
  define('trunc', ['int', 'string'], 'the first bytes; the last ones for a negative count', ([count, text]) =>
    truncate(count, text),
  ),
  define('trim', ['string'], 'without white space at both ends', ([text]) => trimSpace(text)),
  define('upper', ['string'], 'in upper case', ([text]) => upper(text)),
  define('lower', ['string'], 'in lower case', ([text]) => lower(text)),
  define('title', ['string'], 'each word with a capital', ([text]) => title(text)),
  define('untitle', ['string'], 'each word without a capital', ([text]) => untitle(text)),
  define('substr', ['int', 'int', 'string'], 'bytes from a start to an end', ([start, end, text]) =>
    substring(start, end, text),
  ),
  define('repeat', ['int', 'string'], 'the text that many times', ([count, text], { budget }) =>
    repeat(text, count, budget),
  ),
  define('trimall', ['string', 'string'], 'trimAll, an older name', ([cut, text]) => trimAll(cut, text)),
  define('trimAll', ['string', 'string'], 'without the given characters at both ends', ([cut, text]) =>
    trimAll(cut, text),
  ),
  define('trimSuffix', ['string', 'string'], 'without that end', ([suffix, text]) =>
    text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  ),
  define('trimPrefix', ['string', 'string'], 'without that start', ([prefix, text]) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  define('nospace', ['string'], 'without white space', ([text]) => nospace(text)),
  define('initials', ['string'], 'the first letter of each word', ([text]) => initials(text)),
  define('swapcase', ['string'], 'upper case becomes lower, lower becomes title or upper', ([text]) => swapCase(text)),
  define('snakecase', ['string'], 'words_like_this', ([text]) => joinWords(text, '_')),
  define('camelcase', ['string'], 'WordsLikeThis', ([text]) => pascalCase(text)),
  define('kebabcase', ['string'], 'words-like-this', ([text]) => joinWords(text, '-')),
  define('wrap', ['int', 'string'], 'lines of a width; long words stay whole', ([width, text], { budget }) =>
    wrap(text, width, { newLine: '\n', breaksWords: false }, budget),
  ),
  define(
    'wrapWith',
    ['int', 'string', 'string'],
    'lines of a width, with that text between them; long words are broken',
    ([width, newLine, text], { budget }) =>
      wrap(text, width, { newLine: newLine === '' ? '\n' : newLine, breaksWords: true }, budget),
  ),
  define('contains', ['string', 'string'], 'whether the first is in the second', ([part, text]) => text.includes(part)),
  define('hasPrefix', ['string', 'string'], 'whether the second starts with the first', ([prefix, text]) =>
    text.startsWith(prefix),
  ),
  define('hasSuffix', ['string', 'string'], 'whether the second ends with the first', ([suffix, text]) =>
    text.endsWith(suffix),
  ),
  define('quote', ['...any'], 'each in double quotes, escaped; nil is left out', ([values]) =>
    withoutNil(values)
      .map((value) => quote(strval(value)))
      .join(' '),
  ),
  define('squote', ['...any'], 'each in single quotes; nil is left out', ([values]) =>
    withoutNil(values)
      .map((value) => `'${show(value)}'`)
      .join(' '),
  ),
  define('cat', ['...any'], 'all with spaces between them; nil is left out', ([values]) =>
    withoutNil(values).map(show).join(' '),
  ),
  define('indent', ['int', 'string'], 'each line behind that many spaces', ([spaces, text], { budget }) =>
    indent(spaces, text, budget),
  ),
  define(
    'nindent',
    ['int', 'string'],
    'indent behind a newline',
    ([spaces, text], { budget }) => `\n${indent(spaces, text, budget)}`,
  ),
  define(
    'replace',
    ['string', 'string', 'string'],
    'the first replaced by the second in the third',
    ([old, replacement, text], { budget }) => replace(text, old, replacement, budget),
  ),
  define('plural', ['string', 'string', 'int'], 'the first for one, else the second', ([one, many, count]) =>
    count === 1n ? one : many,
  ),
  define('toString', ['any'], 'the text of a value', ([value]) => strval(value)),
  define('split', ['string', 'string'], 'a map of the parts: _0, _1, …', ([separator, text], { budget }) =>
    numbered(splitText(text, separator, -1n, budget)),
  ),
  define('splitList', ['string', 'string'], 'a list of the parts', ([separator, text], { budget }) =>
    stringList(splitText(text, separator, -1n, budget)),
  ),
  define(
    'splitn',
    ['string', 'int', 'string'],
    'split into at most that many parts',
    ([separator, count, text], { budget }) => numbered(splitText(text, separator, count, budget)),
  ),
  define('toStrings', ['any'], 'a list of texts', ([value]) => stringList(strslice(value))),
  define('join', ['string', 'any'], 'the texts of a list with a separator', ([separator, value], { budget }) => {
    const parts = strslice(value);
    budget.room(parts.reduce((size, part) => size + part.length + separator.length, 0));
    return parts.join(separator);
  }),
  define('sortAlpha', ['any'], 'the texts of a list in order', ([value]) =>
    stringList(value instanceof List ? strslice(value).sort(compareBytes) : [strval(value)]),
  ),
];

/** Those that look at each letter, whatever the text. */
const byLetter: ReadonlySet<Bytes> = new Set([
  'title',
  'untitle',
  'nospace',
  'initials',
  'swapcase',
  'snakecase',
  'camelcase',
  'kebabcase',
  'wrap',
  'wrapWith',
]);

/** Letter by letter costs some 0.2 µs a byte. */
export const stringFunctions: readonly TemplateFunction[] = uncharged.map((definition) =>
  payingForTexts(definition, { ascii: byLetter.has(definition.name) ? 2 : 32, other: 2 }),
);

function withoutNil(values: readonly Value[]): Value[] {
  return values.filter((value) => value !== null);
}

export function stringList(items: readonly Bytes[]): List {
  return new List(items, 'string');
}

function numbered(parts: readonly Bytes[]): Dict {
  return new Dict(new Map(parts.map((part, index) => [`_${index}`, part] as const)), 'string');
}

function abbreviate(text: Bytes, from: bigint, width: bigint): Bytes {
  if (BigInt(text.length) <= width) return text;
  const room = Number(width) - 3; // the width is smaller than the text
  let offset = from > BigInt(text.length) ? text.length : Number(from);
  if (text.length - offset < room) offset = text.length - room;
  if (offset <= 4) return `${text.slice(0, room)}...`;
  if (offset + room >= text.length) return `...${text.slice(text.length - room)}`;
  const rest = text.slice(offset);
  return `...${room < 4 ? '' : abbreviate(rest, 0n, BigInt(room))}`;
}

function truncate(count: bigint, text: Bytes): Bytes {
  const size = BigInt(text.length);
  if (count < 0n) return size + count > 0n ? text.slice(Number(size + count)) : text;
  return size > count ? text.slice(0, Number(count)) : text;
}

function substring(start: bigint, end: bigint, text: Bytes): Bytes {
  const size = BigInt(text.length);
  const refuse = (bounds: string) => fault(`runtime error: slice bounds out of range ${bounds}`);
  if (start < 0n) {
    if (end < 0n) throw refuse(`[:${end}]`);
    if (end > size) throw refuse(`[:${end}] with length ${size}`);
    return text.slice(0, Number(end));
  }
  const to = end < 0n || end > size ? size : end;
  if (start > to) throw refuse(`[${start}:${to}]`);
  return text.slice(Number(start), Number(to));
}

function repeat(text: Bytes, count: bigint, budget: Budget): Bytes {
  if (count < 0n) throw fault('strings: negative Repeat count');
  if (text === '') return '';
  budget.room(text.length * Number(count));
  return text.repeat(Number(count));
}

function trimAll(cut: Bytes, text: Bytes): Bytes {
  const codes = new Set(runesOf(cut));
  return trimRunes(text, (code) => codes.has(code));
}

/** White space byte by byte, as Sprig does: a rune beyond ASCII falls apart where a space was cut. */
function nospace(text: Bytes): Bytes {
  const kept = Array.from(text, (char) => char.charCodeAt(0)).filter((code) => !isSpace(code));
  return kept.length === text.length ? text : bytesOfRunes(kept);
}

function initials(text: Bytes): Bytes {
  let letters = '';
  let isStart = true;
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (isSpace(code)) isStart = true;
    else if (isStart) {
      letters += encodeRune(code);
      isStart = false;
    }
  }
  return letters;
}

function untitle(text: Bytes): Bytes {
  let isStart = true;
  const runes = runesOf(text).map((code) => {
    const changed = isStart && !isSpace(code) ? lowerRune(code) : code;
    isStart = isSpace(code);
    return changed;
  });
  return bytesOfRunes(runes);
}

function swapCase(text: Bytes): Bytes {
  let isStart = true;
  const runes = runesOf(text).map((code) => {
    if (isUpper(code) || isTitle(code)) {
      isStart = false;
      return lowerRune(code);
    }
    if (isLower(code)) {
      const swapped = isStart ? titleRune(code) : upperRune(code);
      isStart = false;
      return swapped;
    }
    isStart = isSpace(code);
    return code;
  });
  return bytesOfRunes(runes);
}

interface WrapStyle {
  readonly newLine: Bytes;
  readonly breaksWords: boolean;
}

function wrap(text: Bytes, wanted: bigint, { newLine, breaksWords }: WrapStyle, budget: Budget): Bytes {
  const width = wanted < 1n ? 1 : Number(wanted);
  budget.room(text.length + (text.length / width) * newLine.length);
  const lines: Bytes[] = [];
  let at = 0;
  while (text.length - at > width) {
    if (text[at] === ' ') {
      at += 1;
      continue;
    }
    const space = text.slice(at, at + width + 1).lastIndexOf(' ');
    const next = text.indexOf(' ', at + width);
    const end = space >= 0 ? at + space : breaksWords ? at + width : next < 0 ? text.length : next;
    lines.push(text.slice(at, end));
    if (end === text.length && next < 0 && space < 0 && !breaksWords) return lines.join(newLine);
    at = space < 0 && breaksWords ? end : end + 1;
  }
  return [...lines, text.slice(at)].join(newLine);
}

function indent(spaces: bigint, text: Bytes, budget: Budget): Bytes {
  if (spaces < 0n) throw fault('strings: negative Repeat count');
  const lines = text.split('\n');
  budget.room(text.length + lines.length * Number(spaces));
  const pad = ' '.repeat(Number(spaces));
  return pad + lines.join(`\n${pad}`);
}

/** strings.ReplaceAll; an empty text stands before each rune and at the end. */
function replace(text: Bytes, old: Bytes, replacement: Bytes, budget: Budget): Bytes {
  const parts = old === '' ? ['', ...eachRune(text), ''] : text.split(old);
  const count = old === '' ? parts.length - 1 : parts.length;
  budget.room(text.length + count * replacement.length);
  return (old === '' && text === '' ? ['', ''] : parts).join(replacement);
}

function eachRune(text: Bytes): Bytes[] {
  const runes: Bytes[] = [];
  for (let at = 0; at < text.length; ) {
    const { size } = runeAt(text, at);
    runes.push(text.slice(at, at + size));
    at += size;
  }
  return runes;
}

/** strings.SplitN. */
export function splitText(text: Bytes, separator: Bytes, count: bigint, budget: Budget): Bytes[] {
  budget.step(Math.ceil(text.length / 16));
  if (count === 0n) return [];
  const parts = separator === '' ? eachRune(text) : text.split(separator);
  if (count < 0n || BigInt(parts.length) <= count) return parts;
  const most = Number(count);
  return [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
}
