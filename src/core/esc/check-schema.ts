// Whether a value satisfies a schema, with everything that is wrong and where. An unknown is compared by its own schema.
import { compile, matches } from '../regexp.ts';
import { choiceProblem } from './check-choice.ts';
import { pay, presentBudget, unitsPerExpression, unitsPerValue } from './effort.ts';
import { LimitExceeded } from './limits.ts';
import { own, type Schema, type SchemaObject } from './schema.ts';
import { jsonText } from './text-forms.ts';
import { type EscValue, nullValue } from './value.ts';

export interface SchemaProblem {
  readonly summary: string;
  /** Keys and indices from the value that was checked to the one that is meant. */
  readonly at: readonly (string | number)[];
}

export interface Verdict {
  readonly ok: boolean;
  readonly problems: readonly SchemaProblem[];
}

/** Checks of one call; alternatives of alternatives would multiply without a bound. */
const maxChecks = 200_000;
/** Characters that are compared or counted at a unit's cost. */
const charactersPerUnit = 16;
/** Schemas within schemas: one that refers to itself has no end. */
const maxNesting = 300;

export function checkValue(schema: Schema, value: EscValue): Verdict {
  const checker = new Checker(schema);
  const problems: SchemaProblem[] = [];
  const ok = checker.check(schema, value, [], problems);
  return { ok, problems };
}

type At = readonly (string | number)[];

class Checker {
  readonly #root: Schema;
  #left = maxChecks;
  #nesting = 0;

  constructor(root: Schema) {
    this.#root = root;
  }

  /** Whether the value is accepted. What is wrong goes to `problems`. */
  check(schema: Schema, value: EscValue, at: At, problems: SchemaProblem[]): boolean {
    this.#enter();
    const ok = this.#checkEntered(schema, value, at, problems);
    this.#nesting--;
    return ok;
  }

  #checkEntered(schema: Schema, value: EscValue, at: At, problems: SchemaProblem[]): boolean {
    if (schema === true) return true;
    if (value.data.kind === 'unknown') {
      const prefixed: SchemaProblem[] = [];
      const ok = this.#covers(schema, value.data.schema, '', prefixed);
      problems.push(...prefixed.map(({ summary }) => ({ summary, at })));
      return ok;
    }
    if (schema === false) return false;
    const before = problems.length;
    const { data } = value;
    let ok = this.#alternatives(schema, (each, found) => this.check(each, value, at, found), problems, at, true);
    const tell = (summary: string) => problems.push({ summary, at });
    if (schema.const !== undefined && schema.const.data.kind !== 'null' && !equal(schema.const, value)) {
      tell(`expected ${shown(schema.const)}`);
    }
    const [only, ...others] = schema.enum ?? [];
    if (only !== undefined && ![only, ...others].some((each) => equal(each, value))) {
      tell(
        others.length === 0 ? `expected ${shown(only)}` : `expected one of [${[only, ...others].map(shown).join(',')}]`,
      );
    }
    if (schema.type !== undefined && schema.type !== data.kind) {
      tell(`expected ${schema.type}, got ${data.kind}`);
      return false;
    }
    if (data.kind === 'number') checkNumber(schema, data.text, tell);
    if (data.kind === 'string') checkString(schema, data.text, tell);
    if (data.kind === 'array') ok = this.#elements(schema, data.elements, at, problems) && ok;
    if (data.kind === 'object') {
      ok = this.#members(schema, value.members, at, problems) && ok;
      const problem = choiceProblem(schema, value);
      if (problem !== undefined) tell(problem);
    }
    return ok && problems.length === before;
  }

  #elements(schema: SchemaObject, elements: readonly EscValue[], at: At, problems: SchemaProblem[]): boolean {
    const { minItems, maxItems } = schema;
    let ok = true;
    for (const [index, element] of elements.entries()) {
      const accepted = schema.prefixItems?.[index] ?? schema.items ?? true;
      ok = this.check(accepted, element, [...at, index], problems) && ok;
    }
    const tell = (summary: string) => problems.push({ summary, at });
    if (minItems !== undefined && elements.length < minItems) tell(`expected an array with at least ${minItems} items`);
    if (maxItems !== undefined && elements.length > maxItems) tell(`expected an array with at most ${maxItems} items`);
    return ok;
  }

  #members(schema: SchemaObject, members: ReadonlyMap<string, EscValue>, at: At, problems: SchemaProblem[]): boolean {
    const { minProperties, maxProperties } = schema;
    let ok = true;
    for (const [key, member] of members) {
      const accepted = own(schema.properties, key) ?? schema.additionalProperties ?? true;
      ok = this.check(accepted, member, [...at, key], problems) && ok;
    }
    const tell = (summary: string) => problems.push({ summary, at });
    pay((schema.required?.length ?? 0) * unitsPerValue);
    const needed = new Set(schema.required);
    for (const [key, others] of Object.entries(schema.dependentRequired ?? {})) {
      if (!members.has(key)) continue;
      pay(others.length * unitsPerValue);
      for (const other of others) needed.add(other);
    }
    const missing = [...needed].filter((key) => !members.has(key));
    if (missing.length > 0) tell(`missing required properties: ${missing.join(', ')}`);
    if (minProperties !== undefined && members.size < minProperties) {
      tell(`expected an object with at least ${minProperties} properties`);
    }
    if (maxProperties !== undefined && members.size > maxProperties) {
      tell(`expected an object with at most ${maxProperties} properties`);
    }
    return ok;
  }

  /** `$ref`, `anyOf`, `oneOf`: of a known value exactly one of `oneOf` must match, of an unknown at least one. */
  #alternatives(
    schema: SchemaObject,
    attempt: (each: Schema, found: SchemaProblem[]) => boolean,
    problems: SchemaProblem[],
    at: At,
    isKnown: boolean,
  ): boolean {
    let ok = schema.$ref === undefined || attempt(this.#target(schema.$ref), problems);
    for (const [keyword, list] of [
      ['anyOf', schema.anyOf],
      ['oneOf', schema.oneOf],
    ] as const) {
      if (list === undefined || list.length === 0) continue;
      const found: SchemaProblem[] = [];
      const matching = list.filter((each) => attempt(each, found)).length;
      const isExact = keyword === 'oneOf' && isKnown;
      if (matching === 1 || (matching > 1 && !isExact)) continue;
      ok = false;
      if (matching > 1) problems.push({ summary: 'exactly one subschema may match', at });
      else {
        const summary = isExact ? 'exactly one subschema must match' : 'at least one subschema must match';
        problems.push(...found, { summary, at });
      }
    }
    return ok;
  }

  #target(reference: string): Schema {
    const name = /^#\/\$defs\/(.+)$/.exec(reference)?.[1];
    const definitions = typeof this.#root === 'object' ? this.#root.$defs : undefined;
    return (name === undefined ? undefined : own(definitions, name)) ?? false;
  }

  /** Whether every value of `given` is accepted, as far as types, members and alternatives tell. */
  #covers(accepted: Schema, given: Schema, path: string, problems: SchemaProblem[]): boolean {
    this.#enter();
    const ok = this.#coversEntered(accepted, given, path, problems);
    this.#nesting--;
    return ok;
  }

  #coversEntered(accepted: Schema, given: Schema, path: string, problems: SchemaProblem[]): boolean {
    if (accepted === true || given === true || accepted === given) return true;
    if (accepted === false || given === false) return false;
    const at: At = [];
    const tell = (summary: string) => problems.push({ summary: path === '' ? summary : `${path}: ${summary}`, at });
    if (given.$ref !== undefined || accepted.$ref !== undefined) {
      if (given.$ref === accepted.$ref) return true;
    }
    let ok = this.#alternatives(accepted, (each, found) => this.#covers(each, given, path, found), problems, at, false);
    for (const list of [given.anyOf, given.oneOf]) {
      if (list === undefined || list.length === 0) continue;
      if (list.some((each) => this.#covers(accepted, each, path, []))) continue;
      tell('at least one subschema must match');
      ok = false;
    }
    if (accepted.type !== undefined && given.type !== undefined && accepted.type !== given.type) {
      tell(`expected ${accepted.type}, got ${given.type}`);
      return false;
    }
    if (given.type === 'array') ok = this.#coversElements(accepted, given, path, problems) && ok;
    if (given.type === 'object') ok = this.#coversMembers(accepted, given, path, problems) && ok;
    return ok;
  }

  #coversElements(accepted: SchemaObject, given: SchemaObject, path: string, problems: SchemaProblem[]): boolean {
    let ok = true;
    const length = Math.max(accepted.prefixItems?.length ?? 0, given.prefixItems?.length ?? 0);
    for (let index = 0; index < length; index++) {
      const left = accepted.prefixItems?.[index] ?? accepted.items ?? true;
      const right = given.prefixItems?.[index] ?? given.items ?? true;
      if (right === false) continue;
      ok = this.#covers(left, right, `${path}[${index}]`, problems) && ok;
    }
    if (accepted.items !== undefined && given.items !== undefined && given.items !== false) {
      ok = this.#covers(accepted.items, given.items, path, problems) && ok;
    }
    return ok;
  }

  #coversMembers(accepted: SchemaObject, given: SchemaObject, path: string, problems: SchemaProblem[]): boolean {
    let ok = true;
    const extended = (key: string) => (path === '' ? key : `${path}.${key}`);
    for (const [key, right] of Object.entries(given.properties ?? {})) {
      const left = own(accepted.properties, key) ?? accepted.additionalProperties ?? true;
      if (left === false && right === false) continue;
      ok = this.#covers(left, right, extended(key), problems) && ok;
    }
    const allowsMore = given.additionalProperties !== undefined && given.additionalProperties !== false;
    if (allowsMore) return ok;
    for (const key of accepted.required ?? []) {
      if (given.required?.includes(key) === true) continue;
      problems.push({ summary: `${extended(key)}: missing required property`, at: [] });
      ok = false;
    }
    return ok;
  }

  #enter(): void {
    pay(unitsPerExpression / 2);
    if (++this.#nesting > maxNesting) throw new LimitExceeded('a schema refers to itself without an end');
    if (--this.#left < 0) throw new LimitExceeded('a value, or what its schema allows, is too large to check');
  }
}

function checkNumber(schema: SchemaObject, text: string, tell: (summary: string) => unknown): void {
  const value = Number(text);
  const { multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum } = schema;
  if (multipleOf !== undefined && multipleOf !== 0 && !isMultiple(value, multipleOf)) {
    tell(`expected a multiple of ${multipleOf}`);
  }
  if (minimum !== undefined && value < minimum) tell(`expected a number greater than or equal to ${minimum}`);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) {
    tell(`expected a number greater than ${exclusiveMinimum}`);
  }
  if (maximum !== undefined && value > maximum) tell(`expected a number less than or equal to${maximum}`);
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) {
    tell(`expected a number less than ${exclusiveMaximum}`);
  }
}

/** Decimal fractions are no binary ones: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, step: number): boolean {
  const quotient = value / step;
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * 1e-12;
}

function checkString(schema: SchemaObject, text: string, tell: (summary: string) => unknown): void {
  const { minLength, maxLength, pattern } = schema;
  pay(text.length / charactersPerUnit);
  const length = Buffer.byteLength(text);
  if (minLength !== undefined && length < minLength) tell(`expected a string of at least length ${minLength}`);
  if (maxLength !== undefined && length > maxLength) tell(`expected a string of at most length ${maxLength}`);
  if (pattern !== undefined && !matches(compile(pattern, presentBudget()), text, presentBudget()))
    tell(`string must match the pattern ${JSON.stringify(pattern)}`);
}

/** A constant in a message, unless it is secret. */
function shown(constant: EscValue): string {
  return constant.inside.secret ? '[secret]' : jsonText(constant);
}

/** Equality by kind and text, of objects by the top layer alone. */
function equal(left: EscValue, right: EscValue): boolean {
  pay(unitsPerValue + (left.data.kind === 'string' ? left.data.text.length / charactersPerUnit : 0));
  const a = left.data;
  const b = right.data;
  if (a.kind === 'array' && b.kind === 'array') {
    return (
      a.elements.length === b.elements.length &&
      a.elements.every((each, at) => equal(each, b.elements[at] ?? nullValue))
    );
  }
  if (a.kind === 'object' && b.kind === 'object') {
    if (a.own.size !== b.own.size) return false;
    return [...a.own].every(([key, member]) => {
      const other = b.own.get(key);
      return other !== undefined && equal(member, other);
    });
  }
  if (a.kind === 'boolean' && b.kind === 'boolean') return a.value === b.value;
  if ((a.kind === 'number' || a.kind === 'string') && a.kind === b.kind) return a.text === b.text;
  return a.kind === 'null' && b.kind === 'null';
}
