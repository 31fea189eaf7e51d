// The guide of `escapement env` shows commands and what they say: each block runs here as it stands, at a shell.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const bundle = join(root, 'dist/escapement.mjs');
const guide = readFileSync(join(root, 'docs/guides/env-command.md'), 'utf8');
const blocks = [...guide.matchAll(/^```console\n(.*?)^```/gms)].map(([, text = '']) => text);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'env-guide-'));
  cpSync(join(root, 'examples/env'), directory, { recursive: true });
  mkdirSync(join(directory, 'bin'));
  const program = join(directory, 'bin/escapement');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`);
  chmodSync(program, 0o755);
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Both outputs, as a terminal would show them, and nothing of a cluster. */
function shell(command: string): string {
  const env = { PATH: `${directory}/bin:/usr/bin:/bin`, HOME: directory };
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: directory, env, encoding: 'utf8' });
  return stdout + stderr;
}

describe('the guide of escapement env', () => {
  it('has blocks of commands', () => {
    expect(blocks.length).toBeGreaterThan(5);
  });

  const commands = blocks.flatMap((block) => block.split(/^\$ /m).slice(1));

  // In their order: later ones use files that earlier ones make.
  it.each(commands.map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n') + 1)]))(
    'says what comes of %s',
    (command, said) => {
      expect(shell(command)).toBe(said);
    },
  );
});
