// How large a pattern's program becomes, told from its text before anything is compiled: a pattern of 20 characters can
// stand for a million instructions. An estimate that is never much too low; what is no RE2 syntax is judged by the compiler.

/** Most times that anything may be repeated, nested repetitions multiplied, as Go bounds it. */
export const mostRepeats = 1_000;

export interface ProgramSize {
  /** Instructions, where a Unicode class counts as many because its tables are large. */
  readonly instructions: number;
  /** The largest product of nested repetitions. */
  readonly repeats: number;
}

/** A Unicode class such as `\pL` has some hundred ranges; compiling one takes as long as this many instructions. */
const unicodeClassCost = 20;
const repetition = /\{(\d+)(?:,(\d*))?\}/y;

interface Group {
  instructions: number;
  repeats: number;
  /** The last atom, which a repetition behind it multiplies. */
  last: ProgramSize;
}

const nothing: ProgramSize = { instructions: 0, repeats: 1 };

/** Reads the pattern once, in linear time. */
export function programSize(pattern: string): ProgramSize {
  const open: Group[] = [];
  let group: Group = { instructions: 1, repeats: 1, last: nothing };
  const close = (): ProgramSize => {
    group.instructions += group.last.instructions;
    return { instructions: group.instructions, repeats: Math.max(group.repeats, group.last.repeats) };
  };
  const append = (atom: ProgramSize) => {
    group.instructions += group.last.instructions;
    group.repeats = Math.max(group.repeats, group.last.repeats);
    group.last = atom;
  };
  for (let at = 0; at < pattern.length; ) {
    const symbol = pattern.charAt(at);
    if (symbol === '(') {
      append(nothing);
      open.push(group);
      group = { instructions: 2, repeats: 1, last: nothing };
      at++;
    } else if (symbol === ')') {
      const whole = close();
      group = open.pop() ?? { instructions: 1, repeats: 1, last: nothing };
      append(whole);
      at++;
    } else if (symbol === '*' || symbol === '+' || symbol === '?' || symbol === '|') {
      group.last = { ...group.last, instructions: group.last.instructions + 1 };
      if (symbol === '|') append(nothing);
      at++;
    } else if (symbol === '{') {
      const count = repeatAt(pattern, at);
      if (count === undefined) append({ instructions: 1, repeats: 1 });
      else {
        group.last = {
          instructions: (group.last.instructions + 1) * Math.max(1, count.times),
          repeats: group.last.repeats * Math.max(1, count.times),
        };
      }
      at = count?.end ?? at + 1;
    } else {
      const atom = atomAt(pattern, at);
      append({ instructions: atom.cost, repeats: 1 });
      at = atom.end;
    }
  }
  for (;;) {
    const whole = close();
    const parent = open.pop();
    if (parent === undefined) return whole;
    group = parent;
    append(whole);
  }
}

/** `{n}`, `{n,}` or `{n,m}`; anything else is a literal brace. */
function repeatAt(pattern: string, at: number): { readonly times: number; readonly end: number } | undefined {
  repetition.lastIndex = at;
  const found = repetition.exec(pattern);
  if (found === null) return undefined;
  const [, least = '', most] = found;
  const times = most === undefined || most === '' ? Number(least) + (most === '' ? 1 : 0) : Number(most);
  return { times, end: repetition.lastIndex };
}

interface Atom {
  readonly cost: number;
  readonly end: number;
}

function atomAt(pattern: string, at: number): Atom {
  if (pattern.charAt(at) === '[') return classAt(pattern, at);
  if (pattern.charAt(at) !== '\\') return { cost: 1, end: at + ((pattern.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) };
  if (pattern.startsWith('\\Q', at)) {
    const end = pattern.indexOf('\\E', at);
    const literal = end === -1 ? pattern.length : end;
    return { cost: Math.max(0, literal - at - 2), end: end === -1 ? literal : literal + 2 };
  }
  return escapeAt(pattern, at);
}

function escapeAt(pattern: string, at: number): Atom {
  const kind = pattern.charAt(at + 1);
  const isUnicodeClass = kind === 'p' || kind === 'P';
  const isBraced = (isUnicodeClass || kind === 'x') && pattern.charAt(at + 2) === '{';
  const brace = isBraced ? pattern.indexOf('}', at) : -1;
  const end = brace === -1 ? at + (isUnicodeClass ? 3 : 2) : brace + 1;
  return { cost: isUnicodeClass ? unicodeClassCost : 1, end };
}

/** `[…]`, in which a bracket at the beginning and the names in `[:…:]` do not end it. */
function classAt(pattern: string, start: number): Atom {
  let at = start + 1;
  let cost = 1;
  if (pattern.charAt(at) === '^') at++;
  const first = at;
  while (at < pattern.length) {
    const symbol = pattern.charAt(at);
    if (symbol === ']' && at > first) return { cost, end: at + 1 };
    if (pattern.startsWith('[:', at)) {
      const end = pattern.indexOf(':]', at + 2);
      at = end === -1 ? at + 1 : end + 2;
    } else if (symbol === '\\') {
      const escaped = escapeAt(pattern, at);
      cost += escaped.cost - 1;
      at = escaped.end;
    } else at++;
  }
  return { cost, end: pattern.length };
}
