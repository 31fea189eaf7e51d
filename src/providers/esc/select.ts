// From the values of an opened Environment to what a request asked for. Keys are property paths; strings leave raw,
// anything else as JSON with sorted keys. Pure.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { projection, propertyAt } from '../../core/esc/export.ts';
import { nearest } from '../../core/esc/nearest.ts';
import { jsonText } from '../../core/esc/text-forms.ts';
import { type EscValue, objectValue } from '../../core/esc/value.ts';
import { compile, matches } from '../../core/regexp.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ReadRequest, ReadResult } from '../contract.ts';

type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;
type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;

/** `environment` is its name, for messages. */
export function select(environment: string, value: EscValue, request: ReadRequest): ReadResult {
  try {
    if (request.kind === 'find') return { values: search(value, request) };
    const found = lookUp(environment, value, request);
    if (request.kind === 'value') return { values: new Map([[request.key, textOf(found)]]) };
    if (found.data.kind !== 'object') {
      throw new OperatorError(
        'InvalidValue',
        `environment "${environment}": "${pathOf(request)}" is no object, so it cannot be extracted`,
      );
    }
    return { values: members(found, pathOf(request)) };
  } catch (thrown) {
    return { error: asOperatorError(thrown) };
  }
}

function pathOf({ key, property }: KeyedRequest): string {
  if (property === undefined || property === '') return key;
  return property.startsWith('[') ? `${key}${property}` : `${key}.${property}`;
}

function lookUp(environment: string, value: EscValue, request: KeyedRequest): EscValue {
  const path = pathOf(request);
  const found = propertyAt(value, path);
  if (found !== undefined) return found;
  const { suggestion } = nearest(path, [...value.members.keys()]);
  const meant = suggestion === undefined ? '' : `; did you mean "${suggestion}"?`;
  throw new OperatorError('SecretNotFound', `environment "${environment}" has no value "${path}"${meant}`);
}

function textOf(value: EscValue): SecretValue {
  const { data } = value;
  if (data.kind !== 'string') return new SecretValue(jsonText(value));
  return new SecretValue(data.bytes ?? data.text);
}

/** `environmentVariables` and `files` are projected as `esc run` does; other objects give their members. */
function members(value: EscValue, path: string): Map<string, SecretValue> {
  if (path === 'environmentVariables' || path === 'files') {
    return new Map(
      projection(objectValue([[path, value]]), path).map(({ name, text, bytes }) => [
        name,
        new SecretValue(bytes ?? text),
      ]),
    );
  }
  return new Map([...value.members].map(([name, each]) => [name, textOf(each)]));
}

function search(value: EscValue, { path, nameRegexp, tags }: FindRequest): Map<string, SecretValue> {
  if (tags !== undefined)
    throw new OperatorError('Unsupported', 'an Environment has no tags: use find.name or find.path');
  const within = path === undefined || path === '' ? value : propertyAt(value, path);
  const regexp = nameRegexp ? compile(nameRegexp) : undefined;
  const found = [...(within?.members ?? [])].filter(([name]) => regexp === undefined || matches(regexp, name));
  return new Map(found.map(([name, each]) => [name, textOf(each)]));
}
