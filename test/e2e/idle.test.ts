// What an operator costs that has nothing to do: the parts that it need not load are not in its memory, and the files that it
// reads are few. Memory is what the process has for itself: how much of Node's own file is resident is the kernel's choice.
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createScene } from '../support/scene.ts';
import { pause } from '../support/wait.ts';

const parts = join(import.meta.dirname, '..', '..', 'dist', 'escapement');
/** 22 MiB were seen; with every part loaded it was 33. */
const mostMebibytes = 28;
/** Once it is quiet, what the start needed is collected. */
const settleMs = 9_000;
/** 0.85 MB were seen, of 2 in all. */
const mostBytes = 1_000_000;

function ownMebibytes(pid: number): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1_024;
}

/** These files of the bundle, and all that are evaluated with them. */
function evaluatedWith(entries: readonly string[]): readonly string[] {
  const files = new Set(entries.map((name) => join(parts, name)));
  for (const file of files) {
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|^import|;import)\s*"(\.[^"]+\.mjs)"/g))
      files.add(join(dirname(file), name));
  }
  return [...files];
}

describe('an operator without objects', () => {
  it('reads less than half of the bundle', () => {
    const read = evaluatedWith(['main.mjs', 'run.mjs']);
    expect(read.length).toBeGreaterThanOrEqual(4);
    expect(read.reduce((total, file) => total + statSync(file).size, 0)).toBeLessThan(mostBytes);
  });

  it.runIf(process.platform === 'linux')('has little memory of its own', async () => {
    const scene = await createScene('idle');
    onTestFinished(() => scene.end());
    await pause(settleMs);
    expect(ownMebibytes(scene.operator().pid)).toBeLessThan(mostMebibytes);
  });
});
