// The schema that a document writes for `fn::validate`: checked against a schema of this schema language, then read.
import { OperatorError } from '../../base/operator-error.ts';
import { compile } from '../regexp.ts';
import { checkValue, type SchemaProblem } from './check-schema.ts';
import { presentBudget } from './effort.ts';
import type { Schema, SchemaObject } from './schema.ts';
import { type EscValue, textValue } from './value.ts';

export type ReadSchema = { readonly schema: Schema } | { readonly problems: readonly SchemaProblem[] };

const schemas: Schema = { $ref: '#/$defs/schema' };
const schemaList: Schema = { type: 'array', items: schemas };
const schemaMap: Schema = { type: 'object', additionalProperties: schemas };
const strings: Schema = { type: 'array', items: { type: 'string' } };
const number: Schema = { type: 'number' };
const string: Schema = { type: 'string' };
const boolean: Schema = { type: 'boolean' };

const typeNames = ['string', 'number', 'boolean', 'array', 'object', 'null'] as const;

const keywords = {
  $defs: schemaMap,
  $ref: string,
  type: { type: 'string', enum: typeNames.map((name) => textValue(name)) },
  enum: { type: 'array' },
  anyOf: schemaList,
  oneOf: schemaList,
  prefixItems: schemaList,
  items: schemas,
  properties: schemaMap,
  additionalProperties: schemas,
  required: strings,
  rotateOnly: strings,
  dependentRequired: { type: 'object', additionalProperties: strings },
  minProperties: number,
  maxProperties: number,
  minItems: number,
  maxItems: number,
  minLength: number,
  maxLength: number,
  minimum: number,
  exclusiveMinimum: number,
  maximum: number,
  exclusiveMaximum: number,
  multipleOf: number,
  pattern: string,
  uniqueItems: boolean,
  deprecated: boolean,
  secret: boolean,
  title: string,
  description: string,
  examples: { type: 'array' },
} satisfies Record<string, Schema>;

const metaSchema: Schema = {
  $ref: '#/$defs/schema',
  $defs: { schema: { anyOf: [boolean, { type: 'object', properties: keywords }] } },
};

/** The value must hold no unknown. */
export function schemaOfValue(value: EscValue): ReadSchema {
  const { ok, problems } = checkValue(metaSchema, value);
  if (!ok) return { problems };
  const schema = read(value);
  const problem = invalidPart(schema, schema);
  return problem === undefined ? { schema } : { problems: [{ summary: `invalid schema: ${problem}`, at: [] }] };
}

function read(value: EscValue): Schema {
  if (value.data.kind === 'boolean') return value.data.value;
  const schema: Record<string, unknown> = {};
  for (const [keyword, member] of value.members) {
    const { data } = member;
    if (keyword === 'const') schema[keyword] = member;
    else if (keyword === 'enum' && data.kind === 'array') schema[keyword] = data.elements;
    else if (Object.hasOwn(keywords, keyword)) schema[keyword] = readKeyword(keyword, member);
  }
  return schema as SchemaObject; // the value satisfies the schema of schemas
}

const withSchemaLists = new Set(['anyOf', 'oneOf', 'prefixItems']);
const withSchemaMaps = new Set(['$defs', 'properties']);

function readKeyword(keyword: string, value: EscValue): unknown {
  if (keyword === 'items' || keyword === 'additionalProperties') return read(value);
  const { data } = value;
  if (withSchemaLists.has(keyword) && data.kind === 'array') return data.elements.map(read);
  if (withSchemaMaps.has(keyword)) return table([...value.members].map(([key, each]) => [key, read(each)] as const));
  if (keyword === 'dependentRequired')
    return table([...value.members].map(([key, each]) => [key, plain(each)] as const));
  return plain(value);
}

/** An object without a prototype: any key is an ordinary one. */
function table(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const made: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of entries) made[key] = entry;
  return made;
}

function plain({ data }: EscValue): unknown {
  if (data.kind === 'number') return Number(data.text);
  if (data.kind === 'string') return data.text;
  if (data.kind === 'boolean') return data.value;
  return data.kind === 'array' ? data.elements.map(plain) : undefined;
}

/** The first reference without a target, or pattern that does not compile. */
function invalidPart(schema: Schema, root: Schema): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  const { $ref, pattern } = schema;
  if ($ref !== undefined) {
    const name = /^#\/\$defs\/(.+)$/.exec($ref)?.[1];
    const definitions = typeof root === 'object' ? root.$defs : undefined;
    if (name === undefined || definitions === undefined || !Object.hasOwn(definitions, name)) {
      return `unknown reference ${JSON.stringify($ref)}`;
    }
  }
  if (pattern !== undefined) {
    try {
      compile(pattern, presentBudget());
    } catch (thrown) {
      if (thrown instanceof OperatorError && thrown.reason === 'TooMuchWork') throw thrown;
      return 'the pattern is no regular expression (RE2)';
    }
  }
  const parts: readonly (readonly Schema[] | undefined)[] = [
    schema.anyOf,
    schema.oneOf,
    schema.prefixItems,
    Object.values(schema.$defs ?? {}),
    Object.values(schema.properties ?? {}),
    schema.items === undefined ? [] : [schema.items],
    schema.additionalProperties === undefined ? [] : [schema.additionalProperties],
  ];
  for (const part of parts.flatMap((each) => each ?? [])) {
    const problem = invalidPart(part, root);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
