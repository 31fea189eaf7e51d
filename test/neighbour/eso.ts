// Runs the real External Secrets Operator (build.ts) as a process beside a control plane. It speaks to the API server as an
// administrator, so that what it leaves alone is left alone by its own rules and not for lack of a right.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/operator.ts';
import { until } from '../support/wait.ts';

export interface Eso {
  /** Everything printed until now. */
  output(): string;
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>;
}

/** How its calls begin to name themselves in the audit log. */
export const esoUserAgent = 'external-secrets/';

const patienceMs = 30_000;

/** Starts the controller with the flags of ESO's chart, and waits until it answers. */
export async function startEso(program: string, kubeconfig: string, flags: readonly string[] = []): Promise<Eso> {
  const healthUrl = `127.0.0.1:${await freePort()}`;
  const ports = [`--metrics-addr=127.0.0.1:${await freePort()}`, `--live-addr=${healthUrl}`];
  const child = spawn(program, ['--concurrent=1', '--loglevel=info', ...ports, ...flags], {
    env: { PATH: process.env['PATH'] ?? '', KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => printed.push(text));
  }
  const eso: Eso = {
    output: () => printed.join(''),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
  await until(
    'ESO answers',
    async () => {
      if (child.exitCode !== null) throw new Error(`ESO ended with ${child.exitCode}: ${eso.output()}`);
      return (await fetch(`http://${healthUrl}/healthz`).catch(() => undefined))?.ok;
    },
    patienceMs,
  );
  return eso;
}
