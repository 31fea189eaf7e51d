// From an evaluated environment to the values that a request asked for: a property by its path, the members of an object,
// a search. Values leave as plain JSON without wrappers: sorted keys, numbers with their digits, strings raw. Texts are paid
// for; looking into them is the desk's.

import { OperatorError } from '../../base/operator-error.ts';
import type { Budget } from '../../core/budget.ts';
import { compareBytewise } from '../../core/byte-order.ts';
import { writtenText } from '../../core/gjson/result.ts';
import type { Desk } from '../../core/jobs.ts';
import { isJson } from '../../core/json-text.ts';
import { compile } from '../../core/regexp.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type { ReadRequest } from '../contract.ts';
import { everything, parsePath, type Step, writtenStep } from './path.ts';
import type { EscValue } from './wire.ts';

export type KeyedRequest = Exclude<ReadRequest, { readonly kind: 'find' }>;
export type FindRequest = Extract<ReadRequest, { readonly kind: 'find' }>;
type Values = ReadonlyMap<string, SecretValue>;

/** What selecting may cost where it is done, and where the rest is. */
export interface Means {
  readonly budget: Budget;
  readonly desk: Desk;
}

/** What a `value` or `map` request gets. Throws SecretNotFound, PropertyNotFound, InvalidValue, InvalidSpec, TooMuchWork. */
export async function select(root: EscValue, request: KeyedRequest, { budget, desk }: Means): Promise<Values> {
  const { key, property } = request;
  const found = valueAt(root, parsePath(key), budget);
  if (found === undefined) throw new OperatorError('SecretNotFound', `the environment has no property "${key}"`);
  if (property) return await selectWithin(textOf(found, key, budget), { ...request, property }, desk);
  if (request.kind === 'value') return new Map([[key, new SecretValue(textOf(found, key, budget))]]);
  if (found.kind === 'object') return membersOf(found.members, key, budget);
  if (found.kind === 'null') return new Map();
  throw new OperatorError('InvalidValue', `"${key}" cannot be extracted: it is ${nameOfKind(found)} and no object`);
}

/** A gjson path inside the written value. */
async function selectWithin(
  text: string,
  { kind, key, property }: KeyedRequest & { readonly property: string },
  desk: Desk,
): Promise<Values> {
  const found = await desk.run('property', { text, path: property });
  if (found === undefined) {
    if (isJson(text)) throw new OperatorError('PropertyNotFound', `"${key}" has no property "${property}"`);
    throw new OperatorError('InvalidValue', `"${key}" is not JSON, so it has no property "${property}"`);
  }
  if (kind === 'value') return new Map([[key, new SecretValue(writtenText(found))]]);
  try {
    const members = await desk.run('members', { text: writtenText(found) });
    return new Map([...members].map(([name, member]) => [name, new SecretValue(member)]));
  } catch (error) {
    const what = `property "${property}" of "${key}" cannot be extracted`;
    throw error instanceof OperatorError ? error.within(what) : error;
  }
}

/** A search that is ready. Throws Unsupported and InvalidSpec. */
export function planSearch({
  nameRegexp,
  path = '',
  tags,
}: FindRequest): (root: EscValue, means: Means) => Promise<Values> {
  if (tags !== undefined) {
    throw new OperatorError('Unsupported', 'find by tags is not supported for Pulumi: use find.name or find.path');
  }
  if (nameRegexp) compile(nameRegexp);
  const steps = parsePath(path);
  return async (root, { budget, desk }) => {
    const found = valueAt(root, steps, budget);
    if (found === undefined || found.kind === 'null') return new Map();
    if (found.kind === 'object') {
      if (!nameRegexp) return membersOf(found.members, path, budget);
      const keys = await desk.run('search', { pattern: nameRegexp, keys: [...found.members.keys()] });
      const taken = new Set(keys);
      return membersOf(new Map([...found.members].filter(([name]) => taken.has(name))), path, budget);
    }
    throw new OperatorError('InvalidValue', `find.path "${path}" is ${nameOfKind(found)} and no object`);
  };
}

function membersOf(members: ReadonlyMap<string, EscValue>, path: string, budget: Budget): Values {
  const taken = sorted(members, budget);
  return new Map(
    taken.map(([name, value]) => [name, new SecretValue(textOf(value, `${path}${writtenStep(name)}`, budget))]),
  );
}

/** The members by their keys' bytes. */
function sorted(members: ReadonlyMap<string, EscValue>, budget: Budget): readonly (readonly [string, EscValue])[] {
  budget.spend(members.size * unitsPerMember);
  return [...members].sort(([one], [other]) => compareBytewise(one, other));
}

/** A place among others that are put in order. */
const unitsPerMember = 40;
/** A value that is written. */
const unitsPerValue = 60;
/** Characters that are written at a unit's cost. */
const charactersPerUnit = 4;

/** The value at a path; undefined when a step leads nowhere. Members are found only where they were set. */
function valueAt(root: EscValue, steps: readonly Step[], budget: Budget): EscValue | undefined {
  let at: EscValue = root;
  for (const [i, step] of steps.entries()) {
    if (at.kind === 'unknown') return at; // what is below is not known either
    if (step === everything) {
      budget.spend(steps.length);
      const inner = elementsOf(at, budget)?.map((value) => valueAt(value, steps.slice(i + 1), budget));
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

function elementsOf(value: EscValue, budget: Budget): readonly EscValue[] | undefined {
  if (value.kind === 'object') return sorted(value.members, budget).map(([, member]) => member);
  if (value.kind !== 'list') return undefined;
  budget.spend(value.items.length);
  return value.items;
}

/** A value as a Secret holds it. Throws InvalidValue naming the path of what is unknown. */
function textOf(value: EscValue, path: string, budget: Budget): string {
  if (value.kind === 'string') return value.value.text();
  return value.kind === 'null' ? '' : jsonOf(value, path, budget);
}

function jsonOf(value: EscValue, path: string, budget: Budget): string {
  budget.spend(unitsPerValue);
  switch (value.kind) {
    case 'null':
      return 'null';
    case 'string':
      return written(value.value.text(), budget);
    case 'literal':
      return value.value.text();
    case 'list':
      budget.produce(value.items.length);
      return `[${value.items.map((item, i) => jsonOf(item, `${path}${writtenStep(i)}`, budget)).join(',')}]`;
    case 'object': {
      const members = sorted(value.members, budget).map(
        ([name, member]) => `${written(name, budget)}:${jsonOf(member, `${path}${writtenStep(name)}`, budget)}`,
      );
      return `{${members.join(',')}}`;
    }
    case 'unknown':
      throw new OperatorError(
        'InvalidValue',
        `the value of "${path.replace(/^\./, '')}" is unknown after the evaluation`,
      );
  }
}

function written(text: string, budget: Budget): string {
  budget.produce(text.length);
  budget.spend(text.length / charactersPerUnit);
  return JSON.stringify(text);
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
