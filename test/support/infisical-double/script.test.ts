import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from './test-client.ts';

const script = resolve(import.meta.dirname, '../../../scripts/infisical-double.ts');
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exitCode: Promise<number | null>;
}

function run(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = new Promise<number | null>((resolvePromise) => child.once('close', resolvePromise));
  return { child, output: () => output, exitCode };
}

/** The KEY=value lines, once the last of them is there. */
async function printed({ child, output }: Run, lastKey: string): Promise<Readonly<Record<string, string>>> {
  while (!new RegExp(`^${lastKey}=.*\\n`, 'm').test(output())) {
    await new Promise((resolvePromise) => child.stdout?.once('data', resolvePromise));
  }
  return Object.fromEntries([...output().matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]));
}

describe('npm run infisical-double', () => {
  it('serves the sample data, with credentials that work, until it is told to stop', async () => {
    const double = run();
    const lines = await printed(double, 'ACCESS_TOKEN');
    const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = lines;
    const url = String(lines['URL']);
    const login = { method: 'POST', body: { clientId, clientSecret } };
    const { json } = await ask(url, '/api/v1/auth/universal-auth/login', login);
    const path = '/api/v3/secrets/raw?workspaceSlug=my-project&environment=prod&secretPath=/my-app';
    for (const token of [json.accessToken, lines['ACCESS_TOKEN'] ?? '']) {
      const keys = (await ask(url, path, { token })).json.secrets.map(({ secretKey }) => secretKey);
      expect(keys.toSorted()).toEqual(['ADMIN_PASSWORD', 'SERVICE_PASSWORD']);
    }
    expect((await ask(String(lines['ADMIN_URL']), '/requests')).json).toMatchObject({ byKind: { login: 1, list: 2 } });
    double.child.kill('SIGTERM');
    expect(await double.exitCode).toBe(0);
    expect(double.output()).toMatch(/^ready, with my-project; .*--insecure-upstream-hosts=127\.0\.0\.1:\d+$/m);
  });

  const refused: readonly (readonly string[])[] = [
    ['--port', 'x'],
    ['--seed', '/nonexistent.json'],
  ];
  it.each(refused)('refuses %s %s with a line that says why', async (...args) => {
    const double = run(...args);
    expect(await double.exitCode).toBe(1);
    expect(double.output()).toMatch(/^infisical-double: .+\nusage:/);
  });

  it('names the member of a seed that is wrong', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'seed-'));
    const file = join(directory, 'seed.json');
    await writeFile(file, JSON.stringify({ projects: [{ slug: 'a', secrets: { dev: { '/': { K: 1 } } } }] }));
    const double = run('--seed', file);
    expect(await double.exitCode).toBe(1);
    expect(double.output()).toContain('projects.0.secrets.dev./.K');
    await rm(directory, { recursive: true });
  });
});
