import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';
import { compareBytewise } from './byte-order.ts';
import { type MergeStep, type RewriteStep, rewriteKeys, rewriteReporting } from './rewrite.ts';
import { SecretValue } from './secret-value.ts';

const valuesOf = (record: Readonly<Record<string, string>>) =>
  new Map(Object.entries(record).map(([key, text]) => [key, new SecretValue(text)]));
const textsOf = (values: ReadonlyMap<string, SecretValue>) =>
  Object.fromEntries(
    Array.from(values, ([key, value]) => [key, value.text()] as const).sort(([a], [b]) => compareBytewise(a, b)),
  );
const rewritten = (record: Readonly<Record<string, string>>, ...steps: RewriteStep[]) =>
  textsOf(rewriteKeys(valuesOf(record), steps));
const thrownFor = (reason: string) => expect.objectContaining({ reason });

describe('rewrite by regexp', () => {
  const secrets = { db_user: 'u', db_pass: 'p', cache_host: 'c' };

  it.each([
    ['the first match and all others', '_', '-', ['cache-host', 'db-pass', 'db-user']],
    ['named groups', '(?P<kind>[a-z]+)_(?P<what>[a-z]+)', '$what-$kind', ['host-cache', 'pass-db', 'user-db']],
    ['empty matches at each end', '^|$', '_', ['_cache_host_', '_db_pass_', '_db_user_']],
    ['a group that is not there', '(d)(b)', '$10', ['_pass', '_user', 'cache_host']],
    ['nothing', 'x', 'y', ['cache_host', 'db_pass', 'db_user']],
  ])('replaces %s', (_, source, target, keys) => {
    expect(Object.keys(rewritten(secrets, { regexp: { source, target } }))).toEqual(keys);
  });

  it('runs steps in order, each on what the one before left', () => {
    const steps = [
      { regexp: { source: '_', target: '-' } },
      { regexp: { source: '^([a-z])', target: 'x$1' } },
      { regexp: { source: '$', target: '.end' } },
    ];
    expect(rewritten({ db_user: 'u' }, ...steps)).toEqual({ 'xdb-user.end': 'u' });
  });

  it('names the step whose pattern does not compile', () => {
    const steps = [{ regexp: { source: '_', target: '-' } }, { regexp: { source: '[', target: '' } }];
    expect(() => rewriteKeys(valuesOf(secrets), steps)).toThrow(thrownFor('InvalidSpec'));
    expect(() => rewriteKeys(valuesOf(secrets), steps)).toThrow(/rewrite\[1\]/);
  });

  it('reports keys that meet, and always lets the same one win', () => {
    const step = [{ regexp: { source: '.*_', target: '' } }];
    const forwards = rewriteReporting(valuesOf({ a_k: '1', b_k: '2', c_k: '3', d_x: '4' }), step);
    const backwards = rewriteReporting(valuesOf({ d_x: '4', c_k: '3', b_k: '2', a_k: '1' }), step);
    expect(textsOf(forwards.values)).toEqual({ k: '3', x: '4' });
    expect(textsOf(backwards.values)).toEqual({ k: '3', x: '4' });
    expect(forwards.collisions).toEqual([{ step: 'rewrite[0]', key: 'k', winner: 'c_k', losers: ['a_k', 'b_k'] }]);
    expect(backwards.collisions).toEqual(forwards.collisions);
  });

  it('keeps the number of values unless it reports a collision', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '_', '.'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.string()),
        fc.constantFrom('_', 'a+', '^.', '.$', 'b*'),
        fc.constantFrom('x', '$0$0', '-'),
        (record, source, target) => {
          const { values, collisions } = rewriteReporting(valuesOf(record), [{ regexp: { source, target } }]);
          expect(values.size === Object.keys(record).length).toBe(collisions.length === 0);
        },
      ),
    );
  });
});

describe('keys that cannot become keys of a Secret', () => {
  it('names the step and the fix when the name of a group swallows what stands behind it', () => {
    const steps = [
      { regexp: { source: '_', target: '-' } },
      { regexp: { source: '^(.*)-url$', target: '$1_MONITOR' } },
    ];
    expect(() => rewritten({ api_url: 'u' }, ...steps)).toThrow(thrownFor('InvalidKey'));
    expect(() => rewritten({ api_url: 'u' }, ...steps)).toThrow(/rewrite\[1\]: the key "api-url".*\$\{1\}_MONITOR/);
  });

  it('lets a later step give a name to what an earlier one left empty', () => {
    const steps = [{ regexp: { source: '.*', target: '' } }, { regexp: { source: '^$', target: 'all' } }];
    expect(rewritten({ a: '1' }, ...steps)).toEqual({ all: '1' });
  });

  it('lets a later step shorten what an earlier one made long', () => {
    const steps = [{ regexp: { source: '$', target: 'x'.repeat(1_000) } }, { regexp: { source: 'x+', target: '' } }];
    expect(rewritten({ a: '1' }, ...steps)).toEqual({ a: '1' });
  });

  it('ends at the step that doubles a key beyond all length', () => {
    const steps = Array.from({ length: 30 }, () => ({ regexp: { source: '.+', target: '$0$0' } }));
    const startedMs = performance.now();
    expect(() => rewritten({ key: 'v' }, ...steps)).toThrow(thrownFor('InvalidKey'));
    expect(() => rewritten({ key: 'v' }, ...steps)).toThrow(/rewrite\[1\d\]/);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  it('ends when the values between two steps are too many to hold', () => {
    const budget = new Budget({ work: 1e9, held: 10_000, produced: 1e9 });
    const values = valuesOf({ a: 'x'.repeat(20_000) });
    const run = () => rewriteKeys(values, [{ regexp: { source: 'a', target: 'b' } }], { budget });
    expect(run).toThrow(thrownFor('TooMuchWork'));
  });
});

describe('rewrite by transform', () => {
  it('asks the renderer for each key', () => {
    const upper = (template: string, key: string) => template.replace('.', key.toUpperCase());
    const values = rewriteKeys(valuesOf({ a: '1' }), [{ transform: { template: '<.>' } }], { transformKey: upper });
    expect(textsOf(values)).toEqual({ '<A>': '1' });
  });

  it('is refused where there is no renderer', () => {
    expect(() => rewritten({ a: '1' }, { transform: { template: 'x' } })).toThrow(thrownFor('Unsupported'));
  });

  it('is refused when the step is empty', () => {
    expect(() => rewritten({ a: '1' }, {})).toThrow(thrownFor('InvalidSpec'));
  });
});

describe('rewrite by merge', () => {
  const merged = (record: Readonly<Record<string, string>>, merge: MergeStep) => rewritten(record, { merge });

  it('takes objects apart: strings as they are, numbers as doubles, nested values as HTML-safe JSON', () => {
    const document =
      '{"s":"a<b","port":5,"f":1.50,"big":12345678901234567,"on":true,"none":null,"deep":{"z":"<1>","a":[1,"b"]},"exp":1e21}';
    expect(merged({ doc: document }, {})).toEqual({
      big: '12345678901234568',
      deep: '{"a":[1,"b"],"z":"\\u003c1\\u003e"}',
      exp: '1000000000000000000000',
      f: '1.5',
      none: '',
      on: 'true',
      port: '5',
      s: 'a<b',
    });
  });

  it('counts null as an object without members', () => {
    expect(merged({ a: 'null', b: '{"x":1}' }, {})).toEqual({ x: '1' });
  });

  it('refuses members that meet, naming them in order', () => {
    const record = { a: '{"x":1,"b":1}', b: '{"x":2,"b":2}' };
    expect(() => merged(record, {})).toThrow(thrownFor('InvalidKey'));
    expect(() => merged(record, { conflictPolicy: 'Error', priority: ['a'] })).toThrow(/"b", "x"/);
  });

  it.each([
    ['the bytewise last key', {}, 'c'],
    ['the priority key', { priority: ['a'] }, 'a'],
    ['the last of the priority keys', { priority: ['c', 'b'] }, 'b'],
    ['the priority key that is there', { priority: ['zz', 'b'], priorityPolicy: 'IgnoreNotFound' }, 'b'],
  ] as const)('lets %s win when conflicts are ignored', (_, step, winner) => {
    const record = { c: '{"x":"c"}', a: '{"x":"a"}', b: '{"x":"b"}' };
    expect(merged(record, { ...step, conflictPolicy: 'Ignore' })).toEqual({ x: winner });
  });

  it('refuses a priority key that is not there', () => {
    expect(() => merged({ a: '{}' }, { priority: ['zz'] })).toThrow(thrownFor('InvalidKey'));
    expect(() => merged({ a: '{}' }, { priority: ['zz'] })).toThrow(/"zz"/);
  });

  it('adds one compact object under into, without HTML escapes, and keeps the rest', () => {
    const record = { a: '{"z": "<1>","n":1.50}', b: '{"c":{"y":1,"x":2}}' };
    expect(merged(record, { strategy: 'JSON', into: 'all' })).toEqual({
      ...record,
      all: '{"c":{"x":2,"y":1},"n":1.5,"z":"<1>"}',
    });
    expect(merged(record, { strategy: 'JSON', into: 'b' })).toEqual({
      a: record.a,
      b: '{"c":{"x":2,"y":1},"n":1.5,"z":"<1>"}',
    });
  });

  it('refuses strategy JSON without into', () => {
    expect(() => merged({ a: '{}' }, { strategy: 'JSON' })).toThrow(thrownFor('InvalidSpec'));
  });

  it.each(['[1]', '"canary"', '{"a":canary}', '', '{"a":1e999}'])(
    'refuses %j, naming the key and not the value',
    (text) => {
      expect(() => merged({ key1: text }, {})).toThrow(thrownFor('InvalidValue'));
      expect(() => merged({ key1: text }, {})).toThrow(/"key1"/);
      expect(() => merged({ key1: text }, {})).not.toThrow(/canary/);
    },
  );

  it('knows no special members', () => {
    expect(merged({ __proto_: '{"__proto__":"p","constructor":"c"}' }, {})).toMatchObject({ constructor: 'c' });
    const values = rewriteKeys(valuesOf({ a: '{"__proto__":"p"}' }), [{ merge: {} }]);
    expect(values.get('__proto__')?.text()).toBe('p');
  });
});
