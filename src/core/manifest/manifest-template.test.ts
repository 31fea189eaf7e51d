import { describe, expect, it } from 'vitest';
import { asOperatorError } from '../../base/operator-error.ts';
import type { Template } from '../../crds/template.ts';
import { Budget } from '../budget.ts';
import { SecretValue } from '../secret-value.ts';
import { jsonOf, plainManifest } from './manifest-blueprint.ts';
import { renderManifest } from './manifest-template.ts';
import { pathText } from './object-path.ts';

const secretsOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([key, text]) => [key, new SecretValue(text)]));
const data = secretsOf({ user: 'ada', port: '8080', pass: 's3cret-canary' });
const texts = new Map([
  [
    'ConfigMap/tpl',
    secretsOf({ replicas: '3', list: '[1, {{ .port }}]', plain: 'a: b: c', more: 'x: {{ .user }}\nz: 2' }),
  ],
]);
const randomBytes = (size: number) => new Uint8Array(size);

function render(part: Partial<Template>) {
  const template: Template = { engineVersion: 'v2', mergePolicy: 'Replace', ...part };
  return renderManifest({ template, data, texts }, { budget: new Budget(), nowMs: 0, randomBytes });
}

function fields(part: Partial<Template>) {
  return render(part).fields.map((field) => [
    pathText(field.path),
    jsonOf(field),
    ...(field.isMerge ? ['merged'] : []),
  ]);
}

function failure(part: Partial<Template>) {
  try {
    render(part);
  } catch (thrown) {
    return asOperatorError(thrown);
  }
  throw new Error('it rendered');
}

type From = NonNullable<Template['templateFrom']>[number];
const literal = (text: string, target: string, more: Partial<From> = {}): Partial<Template> => ({
  templateFrom: [{ literal: text, target, ...more }],
});
const item = (key: string, target: string, templateAs: 'Values' | 'KeysAndValues' = 'Values'): Partial<Template> => ({
  templateFrom: [{ configMap: { name: 'tpl', items: [{ key, templateAs }] }, target }],
});

describe('what a template makes of a manifest', () => {
  it.each<[why: string, part: Partial<Template>, expected: unknown]>([
    [
      'data as texts',
      { data: { url: 'http://{{ .user }}', n: '1' } },
      [
        ['data.url', 'http://ada'],
        ['data.n', '1'],
      ],
    ],
    ['nothing of the provider beside a template', {}, []],
    [
      'a literal for Data as texts',
      literal('a: 1\nb: {{ .user }}', 'Data'),
      [
        ['data.a', '1'],
        ['data.b', 'ada'],
      ],
    ],
    ['the same for an empty target', literal('a: 1', ''), [['data.a', '1']]],
    [
      'the whole spec',
      literal('replicas: 3\nt: {u: [{{ .port }}]}', 'spec'),
      [['spec', { replicas: 3, t: { u: [8080] } }]],
    ],
    ['the whole spec, in other letters', literal('replicas: 3', 'Spec'), [['spec', { replicas: 3 }]]],
    ['a map at a longer path', literal('A: {{ .user }}', 'spec.Env'), [['spec.Env', { A: 'ada' }, 'merged']]],
    ['another value at a longer path', literal('- a', 'spec.args'), [['spec.args', ['a']]]],
    ['a number at a leaf', item('replicas', 'spec.replicas'), [['spec.replicas', 3]]],
    ['a list at a leaf', item('list', 'spec.ports[1]'), [['spec.ports[1]', [1, 8080]]]],
    ['text that is no YAML', item('plain', 'spec.text'), [['spec.text', 'a: b: c']]],
    ['a text of spec by its key', item('replicas', 'spec'), [['spec.replicas', '3']]],
    [
      'an item of keys and values',
      item('more', 'spec.a.b', 'KeysAndValues'),
      [['spec.a.b', { x: 'ada', z: 2 }, 'merged']],
    ],
    [
      'data after templateFrom',
      { ...literal('a: 1', 'Data'), data: { a: '2' } },
      [
        ['data.a', '1'],
        ['data.a', '2'],
      ],
    ],
    ['nothing at all', literal('', 'spec'), []],
    ['decoded values', literal('a: YWRh', 'Data', { valuesDecodingStrategy: 'Base64' }), [['data.a', 'ada']]],
  ])('is %s', (_, part, expected) => {
    expect(fields(part)).toEqual(expected);
  });

  it('has labels and annotations, of metadata over those of templateFrom', () => {
    const made = render({
      ...literal('l: from\nm: from', 'labels'),
      metadata: { labels: { l: '{{ .user }}' }, annotations: { n: 'x' } },
    });
    expect(made).toMatchObject({ labels: { l: 'ada', m: 'from' }, annotations: { n: 'x' } });
  });

  it('tells which fields were drawn', () => {
    const { volatile } = render({
      ...literal('a: "{{ randAlphaNum 4 }}"', 'spec.x'),
      data: { plain: '1', drawn: '{{ uuidv4 }}' },
      metadata: { annotations: { at: '{{ now }}' } },
    });
    expect(volatile).toEqual({ fields: [0, 2], labels: [], annotations: ['at'] });
  });

  it.each<[Partial<Template>, string, RegExp]>([
    [literal('a: 1', 'metadata.name'), 'InvalidSpec', /templateFrom\[0\]\.target "metadata\.name"/],
    [literal('a: 1', 'metadata'), 'InvalidSpec', /cannot write "metadata"/],
    [literal('a: 1', 'status.x'), 'InvalidSpec', /cannot write "status"/],
    [literal('Role', 'kind'), 'InvalidSpec', /cannot write "kind"/],
    [literal('a: 1', 'spec[x]'), 'InvalidSpec', /written as|whole number/],
    [literal('a: {', 'spec'), 'InvalidTemplate', /is not YAML/],
    [literal('YQ==', 'spec.a', { valuesDecodingStrategy: 'Base64' }), 'InvalidSpec', /not decoded/],
    [{ data: { a: '{{ .usr }}' } }, 'InvalidTemplate', /did you mean "user"/],
    [{ metadata: { labels: { 'argocd.argoproj.io/instance': 'x' } } }, 'InvalidTemplate', /argocd/],
    [{ data: { a: '{{ b64dec "/w==" }}' } }, 'InvalidValue', /not text/],
  ])('fails for %j', (part, reason, words) => {
    const error = failure(part);
    expect(error.reason).toBe(reason);
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain('canary');
  });

  it('cannot be a bomb of aliases', () => {
    const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
    for (let i = 1; i < 9; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join()}]`,
      );
    expect(failure(literal(bomb.join('\n'), 'spec')).reason).toBe('TooMuchWork');
  });
});

describe('a manifest without a template', () => {
  const source = { labels: { own: 'label' }, annotations: {} };
  const pathsOf = (apiVersion: string, kind: string) =>
    plainManifest({ apiVersion, kind }, source, secretsOf({ k: 'v' })).fields.map((field) => [
      pathText(field.path),
      jsonOf(field),
    ]);

  it('holds the values in data of a ConfigMap, and in spec.data of any other kind', () => {
    expect(pathsOf('v1', 'ConfigMap')).toEqual([['data.k', 'v']]);
    expect(pathsOf('example.com/v1', 'ConfigMap')).toEqual([['spec.data.k', 'v']]);
    expect(pathsOf('example.com/v1', 'Widget')).toEqual([['spec.data.k', 'v']]);
  });

  it('refuses bytes that are no text, and prints no value', () => {
    const bytes = new Map([['k', new SecretValue(Buffer.from([0xff]))]]);
    expect(() => plainManifest({ apiVersion: 'v1', kind: 'ConfigMap' }, source, bytes)).toThrow(/"k" is not text/);
    expect(JSON.stringify(plainManifest({ apiVersion: 'v1', kind: 'ConfigMap' }, source, data))).not.toContain(
      'canary',
    );
  });
});
