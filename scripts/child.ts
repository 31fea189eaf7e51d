// Programs that a script runs to their end with its own terminal. What is told to end ends its program first: a signal to this
// process goes on to the program, which Node's `spawnSync` would leave behind.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const unfinished = new Set<(signal: NodeJS.Signals) => void>();
let endedBy: NodeJS.Signals | undefined;

for (const signal of forwarded) {
  process.on(signal, () => {
    endedBy = signal;
    for (const forward of unfinished) forward(signal);
    if (unfinished.size === 0) process.exit(128 + constants.signals[signal]);
  });
}

/**
 * Runs a program, with no terminal where it `isQuiet`. Its exit code; 128 and the signal's number where a signal ended it, as shells count. After a signal to this
 * process, it ends this process as soon as the program is gone. Throws when the program cannot be started.
 */
export function run(
  program: string,
  args: readonly string[],
  {
    isQuiet = false,
    ...options
  }: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly isQuiet?: boolean } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: isQuiet ? 'ignore' : 'inherit' });
    const forward = (signal: NodeJS.Signals) => void child.kill(signal);
    unfinished.add(forward);
    child.once('error', (cause) => {
      unfinished.delete(forward);
      reject(cause);
    });
    child.once('close', (code, signal) => {
      unfinished.delete(forward);
      if (endedBy !== undefined) process.exit(128 + constants.signals[endedBy]);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
  });
}

/** Builds dist/escapement.mjs. Gives the exit code. */
export function buildBundle(): Promise<number> {
  return run('rolldown', ['-c', 'rolldown.config.mjs', '--log-level', 'warn'], {
    cwd: new URL('..', import.meta.url).pathname,
  });
}
