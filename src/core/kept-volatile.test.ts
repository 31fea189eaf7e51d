import { describe, expect, it } from 'vitest';
import {
  inputsDigest,
  isVolatile,
  keptManifest,
  keptVolatile,
  markedAsDrawn,
  renewAtAnnotation,
  renewalOf,
} from './kept-volatile.ts';
import { fieldOf, jsonOf, type ManifestField } from './manifest/manifest-blueprint.ts';
import type { RenderedManifest } from './manifest/manifest-template.ts';
import type { Json, JsonMap } from './manifest/object-path.ts';
import { withoutEmpty, withWrittenFields } from './manifest/written-fields.ts';
import { SecretValue } from './secret-value.ts';
import type { RenderedTarget } from './target-template.ts';
import type { TemplateInput } from './template-texts.ts';

const valuesOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([key, text]) => [key, new SecretValue(text)]));

const rendered: RenderedTarget = {
  data: valuesOf({ url: 'new', password: 'drawn-now' }),
  labels: { color: 'drawn-now', app: 'new' },
  annotations: {},
  finalizers: [],
  volatile: { data: ['password'], labels: ['color'], annotations: [] },
};
const nowMs = Date.parse('2026-01-01T00:00:00Z');
const day = 86_400_000;
const how = { digest: 'digest', uid: 'u', nowMs };
/** What is there once a render was written, with what `change` makes of it. */
const written = (of: RenderedTarget) => markedAsDrawn(of, how.digest, how.uid, nowMs);
const earlier = written({
  ...rendered,
  data: valuesOf({ url: 'old', password: 'drawn-then' }),
  labels: { color: 'red', app: 'old' },
});

describe('keptVolatile', () => {
  it('keeps what was drawn, and nothing else', () => {
    const kept = keptVolatile(rendered, earlier, how);
    expect(kept?.data.get('password')?.text()).toBe('drawn-then');
    expect(kept?.data.get('url')?.text()).toBe('new');
    expect(kept?.labels).toEqual({ color: 'red', app: 'new' });
    expect(kept?.annotations).toEqual(earlier.annotations);
  });

  it.each([
    ['value is gone', { ...earlier, data: valuesOf({ url: 'old' }) }],
    ['value was edited', { ...earlier, data: valuesOf({ url: 'old', password: 'edited' }) }],
    ['label is gone', { ...earlier, labels: {} }],
    ['label was edited', { ...earlier, labels: { ...earlier.labels, color: 'blue' } }],
    ['value is of other inputs', written({ ...rendered, annotations: {} })],
  ])('has everything made anew when a drawn %s', (_, there) => {
    const other = there.data.get('password')?.text() === 'drawn-now' ? { ...how, digest: 'other' } : how;
    expect(keptVolatile(rendered, there, other)).toBeUndefined();
  });

  it('keeps it although others edited what was not drawn', () => {
    const there = { ...earlier, data: valuesOf({ url: 'edited', password: 'drawn-then', foreign: 'x' }) };
    expect(keptVolatile(rendered, there, how)?.data.get('password')?.text()).toBe('drawn-then');
  });

  it('knows whether anything was drawn', () => {
    expect(isVolatile(rendered)).toBe(true);
    expect(isVolatile({ ...rendered, volatile: { data: [], labels: [], annotations: [] } })).toBe(false);
  });
});

describe('a certificate that a template makes', () => {
  const days = 30;
  const certified = { ...rendered, certificateLifeMs: days * day };
  const there = written(certified);
  const keptAt = (afterMs: number, from = there) =>
    keptVolatile({ ...certified, certificateLifeMs: Number.POSITIVE_INFINITY }, from, {
      ...how,
      nowMs: nowMs + afterMs,
    });

  it('is renewed when a third of its life is left, and not before', () => {
    expect(renewalOf(there)).toBe(nowMs + 20 * day);
    expect(keptAt(20 * day - 1_000)).toBeDefined();
    expect(keptAt(20 * day)).toBeUndefined();
    expect(renewalOf(keptAt(day) ?? { annotations: {} })).toBe(nowMs + 20 * day);
  });

  it('is renewed when nobody knows any more until when it lasts', () => {
    const { [renewAtAnnotation]: _, ...annotations } = there.annotations;
    expect(keptAt(day, { ...there, annotations })).toBeUndefined();
  });

  it.each([-1, 0])('with a life of %d days is never renewed: it would be for ever', (life) => {
    const past = { ...rendered, certificateLifeMs: life * day };
    expect(renewalOf(written(past))).toBeUndefined();
    expect(keptVolatile(past, written(past), how)).toBeDefined();
  });

  it('may outlive the calendar', () => {
    expect(renewalOf(written({ ...rendered, certificateLifeMs: Number.MAX_VALUE }))).toBe(
      Date.parse('9999-12-31T23:59:59Z'),
    );
  });
});

describe('keptManifest', () => {
  const fields = [fieldOf(['data', 'plain'], 'new'), fieldOf(['spec', 'drawn'], { a: 'now' }, { isMerge: true })];
  const manifest: RenderedManifest = {
    fields,
    labels: {},
    annotations: {},
    volatile: { fields: [1], labels: [], annotations: [] },
  };
  const { annotations } = markedAsDrawn(
    { ...manifest, fields: [fieldOf(['data', 'plain'], 'old'), fieldOf(['spec', 'drawn'], { a: 'then' })] },
    how.digest,
    how.uid,
    nowMs,
  );
  const content = { data: { plain: 'old' }, spec: { drawn: { foreign: 1, a: 'then' } } };

  it('keeps what was drawn at its place, and nothing of others', () => {
    const kept = keptManifest(manifest, { content, labels: {}, annotations }, how);
    expect(kept?.fields.map(jsonOf)).toEqual(['new', { a: 'then' }]);
  });

  it.each<[why: string, of: Json, change: (there: JsonMap) => JsonMap]>([
    ['a member', { a: 'then', dir: {} }, (there) => ({ ...there, filled: 1 })],
    ['a member of a list', { list: [{ a: 'then' }] }, () => ({ list: [{ filled: 1, a: 'then' }] })],
    ['beside a name that is drawn', { 'name-then': 1 }, (there) => ({ ...there, filled: 1 })],
    ['in place of null', { a: 'then', none: null }, (there) => ({ ...there, none: 'filled' })],
  ])('keeps it where the API server filled in %s', (_, of, change) => {
    const drawnAs = (value: Json): RenderedManifest => ({
      ...manifest,
      fields: [fieldOf(['spec'], value)],
      volatile: { ...manifest.volatile, fields: [0] },
    });
    const first = withWrittenFields(markedAsDrawn(drawnAs(of), how.digest, how.uid, nowMs));
    const there = { ...first, content: { spec: change(of as JsonMap) } };
    const kept = keptManifest(drawnAs({ other: 'now' }), there, how);
    expect(kept && withoutEmpty(jsonOf(kept.fields[0] ?? fieldOf([], 0)))).toEqual(withoutEmpty(of));
  });

  it.each<[why: string, over: ManifestField, there: JsonMap]>([
    ['below it', fieldOf(['spec', 'fixed'], 'new'), { fixed: 'edited' }],
    ['beside what it has in a map', fieldOf(['spec', 'map', 'fixed'], 'new'), { map: { own: 1, fixed: 'edited' } }],
    ['over a member of it', fieldOf(['spec', 'own'], 'new'), { own: 'edited' }],
    ['in a list', fieldOf(['spec', 'list', 0, 'fixed'], 1), { list: [{ fixed: 2 }, { own: 1 }] }],
    [
      'as a map that is merged',
      fieldOf(['spec', 'map'], { fixed: 1 }, { isMerge: true }),
      { map: { own: 1, fixed: 2 } },
    ],
  ])('keeps it although another field is laid %s, which is edited', (_, over, there) => {
    const first: Json = { drawn: 'then', own: 'then', map: { own: 1 }, list: [{}, { own: 1 }] };
    const drawnAs = (value: Json): RenderedManifest => ({
      ...manifest,
      fields: [fieldOf(['spec'], value), over],
      volatile: { ...manifest.volatile, fields: [0] },
    });
    const { annotations: marks } = withWrittenFields(markedAsDrawn(drawnAs(first), how.digest, how.uid, nowMs));
    const now = { ...first, drawn: 'now' };
    const keptAs = (spec: JsonMap) =>
      keptManifest(drawnAs(now), { content: { spec }, labels: {}, annotations: marks }, how)?.fields.map(jsonOf)[0];
    expect(keptAs({ ...first, ...there })).toMatchObject({ drawn: 'then' });
    expect(keptAs({ ...first, ...there, drawn: 'edited' })).toBeUndefined();
  });

  it('does not look for what a later field replaced', () => {
    const of = (value: string, ...later: readonly ManifestField[]): RenderedManifest => ({
      ...manifest,
      fields: [fieldOf(['spec', 'a', 'b'], value), ...later],
      volatile: { ...manifest.volatile, fields: [0] },
    });
    for (const later of [fieldOf(['spec', 'a'], 1), fieldOf(['spec', 'a'], { b: 1 }, { isMerge: true })]) {
      const { annotations: marks } = markedAsDrawn(of('then', later), how.digest, how.uid, nowMs);
      const there = { content: { spec: { a: { b: 1 } } }, labels: {}, annotations: marks };
      expect(keptManifest(of('now', later), there, how)).toBeDefined();
    }
  });

  it.each([
    ['edited', { ...content, spec: { drawn: { a: 'edited' } } }],
    ['gone', { data: {} }],
  ])('has everything made anew when it is %s', (_, there) => {
    expect(keptManifest(manifest, { content: there, labels: {}, annotations }, how)).toBeUndefined();
  });
});

describe('inputsDigest', () => {
  const items = [{ key: 'k', templateAs: 'Values' as const }];
  const input: TemplateInput = {
    template: {
      engineVersion: 'v2',
      mergePolicy: 'Replace',
      templateFrom: [{ target: 'Data', configMap: { name: 'm', items } }],
    },
    data: valuesOf({ a: '1', b: '2' }),
    texts: new Map([['ConfigMap/m', valuesOf({ k: 'text', other: 'x' })]]),
  };
  const digest = (change: Partial<TemplateInput>, uid = 'u', force: readonly string[] = []) =>
    inputsDigest({ ...input, ...change }, uid, force);
  const before = digest({});

  it.each([
    ['a value', digest({ data: valuesOf({ a: '1', b: '3' }) })],
    ['where one value ends', digest({ data: valuesOf({ a: '12', b: '' }) })],
    ['the type', digest({ template: { ...input.template, type: 't' } })],
    ['a text that is used', digest({ texts: new Map([['ConfigMap/m', valuesOf({ k: 'other' })]]) })],
    ['the object', digest({}, 'v')],
    ['a force-sync', digest({}, 'u', ['1'])],
  ])('shows a change of %s', (_, after) => {
    expect(after).not.toBe(before);
  });

  it.each([
    ['the order of values', digest({ data: valuesOf({ b: '2', a: '1' }) })],
    ['a text that is not used', digest({ texts: new Map([['ConfigMap/m', valuesOf({ k: 'text', other: 'y' })]]) })],
  ])('does not show %s', (_, after) => {
    expect(after).toBe(before);
  });
});
