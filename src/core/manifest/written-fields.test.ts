import { describe, expect, it } from 'vitest';
import { fieldOf, type ManifestBlueprint, type ManifestField } from './manifest-blueprint.ts';
import type { Json, JsonMap, Path } from './object-path.ts';
import { withWrittenFields, writtenFieldsAnnotation, writtenPart, writtenValue } from './written-fields.ts';

const blueprintOf = (...fields: readonly ManifestField[]): ManifestBlueprint => ({
  fields,
  labels: {},
  annotations: { kept: 'x' },
});
const annotationsOf = (...fields: readonly ManifestField[]) => withWrittenFields(blueprintOf(...fields)).annotations;

interface Case {
  readonly fields: readonly ManifestField[];
  readonly there: JsonMap;
  readonly part: JsonMap;
}

const cases: Readonly<Record<string, Case>> = {
  'leaves out what was filled in beside it, at any depth': {
    fields: [fieldOf(['spec'], { host: 'a', rules: [{ user: 'u' }] })],
    there: { kind: 'Widget', spec: { host: 'a', mode: 'on', rules: [{ user: 'u', port: 80 }] } },
    part: { spec: { host: 'a', rules: [{ user: 'u' }] } },
  },
  'shows what was edited or is gone': {
    fields: [fieldOf(['spec', 'a'], 1), fieldOf(['spec', 'b'], 1)],
    there: { spec: { a: 2 } },
    part: { spec: { a: 2 } },
  },
  'shows what was appended to a list that was written whole': {
    fields: [fieldOf(['spec', 'rules'], [{ a: 1 }]), fieldOf(['spec', 'names'], ['x'])],
    there: { spec: { rules: [{ a: 1, b: 1 }, { c: 1 }], names: ['x', 'y'] } },
    part: { spec: { rules: [{ a: 1 }, { c: 1 }], names: ['x', 'y'] } },
  },
  'leaves out the members of a list of which others were written': {
    fields: [fieldOf(['spec', 'rules', 1, 'user'], 'u')],
    there: { spec: { rules: [{ host: 'a' }, { host: 'b', user: 'u' }, { host: 'c' }] } },
    part: { spec: { rules: { 1: { user: 'u' } } } },
  },
  'has a member of a list that was written whole before': {
    fields: [fieldOf(['spec'], { rules: [{ a: 1 }, { a: 2 }] }), fieldOf(['spec', 'rules', 1, 'b'], 3)],
    there: { spec: { rules: [{ a: 1 }, { a: 2, b: 3, c: 4 }] } },
    part: { spec: { rules: [{ a: 1 }, { a: 2, b: 3 }] } },
  },
  'has both maps of which one is merged over the other': {
    fields: [fieldOf(['spec', 'x'], { a: 1 }), fieldOf(['spec', 'x'], { b: 2 }, { isMerge: true })],
    there: { spec: { x: { a: 1, b: 2, c: 3 } } },
    part: { spec: { x: { a: 1, b: 2 } } },
  },
  'does not care whether an empty map or null was kept': {
    fields: [fieldOf(['spec'], { a: 1, dir: {}, none: null })],
    there: { spec: { a: 1, dir: {}, none: 'filled in' } },
    part: { spec: { a: 1 } },
  },
  'knows names that every object has': {
    fields: [fieldOf(['spec', 'constructor'], 'x'), fieldOf(['spec', '__proto__'], 'y')],
    there: JSON.parse('{"spec":{"constructor":"x","__proto__":"y","toString":"z"}}'),
    part: JSON.parse('{"spec":{"constructor":"x","__proto__":"y"}}'),
  },
};

describe('the part that was written', () => {
  it.each(Object.entries(cases))('%s', (_, { fields, there, part }) => {
    expect(writtenPart(there, annotationsOf(...fields))).toEqual(part);
  });

  it('is all of it where no annotation, or none that can be read, says so', () => {
    const content = { spec: { a: 1, b: {} } };
    for (const record of [undefined, '', '[]', '0', '{', 'x'.repeat(20_000)]) {
      const annotations = record === undefined ? {} : { [writtenFieldsAnnotation]: record };
      expect(writtenPart(content, annotations)).toEqual(content);
    }
  });

  it('is recorded without values, beside the other annotations, and not for more fields than an annotation holds', () => {
    const annotations = annotationsOf(fieldOf(['spec', 'token'], 'CANARY'));
    expect(annotations).toEqual({ kept: 'x', [writtenFieldsAnnotation]: '{"spec":{"token":0}}' });
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`member-${at}`, 1]));
    expect(annotationsOf(fieldOf(['spec'], many))).toEqual({ kept: 'x' });
  });
});

describe('a value that was written at a place', () => {
  const path: Path = ['spec', 'rules', 1];
  const there: Json = { drawn: 'then', filled: 1 };

  it('is read by the record, whatever the names of its members are now', () => {
    const annotations = annotationsOf(fieldOf(path, { drawn: 'then' }));
    expect(writtenValue(there, path, annotations, { other: 'now' })).toEqual({ drawn: 'then' });
  });

  it('is read by a value of its kind where nothing is recorded', () => {
    expect(writtenValue(there, path, {}, { drawn: 'now' })).toEqual({ drawn: 'then' });
    expect(writtenValue(there, path, {}, 'now')).toEqual(there);
  });
});
