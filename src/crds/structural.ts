// zod → the OpenAPI v3 subset that CustomResourceDefinitions accept ("structural schemas").
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
import * as z from 'zod/mini';
import { facts } from './kit.ts';

/** A node of a structural schema. */
export interface Structural {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, Structural>;
  additionalProperties?: Structural;
  items?: Structural;
  anyOf?: readonly Structural[];
  required?: readonly string[];
  [keyword: string]: unknown;
}

/** Keywords that pass through as they are; what is neither here nor handled below is a schema we do not know how to say. */
const plainKeywords: ReadonlySet<string> = new Set(
  [
    'type format pattern enum nullable required minimum maximum',
    'minLength maxLength minItems maxItems minProperties maxProperties',
    'x-kubernetes-preserve-unknown-fields x-kubernetes-map-type x-kubernetes-list-type x-kubernetes-validations',
  ].flatMap((keywords) => keywords.split(' ')),
);

type Node = Readonly<Record<string, unknown>>;

/**
 * The structural schema of a zod schema written with kit.ts. Throws on constructs that the API server would refuse.
 * A default below a list is left out: the API server would write it into objects whose source in Git does not have it, and
 * the two would differ for ever. The reader (parse.ts) applies those defaults.
 */
export function structural(schema: z.ZodMiniType): Structural {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', metadata: facts });
  return convert(asNode(json), { path: '', inList: false });
}

interface Place {
  readonly path: string;
  readonly inList: boolean;
}

function convert(node: Node, place: Place): Structural {
  if (node['x-kubernetes-int-or-string'] === true) return intOrString(node);
  const { description, ...others } = node;
  const result: Structural = typeof description === 'string' ? { description } : {};
  for (const [keyword, value] of Object.entries(others)) {
    // The API server drops an empty map, and tools that apply the CRD again would then see a difference.
    if (keyword === 'properties' && Object.keys(asNode(value)).length === 0) continue;
    if (keyword === 'properties') result.properties = convertProperties(asNode(value), place);
    else if (keyword === 'items') result.items = convert(asNode(value), { path: `${place.path}[]`, inList: true });
    else if (keyword === 'additionalProperties') Object.assign(result, convertRest(asNode(value), place));
    else if (keyword === 'default') Object.assign(result, place.inList ? {} : { default: value });
    else if (isSafeIntegerBound(value)) continue;
    else if (plainKeywords.has(keyword)) result[keyword] = value;
    else throw new Error(`${place.path || 'schema'}: '${keyword}' has no place in a structural schema`);
  }
  if (result.type === undefined && result['x-kubernetes-preserve-unknown-fields'] !== true) {
    throw new Error(`${place.path || 'schema'}: a structural schema needs a type`);
  }
  return result;
}

function convertProperties(properties: Node, { path, inList }: Place): Record<string, Structural> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      convert(asNode(value), { path: `${path}.${name}`, inList }),
    ]),
  );
}

// zod says "anything goes" of a loose object by an empty schema; structural schemas have a keyword for it.
function convertRest(rest: Node, { path }: Place): Structural {
  if (Object.keys(rest).length === 0) return { 'x-kubernetes-preserve-unknown-fields': true };
  return { additionalProperties: convert(rest, { path: `${path}.*`, inList: true }) };
}

function intOrString(node: Node): Structural {
  const { description } = node;
  return {
    ...(typeof description === 'string' && { description }),
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  };
}

// zod bounds every integer by what a double can hold; the declared format says the width.
function isSafeIntegerBound(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER;
}

function asNode(value: unknown): Node {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('a schema must be an object');
  return { ...value };
}

/** The same schema without descriptions. */
export function withoutDescriptions(schema: Structural): Structural {
  const { description: _, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [name, withoutDescriptions(child)]),
      ),
    }),
    ...(items !== undefined && { items: withoutDescriptions(items) }),
    ...(additionalProperties !== undefined && { additionalProperties: withoutDescriptions(additionalProperties) }),
  };
}
