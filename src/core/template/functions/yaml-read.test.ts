import { describe, expect, it } from 'vitest';
import { Budget, defaultLimits, TemplateLimit } from '../limits.ts';
import { writeJson } from './json-write.ts';
import { readYaml, YamlFault } from './yaml-read.ts';

const read = (text: string) => {
  const budget = new Budget(defaultLimits);
  return writeJson(readYaml(text, budget), { budget });
};

describe('an alias of YAML', () => {
  it('stands for the last anchor of its name before it', () => {
    expect(read('a: &x 1\nb: *x\nc: &x 2\nd: *x')).toBe('{"a":1,"b":1,"c":2,"d":2}');
    expect(read('base: &m {k: 1}\nuse: {<<: *m, l: 2}')).toBe('{"base":{"k":1},"use":{"k":1,"l":2}}');
  });

  it('to an anchor that comes later is a fault, and one inside itself ends', () => {
    expect(() => read('b: *x\na: &x 1')).toThrow(YamlFault);
    expect(() => read('a: &x [*x]')).toThrow(YamlFault);
  });

  it('costs a step for each, however many there are', () => {
    const many = `a: &x 1\nl: [${Array(20_000).fill('*x').join(', ')}]`;
    expect(read(many)).toHaveLength(20_000 * 2 + 13);
  });

  it('of an alias of an alias is a bomb that meets the bound', () => {
    const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join()}]`,
      );
    expect(() => read(lines.join('\n'))).toThrow(TemplateLimit);
  });
});
