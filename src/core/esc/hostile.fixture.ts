// Documents of Environments that are meant to cost more than they should, as large as the API server takes them.

const range = (count: number) => Array.from({ length: count }, (_, at) => at);
const members = (count: number, member: (at: number) => unknown) =>
  Object.fromEntries(range(count).map((at) => [`k${at}`, member(at)]));
/** `name0` is the first, and each of the others is twice the one before. */
const doubling = (count: number, name: string, first: unknown, twice: (before: string) => unknown) =>
  Object.fromEntries(range(count).map((at) => [`${name}${at}`, at === 0 ? first : twice(`\${${name}${at - 1}}`)]));
const numbers = range(50_000);

/** Values of documents, by what they multiply. */
export const hostileDocuments: Readonly<Record<string, () => unknown>> = {
  'as many values as there may be': () => ({ a: range(95_000) }),
  'objects of one member': () => members(45_000, () => ({ a: 1 })),
  'references to one value': () => ({ ...members(30_000, () => `\${a}`), a: 1 }),
  'references in one text': () => ({ b: 'y', a: `\${b}`.repeat(300_000) }),
  'interpolations that double': () => ({
    ...doubling(13, 'a', 'x'.repeat(1_000), (before) => before + before),
    ...members(200, (at) => `\${a12}${at}`),
  }),
  'lists that double': () => ({
    ...doubling(30, 'a', range(10), (before) => ({ 'fn::concat': [before, before] })),
  }),
  'lists joined again and again': () => ({ a: numbers, ...members(300, () => ({ 'fn::concat': [`\${a}`, `\${a}`] })) }),
  'JSON of a large value': () => ({ a: numbers, ...members(60, () => ({ 'fn::toJSON': `\${a}` })) }),
  'text of a large value': () => ({
    a: numbers.map((at) => `"${at}`),
    ...members(60, () => ({ 'fn::toString': `\${a}` })),
  }),
  'JSON that is read again and again': () => ({
    a: JSON.stringify(numbers),
    ...members(100, () => ({ 'fn::fromJSON': `\${a}` })),
  }),
  'a text in many pieces': () => ({
    a: 'x,'.repeat(400_000),
    ...members(100, () => ({ 'fn::split': [',', `\${a}`] })),
  }),
  'pieces of a text put together': () => ({
    a: 'x,'.repeat(200_000),
    b: { 'fn::split': ['', `\${a}`] },
    ...members(100, () => ({ 'fn::join': ['--', `\${b}`] })),
  }),
  'base64 there and back': () => ({
    a: 'x'.repeat(1_000_000),
    ...members(100, () => ({ 'fn::fromBase64': { 'fn::toBase64': `\${a}` } })),
  }),
  'names that are nearly alike': () => ({
    ...members(500, () => 1),
    ...Object.fromEntries(range(500).map((at) => [`${'x'.repeat(200)}${at}`, `\${${'y'.repeat(200)}${at}}`])),
  }),
  'names that are not there': () => members(30_000, (at) => `\${no${at}}`),
  'errors below a long key': () => ({ ['k'.repeat(400_000)]: range(20_000).map(() => '${') }),
  'patterns of a schema': () => ({
    a: numbers.map(() => 'ab'.repeat(8)),
    v: {
      'fn::validate': {
        schema: { type: 'array', items: { anyOf: [{ pattern: '(a|b|ab)*c' }, { pattern: '(x+x+)+y' }] } },
        value: `\${a}`,
      },
    },
  }),
  'a value that is copied': () => ({
    a: members(1_000, () => ({ b: 1 })),
    ...members(500, () => ({ 'fn::final': `\${a}` })),
  }),
  'plain secrets': () => members(45_000, () => ({ 'fn::secret': 'x' })),
  'texts that are no ciphertexts': () => members(200, () => ({ 'fn::secret': { ciphertext: 'QUJD'.repeat(1_500) } })),
  nesting: () => {
    let value: unknown = `\${a}`;
    for (let at = 0; at < 120; at++) value = [value, { 'fn::toJSON': [`\${b}`] }];
    return { a: 'x'.repeat(10_000), b: range(100), c: value };
  },
};
