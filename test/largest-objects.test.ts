import { describe, expect, it } from 'vitest';
import { largestObjects } from '../bench/support/largest-objects.ts';
import { kinds } from '../src/controller/kinds.ts';
import { type Structural, structural } from '../src/crds/structural.ts';

/** All nodes of a schema that are neither groups nor choices, as parameters are written. */
function* growing(schema: Structural, at: string): Iterable<string> {
  const { properties, items, additionalProperties } = schema;
  for (const [name, each] of Object.entries(properties ?? {})) yield* growing(each, `${at}.${name}`);
  if (items !== undefined) yield* growing(items, `${at}[]`);
  if (additionalProperties !== undefined) yield* growing(additionalProperties, `${at}{}`);
  if (properties === undefined && schema['enum'] === undefined && schema.type !== 'boolean') yield at;
}

describe('the largest objects', () => {
  it.each(Object.entries(kinds))('of %s are there for every parameter of its schema', (_, { definition }) => {
    const schema = structural(definition.spec);
    const known = new Set(largestObjects(schema).map(({ parameter }) => parameter));
    expect([...growing(schema, 'spec')].filter((parameter) => !known.has(parameter))).toEqual([]);
  });

  it('are as large as an object may be, or as the schema says', () => {
    const schema: Structural = {
      type: 'object',
      required: ['name'],
      properties: {
        name: { type: 'string', maxLength: 5 },
        list: { type: 'array', items: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
      },
    };
    const made = new Map(largestObjects(schema).map(({ parameter, make }) => [parameter, make()]));
    expect(made.get('spec.name')).toEqual({ name: 'xxxxx' });
    expect(JSON.stringify(made.get('spec.list')).length).toBeGreaterThan(600_000);
    expect(made.get('spec.list[].a')).toMatchObject({ name: 'x', list: [{ a: expect.stringMatching(/^x{1000000}/) }] });
  });
});
