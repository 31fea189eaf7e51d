import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

/** An API server that is not there: the operator waits for it. */
const kubeconfig = `apiVersion: v1
kind: Config
current-context: c
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:1' } }]
users: [{ name: u, user: { token: t } }]
contexts: [{ name: c, context: { cluster: c, user: u, namespace: default } }]
`;

it('opens no debugger at SIGUSR1, and goes on', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'escapement-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'kubeconfig'), kubeconfig);
  const flags = [`--kubeconfig=${join(directory, 'kubeconfig')}`, '--metrics-addr=0', '--live-addr=0'];
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const operator = spawn(process.execPath, [main, 'run', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void operator.kill('SIGKILL'));
  let said = '';
  operator.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const log = once(operator.stdout, 'data');
  await log; // it runs
  operator.kill('SIGUSR1');
  operator.kill('SIGUSR1');
  const ended = once(operator, 'exit');
  operator.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(said).not.toContain('Debugger');
}, 20_000);
