// Builds a program from public Go modules, once per state of its sources, into the cache beside the control plane's programs.
// Tests let it talk to the operator as a client or a server that this project did not write.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, findGo } from '../control-plane/build.ts';

export interface GoProgram {
  readonly name: string;
  /** What it is, for the reason why it is not there: `the public command line`. */
  readonly title: string;
  /** Holds `go.mod`. */
  readonly folder: string;
  /** Files of the folder that it is made of. */
  readonly files: readonly string[];
  /** The package to build: `.`, or one of a module that `go.mod` names. */
  readonly package: string;
}

/** A program's path, or why there is none. */
export type BuiltProgram = { readonly program: string } | { readonly missing: string };

/** The program if the cache holds it. */
export async function cachedGoProgram(wanted: GoProgram): Promise<string | undefined> {
  const program = await pathOf(wanted);
  return (await exists(program)) ? program : undefined;
}

/** The program, built first if the cache does not hold it. Throws when the build fails. */
export async function builtGoProgram(wanted: GoProgram): Promise<BuiltProgram> {
  const { title, folder } = wanted;
  const program = await pathOf(wanted);
  if (await exists(program)) return { program };
  const go = await findGo('1.26', ['go', '/usr/local/go/bin/go']).catch(() => undefined);
  if (go === undefined) return { missing: `${title} is built with Go, which is not here` };
  const run = (...args: string[]) => promisify(execFile)(go.command, args, { cwd: folder, env: go.env });
  try {
    await run('list', '-deps', wanted.package); // loads what the build needs, and no more
  } catch {
    return { missing: `the modules of ${title} cannot be had here` };
  }
  await mkdir(join(program, '..'), { recursive: true });
  const unfinished = `${program}.${process.pid}.unfinished`;
  try {
    await run('build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', unfinished, wanted.package);
    await rename(unfinished, program);
  } finally {
    await rm(unfinished, { force: true });
  }
  return { program };
}

async function pathOf({ name, folder, files, package: path }: GoProgram): Promise<string> {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${path}\n`);
  for (const file of files) hash.update(await readFile(join(folder, file)));
  return join(cacheFolder(), name, hash.digest('hex').slice(0, 16), name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
