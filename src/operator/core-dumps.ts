// What the kernel writes out of this process when it dies of a signal.
import { writeFileSync } from 'node:fs';

/** Which mappings a core dump of this process holds, as a mask: core(5). Threads share it, children inherit it. */
const filterPath = '/proc/self/coredump_filter';

/**
 * Has the kernel leave all memory out of core dumps of this process, whatever limits and pattern the node has: what is left are
 * registers, names of files and the beginning of the command line. False where there is no such filter, as on macOS and in gVisor.
 */
export function keepMemoryOutOfDumps(path = filterPath): boolean {
  try {
    writeFileSync(path, '0');
    return true;
  } catch {
    return false;
  }
}
