import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { asOperatorError } from '../base/operator-error.ts';
import { openRunNotes } from './run-notes.ts';

const web = { key: 'ExternalSecret/shop/web', generation: 1 };
const other = { key: 'ExternalSecret/shop/other', generation: 1 };

function setUp() {
  const directory = join(mkdtempSync(join(tmpdir(), 'escapement-')), 'state');
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new FakeClock();
  const troubles: unknown[] = [];
  const deaths: { readonly running: readonly string[]; readonly waiting: readonly string[] }[] = [];
  const path = join(directory, 'running.json');
  return {
    directory,
    path,
    clock,
    troubles,
    deaths,
    written: () => statSync(path, { bigint: true }).mtimeNs,
    start: () =>
      openRunNotes(directory, {
        clock,
        onDeath: (what) => deaths.push(what),
        onTrouble: (thrown) => troubles.push(thrown),
      }),
  };
}

type Notes = ReturnType<typeof openRunNotes>;

/** A run that a thread works for when the process dies, which is when nothing more is called. */
function dieIn(notes: Notes, object: typeof web): void {
  notes.begin(object).heavy();
}

function reasonOf(begin: () => unknown): string {
  try {
    begin();
    return 'begun';
  } catch (thrown) {
    return asOperatorError(thrown).reason;
  }
}

it('lets an object wait that a thread worked for at two deaths, and no other', () => {
  const { start } = setUp();
  const first = start();
  first.begin(other).heavy()();
  dieIn(first, web);
  dieIn(start(), web);
  const third = start();
  expect(reasonOf(() => third.begin(web))).toBe('Quarantined');
  expect(reasonOf(() => third.begin(other))).toBe('begun');
});

it('writes nothing for a run that needs no thread, and blames it for nothing', () => {
  const { start, written, deaths } = setUp();
  for (let death = 0; death < 3; death++) {
    const notes = start();
    const before = written();
    const run = notes.begin(web);
    run.works();
    run.end();
    notes.begin(other).works();
    expect(written()).toBe(before);
  }
  expect(deaths).toEqual([]);
});

it('blames an object that ran at a death for the next one already when work of its run has begun', () => {
  const { start } = setUp();
  dieIn(start(), web);
  start().begin(web).works();
  expect(reasonOf(() => start().begin(web))).toBe('Quarantined');
});

it('blames it for nothing while its run waits for what others work on', () => {
  const { start } = setUp();
  dieIn(start(), web);
  const second = start();
  second.begin(web);
  dieIn(second, other);
  expect(reasonOf(() => start().begin(web))).toBe('begun');
});

it('notes all work of a run of an object that kept a thread busy for long the last time', async () => {
  const { start, clock, deaths } = setUp();
  const first = start();
  for (const [object, tookMs] of [
    [web, 1_000],
    [other, 900],
  ] as const) {
    const run = first.begin(object);
    const end = run.heavy();
    await clock.advance(tookMs);
    end();
    run.end();
  }
  first.begin(web).works();
  first.begin(other).works();
  start();
  expect(deaths.map(({ running }) => running)).toEqual([[web.key]]);
});

it('tells what ran when the last process died and who waits, and nothing of one that ended well', () => {
  const { start, deaths } = setUp();
  const first = start();
  dieIn(first, web);
  dieIn(first, other);
  expect(deaths).toEqual([]);
  dieIn(start(), web);
  expect(deaths).toEqual([{ running: [web.key, other.key], waiting: [] }]);
  const third = start();
  expect(deaths.at(-1)).toEqual({ running: [web.key], waiting: [web.key] });
  dieIn(third, other);
  third.close();
  start();
  expect(deaths.at(-1)).toEqual({ running: [], waiting: [web.key] });
});

it('lets it run again after a change of its spec, or an hour', async () => {
  const { start, clock } = setUp();
  dieIn(start(), web);
  dieIn(start(), web);
  const third = start();
  expect(reasonOf(() => third.begin({ ...web, generation: 2 }))).toBe('begun');
  await clock.advance(3_600_000);
  expect(reasonOf(() => third.begin(web))).toBe('begun');
});

it('holds nothing against an object whose thread had ended', async () => {
  const { start, clock } = setUp();
  for (let death = 0; death < 3; death++) {
    start().begin(web).heavy()();
    await clock.advance(1_000);
  }
  expect(reasonOf(() => start().begin(web))).toBe('begun');
});

it('holds nothing against what was running when the process ended in good order', () => {
  const { start } = setUp();
  for (let end = 0; end < 3; end++) {
    const notes = start();
    dieIn(notes, web);
    notes.close();
  }
  expect(reasonOf(() => start().begin(web))).toBe('begun');
});

it('lets work go on when it cannot be noted, and says so', () => {
  const { directory, start, troubles } = setUp();
  const notes = start();
  rmSync(directory, { recursive: true });
  expect(reasonOf(() => dieIn(notes, web))).toBe('begun');
  expect(troubles).toHaveLength(1);
});

it('begins anew with a file that is none, and leaves one file', () => {
  const { directory, path, start } = setUp();
  start();
  writeFileSync(path, '{"running":[{"key');
  expect(reasonOf(() => dieIn(start(), web))).toBe('begun');
  expect(readdirSync(directory)).toEqual(['running.json']);
});
