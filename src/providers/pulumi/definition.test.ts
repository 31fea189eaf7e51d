import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definitionOf } from './definition.ts';

const importsOf = (text: string) => definitionOf(text, '1').imports;

describe('a definition', () => {
  it.each([
    ['plain values', 'values: {a: 1, b: [x, {c: null}], d: "${a} and ${b[0]}"}'],
    ['nothing', ''],
    ['secrets, encrypted and in clear', 'values: {a: {fn::secret: {ciphertext: ZXNj}}, b: {fn::secret: hidden}}'],
    ['functions of its own values', 'values: {a: {fn::toJSON: {k: "${b}"}}, b: {fn::join: [",", [x, y]]}}'],
    ['a dollar that is none', 'values: {a: "$${environments.x}"}'],
    ['projections', 'values: {environmentVariables: {A: "${b}"}, b: 1}'],
  ])('that holds %s gives the same at each open', (_what, text) => {
    expect(importsOf(text)).toEqual([]);
  });

  it.each([
    ['an opened provider', 'values: {aws: {login: {fn::open::aws-login: {oidc: {roleArn: x}}}}}'],
    ['a provider in the long form', 'values: {a: {fn::open: {provider: test, inputs: {}}}}'],
    ['a provider in a list', 'values: {a: [1, {b: {fn::open::test: {}}}]}'],
    ['a provider in an argument', 'values: {a: {fn::toJSON: {fn::open::test: {}}}}'],
    ['a rotated secret', 'values: {a: {fn::rotate::test: {inputs: {}, state: null}}}'],
    ['a function that is not known', 'values: {a: {fn::now: {}}}'],
    ['another environment', 'values: {a: "x ${environments.shop.prod.key}"}'],
    ['who opens it', 'values: {a: "${context.pulumi.user.login}"}'],
    ['an import at its latest', 'imports: [shop/base]\nvalues: {}'],
    ['an import at a tag', 'imports: [shop/base@stable]\nvalues: {}'],
    ['one import at its latest beside a pinned one', 'imports: [shop/base@3, other]\nvalues: {}'],
    ['what is no YAML', 'values: ['],
    ['a page', '<html><body>sign in</body></html>'],
    ['more than is looked at', `values: {a: "${'x'.repeat(70_000)}"}`],
  ])('that holds %s proves nothing', (_what, text) => {
    expect(importsOf(text)).toBeUndefined();
  });

  it('names its pinned imports, whatever their options', () => {
    expect(importsOf('imports: [shop/base@3, common@12, {infra/net@7: {merge: false}}]\nvalues: {}')).toEqual([
      { project: 'shop', environment: 'base', version: '3' },
      { project: 'default', environment: 'common', version: '12' },
      { project: 'infra', environment: 'net', version: '7' },
    ]);
  });

  it('has another mark for another text or revision', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: String }), (pairs) => {
        const marks = pairs.map(([text, revision]) => definitionOf(text, revision).mark);
        expect(new Set(marks).size).toBe(new Set(pairs.map((pair) => JSON.stringify(pair))).size);
      }),
    );
  });
});
