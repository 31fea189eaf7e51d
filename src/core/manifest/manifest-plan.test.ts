import { describe, expect, it } from 'vitest';
import { asOperatorError } from '../../base/operator-error.ts';
import { createdByLabel, dataHashAnnotation, managedLabel } from '../contract-names.ts';
import { fieldManagerName } from '../field-manager.ts';
import { hashContent } from '../object-hash.ts';
import type { ObservedTarget } from '../target-plan.ts';
import type { TargetPolicy } from '../target-policy.ts';
import { refuseClosedKind } from './closed-kinds.ts';
import { fieldOf, type ManifestBlueprint, type ManifestKind } from './manifest-blueprint.ts';
import { type ManifestPlan, planManifest } from './manifest-plan.ts';
import type { JsonMap, Path } from './object-path.ts';

const configMap: ManifestKind = { apiVersion: 'v1', kind: 'ConfigMap' };
const widget: ManifestKind = { apiVersion: 'example.com/v1', kind: 'Widget' };
const source = { namespace: 'shop', name: 'web', uid: 'u-1', labels: {}, annotations: {}, targetName: 'target' };
const policyOf = (creation: TargetPolicy['creation']): TargetPolicy => ({
  creation,
  deletion: 'Retain',
  immutable: false,
});

const blueprint = (...fields: readonly (readonly [Path, JsonMap[string]])[]): ManifestBlueprint => ({
  fields: fields.map(([path, value]) => fieldOf(path, value)),
  labels: { app: 'web' },
  annotations: {},
});
const user = blueprint([['data', 'user'], 'ada']);

interface There {
  readonly content: JsonMap;
  readonly marks?: Partial<Pick<ObservedTarget, 'labels' | 'annotations' | 'owners'>>;
  readonly managedFields?: readonly { readonly manager: string; readonly fieldsV1: unknown }[];
}

function present({ content, marks = {}, managedFields = [] }: There) {
  const observed: ObservedTarget = {
    namespace: 'shop',
    name: 'target',
    uid: 'u-2',
    resourceVersion: '7',
    type: '',
    immutable: false,
    deleting: false,
    labels: { [managedLabel]: 'true' },
    annotations: {},
    owners: [],
    finalizers: [],
    dataHash: hashContent(content),
    keys: [],
    managed: [],
    ...marks,
  };
  return { observed, object: { ...content, metadata: { managedFields } } };
}

/** What is there once a plan was carried out. */
function carriedOut(plan: ManifestPlan, defaults: JsonMap = {}) {
  if (plan.action === 'none') throw new Error('nothing to carry out');
  return present({ content: { ...plan.content, ...defaults }, marks: plan.marks });
}

describe('a manifest target', () => {
  it('is created whole, marked, and owned under Owner', () => {
    const plan = planManifest(source, policyOf('Owner'), { kind: configMap, blueprint: user }, undefined);
    expect(plan).toMatchObject({
      action: 'create',
      content: { data: { user: 'ada' } },
      marks: {
        labels: { app: 'web', [managedLabel]: 'true', [createdByLabel]: expect.any(String) },
        annotations: { [dataHashAnnotation]: hashContent({ data: { user: 'ada' } }) },
        owners: [{ kind: 'ExternalSecret', name: 'web', uid: 'u-1', controller: true }],
      },
    });
  });

  it.each(['Orphan', 'CreateOrMerge'] as const)('is owned by nobody under %s', (creation) => {
    const plan = planManifest(source, policyOf(creation), { kind: configMap, blueprint: user }, undefined);
    expect(plan).toMatchObject({ action: 'create', marks: { owners: [] } });
  });

  it.each(['Owner', 'Orphan', 'Merge', 'CreateOrMerge'] as const)(
    'that was planned under %s is not written again',
    (creation) => {
      const wanted = { kind: widget, blueprint: blueprint([['spec', 'a', 1, 'b'], true], [['spec', 'n'], 3]) };
      const plan = planManifest(source, policyOf(creation), wanted, undefined);
      expect(planManifest(source, policyOf(creation), wanted, carriedOut(plan))).toEqual({ action: 'none' });
    },
  );

  it('loses what others added under Owner, and keeps their labels', () => {
    const there = present({
      content: { data: { user: 'ada', theirs: 'x' } },
      marks: { labels: { [managedLabel]: 'true', theirs: 'label' } },
    });
    const plan = planManifest(source, policyOf('Owner'), { kind: configMap, blueprint: user }, there);
    expect(plan).toMatchObject({
      action: 'update',
      content: { data: { user: 'ada' } },
      marks: { labels: { theirs: 'label', app: 'web' } },
    });
  });

  it('keeps what others wrote under Merge, and drops what it wrote and wants no more', () => {
    const there = present({
      content: { data: { theirs: 'x', former: 'y' } },
      marks: { labels: {} },
      managedFields: [
        { manager: fieldManagerName('web'), fieldsV1: { 'f:data': { '.': {}, 'f:former': {} } } },
        { manager: 'kubectl', fieldsV1: { 'f:data': { 'f:theirs': {} } } },
      ],
    });
    const plan = planManifest(source, policyOf('Merge'), { kind: configMap, blueprint: user }, there);
    expect(plan).toMatchObject({ action: 'update', content: { data: { theirs: 'x', user: 'ada' } } });
    expect(plan).not.toHaveProperty('content.data.former');
  });

  it('merges a map one level deep, and replaces other values', () => {
    const there = present({ content: { spec: { env: { A: '1', B: { c: 1 } }, n: 1 } } });
    const merged: ManifestBlueprint = {
      ...blueprint([['spec', 'n'], 2]),
      fields: [fieldOf(['spec', 'env'], { B: { d: 2 } }, { isMerge: true }), fieldOf(['spec', 'n'], 2)],
    };
    const plan = planManifest(source, policyOf('Merge'), { kind: widget, blueprint: merged }, there);
    expect(plan).toMatchObject({ content: { spec: { env: { A: '1', B: { d: 2 } }, n: 2 } } });
    expect(plan).not.toHaveProperty('content.spec.env.B.c');
  });

  const owner = (kind: string, name: string) => ({
    apiVersion: kind === 'ExternalSecret' ? 'external-secrets.io/v1' : 'apps/v1',
    kind,
    name,
    uid: 'u-9',
    controller: true,
  });

  it.each<[why: string, creation: TargetPolicy['creation'], marks: There['marks'], words: RegExp]>([
    ['nobody of ours has made', 'Owner', { labels: {} }, /"target" is there already/],
    ['nobody of ours has made', 'Orphan', { labels: {} }, /"target" is there already/],
    [
      'another ExternalSecret owns',
      'Owner',
      { owners: [owner('ExternalSecret', 'other')] },
      /another ExternalSecret: "other"/,
    ],
    [
      'another ExternalSecret owns',
      'Merge',
      { owners: [owner('ExternalSecret', 'other')] },
      /another ExternalSecret: "other"/,
    ],
    ['another controller owns', 'Owner', { owners: [owner('Deployment', 'd')] }, /Deployment "d" controls it/],
  ])('that %s is not written under %s', (_, creation, marks = {}, words) => {
    const plan = () =>
      planManifest(source, policyOf(creation), { kind: configMap, blueprint: user }, present({ content: {}, marks }));
    try {
      plan();
      throw new Error('it planned');
    } catch (thrown) {
      expect(asOperatorError(thrown).reason).toBe('TargetConflict');
      expect(asOperatorError(thrown).message).toMatch(words);
    }
  });

  it('may be laid over an object of nobody under CreateOrMerge', () => {
    const there = present({ content: { data: { theirs: 'x' } }, marks: { labels: {} } });
    const plan = planManifest(source, policyOf('CreateOrMerge'), { kind: configMap, blueprint: user }, there);
    expect(plan).toMatchObject({ content: { data: { theirs: 'x', user: 'ada' } }, marks: { owners: [] } });
  });
});

describe('a closed kind', () => {
  it.each([
    ['v1', 'Secret'],
    ['v1', 'ServiceAccount'],
    ['v1', 'Event'],
    ['external-secrets.io/v1', 'ExternalSecret'],
    ['escapement.dev/v1alpha1', 'Environment'],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding'],
    ['coordination.k8s.io/v1', 'Lease'],
  ])('%s %s is refused', (apiVersion, kind) => {
    expect(() => refuseClosedKind({ apiVersion, kind })).toThrow(/spec\.target\.manifest/);
  });

  it.each([
    ['v1', 'ConfigMap'],
    ['apps/v1', 'Deployment'],
    ['example.com/v1', 'Secret'],
  ])('%s %s is none', (apiVersion, kind) => {
    expect(() => refuseClosedKind({ apiVersion, kind })).not.toThrow();
  });
});
