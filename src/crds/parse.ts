// Reads untrusted objects with the schemas: defaults applied, unknown fields left out, and for what does not fit, one line
// that names the field and what belongs there. Values are never quoted.

import * as z from 'zod/mini';
import { isRecord, type JsonObject } from '../base/json.ts';
import { fieldsLeftOut, mostPartsOf, tooManyParts } from '../base/left-out.ts';
import { wordsOf } from './kit.ts';
import type { ObjectMeta } from './object.ts';

/** An object that was read, or what is wrong with it. */
export type Parsed<T> =
  | { readonly ok: T; readonly issues?: undefined }
  | { readonly ok?: undefined; readonly issues: readonly string[] };

/** The envelope that all kinds share, its status not yet read. */
interface Envelope<Spec> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
}

/** Issues named at most: a condition's message is read by people. */
const maxIssues = 10;

/** Most members and elements of a spec, at all depths: some 4,000 entries of `data`. Reading more takes too long at once. */
const mostParts = 25_000;

/** Of one map: its entries cost several times as much as others. */
const mostEntries = 5_000;

/** Without what an object can be read all the same. */
const dispensable: ReadonlySet<string> = new Set(['status', 'metadata.managedFields']);

/** The object at a key; an empty one when there is none. */
export function recordAt(value: unknown, key: string): JsonObject {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
}

/**
 * The schema compiled for reading: the same results and issues as the schema itself, at a tenth of the time. Derived
 * schemas would not be compiled, so only whole specs and statuses are.
 */
export function compiled<S extends z.ZodMiniType>(schema: S): S {
  return z.compile(schema, { strict: true });
}

/**
 * Reads everything but the status. Metadata comes from the API server and is passed on; only its name must be there.
 * `document` is a field of the spec that is passed on as it is, and bounded where it is read.
 */
export function parseObject<S extends z.ZodMiniType>(
  raw: unknown,
  spec: S,
  { document }: { readonly document?: string } = {},
): Parsed<Envelope<z.output<S>>> {
  const lost = fieldsLeftOut(raw).filter((field) => !dispensable.has(field));
  if (lost.length > 0) return { issues: lost.map((field) => tooManyParts(field, mostPartsOf(field))) };
  const metadata = recordAt(raw, 'metadata');
  if (!isRecord(raw) || !isMeta(metadata)) return { issues: ['metadata.name: is required'] };
  const given = raw['spec'] ?? {};
  const read = document !== undefined && isRecord(given) ? { ...given, [document]: undefined } : given;
  if (partsLeft(read, mostParts) < 0) return { issues: [whatIsTooMuch(read)] };
  const parsed = parseSpec(given, spec);
  if (parsed.issues !== undefined) return parsed;
  const { apiVersion, kind } = raw;
  return {
    ok: {
      ...(typeof apiVersion === 'string' && { apiVersion }),
      ...(typeof kind === 'string' && { kind }),
      metadata,
      spec: parsed.ok,
    },
  };
}

/** The status of an object; undefined when it has none or when it cannot be read: it is the operator's to write anew. */
export function readStatus<S extends z.ZodMiniType>(raw: unknown, status: S): z.output<S> | undefined {
  const value = isRecord(raw) ? raw['status'] : undefined;
  if (value === undefined) return undefined;
  const parsed = z.safeParse(status, value);
  return parsed.success ? parsed.data : undefined;
}

function isMeta(metadata: JsonObject): metadata is JsonObject & ObjectMeta {
  return typeof metadata['name'] === 'string' && metadata['name'] !== '';
}

function parseSpec<S extends z.ZodMiniType>(value: unknown, spec: S): Parsed<z.output<S>> {
  const first = z.safeParse(spec, value);
  if (first.success) return { ok: first.data };
  // The API server drops nulls; files may hold them. A second look is only paid for by what failed.
  const bare = withoutNulls(value);
  const second = z.safeParse(spec, bare);
  if (second.success) return { ok: second.data };
  const issues = second.error.issues.map(
    (issue) => `${pathText(['spec', ...issue.path])}: ${expectation(issue, bare)}`,
  );
  const more = issues.length - maxIssues;
  return { issues: more > 0 ? [...issues.slice(0, maxIssues), `and ${more} more`] : issues };
}

function whatIsTooMuch(spec: unknown): string {
  const path = wideMap(spec, []);
  return path === undefined ? tooManyParts('spec', mostParts) : tooManyParts(pathText(['spec', ...path]), mostEntries);
}

/** Where a map is that has too many entries. */
function wideMap(value: unknown, path: readonly string[]): readonly string[] | undefined {
  if (!isRecord(value)) return undefined; // the maps of a schema are nowhere in a list
  const names = Object.keys(value);
  if (names.length > mostEntries) return path;
  for (const name of names) {
    const found = wideMap(value[name], [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is left of `left` after each member and element was counted; below 0 as soon as there are more, or too many in a map. */
function partsLeft(value: unknown, left: number): number {
  if (typeof value !== 'object' || value === null) return left;
  const parts = Array.isArray(value) ? value : Object.values(value);
  if (parts.length > mostEntries && !Array.isArray(value)) return -1;
  let rest = left - parts.length;
  for (const part of parts) {
    if (rest < 0) break;
    rest = partsLeft(part, rest);
  }
  return rest;
}

/** The value without members that are null, as the API server prunes fields that are not nullable. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutNulls(member)]));
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

function expectation(issue: z.core.$ZodIssue, root: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, valueAt(root, issue.path));
    case 'invalid_value':
      return valueAt(root, issue.path) === undefined
        ? 'is required'
        : `expected one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return `expected ${wordsOf(issue.pattern)}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty'
        : `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `must be at most ${issue.maximum} characters long`
        : `must be at most ${issue.maximum}`;
    case 'invalid_union':
      return 'expected a whole number or a string';
    case 'custom':
      return issue.message;
    default:
      return 'is not valid';
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  undefined: 'nothing',
  null: 'null',
};

function wrongType(expected: string, found: unknown): string {
  if (found === undefined) return 'is required';
  const kind = found === null ? 'null' : Array.isArray(found) ? 'array' : typeof found;
  return `expected ${typeWords[expected] ?? expected}, found ${typeWords[kind] ?? kind}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
