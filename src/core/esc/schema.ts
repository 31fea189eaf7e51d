// The schema language of providers and of `fn::validate`: a subset of JSON Schema, as data.
import type { EscValue } from './value.ts';

export type TypeName = 'array' | 'boolean' | 'null' | 'number' | 'object' | 'string';

export type Schema = boolean | SchemaObject;

export interface SchemaObject {
  readonly type?: TypeName;
  readonly const?: EscValue;
  readonly enum?: readonly EscValue[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly prefixItems?: readonly Schema[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Lengths are in bytes of UTF-8. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  /** Members of which one is set, whatever it is. Of providers alone, as is what follows. */
  readonly exactlyOne?: readonly string[];
  /** Members of which one or more are set; `false` sets nothing. */
  readonly atLeastOne?: readonly string[];
  /** Inputs that hold what only a rotation needs. */
  readonly rotateOnly?: readonly string[];
}

export const stringSchema: Schema = { type: 'string' };
export const stringsSchema: Schema = { type: 'array', items: stringSchema };
export const arraySchema: Schema = { type: 'array' };
export const arraysSchema: Schema = { type: 'array', items: arraySchema };

/** An object that needs all of its properties, and allows others. */
export function recordSchema(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: 'object', properties, required: Object.keys(properties).sort() };
}

/** The member's schema; undefined where the table has none of its own. */
export function own<Item>(table: Readonly<Record<string, Item>> | undefined, key: string): Item | undefined {
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

/**
 * What a property of a value of this schema may be. Undefined when the schema is no object's; false, which nothing
 * satisfies, for a property that an object's schema does not name.
 */
export function propertySchema(schema: Schema, key: string): Schema | undefined {
  if (schema === true) return true;
  if (schema === false || schema.type !== 'object') return undefined;
  return own(schema.properties, key) ?? schema.additionalProperties ?? false;
}
