// Regular expressions of manifests: RE2 syntax, linear time, and Go's way of replacing. re2js compiles and matches; its own
// replaceAll follows JavaScript or Java, so Go's expansion rules (https://pkg.go.dev/regexp#Regexp.Expand) stand here.
import { RE2JS, RE2JSException } from 're2js';
import { OperatorError } from './operator-error.ts';

/** A compiled pattern; what it holds is re2js's business. */
export type Regexp = RE2JS;

/** Longest pattern that is compiled, in UTF-16 units. */
const longestPattern = 4096;
/** Compiled patterns kept: compiling takes some 0.1 ms, and stores repeat a handful of patterns. */
const cachedPatterns = 256;

const cache = new Map<string, Regexp>();

/**
 * Compiles, or takes the pattern from the cache. Throws InvalidSpec that quotes the pattern, what is wrong in it, and why.
 * One thing is refused that Go accepts: two groups of the same name.
 */
export function compile(pattern: string): Regexp {
  const known = cache.get(pattern);
  if (known !== undefined) {
    cache.delete(pattern); // re-inserted below as the youngest
    cache.set(pattern, known);
    return known;
  }
  const compiled = compileNew(pattern);
  cache.set(pattern, compiled);
  const [oldest] = cache.keys();
  if (cache.size > cachedPatterns && oldest !== undefined) cache.delete(oldest);
  return compiled;
}

function compileNew(pattern: string): Regexp {
  if (pattern.length > longestPattern) {
    const length = `has ${pattern.length} characters, at most ${longestPattern} are allowed`;
    throw new OperatorError(
      'InvalidSpec',
      `regular expression ${JSON.stringify(`${pattern.slice(0, 40)}…`)} ${length}`,
    );
  }
  try {
    return RE2JS.compile(pattern);
  } catch (thrown) {
    const why =
      thrown instanceof RE2JSException ? thrown.message.replace(/^error parsing regexp: /, '') : 'it is not RE2 syntax';
    throw new OperatorError('InvalidSpec', `regular expression ${JSON.stringify(pattern)} does not compile: ${why}`);
  }
}

/** Whether the pattern matches anywhere in the text. */
export function matches(regexp: Regexp, text: string): boolean {
  return regexp.test(text);
}

/** Start and end of a group in UTF-16 units, or undefined when it took no part. */
export type Span = readonly [start: number, end: number] | undefined;

/** Every match in order, as Go's replacement sees them: group 0 and the groups. Empty matches behind a match are dropped. */
export function* eachMatch(regexp: Regexp, text: string): Generator<readonly [Exclude<Span, undefined>, ...Span[]]> {
  const matcher = regexp.matcher(text);
  const groupCount = matcher.groupCount();
  let lastEnd = 0;
  for (let searchAt = 0; searchAt <= text.length && matcher.find(searchAt); ) {
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
export function replaceAll(regexp: Regexp, text: string, template: string): string {
  let replaced = '';
  let copiedTo = 0;
  for (const groups of eachMatch(regexp, text)) {
    replaced += text.slice(copiedTo, groups[0][0]) + expand(template, text, groups, regexp);
    copiedTo = groups[0][1];
  }
  return replaced + text.slice(copiedTo);
}

function expand(template: string, text: string, groups: readonly Span[], regexp: Regexp): string {
  return template.replaceAll(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (variable, braced, bare) => {
    if (variable === '$$') return '$';
    const index = groupIndex(String(braced ?? bare), regexp);
    const span = index === undefined ? undefined : groups[index];
    return span === undefined ? '' : text.slice(span[0], span[1]);
  });
}

/** A number without leading zeros is an index (Go stops counting at 10^8), all else is a name. */
function groupIndex(name: string, regexp: Regexp): number | undefined {
  if (/^(?:0|[1-9]\d{0,8})$/.test(name)) return Number(name);
  const named: Readonly<Record<string, number>> = regexp.namedGroups();
  return Object.hasOwn(named, name) ? named[name] : undefined;
}
