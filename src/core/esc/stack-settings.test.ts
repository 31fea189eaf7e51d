import { describe, expect, it } from 'vitest';
import { opened, problems, secretPaths, shown } from './evaluation.fixture.ts';
import type { Mode } from './session.ts';
import { readStackSettings } from './stack-settings.ts';

const texts = {
  'acme/common': 'values: {a: 1, b: 1}',
  'acme/prod': 'values: {b: 2}',
  'acme/config': `values: {pulumiConfig: {"aws:region": us-west-2, "app:db": {host: h, port: 1}, "app:key": {fn::secret: k}}}`,
};

function read(text: string, mode: Mode = 'open') {
  const { root, environment: given } = readStackSettings('dev', text);
  return opened(root, texts, mode, { given });
}

describe("a stack's settings of Pulumi", () => {
  it('merge the environments that they list, in order', () => {
    expect(shown(read('environment:\n  - acme/common\n  - acme/prod\n'))).toEqual({ a: 1, b: 2 });
    expect(shown(read('environment: [acme/prod, acme/common]'))).toEqual({ a: 1, b: 1 });
  });

  it('may hold an environment themselves', () => {
    expect(shown(read('environment: {imports: [acme/common], values: {b: "${a}"}}'))).toEqual({ a: 1, b: 1 });
  });

  it.each([
    [
      'replaces a value, and adds others',
      '{aws:region: eu-west-1, app:x: 2}',
      { 'aws:region': 'eu-west-1', 'app:x': 2 },
    ],
    ['is merged into an object', '{app:db: {port: 2}}', { 'app:db': { host: 'h', port: 2 } }],
    ['replaces a list', '{app:db: [1, {a: b}]}', { 'app:db': [1, { a: 'b' }] }],
    [
      'is literal',
      "{app:x: '${aws:region}', app:y: {fn::secret: x}}",
      { 'app:x': '${aws:region}', 'app:y': { 'fn::secret': 'x' } },
    ],
  ])('have configuration that %s', (_, config, pulumiConfig) => {
    const evaluation = read(`config: ${config}\nenvironment: [acme/config]\n`);
    expect(problems(evaluation)).toEqual([]);
    expect(shown(evaluation)).toMatchObject({ pulumiConfig: { 'app:key': 'k', ...pulumiConfig } });
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["app:key"]']);
  });

  it('have configuration over an environment that stands among them, and over none', () => {
    const own = 'environment: {imports: [acme/config], values: {pulumiConfig: {"app:x": "${h}"}, h: x}}';
    expect(shown(read(`config: {aws:region: r}\n${own}`))).toMatchObject({
      pulumiConfig: { 'aws:region': 'r', 'app:x': 'x' },
    });
    expect(shown(read('config: {aws:region: r}'))).toEqual({ pulumiConfig: { 'aws:region': 'r' } });
  });

  it.each(['open', 'check'] as const)('do not know what the stack has encrypted, and say so (%s)', (mode) => {
    const text =
      'config:\n  app:key: {secure: AAAB}\n  app:db: {password: {secure: AAAC}}\nenvironment: [acme/config]\n';
    const evaluation = read(text, mode);
    expect(shown(evaluation)).toMatchObject({
      pulumiConfig: { 'app:key': '[unknown]', 'app:db': { host: 'h', password: '[unknown]' } },
    });
    expect(secretPaths(evaluation)).toEqual(['pulumiConfig["app:db"].password', 'pulumiConfig["app:key"]']);
    expect(evaluation.diagnostics).toMatchObject([
      { severity: 'warning', path: 'config["app:key"]', range: { begin: { line: 2, column: 12 } } },
      { severity: 'warning', path: 'config["app:db"].password' },
    ]);
    expect(JSON.stringify(evaluation.diagnostics)).not.toContain('AAA');
  });

  it('tell problems where they stand, and are empty without environments', () => {
    const at = { path: 'environment[0]', range: { begin: { line: 2, column: 5 } } };
    expect(read('environment:\n  - acme/nope\n').diagnostics).toMatchObject([at]);
    expect(read('environment:\n  - acme/nope\nconfig: {a: 1}').diagnostics).toMatchObject([at]);
    expect(read('config: {}').value).toBeUndefined();
    expect(problems(read('environment: x'))).toEqual(['imports must be a list']);
    expect(problems(read('environment: x\nconfig: {a: 1}'))).toContain('imports must be a list');
    expect(problems(read('[]'))).toEqual(['environment must be an object']);
  });
});
