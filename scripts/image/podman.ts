// podman with a storage of its own in a folder, so that nothing of a user's images is seen or touched.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Podman {
  /** Its standard output. Throws an Error with the end of its complaints when it fails. */
  run(args: readonly string[], stdin?: string): string;
  /** As `run`, with its output going to ours. */
  show(args: readonly string[]): void;
  /** Does not wait. */
  start(args: readonly string[]): ChildProcess;
  /** Settles with the exit code. */
  ended(child: ChildProcess): Promise<number | null>;
}

/** `runtime` is an OCI runtime; podman's own choice when absent. */
export function podmanIn(folder: string, runtime?: string): Podman {
  const own = [
    `--root=${join(folder, 'storage')}`,
    `--runroot=${join(folder, 'run')}`,
    '--cgroup-manager=cgroupfs', // there may be no systemd to ask
    ...(runtime === undefined ? [] : [`--runtime=${runtime}`]),
  ];
  const failed = (args: readonly string[], why: string) => new Error(`podman ${args[0]} failed: ${why}`);
  return {
    run(args, stdin = '') {
      const done = spawnSync('podman', [...own, ...args], { encoding: 'utf8', input: stdin });
      if (done.status !== 0) throw failed(args, done.stderr.trim().split('\n').at(-1) ?? '');
      return done.stdout.trim();
    },
    show(args) {
      const { status } = spawnSync('podman', [...own, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
      if (status !== 0) throw failed(args, `exit code ${status}`);
    },
    start: (args) => spawn('podman', [...own, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
    async ended(child) {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      return child.exitCode;
    },
  };
}
