import { describe, expect, it } from 'vitest';
import { readDocument } from './declare.ts';
import { opened, problems, secretPaths, shown } from './evaluation.fixture.ts';

const evaluated = (text: string, texts: Readonly<Record<string, string>> = {}) =>
  opened(readDocument('env', text), texts);

describe('fn::secret', () => {
  it('makes what is opened within it secret, to its depths', () => {
    const evaluation = evaluated('values: {a: {fn::secret: {fn::open::test: {x: {y: 1}}}}, r: "${a.x.y}"}');
    expect(problems(evaluation)).toEqual([]);
    expect(shown(evaluation)).toEqual({ a: { x: { y: 1 } }, r: 1 });
    expect(secretPaths(evaluation)).toEqual(['a', 'r']);
  });

  it('takes its text as it is', () => {
    const evaluation = evaluated('values: {a: {fn::secret: "$${x} ${y} $$"}}');
    expect(problems(evaluation)).toEqual([]);
    expect(shown(evaluation)).toEqual({ a: '$${x} ${y} $$' });
  });
});

describe('secrecy', () => {
  const canary = 'canary-4711';

  it.each([
    ['JSON that is none', `{a: {fn::fromJSON: {fn::secret: "${canary}"}}}`],
    ['base64 that is none', `{a: {fn::fromBase64: {fn::secret: "${canary}!"}}}`],
    ['what a provider says', `{a: {fn::open::error: {why: {fn::secret: "no ${canary} here"}}}}`],
    ['keys of a secret object', `{o: {fn::fromJSON: {fn::secret: '{"${canary}x": 1}'}}, r: "\${o.${canary}}"}`],
    ['constants of a schema', `{a: {fn::validate: {schema: {const: {fn::secret: "${canary}"}}, value: other}}}`],
    ['a type that does not fit', `{a: {fn::join: [",", {fn::secret: "${canary}"}]}}`],
    ['text that is no YAML', `{a: {fn::secret: "${canary}`],
    ['a scalar that does not fit its tag', `{a: {fn::secret: !!int ${canary}}}`],
  ])('holds in the diagnostics of %s', (_, values) => {
    const { diagnostics } = evaluated(`values: ${values}`);
    expect(diagnostics.length).toBeGreaterThan(0);
    const told = diagnostics.map(({ summary, suggestion = '' }) => summary.replace(`"${canary}"`, '') + suggestion);
    expect(told.join('\n')).not.toContain(canary);
  });

  it('is kept by each piece of a text that is split', () => {
    const evaluation = evaluated('values: {l: {fn::split: [",", {fn::secret: "a,b"}]}, r: "${l[1]}"}');
    expect(secretPaths(evaluation)).toEqual(['l', 'r']);
  });

  it('is kept by what is read below a secret that is not known', () => {
    const evaluation = evaluated('values: {s: {fn::fromJSON: {fn::secret: "{"}}, r: "${s.x}"}');
    expect(secretPaths(evaluation)).toEqual(['r', 's']);
  });

  it('does not print with a value', () => {
    const { value } = evaluated(`values: {a: {fn::secret: "${canary}"}}`);
    expect(`${String(value)} ${JSON.stringify(value)}`).toBe('[value] "[value]"');
  });
});
