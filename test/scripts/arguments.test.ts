import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
/** What only CI calls. */
const noCommands = ['scripts/count-tests.ts'];
/** Parts of other scripts export something; a command is run. */
const isPart = (file: string) => /^export /m.test(readFileSync(join(root, file), 'utf8'));
/** Hands its arguments on to vitest. */
const takesAll = ['scripts/test.ts'];
const commands = ['scripts', 'bench', 'test/conformance'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.ts') && !noCommands.includes(file) && !isPart(file)),
);

const run = (script: string, flag: string) =>
  spawnSync(process.execPath, [join(root, script), flag], { encoding: 'utf8', timeout: 20_000 });

describe.each(commands)('%s', (script) => {
  it('says with --help how it is used', () => {
    const { status, stdout } = run(script, '--help');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^usage: (npm|node) /)]);
  });

  it.skipIf(takesAll.includes(script))('refuses a flag that it does not know', () => {
    const { status, stderr } = run(script, '--no-such-flag');
    expect([status, stderr]).toEqual([2, expect.stringContaining('--no-such-flag')]);
  });
});
