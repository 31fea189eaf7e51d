// From secrets to the values that a request asked for: property, members of an object, search. Pure.

import { OperatorError } from '../../base/operator-error.ts';
import { writtenText } from '../../core/gjson/result.ts';
import type { Desk } from '../../core/jobs.ts';
import { isJson } from '../../core/json-text.ts';
import { didYouMean } from '../../core/near-miss.ts';
import { SecretValue } from '../../core/secret-value.ts';
import { mostKeySources, type Origin } from '../../core/selection.ts';
import type { ReadRequest, ReadResult } from '../contract.ts';
import { type FolderView, type FoundKey, mergedWhere } from './folder-view.ts';
import type { WireSecret } from './wire.ts';

export type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;
export type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;

/** How many keys a message names. */
const namedKeys = 5;

/** The secret's value, where the request asks for it as it is and the server shows it. */
export function wholeOf({ value }: WireSecret, { kind, property }: KeyedRequest): SecretValue | undefined {
  return kind === 'value' && !property ? value : undefined;
}

/**
 * What a `value` or `map` request gets from its secret. `version` is left alone: the server ignores it. Throws ValueHidden,
 * PropertyNotFound, InvalidValue, TooMuchWork.
 */
export async function select(
  secret: WireSecret,
  request: KeyedRequest,
  desk: Desk,
): Promise<ReadonlyMap<string, SecretValue>> {
  if (secret.value === undefined) throw hidden([request.key]);
  const text = request.property ? await propertyText(secret.value.text(), request, desk) : undefined;
  if (request.kind === 'value') {
    return new Map([[request.key, text === undefined ? secret.value : new SecretValue(text)]]);
  }
  return await objectMembers(text ?? secret.value.text(), request, desk);
}

/** The property as it is written: a string unescaped, null empty, anything else as its JSON text. */
async function propertyText(text: string, { key, property = '' }: KeyedRequest, desk: Desk): Promise<string> {
  const found = await desk.run('property', { text, path: property });
  if (found !== undefined) return writtenText(found);
  // gjson reads what it can of broken JSON, so the document is judged only when nothing was found.
  if (!isJson(text)) {
    throw new OperatorError('InvalidValue', `the value of "${key}" is not JSON, so it has no property "${property}"`);
  }
  const hint = await propertyHint(text, property, desk);
  throw new OperatorError('PropertyNotFound', `the value of "${key}" has no property "${property}"${hint}`);
}

/** A dot in the name of a property parts a path, unless it is escaped. */
async function propertyHint(text: string, property: string, desk: Desk): Promise<string> {
  try {
    const names = [...(await desk.run('members', { text })).keys()];
    if (property.includes('.') && names.includes(property))
      return `; the dot belongs to the name: write ${property.replaceAll('.', String.raw`\.`)}`;
    return didYouMean(property, names);
  } catch {
    return ''; // not an object, or too large to look for a hint in
  }
}

async function objectMembers(
  text: string,
  { key, property }: KeyedRequest,
  desk: Desk,
): Promise<Map<string, SecretValue>> {
  const what = property ? `property "${property}" of "${key}"` : `"${key}"`;
  try {
    const members = await desk.run('members', { text });
    return new Map([...members].map(([name, value]) => [name, new SecretValue(value)]));
  } catch (error) {
    throw error instanceof OperatorError ? error.within(`${what} cannot be extracted`) : error;
  }
}

/**
 * All keys of the view that the search asks for; an empty map is an answer. Throws ValueHidden, InvalidSpec, TooMuchWork, and
 * Unsupported for metadata on a server that has none.
 */
export async function search(
  view: FolderView,
  { nameRegexp, path, tags = {} }: FindRequest,
  desk: Desk,
): Promise<ReadResult> {
  const prefix = path === undefined || path.startsWith('/') ? '' : path;
  const merged = Object.keys(tags).length === 0 ? view.merged() : tagged(view, tags);
  const candidates = [...merged.keys()].filter((key) => key.startsWith(prefix));
  const keys = nameRegexp ? await desk.run('search', { pattern: nameRegexp, keys: candidates }) : candidates;
  const values = new Map<string, SecretValue>();
  const shadowed: string[] = [];
  const hiddenKeys: string[] = [];
  const origins = new Map<string, Origin>();
  for (const key of keys) {
    const found = merged.get(key);
    if (found === undefined) continue;
    if (found.secret.value === undefined) hiddenKeys.push(key);
    else values.set(key, found.secret.value);
    if (origins.size < mostKeySources) origins.set(key, originOf(found.secret));
    shadowed.push(...found.shadowed);
  }
  if (hiddenKeys.length > 0) throw hidden(hiddenKeys);
  return { values, origins, ...(shadowed.length === 0 ? {} : { shadowed }) };
}

/** Where a secret is from; the server does not tell the folder of one that is imported. */
export function originOf({ folder, version, updatedAtMs }: WireSecret): Origin {
  return {
    ...(folder === undefined ? {} : { folder }),
    ...(version === 0 ? {} : { version: String(version) }),
    ...(updatedAtMs === 0 ? {} : { sinceMs: updatedAtMs }),
  };
}

/**
 * The secrets that carry all of `tags`: an entry without a value is the slug of a tag, one with a value is metadata. Told here
 * and not asked of the server, so that the list which all share serves this search as well.
 */
function tagged(view: FolderView, tags: Readonly<Record<string, string>>): ReadonlyMap<string, FoundKey> {
  const wanted = Object.entries(tags);
  if (wanted.some(([, text]) => text !== '')) refuseWithoutMetadata(view);
  return mergedWhere(view, (secret) =>
    wanted.every(([name, text]) =>
      text === '' ? secret.tags?.includes(name) === true : secret.metadata?.get(name) === text,
    ),
  );
}

/** A server that tells of no metadata would answer every such search with nothing, which a deletionPolicy may act on. */
function refuseWithoutMetadata({ own }: FolderView): void {
  for (const secrets of own.values()) for (const { metadata } of secrets.values()) if (metadata !== undefined) return;
  if (own.size === 0) return;
  throw new OperatorError(
    'Unsupported',
    'find.tags with a value asks for metadata, which this server does not have: use tags, written with an empty value',
  );
}

function hidden(keys: readonly string[]): OperatorError {
  const rest = keys.length > namedKeys ? ` and ${keys.length - namedKeys} more` : '';
  const named = keys
    .slice(0, namedKeys)
    .map((key) => `"${key}"`)
    .join(', ');
  return new OperatorError('ValueHidden', `the server hides the value of ${named}${rest} from this identity`);
}
