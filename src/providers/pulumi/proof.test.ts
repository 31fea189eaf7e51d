import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/oracle/random.ts';
import type { Evaluation, RevisionOptions } from '../../../test/support/pulumi-double/environments.ts';
import type { Plain } from '../../../test/support/pulumi-double/values.ts';
import { bench, map, read, signal, value } from './provider.fixture.ts';

const environment = 'acme/shop/prod';

describe('a refresh of an environment whose definition proves that nothing changed', () => {
  it('opens nothing, and asks the definition once for all who are due', async () => {
    const { connect, double } = await bench();
    double.environments.set(environment, { a: 'one' });
    const readers = await Promise.all(Array.from({ length: 10 }, (_, i) => connect({}, `store-${i}`)));
    for (let i = 0; i < 5; i++) {
      const due = { notBeforeMs: performance.now() };
      await Promise.all(readers.map((reader) => reader.read([value('a')], due, signal)));
    }
    expect(double.counts).toMatchObject({ open: 1, read: 1, definition: 5 });
  });

  it('sees an edit at once, and one that brings an old text back', async () => {
    const { connect, double } = await bench();
    const reader = await connect();
    const texts = ['one', 'two', 'one', 'one'];
    for (const a of texts) {
      double.environments.set(environment, { a });
      expect(await read(reader, value('a'))).toEqual([{ a }]);
    }
    expect(double.counts.open).toBe(texts.length);
  });

  it('needs no validator of the service: the text of the definition is one', async () => {
    const { connect, double } = await bench();
    double.environments.set(environment, { a: 'one' });
    double.fail('definition', { status: 200, body: 'values: {a: one}' }, 3);
    const reader = await connect();
    for (let i = 0; i < 3; i++) await read(reader, value('a'));
    expect(double.counts).toMatchObject({ open: 1, definition: 3 });
  });

  it('holds for each revision by itself', async () => {
    const { connect, double } = await bench();
    for (const n of [1, 2]) double.environments.set(environment, { n });
    const reader = await connect();
    const requests = [value('n', { version: '1' }), value('n')];
    for (let i = 0; i < 3; i++) expect(await read(reader, ...requests)).toEqual([{ n: '1' }, { n: '2' }]);
    expect(double.counts).toMatchObject({ open: 2, definition: 6 });
  });

  it('opens anew after half a day: the right to open may be gone', async () => {
    const made = await bench();
    made.double.environments.set(environment, { a: 'one' });
    const reader = await made.connect();
    for (const hours of [0, 11, 13]) {
      made.aheadMs = hours * 3_600_000;
      await reader.read([value('a')], { notBeforeMs: performance.now() + made.aheadMs }, signal);
    }
    expect(made.double.counts.open).toBe(2);
  });

  it('follows pinned imports, which it asks as well', async () => {
    const { connect, double } = await bench();
    double.environments.set('acme/shop/base', { b: 1 });
    double.environments.set('acme/shop/deep', { b: 1 }, { imports: ['shop/base@1'] });
    double.environments.set(environment, { b: 1 }, { imports: ['shop/deep@1'] });
    const reader = await connect();
    for (let i = 0; i < 3; i++) await read(reader, value('b'));
    expect(double.counts).toMatchObject({ open: 1, read: 1, definition: 9 });
  });
});

describe('a refresh opens', () => {
  const countsOf = async (evaluation: Evaluation, options: RevisionOptions) => {
    const { connect, double } = await bench();
    double.environments.set('acme/shop/base', () => ({ b: 1 }));
    double.environments.set('acme/shop/base', { b: 1 });
    double.environments.set(environment, evaluation, options);
    const reader = await connect();
    for (let i = 0; i < 3; i++) await read(reader, value('a'));
    return double.counts;
  };

  it.each([
    ['what is evaluated at each open', () => ({ a: 1 }), {}, 1],
    ['an import at its latest', { a: 1 }, { imports: ['shop/base'] }, 1],
    ['an import at a tag', { a: 1 }, { imports: ['shop/base@stable'] }, 1],
    ['a pinned import that is evaluated at each open', { a: 1 }, { imports: ['shop/base@1'] }, 2],
    ['an import that it may not see', { a: 1 }, { imports: ['shop/gone@1'] }, 2],
  ] as const)(
    'each time for %s, and does not ask again what it knows to prove nothing',
    async (_what, evaluation, options, looks) => {
      expect(await countsOf(evaluation, options)).toMatchObject({ open: 3, read: 3, definition: looks });
    },
  );

  it('each time for a tag, which may be moved', async () => {
    const { connect, double } = await bench();
    for (const n of [1, 2]) double.environments.set(environment, { n });
    const reader = await connect();
    for (const n of [1, 2]) {
      double.environments.tag(environment, 'stable', n);
      expect(await read(reader, value('n', { version: 'stable' }))).toEqual([{ n: String(n) }]);
    }
    expect(double.counts).toMatchObject({ open: 2, definition: 0 });
  });

  it('each time where definitions may not be read', async () => {
    const { connect, double } = await bench();
    double.environments.set(environment, { a: 'one' });
    double.fail('definition', { status: 403, body: '{"code":403,"message":"Forbidden"}' }, 9);
    const reader = await connect();
    for (let i = 0; i < 3; i++) expect(await read(reader, value('a'))).toEqual([{ a: 'one' }]);
    expect(double.counts).toMatchObject({ open: 3, read: 3, definition: 1 });
  });

  it('again once a definition that proved nothing has become plain, when that is seen', async () => {
    const made = await bench();
    const { double } = made;
    double.environments.set(environment, () => ({ a: 'one' }));
    const reader = await made.connect();
    await read(reader, value('a'));
    double.environments.set(environment, { a: 'two' });
    await reader.validate({ notBeforeMs: performance.now() }, signal);
    for (let i = 0; i < 3; i++) expect(await read(reader, value('a'))).toEqual([{ a: 'two' }]);
    expect(double.counts.open).toBe(2);
  });
});

describe('a thousand refreshes against credentials that rotate at random', () => {
  it('never mix two generations, and are never older than they were asked to be', async () => {
    const { connect, double } = await bench();
    const { chance } = seededRandom(7);
    const triple = (n: number): Record<string, Plain> => ({
      id: `id-${n}`,
      key: `key-${n}`,
      session: { token: `token-${n}` },
    });
    const requests = [value('id'), value('key'), value('session.token'), map('session')];
    let mixed = 0;
    let stale = 0;
    let generations = 0;
    const line = async (i: number) => {
      const name = `acme/shop/env-${i}`;
      let generation = 0;
      const rotate = () => {
        generation++;
        generations++;
        // Half of them are stored, as a rotator does; half are minted by the open, each time another.
        double.environments.set(name, i % 2 === 0 ? triple(generation) : () => triple(++generation));
      };
      rotate();
      const reader = await connect({ environment: `env-${i}` }, `store-${i}`);
      for (let refresh = 0; refresh < 25; refresh++) {
        const before = generation;
        const reading = read(reader, ...requests);
        if (chance(0.3)) rotate();
        const answers = await reading;
        if (chance(0.3)) rotate();
        const seen = new Set(
          answers.flatMap((one) => Object.values(one)).map((text) => Number(text.replace(/^[a-z]+-/, ''))),
        );
        if (seen.size !== 1) mixed++;
        if ([...seen].some((number) => number < before)) stale++;
      }
    };
    await Promise.all(Array.from({ length: 40 }, (_, i) => line(i)));
    expect({ mixed, stale }).toEqual({ mixed: 0, stale: 0 });
    expect(generations).toBeGreaterThan(400);
  }, 120_000);
});
