// Builds the real External Secrets Operator (ESO) from its Go module, once, into the cache beside the control plane's programs.
// The module is copied out of Go's cache, because the two files that register providers and generators are replaced by
// the ones here, and built with its own go.mod and go.sum. Newer releases are split into modules that name each other by
// folder, so that nothing but a checkout builds them; this is the last one that a module proxy serves whole.
import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { cacheFolder, findGo, type Progress } from '../control-plane/build.ts';

const source = {
  module: 'github.com/external-secrets/external-secrets',
  version: 'v0.20.4',
  /** As in a go.sum. */
  sum: 'h1:HhNAjWfFEshhItphr28SGsHzf2bUP7uDAOVLg76uNAg=',
  goVersion: '1.25.1',
} as const;

/** What of the module a build needs. */
const parts = ['apis', 'cmd', 'pkg', 'main.go', 'go.mod', 'go.sum'];
/** Files here that replace files of the module. */
const replaced = {
  'providers.go': join('pkg', 'provider', 'register', 'register.go'),
  'generators.go': join('pkg', 'generator', 'register', 'register.go'),
} as const;

export interface EsoFiles {
  /** Without the `v`. */
  readonly version: string;
  /** Its name is `external-secrets`, as ESO's own image has it: that is how it names itself to the API server. */
  readonly program: string;
  /** A folder with ESO's CRDs. */
  readonly crds: string;
}

const download = z.object({ Dir: z.string(), Sum: z.string() });

/** Throws an Error of one line when Go is missing or too old, the module cannot be had or is another one, or the build fails. */
export async function builtEso(onProgress: Progress): Promise<EsoFiles> {
  const folder = join(cacheFolder(), 'neighbour', await keyOfSources());
  const files = {
    version: source.version.slice(1),
    program: join(folder, 'external-secrets'),
    crds: join(folder, 'crds'),
  };
  if (await exists(files.program)) return files;
  const go = await findGo(source.goVersion, ['go', '/usr/local/go/bin/go']);
  await mkdir(folder, { recursive: true });
  const workspace = await mkdtemp(join(folder, 'build-'));
  const run = (...args: string[]) => outputOf(go.command, args, { cwd: workspace, env: go.env });
  try {
    onProgress(`building the External Secrets Operator ${files.version}: minutes once, then it is cached as ${folder}`);
    const answer = await run('mod', 'download', '-json', `${source.module}@${source.version}`);
    const { Dir: module, Sum: sum } = download.parse(JSON.parse(answer));
    if (sum !== source.sum)
      throw new Error(`${source.module}@${source.version} hashes to ${sum}, not to ${source.sum}`);
    await copySources(module, workspace);
    await copyCrds(module, files.crds);
    await run('build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', 'external-secrets', '.');
    await rename(join(workspace, 'external-secrets'), files.program);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
  return files;
}

async function keyOfSources(): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${source.sum}\n`);
  for (const name of Object.keys(replaced)) hash.update(await readFile(join(import.meta.dirname, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Writable, which Go's cache is not. */
async function copySources(module: string, workspace: string): Promise<void> {
  for (const part of parts) await cp(join(module, part), join(workspace, part), { recursive: true });
  await outputOf('chmod', ['-R', 'u+w', workspace]);
  for (const [name, path] of Object.entries(replaced)) {
    await cp(join(import.meta.dirname, name), join(workspace, path));
  }
}

async function copyCrds(module: string, folder: string): Promise<void> {
  const bases = join(module, 'config', 'crds', 'bases');
  await mkdir(folder, { recursive: true });
  const names = (await readdir(bases)).filter((name) => name.includes('external-secrets.io_'));
  for (const name of names) await cp(join(bases, name), join(folder, name), { force: true });
}

/** What a program prints. Throws an Error with the end of its complaints when it fails. */
async function outputOf(
  program: string,
  args: readonly string[],
  options: SpawnOptionsWithoutStdio = {},
): Promise<string> {
  const child = spawn(program, args, options);
  const ended = once(child, 'close');
  const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return output;
  const reason = `${output}${complaints}`.trim().split('\n').slice(-10).join('\n  ');
  throw new Error(`neighbour: "${program} ${args[0]}" failed with code ${code}:\n  ${reason}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
