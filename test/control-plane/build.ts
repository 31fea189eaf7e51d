// Builds the Go program of this folder, once per state of its sources, into a cache outside the tree's build outputs:
// `$ESCAPEMENT_CACHE` (default `~/.cache/escapement`) `/control-plane/<hash>/control-plane`.
// A lock makes a second builder wait for the first; correctness does not lean on it, because a finished program
// arrives under its name by a rename.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const sourceFolder = import.meta.dirname;
const sourceFiles = ['go.mod', 'go.sum', 'main.go'];
/** Where the Go installer puts the command; the installer leaves adding it to PATH to the user. */
const defaultGo = '/usr/local/go/bin/go';
const alternatives =
  'or set KUBEBUILDER_ASSETS to a directory with etcd, kube-apiserver, kube-controller-manager and kubectl';

const progressEveryMs = 1_000;
const lockHeartbeatMs = 2_000;
/** Seven missed heartbeats: the holder was killed. */
const lockStaleAfterMs = 15_000;

/** Told what happens; a line that is `passing` is out of date with the next one. */
export type Progress = (line: string, kind?: 'passing') => void;

interface Sources {
  /** As `go.mod` writes it, without the `v`: `1.36.3`. */
  readonly kubernetesVersion: string;
  /** The lowest Go that `go.mod` allows: `1.26.0`. */
  readonly goVersion: string;
  readonly hash: string;
}

interface Toolchain {
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The path of the control plane program, built first if the cache does not hold it.
 * Throws an Error with one line that names the alternatives when Go is missing, too old, or fails.
 */
export async function builtControlPlane(onProgress: Progress): Promise<string> {
  const sources = await readSources();
  const folder = join(cacheFolder(), 'control-plane', sources.hash);
  const program = join(folder, 'control-plane');
  if (await exists(program)) return program;
  const go = await findGo(sources.goVersion, ['go', defaultGo]);
  await mkdir(folder, { recursive: true });
  const release = await lock(join(folder, 'lock'), () => exists(program), onProgress);
  try {
    if (!(await exists(program))) await build({ go, sources, program, onProgress });
  } finally {
    await release();
  }
  return program;
}

/** The root of all that tests keep between runs. */
export function cacheFolder(): string {
  return resolve(process.env['ESCAPEMENT_CACHE'] || join(homedir(), '.cache', 'escapement'));
}

async function readSources(): Promise<Sources> {
  const goMod = await readFile(join(sourceFolder, 'go.mod'), 'utf8');
  const kubernetesVersion = /^\tk8s\.io\/kubernetes v(\S+)$/m.exec(goMod)?.[1];
  const goVersion = /^go (\S+)$/m.exec(goMod)?.[1];
  if (kubernetesVersion === undefined || goVersion === undefined) {
    throw new Error('test/control-plane/go.mod: names no version of Go or of k8s.io/kubernetes');
  }
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${linkerFlags(kubernetesVersion)}\n`);
  for (const name of sourceFiles) hash.update(await readFile(join(sourceFolder, name)));
  return { kubernetesVersion, goVersion, hash: hash.digest('hex').slice(0, 16) };
}

/** The first of the candidates that is recent enough. Throws as `builtControlPlane` does. */
export async function findGo(wanted: string, candidates: readonly string[]): Promise<Toolchain> {
  // A workspace file above the checkout, or flags meant for another project, must not change what is built.
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' };
  let complaint = 'Go is not installed';
  for (const command of candidates) {
    try {
      const { stdout } = await promisify(execFile)(command, ['env', 'GOVERSION'], { cwd: sourceFolder, env });
      const found = stdout.trim().replace(/^go/, '');
      if (isAtLeast(found, wanted)) return { command, env };
      complaint = `Go ${found} is too old`;
    } catch (cause) {
      if (!isMissing(cause)) complaint = `"${command} env" failed: ${lastLine(cause)}`;
    }
  }
  throw new Error(
    `test control plane: ${complaint}; install Go ${wanted} or newer (https://go.dev/dl/), ${alternatives}`,
  );
}

function isAtLeast(found: string, wanted: string): boolean {
  const [have, want] = [found, wanted].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [at, part] of (want ?? []).entries()) {
    const difference = (have?.[at] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

interface Build {
  readonly go: Toolchain;
  readonly sources: Sources;
  readonly program: string;
  readonly onProgress: Progress;
}

async function build({ go, sources, program, onProgress }: Build): Promise<void> {
  const startedAt = performance.now();
  onProgress(
    `building Kubernetes ${sources.kubernetesVersion} for tests: the first build takes minutes, then it is cached as ${program}`,
  );
  let stage = () => 'resolving modules';
  const ticker = setInterval(() => onProgress(`${stage()}, ${elapsed(startedAt)}`, 'passing'), progressEveryMs);
  // In the folder of the final name, so that the rename stays inside one file system.
  const unfinished = `${program}.${process.pid}.unfinished`;
  try {
    let downloads = 0;
    const packages = await runGo(go, ['list', '-deps', '.'], () => {
      const count = ++downloads;
      stage = () => `downloading modules: ${count}`;
    });
    let compiled = 0;
    const compilingSince = performance.now();
    // What the compiler's own cache holds is not counted, so there may be less to do than forecast.
    stage = () => `compiling: ${forecast(compiled, packages.length, performance.now() - compilingSince)}`;
    const flags = ['-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(sources.kubernetesVersion)];
    await runGo(go, ['build', '-v', ...flags, '-o', unfinished, '.'], () => {
      compiled++;
    });
    await rename(unfinished, program);
  } finally {
    clearInterval(ticker);
    await rm(unfinished, { force: true });
  }
  onProgress(`built in ${elapsed(startedAt)}`);
}

/** `312 of at most 1604 packages, some 4 min left`; the last packages are the large ones, so it begins once there is a trend. */
export function forecast(done: number, all: number, tookMs: number): string {
  const count = `${done} of at most ${all} packages`;
  if (done < all / 20) return count;
  const leftMs = (tookMs / done) * (all - done);
  return `${count}, some ${inWords(leftMs)} left`;
}

/** Strips debug data, and stamps the version: kubectl cannot parse the placeholder that the sources carry. */
function linkerFlags(version: string): string {
  const [major, minor] = version.split('.');
  const stamps = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor };
  const variables = Object.entries(stamps).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s -w', ...variables].join(' ');
}

/** Runs the go command; gives its output lines, and each line of its standard error to `onLine` as it comes. */
async function runGo(go: Toolchain, args: readonly string[], onLine: () => void): Promise<string[]> {
  const child = spawn(go.command, args, { cwd: sourceFolder, env: go.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => output.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaints.push(line);
    onLine();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return output;
  const reason = complaints.slice(-10).join('\n  ');
  throw new Error(
    `test control plane: "go ${args[0]}" failed with code ${code}; fix that, ${alternatives}:\n  ${reason}`,
  );
}

/** Takes the lock file, or waits until `isDone`. The holder touches it, so that one left by a killed process is seen. */
async function lock(path: string, isDone: () => Promise<boolean>, onProgress: Progress): Promise<() => Promise<void>> {
  const startedAt = performance.now();
  for (let attempt = 0; !(await isDone()); attempt++) {
    try {
      await (await open(path, 'wx')).close();
    } catch (cause) {
      if (!isTaken(cause)) throw cause;
      if (attempt % 10 === 0) onProgress(`another process is building it; waiting, ${elapsed(startedAt)}`, 'passing');
      await removeWhenStale(path);
      await sleep(500);
      continue;
    }
    const heartbeat = setInterval(() => {
      const now = new Date();
      utimes(path, now, now).catch(() => {}); // a lock that somebody removed costs a second build, nothing else
    }, lockHeartbeatMs);
    return async () => {
      clearInterval(heartbeat);
      await rm(path, { force: true });
    };
  }
  return async () => {};
}

async function removeWhenStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && Date.now() - found.mtimeMs > lockStaleAfterMs) await rm(path, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function elapsed(sinceMs: number): string {
  return inWords(performance.now() - sinceMs);
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

function isTaken(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
}

function lastLine(cause: unknown): string {
  const text = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
  return text.trim().split('\n').at(-1) ?? '';
}
