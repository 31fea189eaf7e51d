// Looks a gjson path up in raw JSON text, as tidwall/gjson 1.18 does (https://github.com/tidwall/gjson): the document is
// read only as far as needed and not validated, the first of two equal keys wins, results keep their raw text.

import { OperatorError } from '../../base/operator-error.ts';
import { Budget } from '../budget.ts';
import { isJson } from '../json-text.ts';
import { Effort } from './effort.ts';
import { isModifier } from './modifier-names.ts';
import { applyModifier } from './modifiers.ts';
import {
  type ElementComponent,
  impliedName,
  parseElementComponent,
  parseKeyComponent,
  parseLiteral,
  parseModifierCall,
  parseMultipath,
  type Query,
  type Selector,
  splitAtPipe,
} from './path.ts';
import { passesQuery } from './query.ts';
import type { GjsonResult } from './result.ts';
import {
  jsonResult,
  numberResult,
  parse,
  quoteJson,
  readValue,
  stringEnd,
  tokenAt,
  tokenEnd,
  tokenResult,
  unescapeString,
} from './scan.ts';
import { matchesWildcard } from './wildcard.ts';

/** Longest path that is looked up, in UTF-16 units. */
const longestPath = 16_384;

/**
 * What the path selects, or undefined when that is nothing. Throws InvalidSpec when the path is too long or leads too deep,
 * TooMuchWork when it multiplies the document beyond the budget; never for a path or a document that makes no sense.
 */
export function getPath(json: string, path: string, budget = new Budget()): GjsonResult | undefined {
  if (path.length > longestPath) {
    throw new OperatorError(
      'InvalidSpec',
      `the property path has ${path.length} characters, at most ${longestPath} are allowed`,
    );
  }
  // What a search reads is paid behind it; of a document that is long by itself, once before.
  if (json.length > longDocument) budget.spend(json.length);
  return lookUp(json, path, new Effort(budget));
}

/** UTF-16 units whose one reading is a part of a share that counts. */
const longDocument = 500_000;

/** What a look-up costs besides what it reads: queries make one for each element. */
const unitsPerLookUp = 24;

/** One look-up after another while pipes lead on; only what is inside a value nests. */
function lookUp(document: string, fullPath: string, effort: Effort): GjsonResult | undefined {
  let json = document;
  let path = fullPath;
  for (;;) {
    effort.spend(path.length + unitsPerLookUp);
    const step = leadingStep(json, path, effort);
    if ('found' in step) return step.found;
    if ('next' in step) {
      ({ json, path } = step.next);
      continue;
    }
    const search: Search = { json, at: 0, found: undefined, pipe: undefined, effort };
    searchDocument(search, step.search);
    effort.spend(search.at);
    if (search.pipe === undefined) return search.found;
    json = search.found?.raw ?? '';
    path = search.pipe;
  }
}

type Step =
  | { readonly found: GjsonResult | undefined }
  | { readonly next: { readonly json: string; readonly path: string } }
  /** Nothing done: the document is searched for this path. */
  | { readonly search: string };

/** What a path that begins with a modifier, a literal or a multipath does first. */
function leadingStep(json: string, path: string, effort: Effort): Step {
  if (path.length < 2) return { search: path };
  if (path.startsWith('@')) {
    const { name, argument, rest } = parseModifierCall(path);
    if (!isModifier(name)) return { search: path };
    return goOn(applyModifier(name, json, argument, { lookUp, effort }), rest);
  }
  if (path.startsWith('!')) {
    const literal = parseLiteral(path);
    return literal === undefined ? { search: path } : goOn(literal.json, literal.rest);
  }
  if (!path.startsWith('[') && !path.startsWith('{')) return { search: path };
  // gjson goes on with what it could not read as a multipath: nothing when it never closes, else what stands behind it.
  const multipath = parseMultipath(path) ?? { selectors: [], rest: undefined };
  if (multipath.rest === undefined) return { search: '' };
  if (!/^(?:$|[|.])/.test(multipath.rest)) return { search: multipath.rest };
  const collected = collect(json, multipath.selectors, path.startsWith('{'), effort);
  if (multipath.rest === '') return { found: jsonResult(collected) };
  return { next: { json: collected, path: multipath.rest.slice(1) } };
}

/** Whatever follows other than a dot or a pipe is ignored. */
function goOn(json: string, rest: string): Step {
  if (rest.startsWith('|') || rest.startsWith('.')) return { next: { json, path: rest.slice(1) } };
  return { found: parse(json) };
}

function collect(json: string, selectors: readonly Selector[], asObject: boolean, effort: Effort): string {
  const members: string[] = [];
  for (const { name, path } of selectors) {
    const found = effort.nested(() => lookUp(json, path, effort));
    if (found === undefined) continue;
    const value = found.raw === '' ? 'null' : found.raw;
    const member = asObject ? `${memberName(name, path)}:${value}` : value;
    effort.produce(member.length);
    members.push(member);
  }
  return asObject ? `{${members.join(',')}}` : `[${members.join(',')}]`;
}

function memberName(name: string | undefined, path: string): string {
  if (name === undefined || name === '') return quoteJson(impliedName(path));
  return name.startsWith('"') && isJson(name) ? name : quoteJson(name);
}

/** A walk through one document: where it stands, what it found, and the pipe that the found value goes through. */
interface Search {
  readonly json: string;
  at: number;
  found: GjsonResult | undefined;
  pipe: string | undefined;
  readonly effort: Effort;
}

function searchDocument(search: Search, path: string): void {
  if (path.startsWith('..')) {
    searchArray(search, path.slice(2)); // JSON lines: the text is the inside of an array
    return;
  }
  const start = search.json.search(/[{[]/);
  if (start === -1) return;
  search.at = start + 1;
  if (search.json.charAt(start) === '{') searchObject(search, path);
  else searchArray(search, path);
}

/** Walks the object whose members start at `search.at`. True when the search is over; `found` holds what it found. */
function searchObject(search: Search, path: string): boolean {
  const { json, effort } = search;
  const component = parseKeyComponent(path);
  if (component.pipe !== undefined) search.pipe = component.pipe;
  for (;;) {
    const key = nextKey(search);
    if (key === undefined) return false;
    const isMatch = component.isPattern ? matchesWildcard(key, component.key, effort) : key === component.key;
    const token = nextToken(search);
    if (token === undefined) return false;
    if (isMatch && component.path !== undefined && (token === 'object' || token === 'array')) {
      if (descend(search, token, component.path)) return true;
      continue;
    }
    const start = search.at;
    if (!skipToken(search, token)) return false;
    if (isMatch && component.path === undefined) {
      search.found = tokenResult(token, json.slice(start, search.at));
      return true;
    }
  }
}

function descend(search: Search, token: 'object' | 'array', path: string): boolean {
  search.at++;
  return search.effort.nested(() => (token === 'object' ? searchObject(search, path) : searchArray(search, path)));
}

/** The next key, unescaped; undefined at the end of the object, which is stepped over. */
function nextKey(search: Search): string | undefined {
  const { json } = search;
  for (; search.at < json.length; search.at++) {
    const unit = json.charAt(search.at);
    if (unit === '}') {
      search.at++;
      return undefined;
    }
    if (unit !== '"') continue;
    const start = search.at;
    const end = stringEnd(json, start);
    search.at = end ?? json.length;
    return end === undefined ? undefined : unescapeString(json.slice(start + 1, end - 1));
  }
  return undefined;
}

type Token = NonNullable<ReturnType<typeof tokenAt>>;

/** Moves to the next value; undefined when the text ends first. */
function nextToken(search: Search): Token | undefined {
  for (; search.at < search.json.length; search.at++) {
    const token = tokenAt(search.json, search.at);
    if (token !== undefined) return token;
  }
  return undefined;
}

/** Moves behind the value at `search.at`; false when it is a string that never closes. */
function skipToken(search: Search, token: Token): boolean {
  const end = token === 'string' ? stringEnd(search.json, search.at) : tokenEnd(search.json, search.at, token);
  search.at = end ?? search.json.length;
  return end !== undefined;
}

/** Walks the array whose elements start at `search.at`. The end of the text closes it. */
function searchArray(search: Search, path: string): boolean {
  const { json } = search;
  const component = parseElementComponent(path);
  if (component.path === undefined && component.pipe !== undefined) search.pipe = component.pipe;
  const index = component.hasHash || !/^\d+$/.test(component.part) ? -1 : Number(component.part);
  const query = component.query === undefined ? undefined : startQuery(component, component.query);
  /** Where each element's text begins, for `#.path`. */
  const starts: number[] = [];
  for (let count = 0; ; count++) {
    starts.push(search.at);
    const token = nextElement(search);
    if (token === undefined) return false;
    if (token === 'end') {
      search.at++;
      return endOfArray(search, component, query, starts, count);
    }
    if (index === count && component.path !== undefined && (token === 'object' || token === 'array')) {
      if (descend(search, token, component.path)) return true;
      continue;
    }
    const start = search.at;
    if (!skipToken(search, token)) return false;
    const isHit = index === count && component.path === undefined;
    if (!isHit && query === undefined) continue;
    const element = tokenResult(token, json.slice(start, search.at));
    if (query !== undefined) {
      if (askElement(search, query, element)) return true;
    } else {
      search.found = element;
      return true;
    }
  }
}

/**
 * Moves to the next element, or to the bracket (or end of the text) that closes the array; undefined when the last element
 * ran beyond the text.
 */
function nextElement(search: Search): Token | 'end' | undefined {
  for (; search.at < search.json.length; search.at++) {
    if (search.json.charAt(search.at) === ']') return 'end';
    const token = tokenAt(search.json, search.at);
    if (token !== undefined) return token;
  }
  return search.at === search.json.length ? 'end' : undefined;
}

/** A query under way: what it collected, and where its path leads from a match. */
interface RunningQuery {
  readonly query: Query;
  readonly path: string | undefined;
  readonly pipe: string | undefined;
  readonly matches: string[];
}

function startQuery(component: ElementComponent, query: Query): RunningQuery {
  const split = component.path === undefined ? undefined : splitAtPipe(component.path);
  return { query, path: split?.left ?? component.path, pipe: split?.right, matches: [] };
}

/** True when this element ends the search: it matches and the query wants one. */
function askElement(search: Search, { query, path, pipe, matches }: RunningQuery, element: GjsonResult): boolean {
  const { effort } = search;
  const inside = (into: string) => effort.nested(() => lookUp(element.raw, into, effort));
  if (element.kind !== 'json' && query.path !== '') return false;
  const asked = element.kind === 'json' ? inside(query.path) : element;
  if (!passesQuery(query, asked, effort)) return false;
  if (pipe !== undefined) search.pipe = pipe;
  const selected = path === undefined ? element : inside(path);
  if (!query.all) {
    search.found = selected;
    return true;
  }
  if (selected !== undefined && selected.raw !== '') {
    effort.produce(selected.raw.length);
    matches.push(selected.raw);
  }
  return false;
}

/** `#` counts and `#.path` collects, which ends the search; a query for all leaves its matches, and the walk goes on. */
function endOfArray(
  search: Search,
  component: ElementComponent,
  query: RunningQuery | undefined,
  starts: readonly number[],
  count: number,
): boolean {
  if (component.hasHash && component.part === '#') {
    search.found =
      component.collect === undefined ? numberResult(String(count)) : collectEach(search, component.collect, starts);
    return true;
  }
  if (query?.query.all === true) search.found ??= jsonResult(`[${query.matches.join(',')}]`);
  return false;
}

function collectEach(search: Search, path: string, starts: readonly number[]): GjsonResult {
  const { json, effort } = search;
  const split = splitAtPipe(path);
  if (split !== undefined) search.pipe = split.right;
  const collected: string[] = [];
  for (const start of starts) {
    const element = isAtClosingBracket(json, start) ? undefined : readValue(json, start);
    if (element === undefined) continue;
    const found = effort.nested(() => lookUp(element.value.raw, split?.left ?? path, effort));
    if (found === undefined || found.raw === '') continue;
    effort.produce(found.raw.length);
    collected.push(found.raw);
  }
  return jsonResult(`[${collected.join(',')}]`);
}

/** The last start of an array stands before its closing bracket, and belongs to no element. */
function isAtClosingBracket(json: string, start: number): boolean {
  let at = start;
  while (at < json.length && ' \t\r\n'.includes(json.charAt(at))) at++;
  return json.charAt(at) === ']';
}
