// Regular expressions of manifests: RE2 syntax, linear time, and Go's way of replacing. re2js compiles and matches; its own
// replaceAll follows JavaScript or Java, so Go's expansion rules (https://pkg.go.dev/regexp#Regexp.Expand) stand here.
import { RE2JS, RE2JSException } from 're2js';
import { OperatorError } from '../base/operator-error.ts';
import { Budget } from './budget.ts';
import { mostRepeats, programSize } from './regexp-size.ts';

/** A compiled pattern, and what it costs to use it. */
export interface Regexp {
  readonly program: RE2JS;
  /** Instructions. */
  readonly size: number;
  /** Characters that it looked at since it was compiled: its tables of states grow with them. */
  seen: number;
  /** The template that was written last, taken apart. */
  written?: { readonly template: string; readonly parts: readonly Part[] };
}

/** Longest pattern that is compiled, in UTF-16 units. */
const longestPattern = 4096;
/** Largest program: compiling it takes some 30 ms. */
const largestProgram = 10_000;
/** Compiled patterns kept: compiling takes some 0.1 ms, and stores repeat a handful of patterns. */
const cachedPatterns = 256;
/** What the kept ones may take together, as estimated. */
const cachedBytes = 32 * 2 ** 20;
const bytesPerInstruction = 300;
/** One character may add one state, which lists instructions; re2js keeps no more than this of them per pattern. */
const bytesPerState = 64;
const mostStateBytes = 8 * 2 ** 20;

const cache = new Map<string, Regexp>();

/**
 * Compiles, or takes the pattern from the cache. Throws InvalidSpec that quotes the pattern, what is wrong in it, and why;
 * TooMuchWork for one whose program is too large. One thing is refused that Go accepts: two groups of the same name.
 */
export function compile(pattern: string, budget = new Budget()): Regexp {
  const known = cache.get(pattern);
  const compiled = known ?? compileNew(pattern, budget);
  if (known !== undefined) cache.delete(pattern); // re-inserted as the youngest
  cache.set(pattern, compiled);
  forgetOldest();
  return compiled;
}

/** Empties the cache: for tests of what a pattern costs that nobody has used yet. */
export function forgetPatterns(): void {
  cache.clear();
}

/** What the cache holds, for its tests. */
export function cachedSize(): { readonly patterns: number; readonly bytes: number } {
  return { patterns: cache.size, bytes: [...cache.values()].reduce((sum, regexp) => sum + bytesOf(regexp), 0) };
}

function forgetOldest(): void {
  let { bytes } = cachedSize();
  for (const [pattern, regexp] of cache) {
    if (cache.size <= cachedPatterns && bytes <= cachedBytes) return;
    bytes -= bytesOf(regexp);
    cache.delete(pattern);
  }
}

function bytesOf({ size, seen }: Regexp): number {
  return size * bytesPerInstruction + Math.min(mostStateBytes, seen * (bytesPerState + Math.min(size, 1_000)));
}

function compileNew(pattern: string, budget: Budget): Regexp {
  if (pattern.length > longestPattern) {
    const length = `has ${pattern.length} characters, at most ${longestPattern} are allowed`;
    throw new OperatorError('InvalidSpec', `regular expression ${quoted(pattern)} ${length}`);
  }
  const { instructions, repeats } = programSize(pattern);
  if (repeats > mostRepeats) {
    const why = `repeats something more than ${mostRepeats} times, nested repetitions multiplied`;
    throw new OperatorError('InvalidSpec', `regular expression ${quoted(pattern)} ${why}`);
  }
  if (instructions > largestProgram) {
    const why = `has more than ${largestProgram} steps once its repetitions are written out`;
    throw new OperatorError('TooMuchWork', `regular expression ${quoted(pattern)} ${why}`);
  }
  budget.spend(instructions * unitsPerInstruction);
  try {
    const program = RE2JS.compile(pattern);
    return { program, size: Math.max(instructions, program.programSize()), seen: 0 };
  } catch (thrown) {
    const why =
      thrown instanceof RE2JSException ? thrown.message.replace(/^error parsing regexp: /, '') : 'it is not RE2 syntax';
    throw new OperatorError('InvalidSpec', `regular expression ${quoted(pattern)} does not compile: ${why}`);
  }
}

/** As messages name a pattern: short ones whole. */
function quoted(pattern: string): string {
  return JSON.stringify(pattern.length > longestQuote ? `${pattern.slice(0, 40)}…` : pattern);
}

const longestQuote = 200;
/** Compiling an instruction takes some 3 µs. */
const unitsPerInstruction = 150;
/** Small programs run as tables of states, large ones step by step. */
const largestFastProgram = 200;

/** Whether the pattern matches anywhere in the text. */
export function matches(regexp: Regexp, text: string, budget = new Budget()): boolean {
  const { size } = regexp;
  budget.spend(Math.ceil((text.length + 1) * size * (size <= largestFastProgram ? 0.25 : 1)));
  regexp.seen += text.length;
  return regexp.program.test(text);
}

/** A search and what is made of its match cost some 5 µs, however little it reads: an empty match stands everywhere. */
const unitsPerSearch = 500;

/** Each group is asked for its place. */
const unitsPerGroup = 10;

/** One instruction at one character, where all of them are alive at each: some 20 ns with their bookkeeping. */
const unitsPerStep = 2;

/** Units of one search that are paid before it begins. */
const longWay = 200_000;

/** Start and end of a group in UTF-16 units, or undefined when it took no part. */
export type Span = readonly [start: number, end: number] | undefined;

/** Every match in order, as Go's replacement sees them: group 0 and the groups. Empty matches behind a match are dropped. */
export function* eachMatch(
  regexp: Regexp,
  text: string,
  budget = new Budget(),
): Generator<readonly [Exclude<Span, undefined>, ...Span[]]> {
  const matcher = regexp.program.matcher(text);
  const groupCount = matcher.groupCount();
  let lastEnd = 0;
  // Each group more is one more thing that each step of the search carries along.
  const unitsPerCharacter = regexp.size * unitsPerStep * (1 + groupCount / 8);
  regexp.seen += text.length;
  for (let searchAt = 0; searchAt <= text.length; ) {
    // What a search reads is known afterwards: up to the end of the match, without one the rest. It is paid before where
    // the rest is a long way.
    const rest = Math.ceil((text.length - searchAt + 1) * unitsPerCharacter);
    const isPaidBefore = rest > longWay;
    if (isPaidBefore) budget.spend(rest);
    budget.spend(unitsPerSearch + groupCount * unitsPerGroup);
    const isFound = matcher.find(searchAt);
    const readTo = isFound ? matcher.end() : text.length;
    if (!isPaidBefore) budget.spend(Math.ceil((readTo - searchAt + 1) * unitsPerCharacter));
    if (!isFound) return;
    const whole = [matcher.start(), matcher.end()] as const;
    if (whole[1] > lastEnd || whole[0] === 0) {
      const groups = Array.from({ length: groupCount }, (_, index) =>
        spanOf(matcher.start(index + 1), matcher.end(index + 1)),
      );
      yield [whole, ...groups];
    }
    lastEnd = whole[1];
    const width = (text.codePointAt(searchAt) ?? 0) > 0xffff ? 2 : 1;
    searchAt = Math.max(lastEnd, searchAt + width);
  }
}

function spanOf(start: number, end: number): Span {
  return start < 0 ? undefined : [start, end];
}

/**
 * Every match replaced by the template: `$1`, `${1}`, `$name`, `${name}`, `$$`. The longest name counts, so `$1x` is the
 * group named "1x"; a group that is not there, or took no part, is empty.
 */
export function replaceAll(regexp: Regexp, text: string, template: string, options: ReplaceOptions = {}): string {
  const { budget = new Budget(), onProgress } = options;
  let parts: readonly Part[] | undefined;
  let replaced = '';
  let copiedTo = 0;
  for (const groups of eachMatch(regexp, text, budget)) {
    parts ??= partsOf(template, regexp, budget);
    budget.spend(parts.length * unitsPerPart);
    replaced += text.slice(copiedTo, groups[0][0]) + expanded(parts, text, groups, budget);
    copiedTo = groups[0][1];
    onProgress?.(replaced.length);
  }
  return replaced + text.slice(copiedTo);
}

export interface ReplaceOptions {
  readonly budget?: Budget;
  /** Told the length so far, in UTF-16 units; ends the replacing by throwing. */
  readonly onProgress?: (length: number) => void;
}

/** Writing one part of a template costs some 30 ns besides the text itself. */
const unitsPerPart = 5;

/** A variable of two characters takes some 200 ns to read. */
const unitsPerTemplateUnit = 15;

/** What a template writes: a text as it is, or what a group holds; undefined is a group that is not there. */
type Part = string | { readonly group: number | undefined };

/** The template taken apart: for the first match of a text, and for the next text not again. */
function partsOf(template: string, regexp: Regexp, budget: Budget): readonly Part[] {
  if (regexp.written?.template === template) return regexp.written.parts;
  budget.spend(template.length * unitsPerTemplateUnit);
  const parts: Part[] = [];
  let at = 0;
  for (const { 0: variable, 1: braced, 2: bare, index } of template.matchAll(variables)) {
    if (index > at) parts.push(template.slice(at, index));
    parts.push(variable === '$$' ? '$' : { group: groupIndex(String(braced ?? bare), regexp) });
    at = index + variable.length;
  }
  if (at < template.length) parts.push(template.slice(at));
  regexp.written = { template, parts };
  return parts;
}

const variables = /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

function expanded(parts: readonly Part[], text: string, groups: readonly Span[], budget: Budget): string {
  let written = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      budget.produce(part.length);
      written += part;
      continue;
    }
    const span = part.group === undefined ? undefined : groups[part.group];
    if (span === undefined) continue;
    budget.produce(span[1] - span[0]);
    written += text.slice(span[0], span[1]);
  }
  return written;
}

/** A number without leading zeros is an index (Go stops counting at 10^8), all else is a name. */
function groupIndex(name: string, regexp: Regexp): number | undefined {
  if (/^(?:0|[1-9]\d{0,8})$/.test(name)) return Number(name);
  const named: Readonly<Record<string, number>> = regexp.program.namedGroups();
  return Object.hasOwn(named, name) ? named[name] : undefined;
}
