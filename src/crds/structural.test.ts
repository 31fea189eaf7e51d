import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import {
  about,
  anyJson,
  bytes,
  defaulted,
  exactlyOne,
  int32,
  intOrString,
  objectName,
  optional,
  ruled,
  text,
} from './kit.ts';
import { structural, withoutDescriptions } from './structural.ts';

describe('structural', () => {
  it('says optional and required members', () => {
    expect(structural(z.object({ a: text('A.'), b: optional(text('B.')) }))).toEqual({
      type: 'object',
      properties: { a: { type: 'string', description: 'A.' }, b: { type: 'string', description: 'B.' } },
      required: ['a'],
    });
  });

  it('says names with their bounds', () => {
    expect(structural(objectName('Name.'))).toMatchObject({
      type: 'string',
      minLength: 1,
      maxLength: 253,
      pattern: expect.stringMatching(/^\^.*\$$/),
    });
  });

  it('says integers by their format, without the bounds of a double', () => {
    expect(structural(int32('Count.'))).toEqual({ type: 'integer', format: 'int32', description: 'Count.' });
    expect(structural(int32('Count.').check(z.minimum(600)))).toMatchObject({ minimum: 600 });
  });

  it('keeps defaults of members and drops those below lists and maps', () => {
    const inner = z.object({ a: defaulted(text('A.'), 'x') });
    const kept = structural(z.object({ member: inner, list: z.array(inner), map: z.record(z.string(), inner) }));
    expect(kept).toMatchObject({ properties: { member: { properties: { a: { default: 'x' } } } } });
    expect(kept.properties?.['list']?.items?.properties?.['a']).toEqual({ type: 'string', description: 'A.' });
    expect(kept.properties?.['map']?.additionalProperties?.properties?.['a']).toEqual({
      type: 'string',
      description: 'A.',
    });
  });

  it('says what Kubernetes has its own words for', () => {
    expect(structural(intOrString('Either.'))).toMatchObject({ 'x-kubernetes-int-or-string': true });
    expect(structural(anyJson('Any.'))).toEqual({ description: 'Any.', 'x-kubernetes-preserve-unknown-fields': true });
    expect(structural(z.looseObject({ a: bytes('A.') }))).toMatchObject({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    });
    expect(structural(exactlyOne({ a: optional(text('A.')) }, 'One.'))).toMatchObject({
      minProperties: 1,
      maxProperties: 1,
    });
  });

  it('carries every rule of an object', () => {
    const base = z.object({ a: optional(text('A.')), b: optional(text('B.')) });
    const first = ruled(base, { rule: 'has(self.a)', message: 'a', holds: ({ a }) => a !== undefined });
    const both = about('Both.', ruled(first, { rule: 'has(self.b)', message: 'b', holds: ({ b }) => b !== undefined }));
    expect(structural(both)).toMatchObject({
      description: 'Both.',
      'x-kubernetes-validations': [
        { rule: 'has(self.a)', message: 'a' },
        { rule: 'has(self.b)', message: 'b' },
      ],
    });
    expect(z.safeParse(both, { a: '1' }).error?.issues.map(({ message }) => message)).toEqual(['b']);
  });

  it.each([
    ['a union', z.object({ a: z.union([z.string(), z.object({})]) })],
    ['a value without a type', z.object({ a: z.unknown() })],
    ['a closed object', z.object({ a: z.strictObject({}) })],
    ['a tuple', z.object({ a: z.tuple([z.string(), z.string()]) })],
  ])('refuses %s, as the API server would', (_, schema) => {
    expect(() => structural(schema)).toThrow(/\.a|schema/);
  });
});

describe('withoutDescriptions', () => {
  it('leaves a field that is called description alone', () => {
    const schema = structural(z.object({ description: text('D.'), list: z.array(z.object({ a: text('A.') })) }));
    expect(withoutDescriptions(schema)).toEqual({
      type: 'object',
      properties: {
        description: { type: 'string' },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
      },
      required: ['description', 'list'],
    });
  });
});
