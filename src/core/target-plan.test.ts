import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createdByLabel, dataHashAnnotation, managedLabel } from './contract-names.ts';
import { fieldManagerName, fieldManagerNames } from './field-manager.ts';
import { hashData, hashOwner } from './object-hash.ts';
import { SecretValue } from './secret-value.ts';
import {
  hasWantedMarks,
  isOrphanOf,
  isTargetValid,
  type ManagedMetadata,
  type ObservedTarget,
  ownerKeyOf,
  type PresentData,
  plainBlueprint,
  planMark,
  planTarget,
  sameTexts,
  type TargetPlan,
  type TargetSource,
  type WantedSecret,
} from './target-plan.ts';
import type { TargetPolicy } from './target-policy.ts';

/** A plan that writes. */
type WritingPlan = Extract<TargetPlan, { secret: WantedSecret }>;
type Data = Readonly<Record<string, string>>;

const source: TargetSource = {
  namespace: 'shop',
  name: 'web',
  uid: 'u1',
  labels: {},
  annotations: {},
  targetName: 'web',
};
const valuesOf = (data: Data) => new Map(Object.entries(data).map(([key, text]) => [key, new SecretValue(text)]));
const owned: TargetPolicy = { creation: 'Owner', deletion: 'Retain', immutable: false };
const planOwnedTarget = (
  es: TargetSource,
  data: ReadonlyMap<string, SecretValue>,
  observed: ObservedTarget | undefined,
): TargetPlan => planTarget(es, owned, plainBlueprint(es, data), { observed });
const hashOf = (data: ReadonlyMap<string, SecretValue>) =>
  hashData(new Map([...data].map(([key, value]) => [key, value.reveal()])));

/** What the API server keeps of a PUT or POST by our manager: fields that changed are ours from then on. */
function applied(plan: WritingPlan, before?: ObservedTarget): ObservedTarget {
  const { secret } = plan;
  const manager = fieldManagerName(source.name);
  const earlier = before?.managed.find((entry) => entry.manager === manager) ?? {
    manager,
    labels: [],
    annotations: [],
  };
  const ours: ManagedMetadata = {
    manager,
    labels: ownedAfter(earlier.labels, before?.labels ?? {}, secret.labels),
    annotations: ownedAfter(earlier.annotations, before?.annotations ?? {}, secret.annotations),
  };
  return {
    namespace: secret.namespace,
    name: secret.name,
    uid: secret.uid ?? 'created',
    resourceVersion: '2',
    type: secret.type ?? 'Opaque',
    immutable: secret.immutable ?? false,
    deleting: before?.deleting ?? false,
    labels: secret.labels,
    annotations: secret.annotations,
    owners: secret.owners,
    finalizers: secret.finalizers,
    dataHash: hashOf(secret.data),
    keys: [...secret.data.keys()],
    managed: [...(before?.managed ?? []).filter((entry) => entry.manager !== manager), ours],
  };
}

function ownedAfter(earlier: readonly string[], before: Data, after: Data): string[] {
  const changed = Object.keys(after).filter((key) => before[key] !== after[key]);
  return [...new Set([...earlier, ...changed])].filter((key) => Object.hasOwn(after, key));
}

function writing(plan: TargetPlan): WritingPlan {
  if (!('secret' in plan)) throw new Error('the plan writes nothing');
  return plan;
}

function written(plan: TargetPlan): WantedSecret {
  return writing(plan).secret;
}

/** A target as a first sync leaves it, then changed. */
function target(change: Partial<ObservedTarget> = {}, data: Data = { K: 'v' }): ObservedTarget {
  return { ...applied(writing(planOwnedTarget(source, valuesOf(data), undefined))), ...change };
}

const foreignOwner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'o1' };

describe('planOwnedTarget for a target that is not there', () => {
  it('creates it with our marks, one controlling owner and the metadata of the ExternalSecret', () => {
    const es = { ...source, labels: { team: 'a' }, annotations: { note: 'n' } };
    const plan = planOwnedTarget(es, valuesOf({ K: 'v' }), undefined);
    expect(plan.action).toBe('create');
    const secret = written(plan);
    expect(secret).toMatchObject({ namespace: 'shop', name: 'web', finalizers: [] });
    expect(secret.labels).toEqual({ team: 'a', [managedLabel]: 'true', [createdByLabel]: hashOwner('shop/web') });
    expect(secret.annotations).toEqual({ note: 'n', [dataHashAnnotation]: hashOf(valuesOf({ K: 'v' })) });
    expect(secret.owners).toEqual([
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ExternalSecret',
        name: 'web',
        uid: 'u1',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect([secret.resourceVersion, secret.uid, secret.type]).toEqual([undefined, undefined, undefined]);
  });

  it('does not let the metadata of the ExternalSecret stand in for our marks', () => {
    const es = {
      ...source,
      labels: { [managedLabel]: 'no', [createdByLabel]: 'me' },
      annotations: { [dataHashAnnotation]: 'x' },
    };
    const secret = written(planOwnedTarget(es, valuesOf({ K: 'v' }), undefined));
    expect(secret.labels).toEqual({ [managedLabel]: 'true', [createdByLabel]: hashOwner('shop/web') });
    expect(secret.annotations).toEqual({ [dataHashAnnotation]: hashOf(valuesOf({ K: 'v' })) });
  });

  it('takes target.name for the Secret and the own name for the owner', () => {
    const secret = written(planOwnedTarget({ ...source, targetName: 'db' }, valuesOf({ K: 'v' }), undefined));
    expect([secret.name, secret.owners[0]?.name]).toEqual(['db', 'web']);
  });
});

describe('planOwnedTarget for a target that is there', () => {
  it.each<[why: string, observed: ObservedTarget, action: TargetPlan['action']]>([
    ['nothing differs', target(), 'none'],
    ['a value differs', target({}, { K: 'old' }), 'update'],
    ['a key is gone', target({}, {}), 'update'],
    ['a foreign key was added, for all data is ours', target({}, { K: 'v', X: 'x' }), 'update'],
    ['our label was taken off', target({ labels: { [createdByLabel]: hashOwner('shop/web') } }), 'update'],
    ['the hash annotation was edited', target({ annotations: { [dataHashAnnotation]: 'x' } }), 'update'],
    ['the owner reference was taken off', target({ owners: [] }), 'update'],
    [
      'the ExternalSecret was made again under a new uid',
      target({ owners: target().owners.map((o) => ({ ...o, uid: 'old' })) }),
      'update',
    ],
    [
      'a foreign label and a foreign owner are there',
      target({ labels: { ...target().labels, x: 'y' }, owners: [foreignOwner, ...target().owners] }),
      'none',
    ],
    [
      'only fields of the owner that default to false are left out',
      target({ owners: [...target().owners, { ...foreignOwner, controller: false }] }),
      'none',
    ],
  ])('answers when %s', (_, observed, action) => {
    expect(planOwnedTarget(source, valuesOf({ K: 'v' }), observed).action).toBe(action);
  });

  it('updates under the precondition of the observed version and keeps what is not ours', () => {
    const observed = target({
      uid: 'u9',
      resourceVersion: '77',
      type: 'kubernetes.io/tls',
      labels: { foreign: 'l', [managedLabel]: 'true' },
      annotations: { foreign: 'a' },
      finalizers: ['example.com/keep'],
      owners: [foreignOwner],
    });
    const secret = written(planOwnedTarget(source, valuesOf({ K: 'new' }), observed));
    expect(secret).toMatchObject({ uid: 'u9', resourceVersion: '77', type: 'kubernetes.io/tls' });
    expect(secret.finalizers).toEqual(['example.com/keep']);
    expect(secret.labels['foreign']).toBe('l');
    expect(secret.annotations['foreign']).toBe('a');
    expect(secret.owners.map(({ kind }) => kind)).toEqual(['ConfigMap', 'ExternalSecret']);
    expect([...secret.data.keys()]).toEqual(['K']);
  });

  it('takes back its owner entry in place, with the new uid', () => {
    const stale = target().owners.map((owner) => ({ ...owner, uid: 'old' }));
    const secret = written(planOwnedTarget(source, valuesOf({ K: 'v' }), target({ owners: [...stale, foreignOwner] })));
    expect(secret.owners.map(({ uid }) => uid)).toEqual(['u1', 'o1']);
  });

  it.each(fieldManagerNames('a-name-that-is-longer-than-the-plain-form-holds'))(
    'removes labels and annotations that %s wrote and nobody wants any more',
    (manager) => {
      const es = { ...source, name: 'a-name-that-is-longer-than-the-plain-form-holds', labels: { kept: '1' } };
      const observed = target({
        labels: { kept: '1', dropped: '2', foreign: '3' },
        annotations: { dropped: '4', foreign: '5' },
        owners: [],
        managed: [{ manager, labels: ['kept', 'dropped'], annotations: ['dropped'] }],
      });
      const secret = written(planOwnedTarget(es, valuesOf({ K: 'v' }), observed));
      expect(Object.keys(secret.labels).sort()).toEqual(['foreign', 'kept', createdByLabel, managedLabel].sort());
      expect(Object.keys(secret.annotations).sort()).toEqual(['foreign', dataHashAnnotation]);
    },
  );

  it('leaves alone what the manager of another ExternalSecret wrote', () => {
    const manager = fieldManagerName('other');
    const observed = target({ labels: { theirs: '1' }, managed: [{ manager, labels: ['theirs'], annotations: [] }] });
    expect(written(planOwnedTarget(source, valuesOf({ K: 'v' }), observed)).labels['theirs']).toBe('1');
  });

  it.each([
    [
      'another ExternalSecret',
      { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'other', uid: 'x', controller: true },
    ],
    [
      'another ExternalSecret of the old version',
      { apiVersion: 'external-secrets.io/v1beta1', kind: 'ExternalSecret', name: 'other', uid: 'x', controller: true },
    ],
    ['another kind', { ...foreignOwner, controller: true }],
    [
      'an ExternalSecret of this name in a foreign API group',
      { apiVersion: 'example.com/v1', kind: 'ExternalSecret', name: 'web', uid: 'x', controller: true },
    ],
  ])('refuses a target that %s controls, also when nothing else differs', (_, owner) => {
    const observed = target({ owners: [owner] });
    expect(() => planOwnedTarget(source, valuesOf({ K: 'v' }), observed)).toThrow(
      expect.objectContaining({ reason: 'TargetConflict' }),
    );
  });

  it.each(['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token', 'helm.sh/release.v1'])(
    'refuses a target of type %s, whoever owns it',
    (type) => {
      for (const observed of [
        target({ type }),
        target({ type, labels: {}, annotations: {}, owners: [], managed: [] }),
      ]) {
        expect(() => planOwnedTarget(source, valuesOf({ K: 'v' }), observed)).toThrow(
          expect.objectContaining({ reason: 'TargetConflict', message: expect.stringContaining(type) }),
        );
      }
    },
  );

  it('keeps the type of a target that it takes over', () => {
    const observed = target({ type: 'kubernetes.io/tls', labels: {}, annotations: {}, owners: [], managed: [] });
    expect(written(planOwnedTarget(source, valuesOf({ K: 'v' }), observed)).type).toBe('kubernetes.io/tls');
  });

  it('adopts a target that nobody controls', () => {
    const bare = target({ labels: {}, annotations: {}, owners: [foreignOwner], managed: [] }, { K: 'theirs' });
    expect(written(planOwnedTarget(source, valuesOf({ K: 'v' }), bare)).owners).toHaveLength(2);
  });
});

describe('planOwnedTarget for an immutable target', () => {
  it('refuses to change its data', () => {
    expect(() => planOwnedTarget(source, valuesOf({ K: 'new' }), target({ immutable: true }))).toThrow(
      expect.objectContaining({ reason: 'TargetConflict' }),
    );
  });

  it('changes its metadata and keeps it immutable', () => {
    const plan = planOwnedTarget(
      { ...source, labels: { team: 'a' } },
      valuesOf({ K: 'v' }),
      target({ immutable: true }),
    );
    expect(written(plan)).toMatchObject({ immutable: true, labels: { team: 'a' } });
  });

  it('leaves an equal one alone', () => {
    expect(planOwnedTarget(source, valuesOf({ K: 'v' }), target({ immutable: true })).action).toBe('none');
  });
});

describe('planTarget under the policies that own nothing', () => {
  const orphan: TargetPolicy = { ...owned, creation: 'Orphan' };
  const merge: TargetPolicy = { ...owned, creation: 'Merge' };
  const plan = (policy: TargetPolicy, data: Data, observed?: ObservedTarget, present?: PresentData) =>
    planTarget(source, policy, plainBlueprint(source, valuesOf(data)), { observed, present });
  const presentOf = (data: Data, more: Partial<PresentData> = {}): PresentData => ({
    data: valuesOf(data),
    ours: new Set(),
    claimed: new Map(),
    ...more,
  });
  const foreign = (data: Data) =>
    target({ labels: { keep: 'me' }, annotations: {}, owners: [], managed: [], dataHash: hashOf(valuesOf(data)) });

  it.each(['Orphan', 'CreateOrMerge'] as const)('creates under %s without an owner and its mark', (creation) => {
    const secret = written(plan({ ...owned, creation }, { K: 'v' }));
    expect([secret.owners, secret.labels]).toEqual([[], { [managedLabel]: 'true' }]);
  });

  it('replaces all data under Orphan and gives up an ownership of before', () => {
    const secret = written(
      plan(orphan, { K: 'v' }, target({ owners: [foreignOwner, ...target().owners] }, { X: 'x' })),
    );
    expect([...secret.data.keys()]).toEqual(['K']);
    expect(secret.owners).toEqual([foreignOwner]);
    expect(Object.keys(secret.labels)).toEqual([managedLabel]);
  });

  it.each(['Merge', 'CreateOrMerge'] as const)('asks for the values that are there under %s', (creation) => {
    expect(plan({ ...owned, creation }, { K: 'v' }, foreign({})).action).toBe('look');
  });

  it('keeps keys of others when it merges, and takes its own of before off', () => {
    const there = { theirs: '1', dropped: '2', K: 'old' };
    const secret = written(
      plan(merge, { K: 'v' }, foreign(there), presentOf(there, { ours: new Set(['dropped', 'K']) })),
    );
    const texts = Object.fromEntries([...secret.data].map(([key, value]) => [key, value.reveal().toString()]));
    expect(texts).toEqual({ theirs: '1', K: 'v' });
    expect(secret.annotations[dataHashAnnotation]).toBe(hashOf(valuesOf({ theirs: '1', K: 'v' })));
    expect(secret.labels['keep']).toBe('me');
  });

  it('merges neither where nobody knows whose keys are there, nor into more than a target may have', () => {
    const there = presentOf({ theirs: '1' }, { isAccounted: false });
    expect(() => plan(merge, { K: 'v' }, foreign({}), there)).toThrow(
      /too many keys to tell which of them are from here/,
    );
    expect(plan(orphan, { K: 'v' }, foreign({}), there).action).toBe('update');
    const most = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, '']));
    expect(() => plan(merge, { K: 'v' }, foreign({}), presentOf(most))).toThrow(/would have 10001 keys/);
  });

  it('writes nothing when the merge changes nothing', () => {
    const before = foreign({ theirs: '1' });
    const merged = applied(writing(plan(merge, { K: 'v' }, before, presentOf({ theirs: '1' }))), before);
    const there = presentOf({ theirs: '1', K: 'v' }, { ours: new Set(['K']) });
    expect(plan(merge, { K: 'v' }, merged, there).action).toBe('none');
  });

  it('names a key that another ExternalSecret writes with another value, never the value', () => {
    const claimed = new Map([['K', 'other']]);
    const there = { K: 'theirs-value' };
    expect(() => plan(merge, { K: 'our-value' }, foreign(there), presentOf(there, { claimed }))).toThrow(
      expect.objectContaining({
        reason: 'TargetConflict',
        message: 'key "K" of target Secret "web" is written by another ExternalSecret: "other"',
      }),
    );
    expect(plan(merge, { K: 'theirs-value' }, foreign(there), presentOf(there, { claimed })).action).toBe('update');
  });

  it('merges into a Secret that another kind controls, which Owner refuses', () => {
    const controlled = { ...foreign({}), owners: [{ ...foreignOwner, controller: true }] };
    expect(written(plan(merge, { K: 'v' }, controlled, presentOf({}))).owners).toEqual(controlled.owners);
    expect(() => plan(owned, { K: 'v' }, controlled)).toThrow(expect.objectContaining({ reason: 'TargetConflict' }));
  });

  it('never changes an immutable Secret by merging', () => {
    const there = { ...foreign({ X: 'x' }), immutable: true };
    expect(() => plan(merge, { K: 'v' }, there, presentOf({ X: 'x' }))).toThrow(
      expect.objectContaining({ reason: 'TargetConflict' }),
    );
  });
});

describe('planTarget for spec.target.immutable', () => {
  const frozen: TargetPolicy = { ...owned, immutable: true };
  const wanted = plainBlueprint({ ...source, labels: { late: '1' } }, valuesOf({ K: 'new' }));

  it('creates the Secret immutable', () => {
    expect(written(planTarget(source, frozen, wanted, { observed: undefined })).immutable).toBe(true);
  });

  it('freezes a Secret that is there with the data and metadata that it has', () => {
    const observed = target({}, { K: 'v' });
    expect(planTarget(source, frozen, wanted, { observed }).action).toBe('look');
    const present = { data: valuesOf({ K: 'v' }), ours: new Set(['K']), claimed: new Map() };
    const secret = written(planTarget(source, frozen, wanted, { observed, present }));
    expect([secret.immutable, secret.data.get('K')?.reveal().toString(), secret.labels['late']]).toEqual([
      true,
      'v',
      undefined,
    ]);
  });

  it('leaves a frozen one alone, whatever the sources say', () => {
    expect(planTarget(source, frozen, wanted, { observed: target({ immutable: true }) }).action).toBe('none');
  });
});

describe('planning twice', () => {
  const texts = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.string({ maxLength: 4 }), { maxKeys: 4 });
  const data = fc.dictionary(fc.stringMatching(/^[A-Z._-]{1,3}$/), fc.string({ maxLength: 5 }), { maxKeys: 4 });
  const sources = fc.record({ labels: texts, annotations: texts }).map((metadata) => ({ ...source, ...metadata }));
  const managed = fc.array(
    fc.record({
      manager: fc.constantFrom(fieldManagerName('web'), fieldManagerName('other')),
      labels: fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 3 }),
      annotations: fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 3 }),
    }),
    { maxLength: 2 },
  );
  const observed = fc
    .record({
      data,
      labels: texts,
      annotations: texts,
      managed,
      owners: fc.subarray([foreignOwner, ...target().owners]),
    })
    .map((found) => target(found, found.data));

  it('changes nothing the second time, and the first leaves a valid target', () => {
    fc.assert(
      fc.property(sources, data, fc.option(observed, { nil: undefined }), (es, wanted, before) => {
        const values = valuesOf(wanted);
        const plan = planOwnedTarget(es, values, before);
        const after = 'secret' in plan ? applied(plan, before) : before;
        expect(isTargetValid(after)).toBe(true);
        expect(planOwnedTarget(es, values, after)).toEqual({ action: 'none' });
      }),
    );
  });

  it('keeps every foreign label, unless the ExternalSecret sets it', () => {
    fc.assert(
      fc.property(sources, data, observed, (es, wanted, before) => {
        const ours = new Set(
          before.managed.filter(({ manager }) => manager === fieldManagerName('web')).flatMap(({ labels }) => labels),
        );
        const plan = planOwnedTarget(es, valuesOf(wanted), before);
        const after = 'secret' in plan ? plan.secret.labels : before.labels;
        for (const [key, value] of Object.entries(before.labels)) {
          if (!ours.has(key) && !Object.hasOwn(es.labels, key) && key !== createdByLabel)
            expect(after[key]).toBe(value);
        }
      }),
    );
  });

  it('follows an edit and its reversal back to the same metadata', () => {
    fc.assert(
      fc.property(sources, sources, data, (first, second, wanted) => {
        const values = valuesOf(wanted);
        const step = (es: TargetSource, before?: ObservedTarget) => {
          const plan = planOwnedTarget(es, values, before);
          return 'secret' in plan ? applied(plan, before) : (before ?? target());
        };
        const start = step(first);
        const back = step(first, step(second, start));
        expect([back.labels, back.annotations]).toEqual([start.labels, start.annotations]);
      }),
    );
  });
});

describe('isTargetValid', () => {
  it.each<[why: string, observed: ObservedTarget | undefined, valid: boolean]>([
    ['as we left it', target(), true],
    ['absent', undefined, false],
    ['being deleted', target({ deleting: true }), false],
    ['without our label', target({ labels: {} }), false],
    ['with a label that says otherwise', target({ labels: { [managedLabel]: 'false' } }), false],
    ['with data that was edited', target({ dataHash: 'x' }), false],
    ['without the hash', target({ annotations: {} }), false],
    ['with a foreign label', target({ labels: { ...target().labels, x: 'y' } }), true],
  ])('judges a target %s', (_, observed, valid) => {
    expect(isTargetValid(observed)).toBe(valid);
  });
});

describe('isOrphanOf', () => {
  const renamed = { ...source, targetName: 'new' };

  it.each<[why: string, observed: ObservedTarget, orphan: boolean]>([
    ['written under the earlier name', target(), true],
    ['under the present name', target({ name: 'new' }), false],
    ['in another namespace', target({ namespace: 'other' }), false],
    ['being deleted already', target({ deleting: true }), false],
    ['without the mark of who created it', target({ labels: { [managedLabel]: 'true' } }), false],
    ['with the mark of another', target({ labels: { [createdByLabel]: hashOwner('shop/other') } }), false],
    ['copied with its labels, but not controlled by us', target({ owners: [] }), false],
    [
      'controlled by a predecessor of the same name',
      target({ owners: target().owners.map((o) => ({ ...o, uid: 'old' })) }),
      false,
    ],
    [
      'owned by us without being controlled',
      target({ owners: target().owners.map((o) => ({ ...o, controller: false })) }),
      false,
    ],
  ])('judges a Secret %s', (_, observed, orphan) => {
    expect(isOrphanOf(renamed, observed)).toBe(orphan);
  });
});

describe('hasWantedMarks', () => {
  const labelled: TargetSource = { ...source, labels: { tier: 'one' } };
  const plan = planOwnedTarget(labelled, valuesOf({ a: '1' }), undefined);
  const fresh = applied(writing(plan));

  it.each<[why: string, from: TargetSource, observed: ObservedTarget, has: boolean]>([
    ['as it was written', labelled, fresh, true],
    ['whose ExternalSecret has lost a label since', source, fresh, false],
    ['whose ExternalSecret has another value for a label', { ...source, labels: { tier: 'two' } }, fresh, false],
    ['whose ExternalSecret was made again', { ...labelled, uid: 'u2' }, fresh, false],
    ['with a label of somebody else', labelled, { ...fresh, labels: { ...fresh.labels, app: 'x' } }, true],
    ['with other data', labelled, { ...fresh, dataHash: hashOf(valuesOf({ a: '2' })) }, false],
  ])('judges a Secret %s', (_, from, observed, has) => {
    expect(hasWantedMarks(from, owned, from, observed)).toBe(has);
  });
});

describe('ownerKeyOf', () => {
  it.each<[why: string, observed: ObservedTarget, key: string | undefined]>([
    ['its ExternalSecret', target({ name: 'db' }), 'shop/web'],
    ['nobody', target({ owners: [] }), undefined],
    ['another kind', target({ owners: [{ ...foreignOwner, controller: true }] }), undefined],
    ['an owner that does not control it', target({ owners: [foreignOwner] }), undefined],
  ])('names %s', (_, observed, key) => {
    expect(ownerKeyOf(observed)).toBe(key);
  });
});

describe('sameTexts', () => {
  it.each([
    ['equal in another order', { a: '1', b: '2' }, { b: '2', a: '1' }, true],
    ['one entry more', { a: '1' }, { a: '1', b: '2' }, false],
    ['another value', { a: '1' }, { a: '2' }, false],
    ['another key of the same number', { a: '1' }, { b: '1' }, false],
    ['a key that every object inherits', { toString: 'x' }, { b: 'x' }, false],
  ])('compares maps: %s', (_, a: Data, b: Data, same) => {
    expect([sameTexts(a, b), sameTexts(b, a)]).toEqual([same, same]);
  });
});

describe('planMark, for a Secret that was found and stays as it is', () => {
  const found = (change: Partial<ObservedTarget> = {}) =>
    target(
      { labels: { keep: 'l' }, annotations: { keep: 'a' }, owners: [], immutable: true, ...change },
      { THEIRS: 'v' },
    );
  const present: PresentData = { data: valuesOf({ THEIRS: 'v' }), ours: new Set(), claimed: new Map() };

  it('puts our label on it, and changes nothing else', () => {
    const secret = written(planMark(source, { observed: found(), present }));
    expect(secret.labels).toEqual({ keep: 'l', [managedLabel]: 'true' });
    expect([secret.annotations, secret.owners, secret.immutable]).toEqual([{ keep: 'a' }, [], true]);
    expect(hashOf(secret.data)).toBe(hashOf(present.data));
    expect(
      planMark(source, {
        observed: applied(writing(planMark(source, { observed: found(), present })), found()),
        present,
      }),
    ).toEqual({ action: 'none' });
  });

  it.each<[why: string, observed: ObservedTarget | undefined]>([
    ['nothing is there', undefined],
    ['it is going', found({ deleting: true })],
    ['another controller owns it', found({ owners: [{ ...foreignOwner, controller: true }] })],
    ['it lets somebody in', found({ type: 'kubernetes.io/service-account-token' })],
  ])('writes nothing when %s', (_, observed) => {
    expect(planMark(source, { observed, present })).toEqual({ action: 'none' });
  });

  it('writes nothing over a Secret whose values were not read', () => {
    expect(planMark(source, { observed: found() })).toEqual({ action: 'none' });
  });
});
