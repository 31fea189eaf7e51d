// Answers as large as they may be: read in turns of the loop, and what is made of them is paid for.
import { describe, expect, it } from 'vitest';
import { Stopwatch } from '../../../test/support/thread-time.ts';
import { Budget, inlineShare } from '../../core/budget.ts';
import { inlineDesk } from '../../core/jobs.ts';
import { valueOfAnswer } from './evaluated.ts';
import { parseEnvironment } from './plain-values.ts';
import { planSearch, select } from './select.ts';

const leaf = (value: unknown) => ({ value });
const listOf = (count: number) => leaf(Array.from({ length: count }, (_, at) => leaf(`v${at}`)));
const wide = { properties: { list: listOf(100_000), small: leaf({ a: leaf('x'), b: leaf(null) }) } };

const means = () => ({ budget: new Budget(inlineShare), desk: inlineDesk() });

describe('a large answer', () => {
  it.each([
    ['a store', parseEnvironment],
    ['an Environment', valueOfAnswer],
  ])('is read in turns for %s', async (_, read) => {
    const stopwatch = new Stopwatch();
    await read(wide, stopwatch.turn);
    const { longestMs, slices } = stopwatch;
    expect(slices.length).toBe(24);
    expect(longestMs).toBeLessThan(50);
  });

  it('keeps its order and its shapes', async () => {
    const root = await parseEnvironment({
      properties: { b: leaf([leaf(true), { unknown: true }]), a: leaf({}), text: leaf('x') },
    });
    expect(root.kind === 'object' && [...root.members.keys()]).toEqual(['b', 'a', 'text']);
    expect(root).toMatchObject({ kind: 'object' });
  });

  it('is refused where it nests too deep', async () => {
    let properties: object = { a: leaf('x') };
    for (let depth = 0; depth < 250; depth++) properties = { a: leaf(properties) };
    await expect(parseEnvironment({ properties })).rejects.toMatchObject({ reason: 'AnswerTooLarge' });
  });

  it('is no text that takes long to write', async () => {
    const root = await parseEnvironment(wide);
    await expect(select(root, { kind: 'value', key: 'list' }, means())).rejects.toMatchObject({
      reason: 'TooMuchWork',
    });
    await expect(select(root, { kind: 'value', key: 'list[*]' }, means())).rejects.toMatchObject({
      reason: 'TooMuchWork',
    });
    const small = await select(root, { kind: 'value', key: 'small' }, means());
    expect(small.get('small')?.text()).toBe('{"a":"x","b":null}');
  });

  it('is searched by the desk', async () => {
    const members = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`K${at}`, leaf('x')]));
    const root = await parseEnvironment({ properties: members });
    const found = await planSearch({ kind: 'find', nameRegexp: '^K1.$' })(root, means());
    expect(found.size).toBe(10);
  });
});
