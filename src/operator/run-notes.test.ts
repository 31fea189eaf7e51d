import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
  const deaths: (readonly string[])[] = [];
  return {
    directory,
    clock,
    troubles,
    deaths,
    start: () =>
      openRunNotes(directory, {
        clock,
        onDeath: (running) => deaths.push(running),
        onTrouble: (thrown) => troubles.push(thrown),
      }),
  };
}

function reasonOf(begin: () => unknown): string {
  try {
    begin();
    return 'begun';
  } catch (thrown) {
    return asOperatorError(thrown).reason;
  }
}

it('lets an object wait that was running at two deaths, and no other', () => {
  const { start } = setUp();
  const first = start();
  first.begin(web);
  first.begin(other)();
  start().begin(web);
  const third = start();
  expect(reasonOf(() => third.begin(web))).toBe('TooMuchWork');
  expect(reasonOf(() => third.begin(other))).toBe('begun');
});

it('tells what ran when the last process died, and nothing of one that ended well', () => {
  const { start, deaths } = setUp();
  const first = start();
  first.begin(web);
  first.begin(other);
  expect(deaths).toEqual([]);
  const second = start();
  expect(deaths).toEqual([[web.key, other.key]]);
  second.begin(web);
  second.close();
  start();
  expect(deaths).toHaveLength(1);
});

it('lets it run again after a change of its spec, or an hour', async () => {
  const { start, clock } = setUp();
  start().begin(web);
  start().begin(web);
  const third = start();
  expect(reasonOf(() => third.begin({ ...web, generation: 2 }))).toBe('begun');
  await clock.advance(3_600_000);
  expect(reasonOf(() => third.begin(web))).toBe('begun');
});

it('holds nothing against an object that had ended', async () => {
  const { start, clock } = setUp();
  for (let death = 0; death < 3; death++) {
    start().begin(web)();
    await clock.advance(1_000);
  }
  expect(reasonOf(() => start().begin(web))).toBe('begun');
});

it('holds nothing against what was running when the process ended in good order', () => {
  const { start } = setUp();
  for (let end = 0; end < 3; end++) {
    const notes = start();
    notes.begin(web);
    notes.close();
  }
  expect(reasonOf(() => start().begin(web))).toBe('begun');
});

it('lets work go on when it cannot be noted, and says so', () => {
  const { directory, start, troubles } = setUp();
  const notes = start();
  rmSync(directory, { recursive: true });
  expect(reasonOf(() => notes.begin(web))).toBe('begun');
  expect(troubles).toHaveLength(1);
});

it('begins anew with a file that is none, and leaves one file', () => {
  const { directory, start } = setUp();
  start();
  writeFileSync(join(directory, 'running.json'), '{"running":[{"key');
  expect(reasonOf(() => start().begin(web))).toBe('begun');
  expect(readdirSync(directory)).toEqual(['running.json']);
});
