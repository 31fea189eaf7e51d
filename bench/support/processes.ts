// The processes that are measured: the operator, and the double beside it. Each is ended whatever happens; what the
// kernel counts of the operator is read from /proc, so that asking does not disturb it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');
/** USER_HZ, the unit of /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const stopWithinMs = 12_000;

export interface OperatorStart {
  readonly bundle: string;
  readonly kubeconfig: string;
  readonly nodeFlags: readonly string[];
  readonly flags: readonly string[];
}

export interface OperatorProcess {
  readonly pid: number;
  /** `performance.now()` just before the process was made. */
  readonly spawnedMs: number;
  /** Time from there to the first line it printed. */
  readonly firstLineMs: Promise<number>;
  /** Warnings and errors that it printed. */
  readonly complaints: readonly string[];
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export function startOperatorProcess({ bundle, kubeconfig, nodeFlags, flags }: OperatorStart): OperatorProcess {
  const args = [
    ...nodeFlags,
    bundle,
    'run',
    `--kubeconfig=${kubeconfig}`,
    '--metrics-addr=127.0.0.1:0',
    '--live-addr=127.0.0.1:0',
    '--insecure-upstream-hosts=127.0.0.1',
    ...flags,
  ];
  const spawnedMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
  const first = Promise.withResolvers<number>();
  first.promise.catch(() => {}); // told where it is asked for
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    first.resolve(performance.now() - spawnedMs);
    if (!line.includes('"level":30')) complaints.push(line);
  });
  child.on('exit', (code) => first.reject(new Error(`the operator ended with ${code} before it said a word`)));
  return {
    pid: child.pid ?? 0,
    spawnedMs,
    firstLineMs: first.promise,
    complaints,
    signal: (name) => void child.kill(name),
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGCONT'); // a stopped process would not hear of its end
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  await ended;
  clearTimeout(timer);
}

/** User and system time of a process so far, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** CPU time that all processes and the kernel used since the machine started, in seconds. */
export async function machineCpuSeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}

/** Resident memory, now and at most, in MiB. */
export async function memoryMib(pid: number): Promise<{ readonly rss: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { rss: kib('VmRSS') / 1_024, peak: kib('VmHWM') / 1_024 };
}

/** Sockets that a process has open, listening ones included. */
export async function openSockets(pid: number): Promise<number> {
  const names = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.filter((link) => link.startsWith('socket:')).length;
}

export interface UpstreamCounts {
  readonly logins: number;
  readonly lists: number;
  readonly gets: number;
  readonly connections: number;
}

export interface DoubleProcess {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  counts(): Promise<UpstreamCounts>;
  stop(): Promise<void>;
}

/** The double in a process of its own, with this seed. */
export async function startDoubleProcess(seed: object): Promise<DoubleProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-double-'));
  const seedPath = join(directory, 'seed.json');
  await writeFile(seedPath, JSON.stringify(seed));
  const script = join(root, 'scripts', 'infisical-double.ts');
  const child = spawn(process.execPath, [script, '--seed', seedPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = async () => {
    await stop(child);
    await rm(directory, { recursive: true, force: true });
  };
  const known = await settings(child).catch(async (thrown: unknown) => {
    await end();
    throw thrown;
  });
  return {
    url: known.get('URL') ?? '',
    clientId: known.get('CLIENT_ID') ?? '',
    clientSecret: known.get('CLIENT_SECRET') ?? '',
    async counts() {
      const answer = await fetch(`${known.get('ADMIN_URL')}/requests`);
      const { byKind, connections } = (await answer.json()) as Counted; // the double's own admin API
      return { logins: byKind.login, lists: byKind.list, gets: byKind.get, connections };
    },
    stop: end,
  };
}

interface Counted {
  readonly byKind: Readonly<Record<'login' | 'list' | 'get', number>>;
  readonly connections: number;
}

/** The `NAME=value` lines that the double prints once it listens. */
async function settings(child: ChildProcess): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (child.stdout === null) throw new Error('the double has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [name = '', ...value] = line.split('=');
    found.set(name, value.join('='));
    if (found.has('CLIENT_SECRET') && found.has('ACCESS_TOKEN')) return found;
  }
  throw new Error('the double ended before it listened');
}
