import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { MemoryAccount } from './memory-account.ts';

function setUp(mostBytes = 1_000) {
  const clock = new FakeClock();
  const account = new MemoryAccount({ clock, mostBytes });
  const evicted: string[] = [];
  const keep = (name: string, bytes: number) => account.keep(bytes, () => evicted.push(name));
  return { clock, account, evicted, keep };
}

it('lets a single answer be an eighth', () => {
  expect(setUp(1_000).account.answerMostBytes).toBe(125);
});

it('evicts nothing as long as there is room', () => {
  const { evicted, keep, account } = setUp();
  keep('a', 500);
  keep('b', 500);
  expect([evicted, account.heldBytes]).toEqual([[], 1_000]);
});

it('evicts the large before the small of the same age', () => {
  const { evicted, keep } = setUp();
  for (const [name, bytes] of Object.entries({ small: 100, large: 500, middle: 300, more: 200 })) keep(name, bytes);
  expect(evicted).toEqual(['large']);
});

it('evicts the long unused before the fresh of the same size', async () => {
  const { clock, evicted, keep } = setUp();
  const old = keep('old', 300);
  keep('unused', 300);
  await clock.advance(60_000);
  old.use();
  keep('new', 300);
  keep('newer', 200);
  expect(evicted).toEqual(['unused']);
});

it('evicts what is kept for what is received, and refuses only what is received beyond the bound', () => {
  const { account, evicted, keep } = setUp();
  keep('a', 400);
  expect(account.fly(900)).toBe(true);
  expect(evicted).toEqual(['a']);
  expect(account.fly(101)).toBe(false);
  expect(account.fly(100)).toBe(true);
  account.fly(-1_000);
  expect(account.heldBytes).toBe(0);
});

it('never holds more than the bound, and counts right whatever happens', async () => {
  const step = fc.record({ what: fc.constantFrom('keep', 'drop', 'use'), bytes: fc.integer({ min: 0, max: 400 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { clock, account } = setUp();
      const living = new Map<number, { bytes: number; keeping: ReturnType<MemoryAccount['keep']> }>();
      for (const [id, { what, bytes }] of steps.entries()) {
        await clock.advance(bytes);
        const [first] = living.keys();
        if (what === 'keep') {
          // A place first: what is kept may be evicted at once.
          living.set(id, { bytes, keeping: { use: () => {}, drop: () => {} } });
          const keeping = account.keep(bytes, () => living.delete(id));
          if (living.has(id)) living.set(id, { bytes, keeping });
        } else if (first !== undefined) {
          living.get(first)?.keeping[what as 'drop' | 'use']();
          if (what === 'drop') living.delete(first);
        }
        const sum = [...living.values()].reduce((total, { bytes: held }) => total + held, 0);
        expect(account.heldBytes).toBe(sum);
        expect(sum).toBeLessThanOrEqual(1_000);
      }
    }),
  );
});
