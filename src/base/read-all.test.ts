import { describe, expect, it } from 'vitest';
import { readAll } from './read-all.ts';

describe('readAll', () => {
  const settling = (turns: number, outcome: () => string) =>
    (async () => {
      for (let i = 0; i < turns; i++) await Promise.resolve();
      return outcome();
    })();
  const failing = (text: string) => () => {
    throw new Error(text);
  };

  it('gives the values in order', async () => {
    expect(await readAll([settling(3, () => 'a'), settling(1, () => 'b')])).toEqual(['a', 'b']);
  });

  it('throws the first failure in order, whichever comes first', async () => {
    for (const [one, other] of [
      [1, 5],
      [5, 1],
    ] as const) {
      await expect(readAll([settling(one, failing('first')), settling(other, failing('second'))])).rejects.toThrow(
        'first',
      );
    }
  });
});
