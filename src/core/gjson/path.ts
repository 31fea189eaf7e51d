// The syntax of gjson paths (https://github.com/tidwall/gjson/blob/master/SYNTAX.md): one component at a time, what follows
// it, and the pieces of queries and multipaths. Knows text, never JSON documents.
import { isModifier } from './modifier-names.ts';
import { bracketEnd, delimitedEnd, trim, unescapeString } from './scan.ts';

/** What stands behind a component: `path` goes on inside the value, `pipe` starts anew on the whole result. */
export interface Tail {
  readonly path?: string;
  readonly pipe?: string;
}

export interface KeyComponent extends Tail {
  /** The key, escapes removed. */
  readonly key: string;
  readonly isPattern: boolean;
}

/** The first component of a path that meets an object. */
export function parseKeyComponent(path: string): KeyComponent {
  let key = '';
  let isPattern = false;
  // An escaped wildcard is taken literally only in a key without a wildcard: gjson removes the backslash all the same.
  for (let at = 0; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (symbol === '|') return { key, isPattern, pipe: path.slice(at + 1) };
    if (symbol === '.') return { key, isPattern, ...tailBehindDot(path, at) };
    if (symbol === '*' || symbol === '?') isPattern = true;
    key += symbol === '\\' ? path.charAt(++at) : symbol;
  }
  return { key, isPattern };
}

/** A dot before a modifier or a multipath is a pipe. */
function tailBehindDot(path: string, dot: number): Tail {
  const rest = path.slice(dot + 1);
  return startsAnew(rest) ? { pipe: rest } : { path: rest };
}

function startsAnew(path: string): boolean {
  if (!path.startsWith('@')) return path.startsWith('[') || path.startsWith('{');
  return isModifier(/^@([^.|:]*)/.exec(path)?.[1] ?? '');
}

export interface Query {
  readonly path: string;
  readonly operator: string;
  readonly value: string;
  /** `#(…)#`: every match instead of the first. */
  all: boolean;
}

export interface ElementComponent extends Tail {
  /** An index, `#`, or something that no element has. */
  readonly part: string;
  /** `#` is somewhere in it: no element is addressed by index. */
  readonly hasHash: boolean;
  /** Set for `#.path`: the path to collect from each element. */
  readonly collect: string | undefined;
  readonly query: Query | undefined;
}

/** The first component of a path that meets an array. */
export function parseElementComponent(path: string): ElementComponent {
  let hasHash = false;
  let collect: string | undefined;
  let query: Query | undefined;
  for (let at = 0; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (symbol === '|' || symbol === '.') {
      const tail = symbol === '.' && hasHash ? { path: path.slice(at + 1) } : undefined;
      const component = { part: path.slice(0, at), hasHash, collect, query };
      if (symbol === '|') return { ...component, pipe: path.slice(at + 1) };
      return { ...component, ...(tail ?? tailBehindDot(path, at)) };
    }
    if (symbol !== '#') continue;
    hasHash = true;
    if (at > 0 || path.length === 1) continue;
    if (path.charAt(1) === '.') collect = path.slice(2);
    else if (path.charAt(1) === '(' || path.charAt(1) === '[') {
      const parsed = parseQuery(path);
      query = parsed?.query ?? { path: '', operator: '', value: '', all: false };
      if (parsed === undefined) break;
      at = parsed.end - 1;
      query.all = path.charAt(at + 1) === '#';
    }
  }
  return { part: path, hasHash, collect, query };
}

/** `#(path operator value)` at the start of `path`, and the index behind it; undefined when it never closes. */
function parseQuery(path: string): { readonly query: Query; readonly end: number } | undefined {
  let operatorAt = 0;
  let depth = 1;
  let hasEscape = false;
  let at = 2;
  for (; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (depth === 1 && operatorAt === 0 && '!=<>%'.includes(symbol)) operatorAt = at;
    else if (symbol === '\\') at++;
    else if (symbol === '[' || symbol === '(') depth++;
    else if (symbol === ']' || symbol === ')') {
      if (--depth === 0) break;
    } else if (symbol === '"') {
      const end = quotedEnd(path, at);
      hasEscape ||= path.slice(at, end).includes('\\');
      at = end;
    }
  }
  if (depth > 0) return undefined;
  const end = at + 1;
  if (operatorAt === 0) return { query: { path: trim(path.slice(2, at)), operator: '', value: '', all: false }, end };
  const comparison = parseComparison(trim(path.slice(operatorAt, at)), hasEscape);
  return { query: { path: trim(path.slice(2, operatorAt)), ...comparison, all: false }, end };
}

/** Index of the closing quote of a quoted piece of a path, or an index behind the path. */
function quotedEnd(path: string, start: number): number {
  let at = start + 1;
  for (; at < path.length && path.charAt(at) !== '"'; at++) if (path.charAt(at) === '\\') at++;
  return at;
}

function parseComparison(text: string, hasEscape: boolean): { readonly operator: string; readonly value: string } {
  // A lone sign is the operator whatever it is; a `!` that starts neither != nor !% belongs to the value.
  const [written] = /^(?:!=|!%|<=|>=|==|[<>=%]|!$)/.exec(text) ?? [''];
  const value = trim(text.slice(written.length));
  const operator = written === '==' ? '=' : written;
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return { operator, value };
  const content = value.slice(1, -1);
  return { operator, value: hasEscape ? unescapeString(content) : content };
}

/** A path cut at its first pipe outside of queries: what is applied to each element, and what to all of them together. */
export function splitAtPipe(path: string): { readonly left: string; readonly right: string } | undefined {
  if (!path.includes('|')) return undefined;
  if (path.startsWith('{')) {
    const end = delimitedEnd(path, 1);
    return path.charAt(end) === '|' ? { left: path.slice(0, end), right: path.slice(end + 1) } : undefined;
  }
  for (let at = 0; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (symbol === '|') return { left: path.slice(0, at), right: path.slice(at + 1) };
    if (symbol === '\\') at++;
    else if (symbol === '.') {
      if (at === path.length - 1) return undefined;
      if (path.charAt(at + 1) !== '#') continue;
      at += 2;
      if (at === path.length) return undefined;
      if (path.charAt(at) === '[' || path.charAt(at) === '(') at = selectorEnd(path, at);
    }
  }
  return undefined;
}

/** Index of the bracket that closes the one at `start`; only brackets of its kind count, quotes and escapes are honoured. */
function selectorEnd(path: string, start: number): number {
  const open = path.charAt(start);
  const close = open === '[' ? ']' : ')';
  let depth = 1;
  let at = start + 1;
  for (; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (symbol === '\\') at++;
    else if (symbol === open) depth++;
    else if (symbol === close) {
      if (--depth === 0) break;
    } else if (symbol === '"') at = quotedEnd(path, at);
  }
  return at;
}

/** One selector of a multipath; `name` is undefined when it is to be taken from the path. */
export interface Selector {
  readonly name: string | undefined;
  readonly path: string;
}

/** The selectors of `[a,b]` or `{"x":a,b}` at the start of `path` and what follows them; undefined when it never closes. */
export function parseMultipath(
  path: string,
): { readonly selectors: readonly Selector[]; readonly rest: string } | undefined {
  const selectors: Selector[] = [];
  let depth = 1;
  let start = 1;
  let colon = 0;
  let inModifier = false; // a modifier's argument has a colon of its own
  const push = (end: number) => {
    const name = colon === 0 ? undefined : path.slice(start, colon);
    selectors.push({ name, path: path.slice(colon === 0 ? start : colon + 1, end) });
    colon = 0;
    inModifier = false;
    start = end + 1;
  };
  for (let at = 1; at < path.length; at++) {
    const symbol = path.charAt(at);
    if (symbol === '\\') at++;
    else if (symbol === '@') inModifier ||= path.charAt(at - 1) === '.' || path.charAt(at - 1) === '|';
    else if (symbol === ':' && !inModifier && colon === 0 && depth === 1) colon = at;
    else if (symbol === ',' && depth === 1) push(at);
    else if (symbol === '"') at = quotedEnd(path, at);
    else if ('[({'.includes(symbol)) depth++;
    else if ('])}'.includes(symbol) && --depth === 0) {
      push(at);
      return { selectors, rest: path.slice(at + 1) };
    }
  }
  return undefined;
}

/** The name that a selector without one gives its value: the last component, or `_` when that is more than a name. */
export function impliedName(path: string): string {
  let start = path.length;
  while (start > 0 && !(/[.|]/.test(path.charAt(start - 1)) && path.charAt(start - 2) !== '\\')) start--;
  const name = path.slice(start);
  const isSimple = !/[[\]{}()#|!]/.test(name) && Array.from(name).every((symbol) => symbol >= ' ');
  return isSimple ? name : '_';
}

/** A modifier call `@name:argument` split from what follows it. */
export interface ModifierCall {
  readonly name: string;
  readonly argument: string;
  readonly rest: string;
}

export function parseModifierCall(path: string): ModifierCall {
  const name = /^@([^:|.]*)/.exec(path)?.[1] ?? '';
  const behind = path.slice(name.length + 1);
  if (!behind.startsWith(':') || behind.length === 1) return { name, argument: '', rest: behind.replace(/^:/, '') };
  const text = behind.slice(1);
  const end = '{["'.includes(text.charAt(0)) ? delimitedEnd(text, 0) : simpleArgumentEnd(text);
  return { name, argument: text.slice(0, end), rest: text.slice(end) };
}

function simpleArgumentEnd(text: string): number {
  let at = 0;
  for (; at < text.length && text.charAt(at) !== '|'; at++) {
    if ('{["('.includes(text.charAt(at))) at = delimitedEnd(text, at) - 1;
  }
  return at;
}

/** A literal `!value` split from what follows it, or undefined when it is none. */
export function parseLiteral(path: string): { readonly json: string; readonly rest: string } | undefined {
  const text = path.slice(1);
  if (/^[{["+\-0-9]/.test(text)) {
    const end = bracketEnd(text, 0);
    return { json: text.slice(0, end), rest: text.slice(end) };
  }
  const name = /^[^|.]*/.exec(text)?.[0] ?? '';
  return /^(?:true|false|null|nan|inf)$/i.test(name) ? { json: name, rest: text.slice(name.length) } : undefined;
}
