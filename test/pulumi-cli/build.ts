// Builds the public command line of Pulumi ESC from its Go module, once, into the cache beside the control plane's programs.
// The go.mod here names its release; tests let it talk to the double, as a client that this project did not write.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, findGo } from '../control-plane/build.ts';

const folder = import.meta.dirname;
const sourceFiles = ['go.mod', 'go.sum'];
const command = 'github.com/pulumi/esc/cmd/esc';

/** The program, or why there is none here: no Go, or no way to its modules. Throws when the build fails. */
export async function builtPulumiCli(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const name of sourceFiles) hash.update(await readFile(join(folder, name)));
  const built = join(cacheFolder(), 'pulumi-cli', hash.digest('hex').slice(0, 16));
  const program = join(built, 'esc');
  if (await exists(program)) return { program };
  const go = await findGo('1.26', ['go', '/usr/local/go/bin/go']).catch(() => undefined);
  if (go === undefined) return { missing: 'the public command line is built with Go, which is not here' };
  const run = (...args: string[]) => promisify(execFile)(go.command, args, { cwd: folder, env: go.env });
  try {
    await run('list', '-deps', command); // loads what the build needs, and no more
  } catch {
    return { missing: 'the modules of the public command line cannot be had here' };
  }
  await mkdir(built, { recursive: true });
  const unfinished = `${program}.${process.pid}.unfinished`;
  try {
    await run('build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', unfinished, command);
    await rename(unfinished, program);
  } finally {
    await rm(unfinished, { force: true });
  }
  return { program };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
