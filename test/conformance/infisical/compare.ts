// Compares a live answer with the recorded one: everything that is the same on every installation must be equal. Ids,
// tokens, times and ETags differ from one to the next and are compared as kinds of text. Secrets, tags and folders come in
// an order that means nothing and are sorted; the order of one folder's imports means something and is kept.
import { isDeepStrictEqual } from 'node:util';
import type { LiveAnswer } from './client.ts';
import type { Exchange } from './recordings.ts';

/** `exact` for a double in the recorded world; `shape` for a server with data of its own. */
export type Strictness = 'exact' | 'shape';

export interface Comparison {
  readonly strictness: Strictness;
  /** Several folders' imports stand together: those of equal position come in any order. */
  readonly areImportsMixed: boolean;
}

type Recorded = NonNullable<Exchange['response']>;

/** What differs, one line each, without values of secrets; empty when the two agree. */
export function differences(recorded: Recorded, live: LiveAnswer, how: Comparison): readonly string[] {
  const { strictness } = how;
  const found: string[] = [];
  if (recorded.status !== live.status) found.push(`status: recorded ${recorded.status}, here ${live.status}`);
  found.push(...headerDifferences(recorded, live, strictness));
  const expected = normalise(recorded.body ?? recorded.bodyText ?? '', how);
  const actual = normalise(parsed(live), how);
  if (strictness === 'exact') found.push(...bodyDifferences(expected, actual, 'body'));
  else if (recorded.status === live.status) found.push(...bodyDifferences(shapeOf(expected), shapeOf(actual), 'shape'));
  return found;
}

const limitHeaders = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'retry-after'];

function headerDifferences(recorded: Recorded, live: LiveAnswer, strictness: Strictness): readonly string[] {
  const names = ['content-type', ...(strictness === 'exact' ? limitHeaders : [])];
  const lines = names
    .filter((name) => recorded.headers[name] !== live.headers[name])
    .map((name) => `${name}: recorded ${recorded.headers[name]}, here ${live.headers[name]}`);
  const hasEtag = (headers: Readonly<Record<string, string | undefined>>) => headers['etag'] !== undefined;
  if (hasEtag(recorded.headers) !== hasEtag(live.headers)) {
    lines.push(`etag: recorded ${hasEtag(recorded.headers)}, here ${hasEtag(live.headers)}`);
  }
  return lines;
}

function parsed({ body, headers }: LiveAnswer): unknown {
  if (body === '' || !headers['content-type']?.startsWith('application/json')) return body;
  return JSON.parse(body);
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const jwt = /^[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}$/;
/** What newer servers call a request in its errors. */
const requestId = /^req-\w+$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The value with what is random replaced by its kind, and unordered lists sorted. */
function normalise(value: unknown, how: Comparison): unknown {
  if (typeof value === 'string') {
    if (jwt.test(value)) return '<token>';
    if (requestId.test(value)) return '<request>';
    return instant.test(value) ? '<time>' : value.replace(uuid, '<id>');
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => normalise(item, how));
    const isOrdered = !items.every(isNamed) || (items.some(isImport) && !how.areImportsMixed);
    return isOrdered ? items : items.toSorted((a, b) => compare(nameOf(a), nameOf(b)));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, normalise(member, how)]));
}

/** Members by which the items of unordered lists are told apart. */
const naming = ['environment', 'secretPath', 'secretKey', 'secretValue', 'position', 'slug', 'name'];

function isNamed(item: unknown): boolean {
  return typeof item === 'object' && item !== null && naming.some((member) => Object.hasOwn(item, member));
}

function isImport(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'secrets' in item && 'secretPath' in item;
}

function nameOf(item: unknown): string {
  return JSON.stringify(naming.map((member) => Object(item)[member] ?? ''));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Paths at which two values differ. Says what is missing or of another kind; never shows a `secretValue`. */
function bodyDifferences(expected: unknown, actual: unknown, path: string): readonly string[] {
  if (isDeepStrictEqual(expected, actual)) return [];
  if (isTree(expected) && isTree(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => bodyDifferences(Object(expected)[key], Object(actual)[key], `${path}.${key}`));
  }
  const show = (value: unknown) =>
    path.endsWith('.secretValue') ? `${typeof value}` : JSON.stringify(value)?.slice(0, 200);
  return [`${path}: recorded ${show(expected)}, here ${show(actual)}`];
}

function isTree(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Kinds in place of values; a list is the shape of its first item. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (!isTree(value)) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
}
