import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { type ExternalSecretSpec, parseExternalSecret } from '../crds/external-secret.ts';
import { loadParts } from './parts.ts';
import { SecretValue } from './secret-value.ts';
import { type Ask, combine, mostKeySources, type PlannedRead, planReads, type ReadAnswer } from './selection.ts';

beforeAll(loadParts);

function specOf(spec: object): ExternalSecretSpec {
  const parsed = parseExternalSecret({ metadata: { name: 'web', namespace: 'shop' }, spec });
  if (parsed.ok === undefined) throw new Error(parsed.issues.join());
  return parsed.ok.spec;
}

const strict = { toleratesMissing: false };
const store = { secretStoreRef: { name: 'main' } };
const answer = (record: Readonly<Record<string, string | Buffer>>): ReadAnswer => ({
  values: new Map(Object.entries(record).map(([key, value]) => [key, new SecretValue(value)])),
});
const textsOf = (data: ReadonlyMap<string, SecretValue>) =>
  Object.fromEntries([...data].map(([key, value]) => [key, value.text()]));
const combined = (spec: object, ...answers: ReadAnswer[]) =>
  textsOf(combine(planReads(specOf({ ...store, ...spec })), answers, strict).data);
const thrownFor = (reason: string) => expect.objectContaining({ reason });

const storeReads = (spec: object) => planReads(specOf(spec)).filter((read) => 'store' in read);

describe('planReads', () => {
  it.each<[why: string, spec: object, ask: Ask]>([
    ['a value', { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] }, { kind: 'value', key: 'r' }],
    [
      'a property and a version',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r', property: 'a.b', version: '3' } }] },
      { kind: 'value', key: 'r', property: 'a.b', version: '3' },
    ],
    [
      'an empty property as none',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r', property: '', version: '' } }] },
      { kind: 'value', key: 'r' },
    ],
    ['a map', { dataFrom: [{ extract: { key: 'r' } }] }, { kind: 'map', key: 'r' }],
    ['a search without limits', { dataFrom: [{ find: {} }] }, { kind: 'find' }],
    [
      'a search with all of its limits',
      { dataFrom: [{ find: { path: '/a', name: { regexp: '^D' }, tags: { t: 'v' } } }] },
      { kind: 'find', path: '/a', nameRegexp: '^D', tags: { t: 'v' } },
    ],
    ['find before extract when both are set', { dataFrom: [{ extract: { key: 'r' }, find: {} }] }, { kind: 'find' }],
  ])('asks for %s', (_, spec, ask) => {
    expect(storeReads({ ...store, ...spec }).map((read) => read.ask)).toEqual([ask]);
  });

  it('reads dataFrom before data, each in the order of the list, and leaves out entries that name nothing', () => {
    const spec = {
      data: [
        { secretKey: 'A', remoteRef: { key: 'a' } },
        { secretKey: 'B', remoteRef: { key: 'b' } },
      ],
      dataFrom: [{ extract: { key: 'c' } }, { sourceRef: { storeRef: { name: 'x' } } }, { find: {} }],
    };
    expect(planReads(specOf({ ...store, ...spec })).map(({ at }) => at)).toEqual([
      'spec.dataFrom[0].extract (key: c)',
      'spec.dataFrom[2].find',
      'spec.data[0] (key: a)',
      'spec.data[1] (key: b)',
    ]);
  });

  it.each([
    ['the default store', {}, { kind: 'SecretStore', name: 'main' }],
    ['its own store', { sourceRef: { storeRef: { name: 'x' } } }, { kind: 'SecretStore', name: 'x' }],
    [
      'its own cluster store',
      { sourceRef: { storeRef: { name: 'x', kind: 'ClusterSecretStore' } } },
      { kind: 'ClusterSecretStore', name: 'x' },
    ],
  ])('reads from %s', (_, entry, expected) => {
    const [single, from] = [
      storeReads({ ...store, data: [{ secretKey: 'K', remoteRef: { key: 'r' }, ...entry }] }),
      storeReads({ ...store, dataFrom: [{ extract: { key: 'r' }, ...entry }] }),
    ];
    expect([single[0]?.store, from[0]?.store]).toEqual([expected, expected]);
  });

  it.each([
    ['no store at all', { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] }],
    [
      'a sourceRef that does not name its store',
      { ...store, dataFrom: [{ find: {}, sourceRef: { storeRef: { kind: 'ClusterSecretStore' } } }] },
    ],
  ])('refuses %s', (_, spec) => {
    expect(() => planReads(specOf(spec))).toThrow(thrownFor('InvalidSpec'));
  });
});

describe('combine', () => {
  it.each<[why: string, spec: object, answers: ReadAnswer[], data: object]>([
    [
      'data wins over dataFrom',
      { dataFrom: [{ find: {} }], data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] },
      [answer({ K: 'from', L: 'l' }), answer({ r: 'single' })],
      { K: 'single', L: 'l' },
    ],
    [
      'the later of two dataFrom wins',
      { dataFrom: [{ extract: { key: 'a' } }, { extract: { key: 'b' } }] },
      [answer({ K: '1', A: 'a' }), answer({ K: '2' })],
      { K: '2', A: 'a' },
    ],
    [
      'the value is stored under secretKey, whatever the remote key',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r/x y' } }] },
      [answer({ 'r/x y': 'v' })],
      { K: 'v' },
    ],
    ['keys of a search are converted', { dataFrom: [{ find: {} }] }, [answer({ 'a/b': 'v' })], { a_b: 'v' }],
    [
      'keys are converted by the strategy of the entry',
      { dataFrom: [{ find: { conversionStrategy: 'Unicode' } }] },
      [answer({ 'a/b': 'v' })],
      { a_U002f_b: 'v' },
    ],
    [
      'a rewrite takes the place of conversion',
      { dataFrom: [{ find: {}, rewrite: [{ regexp: { source: '/', target: '.' } }] }] },
      [answer({ 'a/b': 'v' })],
      { 'a.b': 'v' },
    ],
    [
      'an empty list of rewrites is none',
      { dataFrom: [{ find: {}, rewrite: [] }] },
      [answer({ 'a/b': 'v' })],
      { a_b: 'v' },
    ],
    ['an empty key is dropped', { dataFrom: [{ extract: { key: 'r' } }] }, [answer({ '': 'v', K: 'w' })], { K: 'w' }],
    ['a search that finds nothing adds nothing', { dataFrom: [{ find: {} }] }, [answer({})], {}],
    [
      'a value is decoded',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r', decodingStrategy: 'Base64' } }] },
      [answer({ r: 'aGk=' })],
      { K: 'hi' },
    ],
    [
      'every value of a map is decoded',
      { dataFrom: [{ extract: { key: 'r', decodingStrategy: 'Auto' } }] },
      [answer({ A: 'aGk=', B: 'no base64!' })],
      { A: 'hi', B: 'no base64!' },
    ],
    [
      'a key that every object inherits is one like any other',
      { dataFrom: [{ find: {} }] },
      [answer(JSON.parse('{"__proto__":"v"}'))],
      JSON.parse('{"__proto__":"v"}'),
    ],
  ])('lays answers over each other: %s', (_, spec, answers, data) => {
    expect(combined(spec, ...answers)).toEqual(data);
  });

  it.each<[why: string, spec: object, answers: ReadAnswer[], reason: string]>([
    [
      'an answer that failed',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] },
      [{ error: new OperatorError('SecretNotFound', 'gone') }],
      'SecretNotFound',
    ],
    [
      'text that does not decode',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r', decodingStrategy: 'Base64' } }] },
      [answer({ r: '!' })],
      'InvalidValue',
    ],
    [
      'null bytes under Fail',
      { dataFrom: [{ find: { nullBytePolicy: 'Fail' } }] },
      [answer({ K: Buffer.from([0]) })],
      'InvalidValue',
    ],
    [
      'null bytes that appear by decoding',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r', decodingStrategy: 'Base64', nullBytePolicy: 'Fail' } }] },
      [answer({ r: 'AA==' })],
      'InvalidValue',
    ],
    [
      'keys that become one by conversion',
      { dataFrom: [{ find: {} }] },
      [answer({ 'a/b': '1', 'a b': '2' })],
      'InvalidKey',
    ],
    [
      'a rewritten key that no Secret can hold',
      { dataFrom: [{ find: {}, rewrite: [{ regexp: { source: '$', target: ' ' } }] }] },
      [answer({ K: 'v' })],
      'InvalidKey',
    ],
    ['an answer that is missing', { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] }, [], 'Internal'],
    [
      'a value answer without a value, for the key would silently go',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] },
      [answer({})],
      'Internal',
    ],
    [
      'a value answer with two values',
      { data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] },
      [answer({ a: '1', b: '2' })],
      'Internal',
    ],
  ])('fails as a whole for %s', (_, spec, answers, reason) => {
    expect(() => combined(spec, ...answers)).toThrow(thrownFor(reason));
  });

  it('leaves out a secret that does not exist where that is tolerated, and nothing else', () => {
    const reads = planReads(
      specOf({ ...store, data: ['A', 'B'].map((secretKey) => ({ secretKey, remoteRef: { key: secretKey } })) }),
    );
    const failing = (reason: 'SecretNotFound' | 'ScopeNotFound' | 'PropertyNotFound') => ({
      error: new OperatorError(reason, 'x'),
    });
    const loose = { toleratesMissing: true };
    const { data, missing } = combine(reads, [answer({ A: '1' }), failing('SecretNotFound')], loose);
    expect([textsOf(data), missing]).toEqual([{ A: '1' }, ['spec.data[1] (key: B)']]);
    for (const reason of ['ScopeNotFound', 'PropertyNotFound'] as const) {
      expect(() => combine(reads, [answer({ A: '1' }), failing(reason)], loose)).toThrow(thrownFor(reason));
    }
    expect(() => combine(reads, [answer({ A: '1' }), failing('SecretNotFound')], strict)).toThrow(
      thrownFor('SecretNotFound'),
    );
  });

  it('names the place in the spec and keeps what the provider said about time', () => {
    const error = new OperatorError('UpstreamThrottled', 'slow down', { retryAfterMs: 7_000 });
    const reads = planReads(
      specOf({ ...store, dataFrom: [{ find: {} }], data: [{ secretKey: 'K', remoteRef: { key: 'r' } }] }),
    );
    expect(() => combine(reads, [answer({}), { error }], strict)).toThrow(
      expect.objectContaining({
        reason: 'UpstreamThrottled',
        retryAfterMs: 7_000,
        message: expect.stringContaining('spec.data[0] (key: r)'),
      }),
    );
  });

  it('never puts a value into what it throws', () => {
    const canary = 'canary-7f3a!';
    const reads = planReads(specOf({ ...store, dataFrom: [{ find: { decodingStrategy: 'Base64' } }] }));
    let thrown: unknown;
    try {
      combine(reads, [answer({ K: canary })], strict);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(OperatorError);
    expect(String(thrown)).not.toContain(canary);
  });

  it('reports the shadowed names of all answers in order', () => {
    const reads = planReads(specOf({ ...store, dataFrom: [{ find: {} }, { find: {} }] }));
    const shadowed = (name: string): ReadAnswer => ({ values: new Map(), shadowed: [name] });
    expect(combine(reads, [shadowed('a/K'), shadowed('b/K')], strict).shadowed).toEqual(['a/K', 'b/K']);
  });

  const sourcesOf = (spec: object, ...answers: ReadAnswer[]) =>
    combine(planReads(specOf({ ...store, ...spec })), answers, strict).sources;
  const from = (record: Readonly<Record<string, string>>, origins: Readonly<Record<string, object>>): ReadAnswer => ({
    ...answer(record),
    origins: new Map(Object.entries(origins)),
  });

  it('tells where each key is from: the read that gave it its value, and what the provider says', () => {
    const spec = {
      dataFrom: [
        { find: {} },
        { extract: { key: 'r' }, rewrite: [{ regexp: { source: '^', target: 'R_' } }] },
        { find: {}, rewrite: [{ merge: {} }], sourceRef: { storeRef: { kind: 'ClusterSecretStore', name: 'all' } } },
      ],
      data: [{ secretKey: 'B', remoteRef: { key: 'b' } }],
    };
    expect(
      sourcesOf(
        spec,
        from({ 'A A': '1', B: '2' }, { 'A A': { folder: '/a', version: '7' }, B: { folder: '/b' } }),
        from({ X: '3' }, { '': { folder: '/r', sinceMs: 5 } }),
        answer({ j: '{"M":1}' }),
        from({ b: '4' }, { '': { version: '9' } }),
      ),
    ).toEqual([
      { key: 'A_A', source: 'SecretStore/main', folder: '/a', version: '7' },
      { key: 'B', source: 'SecretStore/main', version: '9' },
      { key: 'R_X', source: 'SecretStore/main', folder: '/r', sinceMs: 5 },
      { key: 'M', source: 'ClusterSecretStore/all' },
    ]);
  });

  it('tells of the first keys only', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`K${i}`, 'x']));
    const sources = sourcesOf({ dataFrom: [{ find: {} }] }, answer(many));
    expect(sources.map(({ key }) => key)).toEqual(Object.keys(many).slice(0, mostKeySources));
  });

  it('asks nothing else of a provider for metadataPolicy: as in ESO, these give the value', () => {
    const spec = { ...store, data: [{ secretKey: 'K', remoteRef: { key: 'r', metadataPolicy: 'Fetch' } }] };
    expect(storeReads(spec).map((read) => read.ask)).toEqual([{ kind: 'value', key: 'r' }]);
  });

  it('gives every key the value of the last read that has it', () => {
    const records = fc.array(fc.dictionary(fc.stringMatching(/^[A-C]$/), fc.string()), { maxLength: 5 });
    fc.assert(
      fc.property(records, (answers) => {
        const reads: PlannedRead[] = answers.map((_, i) => ({
          at: `read ${i}`,
          store: { kind: 'SecretStore', name: 'main' },
          ask: { kind: 'find' },
          finishKey: '',
          finish: (values) => ({ values, collisions: [] }),
        }));
        const { data } = combine(reads, answers.map(answer), strict);
        expect(textsOf(data)).toEqual(Object.assign({}, ...answers));
      }),
    );
  });
});

describe('messages', () => {
  const messageOf = (spec: object, ...answers: ReadAnswer[]): string => {
    try {
      combined(spec, ...answers);
    } catch (thrown) {
      return thrown instanceof OperatorError ? `${thrown.reason}: ${thrown.message}` : 'no reason';
    }
    return 'nothing thrown';
  };
  const missing: ReadAnswer = { error: new OperatorError('SecretNotFound', 'there is none') };
  const data = ['a', 'b', 'c'].map((key) => ({ secretKey: key.toUpperCase(), remoteRef: { key } }));

  it('name every missing key, up to a bound', () => {
    expect(messageOf({ data }, missing, answer({ b: '1' }), missing)).toBe(
      'SecretNotFound: spec.data[0] (key: a): there is none; the same for spec.data[2] (key: c)',
    );
    const many = Array.from({ length: 20 }, (_, i) => ({ secretKey: `K${i}`, remoteRef: { key: `k${i}` } }));
    const message = messageOf({ data: many }, ...many.map(() => missing));
    expect(message).toContain('spec.data[5] (key: k5) and 14 more');
    expect(message).not.toContain('spec.data[6]');
  });

  it('name the store of an entry that has its own', () => {
    const own = [{ secretKey: 'A', remoteRef: { key: 'a' }, sourceRef: { storeRef: { name: 'second' } } }];
    expect(messageOf({ data: own }, missing)).toContain('spec.data[0] (key: a, store: second)');
  });

  it.each(['schlüssel', '..', '..data'])('refuse the key %j before the API server is asked, with its source', (key) => {
    const message = messageOf({ dataFrom: [{ extract: { key: 'r' } }] }, answer({ [key]: '1', GOOD: '2' }));
    expect(message).toContain(`InvalidKey: spec.dataFrom[0].extract (key: r): Kubernetes accepts no key "${key}":`);
  });
});

describe('an entry of a generator', () => {
  const entry = (more: object = {}) => ({
    dataFrom: [{ sourceRef: { generatorRef: { kind: 'Fake', name: 'g' } }, ...more }],
  });
  const combined = (spec: object, values: Record<string, string>) => {
    const texts = Object.entries(values).map(([key, text]) => [key, new SecretValue(Buffer.from(text))] as const);
    const { data } = combine(planReads(specOf(spec)), [{ values: new Map(texts) }]);
    return Object.fromEntries([...data].map(([key, value]) => [key, value.reveal().toString()]));
  };

  it('needs no store, and takes the values as they are', () => {
    expect(planReads(specOf(entry()))).toMatchObject([
      { at: 'spec.dataFrom[0].sourceRef.generatorRef', generator: { kind: 'Fake', name: 'g' } },
    ]);
    expect(combined(entry(), { a: 'aGk=' })).toEqual({ a: 'aGk=' });
  });

  it('renames keys, and does not convert them', () => {
    const rewrite = [{ regexp: { source: '^', target: 'x-' } }];
    expect(combined(entry({ rewrite }), { a: '1' })).toEqual({ 'x-a': '1' });
    expect(() => combined(entry(), { 'a b': '1' })).toThrow(expect.objectContaining({ reason: 'InvalidKey' }));
  });
});
