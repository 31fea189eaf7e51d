// From secrets to the values that a request asked for: property, members of an object, search. Pure.
import { getPath } from '../../core/gjson/get.ts';
import { type GjsonResult, writtenText } from '../../core/gjson/result.ts';
import { isJson, jsonMemberText, jsonObjectMembers } from '../../core/json-text.ts';
import { OperatorError } from '../../core/operator-error.ts';
import { compile, matches } from '../../core/regexp.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ReadRequest, ReadResult } from '../contract.ts';
import type { FolderView } from './folder-view.ts';
import type { WireSecret } from './wire.ts';

export type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;
export type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;

/** How many keys a message names. */
const namedKeys = 5;

/**
 * What a `value` or `map` request gets from its secret. `version` is left alone: the server ignores it. Throws ValueHidden,
 * PropertyNotFound, InvalidValue.
 */
export function select(secret: WireSecret, request: KeyedRequest): ReadonlyMap<string, SecretValue> {
  if (secret.value === undefined) throw hidden([request.key]);
  const text = request.property ? propertyText(secret.value.text(), request) : undefined;
  if (request.kind === 'value') {
    return new Map([[request.key, text === undefined ? secret.value : new SecretValue(text)]]);
  }
  return objectMembers(text ?? secret.value.text(), request);
}

/** The property as it is written: a string unescaped, null empty, anything else as its JSON text. */
function propertyText(text: string, { key, property = '' }: KeyedRequest): string {
  const found: GjsonResult | undefined = getPath(text, property);
  if (found !== undefined) return writtenText(found);
  // gjson reads what it can of broken JSON, so the document is judged only when nothing was found.
  if (!isJson(text)) {
    throw new OperatorError('InvalidValue', `the value of "${key}" is not JSON, so it has no property "${property}"`);
  }
  throw new OperatorError('PropertyNotFound', `the value of "${key}" has no property "${property}"`);
}

function objectMembers(text: string, { key, property }: KeyedRequest): Map<string, SecretValue> {
  const what = property ? `property "${property}" of "${key}"` : `"${key}"`;
  try {
    const members = jsonObjectMembers(text);
    return new Map([...members].map(([name, raw]) => [name, new SecretValue(jsonMemberText(raw))]));
  } catch (error) {
    throw error instanceof OperatorError ? error.within(`${what} cannot be extracted`) : error;
  }
}

/** What a search looks for, by the key of a secret. Throws InvalidSpec for a pattern that does not compile. */
export function keyFilter({ nameRegexp, path }: FindRequest): (key: string) => boolean {
  const regexp = nameRegexp ? compile(nameRegexp) : undefined;
  const prefix = path === undefined || path.startsWith('/') ? '' : path;
  return (key) => key.startsWith(prefix) && (regexp === undefined || matches(regexp, key));
}

/** All keys of the view that the filter takes; an empty map is an answer. Throws ValueHidden. */
export function search(view: FolderView, takes: (key: string) => boolean): ReadResult {
  const values = new Map<string, SecretValue>();
  const shadowed: string[] = [];
  const hiddenKeys: string[] = [];
  for (const [key, found] of view.merged()) {
    if (!takes(key)) continue;
    if (found.secret.value === undefined) hiddenKeys.push(key);
    else values.set(key, found.secret.value);
    shadowed.push(...found.shadowed);
  }
  if (hiddenKeys.length > 0) throw hidden(hiddenKeys);
  return shadowed.length === 0 ? { values } : { values, shadowed };
}

function hidden(keys: readonly string[]): OperatorError {
  const rest = keys.length > namedKeys ? ` and ${keys.length - namedKeys} more` : '';
  const named = keys
    .slice(0, namedKeys)
    .map((key) => `"${key}"`)
    .join(', ');
  return new OperatorError('ValueHidden', `the server hides the value of ${named}${rest} from this identity`);
}
