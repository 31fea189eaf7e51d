import { afterAll, describe, expect, it } from 'vitest';
import { watched } from '../../test/support/thread-time.ts';
import { Budget, inlineShare, reconcileBounds } from '../core/budget.ts';
import { SecretValue } from '../core/secret-value.ts';
import { planReads } from '../core/selection.ts';
import { type ExternalSecretSpec, parseExternalSecret } from '../crds/external-secret.ts';
import { createDesk, type DeskRooms } from './desk.ts';
import { heavyRooms } from './heavy-rooms.fixture.ts';

const rooms = heavyRooms({ deadlineMs: 15_000 });
const { heavy } = rooms;
afterAll(() => heavy.close());

const never = new AbortController().signal;
const desk = (budget?: Budget) => createDesk('shop', rooms, never, budget);
const tooMuch = expect.objectContaining({ reason: 'TooMuchWork' });

function specOf(spec: object): ExternalSecretSpec {
  const whole = { secretStoreRef: { name: 'main' }, ...spec };
  const parsed = parseExternalSecret({ metadata: { name: 'web', namespace: 'shop' }, spec: whole });
  if (parsed.ok === undefined) throw new Error(parsed.issues.join());
  return parsed.ok.spec;
}

describe('the desk of a reconcile', () => {
  it('does small work without a thread', async () => {
    expect(await desk().run('property', { text: '{"a":{"b":1.50}}', path: 'a.b' })).toMatchObject({ raw: '1.50' });
    expect(heavy.threadCount).toBe(0);
  });

  it('does large work in a thread, and gives the same answer', async () => {
    const items = Array.from({ length: 30_000 }, (_, at) => ({ name: `n${at}`, on: at % 2 === 0 }));
    const text = JSON.stringify({ items });
    const found = await desk().run('property', { text, path: 'items.#(on==true)#.name|@reverse|@pretty|@ugly|#' });
    expect(found).toMatchObject({ kind: 'number', raw: '15000' });
    expect(heavy.threadCount).toBe(1);
  });

  it('gives what is surely large to a thread at once', async () => {
    let asked = 0;
    const counting: DeskRooms['heavy'] = {
      run(...job) {
        asked++;
        return heavy.run(...job);
      },
    };
    const spec = specOf({ dataFrom: [{ find: {} }] });
    for (const [count, expected] of [
      [3_900, 0],
      [4_100, 1],
    ] as const) {
      const values = new Map(Array.from({ length: count }, (_, at) => [`K${at}`, new SecretValue(`v${at}`)]));
      const shared = createDesk('shop', { ...rooms, heavy: counting }, never);
      const { data } = await shared.run('combine', { spec, answers: [{ values }] });
      expect([data.size, asked]).toEqual([count, expected]);
    }
  });

  it('brings values through a thread byte by byte, with what was lost on the way', async () => {
    const spec = specOf({ dataFrom: [{ find: {}, rewrite: [{ regexp: { source: '^(a|b)', target: 'x' } }] }] });
    const bytes = Buffer.from([0, 255, 128, 13, 10]);
    const values = new Map([
      ['a1', new SecretValue('one')],
      ['b1', new SecretValue(bytes)],
      ['long', new SecretValue('é'.repeat(1_500_000))],
    ]);
    const { data, collisions } = await desk().run('combine', { spec, answers: [{ values }] });
    expect(data.get('x1')?.reveal()).toEqual(bytes);
    expect(data.get('long')?.text()).toBe('é'.repeat(1_500_000));
    expect(collisions).toEqual([
      { at: 'spec.dataFrom[0].find', step: 'rewrite[0]', key: 'x1', winner: 'b1', losers: ['a1'] },
    ]);
  });

  it('says of an error in a thread what it says of one here', async () => {
    const text = `{"a":"${'x'.repeat(3_000_000)}",`;
    await expect(desk().run('members', { text })).rejects.toEqual(expect.objectContaining({ reason: 'InvalidValue' }));
  });

  it('ends with TooMuchWork when the budget of the reconcile is used up, by however many jobs', async () => {
    const budget = new Budget({ ...reconcileBounds, work: 3 * inlineShare.work });
    const text = JSON.stringify(Array.from({ length: 40_000 }, (_, at) => at));
    const shared = desk(budget);
    const run = async () => {
      for (let at = 0; at < 100; at++) await shared.run('property', { text, path: `#(>${at})#|#` });
    };
    await expect(run()).rejects.toEqual(tooMuch);
  });

  it('knows identical searches, and finishes them once', async () => {
    const find = { find: { name: { regexp: 'K' } }, rewrite: [{ regexp: { source: 'K', target: 'L' } }] };
    const spec = specOf({ dataFrom: Array.from({ length: 1_000 }, () => find) });
    const values = new Map(Array.from({ length: 5_000 }, (_, at) => [`K${at}`, new SecretValue(`v${at}`)]));
    const answer = { values };
    const budget = new Budget();
    const reads = planReads(spec);
    const { data } = await desk(budget).run('combine', { spec, reads, answers: reads.map(() => answer) });
    expect(data.size).toBe(5_000);
    expect(budget.spent.work).toBeLessThan(reconcileBounds.work / 2);
  });

  const value = JSON.stringify(Array.from({ length: 40_000 }, (_, at) => ({ n: at, s: 'x' })));
  it.each<[string, () => Promise<unknown>]>([
    [
      'sixty layouts of a large value',
      async () => {
        const one = desk();
        for (let at = 0; at < 60; at++) {
          await one.run('property', { text: value, path: `${'@pretty|'.repeat(40)}@ugly|${at}.a` });
        }
      },
    ],
    [
      'rewrites that double keys',
      async () => {
        const rewrite = Array.from({ length: 30 }, () => ({ regexp: { source: '.+', target: '$0$0' } }));
        const values = new Map(Array.from({ length: 5_000 }, (_, at) => [`K${at}`, new SecretValue('v')]));
        await desk().run('combine', { spec: specOf({ dataFrom: [{ find: {}, rewrite }] }), answers: [{ values }] });
      },
    ],
    [
      'searches whose programs are large',
      async () => {
        const keys = Array.from({ length: 5_000 }, (_, at) => `${'a'.repeat(100)}${at}`);
        const one = desk();
        for (let at = 1; at <= 4; at++) await one.run('search', { pattern: `(a?){50${at}}(a|b){50${at}}c`, keys });
      },
    ],
    [
      'many small jobs at once',
      async () => {
        const one = desk();
        const text = JSON.stringify(Array.from({ length: 20_000 }, (_, at) => at));
        await Promise.all(Array.from({ length: 200 }, (_, at) => one.run('property', { text, path: `#(>${at})#|#` })));
      },
    ],
  ])(
    'leaves the loop free during %s',
    async (_, run) => {
      await desk().run('property', { text: value, path: '@pretty|@ugly' }); // the thread is there, the code is warm
      const { longestMs } = await watched(run);
      expect(longestMs).toBeLessThan(150); // 50 ms on a machine of its own
    },
    60_000,
  );
});
