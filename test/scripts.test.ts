// What a person meets who asks a script for help, or mistypes: no script starts its work then.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = dirname(import.meta.dirname);
const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'scripts', `${script}.ts`), ...args], { cwd: root, encoding: 'utf8' });

describe.each(['check', 'demo', 'neighbours', 'rbac-proof'])('npm run %s', (script) => {
  it('says with --help what it takes, and does nothing else', () => {
    const { status, stdout, stderr } = run(script, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^usage: npm run ${script}`));
  });

  it('refuses what it does not know', () => {
    const { status, stdout, stderr } = run(script, '--nonsense');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--nonsense');
  });
});
