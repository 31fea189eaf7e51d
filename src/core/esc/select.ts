// From the values of an opened Environment to what a request asked for. Keys are property paths; strings leave raw,
// anything else as JSON with sorted keys. Pure.

import { asOperatorError, OperatorError } from '../../base/operator-error.ts';
import { compile, matches } from '../regexp.ts';
import { SecretValue } from '../secret-value.ts';
import type { Ask, ReadAnswer } from '../selection.ts';
import { payForText, presentBudget } from './effort.ts';
import { projection, propertyAt } from './export.ts';
import { nearest } from './nearest.ts';
import { jsonText } from './text-forms.ts';
import { type EscValue, objectValue } from './value.ts';

type KeyedRequest = Exclude<Ask, { readonly kind: 'find' }>;
type FindRequest = Extract<Ask, { readonly kind: 'find' }>;

/** `environment` is its name, for messages. Throws TooMuchWork. */
export function select(environment: string, value: EscValue, request: Ask): ReadAnswer {
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
    const error = asOperatorError(thrown);
    if (error.reason === 'TooMuchWork') throw error;
    return { error };
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
  payForText(data.text.length);
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
  const regexp = nameRegexp ? compile(nameRegexp, presentBudget()) : undefined;
  const found = [...(within?.members ?? [])].filter(
    ([name]) => regexp === undefined || matches(regexp, name, presentBudget()),
  );
  return new Map(found.map(([name, each]) => [name, textOf(each)]));
}
