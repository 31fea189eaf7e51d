import { describe, expect, it } from 'vitest';
import { isSameButStatus } from './same-spec.ts';
import type { ObjectMeta } from './types.ts';

const base: ObjectMeta = {
  name: 'a',
  uid: 'u',
  generation: 2,
  resourceVersion: '1',
  labels: { a: 'b' },
  annotations: {},
};
const of = (change: Partial<ObjectMeta>) => ({ metadata: { ...base, ...change } });

describe('isSameButStatus', () => {
  it('holds for another version of the same generation', () => {
    expect(isSameButStatus(of({}), of({ resourceVersion: '2' }))).toBe(true);
  });

  it.each<Partial<ObjectMeta>>([
    { generation: 3 },
    { uid: 'v' },
    { labels: { a: 'c' } },
    { annotations: { a: 'b' } },
    { deletionTimestamp: '2030-01-01T00:00:00Z' },
  ])('does not hold with %j', (change) => {
    expect(isSameButStatus(of({}), of(change))).toBe(false);
  });

  it('never holds for kinds without a generation, nor for what comes or goes', () => {
    const { generation: _, ...metadata } = base;
    expect(isSameButStatus({ metadata }, { metadata: { ...metadata, resourceVersion: '2' } })).toBe(false);
    expect(isSameButStatus(undefined, of({}))).toBe(false);
    expect(isSameButStatus(of({}), undefined)).toBe(false);
  });
});
