import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bounds, Budget } from './budget.ts';

const tooMuch = expect.objectContaining({ reason: 'TooMuchWork' });
const bounds: Bounds = { work: 100, held: 50, produced: 20 };

describe('a budget', () => {
  it.each([
    ['work', (budget: Budget) => budget.spend(101), /100 steps/],
    ['bytes held', (budget: Budget) => budget.hold(51), /50 bytes at once/],
    ['bytes produced', (budget: Budget) => budget.produce(21), /20 bytes of text/],
  ])('ends with its bound named when there is too much %s', (_, spend, message) => {
    const budget = new Budget(bounds);
    expect(() => spend(budget)).toThrow(tooMuch);
    expect(() => spend(new Budget(bounds))).toThrow(message);
    expect(budget.isOver).toBe(true);
  });

  it('may be used up to its bounds, and hold again what was let go', () => {
    const budget = new Budget(bounds);
    budget.spend(100);
    budget.produce(20);
    for (let round = 0; round < 10; round++) {
      budget.hold(50);
      budget.letGo(50);
    }
    expect(budget.isOver).toBe(false);
    expect(budget.left).toEqual({ work: 0, held: 50, produced: 0 });
  });

  it('gives parts that are never larger than what is left, and names the whole when one runs over', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(200), (spent, share) => {
        const budget = new Budget(bounds);
        budget.spend(spent);
        const part = budget.part({ work: share, held: 1, produced: 1 });
        expect(part.left.work).toBe(Math.min(share, 100 - spent));
        expect(() => part.spend(part.left.work + 1)).toThrow(/100 steps/);
      }),
    );
  });

  it('takes over what a part spent', () => {
    const budget = new Budget(bounds);
    const part = budget.part(bounds);
    part.spend(60);
    budget.charge(part.spent);
    expect(budget.left.work).toBe(40);
    expect(() => budget.charge(part.spent)).toThrow(tooMuch);
  });
});
