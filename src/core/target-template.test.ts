import { beforeAll, describe, expect, it } from 'vitest';
import { asOperatorError } from '../base/operator-error.ts';
import type { Template } from '../crds/template.ts';
import { Budget, inlineShare } from './budget.ts';
import { packInput, unpackOutput } from './job-packing.ts';
import { runJob } from './jobs.ts';
import { loadParts } from './parts.ts';
import { SecretValue } from './secret-value.ts';
import { templateRefs } from './template-refs.ts';
import { answerOrder } from './thread-jobs.ts';

beforeAll(loadParts);

const secretsOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([key, text]) => [key, new SecretValue(text)]));
const data = secretsOf({ user: 'ada', pass: 's3cret-canary', json: '{"s3cret-key":1}' });
const texts = new Map([
  ['ConfigMap/tpl', secretsOf({ url: 'https://{{ .user }}', many: 'a: {{ .user }}\nb: "2"' })],
  ['Secret/tpl', secretsOf({ bad: '{{ .nope-s3cret-canary' })],
]);

type Part = Partial<Template>;

function render(part: Part, budget = new Budget()) {
  const template: Template = { engineVersion: 'v2', mergePolicy: 'Replace', ...part };
  const order = { template, data, texts, nowMs: 0, seed: '00'.repeat(32) };
  const { data: rendered, ...rest } = runJob('render', order, budget);
  return { ...rest, data: Object.fromEntries([...rendered].map(([key, value]) => [key, value.text()])) };
}

function failure(part: Part, budget?: Budget) {
  try {
    render(part, budget);
  } catch (thrown) {
    return asOperatorError(thrown);
  }
  throw new Error('it rendered');
}

const from = (entry: Partial<NonNullable<Template['templateFrom']>[number]>) => ({ target: 'Data', ...entry });

describe('what a template makes of the values', () => {
  const user = { data: { a: '{{ .user }}' } };
  const cases: readonly { why: string; part: Part; expected: object }[] = [
    { why: 'no texts', part: {}, expected: { user: 'ada' } },
    { why: 'only data', part: user, expected: { a: 'ada' } },
    { why: 'merging', part: { ...user, mergePolicy: 'Merge' }, expected: { a: 'ada', user: 'ada' } },
    {
      why: 'data beside templateFrom',
      part: { data: { a: 'data' }, templateFrom: [from({ literal: 'a: from\nb: from' })] },
      expected: { a: 'data', b: 'from' },
    },
    {
      why: 'two entries of templateFrom',
      part: { templateFrom: [from({ literal: 'a: 1' }), from({ literal: 'a: 2' })] },
      expected: { a: '2' },
    },
    {
      why: 'items of a ConfigMap',
      part: {
        templateFrom: [
          from({
            configMap: {
              name: 'tpl',
              items: [
                { key: 'url', templateAs: 'Values' },
                { key: 'many', templateAs: 'KeysAndValues' },
              ],
            },
          }),
        ],
      },
      expected: { url: 'https://ada', a: 'ada', b: '2' },
    },
    {
      why: 'decoding, of values only',
      part: { templateFrom: [from({ literal: 'a: YWRh', valuesDecodingStrategy: 'Base64' })] },
      expected: { a: 'ada' },
    },
  ];
  it.each(cases)('keeps the order with $why', ({ part, expected }) => {
    expect(render(part).data).toMatchObject(expected);
  });

  it('drops provider values where texts take their place', () => {
    expect(Object.keys(render(user).data)).toEqual(['a']);
  });

  it('writes labels and annotations, those of metadata over those of templateFrom', () => {
    const rendered = render({
      metadata: { labels: { l: '{{ .user }}' }, annotations: { n: 'x' }, finalizers: ['example.com/keep'] },
      templateFrom: [from({ literal: 'l: from\nm: from', target: 'labels' })],
      type: 'example.com/t',
    });
    expect(rendered).toMatchObject({
      labels: { l: 'ada', m: 'from' },
      annotations: { n: 'x' },
      finalizers: ['example.com/keep'],
      type: 'example.com/t',
    });
  });

  it('names the objects that it needs, each once', () => {
    const items = [{ key: 'a', templateAs: 'Values' as const }];
    const refs = templateRefs({
      engineVersion: 'v2',
      mergePolicy: 'Replace',
      templateFrom: [
        from({ configMap: { name: 'x', items }, secret: { name: 'x', items } }),
        from({ configMap: { name: 'x', items } }),
      ],
    });
    expect(refs).toEqual([
      { kind: 'ConfigMap', name: 'x' },
      { kind: 'Secret', name: 'x' },
    ]);
  });
});

describe('YAML of KeysAndValues', () => {
  it.each([
    ['a: 1.50', { a: '1.5' }],
    ['a: 007', { a: '7' }],
    ['a: 0x10', { a: '16' }],
    ['a: 1000000.0', { a: '1e+06' }],
    ['a: 18446744073709551615', { a: '18446744073709551615' }],
    ['a: yes\ny: b', { a: 'true', true: 'b' }],
    ['a: ~\nb:', { a: '', b: '' }],
    ['a: 2024-01-02', { a: '2024-01-02' }],
    ['a: 1:30', { a: '1:30' }],
    ['a: 1\na: 2', { a: '2' }],
    ['a: 1\n---\nb: 2', { a: '1' }],
    ['a: |\n  x\n  y\n', { a: 'x\ny\n' }],
    ['a: |\n  x\n  y', { a: 'x\ny' }],
    ['a: |\n  x\nb: >\n  y\n  z', { a: 'x\n', b: 'y z' }],
    ['a: &x 1\nb: *x', { a: '1', b: '1' }],
    ['', {}],
    ['# nothing', {}],
  ])('reads %j as Go does', (literal, expected) => {
    expect(render({ templateFrom: [from({ literal })] }).data).toEqual(expected);
  });

  it.each(['a: [1]', 'a: *x', 'a: {b: c}', '- a', 'a', 'a: "{{ .pass }}'])('refuses %j without a value', (literal) => {
    const error = failure({ templateFrom: [from({ literal })] });
    expect(error.reason).toBe('InvalidTemplate');
    expect(error.message).toContain('spec.target.template.templateFrom[0].literal');
    expect(error.message).not.toContain('canary');
  });
});

describe('failures', () => {
  it('name the place, the line, the action and the nearest key', () => {
    const error = failure({ data: { url: 'x\n{{ .usr }}' } });
    expect(error.reason).toBe('InvalidTemplate');
    expect(error.message).toContain('spec.target.template.data["url"]: template: url:2:3');
    expect(error.message).toContain('did you mean "user"?');
    expect(error.message).not.toContain('canary');
  });

  it('keep quiet about keys inside a value', () => {
    expect(failure({ data: { a: '{{ $m := dict "s3cret-key" 1 }}{{ $m.nope }}' } }).message).not.toContain(
      'the keys are',
    );
  });

  it('quote nothing of a template that is kept in a Secret', () => {
    const secret = { name: 'tpl', items: [{ key: 'bad', templateAs: 'Values' as const }] };
    const error = failure({ templateFrom: [from({ secret })] });
    expect(error.message).toContain('Secret "tpl", key "bad": does not parse');
    expect(error.message).not.toContain('canary');
  });

  it('name a key that the object does not have', () => {
    const configMap = { name: 'tpl', items: [{ key: 'none', templateAs: 'Values' as const }] };
    expect(failure({ templateFrom: [from({ configMap })] })).toMatchObject({ reason: 'ReferenceNotFound' });
  });

  it.each<[string, Part]>([
    ['a type by which somebody is let in', { type: 'bootstrap.kubernetes.io/token' }],
    ['an unknown target', { templateFrom: [from({ target: 'spec', literal: 'a: b' })] }],
    ['the ServiceAccount of a token', { metadata: { annotations: { 'kubernetes.io/service-account.name': 'admin' } } }],
    [
      'a label that is made by templateFrom',
      { templateFrom: [from({ target: 'Labels', literal: 'argocd.argoproj.io/instance: x' })] },
    ],
    ['a finalizer of Kubernetes', { metadata: { finalizers: ['foregroundDeletion'] } }],
    ['a key that no Secret has', { data: { 'a b': 'x' } }],
  ])('refuse %s', (_, part) => {
    expect(['InvalidTemplate', 'InvalidSpec']).toContain(failure(part).reason);
  });
});

describe('bounds', () => {
  it('ends a part of the budget, so that the work is tried again with more', () => {
    const part = new Budget().part(inlineShare);
    const error = failure({ data: { a: '{{ range 40000 }}x{{ end }}' } }, part);
    expect(error.reason).toBe('TooMuchWork');
    expect(part.isOver).toBe(true);
    expect(render({ data: { a: '{{ range 40000 }}x{{ end }}' } }).data['a']).toHaveLength(40_000);
  });

  it('ends a bomb', () => {
    expect(failure({ data: { a: '{{ range 100000000 }}x{{ end }}' } })).toMatchObject({ reason: 'TooMuchWork' });
  });
});

describe('in a worker thread', () => {
  const template: Template = {
    engineVersion: 'v2',
    mergePolicy: 'Merge',
    templateFrom: [from({ literal: 'a: [[ .user ]]' })],
  };
  const order = { template, data, texts, delimiters: ['[[', ']]'] as const, nowMs: 0, seed: '00'.repeat(32) };

  it('gives what it gives here', async () => {
    const bounds = new Budget().left;
    const input = structuredClone(packInput('render', order));
    const answer = structuredClone(await answerOrder({ kind: 'render', input, bounds, named: bounds }));
    if ('error' in answer) throw new Error(answer.error.message);
    const there = unpackOutput('render', answer.output);
    const here = runJob('render', order, new Budget());
    const shown = (made: typeof here) => ({ ...made, data: [...made.data].map(([key, value]) => [key, value.text()]) });
    expect(shown(there)).toEqual(shown(here));
    expect(there.data.get('a')?.text()).toBe('ada');
  });
});

describe('a failure', () => {
  it.each<[text: string, words: RegExp]>([
    ['a\n  {{ .usr }}', /data\["k"\]: template: k:2:5: .* at <\.usr>: .* did you mean "user"\? the keys are "user"/],
    ['{{ .user.name }}', /k:1:8: .* at <\.user\.name>: can't evaluate field name in type string/],
    ['{{ range .user }}x{{ end }}', /k:1:9: .* at <\.user>: range can't iterate over a value of type string/],
    ['{{ lt .user 3 }}', /incompatible types for comparison: string and int/],
    ['{{ first .user }}', /Cannot find first on type string/],
    ['{{ genCA "a" "b" }}', /k:1:13: .*expected integer/],
    ['{{ .user | nope }}', /k:1: function "nope" not defined/],
    ['{{ if }}', /k:1: missing value for if/],
    ['{{ template "x" }}', /k:1:12: .*template "x" not defined/],
    ['{{ (fromJson .json).zz }}', /map has no entry for key "zz"$/],
  ])('of %j names place, action and types, and no value', (text, words) => {
    const { reason, message } = failure({ data: { k: text } });
    expect(reason).toBe('InvalidTemplate');
    expect(message).toMatch(words);
    expect(message).not.toMatch(/s3cret|ada/);
  });

  it.each<[text: string, words: RegExp]>([
    ['{{ range 100000000 }}x{{ end }}', /takes more than \d+ steps/],
    ['{{ repeat 99999999 "x" }}', /makes a value of more than \d+ bytes/],
    ['{{ range 20 }}{{ genPrivateKey "ecdsa" }}{{ end }}', /makes more than \d+ keys or password hashes/],
    ['{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', /more than \d+ levels deep/],
  ])('of %j says which bound was passed', (text, words) => {
    const { reason, message } = failure({ data: { k: text } });
    expect(reason).toBe('TooMuchWork');
    expect(message).toMatch(/^spec\.target\.template\.data\["k"\]: (the template|templates) /);
    expect(message).toMatch(words);
  });
});
