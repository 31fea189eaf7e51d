// From a reference to a value. The walk goes through literals that are not evaluated yet, so that siblings and later keys
// can be meant, and continues in values. A step that fails is told at the step.
import type { Cell } from './cell.ts';
import { pay, unitsPerMember } from './effort.ts';
import type { Environment } from './environment.ts';
import type { Place } from './expression.ts';
import { nearest } from './nearest.ts';
import { within } from './read-expression.ts';
import type { Accessor } from './reference.ts';
import { propertySchema, type Schema } from './schema.ts';
import { goQuote } from './text-forms.ts';
import { type Awaited, type EscValue, unknownValue } from './value.ts';

const noObject = 'receiver must be an array or an object';
const indexOnObject = 'cannot access an object property using an integer index';
const nameOnArray = 'cannot access an array element using a property name';

export class ReferenceWalk {
  readonly #environment: Environment;
  readonly #place: Place & { readonly isPlain: boolean };

  constructor(environment: Environment, place: Place & { readonly isPlain: boolean }) {
    this.#environment = environment;
    this.#place = place;
  }

  resolve(accessors: readonly Accessor[]): EscValue {
    const [first, ...rest] = accessors;
    switch (first?.key) {
      case 'imports':
        return this.#inValue(this.#environment.importsValue, rest);
      case 'context':
        return this.#inValue(this.#environment.context, rest);
      case 'environments':
        return this.#elsewhere(rest);
      default:
        return this.#inCell(this.#environment.root, accessors);
    }
  }

  /** `environments.PROJECT.NAME`; shorter paths are unknown without an error. */
  #elsewhere([project, name, ...rest]: readonly Accessor[]): EscValue {
    for (const each of [project, name]) if (typeof each?.key === 'number') return this.#fail(each, indexOnObject);
    if (typeof project?.key !== 'string' || typeof name?.key !== 'string') return unknownValue();
    const place = within(this.#place, project.start, name.end);
    const value = this.#environment.other(`${project.key}/${name.key}`, place);
    return value === undefined ? unknownValue() : this.#inValue(value, rest);
  }

  #inCell(root: Cell, accessors: readonly Accessor[]): EscValue {
    let cell = root;
    for (const [at, accessor] of accessors.entries()) {
      this.#environment.session.step();
      const rest = accessors.slice(at);
      const { expression } = cell;
      if (cell.isFrozen) return this.#inValue(this.#environment.evaluate(cell), rest);
      if (expression.kind === 'object') {
        if (typeof accessor.key === 'number') return this.#fail(accessor, indexOnObject);
        const member = cell.members.get(accessor.key);
        if (member === undefined) {
          const { foundation } = cell;
          if (foundation !== undefined) return this.#inValue(foundation, rest);
          return this.#unknownProperty(accessor, accessor.key, [...expression.entries.keys()]);
        }
        cell = member;
      } else if (expression.kind === 'array') {
        const element = this.#element(accessor, cell.elements);
        if (element === undefined) return unknownValue();
        cell = element;
      } else {
        return this.#inValue(this.#environment.evaluate(cell), rest);
      }
    }
    return this.#environment.evaluate(cell);
  }

  #inValue(start: EscValue, accessors: readonly Accessor[]): EscValue {
    let value = start;
    for (const accessor of accessors) {
      this.#environment.session.step();
      const next = this.#member(value, accessor);
      if (next === undefined) return unknownValue({ secret: value.data.kind === 'unknown' && value.secret });
      value = next;
    }
    return value;
  }

  /** Undefined after telling what is wrong. */
  #member(value: EscValue, accessor: Accessor): EscValue | undefined {
    const { data } = value;
    const { key } = accessor;
    switch (data.kind) {
      case 'array':
        return this.#element(accessor, data.elements);
      case 'unknown':
        return this.#unknownMember(value, data.schema, data.awaits, accessor);
      case 'object': {
        if (typeof key === 'number') return this.#tell(accessor, indexOnObject);
        const own = data.own.get(key);
        if (own !== undefined) return own;
        if (data.base !== undefined) return this.#member(data.base, accessor);
        // Keys of a secret object are as secret as its values.
        this.#unknownProperty(accessor, key, value.secret ? [] : [...data.own.keys()]);
        return undefined;
      }
      default:
        return this.#tell(accessor, noObject);
    }
  }

  /** Follows the schema of an unknown; what is found is unknown again, and secret if the whole was. */
  #unknownMember(
    value: EscValue,
    schema: Schema,
    awaits: Awaited | undefined,
    accessor: Accessor,
  ): EscValue | undefined {
    const found = (each: Schema) => unknownValue({ schema: each, awaits, secret: value.secret });
    if (schema === true || awaits !== undefined) return found(true);
    const { key } = accessor;
    if (schema !== false && schema.type === 'object') {
      if (typeof key === 'number') return this.#tell(accessor, indexOnObject);
      return found(propertySchema(schema, key) ?? false);
    }
    if (schema === false || schema.type !== 'array') return this.#tell(accessor, noObject);
    if (typeof key === 'string') return this.#tell(accessor, nameOnArray);
    if (key < 0) return this.#tell(accessor, 'array indices must not be negative');
    const fixed = schema.prefixItems ?? [];
    if (schema.items === false && key >= fixed.length) return this.#tell(accessor, outOfBounds(key, fixed.length));
    return found(fixed[key] ?? schema.items ?? true);
  }

  #element<Element>(accessor: Accessor, elements: readonly Element[]): Element | undefined {
    const { key } = accessor;
    if (typeof key === 'string') return this.#tell(accessor, nameOnArray);
    if (key < 0) return this.#tell(accessor, 'array indices must not be negative');
    return elements[key] ?? this.#tell(accessor, outOfBounds(key, elements.length));
  }

  #unknownProperty(accessor: Accessor, key: string, known: readonly string[]): EscValue {
    pay(known.length * unitsPerMember);
    const { suggestion } = nearest(key, [...known].sort().slice(0, mostCompared));
    const hint = suggestion === undefined ? '' : `; did you mean ${goQuote(suggestion)}?`;
    const place = within(this.#place, accessor.start, accessor.end);
    this.#environment.session.step(Math.min(known.length, mostCompared));
    this.#environment.tell(place, { summary: `unknown property ${goQuote(key)}${hint}`, suggestion });
    return unknownValue();
  }

  #fail(accessor: Accessor, summary: string): EscValue {
    this.#tell(accessor, summary);
    return unknownValue();
  }

  #tell(accessor: Accessor, summary: string): undefined {
    this.#environment.tell(within(this.#place, accessor.start, accessor.end), { summary });
    return undefined;
  }
}

/** Keys that a name is compared with. */
const mostCompared = 500;

function outOfBounds(index: number, length: number): string {
  return `array index ${index} out-of-bounds for array of length ${length}`;
}
