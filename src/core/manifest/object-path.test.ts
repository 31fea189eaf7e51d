import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperatorError } from '../../base/operator-error.ts';
import { type Json, parsePath, pathText, valueAt, withValueAt } from './object-path.ts';

describe('parsePath', () => {
  it.each([
    ['spec', ['spec']],
    ['spec.Template.replicas', ['spec', 'Template', 'replicas']],
    ['spec.rules[0].hosts[12]', ['spec', 'rules', 0, 'hosts', 12]],
    ['spec.matrix[1][2]', ['spec', 'matrix', 1, 2]],
    ['spec.list[10000]', ['spec', 'list', 10_000]],
  ])('reads %s', (text, path) => {
    expect(parsePath(text)).toEqual(path);
    expect(pathText(path)).toBe(text);
  });

  it.each([
    '',
    '.',
    'spec.',
    'spec..a',
    '[0]',
    'spec.[0]',
    'spec[',
    'spec[1',
    'spec[a]',
    'spec[-1]',
    'spec[1]x',
    'spec[10001]',
  ])('refuses %j', (text) => {
    expect(() => parsePath(text)).toThrow(OperatorError);
  });
});

const name = fc.oneof(fc.stringMatching(/^[a-z]{1,4}$/), fc.constant('__proto__'), fc.constant('constructor'));
const path = fc
  .tuple(name, fc.array(fc.oneof(name, fc.nat({ max: 4 })), { maxLength: 4 }))
  .map(([first, rest]) => [first, ...rest]);

describe('withValueAt', () => {
  it('puts a value where valueAt finds it, and touches nothing that was there', () => {
    fc.assert(
      fc.property(path, path, (first, second) => {
        const before = withValueAt({}, first, () => 'one');
        const copy = structuredClone(before);
        try {
          const after = withValueAt(before, second, () => 'two');
          expect(valueAt(after, second)).toBe('two');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(OperatorError); // something else stands in the way
        }
        expect(before).toEqual(copy);
        expect(Object.getPrototypeOf(before)).toBe(Object.prototype);
      }),
    );
  });

  it('makes maps and lists on the way, and fills lists with null', () => {
    const made = withValueAt({ spec: { kept: 1 } }, ['spec', 'rules', 2, 'host'], () => 'h');
    expect(made).toEqual({ spec: { kept: 1, rules: [null, null, { host: 'h' }] } });
  });

  it.each<[Json, (string | number)[]]>([
    [{ spec: 'text' }, ['spec', 'a']],
    [{ spec: { a: {} } }, ['spec', 'a', 0]],
    [{ spec: [] }, ['spec', 'a']],
  ])('refuses %j for %j', (root, at) => {
    expect(() => withValueAt(root, at, () => 1)).toThrow(/something else/);
  });
});
