import { describe, expect, it } from 'vitest';
import { environmentKey, environmentName, environmentsNamedBy, importTarget } from './environment-names.ts';

describe('environmentName', () => {
  it.each([
    ['base', 'shop/base'],
    ['infra/base', 'infra/base'],
    ['infra/base@3', 'infra/base@3'],
    ['base@stable', 'shop/base@stable'],
    ['base@latest', 'shop/base'],
  ])('reads %j as %j', (text, key) => {
    expect(environmentKey(environmentName(text, 'shop'))).toBe(key);
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    '../a',
    'a%2fb',
    'a\n',
    'a/b/c',
    'Base',
    'base@',
    'base@@3',
    'base@a/b',
    `base@${'9'.repeat(64)}`,
    '@3',
    'a b',
  ])('refuses %j', (text) => {
    expect(() => environmentName(text, 'shop')).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
  });

  it('gives one name to all that mean the same', () => {
    expect(importTarget('base@latest', 'shop')).toBe(importTarget('shop/base', 'infra'));
  });
});

describe('environmentsNamedBy', () => {
  it('finds imports of every form and references at any depth, each once', () => {
    const values = { a: [{ b: `see \${environments.infra.x.key} and \${environments["infra"]["y"].key}` }] };
    const imports = ['base', { 'infra/base@3': { merge: false } }, 'base@stable', 'NO NAME', 4];
    expect(environmentsNamedBy({ imports, values }, 'shop')).toEqual(['shop/base', 'infra/base', 'infra/x', 'infra/y']);
  });

  it('is bounded', () => {
    const imports = Array.from({ length: 10_000 }, (_, n) => `e${n}`);
    expect(environmentsNamedBy({ imports }, 'shop').length).toBe(256);
  });
});
