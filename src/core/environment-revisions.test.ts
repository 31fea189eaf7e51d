import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planRevisions, revisionDigest, revisionName, revisionNumber } from './environment-revisions.ts';

const defaults = { digest: 'd', lastNumber: 0, limit: 10, tags: undefined };
const known = (...numbers: number[]) => numbers.map((number) => ({ number, digest: `digest of ${number}` }));

describe('planRevisions', () => {
  it('begins with 1', () => {
    expect(planRevisions([], defaults)).toEqual({ current: 1, isNew: true, surplus: [] });
  });

  it('makes none for what the newest holds', () => {
    const plan = planRevisions([...known(1), { number: 2, digest: 'd' }], defaults);
    expect(plan).toEqual({ current: 2, isNew: false, surplus: [] });
  });

  it('makes a new one when an older document comes back, so that a number never means two things in turn', () => {
    const plan = planRevisions([{ number: 1, digest: 'd' }, ...known(2)], defaults);
    expect(plan).toEqual({ current: 3, isNew: true, surplus: [] });
  });

  it('uses no number twice, although the newest revisions were deleted', () => {
    expect(planRevisions(known(1), { ...defaults, lastNumber: 7 })).toMatchObject({ current: 8, isNew: true });
  });

  it('lets the oldest go, except those with a tag', () => {
    const plan = planRevisions(known(1, 2, 3, 4, 5), { ...defaults, limit: 3, tags: { stable: 2 } });
    expect(plan).toEqual({ current: 6, isNew: true, surplus: [1, 3] });
  });

  it('keeps the present one and no more than the limit and the tags, whatever is there', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 12 }),
        fc.dictionary(fc.string(), fc.integer({ min: 1, max: 40 }), { maxKeys: 3 }),
        (numbers, limit, tags) => {
          const { current, isNew, surplus } = planRevisions(known(...numbers), { ...defaults, limit, tags });
          const left = new Set([...numbers.filter((number) => !surplus.includes(number)), ...(isNew ? [current] : [])]);
          const tagged = new Set(Object.values(tags));
          expect(left.has(current)).toBe(true);
          expect([...left].filter((number) => !tagged.has(number)).length).toBeLessThanOrEqual(limit);
          expect([...tagged].filter((number) => numbers.includes(number) && !left.has(number))).toEqual([]);
        },
      ),
    );
  });
});

describe('revisionDigest', () => {
  it('does not tell the order of keys, nor fields that are no part of the document', () => {
    const digest = revisionDigest({ values: { a: 1, b: [{ c: 2, d: 3 }] } });
    const spec = { values: { b: [{ d: 3, c: 2 }], a: 1 }, tags: { stable: 1 } };
    expect(revisionDigest(spec)).toBe(digest);
    expect(revisionDigest({ values: { a: 1, b: [{ c: 2, d: 4 }] } })).not.toBe(digest);
    expect(revisionDigest({ imports: [], values: { a: 1, b: [{ c: 2, d: 3 }] } })).not.toBe(digest);
  });
});

describe('names', () => {
  it('are names of objects, however long that of the Environment is, and differ from life to life', () => {
    const name = `${'a'.repeat(199)}.${'b'.repeat(53)}`;
    const made = revisionName({ name, uid: 'u1' }, 123_456);
    expect(made).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(made.length).toBeLessThan(253);
    expect(revisionName({ name, uid: 'u2' }, 123_456)).not.toBe(made);
  });

  it.each([
    ['3', 3],
    ['stable', 2],
    ['0', undefined],
    ['03', undefined],
    ['toString', undefined],
    ['999999999999', undefined],
  ])('the version %j means %j', (version, number) => {
    expect(revisionNumber(version, { stable: 2 })).toBe(number);
  });
});
