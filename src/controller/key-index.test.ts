import { describe, expect, it } from 'vitest';
import { KeyIndex } from './key-index.ts';

describe('KeyIndex', () => {
  it('gives every key of a place, each once', () => {
    const index = new KeyIndex();
    for (const key of ['a', 'b', 'b', 'a', 'c']) index.add('place', key);
    index.add('elsewhere', 'd');
    expect([...index.at('place')].sort()).toEqual(['a', 'b', 'c']);
    expect([...index.at('nowhere')]).toEqual([]);
  });

  it('forgets a key at the place that it is removed from, and there only', () => {
    const index = new KeyIndex();
    for (const [place, key] of [
      ['one', 'a'],
      ['two', 'a'],
      ['two', 'b'],
      ['two', 'c'],
    ] as const)
      index.add(place, key);
    index.remove('one', 'b');
    expect([...index.at('one')]).toEqual(['a']);
    index.remove('one', 'a');
    index.remove('two', 'a');
    index.remove('two', 'b');
    expect([...index.at('one')]).toEqual([]);
    expect([...index.at('two')]).toEqual(['c']);
    index.remove('two', 'c');
    expect([...index.at('two')]).toEqual([]);
  });
});
