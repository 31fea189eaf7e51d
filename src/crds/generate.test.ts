// The script as people and CI call it.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinitions } from './kinds.ts';

const script = join(import.meta.dirname, '../../scripts/generate.ts');

interface Run {
  readonly exitCode: number;
  readonly stderr: string;
}

function generate(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], (error, _, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stderr });
    });
  });
}

describe('npm run generate', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'generate-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  it('finds the committed files as the schemas want them', async () => {
    expect(await generate('--check')).toEqual({ exitCode: 0, stderr: '' });
  });

  it('writes manifests that read as the CRDs they came from', async () => {
    expect((await generate('--root', root)).exitCode).toBe(0);
    const names = await readdir(join(root, 'deploy/crds'));
    const read = await Promise.all(
      names.map(async (name) => parse(await readFile(join(root, 'deploy/crds', name), 'utf8'), { version: '1.1' })),
    );
    const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }) =>
      a.metadata.name.localeCompare(b.metadata.name);
    expect(read.sort(byName)).toEqual(customResourceDefinitions().sort(byName));
  });

  it('names what differs and what nothing generates any more, and mends both', async () => {
    await generate('--root', root);
    const changed = 'deploy/crds/external-secrets.io_secretstores.yaml';
    const leftover = 'deploy/crds/external-secrets.io_gone.yaml';
    await writeFile(join(root, changed), 'kind: Other\n');
    await writeFile(join(root, leftover), 'kind: Gone\n');
    const checked = await generate('--root', root, '--check');
    expect(checked.exitCode).toBe(1);
    expect(
      checked.stderr
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual([changed, leftover]);
    await generate('--root', root);
    expect((await generate('--root', root, '--check')).exitCode).toBe(0);
  });
});
