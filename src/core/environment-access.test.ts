import { describe, expect, it } from 'vitest';
import { mayUseEnvironment, sharesByLabel } from './environment-access.ts';

const labels = { team: 'shop' };

describe('mayUseEnvironment', () => {
  it.each([
    {
      why: 'its own namespace always may',
      shared: undefined,
      consumer: { name: 'owner', labels: undefined },
      may: true,
    },
    { why: 'nobody else without a share', shared: undefined, consumer: { name: 'b', labels }, may: false },
    { why: 'an empty share opens to nobody', shared: {}, consumer: { name: 'b', labels }, may: false },
    {
      why: 'a namespace by name',
      shared: { namespaces: ['a', 'b'] },
      consumer: { name: 'b', labels: undefined },
      may: true,
    },
    { why: 'no other name', shared: { namespaces: ['a', 'bb'] }, consumer: { name: 'b', labels }, may: false },
    {
      why: 'a namespace by label',
      shared: { namespaceSelector: { matchLabels: { team: 'shop' } } },
      consumer: { name: 'b', labels },
      may: true,
    },
    {
      why: 'labels that are not known yet match nothing',
      shared: { namespaceSelector: {} },
      consumer: { name: 'b', labels: undefined },
      may: false,
    },
    {
      why: 'an empty selector matches all',
      shared: { namespaceSelector: {} },
      consumer: { name: 'b', labels },
      may: true,
    },
  ])('$why', ({ shared, consumer, may }) => {
    expect(mayUseEnvironment(shared, 'owner', consumer)).toBe(may);
  });

  it('refuses a selector that it does not understand instead of opening', () => {
    const shared = { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'Is', values: ['shop'] }] } };
    expect(() => mayUseEnvironment(shared, 'owner', { name: 'b', labels })).toThrow(/sharedWith.*"Is"/);
  });

  it('looks at labels only where a selector stands', () => {
    expect([undefined, { namespaces: ['a'] }, { namespaceSelector: {} }].map(sharesByLabel)).toEqual([
      false,
      false,
      true,
    ]);
  });
});
