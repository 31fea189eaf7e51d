// Runs the built operator as a process, as a cluster would: flags, a kubeconfig, SIGTERM at the end. What it prints is
// kept, so that a test can look for a planted value in it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

const bundle = join(import.meta.dirname, '..', '..', 'dist', 'escapement.mjs');

export interface OperatorOptions {
  readonly kubeconfig: string;
  /** Serve one namespace only, so that tests on one control plane do not meet. Empty serves all. */
  readonly namespace?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A copy of everything printed goes here as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface Operator {
  readonly pid: number;
  readonly metricsUrl: string;
  readonly healthUrl: string;
  /** Everything printed until now. */
  output(): string;
  /** SIGTERM, or another signal; resolves with the exit code once the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** The value of one metric, summed over the series whose text holds `matching`. */
  metric(name: string, matching?: string): Promise<number>;
}

/** Starts the operator and, unless told otherwise, waits until /readyz says yes. */
export async function startOperator(options: OperatorOptions, waitReady = true): Promise<Operator> {
  const [metricsPort, healthPort] = [await freePort(), await freePort()];
  const flags = [
    `--kubeconfig=${options.kubeconfig}`,
    `--metrics-addr=127.0.0.1:${metricsPort}`,
    `--live-addr=127.0.0.1:${healthPort}`,
    '--enable-leader-election=false',
    '--insecure-upstream-hosts=127.0.0.1,localhost',
    ...(options.namespace === undefined ? [] : [`--namespace=${options.namespace}`]),
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [bundle, 'run', ...flags], {
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed.push(text);
      options.onOutput?.(text);
    });
  }
  const operator = handle(child, printed, metricsPort, healthPort);
  if (waitReady) await whenReady(child, operator);
  return operator;
}

function handle(child: ChildProcess, printed: readonly string[], metricsPort: number, healthPort: number): Operator {
  const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  return {
    pid: child.pid ?? 0,
    metricsUrl,
    healthUrl: `http://127.0.0.1:${healthPort}`,
    output: () => printed.join(''),
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      return child.exitCode;
    },
    async metric(name, matching = '') {
      const text = await (await fetch(metricsUrl)).text();
      return text
        .split('\n')
        .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(matching))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
  };
}

async function whenReady(child: ChildProcess, operator: Operator): Promise<void> {
  const untilMs = Date.now() + 30_000;
  while (Date.now() < untilMs) {
    if (child.exitCode !== null) throw new Error(`the operator ended with ${child.exitCode}: ${operator.output()}`);
    const answer = await fetch(`${operator.healthUrl}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  await operator.stop('SIGKILL');
  throw new Error(`the operator was not ready within 30 s: ${operator.output()}`);
}

/** A TCP port of the loopback interface that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
