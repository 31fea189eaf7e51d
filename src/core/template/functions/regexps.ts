// Sprig's regular expressions: RE2 syntax in linear time, and Go's rules for finding, splitting and expanding
// (https://pkg.go.dev/regexp). Patterns come from tenants, so compiling and searching are charged to the budget.
import { RE2JS, RE2JSException } from 're2js';
import { hidden } from '../errors.ts';
import { type Budget, TemplateLimit } from '../limits.ts';
import { canBackquote, quote } from '../quote.ts';
import { type Bytes, bytesOf, bytesOfLossless, losslessTextOf } from '../text.ts';
import { List } from '../values.ts';
import { define, fault, type TemplateFunction } from './define.ts';
import { stringList } from './strings.ts';

/** Words the failure of a function that panics in Go, and of one that returns the error. */
type OnFault = (pattern: Bytes, why: string) => string;
const panics: OnFault = (pattern, why) =>
  `regexp: Compile(${hidden(canBackquote(pattern) ? `\`${pattern}\`` : quote(pattern))}): ${why}`;
const returns: OnFault = (_, why) => why;

function both(name: string, make: (name: string, onFault: OnFault) => TemplateFunction): TemplateFunction[] {
  return [make(name, panics), make(`mustR${name.slice(1)}`, returns)];
}

export const regexpFunctions: readonly TemplateFunction[] = [
  define(
    'regexMatch',
    ['string', 'string'],
    'whether the pattern is in the text; false for a bad pattern',
    ([pattern, text], { budget }) => {
      const regexp = compiled(pattern, budget);
      return typeof regexp === 'string' ? false : isIn(regexp, text, budget);
    },
  ),
  define('mustRegexMatch', ['string', 'string'], 'whether the pattern is in the text', ([pattern, text], { budget }) =>
    isIn(compileOr(pattern, returns, budget), text, budget),
  ),
  ...both('regexFindAll', (name, onFault) =>
    define(
      name,
      ['string', 'string', 'int'],
      'all matches, at most that many; -1 for all',
      ([pattern, text, count], { budget }) => {
        const subject = losslessTextOf(text);
        const found = matches(compileOr(pattern, onFault, budget), subject, count, budget);
        const items = found.map(([start, end]) => bytesOfLossless(subject.slice(start, end)));
        return items.length === 0 ? new List([], 'string', true) : stringList(items);
      },
    ),
  ),
  ...both('regexFind', (name, onFault) =>
    define(name, ['string', 'string'], 'the first match, or an empty text', ([pattern, text], { budget }) => {
      const subject = losslessTextOf(text);
      const [first] = matches(compileOr(pattern, onFault, budget), subject, 1n, budget);
      return first === undefined ? '' : bytesOfLossless(subject.slice(...first));
    }),
  ),
  ...both('regexReplaceAll', (name, onFault) =>
    define(
      name,
      ['string', 'string', 'string'],
      'matches replaced; $1, and $name for a named one, stand for groups',
      ([pattern, text, by], { budget }) =>
        replaceAll(
          compileOr(pattern, onFault, budget),
          losslessTextOf(text),
          { by: losslessTextOf(by), isLiteral: false },
          budget,
        ),
    ),
  ),
  ...both('regexReplaceAllLiteral', (name, onFault) =>
    define(
      name,
      ['string', 'string', 'string'],
      'matches replaced by a text as it is',
      ([pattern, text, by], { budget }) =>
        replaceAll(
          compileOr(pattern, onFault, budget),
          losslessTextOf(text),
          { by: losslessTextOf(by), isLiteral: true },
          budget,
        ),
    ),
  ),
  ...both('regexSplit', (name, onFault) =>
    define(
      name,
      ['string', 'string', 'int'],
      'the parts between matches, at most that many; -1 for all',
      ([pattern, text, count], { budget }) =>
        split(
          compileOr(pattern, onFault, budget),
          { text: losslessTextOf(text), isAny: pattern === '' },
          count,
          budget,
        ),
    ),
  ),
  define('regexQuoteMeta', ['string'], 'a pattern that matches just this text', ([text]) =>
    text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&'),
  ),
];

interface Regexp {
  readonly program: RE2JS;
  readonly size: number;
}

const longestPattern = 4096;
const largestProgram = 10_000;
/** A step of the budget is some 100 ns: compiling an instruction takes 3 µs, a search 5 µs, an instruction at a character 20 ns. */
const stepsPerInstruction = 30;
const stepsPerSearch = 50;
const charactersPerStep = 5;

function compiled(pattern: Bytes, budget: Budget): Regexp | string {
  if (pattern.length > longestPattern) {
    throw new TemplateLimit(`the template uses a regular expression of more than ${longestPattern} bytes`);
  }
  const expression = losslessTextOf(pattern);
  const broken = expression.search(/[\udc80-\udcff]/u);
  if (broken >= 0) {
    return `error parsing regexp: invalid UTF-8: \`${hidden(bytesOfLossless(expression.slice(broken)))}\``;
  }
  const estimate = estimatedSize(pattern);
  if (estimate > largestProgram) {
    throw new TemplateLimit(`the template uses a regular expression of more than ${largestProgram} instructions`);
  }
  budget.step(Math.ceil(estimate * stepsPerInstruction));
  try {
    const program = RE2JS.compile(expression);
    return { program, size: Math.max(1, program.programSize()) };
  } catch (thrown) {
    if (!(thrown instanceof RE2JSException)) throw thrown;
    const why = thrown.message.replace(/^error parsing regexp: /, '').replace(/at end of expression$/, '$&: ``');
    return `error parsing regexp: ${hidden(bytesOf(why))}`;
  }
}

function compileOr(pattern: Bytes, onFault: OnFault, budget: Budget): Regexp {
  const regexp = compiled(pattern, budget);
  if (typeof regexp === 'string') throw fault(onFault(pattern, regexp));
  return regexp;
}

/** Instructions once repetitions are written out: an estimate from above that needs no parse tree. */
function estimatedSize(pattern: Bytes): number {
  const open: number[] = [];
  let group = 1;
  let last = 1;
  const piece = /\\(?:[xpP]\{[^}]*\}|[\s\S])|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[\s\S]/g;
  for (const [text, least, most] of pattern.matchAll(piece)) {
    if (text === '(') {
      open.push(group);
      group = 2;
      last = 0;
    } else if (text === ')') {
      last = group;
      group = (open.pop() ?? 0) + last;
    } else if (least === undefined) {
      last = 1 + text.length / 4;
      group += last;
    } else {
      const times = Math.max(1, Number(most === undefined || most === '' ? Number(least) + 1 : most));
      group += last * (times - 1);
      last *= times;
    }
    if (group > largestProgram) return group;
  }
  return group + open.reduce((sum, size) => sum + size, 0);
}

function isIn({ program, size }: Regexp, text: Bytes, budget: Budget): boolean {
  budget.step(stepsPerSearch + Math.ceil(((text.length + 1) * Math.min(size, 200)) / charactersPerStep / 8));
  return program.test(losslessTextOf(text));
}

type Span = readonly [start: number, end: number];

interface Found {
  readonly whole: Span;
  readonly group: (index: number) => Span | undefined;
}

/** A search that may need as many steps is begun where there is room for them, away from the event loop. */
const longSearch = 50_000;

/** Searches one behind the other, from where the last one ended; each reads up to the end of its match. */
function* searches({ program, size }: Regexp, text: string, budget: Budget): Generator<Found> {
  const matcher = program.matcher(text);
  const stepsTo = (from: number, to: number) => Math.ceil(((to - from + 1) * size) / charactersPerStep);
  for (let at = 0; at <= text.length; ) {
    budget.afford(Math.min(longSearch, stepsTo(at, text.length)));
    const isFound = matcher.find(at);
    const readTo = isFound ? matcher.end() : text.length;
    budget.step(stepsPerSearch + stepsTo(at, readTo));
    if (!isFound) return;
    const whole: Span = [matcher.start(), matcher.end()];
    const group = (index: number): Span | undefined => {
      if (index > matcher.groupCount() || matcher.start(index) < 0) return undefined;
      return [matcher.start(index), matcher.end(index)];
    };
    yield { whole, group };
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    at = Math.max(whole[1], at + width);
  }
}

/** Every match but the empty ones right behind another. */
function matches(regexp: Regexp, text: string, count: bigint, budget: Budget): Span[] {
  const found: Span[] = [];
  let lastEnd = -1;
  if (count === 0n) return found;
  for (const { whole } of searches(regexp, text, budget)) {
    const isRepeated = whole[0] === whole[1] && whole[0] === lastEnd;
    lastEnd = whole[1];
    if (!isRepeated) found.push(whole);
    if (BigInt(found.length) === count) break;
  }
  return found;
}

interface Replacement {
  readonly by: string;
  readonly isLiteral: boolean;
}

function replaceAll(regexp: Regexp, text: string, { by, isLiteral }: Replacement, budget: Budget): Bytes {
  let replaced = '';
  let copiedTo = 0;
  let lastEnd = 0;
  for (const found of searches(regexp, text, budget)) {
    const [start, end] = found.whole;
    replaced += text.slice(copiedTo, start);
    if (end > lastEnd || start === 0) replaced += isLiteral ? by : expand(by, text, found, regexp);
    copiedTo = end;
    lastEnd = end;
    budget.room(replaced.length);
  }
  return bytesOfLossless(replaced + text.slice(copiedTo));
}

/** regexp.Expand: the longest name counts, so `$1x` is the group named "1x". */
function expand(template: string, text: string, { group }: Found, { program }: Regexp): string {
  return template.replaceAll(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (variable, braced, bare) => {
    if (variable === '$$') return '$';
    const name = String(braced ?? bare);
    const named: Readonly<Record<string, number>> = program.namedGroups();
    const index = /^(?:0|[1-9]\d{0,8})$/.test(name)
      ? Number(name)
      : Object.hasOwn(named, name)
        ? named[name]
        : undefined;
    const span = index === undefined ? undefined : group(index);
    return span === undefined ? '' : text.slice(...span);
  });
}

function split(
  regexp: Regexp,
  { text, isAny }: { readonly text: string; readonly isAny: boolean },
  count: bigint,
  budget: Budget,
): List {
  if (count === 0n) return new List([], 'string', true);
  if (!isAny && text === '') return stringList(['']);
  const parts: Bytes[] = [];
  let begin = 0;
  let end = 0;
  for (const [start, stop] of matches(regexp, text, count, budget)) {
    if (count > 0n && BigInt(parts.length) === count - 1n) break;
    end = start;
    if (stop !== 0) parts.push(bytesOfLossless(text.slice(begin, end)));
    begin = stop;
  }
  if (end !== text.length) parts.push(bytesOfLossless(text.slice(begin)));
  return parts.length === 0 ? new List([], 'string') : stringList(parts);
}
