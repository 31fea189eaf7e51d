import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepMemoryOutOfDumps } from './core-dumps.ts';

/** The filter of a process of its own, and of one that it starts. */
function filtersAfter(call: string): readonly string[] {
  const program = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { keepMemoryOutOfDumps } from ${JSON.stringify(join(import.meta.dirname, 'core-dumps.ts'))};
    ${call}
    const path = '/proc/self/coredump_filter';
    const own = readFileSync(path, 'utf8');
    console.log(own + execFileSync('cat', [path], { encoding: 'utf8' }));
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
  return printed.trim().split('\n');
}

it.runIf(existsSync('/proc/self/coredump_filter'))('empties the filter of the process, and so of its children', () => {
  expect(filtersAfter('')).not.toContain('00000000');
  expect(filtersAfter('keepMemoryOutOfDumps();')).toEqual(['00000000', '00000000']);
});

it('goes on where there is no filter, and says so', () => {
  expect(keepMemoryOutOfDumps('/proc/self/no-such-filter/at-all')).toBe(false);
});
