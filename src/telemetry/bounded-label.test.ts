import { describe, expect, it } from 'vitest';
import { BoundedLabel } from './bounded-label.ts';

function setUp() {
  let nowMs = 0;
  const dropped: string[] = [];
  const label = new BoundedLabel({
    most: 2,
    idleMs: 1_000,
    monotonicMs: () => nowMs,
    onDropped: (value) => dropped.push(value),
  });
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { label, dropped, wait };
}

describe('BoundedLabel', () => {
  it('gives the first values their own names, and those beyond the bound one name', () => {
    const { label, dropped } = setUp();
    expect(['a', 'b', 'c', 'd', 'a', 'b'].map((value) => label.of(value))).toEqual([
      'a',
      'b',
      'other',
      'other',
      'a',
      'b',
    ]);
    expect(dropped).toEqual([]);
  });

  it('gives the place of a value that went unused to a new one, and says whose series are to go', () => {
    const { label, dropped, wait } = setUp();
    label.of('a');
    label.of('b');
    wait(999);
    label.of('a');
    expect(label.of('c')).toBe('other');
    wait(1);
    expect(label.of('c')).toBe('c');
    expect(dropped).toEqual(['b']);
    expect(label.of('b')).toBe('other');
  });
});
