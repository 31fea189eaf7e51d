// For each parameter of a kind the largest object that the API server takes with it: made from the schema, so that a parameter
// which is added is among them.
import type { Structural } from '../../src/crds/structural.ts';

/** What etcd takes of one object, less what the object is besides. */
const objectBytes = 1_400_000;

export interface LargestObject {
  /** `spec.data[].remoteRef.key`. */
  readonly parameter: string;
  readonly make: () => unknown;
}

/** One for each parameter whose size or value somebody may choose: texts, lists, maps, numbers, anything. */
export function largestObjects(schema: Structural): readonly LargestObject[] {
  return parametersOf(schema, []).map((steps) => ({
    parameter: ['spec', ...steps].join('.').replaceAll('.[]', '[]').replaceAll('.{}', '{}'),
    make: () => built(schema, steps),
  }));
}

type Steps = readonly string[];

/** Ways to all nodes that can grow. `[]` is an element of a list, `{}` a member of a map. */
function parametersOf(schema: Structural, steps: Steps): readonly Steps[] {
  const { properties, items, additionalProperties } = schema;
  const inner = [
    ...Object.entries(properties ?? {}).flatMap(([name, each]) => parametersOf(each, [...steps, name])),
    ...(items === undefined ? [] : parametersOf(items, [...steps, '[]'])),
    ...(additionalProperties === undefined ? [] : parametersOf(additionalProperties, [...steps, '{}'])),
  ];
  const isChoice = schema['enum'] !== undefined || schema.type === 'boolean';
  const isOnlyAGroup = properties !== undefined && additionalProperties === undefined;
  return isChoice || isOnlyAGroup ? inner : [steps, ...inner];
}

/** A value with what must be there, and the node at the end of the steps at its largest. */
function built(schema: Structural, [step, ...rest]: Steps): unknown {
  if (step === undefined) return largest(schema);
  if (step === '[]') return [built(schema.items ?? {}, rest)];
  if (step === '{}') return { key: built(schema.additionalProperties ?? {}, rest) };
  const least = smallest(schema, 0);
  return { ...(typeof least === 'object' ? least : {}), [step]: built(schema.properties?.[step] ?? {}, rest) };
}

function largest(schema: Structural): unknown {
  switch (schema.type) {
    case 'string':
      return 'x'.repeat(Math.min(numberOf(schema, 'maxLength'), objectBytes));
    case 'integer':
    case 'number':
      return Math.min(numberOf(schema, 'maximum'), Number.MAX_SAFE_INTEGER);
    case 'array': {
      const least = smallest(schema.items ?? {}, 0);
      const count = countOf(least, numberOf(schema, 'maxItems'));
      return JSON.parse(`[${repeated(least, count, () => '')}]`);
    }
    case 'object': {
      const least = smallest(schema.additionalProperties ?? {}, 0);
      const count = countOf(least, numberOf(schema, 'maxProperties'));
      return JSON.parse(`{${repeated(least, count, (at) => `"k${at}":`)}}`);
    }
    default:
      return Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [`k${at}`, at]));
  }
}

/** As text: to read it makes each a thing of its own, as it does in the operator. */
function repeated(least: unknown, count: number, key: (at: number) => string): string {
  const text = JSON.stringify(least);
  return Array.from({ length: count }, (_, at) => `${key(at)}${text}`).join(',');
}

/** So many that they fill the object, each with a few bytes around it. */
function countOf(least: unknown, most: number): number {
  return Math.min(most, Math.floor(objectBytes / (JSON.stringify(least).length + 10)));
}

function smallest(schema: Structural, depth: number): unknown {
  const choices = schema['enum'];
  if (Array.isArray(choices)) return (choices as readonly unknown[])[0];
  switch (schema.type) {
    case 'string':
      return 'x';
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    default: {
      const required = depth > 20 ? [] : (schema.required ?? []);
      return Object.fromEntries(required.map((name) => [name, smallest(schema.properties?.[name] ?? {}, depth + 1)]));
    }
  }
}

function numberOf(schema: Structural, keyword: string): number {
  const value = schema[keyword];
  return typeof value === 'number' ? value : Number.POSITIVE_INFINITY;
}
