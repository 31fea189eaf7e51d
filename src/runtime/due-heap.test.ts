import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Due, DueHeap } from './due-heap.ts';

describe('DueHeap', () => {
  it('hands items out in order of their due time, whatever was removed from the middle', () => {
    const step = fc.record({ dueMs: fc.integer({ min: 0, max: 50 }), removed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const heap = new DueHeap<Due>();
        const items = steps.map(({ dueMs }) => ({ dueMs, position: -1 }));
        for (const item of items) heap.push(item);
        const kept = items.filter((item, i) => {
          if (steps[i]?.removed) heap.remove(item);
          return !steps[i]?.removed;
        });
        const out: number[] = [];
        for (let item = heap.first(); item !== undefined; item = heap.first()) {
          out.push(item.dueMs);
          heap.remove(item);
        }
        expect(out).toEqual(kept.map((item) => item.dueMs).sort((a, b) => a - b));
      }),
    );
  });

  it('leaves alone what is not inside', () => {
    const heap = new DueHeap<Due>();
    const inside = { dueMs: 1, position: -1 };
    heap.push(inside);
    heap.remove({ dueMs: 1, position: -1 });
    expect(heap.first()).toBe(inside);
  });
});
