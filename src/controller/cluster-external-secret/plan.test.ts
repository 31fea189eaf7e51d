import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ClusterExternalSecretRecord,
  clusterExternalSecretRecord,
  type ExternalSecretRecord,
  externalSecretRecord,
  type NamespaceRecord,
  namespaceRecord,
} from '../records.ts';
import { checkSelectors, childObject, foreignChild, isForeign, leavingChild, planChildren, selects } from './plan.ts';

const childSpec = { secretStoreRef: { name: 's' }, data: [{ secretKey: 'k', remoteRef: { key: 'k' } }] };
const finalizer = 'externalsecrets.external-secrets.io/ces-web';
const forceSync = 'external-secrets.io/force-sync';

function ces(spec: object = {}, metadata: object = {}): ClusterExternalSecretRecord {
  return clusterExternalSecretRecord({
    metadata: { name: 'web', uid: 'web-1', resourceVersion: '1', generation: 1, ...metadata },
    spec: { externalSecretSpec: childSpec, ...spec },
  } as never); // the spec is what the reader is for
}

function namespace(name: string, labels: Record<string, string> = {}, more: object = {}): NamespaceRecord {
  return namespaceRecord({ metadata: { name, uid: `${name}-1`, resourceVersion: '1', labels, ...more } });
}

function leaving(name: string, labels: Record<string, string> = {}, more: object = {}): NamespaceRecord {
  return namespace(name, labels, { deletionTimestamp: '2030-01-01T00:00:00Z', ...more });
}

/** What the API server has after a child was written. */
function written(owner: ClusterExternalSecretRecord, place: string, more: object = {}): ExternalSecretRecord {
  const object = childObject(owner, specOf(owner), place);
  return externalSecretRecord({
    ...object,
    metadata: { ...object.metadata, uid: `${place}-es`, resourceVersion: '5', generation: 1, ...more },
  });
}

function specOf({ spec }: ClusterExternalSecretRecord) {
  if ('issues' in spec) throw new Error(spec.issues.join());
  return spec.ok;
}

function plan(
  owner: ClusterExternalSecretRecord,
  namespaces: readonly NamespaceRecord[],
  children: readonly ExternalSecretRecord[] = [],
  isOurs: (namespace: string) => boolean = () => true,
) {
  return planChildren(owner, specOf(owner), {
    namespaces,
    childAt: (place, name) => children.find((child) => child.namespace === place && child.name === name),
    owned: children.filter(({ owners }) => owners.some(({ uid }) => uid === owner.uid)),
    isOurs,
  });
}

const red = { colour: 'red' };
const inRed = { namespaceSelectors: [{ matchLabels: red }] };

describe('the namespaces that are chosen', () => {
  it.each<[string, object, readonly string[]]>([
    ['by name, if they are there', { namespaces: ['blue', 'absent'] }, ['blue']],
    ['by a selector', inRed, ['red']],
    ['by the deprecated selector', { namespaceSelector: { matchLabels: { colour: 'blue' } } }, ['blue']],
    ['by any of several, and by name', { ...inRed, namespaces: ['plain'] }, ['plain', 'red']],
    [
      'by an expression',
      { namespaceSelectors: [{ matchExpressions: [{ key: 'colour', operator: 'DoesNotExist' }] }] },
      ['plain'],
    ],
    ['all, by an empty selector', { namespaceSelectors: [{}] }, ['blue', 'plain', 'red']],
    ['none, when nothing chooses', {}, []],
  ])('are chosen %s', (_, spec, expected) => {
    const namespaces = [namespace('red', red), namespace('plain'), namespace('blue', { colour: 'blue' })];
    expect(plan(ces(spec), namespaces).steps).toEqual(expected.map((name) => ({ kind: 'create', namespace: name })));
  });

  it('are none where a selector cannot be understood', () => {
    const spec = specOf(ces({ namespaceSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Near' }] }] }));
    expect(() => checkSelectors(spec)).toThrow(expect.objectContaining({ reason: 'InvalidSpec' }));
    expect(() => checkSelectors(specOf(ces(inRed)))).not.toThrow();
  });
});

describe('the ExternalSecret of a namespace', () => {
  const owner = ces(inRed);
  const here = [namespace('red', red)];

  it('is left alone when it is as it was written', () => {
    expect(plan(owner, here, [written(owner, 'red')]).steps).toEqual([{ kind: 'none', namespace: 'red' }]);
  });

  it('is left alone when the API server has filled in defaults, or ESO has put its finalizer there', () => {
    const made = childObject(owner, specOf(owner), 'red');
    const stored = externalSecretRecord({
      ...made,
      metadata: { ...made.metadata, uid: 'u', resourceVersion: '5', finalizers: ['eso'] },
      spec: { ...childSpec, refreshInterval: '1h0m0s', target: { creationPolicy: 'Owner', deletionPolicy: 'Retain' } },
    } as never);
    expect(plan(owner, here, [stored]).steps).toEqual([{ kind: 'none', namespace: 'red' }]);
  });

  it.each<[string, object, object]>([
    ['its spec is edited', {}, { spec: { ...childSpec, refreshInterval: '1m' } }],
    ['a label is added', { labels: { a: 'b' } }, {}],
    ['it is annotated', { annotations: { [forceSync]: '1' } }, {}],
    ['its spec cannot be read', {}, { spec: { data: 3 } }],
  ])('is brought back when %s', (_, metadata, change) => {
    const made = childObject(owner, specOf(owner), 'red');
    const drifted = externalSecretRecord({
      ...made,
      ...change,
      metadata: { ...made.metadata, uid: 'u', resourceVersion: '5', finalizers: ['f'], ...metadata },
    });
    expect(plan(owner, here, [drifted]).steps).toEqual([{ kind: 'update', namespace: 'red', child: drifted }]);
    const wanted = childObject(owner, specOf(owner), 'red', drifted);
    expect(wanted.metadata).toMatchObject({
      uid: 'u',
      resourceVersion: '5',
      finalizers: ['f'],
      ownerReferences: drifted.owners,
    });
    expect(plan(owner, here, [externalSecretRecord(wanted)]).steps).toEqual([{ kind: 'none', namespace: 'red' }]);
  });

  it('carries the labels and annotations of the spec, and force-sync as the ClusterExternalSecret has it', () => {
    const marks = { labels: { a: 'b' }, annotations: { n: 'm', [forceSync]: 'not this' } };
    const of = (annotations: object) => {
      const made = ces({ ...inRed, externalSecretMetadata: marks }, { annotations });
      return childObject(made, specOf(made), 'red').metadata;
    };
    expect(of({ [forceSync]: '7', other: 'x' })).toMatchObject({ labels: { a: 'b' } });
    expect(of({ [forceSync]: '7', other: 'x' }).annotations).toEqual({ n: 'm', [forceSync]: '7' });
    expect(of({}).annotations).toEqual({ n: 'm' });
  });

  it('keeps fields that only the served CRD knows', () => {
    const made = ces({ externalSecretSpec: { ...childSpec, newer: { field: true } } });
    expect(childObject(made, specOf(made), 'red').spec).toEqual({ ...childSpec, newer: { field: true } });
  });

  it.each<[string, object]>([
    ['nobody', { ownerReferences: [] }],
    ['one of the same name that was there before', { ownerReferences: ownersOf('web-0') }],
    ['another kind', { ownerReferences: ownersOf('web-1').map((owner) => ({ ...owner, kind: 'Release' })) }],
    [
      'it, but not as the controller',
      { ownerReferences: ownersOf('web-1').map((owner) => ({ ...owner, controller: false })) },
    ],
  ])('is neither written nor deleted when its owner is %s', (_, metadata) => {
    const foreign = written(owner, 'red', metadata);
    expect(plan(owner, here, [foreign])).toEqual({
      steps: [{ kind: 'blocked', namespace: 'red', why: foreignChild }],
      deletes: [],
      releases: [],
    });
  });

  it('is waited for while it is being deleted', () => {
    const going = written(owner, 'red', { deletionTimestamp: '2030-01-01T00:00:00Z' });
    expect(plan(owner, here, [going]).steps).toEqual([{ kind: 'blocked', namespace: 'red', why: leavingChild }]);
  });

  it('goes when its namespace is no longer chosen, and ESO’s finalizer with it', () => {
    const child = written(owner, 'blue');
    const blue = namespace('blue', { colour: 'blue' }, { finalizers: [finalizer, 'other'] });
    expect(plan(owner, [blue], [child])).toEqual({ steps: [], deletes: [child], releases: [blue] });
  });

  it('goes when the name changed, and is made anew', () => {
    const child = written(owner, 'red');
    const renamed = ces({ ...inRed, externalSecretName: 'later' });
    expect(plan(renamed, here, [child])).toEqual({
      steps: [{ kind: 'create', namespace: 'red' }],
      deletes: [child],
      releases: [],
    });
  });

  it('is left to a namespace that is on its way out, which is let go', () => {
    const going = leaving('red', red, { finalizers: [finalizer] });
    expect(plan(owner, [going], [written(owner, 'red')])).toEqual({ steps: [], deletes: [], releases: [going] });
  });

  it('is left alone where its store belongs to another controller, and so is the namespace', () => {
    const children = [written(owner, 'red', { labels: { a: 'b' } }), written(owner, 'blue')];
    const places = [...here, namespace('blue', {}, { finalizers: [finalizer] })];
    expect(plan(owner, places, children, () => false)).toEqual({ steps: [], deletes: [], releases: [] });
  });
});

describe('a ClusterExternalSecret', () => {
  const places = [namespace('red', red), namespace('ruby', red), namespace('plain')];

  it.each<[string, object, readonly string[], boolean]>([
    ['is another controller’s when its stores are that in every namespace that it chooses', inRed, ['plain'], true],
    ['is ours when they are ours in one of them', inRed, ['ruby'], false],
    ['is ours while it chooses none', {}, [], false],
    ['is ours while its spec cannot be read: somebody has to say so', { namespaces: ['X'] }, [], false],
  ])('%s', (_, spec, ours, expected) => {
    expect(isForeign(ces(spec), places, (name) => ours.includes(name))).toBe(expected);
  });
});

function ownersOf(uid: string) {
  return [{ apiVersion: 'external-secrets.io/v1', kind: 'ClusterExternalSecret', name: 'web', uid, controller: true }];
}

it('settles: what was planned and done leaves nothing to do, and touches nothing that it does not own', () => {
  const owner = ces(inRed);
  const state = fc.constantFrom('none', 'own', 'drifted', 'foreign', 'renamed');
  const place = fc.record({ isRed: fc.boolean(), isLeaving: fc.boolean(), state });
  fc.assert(
    fc.property(fc.array(place, { maxLength: 8 }), (places) => {
      const namespaces = places.map(({ isRed, isLeaving }, i) =>
        (isLeaving ? leaving : namespace)(`n${i}`, isRed ? red : {}),
      );
      const children = places.flatMap(({ state: one }, i) => childIn(owner, `n${i}`, one));
      const foreign = children.filter((child) => child.owners.length === 0);
      const first = plan(owner, namespaces, children);
      const touched = [
        ...first.deletes,
        ...first.steps.flatMap((step) => (step.kind === 'update' ? [step.child] : [])),
      ];
      expect(touched.filter((child) => foreign.includes(child))).toEqual([]);
      for (const { namespace: name } of first.steps)
        expect(selects(specOf(owner), namespaces.find((one) => one.name === name) ?? namespace(''))).toBe(true);
      const second = plan(owner, namespaces, after(owner, first, children));
      expect(second.deletes).toEqual([]);
      expect(second.steps.map(({ kind }) => kind).filter((kind) => kind !== 'none' && kind !== 'blocked')).toEqual([]);
      expect(second.steps.filter(({ kind }) => kind === 'blocked').length).toBe(
        first.steps.filter(({ kind }) => kind === 'blocked').length,
      );
    }),
  );
});

function childIn(owner: ClusterExternalSecretRecord, place: string, state: string): ExternalSecretRecord[] {
  if (state === 'none') return [];
  if (state === 'drifted') return [written(owner, place, { labels: { drift: 'yes' } })];
  if (state === 'foreign') return [written(owner, place, { ownerReferences: [] })];
  return [written(owner, place, state === 'renamed' ? { name: 'earlier' } : {})];
}

function after(
  owner: ClusterExternalSecretRecord,
  { steps, deletes }: ReturnType<typeof plan>,
  children: readonly ExternalSecretRecord[],
): ExternalSecretRecord[] {
  const made = steps.flatMap((step) =>
    step.kind === 'create' || step.kind === 'update' ? [written(owner, step.namespace)] : [],
  );
  const replaced = new Set(steps.flatMap((step) => (step.kind === 'update' ? [step.child] : [])));
  return [...children.filter((child) => !deletes.includes(child) && !replaced.has(child)), ...made];
}
