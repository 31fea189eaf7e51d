import { expect, it } from 'vitest';
import { addBounded } from './bounded-set.ts';

it('forgets the oldest first, and counts what is added again once', () => {
  const set = new Set<string>();
  for (const item of ['a', 'b', 'b', 'c', 'd']) addBounded(set, item, 3);
  expect([...set]).toEqual(['b', 'c', 'd']);
});
