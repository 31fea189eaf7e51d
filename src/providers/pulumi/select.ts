// From an evaluated environment to the values that a request asked for: a property by its path, the members of an object,
// a search. Values leave as plain JSON without wrappers: sorted keys, numbers with their digits, strings raw. Pure.

import { OperatorError } from '../../base/operator-error.ts';
import { compareBytewise } from '../../core/byte-order.ts';
import { getPath } from '../../core/gjson/get.ts';
import { writtenText } from '../../core/gjson/result.ts';
import { isJson, jsonMemberText, jsonObjectMembers } from '../../core/json-text.ts';
import { compile, matches } from '../../core/regexp.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ReadRequest } from '../contract.ts';
import { everything, parsePath, type Step, writtenStep } from './path.ts';
import type { EscValue } from './wire.ts';

export type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;
export type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;
type Values = ReadonlyMap<string, SecretValue>;

/** What a `value` or `map` request gets. Throws SecretNotFound, PropertyNotFound, InvalidValue, InvalidSpec. */
export function select(root: EscValue, request: KeyedRequest): Values {
  const { key, property } = request;
  const found = valueAt(root, parsePath(key));
  if (found === undefined) throw new OperatorError('SecretNotFound', `the environment has no property "${key}"`);
  if (property) return selectWithin(textOf(found, key), { ...request, property });
  if (request.kind === 'value') return new Map([[key, new SecretValue(textOf(found, key))]]);
  if (found.kind === 'object') return membersOf(found.members, key, () => true);
  if (found.kind === 'null') return new Map();
  throw new OperatorError('InvalidValue', `"${key}" cannot be extracted: it is ${nameOfKind(found)} and no object`);
}

/** A gjson path inside the written value. */
function selectWithin(text: string, { kind, key, property }: KeyedRequest & { readonly property: string }): Values {
  const found = getPath(text, property);
  if (found === undefined) {
    if (isJson(text)) throw new OperatorError('PropertyNotFound', `"${key}" has no property "${property}"`);
    throw new OperatorError('InvalidValue', `"${key}" is not JSON, so it has no property "${property}"`);
  }
  if (kind === 'value') return new Map([[key, new SecretValue(writtenText(found))]]);
  try {
    const members = jsonObjectMembers(writtenText(found));
    return new Map([...members].map(([name, raw]) => [name, new SecretValue(jsonMemberText(raw))]));
  } catch (error) {
    const what = `property "${property}" of "${key}" cannot be extracted`;
    throw error instanceof OperatorError ? error.within(what) : error;
  }
}

/** A search that is ready. Throws Unsupported and InvalidSpec. */
export function planSearch({ nameRegexp, path = '', tags }: FindRequest): (root: EscValue) => Values {
  if (tags !== undefined) {
    throw new OperatorError('Unsupported', 'find by tags is not supported for Pulumi: use find.name or find.path');
  }
  const regexp = nameRegexp ? compile(nameRegexp) : undefined;
  const steps = parsePath(path);
  return (root) => {
    const found = valueAt(root, steps);
    if (found === undefined || found.kind === 'null') return new Map();
    if (found.kind === 'object') {
      return membersOf(found.members, path, (name) => regexp === undefined || matches(regexp, name));
    }
    throw new OperatorError('InvalidValue', `find.path "${path}" is ${nameOfKind(found)} and no object`);
  };
}

function membersOf(members: ReadonlyMap<string, EscValue>, path: string, takes: (name: string) => boolean): Values {
  const taken = [...members].filter(([name]) => takes(name)).sort(([one], [other]) => compareBytewise(one, other));
  return new Map(taken.map(([name, value]) => [name, new SecretValue(textOf(value, `${path}${writtenStep(name)}`))]));
}

/** The value at a path; undefined when a step leads nowhere. Members are found only where they were set. */
function valueAt(root: EscValue, steps: readonly Step[]): EscValue | undefined {
  let at: EscValue = root;
  for (const [i, step] of steps.entries()) {
    if (at.kind === 'unknown') return at; // what is below is not known either
    if (step === everything) {
      const inner = elementsOf(at)?.map((value) => valueAt(value, steps.slice(i + 1)));
      return inner && { kind: 'list', items: inner.filter((value) => value !== undefined) };
    }
    const next: EscValue | undefined = memberOf(at, step);
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

function memberOf(value: EscValue, step: string | number): EscValue | undefined {
  if (value.kind === 'list') return typeof step === 'number' ? value.items[step] : undefined;
  return value.kind === 'object' ? value.members.get(String(step)) : undefined;
}

function elementsOf(value: EscValue): readonly EscValue[] | undefined {
  if (value.kind === 'list') return value.items;
  if (value.kind !== 'object') return undefined;
  return [...value.members].sort(([one], [other]) => compareBytewise(one, other)).map(([, member]) => member);
}

/** A value as a Secret holds it. Throws InvalidValue naming the path of what is unknown. */
function textOf(value: EscValue, path: string): string {
  if (value.kind === 'string') return value.value.text();
  return value.kind === 'null' ? '' : jsonOf(value, path);
}

function jsonOf(value: EscValue, path: string): string {
  switch (value.kind) {
    case 'null':
      return 'null';
    case 'string':
      return JSON.stringify(value.value.text());
    case 'literal':
      return value.value.text();
    case 'list':
      return `[${value.items.map((item, i) => jsonOf(item, `${path}${writtenStep(i)}`)).join(',')}]`;
    case 'object': {
      const members = [...value.members].sort(([one], [other]) => compareBytewise(one, other));
      const written = members.map(
        ([name, member]) => `${JSON.stringify(name)}:${jsonOf(member, `${path}${writtenStep(name)}`)}`,
      );
      return `{${written.join(',')}}`;
    }
    case 'unknown':
      throw new OperatorError(
        'InvalidValue',
        `the value of "${path.replace(/^\./, '')}" is unknown after the evaluation`,
      );
  }
}

function nameOfKind({ kind }: EscValue): string {
  return {
    null: 'null',
    unknown: 'unknown',
    string: 'a text',
    literal: 'a number or boolean',
    list: 'a list',
    object: 'an object',
  }[kind];
}
