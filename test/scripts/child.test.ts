import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const child = new URL('../../scripts/child.ts', import.meta.url).href;

/** A script that runs `program` and prints its exit code. */
function script(program: string) {
  const text = `import { run } from ${JSON.stringify(child)};
    console.log('code ' + (await run('sh', ['-c', ${JSON.stringify(program)}])));`;
  return spawn(process.execPath, ['--input-type=module', '--eval', text], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a program that a script runs', () => {
  it('gives its exit code', async () => {
    const ran = script('exit 3');
    const [text] = (await once(ran.stdout, 'data')) as [Buffer];
    expect(String(text)).toBe('code 3\n');
  });

  it('ends when the script is told to, and before it', async () => {
    const ran = script('echo $$; exec sleep 60');
    const [text] = (await once(ran.stdout, 'data')) as [Buffer];
    const pid = Number(String(text));
    expect(isAlive(pid)).toBe(true);
    ran.kill('SIGTERM');
    expect(await once(ran, 'exit')).toEqual([143, null]);
    expect(isAlive(pid)).toBe(false);
  });
});
