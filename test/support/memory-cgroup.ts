// The memory limit of a container, for a process under test: a cgroup of its own, where this machine lets us make one.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryCgroup {
  /** Puts what follows on its command line into the cgroup before it begins. */
  readonly launcher: readonly string[];
  /** The most that was charged so far: memory of the processes, and of the kernel for their files and sockets. */
  peakBytes(): number;
  /** Once its processes have ended. */
  remove(): void;
}

/** Where cgroups of memory are, and the names of limit and peak: version 2 and version 1. */
const versions = [
  { root: '/sys/fs/cgroup', marker: 'cgroup.controllers', limit: 'memory.max', peak: 'memory.peak' },
  {
    root: '/sys/fs/cgroup/memory',
    marker: 'memory.limit_in_bytes',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
  },
] as const;

/** Undefined where there is no right to make one. */
export function createMemoryCgroup(maxBytes: number): MemoryCgroup | undefined {
  for (const { root, marker, limit, peak } of versions) {
    const folder = join(root, `escapement-test-${process.pid}`);
    try {
      readFileSync(join(root, marker));
      mkdirSync(folder);
    } catch {
      continue;
    }
    const remove = () => rmdirSync(folder);
    try {
      writeFileSync(join(folder, limit), String(maxBytes));
      readFileSync(join(folder, peak));
    } catch {
      remove();
      continue;
    }
    const processes = join(folder, 'cgroup.procs');
    return {
      launcher: ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', processes],
      peakBytes: () => Number(readFileSync(join(folder, peak), 'utf8')),
      remove,
    };
  }
  return undefined;
}
