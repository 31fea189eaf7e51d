// Orders that are meant to cost more than they should: every kind of job whose size a manifest, a value or an answer decides,
// with input that multiplies. A table, so that a family that is added is in the tests and in the command that runs many.
import fc from 'fast-check';
import type { ExternalSecretSpec } from '../crds/external-secret.ts';
import type { WebhookSpec } from '../crds/generators/webhook.ts';
import { DocumentSource } from './esc/document-source.ts';
import { hostileDocuments } from './esc/hostile.fixture.ts';
import { packValue } from './esc/packed-value.ts';
import { valueOfJson } from './esc/value.ts';
import type { JobKind, JobTable } from './jobs.ts';
import { SecretValue } from './secret-value.ts';
import { functionFamilies } from './template/functions/all.ts';
import { builtinFunctions } from './template/functions/builtin.ts';
import type { TemplateFunction } from './template/functions/define.ts';

/** A job with its input. */
export type HostileOrder = {
  readonly [K in JobKind]: { readonly kind: K; readonly input: JobTable[K]['input'] };
}[JobKind];

const times = fc.constantFrom(1, 2, 10, 60, 584);
const repeated = (unit: fc.Arbitrary<string>, most: number) =>
  fc.tuple(unit, times).map(([text, count]) => text.repeat(count).slice(0, most));

const piece = fc.constantFrom(
  'x{1000}',
  '(a?){500}',
  '(a|b|ab)*',
  '.*',
  '.*?',
  '(.*)',
  '(.*?,)',
  '\\pL',
  '(?i)',
  '[^a]',
  '(x+x+)+',
  '{9',
  '\\',
  '^',
  '$',
  '(?:',
  ')',
  'a',
  'é',
  '\\b',
  '[',
  '[^\\pL\\pN]',
  '(?P<n>a)',
  '\\Q',
  '\\E',
  '|',
  '{0,999}',
  '+',
  '??',
  '()',
);
const pattern = fc
  .array(repeated(piece, 4_096), { minLength: 1, maxLength: 5 })
  .map((pieces) => pieces.join('').slice(0, 4_200));
const braced = `$${'{1}'}x`;
const target = repeated(fc.constantFrom('$0$0', '$1', braced, '', 'k', '$n', '$1_M', '$$'), 2_000);
const key = repeated(fc.constantFrom('a', 'ab', 'x', 'K_1', '.', 'é', 'a b'), 5_000);
const keys = fc
  .tuple(fc.array(key, { minLength: 1, maxLength: 8 }), fc.constantFrom(1, 50, 1_000))
  .map(([some, count]) => Array.from({ length: count }, (_, at) => `${some[at % some.length] ?? ''}${at}`));

const document = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('{"a":', '[', '[{"a":1},', '"x",', '{"a":"\\u00e9",', '}', '1,'),
      fc.constantFrom(1, 500, 50_000),
    )
    .map(([unit, count]) => unit.repeat(count)),
  fc
    .constantFrom(1, 1_000, 30_000)
    .map((count) => JSON.stringify(Array.from({ length: count }, (_, a) => ({ a, b: 'x' })))),
  fc
    .constantFrom(10, 20_000)
    .map((count) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, a) => [`k${a}`, [a]])))),
  fc.json(),
);
const step = fc.constantFrom(
  '@pretty',
  '@ugly',
  '@tostr',
  '@fromstr',
  '@keys',
  '@values',
  '@join',
  '@group',
  '@reverse',
  '@flatten',
  '@dig:a',
  '#.a',
  '#(a>5)#',
  '#(b%"*x*x*")',
  '[@this,@this]',
  '{a,b}',
  'a',
  '0',
  '*',
  '#',
  '..#',
  '@pretty:{"sortKeys":true}',
  '@flatten:{"deep":true}',
  '!"x"',
  'a.b.c',
  '#(#(a>1)#)#',
  '@pretty:{"width":100000}',
  '\\',
  '[',
  '#(',
);
const path = fc
  .tuple(
    fc.array(
      repeated(
        step.map((text) => `${text}|`),
        16_000,
      ),
      { minLength: 1, maxLength: 6 },
    ),
    step,
  )
  .map(([steps, last]) => steps.join('') + last);

const rewrite = fc.oneof(
  { weight: 4, arbitrary: fc.record({ regexp: fc.record({ source: pattern, target }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ merge: fc.record({ strategy: fc.constantFrom('Extract', 'JSON'), into: key }) }),
  },
);
const combining = fc.record({
  spec: fc.record({
    secretStoreRef: fc.constant({ name: 'main' }),
    target: fc.constant({ creationPolicy: 'Owner', deletionPolicy: 'Retain' }),
    dataFrom: fc.array(
      fc.record({
        find: fc.record({ decodingStrategy: fc.constantFrom('Auto', 'Base64', 'None') }),
        rewrite: fc.array(rewrite, { maxLength: 30 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  keys,
  text: document,
});

/** Values that templates see: large, and of shapes that some function takes long over. */
const values: Readonly<Record<string, string>> = {
  big: 'a'.repeat(400_000),
  words: 'the quick Brown fox '.repeat(20_000),
  lines: 'line: of text\n'.repeat(20_000),
  wide: 'é🔑'.repeat(60_000),
  digits: '9'.repeat(100_000),
  json: JSON.stringify(Array.from({ length: 20_000 }, (_, a) => ({ a, b: 'x' }))),
  object: JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, a) => [`k${a}`, [a]]))),
  nested: `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  aliases: `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
    .split('')
    .map((name, at) => `${name}: &${name} [${`*${'abcdefgh'.charAt(at)}, `.repeat(9)}x]\n`)
    .join('')}`,
  flow: `{${'a: {b: [c, d]}, '.repeat(10_000)}}`,
  anchors: Array.from({ length: 10_000 }, (_, at) => `k${at}: &n${at} v${at}\n`).join(''),
  indented: Array.from({ length: 500 }, (_, at) => `${' '.repeat(at)}k:\n`).join(''),
  pem: `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(16)}\n-----END CERTIFICATE-----\n`.repeat(3_000),
  path: '../a/./'.repeat(40_000),
  version: `${'1.'.repeat(20_000)}1`,
  url: `https://u:p@example.com/${'%41/'.repeat(40_000)}?${'a=b&'.repeat(20_000)}`,
  base64: 'QUJD'.repeat(100_000),
  small: 'a-b_c',
};
const fieldNames = Object.keys(values);
const field = fc.constantFrom(...fieldNames).map((name) => `.${name}`);
const list = fc.constantFrom(
  '(until 40000)',
  '(splitList "" .big)',
  '(splitList " " .words)',
  '(list .big .words .big)',
  '(regexFindAll "." .big -1)',
  '(fromJson .json)',
);
const dict = fc.constantFrom(
  '(fromJson .object)',
  '(dict "a" .big)',
  '$',
  '(fromYaml .aliases)',
  '(fromYaml .anchors)',
);
const whole = fc
  .constantFrom('0', '1', '2', '-1', '100', '65536', '9223372036854775807')
  .map((text) => `(int64 ${text})`);
const anything = fc.oneof(field, field, list, dict, fc.constantFrom('1', '""', '1e308', 'nil', 'true'));
const text = fc.oneof(
  { weight: 4, arbitrary: field },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '"a"',
      '""',
      '"%1000000d"',
      '"(a|b|ab)*"',
      '"(.*)(.*)"',
      '"x{1000}"',
      '"\\n"',
      '"2006-01-02"',
    ),
  },
);

/** An expression of about the type that the parameter has. */
const argumentOf: Readonly<Record<TemplateFunction['params'][number], fc.Arbitrary<string>>> = {
  any: anything,
  value: anything,
  string: text,
  int: fc.constantFrom('0', '1', '-1', '3', '1000', '100000', '9223372036854775807'),
  int64: whole,
  uint32: fc.constantFrom('0', '1', '100000'),
  float64: fc.constantFrom('0.0', '1e308', '1.5'),
  bool: fc.constantFrom('true', 'false'),
  list,
  dict,
  time: fc.constant('(toDate "2006-01-02" "2017-12-31")'),
  duration: fc.constant('(duration 1)'),
  certificate: fc.constant('.small'),
};

const callOf = ({ name, params, variadic }: TemplateFunction): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.tuple(...params.map((type) => argumentOf[type])),
      variadic === undefined ? fc.constant([]) : fc.array(argumentOf[variadic], { maxLength: 4 }),
    )
    .map(([first, more]) => [name, ...first, ...more].join(' '));

const functions = [...builtinFunctions, ...functionFamilies.flatMap(({ functions: family }) => family)];
const call = fc.constantFrom(...functions).chain(callOf);

const template = fc.oneof(
  { weight: 6, arbitrary: call.map((one) => `{{ ${one} }}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(call, call).map(([one, two]) => `{{ $x := (${one}) }}{{ ${two} }}{{ $x | toString | len }}`),
  },
  {
    weight: 3,
    arbitrary: call.map((one) => `{{ range until 5000 }}{{ with $ }}{{ ${one} | toString | len }}{{ end }}{{ end }}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{{ define "t" }}{{ template "t" . }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
      '{{ range until 10000 }}{{ range until 10000 }}x{{ end }}{{ end }}',
      '{{ $s := "x" }}{{ range until 100 }}{{ $s = cat $s $s }}{{ end }}{{ $s }}',
      '{{ $l := list 1 }}{{ range until 100 }}{{ $l = concat $l $l }}{{ end }}{{ $l }}',
      '{{ if true }}'.repeat(5_000),
      `${'('.repeat(5_000)}`,
      `{{ ${'('.repeat(5_000)}1${')'.repeat(5_000)} }}`,
      `{{ ${'1 | print | '.repeat(5_000)}print }}`,
      '{{ .big }}{{/* x */}}'.repeat(10_000),
      `{{ "${'\\u00e9'.repeat(20_000)}" }}`,
      'x'.repeat(600_000),
    ),
  },
);

const templateData = new Map(Object.entries(values).map(([name, value]) => [name, new SecretValue(value)]));

/** Those that the texts name: all of them together would go to a thread at once. */
function dataOf(...texts: readonly string[]): ReadonlyMap<string, SecretValue> {
  return new Map([...templateData].filter(([name]) => texts.some((one) => one.includes(`.${name}`))));
}

const seed = '00'.repeat(32);

const rendering = template.map((one) => ({
  template: {
    engineVersion: 'v2',
    mergePolicy: 'Replace',
    data: { out: one },
  } as unknown as JobTable['render']['input']['template'], // what rendering reads of it
  data: dataOf(one),
  texts: new Map(),
  nowMs: 0,
  seed,
}));

const webhook = fc.tuple(template, template).map(([url, body]) => ({
  spec: { url: `https://example.com/${url}`, body, headers: { 'x-a': url } } as unknown as WebhookSpec, // what the call reads of it
  secrets: new Map([['s', dataOf(url, body)]]),
  nowMs: 0,
  seed,
}));

const transform = fc.record({ template, keys }).map(({ template: one, keys: some }) => ({
  spec: {
    secretStoreRef: { name: 'main' },
    target: { creationPolicy: 'Owner', deletionPolicy: 'Retain' },
    dataFrom: [{ find: {}, rewrite: [{ transform: { template: one } }] }],
  } as unknown as ExternalSecretSpec, // what combining reads of it
  answers: [{ values: new Map(some.map((name) => [name, new SecretValue('dg==')])) }],
}));

const environment = fc
  .tuple(fc.constantFrom(...Object.values(hostileDocuments)), fc.nat({ max: 2 }))
  .map(([values, at]): HostileOrder => {
    const root = new DocumentSource('shop/app', 'shop', { data: { values: values() } });
    const round = { root, documents: new Map(), shapes: new Map(), unreadCost: 0 };
    if (at === 0) return { kind: 'readDocument', input: { source: root } };
    if (at === 1) return { kind: 'checkEnvironment', input: round };
    return { kind: 'openEnvironment', input: { ...round, openings: new Map(), keys: new Map() } };
  });

const held = valueOfJson({
  list: Array.from({ length: 9_000 }, (_, a) => ({ a })),
  environmentVariables: { TEXT: 'é'.repeat(500_000) },
});
const selecting = fc
  .record({
    value: fc.constantFrom(held, packValue(held)),
    asks: fc.array(
      fc.oneof(
        fc.record({ kind: fc.constantFrom('value' as const, 'map' as const), key: fc.constantFrom('list', 'no', '') }),
        fc.record({ kind: fc.constant('find' as const), nameRegexp: pattern }),
        fc.record({ kind: fc.constant('map' as const), key: fc.constant('environmentVariables') }),
      ),
      { maxLength: 60 },
    ),
  })
  .map((input) => ({ environment: 'shop/app', ...input }));

/** By what they attack. */
export const hostileFamilies: Readonly<Record<string, fc.Arbitrary<HostileOrder>>> = {
  'a search': fc.record({ pattern, keys }).map((input) => ({ kind: 'search', input })),
  'a path into a document': fc.record({ text: document, path }).map((input) => ({ kind: 'property', input })),
  'an object to take apart': document.map((one) => ({ kind: 'members', input: { text: one } })),
  'rewrites of what was found': combining.map((input) => {
    const found = new Map(input.keys.map((name, at) => [name, new SecretValue(at === 0 ? input.text : 'dg==')]));
    const spec = input.spec as unknown as ExternalSecretSpec; // what combining reads of it
    return { kind: 'combine', input: { spec, answers: input.spec.dataFrom.map(() => ({ values: found })) } };
  }),
  'keys that a template makes': transform.map((input) => ({ kind: 'combine', input })),
  'a template': rendering.map((input) => ({ kind: 'render', input })),
  'a template of another kind of object': rendering.map((input) => ({ kind: 'manifest', input })),
  'a document of an Environment': environment,
  'values that are taken from an Environment': selecting.map((input) => ({ kind: 'selectValues', input })),
  'the call of a webhook': webhook.map((input) => ({ kind: 'webhookCall', input })),
  'the answer of a webhook': fc
    .record({ text: document, jsonPath: fc.constantFrom(undefined, '$.a', '$[0]', '$.k1', `$${'.a'.repeat(5_000)}`) })
    .map((input) => ({ kind: 'webhookValues', input })),
};
