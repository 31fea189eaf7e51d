// Child processes that never outlive this one, however it ends. A guard, a small shell in a session of its own, holds
// the reading end of a pipe and knows the process ids; when the pipe closes (stop, exit, crash, SIGKILL of this
// process) it kills what is left and removes the temporary directory. Thus no exit handler has to be reliable.
//
//   this process ──pipe──> guard        EOF: kill -9 the ids of the last line, rm -rf the directory
//        └─ starts ─> etcd, kube-apiserver, …   (own sessions: a Ctrl-C in the terminal reaches only this process)
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from './commands.ts';

/** The killed processes may still write for an instant after the signal, hence the attempts. */
const guardScript = `
  pids=
  while IFS= read -r line; do pids=$line; done
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null
  [ -z "$1" ] && exit
  for attempt in 1 2 3 4 5; do rm -rf -- "$1" 2>/dev/null && exit; sleep 1; done
`;

const logTailLines = 15;

export interface RunningProcess {
  readonly name: string;
  /** How it ended (`exited with code 1`), or undefined while it runs. */
  ending(): string | undefined;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** SIGTERM, and SIGKILL after the grace period (none: at once); settles when the process is gone. */
  stop(graceMs: number): Promise<void>;
  /** The last lines it logged. */
  logTail(): Promise<string>;
}

export interface ProcessSpec {
  readonly name: string;
  readonly command: Command;
  readonly args: readonly string[];
  readonly logPath: string;
  /** Called when the process ends without having been stopped. */
  readonly onUnexpectedEnd: (ending: string) => void;
}

/** Owns the guard and the list of processes that it watches over. */
export class GuardedProcesses {
  readonly #guard: ChildProcess;
  readonly #pids = new Set<number>();

  /** `temporaryDirectory` is removed with everything in it once this process is gone or `release` is called. */
  constructor(temporaryDirectory: string | undefined) {
    const args = ['-c', guardScript, 'control-plane-guard', temporaryDirectory ?? ''];
    this.#guard = spawn('/bin/sh', args, { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
    // A guard that somebody killed must not take the tests with it: stop() still works without it.
    this.#guard.on('error', () => {});
    this.#guard.stdin?.on('error', () => {});
  }

  /** Throws when the program cannot be started at all; whether it lives on is seen by `ending`. */
  async start({ name, command, args, logPath, onUnexpectedEnd }: ProcessSpec): Promise<RunningProcess> {
    const [program, ...leading] = command;
    const log = openSync(logPath, 'a', 0o600);
    const child = spawn(program, [...leading, ...args], { detached: true, stdio: ['ignore', log, log] });
    closeSync(log); // the child has its own copy
    this.#watch(child.pid);
    const state: ChildState = { ending: undefined, isStopping: false };
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        state.ending = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
        this.#unwatch(child.pid);
        if (!state.isStopping) onUnexpectedEnd(`${name} ${state.ending}; its log is ${logPath}`);
        resolve();
      });
    });
    await once(child, 'spawn');
    return {
      name,
      ending: () => state.ending,
      signal: (signal) => void child.kill(signal),
      stop: async (graceMs) => {
        state.isStopping = true;
        if (state.ending === undefined) await end(child, ended, graceMs);
      },
      logTail: async () => (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-logTailLines).join('\n'),
    };
  }

  /** Lets the guard do its last work and waits for it. Stop the processes first. */
  async release(): Promise<void> {
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return;
    const exited = once(this.#guard, 'exit');
    this.#guard.stdin?.end();
    await exited;
  }

  #watch(pid: number | undefined): void {
    if (pid !== undefined) this.#pids.add(pid);
    this.#tellGuard();
  }

  #unwatch(pid: number | undefined): void {
    if (pid !== undefined) this.#pids.delete(pid);
    this.#tellGuard();
  }

  #tellGuard(): void {
    this.#guard.stdin?.write(`${[...this.#pids].join(' ')}\n`);
  }
}

interface ChildState {
  ending: string | undefined;
  isStopping: boolean;
}

async function end(child: ChildProcess, ended: Promise<void>, graceMs: number): Promise<void> {
  if (graceMs === 0) child.kill('SIGKILL');
  child.kill('SIGTERM');
  child.kill('SIGCONT'); // a paused process would keep SIGTERM waiting
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(kill);
}
