import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headOf, versionIn } from './event-head.ts';

/** As the API server writes its own kinds: in the order of their Go types. */
const typed = (type: string, name: string, rest = '"data":{"a":"Yg=="}') =>
  `{"type":"${type}","object":{"kind":"Secret","apiVersion":"v1","metadata":{${name}"uid":"8f-1","resourceVersion":"812","creationTimestamp":"2026-11-30T00:56:44Z"},${rest}}}`;
/** As it writes custom resources: by the alphabet, so that annotations come first. */
const custom = (type: string, annotations: object, spec: object = {}) =>
  JSON.stringify({
    type,
    object: {
      apiVersion: 'x.io/v1',
      kind: 'Thing',
      metadata: { annotations, name: 'a', namespace: 'ns', resourceVersion: '812', uid: '8f-1' },
      spec,
    },
  });

describe('headOf', () => {
  it.each([
    ['an object of a namespace', typed('ADDED', '"name":"a.b-c","namespace":"ns",'), 'ns/a.b-c'],
    ['one that changed', typed('MODIFIED', '"name":"a","namespace":"ns",'), 'ns/a'],
    ['a name that was made up', typed('ADDED', '"name":"a-x7f","generateName":"a-","namespace":"ns",'), 'ns/a-x7f'],
    ['an object of the cluster', typed('ADDED', '"name":"a",'), 'a'],
    [
      'metadata alone',
      '{"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","namespace":"ns","uid":"1","resourceVersion":"812"}}}',
      'ns/a',
    ],
  ])('tells name and version of %s', (_what, line, key) => {
    expect(headOf(Buffer.from(line))).toEqual({ key, version: '812' });
  });

  it.each([
    ['one that is gone', typed('DELETED', '"name":"a","namespace":"ns",')],
    [
      'a bookmark',
      '{"type":"BOOKMARK","object":{"kind":"Secret","apiVersion":"v1","metadata":{"resourceVersion":"8"}}}',
    ],
    ['an error', '{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"code":410}}'],
    ['a custom resource', custom('ADDED', {})],
    ['an escaped name', typed('ADDED', '"name":"a\\u0022","namespace":"ns",')],
    ['another order', '{"object":{"metadata":{"name":"a"}},"type":"ADDED"}'],
    ['what is no event', 'no JSON'],
  ])('leaves %s to be parsed', (_what, line) => {
    expect(headOf(Buffer.from(line))).toBeUndefined();
  });
});

describe('versionIn', () => {
  it.each([
    ['an own kind', typed('ADDED', '"name":"a",')],
    ['a custom resource', custom('MODIFIED', { note: 'x' })],
    [
      'one whose text quotes a version',
      custom('MODIFIED', { note: '{"resourceVersion":"1"}' }, { text: '"resourceVersion":"2"' }),
    ],
  ])('tells the version of %s', (_what, line) => {
    expect(versionIn(Buffer.from(line))).toBe('812');
  });

  it.each([
    ['an annotation of that name', custom('MODIFIED', { resourceVersion: '811' })],
    ['a member of the spec of that name', custom('MODIFIED', {}, { resourceVersion: '813' })],
    ['one that is gone', custom('DELETED', {})],
    ['a bookmark', '{"type":"BOOKMARK","object":{"kind":"Thing","metadata":{"resourceVersion":"8"}}}'],
    ['a version that is no number', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"x"}}}'],
    ['none', '{"type":"ADDED","object":{"metadata":{}}}'],
  ])('leaves %s to be parsed', (_what, line) => {
    expect(versionIn(Buffer.from(line))).toBeUndefined();
  });
});

it('never tells anything else than the parser, whatever an object holds', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('resourceVersion', '"resourceVersion":"7"', '","uid":"', '\\"', 'name'),
  );
  const texts = fc.dictionary(text, text);
  const named = fc.record({ name: text, namespace: text, uid: text, resourceVersion: fc.nat().map(String) });
  const metadata = fc.tuple(texts, named, texts).map(([annotations, own, labels]) => ({ annotations, ...own, labels }));
  const inGoOrder = named.chain((own) => texts.map((labels) => ({ ...own, labels })));
  fc.assert(
    fc.property(
      fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'),
      fc.oneof(metadata, inGoOrder),
      texts,
      (type, meta, spec) => {
        const line = JSON.stringify({ type, object: { kind: 'Thing', apiVersion: 'v1', metadata: meta, spec } });
        expect([undefined, meta.resourceVersion]).toContain(versionIn(Buffer.from(line)));
        const head = headOf(Buffer.from(line));
        if (head !== undefined)
          expect(head).toEqual({ key: `${meta.namespace}/${meta.name}`, version: meta.resourceVersion });
      },
    ),
    { numRuns: 2_000 },
  );
});
