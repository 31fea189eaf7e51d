// Inputs for the tables about text: regular expressions, durations, base64, paths, JSON objects and hashes.
import { type Random, seededRandom } from './random.ts';

export type RegexpCase = readonly [pattern: string, text: string, template: string];

const patterns = [
  '',
  'a',
  'a*',
  'a+',
  'a*?',
  '(a)(b)?',
  '(a|ab)(c|bcd)',
  '^',
  '$',
  '^|$',
  '^a|b$',
  '(?i)AB',
  '(?m)^.',
  '(?s).',
  '.',
  '[abc]',
  '[^a]',
  '[[:alpha:]]+',
  '\\d+',
  '\\D',
  '\\w+',
  '\\W',
  '\\s',
  '\\b',
  '\\B',
  '\\bab',
  '(?P<x>a)(?P<y>b)',
  '(?<x>a+)',
  '(?:a)',
  'a{2}',
  'a{1,2}',
  'a{0}',
  '(a){0}b',
  'x*',
  '(a*)(b*)',
  '(.*)',
  '(.+)_(.+)',
  '^([a-z]+)_([a-z]+)$',
  '_',
  '[-._]',
  '\\pL+',
  '\\p{Greek}',
  '\\PL',
  'é',
  '[à-ü]',
  '(?U)a+',
  '\\Qa.b\\E',
  '\\x41',
  '\\x{1F600}',
  '\\z',
  '\\A',
  '(?i:a)b',
  '(((a)))',
  'a|',
  '|a',
  '(|a)*',
  '(a+)+$',
  '\\.',
  '\\-',
  'a.b',
  '(?i)é',
  '[\\d_]+',
  '\\t',
  '😀',
  '(\\w)(\\w)',
  '(',
  ')',
  '[',
  '[b-a]',
  'a**',
  '*',
  '+',
  '?',
  'a{2,1}',
  'a{1001}',
  '(a)\\1',
  '(?=a)',
  '(?!a)',
  '(?<=a)',
  '\\',
  '\\8',
  '(?P<x>a)(?P<x>b)',
  '(?P<>a)',
  '(?P<x',
  '[[:foo:]]',
  '\\pX',
  '\\p{Foo}',
  '(?z)',
  'a{,2}',
  '{',
  '}',
  ']',
  '\\C',
  '\\cA',
  '\\u0041',
  '\\Z',
  '(?>a)',
  'a++',
  '(?#c)',
  '[a',
  '[]a]',
  '[^]a]',
  '\\p',
  '(?i',
  '((a{100}){100}){100}',
  '(?P=x)',
  '\\G',
  '\\h',
  '\\R',
  '\\X',
  '[a-\\d]',
  '\\_',
  '\\e',
  '\\07',
  '\\18',
] as const;
// biome-ignore format: one item a line would hide the list.
const texts = [
  '', 'a', 'ab', 'abc', 'aaa', 'baaac', 'ABab', 'a b', 'a\nb', 'db_user', 'db_pass_x', 'a.b-c_d', 'élan', 'αβ é',
  '😀a😀', 'x1y22', 'abab', '_', 'a$b', 'A_1',
] as const;
// biome-ignore format: one item a line would hide the list.
// Written with % for the dollar sign, which in a plain string looks like a mistake.
const templates = [
  '', 'x', '%0', '%{0}', '%1', '%1x', '%{1}x', '%10', '%{2}-%{1}', '%%', '%', '%%1', '%{x}', '%x_%y', '%{y}%{x}',
  '%é', '%{', '%{1', '%{}', '%-', '%01', '[%1]', '<%0>', '%x-%y', 'a%', '%1%', '%999999999',
].map((template) => template.replaceAll('%', '$'));

export function regexpCases(): readonly RegexpCase[] {
  const random = seededRandom(7);
  const cases: RegexpCase[] = [];
  for (const pattern of patterns)
    for (let round = 0; round < 8; round++) cases.push([pattern, random.pick(texts), random.pick(templates)]);
  for (const text of texts)
    for (const template of templates)
      cases.push([random.pick(['(a)(b)?', 'a*', '(?P<x>a)(?P<y>b)?', '(.)_(.)', '']), text, template]);
  return cases;
}

const writtenDurations = [
  '',
  '0',
  '-0',
  '+0',
  '1',
  '1s',
  '-1s',
  '+1s',
  '1.5h',
  '1h30m',
  '1h15m30.918273645s',
  '1m0.000000001s',
  '.5s',
  '1.s',
  '.s',
  '-.s',
  's',
  '1.0000000000000000000000000000001s',
  '1us',
  '1µs',
  '1μs',
  '1ms',
  '1ns',
  '1d',
  '1w',
  '3000000h',
  '2562047h47m16.854775807s',
  '2562047h47m16.854775808s',
  '-2562047h47m16.854775808s',
  '-2562047h47m16.854775809s',
  '9223372036854775807ns',
  '9223372036854775808ns',
  '-9223372036854775808ns',
  '99999999999999999999ns',
  '0.100000000000000000000h',
  '0.830103483285477580700h',
  '0.9223372036854775807s',
  '1h 30m',
  ' 1h',
  '1h ',
  '1H',
  '1e3s',
  '--1s',
  '+-1s',
  '1..5s',
  '1.5.5s',
  '1h-30m',
  '0s',
  '0h0m',
  '1m1m',
  '60s',
  '3600s',
  '0.3333333333333333333h',
  '1x',
  '5mins',
  '0.0000000001s',
  '123456789.987654321ns',
  '1\u00b5',
  '10m5.s',
  '１s',
  '9007199254740993ns',
  '0x1s',
  '1_000s',
  'inf',
  '90s',
  '1.50s',
  '100us',
  '999ms',
  '1000ms',
  '24h',
  '168h',
  '720h0m0s',
  '-1.5h',
  '-0.5ms',
] as const;

export function durationCases(): readonly string[] {
  const random = seededRandom(11);
  const generated = Array.from({ length: 200 }, () => {
    const part = () =>
      `${random.below(10 ** (1 + random.below(7)))}${random.chance(0.3) ? `.${random.below(10 ** random.below(9))}` : ''}`;
    const parts = Array.from(
      { length: 1 + random.below(3) },
      () => part() + random.pick(['ns', 'us', 'µs', 'ms', 's', 'm', 'h', 'h', 'm', 's', 'd', '']),
    );
    return random.pick(['', '', '', '-', '+']) + parts.join('');
  });
  return [...writtenDurations, ...generated];
}

export function base64Cases(): readonly string[] {
  const random = seededRandom(13);
  // biome-ignore format: one item a line would hide the list.
  const written = [
    '', '=', '==', '====', 'a', 'aa', 'aa=', 'aa==', 'aa===', 'aaa', 'aaa=', 'aaa==', 'aaaa', 'aaaa=', 'aaaa====',
    'aaaaa', 'a=aa', 'aa=a', 'aa=\n=', 'aa==\n', '\naa==', '\r\n', 'a\na\r=\n=\n', 'aa== ', 'a a=', 'aa\t==',
    'aaaaaa==aaaa', '+/+/', '-_-_', '+-/_', 'aGVsbG9=', 'aGVsbB==', 'aGVsé', 'aGVs\u0000', 'AAECA/8=', '//8=',
    '__8=', 'pass', 'hello world', '=aaa', 'aaa=\r\n\r\n', 'aaa\n=', 'a\n', 'aa=x',
  ];
  const generated = Array.from({ length: 200 }, () => {
    const alphabet = random.pick(['abcXYZ019+/', 'abcXYZ019-_', 'aZ9+/-_', 'ab=\n']);
    const body = Array.from({ length: random.below(14) }, () => alphabet.charAt(random.below(alphabet.length))).join(
      '',
    );
    return body + random.pick(['', '', '=', '==', '\n', '=\r\n', '==\n']);
  });
  return [...written, ...generated];
}

export function pathCases(): readonly (readonly string[])[] {
  const random = seededRandom(17);
  const part = () =>
    Array.from({ length: random.below(6) }, () => random.pick(['a', 'b', '.', '..', '/', '/', '//', 'é', ''])).join(
      random.pick(['', '/']),
    );
  return [
    ['/', 'a'],
    ['/app', '../x'],
    ['', ''],
    ['', 'a'],
    ['/'],
    ['..'],
    ['/..'],
    ['a/../..'],
    ['/a/', '/b/'],
    ...Array.from({ length: 250 }, () => Array.from({ length: 1 + random.below(3) }, part)),
  ];
}

const objects = [
  '{}',
  '{"a":"x"}',
  ' \n\t{ "a" : "x" } \r\n',
  '{"i":5,"f":1.50,"e":1e3,"E":1E+2,"n":-0.0,"b":12345678901234567890123,"h":1e400}',
  '{"t":true,"f":false,"n":null}',
  '{"o":{"b" : 1,"a":[ 1, 2 ]},"l":[1,"x",null],"e":{},"el":[]}',
  '{"a":"1","a":"2"}',
  '{"a":null,"a":"x"}',
  '{"a":{"x":1},"a":{"y":2}}',
  '{"":"empty"}',
  '{"__proto__":"p","constructor":{"a":1},"hasOwnProperty":1}',
  '{"u":"\\u00e9\\ud83d\\ude00"}',
  '{"s":"\\ud800","t":"\\udc00x","v":"\\ud800\\u0041","w":"\\ud800\\ud800\\udc00"}',
  '{"\\ud800":1}',
  '{"k\\u0041":1,"kA":2}',
  '{"c":"tab\there"}',
  '{"c":"\\q"}',
  '{"c":"\\u12"}',
  '{"c":"\\u12g4"}',
  '{"c":"\u007f\u2028"}',
  'null',
  ' null ',
  'nul',
  'nullx',
  'true',
  '1',
  '"x"',
  '[]',
  '[1]',
  '',
  ' ',
  '{',
  '}',
  '{"a"}',
  '{"a":}',
  '{"a":1',
  '{"a":1,}',
  '{,}',
  '{"a":1}}',
  '{"a":1} x',
  '{"a":1}{}',
  '{a:1}',
  "{'a':1}",
  '{"a":01}',
  '{"a":+1}',
  '{"a":.5}',
  '{"a":1.}',
  '{"a":-}',
  '{"a":1e}',
  '{"a":1e+}',
  '{"a":0x1}',
  '{"a":NaN}',
  '{"a":[1,]}',
  '{"a":[,1]}',
  '{"a":[1 2]}',
  '{"a" 1}',
  '{"a":1 "b":2}',
  '\ufeff{"a":1}',
  '{"a":tru}',
  '{"a":"x}',
  '{"a":"x\n"}',
  '{"a":1,"b":{"c":[{"d":"</b>&"}]}}',
  '{"a":[[[[]]]],"b":{"c":{"d":{}}}}',
  '{"a"\u00a0:1}',
  '{"a":-0,"b":-0.0,"c":0e5,"d":1e-7,"e":1e-6,"f":123456789012345678,"g":1e21,"h":1e20,"i":0.1,"j":5e-324,"k":1.7976931348623157e308}',
  '{"z":1,"a":{"z":1,"a":2},"é":3,"😀":4,"\uffff":5}',
  '{"a":1e309}',
  '{"a":[1e309]}',
  '{"h":"<>&\\u2028\\u2029\\u0000\\u001f\\u007f\\b\\f\\n\\r\\t\\"\\\\/"}',
  '{"10":1,"9":2,"1":3}',
  '{"a":{"b":"\\ud800"}}',
  '[{"a":1}]',
  '{"a":[]]}',
  '{"a":{]}',
] as const;

/** JSON objects and what is not quite one. */
export function objectCases(): readonly string[] {
  const random = seededRandom(19);
  const damaged = Array.from({ length: 150 }, () => damage(random, random.pick(objects)));
  const depths = [9_999, 10_000, 10_001].map((depth) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  return [...objects, ...damaged, ...depths];
}

function damage(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const isPair = /[\ud800-\udfff]/.test(text.slice(at - 1, at + 2));
  return isPair
    ? text
    : text.slice(0, at) +
        random.pick(['', '"', ',', ':', '}', ']', '{', '[', '\\', ' ', '0', '-', 'e', 'null']) +
        text.slice(at + random.below(2));
}

/** Data maps for the hash; the last holds a value of several chunks. */
export function dataCases(): readonly Readonly<Record<string, Buffer>>[] {
  const random = seededRandom(23);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256)));
  const map = () =>
    Object.fromEntries(
      Array.from({ length: random.below(5) }, () => [
        random.pick(['a', 'b', 'B', 'é', '\uffff', '😀', '__proto_', 'x.y', '10', '9', '']),
        bytes(random.below(40)),
      ]),
    );
  return [
    {},
    { foo: Buffer.from('value1'), bar: Buffer.from('value2') },
    { a: Buffer.alloc(0) },
    ...Array.from({ length: 40 }, map),
    { big: bytes(8192), bigger: bytes(20_000) },
  ];
}

export interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export const metadataCases: readonly Metadata[] = [
  {},
  { labels: {} },
  { labels: { a: 'b' } },
  { annotations: { b: '1', a: '2' }, labels: { c: 'd', 'x/y': '' } },
  { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"a":1}\n' } },
  { labels: { '\uffff': 'x', '😀': 'y', é: 'z', a: 'b c' } },
  { labels: { B: '1', a: '2', '10': '3', '9': '4' } },
];
